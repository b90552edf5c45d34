"""Routes of workspaces, people, tags, links and credentials, in the contract's order (sections 2, 11, 14, 15, 17)."""

import asyncio
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from tessera import __version__
from tessera.catalog import credentials, links, people, tags, workspaces
from tessera.catalog.counts import Counts
from tessera.catalog.paging import Address, PageQuery
from tessera.catalog.vocabulary import Role
from tessera.identity import Identity
from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.http import Raw, Request, decode_json, delete, get, post, put

LINKS_LIMIT_BYTES: Final = 100_000_000


class WorkspaceQuery(Struct):
    """Filter of ``GET /workspaces``."""

    name: str | None = None


class LineageQuery(Struct):
    """Parameters of ``GET /lineage``."""

    direction: links.Direction = "both"
    depth: Annotated[int, Meta(ge=1, le=links.DEPTH_MAX)] = 5


class RegenerateQuery(Struct, rename="camel"):
    """Parameter of ``GET /credentials/regenerate``; without it the caller's own token is renewed."""

    integration_token: str | None = None


async def describe(request: Request) -> dict[str, str]:
    """The API base URL, for whoever is signed in."""
    return {"name": "Tessera catalog", "version": __version__, "apiBaseUrl": f"{request.origin}/catalog/v2"}


async def list_workspaces(db: Database, principal: Principal, query: WorkspaceQuery) -> dict[str, Any]:
    return await db.read(workspaces.list_all, principal, query.name)


async def create_workspace(db: Database, principal: Principal, body: workspaces.WorkspaceDraft) -> dict[str, Any]:
    return await db.write(workspaces.create, principal, body)


async def list_versions(db: Database, request: Request, workspace_id: str, query: PageQuery) -> Raw:
    return await db.read(workspaces.page_versions, workspace_id, query, Address.of(request))


async def list_eligible(db: Database, request: Request, version_id: str, query: people.PeopleQuery) -> Raw:
    return await db.read(people.page_eligible, version_id, query, Address.of(request))


async def list_users(db: Database, request: Request, query: people.PeopleQuery) -> Raw:
    return await db.read(people.page_all, query, Address.of(request))


async def create_user(db: Database, principal: Principal, body: people.UserDraft) -> people.User:
    return await db.write(people.create, principal, body)


async def change_user(db: Database, principal: Principal, user_id: str, body: people.UserDraft) -> people.User:
    return await db.write(people.change, principal, user_id, body)


async def list_tags(db: Database, request: Request, query: tags.TagQuery) -> Raw:
    return await db.read(tags.page, query, Address.of(request))


async def add_tags(db: Database, principal: Principal, body: Any) -> Counts:
    return await db.write(tags.add, principal, body)


async def change_tag(db: Database, principal: Principal, name: str, body: Any) -> dict[str, Any]:
    return await db.write(tags.change, principal, name, body)


async def delete_tag(db: Database, principal: Principal, name: str) -> dict[str, Any]:
    await db.write(tags.delete, principal, name)
    return {}


async def list_links(db: Database, version_id: str, from_id: str) -> list[links.LinkShown]:
    return await db.read(links.of_object, version_id, from_id)


async def create_link(db: Database, principal: Principal, version_id: str, from_id: str, body: Any) -> links.LinkShown:
    return await db.write(links.create, principal, version_id, from_id, body)


async def delete_link(
    db: Database, principal: Principal, version_id: str, from_id: str, link_type: str, to_id: str
) -> dict[str, Any]:
    await db.write(links.delete, principal, version_id, from_id, link_type, to_id)
    return {}


async def add_links(db: Database, principal: Principal, version_id: str, body: bytes) -> Counts:
    rows = await asyncio.to_thread(decode_json, body)
    return await db.write(links.add_by_ids, principal, version_id, rows)


async def add_links_by_path(db: Database, principal: Principal, version_id: str, body: bytes) -> Counts:
    rows = await asyncio.to_thread(decode_json, body)
    return await db.write(links.add_by_paths, principal, version_id, rows)


async def read_lineage(db: Database, version_id: str, object_id: str, query: LineageQuery) -> links.Lineage:
    return await db.read(links.lineage, version_id, object_id, query.direction, query.depth)


async def exchange(identity: Identity, principal: Principal) -> dict[str, str]:
    return {"accessToken": identity.catalog_exchange(principal)}


async def regenerate(db: Database, principal: Principal, query: RegenerateQuery) -> dict[str, str]:
    return {"integrationToken": await db.write(credentials.regenerate, principal, query.integration_token)}


_READ: Final[dict[str, Any]] = {"least": Role.READER, "errors": (400, 401, 404)}
_WRITE: Final[dict[str, Any]] = {"least": Role.STEWARD, "errors": (400, 401, 404)}
_ADMIN: Final[dict[str, Any]] = {"least": Role.ADMIN, "errors": (400, 401, 404)}
_LARGE: Final[dict[str, Any]] = {**_WRITE, "body_limit": LINKS_LIMIT_BYTES, "status": 201}

ROUTES: Final = [
    get("/", describe, summary="The API base URL", tags=("workspaces",), **_READ),
    get(
        "/credentials",
        exchange,
        summary="Exchange a token for an access token of one hour",
        tags=("credentials",),
        **_READ,
    ),
    get(
        "/credentials/regenerate",
        regenerate,
        reads=False,
        summary="A new value for an integration token; the old one ends",
        tags=("credentials",),
        **_READ,
    ),
    get("/workspaces", list_workspaces, summary="Workspaces and their default versions", tags=("workspaces",), **_READ),
    post("/workspaces", create_workspace, status=201, summary="Make a workspace", tags=("workspaces",), **_ADMIN),
    get("/workspaces/{workspace_id}/versions", list_versions, summary="Versions", tags=("workspaces",), **_READ),
    get("/users/{version_id}", list_eligible, summary="People who may own or steward", tags=("users",), **_READ),
    get("/users", list_users, summary="Everybody", tags=("users",), **_READ),
    post("/users", create_user, status=201, summary="Make a person", tags=("users",), **_ADMIN),
    put("/users/{user_id}", change_user, summary="Change a person, assign a licence", tags=("users",), **_ADMIN),
    get("/tags", list_tags, summary="Tags", tags=("tags",), **_READ),
    post("/tags", add_tags, status=201, summary="Make or change tags", tags=("tags",), **_WRITE),
    put("/tags/{name}", change_tag, summary="Change or rename a tag", tags=("tags",), **_WRITE),
    delete("/tags/{name}", delete_tag, summary="Delete a tag", tags=("tags",), **_WRITE),
    get("/links/{version_id}/{from_id}", list_links, summary="Links of an object", tags=("links",), **_READ),
    post(
        "/links/{version_id}/{from_id}", create_link, status=201, summary="Link two objects", tags=("links",), **_WRITE
    ),
    delete(
        "/links/{version_id}/{from_id}/{link_type}/{to_id}",
        delete_link,
        summary="Remove a link",
        tags=("links",),
        **_WRITE,
    ),
    post("/links/bulk/{version_id}", add_links, summary="Links by id", tags=("links",), **_LARGE),
    post("/links/bulktree/{version_id}", add_links_by_path, summary="Links by path", tags=("links",), **_LARGE),
    get("/lineage/{version_id}/{object_id}", read_lineage, summary="Where data comes from", tags=("links",), **_READ),
]
