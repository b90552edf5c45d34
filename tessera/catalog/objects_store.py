"""SQL of catalogue objects: one row each for sources, containers, structures, fields, properties, usages, processings.

No rules, no HTTP. Lists run along the index (version, data type, path, id); sub-trees are ranges of paths.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Row

from tessera.catalog.model import DATA_TYPES, DATA_TYPES_TOGETHER, OBJECTS, SEPARATOR, VERSIONS, WORKSPACES
from tessera.kernel.db import Tx

BATCH: Final = 1_000
"""Rows or ids a statement: below the parameter limits of both databases."""

T = TypeVar("T")

_c = OBJECTS.c


class Filter(Struct, frozen=True, kw_only=True):
    """Which objects a list or a count is about. ``under`` is the row of an ancestor."""

    version_id: str
    data_type: str
    under: Any = None
    max_depth: int | None = None
    name: str | None = None
    technical_name: str | None = None
    type: str | None = None


class Seek(Struct, frozen=True):
    """Where a page begins: behind a (path, id) that was shown, or after so many objects.

    ``total``: how many there were when the first page was made.
    """

    path: str | None = None
    id: str | None = None
    offset: int = 0
    total: int | None = None


def find_version(tx: Tx, version_id: str) -> Row[Any] | None:
    """The version with its workspace's id and defaults."""
    return tx.one(
        sa.select(
            VERSIONS.c.id,
            VERSIONS.c.workspace_id,
            VERSIONS.c.name,
            WORKSPACES.c.default_owner_id,
            WORKSPACES.c.default_steward_id,
        )
        .join(WORKSPACES, WORKSPACES.c.id == VERSIONS.c.workspace_id)
        .where(VERSIONS.c.id == version_id)
    )


def find(tx: Tx, version_id: str, object_id: str, data_type: str | None = None) -> Row[Any] | None:
    """One object of a version, of any or of one data type."""
    query = sa.select(OBJECTS).where(_c.id == object_id, _c.version_id == version_id)
    if data_type is not None:
        query = query.where(_c.data_type == data_type)
    return tx.one(query)


def find_child(tx: Tx, version_id: str, parent_id: str | None, technical_name: str, type_: str) -> Row[Any] | None:
    """The object with this identity (contracts/catalog.md, 7)."""
    query = sa.select(OBJECTS).where(_c.technical_name == technical_name, _c.type == type_)
    if parent_id is None:
        query = query.where(_c.version_id == version_id, _c.parent_id.is_(None))
    else:
        query = query.where(_c.parent_id == parent_id)
    return tx.one(query)


def roots_named(tx: Tx, version_id: str, names: Sequence[str]) -> list[Row[Any]]:
    """Root objects with one of these technical names."""
    rows: list[Row[Any]] = []
    for part in parts(names):
        query = sa.select(OBJECTS).where(
            _c.version_id == version_id, _c.parent_id.is_(None), _c.technical_name.in_(part)
        )
        rows.extend(tx.all(query))
    return rows


def children_of(tx: Tx, parent_ids: Sequence[str], names: Sequence[str]) -> list[Row[Any]]:
    """Direct children of all these objects, at least those with one of the technical names."""
    rows: list[Row[Any]] = []
    few = names if len(names) <= BATCH else None
    for part in parts(parent_ids):
        query = sa.select(OBJECTS).where(_c.parent_id.in_(part))
        if few is not None:
            # A schema may hold a hundred thousand tables of which the request names one.
            query = query.where(_c.technical_name.in_(few))
        rows.extend(tx.all(query))
    return rows


def named(
    tx: Tx, version_id: str, data_type: str, parent_id: str | None, keys: Sequence[tuple[bool, str]]
) -> list[Row[Any]]:
    """Direct children of one parent, or roots, by (True, technical name) or (False, name)."""
    rows: dict[str, Row[Any]] = {}
    above = _c.parent_id.is_(None) if parent_id is None else _c.parent_id == parent_id
    for by_technical in (True, False):
        column = _c.technical_name if by_technical else _c.name
        for part in parts([text for technical, text in keys if technical == by_technical]):
            conditions = (_c.version_id == version_id, _c.data_type == data_type, above, column.in_(part))
            rows.update({row.id: row for row in tx.all(sa.select(OBJECTS).where(*conditions))})
    return list(rows.values())


