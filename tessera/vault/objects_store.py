"""SQL of the model's objects: one row an object, its shape in JSON, a revision for If-Match."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tessera.kernel.clock import now
from tessera.kernel.db import upsert
from tessera.kernel.tx import Tx
from tessera.vault.tables_model import LOADS, OBJECTS


def everything(tx: Tx) -> Sequence[sa.Row[Any]]:
    """All objects by kind and id; a model is small by nature."""
    return tx.all(sa.select(OBJECTS.c.kind, OBJECTS.c.id, OBJECTS.c.body).order_by(OBJECTS.c.kind, OBJECTS.c.id))


def find(tx: Tx, kind: str, object_id: str) -> sa.Row[Any] | None:
    """One object with its revision."""
    return tx.one(sa.select(OBJECTS).where(OBJECTS.c.kind == kind, OBJECTS.c.id == object_id))


def page(tx: Tx, kind: str, *, after: str | None, search: str, limit: int) -> Sequence[sa.Row[Any]]:
    """Objects of one kind by id."""
    query = sa.select(OBJECTS).where(OBJECTS.c.kind == kind)
    if after is not None:
        query = query.where(OBJECTS.c.id > after)
    if search:
        query = query.where(OBJECTS.c.id.contains(search.lower(), autoescape=True))
    return tx.all(query.order_by(OBJECTS.c.id).limit(limit))


def put(tx: Tx, kind: str, object_id: str, body: dict[str, Any], by: str | None) -> int:
    """Write an object; returns its new revision."""
    known = find(tx, kind, object_id)
    revision = 1 if known is None else int(known.revision) + 1
    values = {"kind": kind, "id": object_id, "body": body, "revision": revision, "updated_at": now(), "updated_by": by}
    tx.execute(upsert(tx, OBJECTS, values, ["kind", "id"]))
    return revision


def remove(tx: Tx, kind: str, object_id: str) -> None:
    """Forget an object."""
    tx.execute(sa.delete(OBJECTS).where(OBJECTS.c.kind == kind, OBJECTS.c.id == object_id))


def was_loaded(tx: Tx, load_ids: Sequence[str]) -> bool:
    """Whether one of these loads has ever succeeded."""
    query = sa.select(LOADS.c.seq).where(LOADS.c.object_id.in_(load_ids), LOADS.c.load_state == "succeeded").limit(1)
    return tx.scalar(query) is not None
