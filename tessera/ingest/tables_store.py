"""Tables that ingest made: what was declared of them. Their rows and their present columns are the warehouse's."""

import hashlib
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from tessera.ingest.model import TABLES
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import Tx


class TableRecord(Struct, frozen=True):
    """One declared table. ``columns``: ``[{"name", "type"}]`` in the contract's words."""

    id: str
    schema: str
    name: str
    columns: list[dict[str, str]]
    partition_by: list[str]
    primary_key: list[str]
    options: dict[str, str]
    announced: str | None
    created_by: str | None
    created_at: str
    updated_at: str


def _record(row: sa.Row[Any]) -> TableRecord:
    return TableRecord(
        row.id,
        row.schema_name,
        row.name,
        row.columns,
        row.partition_by,
        row.primary_key,
        row.options,
        row.announced,
        row.created_by,
        row.created_at,
        row.updated_at,
    )


def find(tx: Tx, schema: str, name: str) -> TableRecord | None:
    """The table, if ingest made it."""
    row = tx.one(sa.select(TABLES).where(TABLES.c.schema_name == schema, TABLES.c.name == name))
    return None if row is None else _record(row)


def every(tx: Tx) -> list[TableRecord]:
    """All tables that ingest made, by name."""
    return [_record(row) for row in tx.all(sa.select(TABLES).order_by(TABLES.c.schema_name, TABLES.c.name))]


def insert(tx: Tx, **values: Any) -> str:
    """Add a table; its id."""
    table_id = new_id()
    at = now()
    tx.execute(TABLES.insert().values(id=table_id, created_at=at, updated_at=at, **values))
    return table_id


def update(tx: Tx, table_id: str, **values: Any) -> None:
    """Change what is declared of a table."""
    tx.execute(TABLES.update().where(TABLES.c.id == table_id).values(updated_at=now(), **values))


def remove(tx: Tx, table_id: str) -> None:
    """Forget a table."""
    tx.execute(TABLES.delete().where(TABLES.c.id == table_id))


def digest_of(columns: list[dict[str, str]]) -> str:
    """A digest of column names and types, to see whether they were told of."""
    text = "\n".join(f"{one['name']}\t{one['type']}" for one in columns)
    return hashlib.sha256(text.encode()).hexdigest()
