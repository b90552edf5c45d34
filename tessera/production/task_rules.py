"""Rules of task types, statuses and tasks.

Source: contracts/production.md, 2, 5.4, 6.7, 6.9, 7.2
"""

from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.db import METADATA, Id, Prepared, Tx
from tessera.kernel.errors import Forbidden, Invalid
from tessera.kernel.resources import Change
from tessera.production.access import PACKAGE_NAME, Role, at_least, is_admin, require_manager, require_team
from tessera.production.entity_rules import remove_tasks
from tessera.production.links import ASSIGNEES, PROJECT_TASK_TYPES, TEAM, TEMPLATE_TASK_TYPES, TYPE_TASK_TYPES
from tessera.production.planning_rules import supervises
from tessera.production.studio_rules import clear_defaults
from tessera.production.studio_store import TECHNICAL_TYPES, default_status

_SUPERVISED: Final = frozenset({"priority", "start_date", "due_date", "estimation", "difficulty", "data"})
"""What supervisors change of a task."""


def refuse_taken_type(change: Change) -> None:
    """Task types are told apart by name, kind of entity and department, without regard to case.

    Raises:
        Invalid: there is one already.
    """
    names = ("name", "for_entity", "department_id")
    if change.row and all(change.after(name) == change.row[name] for name in names):
        return
    table = change.resource.sa_table
    same_kind = [table.c[name].is_not_distinct_from(change.after(name)) for name in names[1:]]
    others = change.tx.all(sa.select(table.c.name).where(*same_kind, table.c.id != change.id))
    name = change.after("name") or ""
    if name.casefold() in {other.name.casefold() for other in others}:
        raise Invalid(f"there is a task type named {name!r} for this kind of entity already", field="name")


def free_task_type(change: Change) -> None:
    """With ``force``, a type that is only linked to projects, templates or schedule items is taken out of them."""
    if not change.force:
        return
    for table in (PROJECT_TASK_TYPES, TEMPLATE_TASK_TYPES, TYPE_TASK_TYPES):
        change.tx.execute(table.delete().where(table.c.task_type_id == change.id))
    items = METADATA.tables["production_schedule_item"]
    change.tx.execute(items.delete().where(items.c.task_type_id == change.id))


def keep_one_default(change: Change) -> None:
    """One status is given to new tasks, and one to new tasks of concepts."""
    if change.values.get("is_default"):
        table = change.resource.sa_table
        for_concept = bool(change.after("for_concept"))
        same = table.c.for_concept.is_(True) if for_concept else table.c.for_concept.is_not(True)
        clear_defaults(change.tx, table, change.id, same)


# -- tasks -------------------------------------------------------------------------------------------------------------


def _entity_of_task() -> Prepared:
    entity, kind, types = (METADATA.tables[f"production_{name}"] for name in ("entity", "entity_type", "task_type"))
    columns = (entity.c.project_id, kind.c.name, types.c.for_entity)
    joined = entity.join(kind, kind.c.id == entity.c.entity_type_id).outerjoin(
        types, types.c.id == sa.bindparam("task_type_id", None, Id)
    )
    return Prepared(sa.select(*columns).select_from(joined).where(entity.c.id == sa.bindparam("entity_id", None, Id)))


_prepared: dict[str, Prepared] = {}


def complete(change: Change) -> None:
    """The type fits the entity; project and status follow from the entity and the studio where they are not given.

    Raises:
        Invalid: no task type, or one for another kind of entity.
    """
    values = change.values
    if values["task_type_id"] is None:
        raise Invalid("task_type_id is missing", field="task_type_id")
    kind = None
    if values["entity_id"] is not None:
        statement = _prepared.get("entity")
        if statement is None:
            statement = _prepared["entity"] = _entity_of_task()
        rows = change.tx.run(statement, entity_id=values["entity_id"], task_type_id=values["task_type_id"])
        if rows:
            project_id, kind, for_entity = rows[0]
            if for_entity is None:
                raise Invalid(f"there is no task type with the id {values['task_type_id']}", field="task_type_id")
            if for_entity != (kind if kind in TECHNICAL_TYPES else "Asset"):
                raise Invalid(f"the task type is for {for_entity}, the entity is of type {kind}", field="task_type_id")
            values["project_id"] = values["project_id"] or project_id
    if values["task_status_id"] is None:
        values["task_status_id"] = default_status(change.tx, for_concept=kind == "Concept")


