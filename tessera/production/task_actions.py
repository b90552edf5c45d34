"""What is done to tasks by their own routes: comment, assign, make all that are missing.

Source: contracts/production.md, 6.7, 6.8
"""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct, field

from tessera.identity import PRINCIPALS
from tessera.kernel.access import Principal
from tessera.kernel.clock import now
from tessera.kernel.db import METADATA, Tx
from tessera.kernel.errors import Forbidden, Invalid, NotFound
from tessera.kernel.resource_changes import create
from tessera.kernel.resource_queries import answer_of
from tessera.kernel.resource_values import as_id, from_json
from tessera.production import comment_rules, task_views
from tessera.production.access import Role, at_least, require_manager, role_in
from tessera.production.entities import ENTITY
from tessera.production.links import ASSIGNEES, DEPARTMENTS, PROJECT_TASK_TYPES
from tessera.production.studio_store import TECHNICAL_TYPES
from tessera.production.task_rules import department_of, record_assignation
from tessera.production.tasks import TASK, TASK_TYPE


class CommentDraft(Struct):
    """What a comment is made of."""

    task_status_id: str
    comment: str | None = None
    person_id: str | None = None
    created_at: str | None = None
    for_client: bool | None = None
    checklist: list[Any] | None = field(default=None)
    links: list[str] | None = field(default=None)


def comment(tx: Tx, principal: Principal, task_id: str, draft: CommentDraft) -> bytes:
    """Comment on a task; answers the comment as its list shows it.

    Raises:
        NotFound, Forbidden, Invalid: see ``comment_rules.add``.
    """
    values = {
        "task_status_id": _id("task_status_id", draft.task_status_id),
        "text": draft.comment,
        "person_id": _id("person_id", draft.person_id) if draft.person_id else None,
        "created_at": from_json(TASK.by_name["start_date"], draft.created_at) if draft.created_at else None,
        "for_client": draft.for_client,
        "checklist": draft.checklist,
        "links": draft.links,
    }
    return task_views.read_comment(tx, comment_rules.add(tx, principal, task_id, values))


def _id(name: str, value: str) -> str:
    try:
        return as_id(value)
    except ValueError:
        raise Invalid(f"{name} must be an id (a UUID); got {value[:80]!r}", field=name, code="shape") from None


def assign(tx: Tx, principal: Principal, person_id: str, task_ids: list[str], *, strict: bool) -> bytes:
    """Assign a person to tasks and answer them.

    Args:
        strict: a task that is not the caller's to assign is refused; else it is passed over.

    Raises:
        NotFound: no such person; with ``strict``, no such task.
        Forbidden: a bot; with ``strict``, the caller is neither manager, supervisor of the department, nor himself an
            artist of it.
    """
    person_id = _id("person_id", person_id)
    kind = tx.scalar(sa.select(PRINCIPALS.c.kind).where(PRINCIPALS.c.id == person_id))
    if kind is None:
        raise NotFound(f"there is no Person with the id {person_id}")
    if kind == "bot":
        raise Forbidden("bots are not assigned to tasks")
    table, done = TASK.sa_table, []
    for task_id in dict.fromkeys(_id("task_ids", each) for each in task_ids):
        task = tx.one(sa.select(table).where(table.c.id == task_id).with_for_update())
        if task is None or not _may_assign(tx, principal, task, person_id):
            if strict:
                raise (
                    NotFound(f"there is no Task with the id {task_id}")
                    if task is None
                    else Forbidden("you may not assign this person to this task")
                )
            continue
        known = (ASSIGNEES.c.task_id == task_id) & (ASSIGNEES.c.person_id == person_id)
        if tx.scalar(sa.select(ASSIGNEES.c.person_id).where(known)) is None:
            tx.execute(ASSIGNEES.insert().values(task_id=task_id, person_id=person_id))
            tx.execute(table.update().where(table.c.id == task_id).values(assigner_id=principal.id, updated_at=now()))
            record_assignation(tx, principal, task_id, task.project_id, [person_id], [])
        done.append(answer_of(tx, TASK, task_id, frozenset({"assignees"})))
    return b"[" + b",".join(done) + b"]"


def _may_assign(tx: Tx, principal: Principal, task: Any, person_id: str) -> bool:
    role = role_in(tx, principal, task.project_id)
    if role is None:
        return False
    if at_least(role, Role.MANAGER):
        return True
    mine = {
        row[0] for row in tx.all(sa.select(DEPARTMENTS.c.department_id).where(DEPARTMENTS.c.person_id == principal.id))
    }
    of_department = department_of(tx, task.task_type_id) in mine
    if role is Role.SUPERVISOR:
        return of_department or not mine
    return role is Role.USER and person_id == principal.id and of_department


def make_tasks(tx: Tx, principal: Principal, entity_id: str, task_type_ids: list[str] | None) -> bytes:
    """Create the tasks that an entity does not have yet, by default of all types of its project that fit.

    Raises:
        NotFound: no such entity.
        Forbidden: not a manager.
        Invalid: a type that the project does not use.
    """
    kinds = METADATA.tables["production_entity_type"]
    entity, types = ENTITY.sa_table, TASK_TYPE.sa_table
    row = tx.one(
        sa.select(entity.c.project_id, kinds.c.name)
        .join(kinds, kinds.c.id == entity.c.entity_type_id)
        .where(entity.c.id == entity_id)
    )
    if row is None:
        raise NotFound(f"there is no Entity with the id {entity_id}")
    require_manager(tx, principal, row.project_id)
    used = sa.select(PROJECT_TASK_TYPES.c.task_type_id).where(PROJECT_TASK_TYPES.c.project_id == row.project_id)
    linked = {each[0] for each in tx.all(used)}
    if task_type_ids is None:
        word = row.name if row.name in TECHNICAL_TYPES else "Asset"
        fitting = [each[0] for each in tx.all(sa.select(types.c.id).where(types.c.for_entity == word))]
        wanted = [each for each in fitting if not linked or each in linked]
    else:
        wanted = [_id("task_type_ids", each) for each in task_type_ids]
        strange = [each for each in wanted if each not in linked]
        if strange:
            raise Invalid(f"the project does not use the task type {strange[0]}", field="task_type_ids")
    task = TASK.sa_table
    there = {each[0] for each in tx.all(sa.select(task.c.task_type_id).where(task.c.entity_id == entity_id))}
    made = [
        create(tx, TASK, principal, {"entity_id": entity_id, "task_type_id": each, "data": {}})
        for each in dict.fromkeys(wanted)
        if each not in there
    ]
    return b"[" + b",".join(made) + b"]"
