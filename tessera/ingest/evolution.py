"""How a table follows its data: which columns are added or widened, and what its values become on the way.

Source: contracts/ingest.md, 5.8, 5.10 (system columns) and 5.11.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from json import dumps
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from sqlglot import exp

from tessera.ingest.column_types import SYSTEM_COLUMNS, decimal_sizes, fields_of, is_list, parsed_type
from tessera.ingest.reading.shapes import (
    BOOL,
    DAY,
    DOUBLE,
    INSTANT,
    INT,
    SCALAR_SUFFIX,
    TEXT,
    convert,
    merge,
    to_text,
)
from tessera.warehouse import Column, Table, column, identifier, type_of

NAME_BYTES: Final = 63
"""What PostgreSQL keeps of a name; a longer one would be cut without a word."""

_SIMPLE: Final = {
    exp.DType.BOOLEAN: BOOL,
    exp.DType.BIGINT: INT,
    exp.DType.INT: INT,
    exp.DType.SMALLINT: INT,
    exp.DType.DOUBLE: DOUBLE,
    exp.DType.FLOAT: DOUBLE,
    exp.DType.TEXT: TEXT,
    exp.DType.VARCHAR: TEXT,
    exp.DType.DATE: DAY,
    exp.DType.TIMESTAMP: INSTANT,
    exp.DType.TIMESTAMPNTZ: INSTANT,
}
_STORED: Final = {INT: "BIGINT", DOUBLE: "DOUBLE", TEXT: "TEXT", BOOL: "BOOLEAN", INSTANT: "TIMESTAMP", DAY: "DATE"}


class Known(Struct):
    """A column as the table has it. ``shape`` is None where the engine keeps nested values as JSON."""

    name: str
    shape: pa.DataType | None
    is_declared: bool


def stored_type(shape: pa.DataType, dialect: str) -> str:
    """The column type for values of this shape, in the warehouse's spelling."""
    if shape in _STORED:
        return _STORED[shape]
    if pa.types.is_decimal(shape):
        return f"DECIMAL({shape.precision}, {shape.scale})"
    if dialect == "postgres":
        return "JSONB"
    if pa.types.is_list(shape):
        return f"{stored_type(shape.value_type, dialect)}[]"
    fields = ", ".join(f"{_quoted(field.name)} {stored_type(field.type, dialect)}" for field in shape)
    return f"STRUCT({fields})"


def _quoted(name: str) -> str:
    return identifier(name or "_").sql("duckdb")


def shape_of(stored: str) -> pa.DataType | None:
    """The shape of a column type in the warehouse's spelling; None for JSON."""
    kind = parsed_type(stored)
    return None if kind is None else _shape(kind)


def _shape(kind: exp.DataType) -> pa.DataType | None:
    if kind.this in _SIMPLE:
        return _SIMPLE[kind.this]
    if kind.this == exp.DType.DECIMAL:
        return pa.decimal128(*decimal_sizes(kind))
    if is_list(kind):
        inner = _shape(kind.expressions[0])
        return None if inner is None else pa.list_(inner)
    if kind.this == exp.DType.STRUCT:
        fields = [(name, _shape(inner)) for name, inner in fields_of(kind)]
        return None if any(shape is None for _, shape in fields) else pa.struct(fields)
    return None


