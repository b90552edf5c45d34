"""What SQL from users may reach. Every piece of the parsed tree must be on a list; what is unknown is refused.

The engine gets text that is printed from the checked tree, never the user's own text.
Source: contracts/semantic.md, 11.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from sqlglot import exp
from sqlglot.dialects.dialect import DialectType

from tessera.warehouse.types import Table

#: Which tables a statement may name: a collection, or a question answered by the caller.
AllowedTables: TypeAlias = Collection[Table] | Callable[[Table], bool]


def safe_select(
    sql: str,
    *,
    dialect: DialectType,
    tables: AllowedTables,
    default_schema: str | None = None,
    engine: str | None = None,
    functions: Collection[str] = (),
) -> exp.Query:
    """Parse one SELECT, WITH or UNION of a user and check every node of it (see `check_select`).

    Args:
        dialect: what the text is written in; a sqlglot name or a dialect of our own.
        tables: what it may read.
        default_schema: where names without a schema are; without it such names are refused.
        engine: the engine that will run it, `duckdb` or `postgres`; by default the text's dialect.
        functions: further function names that the caller itself replaces before running.

    Raises:
        SqlRefused: with line, column and the piece that is not allowed.
    """
    raise NotImplementedError


def check_select(
    tree: exp.Expr,
    *,
    engine: str,
    tables: AllowedTables,
    default_schema: str | None = None,
    functions: Collection[str] = (),
) -> exp.Query:
    """A checked, closed copy of the tree: identifiers quoted, tables with their schema, CTEs renamed, no comments.

    Raises:
        SqlRefused: with line, column and the piece that is not allowed.
    """
    raise NotImplementedError


def safe_expression(
    sql: str,
    *,
    dialect: DialectType,
    columns: Collection[str] | None = None,
    engine: str | None = None,
    functions: Collection[str] = (),
    aggregates: bool = False,
) -> exp.Expr:
    """Parse one scalar expression over `columns` (any when None): no sub-queries, no tables, no parameters.

    Raises:
        SqlRefused: with line, column and the piece that is not allowed.
    """
    raise NotImplementedError
