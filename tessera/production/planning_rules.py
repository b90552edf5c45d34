"""Rules of what plans a project: descriptors, milestones, schedules, budgets.

Source: contracts/production.md, 2, 4 (Projects and planning), 5.4
"""

import re
from typing import Any

import sqlalchemy as sa

from tessera.kernel.access import Principal
from tessera.kernel.db import METADATA
from tessera.kernel.errors import Forbidden, Invalid
from tessera.kernel.resources import Change, Resource, Scope, caller_id
from tessera.production.access import Role, is_admin, require_manager, require_team
from tessera.production.links import DEPARTMENTS, TEAM


def by_manager(change: Change) -> None:
    """Let managers of the row's project and admins write.

    Raises:
        Forbidden: somebody else.
    """
    require_manager(change.tx, change.principal, change.after("project_id"))


def by_manager_or_supervisor(change: Change) -> None:
    """Let supervisors of the task type's department write too.

    Raises:
        Forbidden: somebody else.
    """
    role = require_team(change.tx, change.principal, change.row["project_id"])
    if role is Role.SUPERVISOR:
        kinds = METADATA.tables["production_task_type"]
        department = change.tx.scalar(sa.select(kinds.c.department_id).where(kinds.c.id == change.row["task_type_id"]))
        if supervises(change, department):
            return
    require_manager(change.tx, change.principal, change.row["project_id"])


def supervises(change: Change, department_id: str | None) -> bool:
    """Whether a supervisor's departments include this one; who has none supervises all."""
    mine = sa.select(DEPARTMENTS.c.department_id).where(DEPARTMENTS.c.person_id == change.principal.id)
    departments = {row[0] for row in change.tx.all(mine)}
    return not departments or department_id in departments


def by_manager_of_unlocked(change: Change) -> None:
    """Task links of a schedule version are its project's managers', and fixed while it is locked.

    Raises:
        Forbidden: somebody else.
        Invalid: the version is locked.
    """
    versions = METADATA.tables["production_schedule_version"]
    found = change.tx.one(
        sa.select(versions.c.project_id, versions.c.locked).where(
            versions.c.id == change.after("production_schedule_version_id")
        )
    )
    if found is not None:
        require_manager(change.tx, change.principal, found.project_id)
        if found.locked:
            raise Invalid("this schedule version is locked")


def schedules_listed(principal: Principal, resource: Resource) -> Scope | None:
    """Versions of the caller's projects; clients and vendors see none.

    Raises:
        Forbidden: a client or vendor.
    """
    if is_admin(principal):
        return None
    if principal.role("production") in (Role.VENDOR, Role.CLIENT):
        raise Forbidden("schedules are not for clients and vendors")
    mine = sa.select(TEAM.c.project_id).where(TEAM.c.person_id == caller_id())
    return Scope("own schedules", resource.column("project_id").in_(mine))


def scheduled_readable(principal: Principal, resource: Resource) -> Scope | None:
    """Task links of versions of the caller's projects."""
    if is_admin(principal):
        return None
    versions = METADATA.tables["production_schedule_version"]
    mine = sa.select(TEAM.c.project_id).where(TEAM.c.person_id == caller_id())
    of_mine = sa.select(versions.c.id).where(versions.c.project_id.in_(mine))
    return Scope("own scheduled", resource.column("production_schedule_version_id").in_(of_mine))


def complete_descriptor(change: Change) -> None:
    """The field's name follows from the descriptor's; a task type belongs to descriptors of tasks alone.

    Raises:
        Invalid: a task type without an entity type ``Task``, or the reverse.
    """
    name = change.values.get("name")
    if name and not change.values.get("field_name"):
        change.values["field_name"] = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "field"
    if (change.after("entity_type") == "Task") != (change.after("task_type_id") is not None):
        raise Invalid("task_type_id goes with the entity type Task, and with it alone", field="task_type_id")


def number_revision(change: Change) -> None:
    """Budgets of a project are numbered from 1."""
    budgets = METADATA.tables["production_budget"]
    mine = budgets.c.project_id == change.values["project_id"]
    change.tx.lock("production budgets")
    last = change.tx.scalar(sa.select(sa.func.max(budgets.c.revision)).where(mine))
    change.values["revision"] = (last or 0) + 1


def exceptions(value: Any) -> Any:
    """Months with another number of days: only positive whole numbers are kept."""
    if not isinstance(value, dict):
        return value
    return {
        key: number
        for key, number in value.items()
        if isinstance(number, int) and not isinstance(number, bool) and number > 0
    }
