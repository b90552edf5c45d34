"""Arrow in and out of PostgreSQL: CSV for COPY on the way in, rows of Python values on the way out."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from tessera.warehouse.types import Column

#: Rows that are turned into CSV at once.
CHUNK_ROWS = 20_000

#: Digits of a DECIMAL without a declared size, such as SUM gives: 20 before the point and 18 after it.
LOOSE_DECIMAL = (38, 18)


class CsvChunks:
    """Arrow data as CSV texts that COPY reads: nulls are empty, all else is quoted."""

    def __init__(self, data: Any) -> None:
        import pyarrow

        if not isinstance(data, pyarrow.Table):
            data = pyarrow.Table.from_batches([data] if isinstance(data, pyarrow.RecordBatch) else list(data))
        self._table = data
        self.names: list[str] = data.column_names
        self.row_count: int = data.num_rows

    def texts(self, types: list[str]) -> Iterator[bytes]:
        """CSV without a header, a piece at a time; `types` are the table's types for each column."""
        import pyarrow
        from pyarrow import csv

        options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
        for start in range(0, self.row_count, CHUNK_ROWS):
            piece = self._table.slice(start, CHUNK_ROWS)
            columns = [_writable(piece.column(number), type_) for number, type_ in enumerate(types)]
            sink = io.BytesIO()
            names = [f"c{number}" for number in range(len(columns))]
            csv.write_csv(pyarrow.table(columns, names=names), sink, options)
            yield sink.getvalue()


def _writable(column: Any, target: str) -> Any:
    """The column in a type that Arrow writes as text which PostgreSQL reads."""
    import pyarrow
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if types.is_null(kind):
        return column.cast(pyarrow.string())
    if types.is_nested(kind) or (target in ("JSON", "JSONB") and not types.is_string(kind)):
        texts = [None if value is None else msgspec.json.encode(value).decode() for value in column.to_pylist()]
        return pyarrow.array(texts, pyarrow.string())
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        texts = [None if value is None else "\\x" + value.hex() for value in column.to_pylist()]
        return pyarrow.array(texts, pyarrow.string())
    if types.is_timestamp(kind):
        return column.cast(pyarrow.timestamp("us", "UTC" if kind.tz else None), safe=False)
    if types.is_duration(kind):
        texts = [None if value is None else f"{value.total_seconds()} seconds" for value in column.to_pylist()]
        return pyarrow.array(texts, pyarrow.string())
    return column


def schema_of(columns: list[Column]) -> Any:
    """The Arrow schema for columns of PostgreSQL; what has no type in Arrow is text."""
    import pyarrow

    return pyarrow.schema([(column.name, _arrow_type(column.type)) for column in columns])


def _arrow_type(text: str) -> Any:
    import pyarrow

    decimal = re.fullmatch(r"DECIMAL(?:\((\d+), (\d+)\))?", text)
    if decimal is not None:
        precision, scale = (int(part) for part in decimal.groups()) if decimal[1] else LOOSE_DECIMAL
        return (
            pyarrow.decimal128(precision, scale) if precision <= 38 else pyarrow.decimal256(min(precision, 76), scale)
        )
    plain = {
        "BOOLEAN": pyarrow.bool_(),
        "SMALLINT": pyarrow.int16(),
        "INT": pyarrow.int32(),
        "BIGINT": pyarrow.int64(),
        "REAL": pyarrow.float32(),
        "DOUBLE": pyarrow.float64(),
        "DATE": pyarrow.date32(),
        "TIME": pyarrow.time64("us"),
        "TIMESTAMP": pyarrow.timestamp("us"),
        "TIMESTAMPTZ": pyarrow.timestamp("us", "UTC"),
        "BLOB": pyarrow.binary(),
        "INT[]": pyarrow.list_(pyarrow.int32()),
        "BIGINT[]": pyarrow.list_(pyarrow.int64()),
        "TEXT[]": pyarrow.list_(pyarrow.string()),
        "DOUBLE[]": pyarrow.list_(pyarrow.float64()),
    }
    return plain.get(text, pyarrow.string())


def batch_of(rows: list[tuple[Any, ...]], schema: Any) -> Any:
    """Rows of Python values as one Arrow batch."""
    import pyarrow

    arrays = []
    for field, values in zip(schema, zip(*rows, strict=True), strict=True):
        if field.type == pyarrow.string():
            values = tuple(None if value is None else str(value) for value in values)
        arrays.append(pyarrow.array(values, field.type))
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)
