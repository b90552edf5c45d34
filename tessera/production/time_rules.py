"""Rules of logged times and days off.

Source: contracts/production.md, 2, 5.4, 6.12
"""

import sqlalchemy as sa

from tessera.kernel.access import Principal
from tessera.kernel.db import METADATA
from tessera.kernel.errors import Forbidden, Invalid
from tessera.kernel.resources import Change, Resource, Scope, caller_id
from tessera.production.access import is_admin, require_manager
from tessera.production.links import TEAM


def add_up(change: Change) -> None:
    """A task's duration is the sum of its times."""
    task, times = METADATA.tables["production_task"], METADATA.tables["production_time_spent"]
    for task_id in {change.row.get("task_id"), change.after("task_id")} - {None}:
        total = sa.select(sa.func.coalesce(sa.func.sum(times.c.duration), 0)).where(times.c.task_id == task_id)
        change.tx.execute(task.update().where(task.c.id == task_id).values(duration=total.scalar_subquery()))


def by_self_or_manager(change: Change) -> None:
    """Let who logged a time, managers of the project and admins remove it.

    Raises:
        Forbidden: somebody else.
    """
    if change.row["person_id"] != change.principal.id:
        task = METADATA.tables["production_task"]
        project = change.tx.scalar(sa.select(task.c.project_id).where(task.c.id == change.row["task_id"]))
        require_manager(change.tx, change.principal, project)


def own_days_off(principal: Principal, resource: Resource) -> Scope | None:
    """Days off are read by oneself, and by managers and supervisors who share a project."""
    if is_admin(principal):
        return None
    person_id = resource.column("person_id")
    if principal.role("production") not in ("manager", "supervisor"):
        return Scope("own", person_id == caller_id())
    mine, theirs = TEAM.alias("mine"), TEAM.alias("theirs")
    mates = sa.select(theirs.c.person_id).join(mine, mine.c.project_id == theirs.c.project_id)
    return Scope("mates", sa.or_(person_id == caller_id(), person_id.in_(mates.where(mine.c.person_id == caller_id()))))


def by_self(change: Change) -> None:
    """Days off are written by oneself or an admin; without a person they are the caller's.

    Raises:
        Forbidden: of somebody else.
    """
    if not change.row and change.values["person_id"] is None:
        change.values["person_id"] = change.principal.id
    owners = {change.row.get("person_id"), change.after("person_id")} - {None}
    if owners != {change.principal.id} and not is_admin(change.principal):
        raise Forbidden("days off of others are written by admins")


def check_range(change: Change) -> None:
    """A range ends after it begins, and overlaps no other of the person.

    Raises:
        Invalid: it does not, or it does.
    """
    begins, ends = change.after("date"), change.after("end_date")
    if begins is None or ends is None:
        return
    if ends < begins:
        raise Invalid(f"end_date must not be before date ({begins}); got {ends}", field="end_date")
    table = change.resource.sa_table
    change.tx.lock("production days off")
    overlapping = sa.select(table.c.id).where(
        table.c.person_id == change.after("person_id"),
        table.c.id != change.id,
        table.c.date <= ends,
        table.c.end_date >= begins,
    )
    if change.tx.scalar(overlapping.limit(1)) is not None:
        raise Invalid(f"this person has days off between {begins} and {ends} already", field="date")


def clear_times(change: Change) -> None:
    """Nobody works on a day off: times logged on these days go."""
    times, task = METADATA.tables["production_time_spent"], METADATA.tables["production_task"]
    inside = sa.and_(
        times.c.person_id == change.after("person_id"),
        times.c.date >= change.after("date"),
        times.c.date <= change.after("end_date"),
    )
    touched = {row[0] for row in change.tx.all(sa.select(times.c.task_id).where(inside)) if row[0]}
    change.tx.execute(times.delete().where(inside))
    for task_id in touched:
        total = sa.select(sa.func.coalesce(sa.func.sum(times.c.duration), 0)).where(times.c.task_id == task_id)
        change.tx.execute(task.update().where(task.c.id == task_id).values(duration=total.scalar_subquery()))
