"""Staging loads, runs, plans and their logs.

Source: contracts/vault.md, 3.3, 3.4 and 3.7
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from tessera.kernel.access import Principal
from tessera.kernel.clock import instant
from tessera.kernel.db import Database
from tessera.kernel.errors import Invalid, NotFound, Problem
from tessera.kernel.http import Request, UUIDText, delete, get, post
from tessera.kernel.jobs import Jobs, cancel_job, read_job, retry_job
from tessera.kernel.tx import Tx
from tessera.vault import catalogue, checks, markers, runs
from tessera.vault import runs_store as store
from tessera.vault.groups_model import OPERATE, READ
from tessera.vault.model import Mode
from tessera.vault.runs import STATES, RunRequest
from tessera.vault.staging import stage
from tessera.warehouse import Limits, Warehouse

_CHECK_SECONDS: Final = 300.0


class StagingRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A staging load. ``rows`` only where the system is of type ``push``."""

    mode: Mode | None = None
    load_time: str | None = None
    rows: list[dict[str, Any]] | None = None


class LogPage(Struct, frozen=True):
    """Which lines of a log."""

    object_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class RunPage(Struct, frozen=True):
    """Which runs."""

    job: str | None = None
    state: str | None = None
    since: str | None = None
    after: str | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


# -- staging ---------------------------------------------------------------------------------------------------------


async def stage_table(
    staging_table_id: str,
    body: StagingRequest,
    db: Database,
    warehouse: Warehouse,
    jobs: Jobs,
    principal: Principal,
) -> dict[str, Any]:
    """Stage a batch: rows that are sent, or what ingest has landed (then a job does it)."""
    load_time = _load_time(body.load_time)
    is_push = await db.read(_is_push, staging_table_id)
    if not is_push:
        if body.rows is not None:
            raise Invalid("rows may be sent only to a system of type push", field="rows")
        options: dict[str, Any] = {"mode": body.mode, "load_time": load_time, "by": principal}
        run_id, steps = await db.write(runs.start_staging, jobs, [staging_table_id], **options)
        return _staged(steps[0].staging_load_id, run_id, steps[0].mode, body.load_time, None)
    if body.rows is None:
        raise Invalid("rows is missing: a system of type push has no other source", field="rows")
    model, table, step, given, run_id = await db.write(
        runs.begin_push, staging_table_id, mode=body.mode, load_time=load_time, by=principal
    )

    def work() -> markers.Batch:
        markers.prepare(warehouse)
        return stage(
            warehouse,
            model,
            table,
            staging_load_id=step.staging_load_id,
            load_time=given,
            mode=step.mode,
            rows=body.rows,
        )

    try:
        batch = await warehouse.run(work)
    except Problem:
        await db.write(runs.end_staging, step.staging_load_id, rows_read=None, state="failed")
        raise
    await db.write(runs.staged_and_published, warehouse, table, batch)
    return _staged(step.staging_load_id, run_id, step.mode, _wire_time(given), batch.row_count)


async def stage_system(
    system_id: str, body: StagingRequest, db: Database, jobs: Jobs, principal: Principal
) -> dict[str, Any]:
    """Stage all landed tables of a system."""
    tables = await db.read(_tables_of, system_id)
    options: dict[str, Any] = {"mode": body.mode, "load_time": _load_time(body.load_time), "by": principal}
    run_id, steps = await db.write(runs.start_staging, jobs, tables, **options)
    return {"run_id": run_id, "staging_load_ids": [step.staging_load_id for step in steps]}


def _is_push(tx: Tx, staging_table_id: str) -> bool:
    model = catalogue.load_model(tx)
    table = model.staging_tables.get(staging_table_id)
    if table is None:
        raise NotFound(f"there is no staging table {staging_table_id}")
    return model.systems[table.system_id].source_type_id == "push"


def _tables_of(tx: Tx, system_id: str) -> list[str]:
    model = catalogue.load_model(tx)
    if system_id not in model.systems:
        raise NotFound(f"there is no system {system_id}")
    if model.systems[system_id].source_type_id == "push":
        raise Invalid("a system of type push is staged by sending rows to each of its tables", field="system_id")
    return [table.staging_table_id for table in model.staging_tables.values() if table.system_id == system_id]


def _staged(
    staging_load_id: str, run_id: str, mode: str, load_time: str | None, rows_read: int | None
) -> dict[str, Any]:
    return {
        "staging_load_id": staging_load_id,
        "run_id": run_id,
        "mode": mode,
        "load_time": load_time,
        "rows_read": rows_read,
    }


