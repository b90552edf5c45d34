"""The types of rows between reader and warehouse, as Arrow types: how they are found, merged and converted.

Only these occur: bool, int64, float64, string, date32, timestamp(ms), decimal128, list, struct.
Source: contracts/ingest.md, 5.8 and 5.11.
"""

import base64
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

INT, DOUBLE, TEXT, BOOL = pa.int64(), pa.float64(), pa.string(), pa.bool_()
INSTANT, DAY = pa.timestamp("ms"), pa.date32()
INT_RANGE: Final = range(-(2**63), 2**63)
SCALAR_SUFFIX: Final = "__value"
"""Where a scalar goes that stands in a field which elsewhere is an object. Source: contract, 5.11."""
_encode = msgspec.json.Encoder(decimal_format="number").encode


def of_value(value: Any) -> pa.DataType | None:
    """The type of one value of a JSON document; None for null and for what holds nothing but nulls."""
    if value is None:
        return None
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT if value in INT_RANGE else TEXT
    if isinstance(value, float):
        return DOUBLE
    if isinstance(value, str):
        return TEXT
    if isinstance(value, list):
        item = merge_all(of_value(element) for element in value)
        return None if item is None else pa.list_(item)
    fields = [(name, of_value(inner)) for name, inner in _folded(value).items()]
    known = [(name, shape) for name, shape in fields if shape is not None]
    return pa.struct(known) if known else None


def _folded(document: dict[str, Any]) -> dict[str, Any]:
    """The document with names that differ only in case made one; the last value stays. Source: contract, 5.1."""
    if len({name.lower() for name in document}) == len(document):
        return document
    spelling: dict[str, str] = {}
    folded: dict[str, Any] = {}
    for name, value in document.items():
        folded[spelling.setdefault(name.lower(), name)] = value
    return folded


def merge_all(shapes: Iterable[pa.DataType | None]) -> pa.DataType | None:
    """The least type that holds all of them."""
    merged: pa.DataType | None = None
    for shape in shapes:
        merged = merge(merged, shape)
    return merged


def merge(left: pa.DataType | None, right: pa.DataType | None) -> pa.DataType | None:
    """The least type that holds both: integers widen to doubles, anything else that differs to text."""
    if left is None or right is None or left == right:
        return right if left is None else left
    if pa.types.is_struct(left) and pa.types.is_struct(right):
        return _merge_structs(left, right)
    if pa.types.is_list(left) and pa.types.is_list(right):
        return pa.list_(merge(left.value_type, right.value_type))
    kinds = {left, right}
    if kinds == {INT, DOUBLE}:
        return DOUBLE
    if kinds == {DAY, INSTANT}:
        return INSTANT
    if pa.types.is_decimal(left) or pa.types.is_decimal(right):
        return _merge_decimals(left, right)
    return TEXT


