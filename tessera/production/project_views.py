"""Projects with what clients want to know of them at once; teams and settings.

Source: contracts/production.md, 6.1
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import now
from tessera.kernel.db import Id, Tx
from tessera.kernel.errors import Invalid, NotFound
from tessera.kernel.resource_queries import Within, read_list, read_one
from tessera.kernel.resources import Links, Resource
from tessera.production.access import PACKAGE_NAME, Role, open_projects, require_manager, require_team
from tessera.production.links import BOARD_ROLES, PROJECT_TASK_STATUSES, PROJECT_TASK_TYPES, TEAM
from tessera.production.people import PERSON
from tessera.production.project_rules import first_episode
from tessera.production.projects import METADATA_DESCRIPTOR, PROJECT, PROJECT_STATUS
from tessera.production.task_rules import join_team

_P: Final = PROJECT.sa_table
_TASK_TYPE_SETTINGS: Final = ("priority", "hd_bitrate_compression", "ld_bitrate_compression", "is_client_visible")
_TASK_STATUS_SETTINGS: Final = ("priority", "roles_for_board", "is_client_allowed")


def list_open(tx: Tx, principal: Principal, asked: Mapping[str, str], *, only_own: bool = False) -> bytes:
    """Open projects of the caller's teams (all for admins, unless ``only_own``), each with its links and settings.

    Args:
        asked: ``name`` is compared as it is, not as a pattern.
    """
    condition: Any = _P.c.id.in_(open_projects())
    values: dict[str, Any] = {}
    name = "open"
    if asked.get("name"):
        name, condition = f"{name} named", sa.and_(condition, _P.c.name == sa.bindparam("named", None, sa.Text))
        values["named"] = asked["name"]
    if only_own:
        mine = sa.select(TEAM.c.project_id).where(TEAM.c.person_id == sa.bindparam("mine", None, Id))
        name, condition = f"{name} own", sa.and_(condition, _P.c.id.in_(mine))
        values["mine"] = principal.id
    part = Within(name, condition, values, order=(_P.c.name,))
    rows = msgspec.json.decode(read_list(tx, PROJECT, principal, {"relations": "true"}, part))
    return msgspec.json.encode(_completed(tx, principal, rows))


def list_all(tx: Tx, principal: Principal, asked: Mapping[str, str]) -> bytes:
    """All projects without relations, with the names of their statuses and their descriptors."""
    query = {"name": asked["name"]} if asked.get("name") else {}
    rows = msgspec.json.decode(read_list(tx, PROJECT, principal, query, Within("all", sa.true(), order=(_P.c.name,))))
    ids = [row["id"] for row in rows]
    descriptors, statuses = _descriptors(tx, principal, ids), _statuses(tx)
    for row in rows:
        row["project_status_name"] = statuses.get(row["project_status_id"])
        row["descriptors"] = descriptors.get(row["id"], [])
    return msgspec.json.encode(rows)


def read_project(tx: Tx, principal: Principal, project_id: str, *, relations: bool) -> bytes:
    """One project; with relations also with its links, settings and descriptors.

    Raises:
        NotFound: there is none.
        Forbidden: the caller is not of the team.
    """
    found = read_one(tx, PROJECT, principal, project_id, relations=relations)
    if not relations:
        return found
    (row,) = _completed(tx, principal, [msgspec.json.decode(found)])
    row["project_status_name"] = _statuses(tx).get(row["project_status_id"])
    return msgspec.json.encode(row)


def _statuses(tx: Tx) -> dict[str, str]:
    table = PROJECT_STATUS.sa_table
    return {row.id: row.name for row in tx.all(sa.select(table.c.id, table.c.name))}


def _descriptors(tx: Tx, principal: Principal, project_ids: Iterable[str]) -> dict[str, list[Any]]:
    table, found = METADATA_DESCRIPTOR.sa_table, {}
    for project_id in project_ids:
        here = table.c.project_id == sa.bindparam("in_project", None, Id)
        part = Within(
            "of a project", here, {"in_project": project_id}, order=(table.c.position, table.c.name), is_open=True
        )
        rows = msgspec.json.decode(read_list(tx, METADATA_DESCRIPTOR, principal, {"relations": "true"}, part))
        found[project_id] = rows
    return found


def _completed(tx: Tx, principal: Principal, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [row["id"] for row in rows]
    descriptors = _descriptors(tx, principal, ids)
    types = _settings(tx, PROJECT_TASK_TYPES, "task_type_id", _TASK_TYPE_SETTINGS, ids)
    statuses = _settings(tx, PROJECT_TASK_STATUSES, "task_status_id", _TASK_STATUS_SETTINGS, ids)
    for row in rows:
        row["descriptors"] = descriptors.get(row["id"], [])
        row["task_type_links"] = types.get(row["id"], {})
        row["task_types_priority"] = {key: each["priority"] for key, each in row["task_type_links"].items()}
        row["task_statuses_link"] = statuses.get(row["id"], {})
        for link in row["task_statuses_link"].values():
            link["roles_for_board"] = link["roles_for_board"] or list(BOARD_ROLES)
        if row["production_type"] == "tvshow":
            row["first_episode_id"] = first_episode(tx, row["id"])
    return rows


def _settings(
    tx: Tx, table: sa.Table, key: str, names: tuple[str, ...], project_ids: list[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    columns = [table.c[name] for name in ("project_id", key, *names)]
    for row in tx.all(sa.select(*columns).where(table.c.project_id.in_(project_ids))):
        project_id, row_id, *values = tuple(row)
        found.setdefault(project_id, {})[row_id] = dict(zip(names, values, strict=True))
    return found


# -- team --------------------------------------------------------------------------------------------------------------


def list_team(tx: Tx, principal: Principal, project_id: str) -> bytes:
    """The persons of a project's team, each with the role that he has in it (null: his own).

    Raises:
        Forbidden: the caller is not of the team.
    """
    _require_project(tx, project_id)
    require_team(tx, principal, project_id)
    members = tx.all(sa.select(TEAM.c.person_id, TEAM.c.role).where(TEAM.c.project_id == project_id))
    roles = {row.person_id: row.role for row in members}
    here = sa.select(TEAM.c.person_id).where(TEAM.c.project_id == sa.bindparam("in_project", None, Id))
    part = Within(
        "team", PERSON.column("id").in_(here), {"in_project": project_id}, order=(PERSON.column("last_name"),)
    )
    rows = msgspec.json.decode(read_list(tx, PERSON, principal, {}, part))
    return msgspec.json.encode([{**row, "project_role": roles.get(row["id"])} for row in rows])


def add_member(tx: Tx, principal: Principal, project_id: str, person_id: str, role: str | None) -> bytes:
    """Put a person into the team and answer the project.

    Raises:
        NotFound: no such project or person.
        Forbidden: not a manager.
        Invalid: a role that a project cannot give.
    """
    _require_project(tx, project_id)
    require_manager(tx, principal, project_id)
    read_one(tx, PERSON, principal, person_id, relations=False, names=frozenset())
    join_team(tx, project_id, person_id, _checked_role(role))
    if role is not None:
        _change_role(tx, project_id, person_id, role)
    touch(tx, principal, project_id)
    return read_one(tx, PROJECT, principal, project_id, relations=True)


def change_member(tx: Tx, principal: Principal, project_id: str, person_id: str, role: str | None) -> bytes:
    """Set or clear a person's role inside a project.

    Raises:
        NotFound: not of the team.
        Forbidden: not a manager.
        Invalid: a role that a project cannot give.
    """
    _require_project(tx, project_id)
    require_manager(tx, principal, project_id)
    _change_role(tx, project_id, person_id, _checked_role(role))
    touch(tx, principal, project_id)
    return read_one(tx, PROJECT, principal, project_id, relations=True)


def remove_member(tx: Tx, principal: Principal, project_id: str, person_id: str) -> None:
    """Take a person out of the team.

    Raises:
        Forbidden: not a manager.
    """
    _require_project(tx, project_id)
    require_manager(tx, principal, project_id)
    tx.execute(TEAM.delete().where(TEAM.c.project_id == project_id, TEAM.c.person_id == person_id))
    touch(tx, principal, project_id)


def _checked_role(role: str | None) -> str | None:
    words = [str(word) for word in Role if word is not Role.ADMIN]
    if role is not None and role not in words:
        raise Invalid(f"role in a project must be one of {', '.join(words)}, or null; got {role!r}", field="role")
    return role


def _change_role(tx: Tx, project_id: str, person_id: str, role: str | None) -> None:
    member = (TEAM.c.project_id == project_id) & (TEAM.c.person_id == person_id)
    if not tx.execute(TEAM.update().where(member).values(role=role)).rowcount:
        raise NotFound(f"there is no person with the id {person_id} in this team")


def _require_project(tx: Tx, project_id: str) -> None:
    if tx.scalar(sa.select(_P.c.id).where(_P.c.id == project_id)) is None:
        raise NotFound(f"there is no Project with the id {project_id}")


def touch(tx: Tx, principal: Principal, project_id: str) -> None:
    """Say that a project's team or settings changed."""
    tx.execute(_P.update().where(_P.c.id == project_id).values(updated_at=now()))
    data = {"project_id": project_id}
    events.record(tx, "project:update", package=PACKAGE_NAME, by=principal, of=project_id, data=data)


