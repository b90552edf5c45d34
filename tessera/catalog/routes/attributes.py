"""Routes of attributes, in the contract's order (section 10.4)."""

from typing import Any, Final

from msgspec import Struct

from tessera.catalog import custom_attributes
from tessera.catalog.attributes import Attribute
from tessera.catalog.vocabulary import Role
from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.http import delete, get, post, put


class AttributeQuery(Struct, rename="camel"):
    """Which attribute, or which data type's."""

    data_type: str | None = None
    attribute_key: str | None = None


async def list_attributes(db: Database, query: AttributeQuery) -> list[Attribute]:
    return await db.read(custom_attributes.list_all, query.data_type)


async def create_attribute(db: Database, principal: Principal, data_type: str, body: Any) -> Attribute:
    return await db.write(custom_attributes.create, principal, data_type, body)


async def create_attributes(db: Database, principal: Principal, body: Any) -> list[Attribute]:
    return await db.write(custom_attributes.create_many, principal, body)


async def change_attributes(db: Database, principal: Principal, body: Any) -> list[Attribute]:
    return await db.write(custom_attributes.change_many, principal, body)


async def change_attribute(
    db: Database, principal: Principal, data_type: str, attribute_key: str, body: Any
) -> Attribute:
    return await db.write(custom_attributes.change, principal, data_type, attribute_key, body)


async def delete_attribute(db: Database, principal: Principal, data_type: str, attribute_key: str) -> Attribute:
    return await db.write(custom_attributes.delete, principal, data_type, attribute_key)


async def list_values(db: Database, query: AttributeQuery) -> list[dict[str, Any]]:
    return await db.read(custom_attributes.list_values, query.data_type, query.attribute_key)


async def add_values(db: Database, principal: Principal, query: AttributeQuery, body: Any) -> list[dict[str, Any]]:
    arguments = (query.data_type, query.attribute_key, body)
    return await db.write(custom_attributes.add_values, principal, *arguments)


_READ: Final[dict[str, Any]] = {"least": Role.READER, "errors": (400, 401, 404), "tags": ("attributes",)}
_WRITE: Final[dict[str, Any]] = {**_READ, "least": Role.STEWARD}

ROUTES: Final = [
    get("/attributes", list_attributes, summary="A data type's attributes and the common ones", **_READ),
    post("/attributes/{data_type}", create_attribute, status=201, summary="Make a custom attribute", **_WRITE),
    post("/attributes/bulk", create_attributes, status=201, summary="Make up to 50", **_WRITE),
    put("/attributes/bulk", change_attributes, summary="Change up to 50", **_WRITE),
    put("/attributes/{data_type}/{attribute_key}", change_attribute, summary="Change one", **_WRITE),
    delete("/attributes/{data_type}/{attribute_key}", delete_attribute, summary="Delete a custom one", **_WRITE),
    get("/attributes/values", list_values, summary="Values of a list", **_READ),
    post("/attributes/values", add_values, summary="Add up to 100 values", **_WRITE),
]
