"""SQL of links: stored once, in the direction of the type's own name, and read from either end."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from tessera.catalog.model import LINKS, OBJECTS
from tessera.catalog.objects_store import parts
from tessera.kernel.clock import now
from tessera.kernel.db import Tx

_l = LINKS.c
_o = OBJECTS.c

Stored = tuple[str, str, str]
"""From, type, to."""


class End(Struct, frozen=True):
    """A link as one of its ends sees it, and the object at the far end. ``is_inward``: it was stored towards here."""

    here: str
    type: str
    id: str
    name: str
    technical_name: str
    object_type: str
    data_type: str
    version_id: str
    path: str
    type_path: str
    is_inward: bool = False


_FAR: Final = (
    _o.id,
    _o.name,
    _o.technical_name,
    _o.type,
    _o.data_type,
    _o.version_id,
    _o.path,
    _o.type_path,
)


def ends_of(tx: Tx, object_ids: Sequence[str]) -> list[End]:
    """All links of these objects, ordered by the far end's path and id."""
    ends: list[End] = []
    for part in parts(object_ids):
        outward = sa.select(_l.from_id, _l.type, *_FAR).join(OBJECTS, _o.id == _l.to_id).where(_l.from_id.in_(part))
        inward = sa.select(_l.to_id, _l.type, *_FAR).join(OBJECTS, _o.id == _l.from_id).where(_l.to_id.in_(part))
        ends.extend(End(*tuple(row)) for row in tx.all(outward))
        ends.extend(msgspec.structs.replace(End(*tuple(row)), is_inward=True) for row in tx.all(inward))
    return sorted(ends, key=lambda end: (end.path, end.id))


def existing(tx: Tx, wanted: Iterable[Stored]) -> set[Stored]:
    """Those of the links that are stored already."""
    keys = set(wanted)
    found: set[Stored] = set()
    for part in parts(sorted({from_id for from_id, _, _ in keys})):
        query = sa.select(_l.from_id, _l.type, _l.to_id).where(_l.from_id.in_(part))
        found.update((row.from_id, row.type, row.to_id) for row in tx.all(query))
    return found & keys


def insert(tx: Tx, links: Sequence[Stored]) -> None:
    """Store links that are not stored yet."""
    moment = now()
    for part in parts(links):
        tx.execute(
            LINKS.insert(),
            [{"from_id": a, "type": type_, "to_id": b, "created_at": moment} for a, type_, b in part],
        )


def delete(tx: Tx, link: Stored) -> bool:
    """Remove a link; whether there was one."""
    from_id, type_, to_id = link
    chosen = (_l.from_id == from_id) & (_l.type == type_) & (_l.to_id == to_id)
    return bool(tx.execute(LINKS.delete().where(chosen)).rowcount)


def delete_of(tx: Tx, object_id: str, type_: str) -> None:
    """Remove every link of one stored type that ends at ``object_id``."""
    tx.execute(LINKS.delete().where(_l.to_id == object_id, _l.type == type_))


def neighbours(
    tx: Tx, object_ids: Sequence[str], types: Sequence[str], *, outward: bool, limit: int
) -> Sequence[sa.Row[Any]]:
    """Stored links of these types from (or to) the objects: from, type, to."""
    column = _l.from_id if outward else _l.to_id
    rows: list[sa.Row[Any]] = []
    for part in parts(object_ids):
        query = sa.select(_l.from_id, _l.type, _l.to_id).where(column.in_(part), _l.type.in_(types)).limit(limit)
        rows.extend(tx.all(query))
    return rows
