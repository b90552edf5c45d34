"""Projects, their teams and settings, by their own routes.

Source: contracts/production.md, 6.1
"""

from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Invalid
from tessera.kernel.http import Response, Route, UUIDText, delete, get, post, put
from tessera.kernel.resource_queries import is_yes
from tessera.kernel.resource_routes import members
from tessera.kernel.resource_values import path_id
from tessera.kernel.resources import Links, Resource
from tessera.production import casting
from tessera.production import project_views as views
from tessera.production.access import ANYONE, Role
from tessera.production.entities import ENTITY_TYPE
from tessera.production.projects import PROJECT
from tessera.production.routes.entities import reply
from tessera.production.studio import BACKGROUND_FILE
from tessera.production.tasks import STATUS_AUTOMATION, TASK_STATUS, TASK_TYPE

_ERRORS: Final = (400, 401, 403, 404, 422)
_TAGS: Final = ("projects",)
_P: Final = "/data/projects/{project_id}"


class Member(Struct):
    """A person for a team; without a role he keeps his own."""

    person_id: str
    role: str | None = None


class MemberRole(Struct):
    """A role inside a project; null: the person's own."""

    role: str | None = None


class ClientUse(Struct):
    """Whether clients may set a status in a project; null: as in the studio."""

    is_client_allowed: bool | UnsetType | None = UNSET


async def list_open(db: Database, principal: Principal, query: dict[str, str]) -> Response:
    """Open projects that the caller sees."""
    return reply(await db.read(views.list_open, principal, query))


async def list_own_open(db: Database, principal: Principal, query: dict[str, str]) -> Response:
    """Open projects of the caller's teams."""
    return reply(await db.read(views.list_open, principal, query, only_own=True))


async def list_all(db: Database, principal: Principal, query: dict[str, str]) -> Response:
    """All projects."""
    return reply(await db.read(views.list_all, principal, query))


async def read_project(db: Database, principal: Principal, project_id: str, query: dict[str, str]) -> Response:
    """One project, with its links, settings and descriptors unless ``relations=false``."""
    relations = query.get("relations") is None or is_yes(query["relations"])
    return reply(await db.read(views.read_project, principal, path_id(project_id), relations=relations))


async def list_team(db: Database, principal: Principal, project_id: UUIDText) -> Response:
    """The team of a project."""
    return reply(await db.read(views.list_team, principal, project_id))


async def add_member(db: Database, principal: Principal, project_id: UUIDText, body: Member) -> Response:
    """Put a person into the team."""
    return reply(await db.write(views.add_member, principal, project_id, path_id(body.person_id), body.role), 201)


async def change_member(
    db: Database, principal: Principal, project_id: UUIDText, person_id: UUIDText, body: MemberRole
) -> Response:
    """Set a person's role in a project."""
    return reply(await db.write(views.change_member, principal, project_id, person_id, body.role))


async def remove_member(db: Database, principal: Principal, project_id: UUIDText, person_id: UUIDText) -> None:
    """Take a person out of the team."""
    await db.write(views.remove_member, principal, project_id, person_id)


async def change_client_use(
    db: Database, principal: Principal, project_id: UUIDText, task_status_id: UUIDText, body: ClientUse
) -> Response:
    """Say whether clients may set a status in this project."""
    settings = {} if body.is_client_allowed is UNSET else {"is_client_allowed": body.is_client_allowed}
    links = PROJECT.links["task_statuses"]
    return reply(await db.write(views.add_setting, principal, project_id, links, task_status_id, settings))


async def list_links(db: Database, principal: Principal, project_id: UUIDText, query: dict[str, str]) -> Response:
    """Links between the entities of a project."""
    return reply(await db.read(casting.list_links, principal, project_id, query))


async def remove_link(db: Database, principal: Principal, project_id: UUIDText, entity_link_id: UUIDText) -> Response:
    """Delete a link between two entities, and answer it. Mainly for synchronisation."""
    return reply(await db.write(casting.remove_link, principal, project_id, entity_link_id))


def _setting(word: str, key: str, links: Links, resource: Resource) -> list[Route]:
    """The three routes of one kind of setting."""

    async def list_rows(db: Database, principal: Principal, project_id: UUIDText) -> Response:
        return reply(await db.read(views.list_setting, principal, project_id, links, resource))

    async def add(db: Database, principal: Principal, project_id: UUIDText, body: Any) -> Response:
        given = members(body)
        if not isinstance(given.get(key), str):
            raise Invalid(f"{key} is missing", field=key, code="shape")
        return reply(await db.write(views.add_setting, principal, project_id, links, path_id(given[key]), given), 201)

    async def remove(db: Database, principal: Principal, project_id: UUIDText, row_id: UUIDText) -> None:
        await db.write(views.remove_setting, principal, project_id, links, row_id)

    common: dict[str, Any] = {"least": ANYONE, "errors": _ERRORS, "tags": _TAGS}
    path, noun = f"{_P}/settings/{word}", word.replace("-", " ")
    return [
        get(path, list_rows, summary=f"The {noun} that a project uses", **common),
        post(path, add, status=201, summary=f"Let a project use one of the {noun}", **common),
        delete(f"{path}/{{row_id}}", remove, status=204, summary=f"Take one of the {noun} out of a project", **common),
    ]


ROUTES: Final[list[Route]] = [
    get("/data/projects/open", list_open, least=ANYONE, errors=(401, 422), tags=_TAGS),
    get("/data/user/projects/open", list_own_open, least=ANYONE, errors=(401, 422), tags=_TAGS),
    get("/data/projects/all", list_all, least=Role.ADMIN, errors=(401, 403, 422), tags=_TAGS),
    get(_P, read_project, least=ANYONE, errors=_ERRORS, tags=_TAGS),
    get(f"{_P}/team", list_team, least=ANYONE, errors=_ERRORS, tags=_TAGS),
    post(f"{_P}/team", add_member, least=ANYONE, status=201, errors=_ERRORS, tags=_TAGS),
    put(f"{_P}/team/{{person_id}}", change_member, least=ANYONE, errors=_ERRORS, tags=_TAGS),
    delete(f"{_P}/team/{{person_id}}", remove_member, least=ANYONE, status=204, errors=_ERRORS, tags=_TAGS),
    *_setting("asset-types", "asset_type_id", PROJECT.links["asset_types"], ENTITY_TYPE),
    *_setting("task-types", "task_type_id", PROJECT.links["task_types"], TASK_TYPE),
    *_setting("task-status", "task_status_id", PROJECT.links["task_statuses"], TASK_STATUS),
    *_setting("status-automations", "status_automation_id", PROJECT.links["status_automations"], STATUS_AUTOMATION),
    *_setting(
        "preview-background-files",
        "preview_background_file_id",
        PROJECT.links["preview_background_files"],
        BACKGROUND_FILE,
    ),
    put(f"{_P}/settings/task-status/{{task_status_id}}", change_client_use, least=ANYONE, errors=_ERRORS, tags=_TAGS),
    get(f"{_P}/entity-links", list_links, least=ANYONE, errors=_ERRORS, tags=_TAGS),
    delete(f"{_P}/entity-links/{{entity_link_id}}", remove_link, least=ANYONE, errors=_ERRORS, tags=_TAGS),
]
