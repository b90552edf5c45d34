"""Parts of the entities that routes of their own show: assets, shots, sequences, ..., alone and with their context.

Source: contracts/production.md, 5.1 (Typed lists), 6.2 to 6.5
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel.access import Principal
from tessera.kernel.db import Id, Tx
from tessera.kernel.projection import Form, Many, Pair, Projection, Texts, Value
from tessera.kernel.resource_queries import Within, read_list, read_one
from tessera.kernel.resources import caller_id
from tessera.production.access import Role, require_team
from tessera.production.entities import ENTITY, ENTITY_TYPE, ENTITY_VERSION
from tessera.production.feeds import SUBSCRIPTION
from tessera.production.links import ASSIGNEES
from tessera.production.projects import PROJECT
from tessera.production.studio_store import TECHNICAL_TYPES
from tessera.production.tasks import TASK

_E: Final = ENTITY.sa_table
_KIND: Final = ENTITY_TYPE.sa_table
_T: Final = TASK.sa_table
_S: Final = SUBSCRIPTION.sa_table
_RENAMED: Final = {
    "Shot": {"sequence_id": "parent_id"},
    "Scene": {"sequence_id": "parent_id"},
    "Sequence": {"episode_id": "parent_id"},
    "Edit": {"episode_id": "parent_id"},
    "Asset": {"episode_id": "source_id", "asset_type_id": "entity_type_id"},
}
"""What typed lists call the columns of the one table."""
_IGNORED: Final = frozenset({"page", "limit", "fields", "relations", "force"})
_NO_EPISODE: Final = "main"


def kinds_of(kind: str) -> Any:
    """The ids of the entity types of a kind, as a SELECT; every type that is not technical is an asset type."""
    if kind == "Asset":
        return sa.select(_KIND.c.id).where(
            _KIND.c.name.not_in([sa.literal_column(f"'{name}'") for name in TECHNICAL_TYPES])
        )
    return sa.select(_KIND.c.id).where(_KIND.c.name == sa.literal_column(f"'{kind}'"))


def asked_of(kind: str, asked: Mapping[str, str]) -> dict[str, str]:
    """The query of a typed list in the words of the table; it never pages."""
    renamed = _RENAMED.get(kind, {})
    return {
        renamed.get(name, name): value
        for name, value in asked.items()
        if name not in _IGNORED and not (name == "episode_id" and value in ("all", _NO_EPISODE))
    }


def _project_name() -> Any:
    project = PROJECT.sa_table
    return sa.select(project.c.name).where(project.c.id == _E.c.project_id).correlate(_E).scalar_subquery()


def _parent(column: str, steps: int = 1) -> Any:
    """A column of the parent, or of the parent's parent."""
    parent = _E.alias("parent")
    if steps == 1:
        return sa.select(parent.c[column]).where(parent.c.id == _E.c.parent_id).correlate(_E).scalar_subquery()
    above = _E.alias("above")
    joined = parent.join(above, above.c.id == parent.c.parent_id)
    found = sa.select(above.c[column]).select_from(joined).where(parent.c.id == _E.c.parent_id)
    return found.correlate(_E).scalar_subquery()


def _of_data(key: str) -> Value:
    # Both databases have this operator, and give JSON.
    return Value(key, _E.c.data.op("->")(sa.literal_column(f"'{key}'")), Form.DOCUMENT)


def _kind_name() -> Any:
    return sa.select(_KIND.c.name).where(_KIND.c.id == _E.c.entity_type_id).correlate(_E).scalar_subquery()


