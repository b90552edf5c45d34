"""Tasks as routes of their own show them: of a project, of an entity, with their whole context; and their comments.

Source: contracts/production.md, 6.7, 6.8
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Raw

from tessera.identity import PRINCIPALS, ROLES
from tessera.kernel.access import Principal
from tessera.kernel.db import Id, Tx
from tessera.kernel.projection import Form, Many, One, Pair, Projection, Value
from tessera.kernel.resource_queries import Within, answer_of, read_list, read_one
from tessera.kernel.resource_values import path_id
from tessera.kernel.resources import Resource
from tessera.production import comment_rules
from tessera.production.access import PACKAGE_NAME, Role, require_team
from tessera.production.entities import ENTITY, ENTITY_TYPE
from tessera.production.feeds import SUBSCRIPTION
from tessera.production.people import PERSON
from tessera.production.projects import PROJECT
from tessera.production.review import ATTACHMENT_FILE, COMMENT, PREVIEW_FILE
from tessera.production.tasks import TASK, TASK_STATUS, TASK_TYPE

_T: Final = TASK.sa_table
_C: Final = COMMENT.sa_table


def list_of_project(tx: Tx, principal: Principal, project_id: str, asked: Mapping[str, str]) -> bytes:
    """Tasks of a project; with ``page`` in an envelope.

    Raises:
        Forbidden: the caller is not of the team.
    """
    role = require_team(tx, principal, project_id)
    condition: Any = _T.c.project_id == sa.bindparam("in_project", None, Id)
    values = {"in_project": project_id}
    name = "tasks of a project"
    episode = asked.get("episode_id")
    if episode not in (None, "", "all"):
        name, values["episode"] = "tasks of an episode", path_id(episode or "")
        condition = sa.and_(condition, _T.c.entity_id.in_(_below(sa.bindparam("episode", None, Id))))
    query = {key: value for key, value in asked.items() if key not in ("episode_id", "fields", "force")}
    part = Within(name, condition, values, is_open=role is not Role.VENDOR)
    return read_list(tx, TASK, principal, query, part)


def _below(episode: Any) -> Any:
    """Entities of an episode: its sequences and their shots, its edits, its assets."""
    entity, between = ENTITY.sa_table, ENTITY.sa_table.alias("between")
    sequences = sa.select(between.c.id).where(between.c.parent_id == episode)
    below = sa.or_(
        entity.c.id == episode,
        entity.c.parent_id == episode,
        entity.c.source_id == episode,
        entity.c.parent_id.in_(sequences),
    )
    return sa.select(entity.c.id).where(below)


def _name(resource: Resource, column: Any, member: str = "name") -> Any:
    table = resource.sa_table
    return sa.select(table.c[member]).where(table.c.id == column).correlate(_T).scalar_subquery()


def _names() -> tuple[Pair, ...]:
    entity, kind = ENTITY.sa_table, ENTITY_TYPE.sa_table
    kind_name = sa.select(kind.c.name).join(entity, entity.c.entity_type_id == kind.c.id)
    return (
        Value("project_name", _name(PROJECT, _T.c.project_id), Form.TEXT),
        Value("task_type_name", _name(TASK_TYPE, _T.c.task_type_id), Form.TEXT),
        Value("task_status_name", _name(TASK_STATUS, _T.c.task_status_id), Form.TEXT),
        Value(
            "entity_type_name",
            kind_name.where(entity.c.id == _T.c.entity_id).correlate(_T).scalar_subquery(),
            Form.TEXT,
        ),
        Value("entity_name", _name(ENTITY, _T.c.entity_id), Form.TEXT),
    )


def list_of_entity(tx: Tx, principal: Principal, entity_id: str, asked: Mapping[str, str]) -> bytes:
    """Tasks of an entity with the names of what they refer to.

    Raises:
        NotFound: no such entity.
        Forbidden: not for the caller.
    """
    read_one(tx, ENTITY, principal, entity_id, relations=False, names=frozenset())
    part = Within(
        "tasks of an entity",
        _T.c.entity_id == sa.bindparam("of_entity", None, Id),
        {"of_entity": entity_id},
        more=_names(),
        is_open=True,
    )
    query = {key: asked[key] for key in ("relations", "task_type_id", "task_status_id") if key in asked}
    return read_list(tx, TASK, principal, query, part)


def task_types_of_entity(tx: Tx, principal: Principal, entity_id: str) -> bytes:
    """The types of an entity's tasks."""
    read_one(tx, ENTITY, principal, entity_id, relations=False, names=frozenset())
    types = sa.select(_T.c.task_type_id).where(_T.c.entity_id == sa.bindparam("of_entity", None, Id))
    condition = TASK_TYPE.sa_table.c.id.in_(types)
    return read_list(tx, TASK_TYPE, principal, {}, Within("types of an entity", condition, {"of_entity": entity_id}))


def task_types_of_project(tx: Tx, principal: Principal, project_id: str) -> bytes:
    """The task types that a project uses; all where none are set (6.1)."""
    require_team(tx, principal, project_id)
    links = TASK_TYPE.sa_table.metadata.tables["production_project_task_type_link"]
    here = sa.select(links.c.task_type_id).where(links.c.project_id == sa.bindparam("in_project", None, Id))
    condition = sa.or_(TASK_TYPE.sa_table.c.id.in_(here), ~here.exists())
    return read_list(tx, TASK_TYPE, principal, {}, Within("types of a project", condition, {"in_project": project_id}))


