"""How PostgreSQL writes a result as JSON: one text a row, made by the server, each type in its documented form."""

from __future__ import annotations

import json

from sqlglot import exp

from tessera.warehouse.build import identifier
from tessera.warehouse.types import Column, JsonForm

_AS_IT_IS = {"SMALLINT", "INT", "BIGINT", "OID", "BOOLEAN", "JSON", "JSONB"}
_FLOATS = {"REAL", "DOUBLE"}
_FORMATS = {
    "iso": 'YYYY-MM-DD"T"HH24:MI:SS.US',
    "blank": "YYYY-MM-DD HH24:MI:SS.US",
    "blank_millis": "YYYY-MM-DD HH24:MI:SS.MS",
}
#: One call takes 100 arguments at most.
_CONCAT_ARGUMENTS = 99


def json_select(tree: exp.Expr, columns: list[Column], form: JsonForm) -> exp.Select:
    """A query of one text column: each row of `tree` as JSON.

    The text is put together from the values' texts: `json_build_object` takes 50 pairs only, and names of a row are
    cut at 63 bytes, while a name here may be of any length and may repeat.
    """
    names = [f"c{number}" for number in range(len(columns))]
    parts: list[exp.Expr] = []
    for number, (name, of) in enumerate(zip(names, columns, strict=True)):
        lead = "," if number else ""
        if form.rows == "objects":
            lead += json.dumps(of.name, ensure_ascii=False) + ":"
        if lead:
            parts.append(exp.Literal.string(lead))
        text = _value_text(exp.column(name), of.type, form)
        parts.append(exp.Anonymous(this="COALESCE", expressions=[text, exp.Literal.string("null")]))
    left, right = ("[", "]") if form.rows == "arrays" else ("{", "}")
    row = _concat([exp.Literal.string(left), *parts, exp.Literal.string(right)])
    source = exp.Subquery(
        this=tree.copy(),
        alias=exp.TableAlias(this=identifier("t"), columns=[identifier(name) for name in names]),
    )
    return exp.select(row).from_(source)


def _concat(parts: list[exp.Expr]) -> exp.Expr:
    while len(parts) > _CONCAT_ARGUMENTS:
        parts = [
            exp.Anonymous(this="CONCAT", expressions=parts[start : start + _CONCAT_ARGUMENTS])
            for start in range(0, len(parts), _CONCAT_ARGUMENTS)
        ]
    return exp.Anonymous(this="CONCAT", expressions=parts)


def _value_text(value: exp.Expr, type_: str, form: JsonForm) -> exp.Expr:
    """The JSON text of a value, NULL for null."""
    base = type_.split("(", 1)[0].strip().upper()
    if form.nested_as_text and (type_.endswith("]") or base in ("JSON", "JSONB")):
        shown = _call("ARRAY_TO_JSON", value) if type_.endswith("]") else value
        return _text(_call("TO_JSON", _text(shown)))
    if type_.endswith("]"):
        return _text(_call("ARRAY_TO_JSON", value))
    if base == "BOOLEAN" and form.booleans_as_numbers:
        return _text(exp.cast(value, "int"))
    if base in _AS_IT_IS:
        return _text(value)
    if base in _FLOATS:
        return _unless_special(value, _text(value.copy()))
    if base == "DECIMAL":
        shown = _text(value.copy())
        return _unless_special(value, _text(_call("TO_JSON", shown)) if form.decimal_as_text else shown)
    if base in ("TIMESTAMP", "TIMESTAMPTZ"):
        pattern = _FORMATS[form.timestamps]
        if base == "TIMESTAMPTZ" and form.timestamps == "iso":
            pattern += '"Z"'
        shown = _call("TO_CHAR", value.copy(), exp.Literal.string(pattern))
        is_finite = _call("ISFINITE", value)
        return exp.Case(ifs=[exp.If(this=is_finite, true=_quoted(shown))])
    if base == "DATE":
        return _quoted(_text(value))
    if base == "BLOB":
        encoded = _call("ENCODE", value, exp.Literal.string("base64"))
        return _quoted(_call("TRANSLATE", encoded, exp.Literal.string("\n"), exp.Literal.string("")))
    return _text(_call("TO_JSON", _text(value)))


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _text(value: exp.Expr) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build("text"))


def _quoted(text: exp.Expr) -> exp.Expr:
    # `||` and not CONCAT: null stays null.
    mark = exp.Literal.string('"')
    return exp.DPipe(this=exp.DPipe(this=mark, expression=text), expression=mark.copy())


def _unless_special(value: exp.Expr, text: exp.Expr) -> exp.Expr:
    """The text but for NaN and infinities, which JSON does not have."""
    special = [exp.Literal.string(word) for word in ("NaN", "Infinity", "-Infinity")]
    return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.In(this=value, expressions=special)), true=text)])
