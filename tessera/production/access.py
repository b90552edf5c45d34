"""Roles of the tracker, and who may see or change what inside a project.

Source: contracts/production.md, 2
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel.access import Principal
from tessera.kernel.db import METADATA, Id, Prepared, Tx
from tessera.kernel.errors import Forbidden
from tessera.kernel.resources import Resource, Scope, Verbs, caller_id
from tessera.production.links import ASSIGNEES, TEAM

PACKAGE_NAME: Final = "production"


class Role(StrEnum):
    """The words of ``Person.role``, from least to most powerful."""

    VENDOR = "vendor"
    CLIENT = "client"
    USER = "user"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMIN = "admin"


ANYONE: Final = Role.VENDOR
"""Whoever has a role in the tracker; what he may do inside a project is asked there."""
NOT_VENDOR: Final = Role.CLIENT

ADMINS_ONLY: Final = Verbs(Role.ADMIN, Role.ADMIN, Role.ADMIN, Role.ADMIN, Role.ADMIN)
LOOKUP: Final = Verbs(ANYONE, ANYONE, Role.ADMIN, Role.ADMIN, Role.ADMIN)
"""Read by anyone, written by admins: departments, types, statuses."""


_RANKS: Final[Mapping[Role, int]] = {role: number for number, role in enumerate(Role)}


def at_least(role: Role, least: Role) -> bool:
    """Whether ``role`` stands as high as ``least``."""
    return _RANKS[role] >= _RANKS[least]


def role_of(principal: Principal) -> Role:
    """The caller's role outside any project."""
    if principal.is_administrator:
        return Role.ADMIN
    word = principal.role(PACKAGE_NAME)
    return Role(word) if word else Role.VENDOR


def is_admin(principal: Principal) -> bool:
    """Whether everything is open to the caller."""
    return principal.is_administrator or principal.role(PACKAGE_NAME) == Role.ADMIN


# -- inside a project --------------------------------------------------------------------------------------------------


_of_team = (TEAM.c.project_id == sa.bindparam("project_id", None, Id)) & (TEAM.c.person_id == caller_id())
_TEAM_ROLE: Final = Prepared(sa.select(TEAM.c.role).where(_of_team))


def role_in(tx: Tx, principal: Principal, project_id: str | None) -> Role | None:
    """The caller's role inside a project: the team's word for him, else his own; None outside the team."""
    if is_admin(principal):
        return Role.ADMIN
    if project_id is None:
        return None
    rows = tx.run(_TEAM_ROLE, project_id=project_id, caller_id=principal.id)
    if not rows:
        return None
    return Role(rows[0][0]) if rows[0][0] else role_of(principal)


def require_team(tx: Tx, principal: Principal, project_id: str | None) -> Role:
    """The caller's role inside a project of whose team he is.

    Raises:
        Forbidden: he is not of the team.
    """
    role = role_in(tx, principal, project_id)
    if role is None:
        raise Forbidden("you are not in the team of this project")
    return role


def require_manager(tx: Tx, principal: Principal, project_id: str | None) -> None:
    """Let a manager of the project's team or an admin through.

    Raises:
        Forbidden: somebody else.
    """
    if not at_least(require_team(tx, principal, project_id), Role.MANAGER):
        raise Forbidden("only a manager of this project's team or an admin may do this")


# -- rows that a caller sees -------------------------------------------------------------------------------------------

OPEN_NAMES: Final = ("Open", "open", "Active")
"""A project is open when its status has one of these names (6.1)."""
Seen = Callable[[Principal, Resource], Scope | None]


def _mine() -> Any:
    return sa.select(TEAM.c.project_id).where(TEAM.c.person_id == caller_id())


def open_projects() -> Any:
    """The ids of projects that are open, as a SELECT."""
    status, project = METADATA.tables["production_project_status"], METADATA.tables["production_project"]
    joined = project.outerjoin(status, status.c.id == project.c.project_status_id)
    is_open = sa.or_(project.c.project_status_id.is_(None), status.c.name.in_(OPEN_NAMES))
    return sa.select(project.c.id).select_from(joined).where(is_open)


def _own_tasks(column: str = "id") -> Any:
    task = METADATA.tables["production_task"]
    mine = sa.select(ASSIGNEES.c.task_id).where(ASSIGNEES.c.person_id == caller_id())
    return sa.select(task.c[column]).where(task.c.id.in_(mine))


def _of_projects(column: Any, only_open: bool) -> Any:
    mine = column.in_(_mine())
    return sa.and_(mine, column.in_(open_projects())) if only_open else mine


def _seen(name: str, condition: Callable[[Resource, bool], Any]) -> Seen:
    """A scope that admins are free of, built once a resource and kind of caller."""
    known: dict[tuple[Resource, bool], Scope] = {}

    def seen(principal: Principal, resource: Resource) -> Scope | None:
        if is_admin(principal):
            return None
        is_vendor = role_of(principal) is Role.VENDOR
        found = known.get((resource, is_vendor))
        if found is None:
            named = f"{name} of a vendor" if is_vendor else name
            found = known[resource, is_vendor] = Scope(named, condition(resource, is_vendor))
        return found

    return seen


def own_projects(column: str, *, only_open: bool = False) -> Seen:
    """Rows whose project's team the caller is of; all for admins.

    Args:
        column: the resource's column with the project's id.
    """
    return _seen(f"own projects {only_open}", lambda resource, _: _of_projects(resource.column(column), only_open))


def own_open_projects(column: str) -> Seen:
    """Rows of open projects whose team the caller is of; all for admins."""
    return own_projects(column, only_open=True)


def by_task(*, task: str = "", entity: str = "", only_open: bool = False, project: str = "") -> Seen:
    """Rows that belong to a task or an entity: of the caller's teams; for vendors, of their own tasks.

    Args:
        task, entity, project: the resource's column with the id of one; the project is found through the first of the
            others where it has no column of its own.
    """

    def condition(resource: Resource, is_vendor: bool) -> Any:
        tasks, entities = METADATA.tables["production_task"], METADATA.tables["production_entity"]
        if project:
            seen = _of_projects(resource.column(project), only_open)
        elif task:
            in_projects = sa.select(tasks.c.id).where(_of_projects(tasks.c.project_id, only_open))
            seen = resource.column(task).in_(in_projects)
        else:
            in_projects = sa.select(entities.c.id).where(_of_projects(entities.c.project_id, only_open))
            seen = resource.column(entity).in_(in_projects)
        if not is_vendor:
            return seen
        own = resource.column(task).in_(_own_tasks()) if task else resource.column(entity).in_(_own_tasks("entity_id"))
        return sa.and_(seen, own)

    return _seen(f"by task {only_open}", condition)
