"""Rules of comments and of what they do to their task.

Source: contracts/production.md, 2, 5.4, 6.8
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import now
from tessera.kernel.db import METADATA, Tx
from tessera.kernel.errors import Forbidden, Invalid, NotFound
from tessera.kernel.resource_changes import insert_row
from tessera.kernel.resources import Change, Events, Resource, Scope, caller_id, resource_of
from tessera.production.access import (
    PACKAGE_NAME,
    Role,
    at_least,
    is_admin,
    require_manager,
    require_team,
    role_in,
    role_of,
)
from tessera.production.links import ASSIGNEES, DEPARTMENT_MENTIONS, MENTIONS, TEAM
from tessera.production.task_rules import department_of

EVENTS: Final = Events(PACKAGE_NAME, "comment", "comment_id", ("task_status_id", "person_id", "for_client"))
_MENTION: Final = re.compile(r"@([^@\n]+)")


# -- who sees and changes comments -------------------------------------------------------------------------------------


def readable(principal: Principal, resource: Resource) -> Scope | None:
    """Comments of the caller's projects; those by clients for supervisors and up; a client's: for clients alone.

    Source: contracts/production.md, 2 (comment visibility, vendor, client)
    """
    if is_admin(principal):
        return None
    return _readable(principal, resource.column("object_id"), resource)


def attachment_readable(principal: Principal, resource: Resource) -> Scope | None:
    """Attachments of comments on tasks of the caller's projects; vendors: of their own tasks."""
    if is_admin(principal):
        return None
    comment = METADATA.tables["production_comment"]
    seen = sa.select(comment.c.id).where(_of_own_tasks(principal, comment.c.object_id))
    return Scope(f"attachments of {role_of(principal)}", resource.column("comment_id").in_(seen))


def _readable(principal: Principal, task_id: Any, resource: Resource) -> Scope:
    role = role_of(principal)
    seen = _of_own_tasks(principal, task_id)
    roles = METADATA.tables["identity_roles"]
    clients = sa.select(roles.c.principal_id).where(
        roles.c.package == sa.literal_column(f"'{PACKAGE_NAME}'"), roles.c.role == sa.literal_column("'client'")
    )
    by_client = resource.column("person_id").in_(clients)
    if role is Role.CLIENT:
        seen = sa.and_(seen, sa.or_(by_client, resource.column("for_client").is_(True)))
    elif not at_least(role, Role.SUPERVISOR):
        seen = sa.and_(seen, sa.not_(by_client))
    return Scope(f"comments of {role}", seen)


def _of_own_tasks(principal: Principal, task_id: Any) -> Any:
    task = METADATA.tables["production_task"]
    mine = sa.select(TEAM.c.project_id).where(TEAM.c.person_id == caller_id())
    tasks = sa.select(task.c.id).where(task.c.project_id.in_(mine))
    if role_of(principal) is Role.VENDOR:
        own = sa.select(ASSIGNEES.c.task_id).where(ASSIGNEES.c.person_id == caller_id())
        tasks = tasks.where(task.c.id.in_(own))
    return task_id.in_(tasks)


def by_author_or_manager(change: Change) -> None:
    """Let the author, managers and admins edit; others in the team pin and tick off alone.

    Raises:
        Forbidden: somebody else.
    """
    if change.row["person_id"] == change.principal.id or is_admin(change.principal):
        return
    role = require_team(change.tx, change.principal, _project_of(change.tx, change.row["object_id"]))
    if at_least(role, Role.MANAGER):
        return
    for name in [name for name in change.values if name not in ("pinned", "checklist")]:
        del change.values[name]
    change.links.clear()
    if not change.values:
        raise Forbidden("only the author, managers of the project's team and admins edit this comment")


def by_author_only(change: Change) -> None:
    """Let the author, managers and admins delete.

    Raises:
        Forbidden: somebody else.
    """
    if change.row["person_id"] != change.principal.id:
        require_manager(change.tx, change.principal, _project_of(change.tx, change.row["object_id"]))


def _project_of(tx: Tx, task_id: str) -> str | None:
    task = METADATA.tables["production_task"]
    found: str | None = tx.scalar(sa.select(task.c.project_id).where(task.c.id == task_id))
    return found


# -- generic routes ----------------------------------------------------------------------------------------------------


def complete(change: Change) -> None:
    """A row by the generic route has an author, and no side effects."""
    if change.values["person_id"] is None:
        change.values["person_id"] = change.principal.id