# -- settings ----------------------------------------------------------------------------------------------------------


def add_setting(
    tx: Tx, principal: Principal, project_id: str, links: Links, row_id: str, settings: Mapping[str, Any]
) -> bytes:
    """Link a type, status, automation or background to a project, or change how it is linked; answers the project.

    Raises:
        NotFound: no such project or row.
        Forbidden: not a manager.
    """
    _require_project(tx, project_id)
    require_manager(tx, principal, project_id)
    tables = _P.metadata.tables
    target, pairs = tables[links.target], tables[links.table]
    if tx.scalar(sa.select(target.c.id).where(target.c.id == row_id)) is None:
        raise NotFound(f"there is no row with the id {row_id} to link to the project")
    here = (pairs.c.project_id == project_id) & (pairs.c[links.other] == row_id)
    given = {name: value for name, value in settings.items() if name in pairs.c}
    if tx.scalar(sa.select(pairs.c.project_id).where(here)) is None:
        tx.execute(pairs.insert().values({"project_id": project_id, links.other: row_id, **given}))
    elif given:
        tx.execute(pairs.update().where(here).values(given))
    touch(tx, principal, project_id)
    return read_one(tx, PROJECT, principal, project_id, relations=True)


def remove_setting(tx: Tx, principal: Principal, project_id: str, links: Links, row_id: str) -> None:
    """Take a type, status, automation or background out of a project.

    Raises:
        NotFound: no such project.
        Forbidden: not a manager.
    """
    _require_project(tx, project_id)
    require_manager(tx, principal, project_id)
    pairs = _P.metadata.tables[links.table]
    tx.execute(pairs.delete().where(pairs.c.project_id == project_id, pairs.c[links.other] == row_id))
    touch(tx, principal, project_id)


def list_setting(tx: Tx, principal: Principal, project_id: str, links: Links, resource: Resource) -> bytes:
    """What is linked to a project.

    Raises:
        Forbidden: the caller is not of the team.
    """
    _require_project(tx, project_id)
    require_team(tx, principal, project_id)
    pairs = _P.metadata.tables[links.table]
    here = sa.select(pairs.c[links.other]).where(pairs.c.project_id == sa.bindparam("in_project", None, Id))
    condition = resource.column("id").in_(here)
    return read_list(tx, resource, principal, {}, Within("linked to a project", condition, {"in_project": project_id}))
