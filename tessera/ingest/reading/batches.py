"""What readers give: batches of rows, and rejected rows with their place. The types they may hold: see ``shapes``."""

from typing import Any, Final

from msgspec import Struct

RAW_LIMIT: Final = 4096
"""Bytes of a rejected row that are kept. Source: contract, 5.10, parse_errors."""
BLOCK_BYTES: Final = 16 << 20
"""Bytes of a text file that are parsed at once: large enough for Arrow, small enough for the memory."""


class Rejected(Struct, frozen=True):
    """A row that could not be parsed. ``line`` counts from 1; ``offset`` is the byte where it begins, -1 if unknown."""

    line: int
    offset: int
    error: str
    raw: str


class Batch(Struct, frozen=True):
    """Rows in the file's order as an Arrow table, the rows rejected between them, the bytes of text that were read."""

    table: Any
    rejected: list[Rejected]
    size_bytes: int


class Unreadable(Exception):
    """The file as a whole cannot be read. Source: contract, 6.9: one failed file, the others go on."""


def rejected(line: int, offset: int, error: str, raw: bytes) -> Rejected:
    """A rejected row, its text cut to what is kept."""
    return Rejected(
        line, offset, error, raw[:RAW_LIMIT].decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    )