def edit(change: Change) -> None:
    """An edit by another person is signed; a new text mentions anew."""
    if change.principal.id != change.row["person_id"] and set(change.values) - {"pinned", "checklist"}:
        change.values["editor_id"] = change.principal.id
    if "text" in change.values:
        tx, text = change.tx, change.values["text"] or ""
        for table in (MENTIONS, DEPARTMENT_MENTIONS):
            tx.execute(table.delete().where(table.c.comment == change.id))
        _mention(tx, change.id, text, _project_of(tx, change.row["object_id"]))


def recompute_task(change: Change) -> None:
    """After an edit of the status, or a removal, the task follows its comments again."""
    if not change.values or (
        "task_status_id" in change.values and change.values["task_status_id"] != change.row["task_status_id"]
    ):
        recompute(change.tx, change.principal, change.row["object_id"])


def clear_the_way(change: Change) -> None:
    """What points to a comment goes with it."""
    for name in ("production_notification", "production_news", "production_attachment_file"):
        table = METADATA.tables[name]
        change.tx.execute(table.delete().where(table.c.comment_id == change.id))


# -- commenting --------------------------------------------------------------------------------------------------------


def require_action(tx: Tx, principal: Principal, task: Any) -> Role:
    """The role of a caller who may act on a task: comment, preview, log time.

    Raises:
        Forbidden: not of the team, or neither manager, client, assignee, supervisor of the department, nor creator.

    Source: contracts/production.md, 2 (task action)
    """
    role = require_team(tx, principal, task.project_id)
    if at_least(role, Role.MANAGER) or role is Role.CLIENT:
        return role
    mine = (ASSIGNEES.c.task_id == task.id) & (ASSIGNEES.c.person_id == principal.id)
    if tx.scalar(sa.select(ASSIGNEES.c.person_id).where(mine)) is not None:
        return role
    if role is Role.SUPERVISOR:
        links = METADATA.tables["production_department_link"]
        departments = {
            row[0] for row in tx.all(sa.select(links.c.department_id).where(links.c.person_id == principal.id))
        }
        if not departments or department_of(tx, task.task_type_id) in departments:
            return role
    entity = METADATA.tables["production_entity"]
    if tx.scalar(sa.select(entity.c.created_by).where(entity.c.id == task.entity_id)) == principal.id:
        return role
    raise Forbidden("this task is not yours: only its assignees, managers and supervisors comment on it")


def read_task(tx: Tx, task_id: str) -> Any:
    """A task's row, kept from other writers.

    Raises:
        NotFound: there is none.
    """
    task = METADATA.tables["production_task"]
    row = tx.one(sa.select(task).where(task.c.id == task_id).with_for_update())
    if row is None:
        raise NotFound(f"there is no Task with the id {task_id}")
    return row


def add(tx: Tx, principal: Principal, task_id: str, draft: Mapping[str, Any]) -> str:
    """Comment on a task and move it to a status; returns the comment's id.

    ``draft`` has ``task_status_id`` and, if wanted, ``text``, ``checklist``, ``links``; ``person_id``, ``created_at``
    and ``for_client`` count from managers alone.

    Raises:
        NotFound: no such task or status.
        Forbidden: no action on the task, or a status that is not for this role.
        Invalid: the task has had as many retakes as it may have.
    """
    task = read_task(tx, task_id)
    role = require_action(tx, principal, task)
    status = _status_for(tx, role, draft["task_status_id"], task.project_id)
    person_id, at, for_client = principal.id, now(), role is Role.CLIENT
    if at_least(role, Role.MANAGER):
        person_id = draft.get("person_id") or person_id
        at = draft.get("created_at") or at
        for_client = bool(draft.get("for_client"))
    is_change = status.id != task.task_status_id
    if is_change and status.is_retake:
        _check_retakes(tx, task)
    comment = insert_row(
        tx,
        resource_of("production_comment"),
        object_id=task_id,
        object_type="Task",
        text=draft.get("text") or "",
        checklist=draft.get("checklist") or [],
        links=draft.get("links") or [],
        for_client=for_client,
        task_status_id=status.id,
        person_id=person_id,
        created_at=at,
        updated_at=at,
    )
    comment_id: str = comment["id"]
    _mention(tx, comment_id, draft.get("text") or "", task.project_id)
    data = {
        "comment_id": comment_id,
        "task_id": task_id,
        "task_status_id": status.id,
        "person_id": person_id,
        "for_client": for_client,
        "project_id": task.project_id,
    }
    events.record(tx, "comment:new", package=PACKAGE_NAME, by=principal, of=comment_id, data=data)
    if task.last_comment_date is None or at >= task.last_comment_date:
        _follow(tx, principal, task, status, at, person_id, comment_id)
    else:
        recompute(tx, principal, task_id)
    _tell(tx, principal, task, comment_id, person_id, is_change)
    return comment_id


