"""How users' SQL is read: the dialect (DuckDB's, with back-quoted names), and trees of queries and expressions.

Nothing is checked against the allow-list here: that happens to the rewritten tree, before an engine sees it.
Source: contracts/semantic.md, 10
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from tessera.kernel.errors import Invalid
from tessera.warehouse import SqlRefused, safe_expression
from tessera.warehouse.safety import parse_one_statement


class TesseraSQL(DuckDB):
    """DuckDB's SQL in which back quotes quote names too."""

    class Tokenizer(DuckDB.Tokenizer):
        IDENTIFIERS = ['"', "`"]  # noqa: RUF012 - sqlglot's own form


def parse_query(text: str) -> exp.Query:
    """One SELECT, UNION or WITH.

    Raises:
        Invalid: no SQL, several statements, another kind of statement.
    """
    tree = parse_one_statement(text, TesseraSQL)
    while isinstance(tree, exp.Subquery) and not tree.alias and not tree.args.get("with_"):
        tree = tree.this
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise SqlRefused(f"only SELECT and WITH … SELECT are queries; this is {tree.key.upper()}")
    return tree


def parse_expression(text: str, what: str, *, engine: str = "duckdb", aggregates: bool = False) -> exp.Expr:
    """One scalar expression, such as a condition or the formula of a property; no sub-query, no table.

    Raises:
        Invalid: anything else; the message begins with `what`.
    """
    try:
        return safe_expression(text, dialect=TesseraSQL, engine=engine, aggregates=aggregates)
    except SqlRefused as refused:
        raise Invalid(f"{what}: {refused.message}", code="sql_refused") from None


def columns_of(tree: exp.Expr) -> Iterator[exp.Column]:
    """Column nodes of an expression that are names (not `*`)."""
    for node in tree.find_all(exp.Column):
        if not isinstance(node.this, exp.Star):
            yield node


def column_text(node: exp.Column) -> str:
    """The name as one text. `measure.x` without quotes is read like `` `measure.x` ``."""
    name: str = node.name
    if node.table.lower() == "measure" and not node.args.get("db"):
        return f"measure.{name}"
    return name


def and_all(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """All of them; `conditions` is not empty."""
    return exp.and_(*conditions, copy=False)