def _load_time(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            f"load_time must look like 2026-03-01T09:30:00.000000; got {text[:40]!r}", field="load_time"
        ) from None
    return instant(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))


def _wire_time(moment: str | None) -> str | None:
    return None if moment is None else moment.replace(" ", "T").removesuffix("Z")


# -- runs ------------------------------------------------------------------------------------------------------------


async def start_run(
    job_id: str,
    body: RunRequest | None,
    db: Database,
    warehouse: Warehouse,
    jobs: Jobs,
    principal: Principal,
    request: Request,
) -> dict[str, str]:
    """Queue a run of a job: staging, loads in their derived order, outputs."""
    key = request.headers.get("idempotency-key")
    if key is not None and len(key) > 200:
        raise Invalid("Idempotency-Key must have at most 200 characters", field="Idempotency-Key")
    model = await db.read(catalogue.load_model)

    def standing() -> dict[str, str]:
        markers.prepare(warehouse)
        with warehouse.reading() as reader:
            found = {name: markers.present_batch(reader, name) for name in model.staging_tables}
        return {name: batch.staging_load_id for name, batch in found.items() if batch is not None}

    present = await warehouse.run(standing)
    run_id = await db.write(runs.start_job, jobs, job_id, body or RunRequest(), by=principal, key=key, present=present)
    return {"run_id": run_id}


async def read_plan(job_id: str, db: Database) -> dict[str, Any]:
    """The stages of a job; what stands in one stage does not depend on each other."""
    model = await db.read(catalogue.load_model)
    if job_id not in model.jobs:
        raise NotFound(f"there is no job {job_id}")
    return {"job_id": job_id, "stages": runs.plan_of(model, model.jobs[job_id])}


async def page_runs(db: Database, query: RunPage) -> dict[str, Any]:
    """Runs, newest first."""
    if query.state is not None and query.state not in STATES.values():
        raise Invalid(f"state must be one of {', '.join(STATES.values())}; got {query.state[:40]!r}", field="state")
    after = query.after
    if after is not None and len(after) != 36:
        raise Invalid("after must be the next of the page before", field="after")
    items = await db.read(_page, query)
    shown = items[: query.limit]
    kept = [one for one in shown if query.state in (None, one["load_state"])]
    return {"items": kept, "next": shown[-1]["run_id"] if len(items) > query.limit else None}


def _page(tx: Tx, query: RunPage) -> list[dict[str, Any]]:
    since = _load_time(query.since)
    rows = store.page_runs(tx, job_id=query.job, since=since, after=query.after, limit=query.limit + 1)
    return [_shown_run(tx, row, with_loads=False) for row in rows]


async def read_run(run_id: UUIDText, db: Database) -> dict[str, Any]:
    """One run with its loads."""
    return await db.read(_read_run, run_id)


def _read_run(tx: Tx, run_id: str) -> dict[str, Any]:
    return _shown_run(tx, _run_row(tx, run_id), with_loads=True)


def _run_row(tx: Tx, run_id: str) -> Any:
    row = store.find_run(tx, run_id)
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return row


def _shown_run(tx: Tx, row: Any, *, with_loads: bool) -> dict[str, Any]:
    staged = store.staging_loads_of(tx, row.id)
    shown: dict[str, Any] = {
        "run_id": row.id,
        "job_id": row.job_id,
        "load_entry_time": _wire_time(row.created_at),
        "login_username": row.username,
        "pg_username": row.usergroup,
        "staging_load_ids": [step["staging_load_id"] for step in row.plan["staging"]],
    }
    if row.kind == "push":
        one = staged[0]
        shown |= {
            "load_state": one.state,
            "load_start_time": _wire_time(one.created_at),
            "load_end_time": _wire_time(one.ended_at),
            "load_progress": one.rows_read,
            "load_total_rows": one.rows_read,
            "load_result": None,
        }
    else:
        job = read_job(tx, row.id)
        shown |= {
            "load_state": STATES[job.state],
            "load_start_time": _wire_time(job.started_at),
            "load_end_time": _wire_time(job.finished_at),
            "load_progress": job.progress.done,
            "load_total_rows": job.rows.read,
            "load_result": job.error,
        }
    if with_loads:
        shown["loads"] = [_shown_load(one) for one in store.loads_of(tx, row.id)]
        shown["staging_loads"] = [_shown_staging(one) for one in staged]
    return shown


