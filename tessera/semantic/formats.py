"""The formatting tags of properties: `api.format` for dates, numbers and text.

Source: contracts/semantic.md, 4 (N8)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

_DATE_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_PART = re.compile("|".join(_DATE_PARTS))
_NUMBER = re.compile(r"(?P<thousands>#,##)?0(?:\.(?P<decimals>0+))?")


def formatter(pattern: str, type_: str) -> Callable[[Any], Any] | None:
    """A function of a value that is not null; None where the pattern says nothing for the engine's type."""
    word = type_.upper().partition("(")[0].split(" ")[0]
    if word in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
        return _dates(pattern)
    if word in ("TEXT", "VARCHAR", "CHAR"):
        return {"upper": str.upper, "lower": str.lower}.get(pattern)
    number = _NUMBER.fullmatch(pattern)
    if number is None:
        return None
    decimals = len(number["decimals"] or "")
    form = f"{',' if number['thousands'] else ''}.{decimals}f"
    return lambda value: format(Decimal(str(value)), form)


def _dates(pattern: str) -> Callable[[Any], Any]:
    def formatted(value: Any) -> str:
        moment = datetime.fromisoformat(str(value))
        return _PART.sub(lambda part: moment.strftime(_DATE_PARTS[part.group()]), pattern)

    return formatted
