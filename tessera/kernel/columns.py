"""Column types that come out of both databases as the same plain values, without objects built on the way."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from tessera.kernel.clock import instant

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

METADATA = sa.MetaData(naming_convention=NAMES)
"""Every room declares its tables on this; their names begin with the room's name."""


class _Instant(TypeDecorator[str]):
    """An aware ``datetime`` or its text in; always text like ``2026-03-01T09:30:00.000000Z`` out."""

    impl = sa.String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(sa.String(27))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return instant(value) if isinstance(value, datetime) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return None  # the driver's loader made the text already


def wide_instant(text: str) -> str:
    """PostgreSQL's ``2026-03-01 09:30:00.5+00`` (zone UTC) in our fixed width."""
    day, _, rest = text.partition(" ")
    clock, _, fraction = rest.partition("+")[0].partition(".")
    return f"{day}T{clock}.{fraction:0<6}Z"


class _Day(TypeDecorator[str]):
    """``YYYY-MM-DD`` in and out."""

    impl = sa.String(10)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.Date() if dialect.name == "postgresql" else sa.String(10))

    def bind_processor(self, dialect: Dialect) -> Any:
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return None


Id = sa.String(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")
Instant = _Instant()
Day = _Day()
Flag = sa.Boolean(create_constraint=False)
Document = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