def _status_for(tx: Tx, role: Role, status_id: str, project_id: str | None) -> Any:
    statuses = METADATA.tables["production_task_status"]
    status = tx.one(sa.select(statuses).where(statuses.c.id == status_id))
    if status is None:
        raise NotFound(f"there is no TaskStatus with the id {status_id}")
    if role in (Role.USER, Role.VENDOR) and status.is_artist_allowed is False:
        raise Forbidden(f"the status {status.name} is not for artists")
    if role is Role.CLIENT:
        links = METADATA.tables["production_project_task_status_link"]
        own = sa.select(links.c.is_client_allowed).where(
            links.c.project_id == project_id, links.c.task_status_id == status_id
        )
        allowed = tx.scalar(own)
        if (status.is_client_allowed if allowed is None else allowed) is False:
            raise Forbidden(f"the status {status.name} is not for clients")
    return status


def _check_retakes(tx: Tx, task: Any) -> None:
    entity, project = METADATA.tables["production_entity"], METADATA.tables["production_project"]
    data = tx.scalar(sa.select(entity.c.data).where(entity.c.id == task.entity_id)) or {}
    most = data.get("max_retakes") or tx.scalar(sa.select(project.c.max_retakes).where(project.c.id == task.project_id))
    if isinstance(most, int) and 0 < most <= (task.retake_count or 0):
        raise Invalid(f"this task has had {task.retake_count} retakes; {most} are allowed", field="task_status_id")


def moved(task: Mapping[str, Any], status: Any, at: str) -> dict[str, Any]:
    """What a new status changes about a task.

    Source: contracts/production.md, 6.8 (task effects)
    """
    changes: dict[str, Any] = {"task_status_id": status.id}
    if status.is_retake:
        changes["retake_count"] = (task["retake_count"] or 0) + 1
    if status.is_wip and task["real_start_date"] is None:
        changes["real_start_date"] = at
    if status.is_feedback_request:
        changes["end_date"] = at
    elif not status.is_done:
        changes["end_date"] = None
    changes["done_date"] = at if status.is_done else None
    return changes


def _follow(tx: Tx, principal: Principal, task: Any, status: Any, at: str, person_id: str, comment_id: str) -> None:
    table = METADATA.tables["production_task"]
    changes: dict[str, Any] = {"last_comment_date": at, "updated_at": now()}
    is_change = status.id != task.task_status_id
    if is_change:
        changes |= moved(task._mapping, status, at)
    tx.execute(table.update().where(table.c.id == task.id).values(changes))
    data = {"task_id": task.id, "project_id": task.project_id}
    events.record(tx, "task:update", package=PACKAGE_NAME, by=principal, of=task.id, data=data)
    if is_change:
        _say_moved(tx, principal, task, status, person_id, comment_id)


def _say_moved(tx: Tx, principal: Principal, task: Any, status: Any, person_id: str, comment_id: str) -> None:
    data = {
        "task_id": task.id,
        "new_task_status_id": status.id,
        "previous_task_status_id": task.task_status_id,
        "person_id": person_id,
        "project_id": task.project_id,
    }
    events.record(tx, "task:status-changed", package=PACKAGE_NAME, by=principal, of=task.id, data=data)
    if status.is_feedback_request:
        data["comment_id"] = comment_id
        events.record(tx, "task:to-review", package=PACKAGE_NAME, by=principal, of=task.id, data=data)


def recompute(tx: Tx, principal: Principal, task_id: str) -> None:
    """Play all comments of a task again, oldest first, as after a back-dated, edited or removed one."""
    tasks, comments = METADATA.tables["production_task"], METADATA.tables["production_comment"]
    statuses = METADATA.tables["production_task_status"]
    task = tx.one(sa.select(tasks).where(tasks.c.id == task_id))
    if task is None:
        return
    rows = tx.all(
        sa.select(comments.c.id, comments.c.created_at, comments.c.person_id, statuses.c.id.label("status"))
        .join(statuses, statuses.c.id == comments.c.task_status_id)
        .where(comments.c.object_id == task_id)
        .order_by(comments.c.created_at, comments.c.id)
    )
    known = {row.id: row for row in tx.all(sa.select(statuses))}
    state: dict[str, Any] = {
        "retake_count": 0,
        "real_start_date": None,
        "end_date": None,
        "done_date": None,
        "last_comment_date": None,
        "task_status_id": None if rows else task.task_status_id,
    }
    for row in rows:
        if row.status != state["task_status_id"]:
            state |= moved(state, known[row.status], row.created_at)
        state["last_comment_date"] = row.created_at
    tx.execute(tasks.update().where(tasks.c.id == task_id).values(**state, updated_at=now()))
    if state["task_status_id"] != task.task_status_id:
        _say_moved(tx, principal, task, known[state["task_status_id"]], rows[-1].person_id, rows[-1].id)


