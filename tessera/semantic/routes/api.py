"""Routes below `/timbr/api`: sign-in, ontologies, queries in an envelope, GET routes of concepts and views.

Source: contracts/semantic.md, 2.2 (R1 to R10)
"""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.responses import PlainTextResponse, RedirectResponse

from tessera.identity import Identity
from tessera.kernel.access import PUBLIC, Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Forbidden, Invalid, Unauthenticated
from tessera.kernel.http import Request, Response, Route, decode_json, get, json_response, post
from tessera.semantic import ontologies, queries, tokens
from tessera.semantic.asking import acting, asked
from tessera.semantic.define import find_or_404
from tessera.semantic.describe import description_of
from tessera.semantic.filters import concept_query, view_query
from tessera.semantic.grants import Role, need
from tessera.semantic.ontologies import Rewritten, rewritten
from tessera.semantic.ontology_model import Concept, Ontology, View
from tessera.semantic.queries import Answer, Asked
from tessera.semantic.rewrite import Caller
from tessera.semantic.statements import CreateOntology, parse_definition
from tessera.semantic.store import list_ontologies
from tessera.settings import Settings
from tessera.warehouse import Cancel, Warehouse

TRUNCATED: Final = "x-results-truncated"
_NO_STORE: Final = {"cache-control": "no-store"}


def success(data: Any) -> Response:
    """The envelope of all answers below `/timbr/api`."""
    return json_response({"status": "success", "data": data})


def rows_response(answer: Answer, *, enveloped: bool) -> Response:
    """Rows as they were made, in the envelope or bare."""
    content = bytes(answer.rows)
    if enveloped:
        content = b'{"status":"success","data":' + content + b"}"
    headers = {TRUNCATED: "true"} if answer.is_cut else None
    return Response(content, 200, headers, "application/json")


async def get_token(request: Request, identity: Identity, settings: Settings) -> Response:
    """R1: a `tk_` token for a Fernet bearer."""
    authorization = request.headers.get("authorization", "")
    token = await tokens.exchange(identity, settings, authorization, address=request.client_address)
    return json_response({"data": [token], "status": "success"}, headers=_NO_STORE)


async def get_timbr_user_token(request: Request, principal: Principal | None, identity: Identity) -> Response:
    """R2: a `tk_` token for a signed-in browser session."""
    accepts = request.headers.get("accept", "")
    if principal is None or principal.credential != "session":
        if "text/html" in accepts:
            return RedirectResponse("/console/", 302, headers=_NO_STORE)
        raise Unauthenticated("sign in to the platform first: this page needs its session")
    need(principal, Role.ACCESS, "a token")
    token = await identity.semantic_key(principal)
    if "application/json" in accepts:
        return json_response({"token": token}, headers=_NO_STORE)
    return PlainTextResponse(token, headers=_NO_STORE)


async def get_ontologies(db: Database) -> Response:
    """R3: names of the ontologies."""
    return success([name for name, _ in await db.read(list_ontologies)])


async def create_ontology(request: Request, body: bytes, db: Database, principal: Principal) -> Response:
    """R6: an empty ontology."""
    name = _text(decode_json(body), "ontology_name")
    statement = parse_definition("CREATE ONTOLOGY `" + name.replace("`", "``") + "`")
    assert isinstance(statement, CreateOntology)
    await db.write(ontologies.create, principal, statement.name)
    return success([])


async def get_ontology(ontology: str, db: Database, warehouse: Warehouse) -> Response:
    """R5: what an ontology defines."""
    return success(description_of(await ontologies.read_ontology(db, ontology), warehouse.dialect))


async def query(
    request: Request, body: bytes, db: Database, warehouse: Warehouse, principal: Principal, settings: Settings
) -> Response:
    """R4: run SQL; rows in the envelope."""
    fields = decode_json(body)
    name, sql = _text(fields, "ontology_name"), _text(fields, "query")
    datasource = request.query_params.get("datasource")
    asked_for = asked(request.headers, settings, name, sql, datasource=datasource)
    who = await acting(db, principal, request.headers)
    answer = await warehouse.run(queries.run, db, warehouse, who, asked_for, Cancel())
    return rows_response(answer, enveloped=True)


