"""What a table's columns are called in the contract's words, from their types in the warehouse's spelling.

Source: contracts/ingest.md, 5.8 and 5.10.
"""

from collections.abc import Iterable
from typing import Final

from sqlglot import exp
from sqlglot.errors import ParseError

SYSTEM_COLUMNS: Final = {
    "$event_time": "TIMESTAMP",
    "$commit_time": "TIMESTAMP",
    "$event_date": "DATE",
    "$source_file": "TEXT",
    "$source_offset": "BIGINT",
    "$row_number": "BIGINT",
}
SHOWN_SYSTEM_COLUMNS: Final = ("$event_time", "$commit_time")
"""Those that ``*`` returns, after the user's own."""

_WORDS: Final = {
    exp.DType.BOOLEAN: "BOOLEAN",
    exp.DType.BIGINT: "BIGINT",
    exp.DType.INT: "BIGINT",
    exp.DType.SMALLINT: "BIGINT",
    exp.DType.DOUBLE: "DOUBLE",
    exp.DType.FLOAT: "DOUBLE",
    exp.DType.TEXT: "STRING",
    exp.DType.VARCHAR: "STRING",
    exp.DType.DATE: "DATE",
    exp.DType.TIMESTAMP: "TIMESTAMP",
    exp.DType.TIMESTAMPNTZ: "TIMESTAMP",
}


def declared_type(word: str) -> str:
    """The warehouse's spelling of a type word of CREATE TABLE."""
    return "TEXT" if word == "STRING" else word


def parsed_type(stored: str) -> exp.DataType | None:
    """A column type in the warehouse's spelling, read; None for what is no type."""
    try:
        return exp.DataType.build(stored, dialect="duckdb")
    except (ParseError, ValueError):
        return None


def decimal_sizes(kind: exp.DataType) -> tuple[int, int]:
    """Precision and scale of a decimal type."""
    sizes = [int(size.name) for size in kind.expressions] or [18, 3]
    return sizes[0], sizes[1] if len(sizes) > 1 else 0


def is_list(kind: exp.DataType) -> bool:
    """Whether the type is a list of something that is known."""
    return kind.this in (exp.DType.LIST, exp.DType.ARRAY) and bool(kind.expressions)


def fields_of(kind: exp.DataType) -> list[tuple[str, exp.DataType]]:
    """Names and types of the fields of a STRUCT."""
    return [(field.name, field.args["kind"]) for field in kind.expressions]


def type_word(stored: str) -> str:
    """The contract's word for a column type: BIGINT, STRING, RECORD, ARRAY, … (5.8)."""
    kind = parsed_type(stored)
    word = None if kind is None else _word(kind)
    if word is None:
        return "RECORD" if stored.upper() in ("JSON", "JSONB") else stored
    return word


def _word(kind: exp.DataType) -> str | None:
    """None where a part of the type has no word."""
    if kind.this in _WORDS:
        return _WORDS[kind.this]
    if kind.this == exp.DType.DECIMAL:
        precision, scale = decimal_sizes(kind)
        return f"DECIMAL({precision}, {scale})"
    if is_list(kind):
        return None if _word(kind.expressions[0]) is None else "ARRAY"
    if kind.this == exp.DType.STRUCT:
        return None if any(_word(inner) is None for _, inner in fields_of(kind)) else "RECORD"
    return None


def leaf_columns(name: str, stored: str) -> Iterable[tuple[str, str]]:
    """The column and, for nested ones, the paths of its leaves: ``customer.address.city``, ``items[].sku`` (5.10)."""
    kind = parsed_type(stored)
    if kind is None or _word(kind) is None:
        yield name, type_word(stored)
    else:
        yield from _leaves(name, kind)


def _leaves(name: str, kind: exp.DataType) -> Iterable[tuple[str, str]]:
    if kind.this == exp.DType.STRUCT:
        for field, inner in fields_of(kind):
            yield from _leaves(f"{name}.{field}", inner)
    elif is_list(kind):
        yield from _leaves(f"{name}[]", kind.expressions[0])
    else:
        yield name, _word(kind) or ""