def _shown_load(row: Any) -> dict[str, Any]:
    return {
        "load_entry_id": row.seq,
        "object_id": row.object_id,
        "staging_table_id": row.staging_table_id,
        "batch_id": row.batch_id,
        "load_entry_time": _wire_time(row.load_entry_time),
        "load_start_time": _wire_time(row.load_start_time),
        "load_end_time": _wire_time(row.load_end_time),
        "load_state": row.load_state,
        "load_result": row.load_result,
        "unique_job_run_id": row.run_id,
        **{name: row.counts.get(name) for name in markers.Counts.__struct_fields__},
    }


def _shown_staging(row: Any) -> dict[str, Any]:
    return {
        "staging_load_id": row.id,
        "staging_table_id": row.staging_table_id,
        "run_id": row.run_id,
        "mode": row.mode,
        "load_time": _wire_time(row.load_time),
        "load_state": row.state,
        "rows_read": row.rows_read,
        "load_entry_time": _wire_time(row.created_at),
        "load_end_time": _wire_time(row.ended_at),
        "login_username": row.username,
    }


async def cancel_run(run_id: UUIDText, db: Database) -> None:
    """Cancel a run; what it has loaded stays."""
    await db.write(_cancel, run_id)


def _cancel(tx: Tx, run_id: str) -> None:
    if _run_row(tx, run_id).kind == "push":
        raise Invalid("rows that were sent are staged already", field="run_id")
    cancel_job(tx, run_id)


async def resume_run(run_id: UUIDText, db: Database) -> dict[str, str]:
    """Run again what has not succeeded."""
    await db.write(_resume, run_id)
    return {"run_id": run_id}


def _resume(tx: Tx, run_id: str) -> None:
    if _run_row(tx, run_id).kind == "push":
        raise Invalid("send the rows again", field="run_id")
    retry_job(tx, run_id)


# -- logs, states, invariants ----------------------------------------------------------------------------------------


async def page_loads(db: Database, query: LogPage) -> dict[str, Any]:
    """The log of loads, newest first."""
    rows = await db.read(store.page_loads, object_id=query.object_id, limit=query.limit)
    return {"items": [_shown_load(row) for row in rows], "next": None}


async def page_staging_loads(db: Database, query: LogPage) -> dict[str, Any]:
    """The log of staging loads, newest first."""
    rows = await db.read(store.page_staging_loads, limit=query.limit)
    return {"items": [_shown_staging(row) for row in rows], "next": None}


async def jobs_state(db: Database) -> dict[str, Any]:
    """The last state of each job."""
    fine = {"error": False, "user_message": "OK", "technical_message": "OK"}
    return {"result": fine, "jobs": await db.read(_states)}


def _states(tx: Tx) -> list[dict[str, Any]]:
    found = []
    for job_id in catalogue.load_model(tx).jobs:
        rows = store.page_runs(tx, job_id=job_id, since=None, after=None, limit=1)
        last = _shown_run(tx, rows[0], with_loads=False) if rows else None
        found.append({"job_id": job_id, "load_state": last["load_state"] if last else None, "last_run": last})
    return found


async def run_checks(db: Database, warehouse: Warehouse) -> dict[str, Any]:
    """Check the invariants on the real tables."""
    model = await db.read(catalogue.load_model)

    def work() -> list[checks.Check]:
        tables = {info.table for info in warehouse.tables("vault")}
        with warehouse.reading(limits=Limits(seconds=_CHECK_SECONDS)) as reader:
            return checks.run(reader, model, tables, warehouse.dialect)

    found = await warehouse.run(work)
    return {"passed": all(one.passed for one in found), "items": msgspec.to_builtins(found)}


ROUTES: Final = [
    post(
        "/staging-tables/{staging_table_id}/loads",
        stage_table,
        least=OPERATE,
        status=202,
        body_limit=100_000_000,
        errors=(400, 404, 409),
    ),
    post("/systems/{system_id}/loads", stage_system, least=OPERATE, status=202, errors=(400, 404)),
    get("/jobs/{job_id}/plan", read_plan, least=READ, errors=(404,)),
    post("/jobs/{job_id}/runs", start_run, least=OPERATE, status=202, errors=(400, 404, 409)),
    get("/runs", page_runs, least=READ),
    get("/runs/{run_id}", read_run, least=READ, errors=(404,)),
    delete("/runs/{run_id}", cancel_run, least=OPERATE, status=204, errors=(404, 409)),
    post("/runs/{run_id}/resume", resume_run, least=OPERATE, status=202, errors=(404, 409)),
    get("/logs/datavault-loads", page_loads, least=READ),
    get("/logs/staging-loads", page_staging_loads, least=READ),
    post("/rpc/getJobsState", jobs_state, least=READ, reads=True),
    post("/tests/runs", run_checks, least=OPERATE),
]
