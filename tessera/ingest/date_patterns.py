"""DATE_PATTERN: the time that stands in a file's path. Source: contracts/ingest.md, 3.4; Java's date letters."""

import re
from datetime import UTC, datetime
from typing import Final

from tessera.kernel.errors import Invalid

_LETTERS: Final = {
    "yyyy": r"(?P<year>\d{4})",
    "yy": r"(?P<short_year>\d{2})",
    "MM": r"(?P<month>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "dd": r"(?P<day>\d{2})",
    "d": r"(?P<day>\d{1,2})",
    "HH": r"(?P<hour>\d{2})",
    "H": r"(?P<hour>\d{1,2})",
    "mm": r"(?P<minute>\d{2})",
}
_TOKEN: Final = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<bare>[^A-Za-z'])", re.DOTALL)


class DatePattern:
    """A pattern, ready to read times from paths.

    Raises:
        Invalid: letters other than ``yyyy yy MM M dd d HH H mm``, or no year.
    """

    def __init__(self, text: str) -> None:
        parts: list[str] = []
        end = 0
        for token in _TOKEN.finditer(text):
            if token.start() != end:
                break
            end = token.end()
            if token["quoted"] is not None:
                parts.append(re.escape(token["quoted"].replace("''", "'") or "'"))
            elif token["bare"] is not None:
                parts.append(re.escape(token["bare"]))
            elif token["letters"] in _LETTERS:
                parts.append(_LETTERS[token["letters"]])
            else:
                raise Invalid(
                    f"DATE_PATTERN {text!r}: {token['letters']!r} is not among yyyy, MM, dd, HH, mm; "
                    "other text stands in single quotes",
                    field="DATE_PATTERN",
                )
        if end != len(text):
            raise Invalid(f"DATE_PATTERN {text!r}: a single quote is not closed", field="DATE_PATTERN")
        try:
            self._pattern = re.compile("".join(parts))
        except re.error:
            raise Invalid(f"DATE_PATTERN {text!r} has a part of the date twice", field="DATE_PATTERN") from None
        if not {"year", "short_year"} & self._pattern.groupindex.keys():
            raise Invalid(f"DATE_PATTERN {text!r} has no year", field="DATE_PATTERN")

    def read(self, path: str) -> datetime | None:
        """The UTC time that ``path`` (below LOCATION) begins with; None where it does not follow the pattern."""
        found = self._pattern.match(path)
        if found is None:
            return None
        parts = {name: int(value) for name, value in found.groupdict().items()}
        year = parts.get("year", parts.get("short_year", 0) + 2000)
        try:
            return datetime(
                year,
                parts.get("month", 1),
                parts.get("day", 1),
                parts.get("hour", 0),
                parts.get("minute", 0),
                tzinfo=UTC,
            )
        except ValueError:
            return None
