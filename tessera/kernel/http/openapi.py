"""One OpenAPI 3.1 document a package, made from its table of routes when somebody asks for it."""

import inspect
import re
import types
import typing
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Raw
from starlette.responses import Response

from tessera.kernel.access import PUBLIC, SIGNED_IN, roles_from
from tessera.kernel.http.binding import UUIDText
from tessera.kernel.http.route import Package, Route

_PLACEHOLDER = re.compile(r"\{([a-z_]+)(?::\w+)?\}")


def document(package: Package, server_url: str, security: Mapping[str, Any]) -> dict[str, Any]:
    """The description of all routes of ``package``.

    Args:
        security: OpenAPI security schemes by name; any one of them opens a route that is not public.
    """
    kinds = [kind for route in package.routes for kind in _kinds(route)]
    _, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}", schema_hook=_any_object
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in package.routes:
        path = _PLACEHOLDER.sub(r"{\1}", route.path) or "/"
        operation = _operation(route, package, security)
        paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": package.title, "version": package.version, "description": package.description},
        "servers": [{"url": server_url}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": dict(security)},
    }


def _hints(route: Route) -> dict[str, Any]:
    hints = typing.get_type_hints(route.handler, include_extras=True)
    return {**hints, **route.documented()} if route.documented is not None else hints


def _kinds(route: Route) -> list[Any]:
    hints = _hints(route)
    found = [hints[name] for name in ("body", "query") if name in hints and hints[name] is not bytes]
    result = hints.get("return")
    if _has_shape(result):
        found.append(result)
    return found


def _has_shape(kind: Any) -> bool:
    if kind in (None, type(None), Any, Raw, bytes):
        return False
    if isinstance(kind, type) and issubclass(kind, Response):
        return False
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return all(_has_shape(part) for part in typing.get_args(kind) if part is not type(None))
    return True


def _any_object(kind: type) -> dict[str, Any]:
    """A handler annotated with `object` may answer anything."""
    if kind is object:
        return {"description": "Any value."}
    raise NotImplementedError


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components(
        [kind], ref_template="#/components/schemas/{name}", schema_hook=_any_object
    )
    return schema


def _operation(route: Route, package: Package, security: Mapping[str, Any]) -> dict[str, Any]:
    hints = _hints(route)
    doc = inspect.getdoc(route.handler) or ""
    summary = route.summary or doc.split("\n")[0] or route.handler.__name__.replace("_", " ")
    parameters: list[dict[str, Any]] = []
    for name in _PLACEHOLDER.findall(route.path):
        kind = hints.get(name, str)
        schema: dict[str, Any] = {"type": "integer" if kind is int else "string"}
        if kind is UUIDText:
            schema["format"] = "uuid"
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    query = hints.get("query")
    if query is not None and isinstance(query, type) and issubclass(query, msgspec.Struct):
        parameters.extend(
            {"name": field.encode_name, "in": "query", "required": field.required, "schema": _schema(field.type)}
            for field in msgspec.structs.fields(query)
        )
    answer: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if _has_shape(hints.get("return")) and route.status != 204:
        answer["content"] = {"application/json": {"schema": _schema(hints["return"])}}
    elif hints.get("return") is Raw:
        answer["content"] = {"application/json": {}}
    operation: dict[str, Any] = {
        "summary": summary,
        "description": doc,
        "tags": list(route.tags) or [_first_segment(route.path)],
        "responses": {
            str(route.status): answer,
            **{str(status): {"description": HTTPStatus(status).phrase} for status in route.errors},
        },
        "x-least-role": _least(route),
    }
    if parameters:
        operation["parameters"] = parameters
    if "body" in hints:
        body = hints["body"]
        content = {"application/octet-stream": {}} if body is bytes else {"application/json": {"schema": _schema(body)}}
        operation["requestBody"] = {"required": type(None) not in typing.get_args(body), "content": content}
    if route.least is not PUBLIC:
        operation["security"] = [{name: []} for name in security]
    return operation


def _least(route: Route) -> str:
    if route.least in (PUBLIC, SIGNED_IN):
        return str(route.least)
    return ", ".join(sorted(roles_from(route.least) or ()))


def _first_segment(path: str) -> str:
    return next((segment for segment in path.split("/") if segment and "{" not in segment), "root")