def by_manager(change: Change) -> None:
    """Let managers of the project and admins create and delete tasks.

    Raises:
        Forbidden: somebody else.

    Source: contracts/production.md, 8 (the reference lets anybody)
    """
    if not is_admin(change.principal):
        require_manager(change.tx, change.principal, change.after("project_id"))


def by_manager_or_supervisor(change: Change) -> None:
    """Let managers change tasks, and supervisors some members of those of their departments.

    Raises:
        Forbidden: somebody else.
    """
    if is_admin(change.principal):
        return
    role = require_team(change.tx, change.principal, change.row["project_id"])
    if at_least(role, Role.MANAGER):
        return
    if role is Role.SUPERVISOR and supervises(change, department_of(change.tx, change.row["task_type_id"])):
        for name in [name for name in change.values if name not in _SUPERVISED]:
            del change.values[name]
        change.links.clear()
        return
    raise Forbidden("only managers of the project's team, supervisors of the department and admins change tasks")


def department_of(tx: Tx, task_type_id: str | None) -> str | None:
    """The department that a task type belongs to."""
    types = METADATA.tables["production_task_type"]
    found: str | None = tx.scalar(sa.select(types.c.department_id).where(types.c.id == task_type_id))
    return found


def merge_data(change: Change) -> None:
    """A change of ``data`` adds and replaces keys; the assignees before are kept for what follows."""
    given = change.values.get("data")
    if isinstance(given, dict) and isinstance(change.row["data"], dict):
        change.values["data"] = {**change.row["data"], **given}
    if "assignees" in change.links:
        change.before["assignees"] = assignees_of(change.tx, change.id)


def assignees_of(tx: Tx, task_id: str) -> list[str]:
    """Ids of who is assigned to a task."""
    return [row[0] for row in tx.all(sa.select(ASSIGNEES.c.person_id).where(ASSIGNEES.c.task_id == task_id))]


def assigned(change: Change) -> None:
    """Events and team membership for who has come to a task or left it."""
    if not change.links.get("assignees") and not change.before.get("assignees"):
        return
    before, now = set(change.before.get("assignees", ())), change.links.get("assignees", [])
    come = [person_id for person_id in now if person_id not in before]
    record_assignation(change.tx, change.principal, change.id, change.after("project_id"), come, before - set(now))


def record_assignation(
    tx: Tx, principal: Principal, task_id: str, project_id: str | None, come: Any, gone: Any
) -> None:
    """Say who came to a task and who left it; who came joins the project's team.

    Source: contracts/production.md, 6.1 (team), 7.2
    """
    for verb, people in (("assign", come), ("unassign", gone)):
        for person_id in people:
            data = {"task_id": task_id, "person_id": person_id, "project_id": project_id}
            events.record(tx, f"task:{verb}", package=PACKAGE_NAME, by=principal, of=task_id, data=data)
    if project_id is not None:
        for person_id in come:
            join_team(tx, project_id, person_id)


def join_team(tx: Tx, project_id: str, person_id: str, role: str | None = None) -> None:
    """Put a person into a project's team, unless he is there already."""
    known = (TEAM.c.project_id == project_id) & (TEAM.c.person_id == person_id)
    if tx.scalar(sa.select(TEAM.c.person_id).where(known)) is None:
        tx.execute(TEAM.insert().values(project_id=project_id, person_id=person_id, role=role))


def clear_the_way(change: Change) -> None:
    """With ``force``, comments, previews, times and files of the task go first.

    Raises:
        Invalid: without it, and there are comments (nothing else would keep the task from leaving them behind).
    """
    if change.force:
        remove_tasks(change.tx, sa.select(sa.literal(change.id)))
        return
    comments = METADATA.tables["production_comment"]
    if change.tx.scalar(sa.select(comments.c.id).where(comments.c.object_id == change.id).limit(1)) is not None:
        raise Invalid("this task has comments; delete it with force=true")