def _tasks() -> Many:
    """The tasks of an entity as its full answer shows them (6, before 6.1)."""
    times = ("due_date", "done_date", "end_date", "last_comment_date", "real_start_date", "start_date")
    plain = ("id", "entity_id", "last_preview_file_id", "task_status_id", "task_type_id")
    numbers = ("priority", "retake_count", "difficulty", "nb_assets_ready", "nb_drawings")
    members: list[Pair] = [Value(name, _T.c[name], Form.TEXT) for name in plain]
    members += [Value(name, _T.c[name], Form.INSTANT_SECONDS) for name in times]
    members += [Value(name, _T.c[name], Form.NUMBER) for name in numbers]
    members += [Value(name, _T.c[name], Form.REAL) for name in ("duration", "estimation")]
    members.append(Value("data", _T.c.data, Form.DOCUMENT))
    mine = sa.select(_S.c.task_id).where(_S.c.person_id == caller_id(), _S.c.task_id == _T.c.id)
    members.append(Value("is_subscribed", mine.correlate(_T).exists(), Form.FLAG))
    members.append(Texts("assignees", sa.select(ASSIGNEES.c.person_id).where(ASSIGNEES.c.task_id == _T.c.id)))
    return Many(
        "tasks", sa.select(_T).where(_T.c.entity_id == _E.c.id).order_by(_T.c.created_at), Projection(tuple(members))
    )


def _context(kind: str) -> tuple[Pair, ...]:
    """What the full answer of a kind tells besides its columns."""
    more: list[Pair] = [Value("project_name", _project_name(), Form.TEXT)]
    if kind == "Asset":
        more += [
            Value("asset_type_id", _E.c.entity_type_id, Form.TEXT),
            Value("asset_type_name", _kind_name(), Form.TEXT),
            Value("episode_id", _E.c.source_id, Form.TEXT),
        ]
    elif kind in ("Shot", "Scene"):
        more += [
            Value("sequence_id", _E.c.parent_id, Form.TEXT),
            Value("sequence_name", _parent("name"), Form.TEXT),
            Value("episode_id", _parent("id", 2), Form.TEXT),
            Value("episode_name", _parent("name", 2), Form.TEXT),
            *(_of_data(key) for key in ("fps", "frame_in", "frame_out")),
        ]
    elif kind in ("Sequence", "Edit"):
        more += [Value("episode_id", _E.c.parent_id, Form.TEXT), Value("episode_name", _parent("name"), Form.TEXT)]
    return (*more, _tasks())


def _rows_context(kind: str) -> tuple[Pair, ...]:
    if kind == "Shot":
        return (Value("project_name", _project_name(), Form.TEXT), Value("sequence_name", _parent("name"), Form.TEXT))
    return ()


def list_kind(tx: Tx, principal: Principal, kind: str, asked: Mapping[str, str]) -> bytes:
    """All entities of a kind that the caller sees, in order of their names."""
    condition = _E.c.entity_type_id.in_(kinds_of(kind))
    part = Within(f"all {kind}", condition, more=_rows_context(kind), order=(_E.c.name, _E.c.id))
    return read_list(tx, ENTITY, principal, asked_of(kind, asked), part)


def list_of_project(tx: Tx, principal: Principal, kind: str, project_id: str, asked: Mapping[str, str]) -> bytes:
    """Entities of a kind in a project.

    Raises:
        Forbidden: the caller is not of the team.
    """
    role = require_team(tx, principal, project_id)
    here = _E.c.project_id == sa.bindparam("in_project", None, Id)
    condition = sa.and_(_E.c.entity_type_id.in_(kinds_of(kind)), here)
    order = (_E.c.name, _E.c.id)
    # For vendors the scope stays: it keeps them to their own tasks.
    values = {"in_project": project_id}
    part = Within(f"{kind} of a project", condition, values, order=order, is_open=role is not Role.VENDOR)
    return read_list(tx, ENTITY, principal, asked_of(kind, asked), part)


