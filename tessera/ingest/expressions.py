"""Predicates and expressions of jobs: users' SQL over field names, checked against the warehouse's allow-list.

Source: contracts/ingest.md, 5.2 (parsing) and 6.10 (expectations: as in WHERE, no aggregates).
"""

import re

from sqlglot import exp

from tessera.kernel.errors import Invalid
from tessera.warehouse import SqlRefused, identifier, safe_expression

_SYSTEM = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


def predicate(text: str, dialect: str) -> exp.Expr:
    """The condition of an expectation.

    Raises:
        Invalid: it cannot be read, or says more than an expectation may.
    """
    return _checked(text, dialect, "the expectation")


def transformation(name: str, text: str, dialect: str) -> exp.Expr:
    """The expression of a column transformation.

    Raises:
        Invalid: it cannot be read, or says more than a transformation may.
    """
    return _checked(text, dialect, f"COLUMN_TRANSFORMATIONS, {name}")


def _checked(text: str, dialect: str, what: str) -> exp.Expr:
    try:
        return safe_expression(_quoted_system_columns(text), dialect="duckdb", engine=dialect)
    except SqlRefused as refused:
        raise Invalid(f"{what}: {refused.message}", field="sql") from None


def _quoted_system_columns(text: str) -> str:
    """``$event_time`` stands bare in this SQL; elsewhere a ``$`` means a parameter."""
    parts = re.split(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")", text)
    for number in range(0, len(parts), 2):
        parts[number] = _SYSTEM.sub(lambda found: identifier("$" + found.group(1)).sql("duckdb"), parts[number])
    return "".join(parts)
