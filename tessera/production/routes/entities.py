"""Assets, shots, sequences, episodes, scenes, edits: their own routes.

Source: contracts/production.md, 6.2 to 6.5
"""

from functools import partial
from typing import Any, Final

from tessera.kernel.access import Least, Principal
from tessera.kernel.db import Database
from tessera.kernel.http import Response, Route, UUIDText, delete, get, post, put
from tessera.kernel.resource_changes import update
from tessera.kernel.resource_queries import is_yes
from tessera.kernel.resource_routes import members
from tessera.production import entity_making as making
from tessera.production import entity_views as views
from tessera.production import task_views
from tessera.production.access import ANYONE, NOT_VENDOR
from tessera.production.entities import ENTITY

_LISTED: Final = {
    "Asset": ("assets", "assets/all"),
    "Shot": ("shots", "shots/all"),
    "Sequence": ("sequences",),
    "Episode": ("episodes",),
    "Scene": ("scenes/all",),
    "Edit": ("edits", "edits/all"),
}
_MADE: Final = ("Shot", "Sequence", "Episode", "Scene", "Edit")
_ERRORS: Final = (401, 403, 404, 422)


def reply(content: bytes, status: int = 200) -> Response:
    """JSON that the database or a rule has written already."""
    return Response(content, status, None, "application/json")


def _routes_of_kind(kind: str) -> list[Route]:
    plural = kind.lower() + "s"
    one = f"/data/{plural}/{{entity_id}}"
    least: Least = NOT_VENDOR if kind == "Scene" else ANYONE

    async def list_all(db: Database, principal: Principal, query: dict[str, str]) -> Response:
        return reply(await db.read(views.list_kind, principal, kind, query))

    async def list_of_project(
        db: Database, principal: Principal, project_id: UUIDText, query: dict[str, str]
    ) -> Response:
        return reply(await db.read(views.list_of_project, principal, kind, project_id, query))

    async def read(db: Database, principal: Principal, entity_id: UUIDText) -> Response:
        return reply(await db.read(views.read_kind, principal, kind, entity_id))

    async def make(db: Database, principal: Principal, project_id: UUIDText, body: making.EntityDraft) -> Response:
        return reply(await db.write(making.get_or_make, principal, kind, project_id, body), 201)

    async def remove(db: Database, principal: Principal, entity_id: UUIDText, query: dict[str, str]) -> None:
        await db.write(making.remove, principal, kind, entity_id, force=is_yes(query.get("force")))

    async def tasks(db: Database, principal: Principal, entity_id: UUIDText, query: dict[str, str]) -> Response:
        return reply(await db.read(task_views.list_of_entity, principal, entity_id, query))

    async def task_types(db: Database, principal: Principal, entity_id: UUIDText) -> Response:
        return reply(await db.read(task_views.task_types_of_entity, principal, entity_id))

    common: dict[str, Any] = {"tags": (plural,), "errors": _ERRORS}
    found = [
        get(f"/data/{path}", list_all, least=least, summary=f"{kind}s that the caller sees", **common)
        for path in _LISTED[kind]
    ]
    found += [
        get(
            f"/data/projects/{{project_id}}/{plural}",
            list_of_project,
            least=least,
            summary=f"{kind}s of a project",
            **common,
        ),
        get(one, read, least=ANYONE, summary=f"One {kind.lower()} with its context and tasks", **common),
        delete(one, remove, least=ANYONE, status=204, summary=f"Delete or cancel one {kind.lower()}", **common),
        get(f"{one}/tasks", tasks, least=ANYONE, summary=f"Tasks of one {kind.lower()}", **common),
        get(
            f"{one}/task-types", task_types, least=ANYONE, summary=f"Task types of one {kind.lower()}'s tasks", **common
        ),
    ]
    if kind in _MADE:
        summary = f"The {kind.lower()} of this name, made where there is none"
        found.append(
            post(f"/data/projects/{{project_id}}/{plural}", make, least=ANYONE, status=201, summary=summary, **common)
        )
    return found


