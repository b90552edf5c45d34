"""Rules of preview files and playlists.

Source: contracts/production.md, 2, 5.4, 6.10, 6.11
"""

import secrets
import string
from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel.access import Principal
from tessera.kernel.db import METADATA
from tessera.kernel.errors import Forbidden
from tessera.kernel.resources import Change, Resource, Scope, caller_id
from tessera.production.access import Role, at_least, is_admin, require_manager, require_team, role_of
from tessera.production.links import ASSIGNEES, TEAM
from tessera.production.planning_rules import supervises
from tessera.production.task_rules import department_of

_NAME_CHARACTERS: Final = 13


def complete(change: Change) -> None:
    """A preview file without a name gets one, and its author is the caller."""
    values = change.values
    if not values["name"]:
        letters = string.ascii_lowercase + string.digits
        values["name"] = "".join(secrets.choice(letters) for _ in range(_NAME_CHARACTERS))
    values["person_id"] = values["person_id"] or change.principal.id


def _task_of(change: Change) -> Any:
    task = METADATA.tables["production_task"]
    return change.tx.one(sa.select(task).where(task.c.id == change.row["task_id"]))


def by_manager(change: Change) -> None:
    """Let managers of the project's team and admins delete.

    Raises:
        Forbidden: somebody else.
    """
    task = _task_of(change)
    require_manager(change.tx, change.principal, task.project_id if task else None)


def by_manager_or_assignee(change: Change) -> None:
    """Let assignees and supervisors of the department change it too.

    Raises:
        Forbidden: somebody else.
    """
    if is_admin(change.principal):
        return
    task = _task_of(change)
    role = require_team(change.tx, change.principal, task.project_id if task else None)
    if at_least(role, Role.MANAGER):
        return
    mine = (ASSIGNEES.c.task_id == task.id) & (ASSIGNEES.c.person_id == change.principal.id)
    if change.tx.scalar(sa.select(ASSIGNEES.c.person_id).where(mine)) is not None:
        return
    if role is Role.SUPERVISOR and supervises(change, department_of(change.tx, task.task_type_id)):
        return
    raise Forbidden("only managers, the task's assignees and supervisors of its department change this preview")


def forget(change: Change) -> None:
    """The entity's thumbnail and the task's last preview step back to what is left."""
    tx, previews = change.tx, change.resource.sa_table
    entity, task = METADATA.tables["production_entity"], METADATA.tables["production_task"]
    tx.execute(entity.update().where(entity.c.preview_file_id == change.id).values(preview_file_id=None))
    left = (
        sa.select(previews.c.id)
        .where(previews.c.task_id == change.row["task_id"], previews.c.id != change.id)
        .order_by(previews.c.revision.desc(), previews.c.position)
        .limit(1)
    )
    last = tx.scalar(left)
    tx.execute(task.update().where(task.c.last_preview_file_id == change.id).values(last_preview_file_id=last))


# -- playlists ---------------------------------------------------------------------------------------------------------


def playlist_items(value: Any) -> Any:
    """Items keep the entity and the preview alone."""
    if not isinstance(value, list):
        return value
    return [
        {"entity_id": item.get("entity_id") or item.get("id"), "preview_file_id": item.get("preview_file_id")}
        for item in value
        if isinstance(item, dict)
    ]


def no_episode(value: Any) -> Any:
    """Clients send ``all`` and ``main`` for no episode."""
    return None if value in ("all", "main") else value


def playlist_readable(principal: Principal, resource: Resource) -> Scope | None:
    """Playlists of the caller's projects; of those, clients see the ones for clients."""
    if is_admin(principal):
        return None
    mine = resource.column("project_id").in_(sa.select(TEAM.c.project_id).where(TEAM.c.person_id == caller_id()))
    if role_of(principal) is Role.CLIENT:
        return Scope("for clients", sa.and_(mine, resource.column("for_client").is_(True)))
    return Scope("own", mine)


def playlist_by_supervisor(change: Change) -> None:
    """Let supervisors and managers of the team create playlists.

    Raises:
        Forbidden: somebody else.
    """
    role = require_team(change.tx, change.principal, change.values["project_id"])
    if not at_least(role, Role.SUPERVISOR):
        raise Forbidden("only managers and supervisors of the project's team and admins create playlists")


def complete_playlist(change: Change) -> None:
    """The caller made it; ``episode_id`` "all" means that it is for all episodes."""
    change.values["created_by"] = change.principal.id
    if change.body.get("episode_id") == "all":
        change.values["is_for_all"] = True


def playlist_by_owner(change: Change) -> None:
    """Let managers change playlists, and supervisors their own.

    Raises:
        Forbidden: somebody else.
    """
    role = require_team(change.tx, change.principal, change.row["project_id"])
    if at_least(role, Role.MANAGER):
        return
    if role is Role.SUPERVISOR and change.row["created_by"] == change.principal.id:
        return
    raise Forbidden("only managers of the project's team, the supervisor who made it and admins change a playlist")
