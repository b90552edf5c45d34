"""Trees into an engine's text. The only place where SQL text comes into being."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, UnsupportedError

from tessera.warehouse.errors import QueryFailed

_T = exp.DType
#: Columns of types that PostgreSQL lacks: unsigned and wide numbers as what holds them, nested values as JSON.
_POSTGRES_COLUMNS = {
    _T.UTINYINT: "smallint",
    _T.USMALLINT: "integer",
    _T.UINT: "bigint",
    _T.UBIGINT: "numeric(20)",
    _T.INT128: "numeric(39)",
    _T.UINT128: "numeric(39)",
    _T.STRUCT: "jsonb",
    _T.MAP: "jsonb",
    _T.ARRAY: "jsonb",
    _T.LIST: "jsonb",
    _T.JSON: "jsonb",
    _T.TIMESTAMP_S: "timestamp",
    _T.TIMESTAMP_MS: "timestamp",
    _T.TIMESTAMP_NS: "timestamp",
}


def render(tree: exp.Expr, dialect: str) -> str:
    """The text of a tree. Comments are left out: they carry nothing that an engine may read.

    Raises:
        QueryFailed: the dialect cannot say what the tree means.
    """
    if dialect == "postgres":
        tree = tree.transform(_for_postgres)
    try:
        return tree.sql(dialect=dialect, comments=False, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise QueryFailed(f"this engine cannot run the statement: {error}") from error
    except RecursionError as error:
        raise QueryFailed("the statement is nested too deeply") from error


def _for_postgres(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Unhex):
        return exp.Decode(this=node.this, charset=exp.Literal.string("hex"))
    if isinstance(node, exp.ColumnDef) and isinstance(node.args.get("kind"), exp.DataType):
        other = _POSTGRES_COLUMNS.get(node.args["kind"].this)
        if other is not None:
            node.set("kind", exp.DataType.build(other, dialect="postgres"))
    return node


def number_params(tree: exp.Expr, params: Mapping[str, Any]) -> tuple[exp.Expr, list[Any]]:
    """Named parameters as `$1, $2, …` (PostgreSQL's own form) and their values in that order."""
    names = list(params)

    def numbered(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder):
            return exp.Parameter(this=exp.Literal.number(names.index(node.name) + 1))
        return node

    missing = {node.name for node in tree.find_all(exp.Placeholder)} ^ set(names)
    if missing:
        raise ValueError(f"parameters without a value or without a place in the statement: {sorted(missing)}")
    return tree.transform(numbered), list(params.values())


@lru_cache(maxsize=4096)
def portable_type(text: str, dialect: str) -> str:
    """An engine's spelling of a type, as DuckDB's, which is the spelling of `Column.type`; unknown ones stay as is."""
    try:
        return exp.DataType.build(text, dialect=dialect).sql("duckdb")
    except (ParseError, ValueError):
        return text.upper()


def unique_names(names: Collection[str]) -> list[str]:
    """The names, with `_1`, `_2`, … where one repeats (in any case)."""
    seen: set[str] = set()
    out: list[str] = []
    for name in names:
        candidate, number = name, 0
        while candidate.lower() in seen:
            number += 1
            candidate = f"{name}_{number}"
        seen.add(candidate.lower())
        out.append(candidate)
    return out
