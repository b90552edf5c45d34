"""The five routes of a declared resource, as rows of the table that the router and the API reference read."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec
from starlette.responses import Response

from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Invalid
from tessera.kernel.http import Route, delete, get, post, put
from tessera.kernel.resource_changes import create, update
from tessera.kernel.resource_changes import delete as remove
from tessera.kernel.resource_queries import is_yes, read_list, read_one
from tessera.kernel.resource_values import path_id
from tessera.kernel.resources import Field, Kind, Resource

JSON_TYPE: Final = "application/json"
_HINTS: Final[Mapping[Kind, Any]] = {
    Kind.INTEGER: int,
    Kind.BIG: int,
    Kind.REAL: float,
    Kind.FLAG: bool,
    Kind.DOCUMENT: Any,
}


def routes_of(resource: Resource, prefix: str = "/data") -> list[Route]:
    """List, read, create, update and delete, as far as the resource has them.

    Lists and single reads answer with what the database wrote; ``PUT`` is partial.
    """
    verbs = resource.verbs
    many, one = f"{prefix}/{resource.path}", f"{prefix}/{resource.path}/{{instance_id}}"
    tags = resource.tags or (resource.path,)
    named = resource.wire if isinstance(resource.wire, str) else resource.path

    async def list_rows(db: Database, principal: Principal, query: dict[str, str]) -> Response:
        return _json(await db.read(read_list, resource, principal, query))

    async def read_row(db: Database, principal: Principal, instance_id: str, query: dict[str, str]) -> Response:
        relations = query.get("relations") is None or is_yes(query["relations"])
        asked = query.get("fields")
        names = frozenset(name for name in asked.split(",") if name) if asked else None
        row_id = path_id(instance_id)
        return _json(await db.read(read_one, resource, principal, row_id, relations=relations, names=names))

    async def create_row(db: Database, principal: Principal, body: Any) -> Response:
        return _json(await db.write(create, resource, principal, members(body)), 201)

    async def update_row(db: Database, principal: Principal, instance_id: str, body: Any) -> Response:
        return _json(await db.write(update, resource, principal, path_id(instance_id), members(body)))

    async def delete_row(db: Database, principal: Principal, instance_id: str, query: dict[str, str]) -> None:
        force = is_yes(query.get("force"))
        await db.write(remove, resource, principal, path_id(instance_id), force=force)

    found: list[Route] = []
    common: dict[str, Any] = {"tags": tags}
    if verbs.list is not None:
        documented = partial(shapes, resource, "list")
        summary = f"List of {named}; every column is a filter"
        found.append(
            get(
                many,
                list_rows,
                least=verbs.list,
                errors=(400, 401, 403),
                summary=summary,
                documented=documented,
                **common,
            )
        )
    if verbs.create is not None:
        documented = partial(shapes, resource, "create")
        summary = f"Create {named}"
        errors = (400, 401, 403)
        found.append(
            post(
                many,
                create_row,
                least=verbs.create,
                status=201,
                errors=errors,
                summary=summary,
                documented=documented,
                **common,
            )
        )
    if verbs.read is not None:
        documented = partial(shapes, resource, "read")
        summary = f"Read one {named}"
        found.append(
            get(
                one,
                read_row,
                least=verbs.read,
                errors=(400, 401, 403, 404),
                summary=summary,
                documented=documented,
                **common,
            )
        )
    if verbs.update is not None:
        documented = partial(shapes, resource, "update")
        summary = f"Change members of one {named}"
        found.append(
            put(
                one,
                update_row,
                least=verbs.update,
                errors=(400, 401, 403, 404),
                summary=summary,
                documented=documented,
                **common,
            )
        )
    if verbs.delete is not None:
        summary = f"Delete one {named}"
        found.append(
            delete(
                one, delete_row, least=verbs.delete, status=204, errors=(400, 401, 403, 404), summary=summary, **common
            )
        )
    return found


def members(body: Any) -> Mapping[str, Any]:
    """The body as an object.

    Raises:
        Invalid: null, or another value (code ``json``).
    """
    if isinstance(body, dict):
        return body
    raise Invalid(f"the body has to be a JSON object; got {_kind_of(body)}", code="json")


def _kind_of(body: Any) -> str:
    names = {type(None): "null", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(body), "something else")


def _json(content: bytes, status: int = 200) -> Response:
    return Response(content, status, None, JSON_TYPE)


def shapes(resource: Resource, verb: str) -> dict[str, Any]:
    """Types for the API reference alone; the handlers read bodies with the resource's own checks."""
    name = "".join(part.capitalize() for part in resource.path.replace("_", "-").split("-"))
    if verb in ("create", "update"):
        given = [_member(each, verb) for each in resource.fields if verb in each.written]
        given += [
            (each.name, list[str], msgspec.field(default_factory=list))
            for each in resource.links.values()
            if verb in each.written
        ]
        given.sort(key=lambda one: len(one))
        return {"body": msgspec.defstruct(f"{name}{verb.capitalize()}", given), "return": _answer(resource, name)}
    asked: list[Any] = [(each, str | None, None) for each in ("relations", "fields")]
    if verb == "list":
        asked += [(each, int | None, None) for each in ("page", "limit")]
        asked += [(each.wire_name, str | None, None) for each in resource.fields if not each.hidden]
        return {"query": msgspec.defstruct(f"{name}Query", asked), "return": list[_answer(resource, name)]}  # type: ignore[misc]
    return {"query": msgspec.defstruct(f"{name}ReadQuery", asked), "return": _answer(resource, name)}


def _member(declared: Field, verb: str) -> tuple[Any, ...]:
    hint = _hint(declared)
    return (declared.wire_name, hint) if declared.required and verb == "create" else (declared.wire_name, hint, None)


def _hint(declared: Field) -> Any:
    plain = _HINTS.get(declared.kind, str)
    return plain | None if declared.nullable and plain is not Any else plain


_answers: dict[Resource, Any] = {}


def _answer(resource: Resource, name: str) -> Any:
    known = _answers.get(resource)
    if known is None:
        shown: list[Any] = [(each.wire_name, _hint(each)) for each in resource.fields if not each.hidden]
        fixed: list[Any] = [("id", str), *shown, ("created_at", str), ("updated_at", str), ("type", str)]
        known = _answers[resource] = msgspec.defstruct(name, fixed)
    return known
