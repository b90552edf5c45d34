"""Routes of objects: the same ten rows for each data type, as the contract's table has them (sections 9 and 22)."""

import asyncio
from typing import Any, Final
from urllib.parse import quote

from tessera.catalog import import_tree, listing, objects
from tessera.catalog.paging import Address, ObjectQuery
from tessera.catalog.vocabulary import (
    CONTAINER,
    FIELD,
    PROCESSING,
    PROPERTY,
    SOURCE,
    STRUCTURE,
    USAGE,
    Kind,
    Role,
    describe_types,
)
from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.http import Raw, Request, Response, Route, decode_json, delete, get, json_response, patch, post, put

IMPORT_LIMIT_BYTES: Final = 100_000_000
OBJECT_LIMIT_BYTES: Final = 5_000_000
IGNORED_SHOWN: Final = 50
"""Most keys that the header X-Ignored-Keys lists."""


def written(result: objects.Written, status: int) -> Response:
    """``{id, location}``, and in a header which keys of the payload mean nothing here."""
    headers = {}
    if result.ignored:
        headers["x-ignored-keys"] = ", ".join(quote(key[:100], safe=" ()") for key in result.ignored[:IGNORED_SHOWN])
    return json_response({"id": result.id, "location": result.location}, status, headers)


def rows_of(kind: Kind) -> list[Route]:
    """The table of one data type."""
    base = f"/{kind.route}"
    word = kind.data_type

    async def list_objects(db: Database, request: Request, principal: Principal, query: ObjectQuery) -> Raw:
        return await db.read(listing.page, kind, query, Address.of(request), principal)

    async def list_types() -> list[Any]:
        return describe_types(kind)

    async def read_object(db: Database, request: Request, principal: Principal, version_id: str, object_id: str) -> Raw:
        return await db.read(listing.detail, kind, version_id, object_id, request.origin, principal)

    async def create_root(db: Database, principal: Principal, version_id: str, body: Any) -> Response:
        return written(await db.write(objects.create, principal, kind, version_id, None, body), 201)

    async def create_under(db: Database, principal: Principal, version_id: str, parent_id: str, body: Any) -> Response:
        return written(await db.write(objects.create, principal, kind, version_id, parent_id, body), 201)

    async def change_object(db: Database, principal: Principal, version_id: str, object_id: str, body: Any) -> Response:
        return written(await db.write(objects.update, principal, kind, version_id, object_id, body), 200)

    async def delete_object(db: Database, principal: Principal, version_id: str, object_id: str) -> dict[str, Any]:
        await db.write(objects.delete, principal, kind, version_id, object_id)
        return {}

    async def delete_many(db: Database, principal: Principal, version_id: str, body: Any) -> dict[str, int]:
        return {"totalDeleted": await db.write(objects.delete_many, principal, kind, version_id, body)}

    async def import_trees(db: Database, principal: Principal, version_id: str, body: bytes) -> Any:
        trees = await asyncio.to_thread(decode_json, body)
        return await db.write(import_tree.import_trees, principal, kind, version_id, trees)

    async def create_roots(db: Database, principal: Principal, version_id: str, body: bytes) -> Any:
        rows = await asyncio.to_thread(decode_json, body)
        return await db.write(import_tree.create_sources, principal, version_id, rows)

    async def change_roots(db: Database, principal: Principal, version_id: str, body: bytes) -> Any:
        rows = await asyncio.to_thread(decode_json, body)
        return await db.write(import_tree.change_many, principal, kind, version_id, None, rows)

    async def create_many(db: Database, principal: Principal, version_id: str, parent_id: str, body: bytes) -> Any:
        rows = await asyncio.to_thread(decode_json, body)
        return await db.write(import_tree.create_many, principal, kind, version_id, parent_id, rows)

    async def change_many(db: Database, principal: Principal, version_id: str, parent_id: str, body: bytes) -> Any:
        rows = await asyncio.to_thread(decode_json, body)
        return await db.write(import_tree.change_many, principal, kind, version_id, parent_id, rows)

    tags: dict[str, Any] = {"tags": (kind.route,)}
    writes: dict[str, Any] = {"least": Role.STEWARD, "errors": (400, 401, 404), **tags}
    single: dict[str, Any] = {"body_limit": OBJECT_LIMIT_BYTES, **writes}
    large: dict[str, Any] = {"body_limit": IMPORT_LIMIT_BYTES, **writes}
    reads: dict[str, Any] = {"least": Role.READER, "errors": (400, 401, 404), **tags}
    create = (
        post(f"{base}/{{version_id}}", create_root, status=201, summary=f"Create or upsert a {word}", **single)
        if kind is SOURCE
        else post(
            f"{base}/{{version_id}}/{{parent_id}}",
            create_under,
            status=201,
            summary=f"Create or upsert a {word}",
            **single,
        )
    )
    rows = [
        get(base, list_objects, summary=f"List objects of data type {word}", **reads),
        get(f"{base}/types", list_types, summary=f"Types of {word}, what they hold and how they link", **reads),
        create,
        get(f"{base}/{{version_id}}/{{object_id}}", read_object, summary=f"Read a {word}", **reads),
        put(f"{base}/{{version_id}}/{{object_id}}", change_object, summary=f"Change a {word}", **single),
        patch(f"{base}/{{version_id}}/{{object_id}}", change_object, summary=f"The same as PUT for a {word}", **single),
        delete(
            f"{base}/{{version_id}}/{{object_id}}", delete_object, summary=f"Delete a {word} and all under it", **writes
        ),
        delete(f"{base}/bulk/{{version_id}}", delete_many, summary=f"Delete many of {word}", **large),
    ]
    if kind in (SOURCE, PROPERTY, USAGE, PROCESSING):
        rows.append(
            post(
                f"{base}/bulktree/{{version_id}}", import_trees, status=201, summary="Import trees of objects", **large
            )
        )
    if kind is SOURCE:
        rows += [
            post(f"{base}/bulk/{{version_id}}", create_roots, status=201, summary="Create up to 100 sources", **large),
            put(f"{base}/bulk/{{version_id}}", change_roots, summary="Change many sources", **large),
        ]
    elif kind in (CONTAINER, STRUCTURE, FIELD):
        under = f"{base}/bulk/{{version_id}}/{{parent_id}}"
        rows += [
            post(under, create_many, status=201, summary=f"Create many of {word} under one parent", **large),
            put(under, change_many, summary=f"Change many of {word} under one parent", **large),
        ]
    return rows


ROUTES: Final = [
    row for kind in (SOURCE, CONTAINER, STRUCTURE, FIELD, PROPERTY, PROCESSING, USAGE) for row in rows_of(kind)
]