def _mention(tx: Tx, comment_id: str, text: str, project_id: str | None) -> None:
    """Keep who and which departments a text names: ``@Full Name``, ``@Department``."""
    found = [part.strip().casefold() for part in _MENTION.findall(text)]
    if not found or project_id is None:
        return
    people, departments = METADATA.tables["identity_principals"], METADATA.tables["production_department"]
    team = tx.all(
        sa.select(people.c.id, people.c.first_name, people.c.last_name)
        .join(TEAM, TEAM.c.person_id == people.c.id)
        .where(TEAM.c.project_id == project_id)
    )
    for row in team:
        name = f"{row.first_name} {row.last_name}".strip().casefold()
        if name and any(part.startswith(name) for part in found):
            tx.execute(MENTIONS.insert().values(comment=comment_id, person=row.id))
    for department in tx.all(sa.select(departments.c.id, departments.c.name)):
        if any(part.startswith(department.name.casefold()) for part in found):
            tx.execute(DEPARTMENT_MENTIONS.insert().values(comment=comment_id, department=department.id))


def _tell(tx: Tx, principal: Principal, task: Any, comment_id: str, author_id: str, is_change: bool) -> None:
    """Notifications for assignees, subscribers and who is mentioned; a piece of news for the project.

    Source: contracts/production.md, 6.8 (order of effects)
    """
    subscriptions = METADATA.tables["production_subscription"]
    assigned = {row[0] for row in tx.all(sa.select(ASSIGNEES.c.person_id).where(ASSIGNEES.c.task_id == task.id))}
    subscribed = {
        row[0] for row in tx.all(sa.select(subscriptions.c.person_id).where(subscriptions.c.task_id == task.id))
    }
    mentioned = {row[0] for row in tx.all(sa.select(MENTIONS.c.person).where(MENTIONS.c.comment == comment_id))}
    notification = resource_of("production_notification")
    for kind, people in (("comment", (assigned | subscribed) - mentioned), ("mention", mentioned)):
        for person_id in sorted(people - {author_id}):
            row = {"person_id": person_id, "author_id": author_id, "comment_id": comment_id, "task_id": task.id}
            insert_row(tx, notification, type=kind, change=is_change, **row)
    news = insert_row(
        tx,
        resource_of("production_news"),
        author_id=author_id,
        comment_id=comment_id,
        task_id=task.id,
        change=is_change,
    )
    data = {"news_id": news["id"], "project_id": task.project_id, "task_type_id": task.task_type_id}
    events.record(tx, "news:new", package=PACKAGE_NAME, by=principal, of=news["id"], data=data)


def find_task(tx: Tx, task_id: str) -> Any:
    """A task's row.

    Raises:
        NotFound: there is none.
    """
    task = METADATA.tables["production_task"]
    row = tx.one(sa.select(task).where(task.c.id == task_id))
    if row is None:
        raise NotFound(f"there is no Task with the id {task_id}")
    return row


def listing_scope(tx: Tx, principal: Principal, task: Any) -> tuple[str, Any] | None:
    """Which comments of a task the caller sees in its list, under a name; None: all.

    Raises:
        Forbidden: not of the team; a vendor on another's task.
    """
    role = role_in(tx, principal, task.project_id)
    if role is None:
        raise Forbidden("you are not in the team of this project")
    if at_least(role, Role.MANAGER):
        return None
    if role is Role.VENDOR:
        require_action(tx, principal, task)
    comment, roles = METADATA.tables["production_comment"], METADATA.tables["identity_roles"]
    clients = sa.select(roles.c.principal_id).where(
        roles.c.package == sa.literal_column(f"'{PACKAGE_NAME}'"), roles.c.role == sa.literal_column("'client'")
    )
    by_client = comment.c.person_id.in_(clients)
    if role is Role.CLIENT:
        return "for clients", sa.or_(by_client, comment.c.for_client.is_(True))
    return "without clients", sa.not_(by_client)