def list_below(tx: Tx, principal: Principal, kind: str, parent_id: str, asked: Mapping[str, str]) -> bytes:
    """Entities of a kind below a parent: shots of a sequence, sequences or shots of an episode."""
    read_one(tx, ENTITY, principal, parent_id, relations=False, names=frozenset())
    above = sa.bindparam("parent", None, Id)
    between = _E.alias("between")
    parents = sa.select(between.c.id).where(between.c.parent_id == above)
    below = sa.or_(_E.c.parent_id == above, _E.c.parent_id.in_(parents))
    condition = sa.and_(_E.c.entity_type_id.in_(kinds_of(kind)), below)
    part = Within(f"{kind} below", condition, {"parent": parent_id}, order=(_E.c.name, _E.c.id))
    return read_list(tx, ENTITY, principal, asked_of(kind, asked), part)


def read_kind(tx: Tx, principal: Principal, kind: str, entity_id: str) -> bytes:
    """An entity of a kind with its context, its tasks and its relations.

    Raises:
        NotFound: there is none of this kind.
        Forbidden: the caller is not of the team.
    """
    part = Within(f"one {kind}", _E.c.entity_type_id.in_(kinds_of(kind)), more=_context(kind))
    return read_one(tx, ENTITY, principal, entity_id, relations=True, within=part)


def list_versions(tx: Tx, principal: Principal, kind: str, entity_id: str) -> bytes:
    """What a shot or an edit was called and how it was cut before, newest first.

    Source: contracts/production.md, 6.4, 6.5
    """
    own = Within(f"any {kind}", _E.c.entity_type_id.in_(kinds_of(kind)))
    read_one(tx, ENTITY, principal, entity_id, relations=False, names=frozenset(), within=own)
    version = ENTITY_VERSION.sa_table
    word = Value("type", sa.literal_column(f"'{kind}Version'", sa.Text), Form.TEXT)
    part = Within(
        f"versions of a {kind}",
        version.c.entity_id == sa.bindparam("entity_id", None, Id),
        {"entity_id": entity_id},
        more=(word,),
        order=(version.c.created_at.desc(), version.c.id),
    )
    return read_list(tx, ENTITY_VERSION, principal, {}, part)


# -- asset types -------------------------------------------------------------------------------------------------------

_ASSET_TYPE: Final = Value("type", sa.literal_column("'AssetType'", sa.Text), Form.TEXT)


def list_asset_types(tx: Tx, principal: Principal, asked: Mapping[str, str]) -> bytes:
    """All entity types but the seven technical ones, with the task types that each is meant for."""
    query = {name: value for name, value in asked.items() if name not in _IGNORED} | {"relations": "true"}
    part = Within("asset types", _KIND.c.id.in_(kinds_of("Asset")), more=(_ASSET_TYPE,), order=(_KIND.c.name,))
    return read_list(tx, ENTITY_TYPE, principal, query, part)


def read_asset_type(tx: Tx, principal: Principal, asset_type_id: str) -> bytes:
    """One asset type.

    Raises:
        NotFound: none, or a technical type.
    """
    part = Within("asset type", _KIND.c.id.in_(kinds_of("Asset")), more=(_ASSET_TYPE,))
    return read_one(tx, ENTITY_TYPE, principal, asset_type_id, relations=True, within=part)


def asset_types_of_project(tx: Tx, principal: Principal, project_id: str) -> bytes:
    """The asset types of a project: those set for it, and those that its assets have.

    Without any set, all may be used (6.1); what a list shows then is what is used.

    Raises:
        Forbidden: the caller is not of the team.
    """
    require_team(tx, principal, project_id)
    links = ENTITY_TYPE.sa_table.metadata.tables["production_project_asset_type_link"]
    here = sa.bindparam("in_project", None, Id)
    linked = sa.select(links.c.asset_type_id).where(links.c.project_id == here)
    used = sa.select(_E.c.entity_type_id).where(_E.c.project_id == here)
    condition = sa.and_(_KIND.c.id.in_(kinds_of("Asset")), sa.or_(_KIND.c.id.in_(linked), _KIND.c.id.in_(used)))
    values = {"in_project": project_id}
    part = Within("asset types of a project", condition, values, more=(_ASSET_TYPE,), order=(_KIND.c.name,))
    return read_list(tx, ENTITY_TYPE, principal, {"relations": "true"}, part)