class Evolution:
    """The columns of one table during one transaction. ``statements`` are to be run before the rows are added.

    Args:
        existing: the columns at the start of the transaction.
        declared: names (in lower case) that CREATE TABLE declared; their types stay.
    """

    def __init__(self, table: Table, dialect: str, existing: Iterable[Column], declared: frozenset[str]) -> None:
        self.table = table
        self.dialect = dialect
        self.declared = declared
        self.has_changed = False
        self.known: dict[str, Known] = {
            one.name.lower(): Known(one.name, shape_of(one.type), one.name.lower() in declared) for one in existing
        }

    def fit(self, data: pa.Table) -> tuple[list[exp.Expr], pa.Table, int]:
        """Statements that make room for ``data``, the data as the table takes it, and how many values became null."""
        statements: list[exp.Expr] = []
        columns: dict[str, Any] = {}
        lost = 0
        for raw, values in zip(data.column_names, data.columns, strict=True):
            name = column_name(raw)
            if values.type == pa.null() or self._is_part_of_declared(name, data):
                continue
            name, made = self._place(name, values.type, statements)
            if made.shape is None:
                fitted, nulls = _as_json(values), 0
            else:
                fitted, nulls = convert(values, made.shape)
            scalars = raw + SCALAR_SUFFIX
            if made.is_declared and made.shape is not None and scalars in data.column_names:
                # A declared column takes both what was an object and what was a scalar in this batch.
                others, more = convert(data.column(scalars), made.shape)
                fitted, nulls = pc.coalesce(fitted, others), nulls + more
            lost += nulls if made.is_declared else 0
            if self.dialect == "postgres" and fitted.type == TEXT:
                fitted, changed = _without_nul(fitted)
                lost += changed
            columns[name] = fitted
        return statements, pa.table(columns) if columns else data.select([]), lost

    def _is_part_of_declared(self, name: str, data: pa.Table) -> bool:
        """Whether this holds the scalars of a field that is declared as one column."""
        whole = name.removesuffix(SCALAR_SUFFIX)
        return whole != name and whole.lower() in self.declared and whole in data.column_names

    def stored(self, name: str) -> str:
        """The stored type of a column."""
        shape = self.known[name.lower()].shape
        return "JSONB" if shape is None else stored_type(shape, self.dialect)

    def _place(self, name: str, shape: pa.DataType, statements: list[exp.Expr]) -> tuple[str, Known]:
        """The column that values of this shape go to, made or widened where needed."""
        known = self.known.get(name.lower())
        if known is None:
            return self._add(name, shape, statements)
        if known.is_declared:
            return known.name, known
        is_record = known.shape is None or pa.types.is_struct(known.shape)
        if is_record and not pa.types.is_nested(shape):
            return self._place(known.name + SCALAR_SUFFIX, shape, statements)
        if known.shape is None:
            return known.name, known
        if pa.types.is_struct(shape) and not pa.types.is_nested(known.shape):
            scalar = known.name + SCALAR_SUFFIX
            if scalar.lower() not in self.known:
                statements.append(
                    self._alter(exp.RenameColumn(this=identifier(known.name), to=identifier(scalar), exists=False))
                )
                self.known[scalar.lower()] = Known(scalar, known.shape, is_declared=False)
                del self.known[name.lower()]
                return self._add(known.name, shape, statements)
        wider = merge(known.shape, shape)
        if wider != known.shape:
            self._widen(known, wider, statements)
        return known.name, known

    def _add(self, name: str, shape: pa.DataType, statements: list[exp.Expr]) -> tuple[str, Known]:
        stored = stored_type(shape, self.dialect)
        made = Known(name, None if stored == "JSONB" else shape, is_declared=False)
        self.known[name.lower()] = made
        self.has_changed = True
        statements.append(self._alter(exp.ColumnDef(this=identifier(name), kind=type_of(stored))))
        return name, made

    def _widen(self, known: Known, wider: pa.DataType, statements: list[exp.Expr]) -> None:
        value: exp.Expr = column(known.name)
        if wider == TEXT and pa.types.is_nested(known.shape):
            value = exp.func("TO_JSON", value)
        target = type_of(stored_type(wider, self.dialect))
        statements.append(
            self._alter(
                exp.AlterColumn(this=identifier(known.name), dtype=target, using=exp.Cast(this=value, to=target.copy()))
            )
        )
        known.shape = wider
        self.has_changed = True

    def _alter(self, action: exp.Expr) -> exp.Alter:
        return exp.Alter(this=self.table.expression(), kind="TABLE", actions=[action])


def column_name(raw: str) -> str:
    """The column's name for a field: never empty, never one of the system's own, never longer than engines keep."""
    name = raw.replace("\x00", "") or "_"
    if name.lower() in SYSTEM_COLUMNS:
        name = "_" + name
    encoded = name.encode()
    if len(encoded) > NAME_BYTES:
        digest = hashlib.sha256(encoded).hexdigest()[:8]
        name = encoded[: NAME_BYTES - 9].decode("utf-8", "ignore") + "_" + digest
    return name


def _as_json(values: Any) -> Any:
    """Nested values are written as JSON by the warehouse; a plain one that goes to a JSON column is made JSON here."""
    if pa.types.is_nested(values.type):
        return values
    return pa.array([None if one is None else dumps(to_text(one)) for one in values.to_pylist()], TEXT)


def _without_nul(values: Any) -> tuple[Any, int]:
    """Texts without the character that PostgreSQL cannot keep, and how many texts had it."""
    found = pc.sum(pc.match_substring(values, "\x00")).as_py() or 0
    return (pc.replace_substring(values, "\x00", "\N{REPLACEMENT CHARACTER}"), found) if found else (values, 0)


def with_system_columns(
    data: pa.Table,
    *,
    count: int,
    event_time: datetime,
    commit_time: datetime,
    source: str,
    first_row: int,
    places: Any = None,
) -> pa.Table:
    """The rows with the system columns. ``$row_number`` counts a file's rows from 1, ``$source_offset`` from 0.

    Args:
        count: the number of rows; ``data`` may have no column at all.
        first_row: how many rows of the file came before.
        places: where the rows stood in the batch, if some were left out.
    """
    numbers = pa.arange(first_row, first_row + count) if places is None else pc.add(places, first_row)
    columns = dict(zip(data.column_names, data.columns, strict=True)) | {
        "$event_time": pa.repeat(pa.scalar(event_time, INSTANT), count),
        "$commit_time": pa.repeat(pa.scalar(commit_time, INSTANT), count),
        "$event_date": pa.repeat(pa.scalar(event_time.date(), DAY), count),
        "$source_file": pa.repeat(pa.scalar(source, TEXT), count),
        "$source_offset": numbers,
        "$row_number": pc.add(numbers, 1),
    }
    return pa.table(columns)