def _merge_structs(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    fields = {field.name.lower(): (field.name, field.type) for field in left}
    for field in right:
        name, shape = fields.get(field.name.lower(), (field.name, None))
        fields[field.name.lower()] = (name, merge(shape, field.type))
    return pa.struct(list(fields.values()))


def _merge_decimals(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if DOUBLE in (left, right):
        return DOUBLE
    sides = [pa.decimal128(19, 0) if shape == INT else shape for shape in (left, right)]
    if not all(pa.types.is_decimal(side) for side in sides):
        return TEXT
    scale = max(side.scale for side in sides)
    whole = max(side.precision - side.scale for side in sides)
    return pa.decimal128(whole + scale, scale) if whole + scale <= 38 else TEXT


def to_text(value: Any) -> str | None:
    """A value as the text that a STRING column keeps of it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return _encode(value).decode()


def fit(value: Any, shape: pa.DataType) -> Any:
    """A JSON value made to hold in ``shape``, which is at least its own type."""
    if value is None:
        return None
    if shape == TEXT:
        return to_text(value)
    if pa.types.is_list(shape):
        return [fit(element, shape.value_type) for element in value] if isinstance(value, list) else None
    if pa.types.is_struct(shape):
        if not isinstance(value, dict):
            return None
        by_name = {name.lower(): inner for name, inner in value.items()}
        return {field.name: fit(by_name.get(field.name.lower()), field.type) for field in shape}
    return float(value) if shape == DOUBLE else value


def table_of(documents: Sequence[dict[str, Any]]) -> pa.Table:
    """Documents as a table, whatever they mix. A field that is an object here, a scalar there, becomes two columns."""
    names: dict[str, str] = {}
    objects: dict[str, pa.DataType | None] = {}
    others: dict[str, pa.DataType | None] = {}
    folded = [_folded(document) for document in documents]
    for document in folded:
        for name, value in document.items():
            key = name.lower()
            names.setdefault(key, name)
            kind = objects if isinstance(value, dict) else others
            kind[key] = merge(kind.get(key), of_value(value))
    columns: dict[str, pa.Array] = {}
    for key, name in names.items():
        values = [_lookup(document, name, key) for document in folded]
        structure, scalar = objects.get(key), others.get(key)
        if structure is not None:
            columns[name] = pa.array([fit(v, structure) if isinstance(v, dict) else None for v in values], structure)
            if scalar is not None:
                rest = [None if isinstance(v, dict) else fit(v, scalar) for v in values]
                columns[name + SCALAR_SUFFIX] = pa.array(rest, scalar)
        elif scalar is not None:
            columns[name] = pa.array([fit(v, scalar) for v in values], scalar)
    return pa.table(columns) if columns else without_columns(len(documents))


def _lookup(document: dict[str, Any], name: str, key: str) -> Any:
    if name in document:
        return document[name]
    return next((value for other, value in document.items() if other.lower() == key), None)


def without_columns(count: int) -> pa.Table:
    """A table of ``count`` rows that has no column: rows without a single field that is not null."""
    return pa.table({"_": pa.nulls(count)}).select([])


def normalise(table: pa.Table) -> pa.Table:
    """The table with every column in one of the types above; columns that hold nothing but nulls are left out."""
    columns: dict[str, Any] = {}
    spelling: dict[str, str] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        clean = _clean(column.combine_chunks() if _is_nested(column.type) else column)
        if clean is not None:
            first = spelling.setdefault(name.lower(), name)
            columns[first] = clean
    return pa.table(columns) if columns else without_columns(table.num_rows)


def _is_nested(shape: pa.DataType) -> bool:
    return bool(pa.types.is_nested(shape))


def _clean(column: Any) -> Any:
    shape = column.type
    if shape in (INT, DOUBLE, TEXT, BOOL, INSTANT, DAY):
        return column
    if pa.types.is_null(shape):
        return None
    if pa.types.is_dictionary(shape):
        return _clean(column.cast(shape.value_type))
    if pa.types.is_integer(shape):
        return column.cast(INT if shape != pa.uint64() else pa.decimal128(20, 0))
    if pa.types.is_floating(shape):
        return column.cast(DOUBLE)
    if pa.types.is_large_string(shape) or pa.types.is_string_view(shape) or pa.types.is_time(shape):
        return column.cast(TEXT)
    if pa.types.is_timestamp(shape):
        return pc.cast(column, pa.timestamp("ms", tz=shape.tz), safe=False).cast(INSTANT)
    if pa.types.is_date(shape):
        return column.cast(DAY)
    if pa.types.is_decimal(shape):
        return (
            column
            if pa.types.is_decimal128(shape)
            else column.cast(pa.decimal128(min(shape.precision, 38), shape.scale))
        )
    if pa.types.is_binary(shape) or pa.types.is_large_binary(shape) or pa.types.is_fixed_size_binary(shape):
        return pa.array([None if v is None else base64.b64encode(v).decode() for v in column.to_pylist()], TEXT)
    if pa.types.is_map(shape):
        pairs = [None if v is None else [{"key": k, "value": w} for k, w in v] for v in column.to_pylist()]
        item = pa.struct([("key", shape.key_type), ("value", shape.item_type)])
        return _clean(pa.array(pairs, pa.list_(item)))
    if pa.types.is_struct(shape):
        return _clean_struct(column)
    if pa.types.is_list(shape) or pa.types.is_large_list(shape) or pa.types.is_fixed_size_list(shape):
        return _clean_list(column)
    return pa.array([None if v is None else str(v) for v in column.to_pylist()], TEXT)


def _clean_struct(column: Any) -> Any:
    mask = column.is_null()
    fields: dict[str, tuple[str, Any]] = {}
    for number, field in enumerate(column.type):
        inner = _clean(column.field(number))
        if inner is not None:
            name = fields.get(field.name.lower(), (field.name, None))[0]
            fields[field.name.lower()] = (name, inner)
    if not fields:
        return None
    names = [name for name, _ in fields.values()]
    return pa.StructArray.from_arrays([inner for _, inner in fields.values()], names=names, mask=mask)


def _clean_list(column: Any) -> Any:
    if not pa.types.is_list(column.type):
        column = column.cast(pa.list_(column.type.value_type))
    items = _clean(column.values)
    if items is None:
        return None
    return pa.ListArray.from_arrays(column.offsets, items, mask=column.is_null() if column.null_count else None)


def convert(column: Any, shape: pa.DataType) -> tuple[Any, int]:
    """The column in another type, and how many of its values could not be converted and became null.

    Source: contract, 5.8 (a value that cannot be converted gives null) and 5.11 (declared columns).
    """
    if column.type == shape:
        return column, 0
    if (
        not pa.types.is_nested(shape)
        and not pa.types.is_nested(column.type)
        and not (shape == TEXT and column.type == DOUBLE)
    ):
        try:
            return pc.cast(column, shape), 0
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
    values = column.to_pylist()
    converted = [_convert_value(value, shape) for value in values]
    lost = sum(1 for before, after in zip(values, converted, strict=True) if before is not None and after is None)
    return pa.array(converted, shape), lost


def _convert_value(value: Any, shape: pa.DataType) -> Any:
    if value is None:
        return None
    if shape == TEXT or pa.types.is_nested(shape):
        return fit(value, shape)
    try:
        return pc.cast(pa.array([value]), shape)[0].as_py()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return None