def read_full(tx: Tx, principal: Principal, task_id: str) -> bytes:
    """A task with everything around it.

    Raises:
        NotFound, Forbidden: see ``read_one``.
    """
    task = msgspec.json.decode(read_one(tx, TASK, principal, task_id, relations=True))
    around: dict[str, tuple[Resource, str]] = {
        "project": (PROJECT, "project_id"),
        "task_type": (TASK_TYPE, "task_type_id"),
        "task_status": (TASK_STATUS, "task_status_id"),
        "entity": (ENTITY, "entity_id"),
    }
    for name, (resource, key) in around.items():
        if task[key] is not None:
            task[name] = Raw(answer_of(tx, resource, task[key]))
    if task["entity_id"] is not None:
        _add_family(tx, task, msgspec.json.decode(task["entity"]))
    # Whom the caller may see less of is shown as his list of persons shows them.
    task["persons"] = [Raw(read_one(tx, PERSON, principal, each, relations=False)) for each in task["assignees"]]
    if task["assigner_id"] is not None:
        task["assigner"] = Raw(read_one(tx, PERSON, principal, task["assigner_id"], relations=False))
    subscription = SUBSCRIPTION.sa_table
    mine = (subscription.c.task_id == task_id) & (subscription.c.person_id == principal.id)
    task["is_subscribed"] = tx.scalar(sa.select(subscription.c.id).where(mine).limit(1)) is not None
    return msgspec.json.encode(task)


def _add_family(tx: Tx, task: dict[str, Any], entity: dict[str, Any]) -> None:
    task["entity_type"] = Raw(answer_of(tx, ENTITY_TYPE, entity["entity_type_id"]))
    above = entity["parent_id"] or (entity["source_id"] if entity["type"] == "Asset" else None)
    while above is not None:
        parent = answer_of(tx, ENTITY, above)
        decoded = msgspec.json.decode(parent)
        if decoded["type"] in ("Sequence", "Episode"):
            task[decoded["type"].lower()] = Raw(parent)
        above = decoded["parent_id"]


# -- comments ----------------------------------------------------------------------------------------------------------


def _person(name: str, column: Any) -> One:
    roles = ROLES.alias("role_of_author")
    full = sa.func.trim(PRINCIPALS.c.first_name.op("||")(sa.literal_column("' '")).op("||")(PRINCIPALS.c.last_name))
    profile = PERSON.column("has_avatar")
    here = (roles.c.principal_id == PRINCIPALS.c.id) & (roles.c.package == sa.literal_column(f"'{PACKAGE_NAME}'"))
    role = sa.case((PRINCIPALS.c.is_administrator, sa.literal_column("'admin'", sa.Text)), else_=roles.c.role)
    profiles = PRINCIPALS.metadata.tables["production_person"]
    source = PRINCIPALS.outerjoin(roles, here).outerjoin(profiles, profiles.c.id == PRINCIPALS.c.id)
    members = (
        Value("id", PRINCIPALS.c.id, Form.TEXT),
        Value("first_name", PRINCIPALS.c.first_name, Form.TEXT),
        Value("last_name", PRINCIPALS.c.last_name, Form.TEXT),
        Value("full_name", full, Form.TEXT),
        Value("has_avatar", profile, Form.FLAG),
        Value("role", role, Form.TEXT),
    )
    return One(
        name, sa.select(PRINCIPALS.c.id).select_from(source).where(PRINCIPALS.c.id == column), Projection(members)
    )


def _part(resource: Resource, *names: str) -> Projection:
    return Projection(tuple(each for each in resource.members if each.name in names))


def _around_comment() -> tuple[Pair, ...]:
    status, preview, attachment = TASK_STATUS.sa_table, PREVIEW_FILE.sa_table, ATTACHMENT_FILE.sa_table
    shown = COMMENT.sa_table.metadata.tables["production_comment_preview_link"]
    previews = sa.select(preview).join(shown, shown.c.preview_file == preview.c.id).where(shown.c.comment == _C.c.id)
    return (
        _person("person", _C.c.person_id),
        _person("editor", _C.c.editor_id),
        One(
            "task_status",
            sa.select(status).where(status.c.id == _C.c.task_status_id),
            _part(TASK_STATUS, "id", "name", "short_name", "color"),
        ),
        Many(
            "previews",
            previews.order_by(preview.c.revision, preview.c.position),
            _part(
                PREVIEW_FILE,
                *("id", "task_id", "revision", "extension", "width", "height", "duration", "status"),
                *("validation_status", "original_name", "position", "annotations"),
            ),
        ),
        Many(
            "attachment_files",
            sa.select(attachment).where(attachment.c.comment_id == _C.c.id).order_by(attachment.c.created_at),
            _part(ATTACHMENT_FILE, "id", "name", "extension", "size", "reply_id"),
        ),
    )


_COMMENT: Final = _around_comment()


def list_comments(tx: Tx, principal: Principal, task_id: str) -> bytes:
    """Comments of a task that the caller may see, newest first.

    Raises:
        NotFound: no such task.
        Forbidden: not of the team; a vendor on another's task.
    """
    task = comment_rules.find_task(tx, task_id)
    hidden = comment_rules.listing_scope(tx, principal, task)
    name, condition = "comments of a task", _C.c.object_id == sa.bindparam("of_task", None, Id)
    if hidden is not None:
        name, condition = f"{name} {hidden[0]}", sa.and_(condition, hidden[1])
    order = (_C.c.created_at.desc(), _C.c.id)
    part = Within(name, condition, {"of_task": task_id}, more=_COMMENT, order=order, is_open=True)
    return read_list(tx, COMMENT, principal, {"relations": "true"}, part)


def read_comment(tx: Tx, comment_id: str) -> bytes:
    """One comment as its list shows it."""
    links = frozenset(each.name for each in COMMENT.relations)
    part = Within("a comment", sa.true(), more=_COMMENT)
    return answer_of(tx, COMMENT, comment_id, links, part)
