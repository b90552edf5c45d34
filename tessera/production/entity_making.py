"""Making and removing assets, shots, sequences and the like by their own routes.

Source: contracts/production.md, 6.2 to 6.5
"""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct, field

from tessera.kernel.access import Principal
from tessera.kernel.db import METADATA, Tx
from tessera.kernel.errors import Forbidden, Invalid, NotFound
from tessera.kernel.resource_changes import create
from tessera.kernel.resource_queries import answer_of
from tessera.production.access import Role, at_least, require_manager, require_team
from tessera.production.entities import ENTITY
from tessera.production.entity_rules import record_entity, remove_entity
from tessera.production.studio_store import TECHNICAL_TYPES, ensure_entity_type

_E = ENTITY.sa_table


class EntityDraft(Struct):
    """What the typed routes take; which of the parents counts depends on the kind."""

    name: str
    description: str | None = None
    data: dict[str, Any] | None = field(default=None)
    status: str | None = None
    nb_frames: int | None = None
    is_shared: bool | None = None
    episode_id: str | None = None
    sequence_id: str | None = None
    parent_id: str | None = None


def make_asset(tx: Tx, principal: Principal, project_id: str, asset_type_id: str, draft: EntityDraft) -> bytes:
    """A new asset; another of the same name makes a second one.

    Raises:
        NotFound: no such project or asset type.
        Forbidden: not a manager.
    """
    _require_project(tx, project_id)
    kinds = METADATA.tables["production_entity_type"]
    name = tx.scalar(sa.select(kinds.c.name).where(kinds.c.id == asset_type_id))
    if name is None or name in TECHNICAL_TYPES:
        raise NotFound(f"there is no asset type with the id {asset_type_id}")
    values = {**_values(draft), "source_id": _episode(draft)}
    return create(tx, ENTITY, principal, {**values, "project_id": project_id, "entity_type_id": asset_type_id})


def get_or_make(tx: Tx, principal: Principal, kind: str, project_id: str, draft: EntityDraft) -> bytes:
    """The entity of this name, kind and parent in a project; made where there is none.

    Raises:
        NotFound: no such project, or the parent is of another one.
        Forbidden: not a manager.

    Source: contracts/production.md, 6.3
    """
    _require_project(tx, project_id)
    require_manager(tx, principal, project_id)
    if not draft.name:
        raise Invalid("name is missing", field="name", code="shape")
    parent_id = draft.parent_id or (draft.sequence_id if kind in ("Shot", "Scene") else _episode(draft))
    if parent_id is not None:
        parent_project = tx.scalar(sa.select(_E.c.project_id).where(_E.c.id == parent_id))
        if parent_project != project_id:
            raise NotFound(f"there is no parent with the id {parent_id} in this project")
    kind_id = ensure_entity_type(tx, kind)
    # Two clients that make the same shot at once are to get the same one.
    tx.lock(f"production {kind} {project_id}")
    same = sa.and_(
        _E.c.name == draft.name,
        _E.c.project_id == project_id,
        _E.c.entity_type_id == kind_id,
        _E.c.parent_id.is_not_distinct_from(parent_id),
    )
    known = tx.scalar(sa.select(_E.c.id).where(same).limit(1))
    if known is not None:
        return answer_of(tx, ENTITY, known)
    body = {**_values(draft), "project_id": project_id, "entity_type_id": kind_id, "parent_id": parent_id}
    return create(tx, ENTITY, principal, body)


def _require_project(tx: Tx, project_id: str) -> None:
    project = METADATA.tables["production_project"]
    if tx.scalar(sa.select(project.c.id).where(project.c.id == project_id)) is None:
        raise NotFound(f"there is no Project with the id {project_id}")


def _episode(draft: EntityDraft) -> str | None:
    return None if draft.episode_id in (None, "main", "all", "") else draft.episode_id


def _values(draft: EntityDraft) -> dict[str, Any]:
    given = {
        "name": draft.name,
        "description": draft.description,
        "data": draft.data if draft.data is not None else {},
        "status": draft.status,
        "nb_frames": draft.nb_frames,
        "is_shared": draft.is_shared,
    }
    return {name: value for name, value in given.items() if value is not None}


def remove(tx: Tx, principal: Principal, kind: str, entity_id: str, *, force: bool) -> None:
    """Delete an entity of a kind. Assets, shots and the like with tasks are cancelled, unless ``force`` removes all.

    Raises:
        NotFound: none of this kind.
        Forbidden: neither creator nor manager.
        Invalid: a sequence or episode that holds shots or tasks, without ``force``.
    """
    kinds, task = METADATA.tables["production_entity_type"], METADATA.tables["production_task"]
    row = tx.one(
        sa.select(_E, kinds.c.name.label("kind"))
        .join(kinds, kinds.c.id == _E.c.entity_type_id)
        .where(_E.c.id == entity_id)
    )
    if row is None or (row.kind if row.kind in TECHNICAL_TYPES else "Asset") != kind:
        raise NotFound(f"there is no {kind} with the id {entity_id}")
    role = require_team(tx, principal, row.project_id)
    if row.created_by != principal.id and not at_least(role, Role.MANAGER):
        raise Forbidden("only a manager of this project's team, the creator or an admin may do this")
    if force:
        if kind in ("Sequence", "Episode"):
            for child in tx.all(sa.select(_E.c.id).where(_E.c.parent_id == entity_id)):
                _remove_below(tx, principal, child.id)
        remove_entity(tx, principal, entity_id)
        return
    has_tasks = tx.scalar(sa.select(task.c.id).where(task.c.entity_id == entity_id).limit(1)) is not None
    if kind in ("Sequence", "Episode"):
        if has_tasks or tx.scalar(sa.select(_E.c.id).where(_E.c.parent_id == entity_id).limit(1)) is not None:
            raise Invalid(f"this {kind.lower()} holds shots or tasks; delete it with force=true")
        remove_entity(tx, principal, entity_id)
    elif has_tasks:
        tx.execute(_E.update().where(_E.c.id == entity_id).values(canceled=True))
        record_entity(tx, principal, "update", entity_id, row.entity_type_id, row.project_id)
    else:
        remove_entity(tx, principal, entity_id)


def _remove_below(tx: Tx, principal: Principal, entity_id: str) -> None:
    for child in tx.all(sa.select(_E.c.id).where(_E.c.parent_id == entity_id)):
        _remove_below(tx, principal, child.id)
    remove_entity(tx, principal, entity_id)