def _text(fields: Any, name: str) -> str:
    if not isinstance(fields, dict):
        raise Invalid('the body has to be an object such as {"ontology_name": "...", "query": "..."}')
    found = fields.get(name)
    if not isinstance(found, str) or not found.strip():
        raise Invalid(f'"{name}" is missing: it has to be a text', field=name)
    return found


async def query_concept(
    ontology: str,
    concept: str,
    request: Request,
    db: Database,
    warehouse: Warehouse,
    principal: Principal,
    settings: Settings,
) -> Response:
    """R7: rows of a concept by filters in the query string."""
    return await _filtered(ontology, Concept, concept, request, db, warehouse, principal, settings)


async def query_view(
    ontology: str,
    view: str,
    request: Request,
    db: Database,
    warehouse: Warehouse,
    principal: Principal,
    settings: Settings,
) -> Response:
    """R8: rows of a view by filters in the query string."""
    return await _filtered(ontology, View, view, request, db, warehouse, principal, settings)


async def _filtered(
    ontology: str,
    kind: type[Concept] | type[View],
    name: str,
    request: Request,
    db: Database,
    warehouse: Warehouse,
    principal: Principal,
    settings: Settings,
) -> Response:
    known = await ontologies.read_ontology(db, ontology)
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    datasource = request.query_params.get("datasource")
    asked_for = asked(request.headers, settings, ontology, "", datasource=datasource)
    who = await acting(db, principal, request.headers)
    answer = await warehouse.run(_run_filtered, warehouse, who, known, kind, name, pairs, asked_for, Cancel())
    return rows_response(answer, enveloped=True)


def _run_filtered(
    warehouse: Warehouse,
    principal: Principal,
    ontology: Ontology,
    kind: type[Concept] | type[View],
    name: str,
    pairs: list[tuple[str, str]],
    asked_for: Asked,
    cancel: Cancel,
) -> Answer:
    queries.check_datasource(asked_for.datasource)
    if kind is Concept:
        tree = concept_query(ontology, find_or_404(ontology, Concept, name), pairs)
    else:
        tree = view_query(find_or_404(ontology, View, name), pairs)
    plan: Rewritten = rewritten(ontology, tree, Caller(principal.username), warehouse.dialect)
    return queries.query(warehouse, principal, ontology, "", asked_for, cancel, plan)


async def get_config(name: str) -> Response:
    """R9: an environment variable that the operator lists in ALLOWED_CONFIG_ENVS_IN_API."""
    allowed = [one.strip() for one in os.environ.get("ALLOWED_CONFIG_ENVS_IN_API", "").split(",") if one.strip()]
    if name not in allowed:
        # One text whether or not the variable exists.
        raise Forbidden("this configuration value is not among ALLOWED_CONFIG_ENVS_IN_API")
    return success(os.environ.get(name))


async def clear_cache(ontology: str, db: Database) -> Response:
    """R10: results are not cached, so there is nothing to drop; the ontology has to exist."""
    await ontologies.read_ontology(db, ontology)
    return success([])


_QUERY_ERRORS: Final = (400, 401, 403, 404, 413, 429, 503, 504)

ROUTES: Final[list[Route]] = [
    post("/timbr/api/get_token", get_token, least=PUBLIC, errors=(401, 404, 429), body_limit=10_000),
    get("/timbr/get_timbr_user_token", get_timbr_user_token, least=PUBLIC, errors=(401,)),
    get("/timbr/api/get_ontologies", get_ontologies, least=Role.ACCESS, errors=(401, 403)),
    post("/timbr/api/query", query, least=Role.ACCESS, reads=True, errors=_QUERY_ERRORS, body_limit=2_000_000),
    post("/timbr/api/get_ontology/{ontology}", get_ontology, least=Role.ACCESS, reads=True, errors=(401, 403, 404)),
    post("/timbr/api/create_ontology", create_ontology, least=Role.EDIT, errors=(400, 401, 403)),
    get("/timbr/api/q/{ontology}/concept/{concept}", query_concept, least=Role.QUERY, errors=_QUERY_ERRORS),
    get("/timbr/api/q/{ontology}/view/{view}", query_view, least=Role.QUERY, errors=_QUERY_ERRORS),
    post("/timbr/api/get_config/{name}", get_config, least=Role.ACCESS, reads=True, errors=(401, 403)),
    post("/timbr/api/clear_cache/{ontology}", clear_cache, least=Role.EDIT, errors=(401, 403, 404)),
]
