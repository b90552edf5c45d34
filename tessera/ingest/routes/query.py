"""POST /query and its pages. Source: contracts/ingest.md, 4."""

from msgspec import Struct

from tessera.ingest import execution, results
from tessera.ingest.lenient import read_body
from tessera.ingest.model import Role
from tessera.ingest.sql.statements import Select
from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.http import Response, delete, get, post
from tessera.kernel.jobs import Jobs
from tessera.settings import Settings
from tessera.warehouse import Warehouse


class QueryBody(Struct, frozen=True):
    """``preferredQueryEngine``, which upsolver-sdk-python sends besides, chooses nothing here."""

    sql: str


def _response(answer: results.Answer) -> Response:
    return Response(answer.body, answer.status, media_type="application/json")


async def run_statement(
    db: Database, warehouse: Warehouse, jobs: Jobs, settings: Settings, principal: Principal, body: bytes
) -> object:
    """Run one statement: its answer, the first page of its rows, or where to ask for that."""
    desk = execution.Desk(db, warehouse, jobs, settings, principal)
    sql = read_body(body, QueryBody).sql
    statement = await warehouse.run(execution.parse_for, desk, sql)
    if isinstance(statement, Select):
        kept = results.Desk.of(settings)
        found = statement
        return _response(await results.start(warehouse, kept, lambda: execution.query(desk, found), principal.id))
    return await warehouse.run(execution.execute, desk, statement)


async def first_page(settings: Settings, principal: Principal, query_id: str) -> Response:
    """The first page of a query that was still running; Pending while it is."""
    return _response(await results.page(results.Desk.of(settings), query_id, 1, principal.id))


async def next_page(settings: Settings, principal: Principal, query_id: str, number: int) -> Response:
    """A further page of a result."""
    return _response(await results.page(results.Desk.of(settings), query_id, number, principal.id))


async def cancel_query(principal: Principal, query_id: str) -> None:
    """End a query that is still running."""
    results.cancel(query_id, principal.id)


ROUTES = [
    post("/query", run_statement, least=Role.VIEWER, reads=True, errors=(400, 403), body_limit=2_000_000),
    get("/query/{query_id}", first_page, least=Role.VIEWER, errors=(400, 403, 404)),
    get("/query/{query_id}/{number}", next_page, least=Role.VIEWER, errors=(400, 403, 404)),
    delete("/query/{query_id}", cancel_query, least=Role.VIEWER, status=204, reads=True, errors=(403, 404)),
]