async def make_asset(
    db: Database, principal: Principal, project_id: UUIDText, asset_type_id: UUIDText, body: making.EntityDraft
) -> Response:
    """Create an asset of a type."""
    return reply(await db.write(making.make_asset, principal, project_id, asset_type_id, body), 201)


async def assets_of_type(
    db: Database, principal: Principal, project_id: UUIDText, asset_type_id: UUIDText, query: dict[str, str]
) -> Response:
    """Assets of one type in a project."""
    asked = {**query, "entity_type_id": asset_type_id}
    return reply(await db.read(views.list_of_project, principal, "Asset", project_id, asked))


async def update_shot(db: Database, principal: Principal, entity_id: UUIDText, body: Any) -> Response:
    """Change members of a shot."""
    return reply(await db.write(update, ENTITY, principal, entity_id, members(body)))


async def list_asset_types(db: Database, principal: Principal, query: dict[str, str]) -> Response:
    """All asset types."""
    return reply(await db.read(views.list_asset_types, principal, query))


async def read_asset_type(db: Database, principal: Principal, asset_type_id: UUIDText) -> Response:
    """One asset type."""
    return reply(await db.read(views.read_asset_type, principal, asset_type_id))


async def asset_types_of_project(db: Database, principal: Principal, project_id: UUIDText) -> Response:
    """Asset types of a project."""
    return reply(await db.read(views.asset_types_of_project, principal, project_id))


async def _versions(kind: str, db: Database, principal: Principal, entity_id: str) -> Response:
    return reply(await db.read(views.list_versions, principal, kind, entity_id))


async def versions_of_edit(db: Database, principal: Principal, edit_id: UUIDText) -> Response:
    """Data versions of an edit, newest first."""
    return await _versions("Edit", db, principal, edit_id)


async def versions_of_shot(db: Database, principal: Principal, shot_id: UUIDText) -> Response:
    """Data versions of a shot, newest first."""
    return await _versions("Shot", db, principal, shot_id)


async def _below(kind: str, db: Database, principal: Principal, parent_id: str, query: dict[str, str]) -> Response:
    return reply(await db.read(views.list_below, principal, kind, parent_id, query))


async def shots_below(db: Database, principal: Principal, parent_id: UUIDText, query: dict[str, str]) -> Response:
    """Shots of a sequence, or of all sequences of an episode."""
    return await _below("Shot", db, principal, parent_id, query)


async def sequences_below(db: Database, principal: Principal, parent_id: UUIDText, query: dict[str, str]) -> Response:
    """Sequences of an episode."""
    return await _below("Sequence", db, principal, parent_id, query)


_get = partial(get, least=ANYONE, errors=_ERRORS)
_of_type: Final = "/data/projects/{project_id}/asset-types/{asset_type_id}/assets"

ROUTES: Final[list[Route]] = [
    *(route for kind in _LISTED for route in _routes_of_kind(kind)),
    post(f"{_of_type}/new", make_asset, least=ANYONE, status=201, errors=(400, *_ERRORS), tags=("assets",)),
    _get(_of_type, assets_of_type, tags=("assets",)),
    put("/data/shots/{entity_id}", update_shot, least=ANYONE, errors=(400, *_ERRORS), tags=("shots",)),
    _get("/data/asset-types", list_asset_types, tags=("assets",)),
    _get("/data/asset-types/{asset_type_id}", read_asset_type, tags=("assets",)),
    _get("/data/projects/{project_id}/asset-types", asset_types_of_project, tags=("projects",)),
    _get("/data/edits/{edit_id}/versions", versions_of_edit, tags=("edits",)),
    _get("/data/shots/{shot_id}/versions", versions_of_shot, tags=("shots",)),
    _get("/data/sequences/{parent_id}/shots", shots_below, tags=("sequences",)),
    _get("/data/episodes/{parent_id}/shots", shots_below, tags=("episodes",)),
    _get("/data/episodes/{parent_id}/sequences", sequences_below, tags=("episodes",)),
]
