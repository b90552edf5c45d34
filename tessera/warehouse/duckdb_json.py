"""How DuckDB writes a result as JSON: one text a row, made inside the engine, each type in its documented form."""

from __future__ import annotations

import msgspec
from sqlglot import exp
from sqlglot.errors import ParseError

from tessera.warehouse.build import identifier
from tessera.warehouse.types import Column, JsonForm

_T = exp.DType
_FLOATS = {_T.DOUBLE, _T.FLOAT}
_PLAIN = {
    *(_T.BOOLEAN, _T.TINYINT, _T.SMALLINT, _T.INT, _T.BIGINT, _T.INT128),
    *(_T.UTINYINT, _T.USMALLINT, _T.UINT, _T.UBIGINT, _T.UINT128, _T.TEXT, _T.VARCHAR, _T.JSON, _T.NULL),
}
_NESTED = {_T.ARRAY, _T.LIST, _T.STRUCT, _T.MAP, _T.JSON}
_TIMESTAMPS = {_T.TIMESTAMP, _T.TIMESTAMPNTZ, _T.TIMESTAMP_S, _T.TIMESTAMP_MS, _T.TIMESTAMP_NS, _T.TIMESTAMPTZ}
_BYTES = {_T.BINARY, _T.VARBINARY, _T.BLOB}
#: `%f` is six digits, `%g` three (milliseconds).
_FORMATS = {"iso": "%Y-%m-%dT%H:%M:%S.%f", "blank": "%Y-%m-%d %H:%M:%S.%f", "blank_millis": "%Y-%m-%d %H:%M:%S.%g"}


def json_select(tree: exp.Expr, columns: list[Column], form: JsonForm) -> exp.Select:
    """A query of one text column: each row of `tree` as JSON, followed by a comma.

    Columns get numbers inside, so that names may repeat and may be of any form.
    """
    names = [f"c{number}" for number in range(len(columns))]
    values = [_json_value(exp.column(name), _parsed(of.type), form) for name, of in zip(names, columns, strict=True)]
    if form.rows == "arrays":
        row = exp.Anonymous(this="json_array", expressions=values)
    else:
        pairs = [
            part for of, value in zip(columns, values, strict=True) for part in (exp.Literal.string(of.name), value)
        ]
        row = exp.Anonymous(this="json_object", expressions=pairs)
    source = exp.Subquery(
        this=tree.copy(),
        alias=exp.TableAlias(this=identifier("t"), columns=[exp.to_identifier(name) for name in names]),
    )
    text = exp.DPipe(this=exp.cast(row, _T.TEXT), expression=exp.Literal.string(","))
    return exp.select(text).from_(source)


def _parsed(text: str) -> exp.DataType | None:
    try:
        return exp.DataType.build(text, dialect="duckdb")
    except (ParseError, ValueError):
        return None


def _json_value(value: exp.Expr, type_: exp.DataType | None, form: JsonForm) -> exp.Expr:
    """The value in the form that JSON gets; the value itself where DuckDB's own form is right."""
    if type_ is None:
        return exp.cast(value, _T.TEXT)
    kind = type_.this
    if kind == _T.BOOLEAN and form.booleans_as_numbers:
        return exp.cast(value, _T.INT)
    if form.nested_as_text and kind in _NESTED:
        inner = _json_value(value, type_, msgspec.structs.replace(form, nested_as_text=False))
        return exp.cast(exp.Anonymous(this="to_json", expressions=[inner]), _T.TEXT)
    if kind in _PLAIN:
        return value
    if kind in _FLOATS:
        return _when_finite(value, value.copy())
    if kind == _T.DECIMAL:
        return exp.cast(value, _T.TEXT) if form.decimal_as_text else value
    if kind in _TIMESTAMPS:
        return _timestamp(value, kind, form)
    if kind in _BYTES:
        return exp.Anonymous(this="base64", expressions=[value])
    if kind in (_T.ARRAY, _T.LIST):
        return _list(value, type_, form)
    if kind == _T.STRUCT:
        return _struct(value, type_, form)
    if kind == _T.MAP:
        return _map(value, type_, form)
    return exp.cast(value, _T.TEXT)


def _when_finite(tested: exp.Expr, value: exp.Expr) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=exp.Anonymous(this="isfinite", expressions=[tested]), true=value)])


def _timestamp(value: exp.Expr, kind: exp.DType, form: JsonForm) -> exp.Expr:
    pattern = _FORMATS[form.timestamps]
    shown = value.copy()
    if kind == _T.TIMESTAMPTZ:
        shown = exp.AtTimeZone(this=shown, zone=exp.Literal.string("UTC"))
        if form.timestamps == "iso":
            pattern += "Z"
    else:
        shown = exp.cast(shown, _T.TIMESTAMP)
    text = exp.Anonymous(this="strftime", expressions=[shown, exp.Literal.string(pattern)])
    return _when_finite(value, text)


def _list(value: exp.Expr, type_: exp.DataType, form: JsonForm) -> exp.Expr:
    inner = type_.expressions[0] if type_.expressions else None
    if not isinstance(inner, exp.DataType):
        return exp.cast(value, _T.TEXT)
    # The name must differ from the one of an enclosing list.
    name = f"e{sum(1 for _ in value.find_all(exp.Column))}{len(list(value.walk()))}"
    item = exp.column(name)
    shown = _json_value(item, inner, form)
    if shown is item:
        return value
    mapper = exp.Lambda(this=shown, expressions=[exp.to_identifier(name)])
    return exp.Anonymous(this="list_transform", expressions=[value, mapper])


def _struct(value: exp.Expr, type_: exp.DataType, form: JsonForm) -> exp.Expr:
    pairs: list[exp.Expr] = []
    for field in type_.expressions:
        if not isinstance(field, exp.ColumnDef):
            return exp.cast(value, _T.TEXT)
        name = exp.Literal.string(field.name)
        part = exp.Anonymous(this="struct_extract", expressions=[value.copy(), name])
        pairs += [name.copy(), _json_value(part, field.args["kind"], form)]
    made = exp.Anonymous(this="json_object", expressions=pairs)
    return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Is(this=value.copy(), expression=exp.null())), true=made)])


def _map(value: exp.Expr, type_: exp.DataType, form: JsonForm) -> exp.Expr:
    """Maps with text keys as objects, which is what DuckDB does; inner values are taken as DuckDB writes them."""
    inner = type_.expressions[1] if len(type_.expressions) == 2 else None
    item = exp.column("v")
    if isinstance(inner, exp.DataType) and _json_value(item, inner, form) is item:
        return value
    shown = _json_value(item, inner, form)
    values = exp.Anonymous(
        this="list_transform",
        expressions=[
            exp.Anonymous(this="map_values", expressions=[value.copy()]),
            exp.Lambda(this=shown, expressions=[exp.to_identifier("v")]),
        ],
    )
    keys = exp.Anonymous(this="map_keys", expressions=[value.copy()])
    return exp.Anonymous(this="map", expressions=[keys, values])
