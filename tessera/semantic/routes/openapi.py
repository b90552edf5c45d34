"""Routes below `/timbr/openapi`: bare SQL in, a bare array out; asynchronous queries.

Source: contracts/semantic.md, 2.2 (R11, R12) and 2.4
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw

from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Invalid
from tessera.kernel.http import Request, Response, Route, UUIDText, decode_json, delete, get, json_response, post
from tessera.kernel.jobs import Jobs
from tessera.semantic import async_queries, ontologies, queries
from tessera.semantic.asking import acting, asked
from tessera.semantic.grants import Role
from tessera.semantic.routes.api import rows_response
from tessera.settings import Settings
from tessera.warehouse import Cancel, Warehouse

POLL: Final = "/timbr/openapi/get-async-results/"


async def query(
    ontology: str,
    request: Request,
    body: bytes,
    db: Database,
    warehouse: Warehouse,
    jobs: Jobs,
    principal: Principal,
    settings: Settings,
) -> Response:
    """R11: run SQL; rows as a bare array. With `x-async: true` the answer is 202 and the rows wait."""
    sql = _sql(request, body)
    is_async = request.headers.get("x-async", "").strip().lower() == "true"
    datasource = request.query_params.get("datasource")
    asked_for = asked(request.headers, settings, ontology, sql, datasource=datasource, is_async=is_async)
    who = await acting(db, principal, request.headers)
    if not is_async:
        answer = await warehouse.run(queries.run, db, warehouse, who, asked_for, Cancel())
        return rows_response(answer, enveloped=False)
    await ontologies.read_ontology(db, ontology)
    result_id = await db.write(async_queries.submit, jobs, who, asked_for, settings)
    return json_response(
        {
            "async": True,
            "response_id": result_id,
            "poll_url": POLL + result_id,
            "message": "the query is queued; GET poll_url for its result",
        },
        202,
    )


def _sql(request: Request, body: bytes) -> str:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json":
        fields = decode_json(body)
        found = fields.get("query") if isinstance(fields, dict) else None
        if not isinstance(found, str):
            raise Invalid('"query" is missing: it has to be a text', field="query")
        return found
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"the body is not UTF-8 (byte {error.start})", code="encoding") from None


async def get_async_results(
    response_id: UUIDText, db: Database, principal: Principal, settings: Settings, request: Request
) -> dict[str, Any] | Raw:
    """R12: the state of an asynchronous query; its result once."""
    who = await acting(db, principal, request.headers)
    return await db.write(async_queries.take, who, response_id, settings)


async def cancel_async(
    response_id: UUIDText, db: Database, jobs: Jobs, principal: Principal, request: Request
) -> Response:
    """End an asynchronous query and forget its result."""
    who = await acting(db, principal, request.headers)
    await db.write(async_queries.cancel, jobs, who, response_id)
    return json_response({"status": "success", "data": []})


ROUTES: Final[list[Route]] = [
    post(
        "/timbr/openapi/ontology/{ontology}/query",
        query,
        least=Role.ACCESS,
        reads=True,
        errors=(400, 401, 403, 404, 413, 429, 503, 504),
        body_limit=2_000_000,
    ),
    get("/timbr/openapi/get-async-results/{response_id}", get_async_results, least=Role.ACCESS, errors=(401, 404)),
    delete(
        "/timbr/openapi/get-async-results/{response_id}", cancel_async, least=Role.ACCESS, reads=True, errors=(401, 404)
    ),
]
