"""Connections: where data comes from. SQL only."""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from tessera.ingest.model import CONNECTIONS, JOBS
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import Tx


class Connection(Struct, frozen=True):
    """One connection. ``options``: name -> text as written; secret ones are sealed in ``secrets``."""

    id: str
    name: str
    kind: str
    options: dict[str, str]
    secrets: str | None
    created_by: str | None
    created_at: str
    updated_by: str | None
    updated_at: str


def _record(row: sa.Row[Any]) -> Connection:
    return Connection(
        row.id,
        row.name,
        row.kind,
        row.options,
        row.secrets,
        row.created_by,
        row.created_at,
        row.updated_by,
        row.updated_at,
    )


def find(tx: Tx, name: str) -> Connection | None:
    """By name; upper and lower case are the same."""
    row = tx.one(sa.select(CONNECTIONS).where(CONNECTIONS.c.name_key == name.lower()))
    return None if row is None else _record(row)


def find_by_id(tx: Tx, connection_id: str) -> Connection | None:
    """By id."""
    row = tx.one(sa.select(CONNECTIONS).where(CONNECTIONS.c.id == connection_id))
    return None if row is None else _record(row)


def every(tx: Tx) -> list[Connection]:
    """All connections by name."""
    return [_record(row) for row in tx.all(sa.select(CONNECTIONS).order_by(CONNECTIONS.c.name_key))]


def insert(tx: Tx, *, name: str, kind: str, options: dict[str, str], secrets: str | None, by: str) -> str:
    """Add a connection; its id."""
    connection_id, at = new_id(), now()
    tx.execute(
        CONNECTIONS.insert().values(
            id=connection_id,
            name=name,
            name_key=name.lower(),
            kind=kind,
            options=options,
            secrets=secrets,
            created_by=by,
            created_at=at,
            updated_at=at,
        )
    )
    return connection_id


def update(tx: Tx, connection_id: str, *, options: dict[str, str], secrets: str | None, by: str) -> None:
    """Replace a connection's options."""
    values = {"options": options, "secrets": secrets, "updated_by": by, "updated_at": now()}
    tx.execute(CONNECTIONS.update().where(CONNECTIONS.c.id == connection_id).values(**values))


def remove(tx: Tx, connection_id: str) -> None:
    """Forget a connection."""
    tx.execute(CONNECTIONS.delete().where(CONNECTIONS.c.id == connection_id))


def jobs_of(tx: Tx, connection_id: str) -> list[str]:
    """Names of the jobs that use a connection."""
    query = sa.select(JOBS.c.name).where(JOBS.c.connection_id == connection_id).order_by(JOBS.c.name_key)
    return [row.name for row in tx.all(query)]
