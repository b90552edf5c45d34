"""Routes of processing items, in the contract's order (section 13)."""

import asyncio
from typing import Any, Final

from tessera.catalog import items
from tessera.catalog.paging import Address
from tessera.catalog.vocabulary import ITEM, Role, describe_types
from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.http import Raw, Request, decode_json, delete, get, post, put

IMPORT_LIMIT_BYTES: Final = 100_000_000


async def list_items(db: Database, request: Request, query: items.ItemQuery) -> Raw:
    return await db.read(items.page, query, Address.of(request))


async def list_types() -> list[Any]:
    return describe_types(ITEM)


async def create_item(
    db: Database, principal: Principal, version_id: str, processing_id: str, body: Any
) -> dict[str, str]:
    return await db.write(items.create, principal, version_id, processing_id, body)


async def change_item(
    db: Database, principal: Principal, version_id: str, processing_id: str, item_id: str, body: Any
) -> dict[str, str]:
    return await db.write(items.change, principal, version_id, processing_id, item_id, body)


async def delete_item(
    db: Database, principal: Principal, version_id: str, processing_id: str, item_id: str
) -> dict[str, Any]:
    await db.write(items.delete, principal, version_id, processing_id, item_id)
    return {}


async def add_items(db: Database, principal: Principal, version_id: str, processing_id: str, body: bytes) -> Any:
    rows = await asyncio.to_thread(decode_json, body)
    return await db.write(items.add_many, principal, version_id, processing_id, rows)


_READ: Final[dict[str, Any]] = {"least": Role.READER, "errors": (400, 401, 404), "tags": ("dataProcessingItem",)}
_WRITE: Final[dict[str, Any]] = {**_READ, "least": Role.STEWARD}
_BASE: Final = "/dataProcessingItem"
_ONE: Final = f"{_BASE}/{{version_id}}/{{processing_id}}/{{item_id}}"

ROUTES: Final = [
    get(_BASE, list_items, summary="List items", **_READ),
    get(f"{_BASE}/types", list_types, summary="Types of items and how they link", **_READ),
    post(f"{_BASE}/{{version_id}}/{{processing_id}}", create_item, status=201, summary="Make an item", **_WRITE),
    put(_ONE, change_item, summary="Change an item and its ends", **_WRITE),
    delete(_ONE, delete_item, summary="Delete an item", **_WRITE),
    post(
        f"{_BASE}/bulk/{{version_id}}/{{processing_id}}",
        add_items,
        status=201,
        summary="Upsert items by path",
        body_limit=IMPORT_LIMIT_BYTES,
        **_WRITE,
    ),
]
