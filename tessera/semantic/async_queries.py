"""Asynchronous queries: a row that waits for its result, a durable job that fills it, a result handed out once.

Source: contracts/semantic.md, 2.4
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Raw

from tessera.identity import find_by_id, to_principal
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Invalid, NotFound, Problem
from tessera.kernel.jobs import JobKind, JobRun, Jobs
from tessera.semantic import queries, results_store
from tessera.semantic.queries import Asked
from tessera.settings import Settings
from tessera.warehouse import Cancel, Warehouse

KIND: Final = "semantic.query"


def submit(tx: Tx, jobs: Jobs, principal: Principal, asked: Asked, settings: Settings) -> str:
    """Queue the query; the id of its result."""
    forget_old(tx, settings)
    result_id = results_store.insert(tx, principal.id, msgspec.to_builtins(asked), sorted(principal.scopes or ()))
    job_id = jobs.enqueue(
        tx, KIND, {"result": result_id}, package="semantic", by=principal, title=f"Query of {asked.ontology}"
    )
    results_store.set_job(tx, result_id, job_id)
    return result_id


def take(tx: Tx, principal: Principal, result_id: str, settings: Settings) -> dict[str, Any] | Raw:
    """The state of a query. A result or an error is handed out once, to who asked.

    Raises:
        NotFound: unknown, expired, fetched already, or somebody else's.
    """
    forget_old(tx, settings)
    row = results_store.find(tx, result_id)
    if row is None or row.owner_id != principal.id:
        raise NotFound("no such result: it is unknown, has expired, or was fetched already")
    if row.state == "running":
        return {"status": "running", "response_id": result_id, "message": "the query is queued or running"}
    results_store.delete(tx, result_id)
    if row.state == "error":
        return {"status": "error", "error": row.message, "error_type": "ExecutionError"}
    return Raw(b'{"status":"completed","response":' + row.rows.encode() + b',"original_status_code":200}')


def cancel(tx: Tx, jobs: Jobs, principal: Principal, result_id: str) -> None:
    """End a query and forget its result.

    Raises:
        NotFound: unknown, or somebody else's.
    """
    row = results_store.find(tx, result_id)
    if row is None or row.owner_id != principal.id:
        raise NotFound("no such result: it is unknown, has expired, or was fetched already")
    results_store.delete(tx, result_id)
    if row.state == "running" and row.job_id is not None:
        jobs.cancel(tx, row.job_id)


def forget_old(tx: Tx, settings: Settings) -> None:
    """Drop results that waited too long."""
    oldest = datetime.now(UTC) - timedelta(seconds=settings.async_result_ttl)
    results_store.delete_ended_before(tx, instant(oldest))


def run_job(run: JobRun, db: Database, warehouse: Warehouse) -> None:
    """Run the query of a job; what went wrong for the caller is the result, not a failed job."""
    row = db.read_now(results_store.find, run.args["result"])
    if row is None or row.state != "running":
        return
    request = dict(row.request)
    scopes = request.pop("scopes")
    principal = db.read_now(_principal, row.owner_id, scopes)
    asked = msgspec.convert(request, Asked)
    token = Cancel()
    run.check()
    try:
        if principal is None:
            raise Invalid("the account that asked is not active any more")
        answer = queries.run(db, warehouse, principal, asked, token)
    except Problem as problem:
        db.write_now(results_store.fail, row.id, problem.message)
        return
    db.write_now(results_store.complete, row.id, bytes(answer.rows).decode())


def _principal(tx: Tx, principal_id: str, scopes: list[str]) -> Principal | None:
    found = find_by_id(tx, principal_id)
    if found is None or not found.is_active:
        return None
    principal = to_principal(tx, found)
    return msgspec.structs.replace(principal, scopes=frozenset(scopes)) if scopes else principal


JOB_KINDS: Final = (JobKind(name=KIND, run=run_job, title="Semantic query", is_interactive=True, max_attempts=2),)
