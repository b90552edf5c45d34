"""Small pieces of SQL trees that the loads share: literals, latest rows, definitions of tables, views and indexes."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlglot import exp

from tessera.vault.encoding import zero_key
from tessera.warehouse import Table, column, identifier, type_of

FIRST_TIME: Final = "0001-01-01 00:00:00.000000"
"""Load time of the ghost rows."""
LAST_TIME: Final = "9999-12-31 00:00:00.000000"
"""End of what is still so."""


def moment(text: str) -> exp.Expr:
    """A load time as a literal."""
    return exp.cast(exp.Literal.string(text), "timestamp")


def equal(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """``left = right``"""
    return exp.EQ(this=left, expression=right)


def differs(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """``left <> right``"""
    return exp.NEQ(this=left, expression=right)


def missing(left: exp.Expr) -> exp.Expr:
    """``left IS NULL``"""
    return exp.Is(this=left, expression=exp.null())


def counted(condition: exp.Expr | None = None, *, distinct: exp.Expr | None = None) -> exp.Expr:
    """``COUNT(*)`` or ``COUNT(DISTINCT x)``, of the rows where the condition holds."""
    what: exp.Expr = exp.Star() if distinct is None else exp.Distinct(expressions=[distinct])
    count = exp.Count(this=what)
    return count if condition is None else exp.Filter(this=count, expression=exp.Where(this=condition))


def aliased(tree: exp.Expr, name: str) -> exp.Expr:
    """``tree AS "name"``"""
    return exp.Alias(this=tree, alias=identifier(name))


def sub(query: exp.Select, name: str) -> exp.Subquery:
    """A query as a source of rows."""
    return exp.Subquery(this=query, alias=exp.TableAlias(this=identifier(name)))


def first_of_each(query: exp.Select, keys: Sequence[exp.Expr]) -> exp.Select:
    """``SELECT DISTINCT ON (keys)``; both engines know it."""
    query.set("distinct", exp.Distinct(on=exp.Tuple(expressions=list(keys))))
    return query


def ordered(tree: exp.Expr, *, descending: bool = False) -> exp.Ordered:
    """A term of ORDER BY."""
    return exp.Ordered(this=tree, desc=descending, nulls_first=descending)


def window(function: exp.Expr, by: Iterable[exp.Expr], order: Iterable[exp.Expr]) -> exp.Expr:
    """``function OVER (PARTITION BY … ORDER BY …)``"""
    return exp.Window(this=function, partition_by=list(by), order=exp.Order(expressions=list(order)), over="OVER")


def latest(table: Table, key: str, value: str, time: str, dialect: str) -> exp.Select:
    """``h, v``: the value of the row with the greatest time, one row a key.

    DuckDB: one scan with arg_max. PostgreSQL walks its index on (key, time).
    """
    if dialect == "duckdb":
        top = exp.ArgMax(this=column(value), expression=column(time))
        picked = exp.select(aliased(column(key), "h"), aliased(top, "v")).from_(table.expression())
        return picked.group_by(column(key))
    picked = exp.select(aliased(column(key), "h"), aliased(column(value), "v")).from_(table.expression())
    picked = picked.order_by(ordered(column(key)), ordered(column(time), descending=True))
    return first_of_each(picked, [column(key)])


def create_table(table: Table, columns: Sequence[tuple[str, str]]) -> exp.Create:
    """``CREATE TABLE IF NOT EXISTS`` with portable types."""
    definitions = [exp.ColumnDef(this=identifier(name), kind=type_of(kind)) for name, kind in columns]
    return exp.Create(this=exp.Schema(this=table.expression(), expressions=definitions), kind="TABLE", exists=True)


def create_table_as(table: Table, query: exp.Expr) -> exp.Create:
    """``CREATE TABLE … AS``"""
    return exp.Create(this=table.expression(), kind="TABLE", expression=query)


def create_view(table: Table, query: exp.Expr) -> exp.Create:
    """``CREATE VIEW``"""
    return exp.Create(this=table.expression(), kind="VIEW", expression=query)


def drop(table: Table, kind: str = "TABLE") -> exp.Drop:
    """``DROP … IF EXISTS``"""
    return exp.Drop(tables=[table.expression()], kind=kind, exists=True)


def add_column(table: Table, name: str, kind: str) -> exp.Alter:
    """``ALTER TABLE … ADD COLUMN``"""
    definition = exp.ColumnDef(this=identifier(name), kind=type_of(kind))
    return exp.Alter(this=table.expression(), kind="TABLE", actions=[definition])


def unique_index(table: Table, name: str, columns: Sequence[str]) -> exp.Create:
    """PostgreSQL's second net behind the lock of the target. DuckDB's costs four times the load, so it has none."""
    terms = [exp.Ordered(this=column(one)) for one in columns]
    index = exp.Index(
        this=identifier(name), table=table.expression(), params=exp.IndexParameters(columns=terms, with_storage=False)
    )
    return exp.Create(this=index, kind="INDEX", unique=True, exists=True)


def insert_into(table: Table, columns: Sequence[str], query: exp.Expr) -> exp.Insert:
    """``INSERT INTO table (columns) query``"""
    target = exp.Schema(this=table.expression(), expressions=[identifier(name) for name in columns])
    return exp.Insert(this=target, expression=query)


def without(key: exp.Expr, table: Table, name: str) -> exp.Expr:
    """``NOT EXISTS``: no row of ``table`` has this key. Both engines make an anti join of it."""
    inner = exp.select(exp.Literal.number(1)).from_(table.expression("t")).where(equal(column(name, "t"), key))
    return exp.Not(this=exp.Exists(this=inner))


def known(key: exp.Expr) -> exp.Expr:
    """The key is not the zero key."""
    return differs(key, zero_key())
