"""Turns what a client sends, in JSON or in a query string, into values that a column takes."""

import math
import uuid
from datetime import UTC, date, datetime
from typing import Any, Final

from tessera.kernel.clock import instant
from tessera.kernel.errors import Invalid
from tessera.kernel.resources import Field, Kind

_TRUE: Final = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE: Final = frozenset({"n", "no", "f", "false", "off", "0"})
_BOUNDS: Final = {Kind.INTEGER: 2**31, Kind.BIG: 2**63}


def from_json(field: Field, value: Any) -> Any:
    """The value to store for a member of a JSON body.

    Raises:
        Invalid: another type, out of range, too long, none of the choices (code ``format``); null where a value has
            to be (code ``required``).
    """
    if field.clean is not None:
        value = field.clean(value)
    if value is None:
        if not field.nullable:
            raise Invalid(f"{field.wire_name} must have a value; got null", field=field.wire_name, code="required")
        return None
    stored = _PARSERS[field.kind](field, value)
    if field.check is not None:
        wanted = field.check(stored)
        if wanted is not None:
            raise Invalid(f"{field.wire_name} must be {wanted}; got {_shown(value)}", field=field.wire_name)
    return stored


def from_query(field: Field, value: str) -> Any:
    """The value to compare with for a filter in the query string.

    Raises:
        Invalid: not of the column's type.
    """
    if field.kind is Kind.FLAG:
        word = value.lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise _refused(field, value, "one of y, yes, t, true, on, 1, n, no, f, false, off, 0")
    if field.kind is Kind.DOCUMENT:
        raise _refused(field, value, "left out: this field cannot be filtered by")
    if field.kind in (Kind.TEXT, Kind.CHOICE):
        return value
    return _PARSERS[field.kind](field, value)


def compared(field: Field, value: Any) -> Any:
    """The value to compare with, of a query string or of a JSON list in one.

    Raises:
        Invalid: not of the column's type; without a code, as no body is at fault.
    """
    try:
        if isinstance(value, str):
            return from_query(field, value)
        if value is None or field.kind is Kind.DOCUMENT:
            raise _refused(field, value, "a value")
        return from_json(field, value)
    except Invalid as problem:
        raise Invalid(problem.message, field=field.wire_name) from None


def as_id(value: Any) -> str:
    """A UUID as lower-case text.

    Raises:
        ValueError: no UUID.
    """
    if not isinstance(value, str):
        raise ValueError("not a text")
    return str(uuid.UUID(value))


def path_id(text: str) -> str:
    """A row's id out of the path.

    Raises:
        Invalid: no UUID.
    """
    try:
        return as_id(text)
    except ValueError:
        raise Invalid(f"an id has to be a UUID; got {text[:80]!r}") from None


def _refused(field: Field, value: Any, wanted: str) -> Invalid:
    return Invalid(f"{field.wire_name} must be {wanted}; got {_shown(value)}", field=field.wire_name, code="format")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _refused(field, value, "a text")
    if field.max_length is not None and len(value) > field.max_length:
        raise _refused(field, value, f"at most {field.max_length} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refused(field, value, "a text of whole characters") from None
    return value


def _choice(field: Field, value: Any) -> str:
    if value not in field.choices:
        raise _refused(field, value, "one of " + ", ".join(field.choices))
    return str(value)


def _integer(field: Field, value: Any) -> int:
    number = value
    if isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            raise _refused(field, value, "a whole number") from None
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise _refused(field, value, "a whole number")
    bound = _BOUNDS[field.kind]
    if not -bound <= number < bound:
        raise _refused(field, value, f"between {-bound} and {bound - 1}")
    return number


def _real(field: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _refused(field, value, "a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise _refused(field, value, "a number") from None
    if not math.isfinite(number):
        raise _refused(field, value, "a finite number")
    return number


def _flag(field: Field, value: Any) -> bool:
    if value in (True, False) and isinstance(value, bool | int):
        return bool(value)
    raise _refused(field, value, "true or false")


def _day(field: Field, value: Any) -> str:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10] if "T" in value or " " in value else value).isoformat()
        except ValueError:
            pass
    raise _refused(field, value, "a date such as 2026-03-01")


def _instant(field: Field, value: Any) -> str:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
            return instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            pass
    raise _refused(field, value, "a time such as 2026-03-01T09:30:00")


def _reference(field: Field, value: Any) -> str:
    try:
        return as_id(value)
    except ValueError:
        raise _refused(field, value, "an id (a UUID)") from None


def _document(field: Field, value: Any) -> Any:
    return value


_PARSERS: Final = {
    Kind.TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.INTEGER: _integer,
    Kind.BIG: _integer,
    Kind.REAL: _real,
    Kind.FLAG: _flag,
    Kind.DAY: _day,
    Kind.INSTANT: _instant,
    Kind.REFERENCE: _reference,
    Kind.DOCUMENT: _document,
}
