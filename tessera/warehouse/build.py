"""Small builders for sqlglot trees: identifiers, parameters, values. SQL is never put together from text."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlglot import exp

from tessera.warehouse.types import Table


def table(schema: str, name: str, alias: str | None = None) -> exp.Table:
    """A quoted reference to a table."""
    return Table(schema, name).expression(alias)


def identifier(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.to_identifier(name, quoted=True)


def column(name: str, of: str | None = None) -> exp.Column:
    """A quoted column, of the table with the alias `of` when given."""
    return exp.Column(this=identifier(name), table=None if of is None else identifier(of))


def param(name: str) -> exp.Placeholder:
    """A named parameter; its value is given beside the tree (`reader.rows(tree, {"name": value})`)."""
    return exp.Placeholder(this=name)


def value(constant: Any) -> exp.Expr:
    """A Python value as a literal: str, int, float, Decimal, bool, None, bytes, date, time, datetime, timedelta."""
    if isinstance(constant, bytes):
        # sqlglot writes bytes as a bit string on PostgreSQL; the hex text through DECODE/UNHEX means bytes on both.
        return exp.Unhex(this=exp.Literal.string(constant.hex()))
    if isinstance(constant, float):
        if not math.isfinite(constant):
            return exp.cast(exp.Literal.string(str(constant)), exp.DType.DOUBLE)
        return exp.cast(exp.Literal.number(repr(constant)), exp.DType.DOUBLE)
    if isinstance(constant, Decimal):
        return exp.Literal.number(format(constant, "f"))
    if isinstance(constant, timedelta):
        return exp.cast(exp.Literal.string(f"{constant.total_seconds():.6f} seconds"), exp.DType.INTERVAL)
    if isinstance(constant, date):
        # `isoformat` fills years up to four digits; the printer's own form of year 1 is read as 2001 by PostgreSQL.
        kind = exp.DType.DATE
        if isinstance(constant, datetime):
            kind = exp.DType.TIMESTAMP if constant.tzinfo is None else exp.DType.TIMESTAMPTZ
        return exp.cast(exp.Literal.string(constant.isoformat().replace("T", " ")), kind)
    return exp.convert(constant)


def type_of(text: str) -> exp.DataType:
    """A portable type (`BIGINT`, `DECIMAL(18, 4)`, `TEXT`, `TIMESTAMP`) as a node; rendered for the engine later."""
    return exp.DataType.build(text, dialect="duckdb")