def by_paths(tx: Tx, version_id: str, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row[Any]]:
    """Objects by (path, type path)."""
    pairs = set(wanted)
    found: dict[tuple[str, str], Row[Any]] = {}
    for part in parts(sorted({path for path, _ in pairs})):
        query = sa.select(OBJECTS).where(_c.version_id == version_id, _c.data_type.in_(DATA_TYPES), _c.path.in_(part))
        for row in tx.all(query):
            if (row.path, row.type_path) in pairs:
                found[row.path, row.type_path] = row
    return found


def by_ids(tx: Tx, version_id: str, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Objects of a version by id; unknown ids are left out."""
    found: dict[str, Row[Any]] = {}
    for part in parts(list(dict.fromkeys(ids))):
        for row in tx.all(sa.select(OBJECTS).where(_c.version_id == version_id, _c.id.in_(part))):
            found[row.id] = row
    return found


def insert(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert objects; parents come before their children."""
    for part in parts(rows):
        tx.execute(OBJECTS.insert(), list(part))


def change(tx: Tx, object_id: str, values: Mapping[str, Any]) -> None:
    """Set some columns of one object."""
    tx.execute(OBJECTS.update().where(_c.id == object_id).values(**values))


def change_many(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set the same columns of many objects; each mapping has ``object_id`` and those columns."""
    if rows:
        columns = [name for name in rows[0] if name != "object_id"]
        statement = (
            OBJECTS.update()
            .where(_c.id == sa.bindparam("object_id"))
            .values({name: sa.bindparam(f"new_{name}", type_=_c[name].type) for name in columns})
        )
        for part in parts(rows):
            tx.execute(
                statement,
                [{"object_id": row["object_id"], **{f"new_{name}": row[name] for name in columns}} for row in part],
            )


def rename_below(tx: Tx, row: Row[Any], functional_path: str) -> None:
    """Give every object under ``row`` the functional path that its ancestor's new name makes."""
    start = len(row.functional_path) + 1
    tail = sa.func.substr(_c.functional_path, start, type_=sa.Text)
    tx.execute(
        OBJECTS.update().where(*_subtree(row)).values(functional_path=sa.literal(functional_path, sa.Text).concat(tail))
    )


def _subtree(row: Row[Any]) -> list[sa.ColumnElement[bool]]:
    """Conditions for everything under ``row``, without ``row``."""
    first, last = _below(row.path)
    return [
        _c.version_id == row.version_id,
        _c.data_type.in_(DATA_TYPES_TOGETHER[row.data_type]),
        _c.path >= first,
        _c.path < last,
        _under(row),
    ]


def _below(path: str) -> tuple[str, str]:
    """The half-open range of texts in which every path under ``path`` lies: "]" comes next after the separator."""
    return f"{path}{SEPARATOR}", f"{path}]"


def _under(row: Row[Any]) -> sa.ColumnElement[bool]:
    """Exactly the descendants: paths alone could be those of a sibling of another type."""
    own = lineage_of(row)
    return _c.ancestors.like(f"{own}%")


def lineage_of(row: Any) -> str:
    """What ``ancestors`` begins with for everything under ``row``."""
    return f"{row.ancestors}/{row.id}" if row.ancestors else str(row.id)


def descendant_count(tx: Tx, row: Row[Any]) -> int:
    """How many objects stand under ``row``, at any depth."""
    return int(tx.scalar(sa.select(sa.func.count()).select_from(OBJECTS).where(*_subtree(row))))


def child_counts(tx: Tx, parent_ids: Sequence[str]) -> dict[str, int]:
    """Number of direct children of each; parents without any are left out."""
    counts: dict[str, int] = {}
    for part in parts(parent_ids):
        query = (
            sa.select(_c.parent_id, sa.func.count().label("count")).where(_c.parent_id.in_(part)).group_by(_c.parent_id)
        )
        counts.update({row.parent_id: row._mapping["count"] for row in tx.all(query)})
    return counts


def delete_tree(tx: Tx, row: Row[Any]) -> int:
    """Delete ``row`` and everything under it; links, tags and people of all of them go by the database's own rules."""
    chosen = sa.or_(_c.id == row.id, sa.and_(*_subtree(row)))
    return int(tx.execute(OBJECTS.delete().where(chosen)).rowcount)


def _conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    under = wanted.under
    conditions: list[sa.ColumnElement[bool]] = [_c.data_type == wanted.data_type]
    if under is not None and wanted.max_depth == 0:
        # Direct children lie together in the index of siblings, in the order of their paths.
        conditions.append(_c.parent_id == under.id)
    else:
        conditions.append(_c.version_id == wanted.version_id)
        if under is not None:
            first, last = _below(under.path)
            conditions += [_c.path >= first, _c.path < last, _under(under)]
        if wanted.max_depth is not None:
            conditions.append(_c.depth <= (under.depth if under is not None else 0) + 1 + wanted.max_depth)
    for column, value in ((_c.name, wanted.name), (_c.technical_name, wanted.technical_name), (_c.type, wanted.type)):
        if value is not None:
            conditions.append(column == value)
    return conditions


def count(tx: Tx, wanted: Filter) -> int:
    """How many objects the whole list has."""
    return int(tx.scalar(sa.select(sa.func.count()).select_from(OBJECTS).where(*_conditions(wanted))))


_parent = OBJECTS.alias("parent")
PAGE_COLUMNS: Final = (
    _c.id,
    _c.name,
    _c.technical_name,
    _c.type,
    _c.data_type,
    _c.version_id,
    _c.path,
    _c.type_path,
    _c.functional_path,
    _c.ancestors,
    _parent.c.id.label("parent_id"),
    _parent.c.name.label("parent_name"),
    _parent.c.technical_name.label("parent_technical_name"),
    _parent.c.type.label("parent_type"),
    _parent.c.data_type.label("parent_data_type"),
)
ATTRIBUTE_COLUMNS: Final = (_c.status, _c.summary, _c.description, _c.attributes, _c.created_at, _c.updated_at)


def page(tx: Tx, wanted: Filter, seek: Seek, limit: int, *, with_attributes: bool) -> Sequence[Row[Any]]:
    """Up to ``limit`` objects in the order of path and id."""
    ids = sa.select(_c.id).where(*_conditions(wanted)).order_by(_c.path, _c.id).limit(limit)
    if seek.path is not None:
        ids = ids.where(sa.tuple_(_c.path, _c.id) > sa.tuple_(sa.literal(seek.path), sa.literal(seek.id, _c.id.type)))
    elif seek.offset:
        ids = ids.offset(seek.offset)
    columns = (*PAGE_COLUMNS, *ATTRIBUTE_COLUMNS) if with_attributes else PAGE_COLUMNS
    query = (
        sa.select(*columns)
        .select_from(OBJECTS.outerjoin(_parent, _parent.c.id == _c.parent_id))
        .where(_c.id.in_(ids))
        .order_by(_c.path, _c.id)
    )
    return tx.all(query)


def detail(tx: Tx, version_id: str, object_id: str, data_type: str) -> Row[Any] | None:
    """One object as ``page`` gives it, with attributes."""
    query = (
        sa.select(*PAGE_COLUMNS, *ATTRIBUTE_COLUMNS)
        .select_from(OBJECTS.outerjoin(_parent, _parent.c.id == _c.parent_id))
        .where(_c.id == object_id, _c.version_id == version_id, _c.data_type == data_type)
    )
    return tx.one(query)


def parts(values: Sequence[T]) -> Iterable[Sequence[T]]:
    """``values`` in pieces that fit into one statement."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
