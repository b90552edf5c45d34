"""Runs: a durable job that stages batches, loads them in the derived order and delivers the outputs over them.

Each step is one transaction of the warehouse with its marker, so a server that dies in the middle loses and doubles
nothing: the next attempt walks over what is marked. Source: contracts/vault.md, 3.7, 4.4, 4.5 and 5.1
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from tessera.kernel import jobs as kernel_jobs
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant, new_id, now
from tessera.kernel.db import Database
from tessera.kernel.errors import Conflict, Invalid, NotFound, Problem
from tessera.kernel.jobs import JobKind, JobRun, Jobs
from tessera.kernel.tx import Tx
from tessera.vault import delivery, markers, publishing, wiring
from tessera.vault import runs_store as store
from tessera.vault.catalogue import load_model
from tessera.vault.groups_model import PACKAGE_NAME
from tessera.vault.loading import Loaded, Options, run_load
from tessera.vault.markers import Batch
from tessera.vault.model import Job, Mode, Model, StagingTable
from tessera.vault.staging import stage
from tessera.warehouse import Warehouse

KIND: Final = "vault.run"
_WAIT_SECONDS: Final = 0.2
_LONGEST_WAIT_SECONDS: Final = 1800.0
"""A run that waits longer for another fails: it must not hold a thread for ever."""
STATES: Final = {
    "queued": "waiting",
    "running": "loading",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""The contract's word for each state of a job."""


class RunRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be said of a run of a job."""

    mode: Mode | None = None
    staging_load_ids: list[str] = []
    only: list[str] = []
    force: bool = False
    max_delete_ratio: float = 0.5


class StagingStep(Struct, frozen=True):
    """A staging table of a run. ``is_given``: the batch was staged before, by a staging load of its own."""

    staging_table_id: str
    staging_load_id: str
    mode: str
    is_given: bool


class Plan(Struct, frozen=True):
    """What a run does. ``only``: ids of the loads that it is limited to; empty for all."""

    staging: list[StagingStep]
    only: list[str]
    force: bool
    max_delete_ratio: float
    loads_too: bool


# -- starting --------------------------------------------------------------------------------------------------------


def start_job(
    tx: Tx, jobs: Jobs, job_id: str, request: RunRequest, *, by: Principal, key: str | None, present: Mapping[str, str]
) -> str:
    """Queue a run of a job; the same ``key`` again gives the same run.

    Args:
        present: the batch that stands in each staging table, for tables whose rows are pushed.

    Raises:
        NotFound: no such job.
        Conflict: the job is disabled.
        Invalid: a staging load or load id that the job does not know.
    """
    if key is not None:
        tx.lock(f"vault run {key}")
        known = store.run_of_key(tx, key)
        if known is not None:
            return known
    model = load_model(tx)
    job = model.jobs.get(job_id)
    if job is None:
        raise NotFound(f"there is no job {job_id}")
    if not job.job_enabled:
        raise Conflict(f"job {job_id} is disabled", code="disabled")
    only = request.only or (job.job_loads if job.job_type == "manual" else [])
    wiring.named_loads(model, only)
    given = dict(_given(tx, request.staging_load_ids))
    steps = []
    for table in wiring.staging_of(model, job):
        staging_load_id = given.pop(table.staging_table_id, None)
        is_push = model.systems[table.system_id].source_type_id == "push"
        if request.staging_load_ids and staging_load_id is None:
            continue
        if staging_load_id is None and is_push:
            staging_load_id = present.get(table.staging_table_id)
            if staging_load_id is None:
                continue
        mode = request.mode or table.mode_default
        is_given = staging_load_id is not None
        steps.append(StagingStep(table.staging_table_id, staging_load_id or new_id(), mode, is_given))
    if given:
        raise Invalid(f"staging load of {min(given)}, which is no staging table of {job_id}", field="staging_load_ids")
    plan = Plan(steps, only, request.force, request.max_delete_ratio, True)
    return _queue(tx, jobs, plan, job_id=job_id, title=f"Load {job_id}", by=by, key=key)


def start_staging(
    tx: Tx, jobs: Jobs, tables: Sequence[str], *, mode: str | None, load_time: str | None, by: Principal
) -> tuple[str, list[StagingStep]]:
    """Queue the staging of landed tables, without their loads.

    Raises:
        NotFound: no such staging table.
    """
    model = load_model(tx)
    steps = []
    for table_id in tables:
        table = _table(model, table_id)
        steps.append(StagingStep(table_id, new_id(), mode or table.mode_default, False))
    plan = Plan(steps, [], False, 0.5, False)
    return _queue(tx, jobs, plan, job_id=None, title="Stage tables", by=by, load_time=load_time), steps


def begin_push(
    tx: Tx, staging_table_id: str, *, mode: str | None, load_time: str | None, by: Principal
) -> tuple[Model, StagingTable, StagingStep, str, str]:
    """Note a push of rows; returns the model, the table, the step, its load time and its run's id.

    Raises:
        NotFound: no such staging table.
    """
    model = load_model(tx)
    table = _table(model, staging_table_id)
    run_id = new_id()
    step = StagingStep(staging_table_id, new_id(), mode or table.mode_default, False)
    plan = Plan([step], [], False, 0.5, False)
    store.insert_run(tx, {"id": run_id, "kind": "push", "plan": msgspec.to_builtins(plan), **_who(by)})
    _note_staging(tx, step, run_id, load_time, by)
    return model, table, step, give_load_time(tx, step.staging_load_id), run_id


def _given(tx: Tx, staging_load_ids: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for staging_load_id in staging_load_ids:
        row = store.find_staging_load(tx, staging_load_id) if len(staging_load_id) == 36 else None
        if row is None:
            raise Invalid(f"there is no staging load {staging_load_id[:80]!r}", field="staging_load_ids")
        found.append((str(row.staging_table_id), staging_load_id))
    return found


def _queue(
    tx: Tx,
    jobs: Jobs,
    plan: Plan,
    *,
    job_id: str | None,
    title: str,
    by: Principal,
    key: str | None = None,
    load_time: str | None = None,
) -> str:
    shown = msgspec.to_builtins(plan)
    run_id = jobs.enqueue(tx, KIND, {"plan": shown}, package=PACKAGE_NAME, by=by, title=title)
    values = {"id": run_id, "job_id": job_id, "kind": "job", "plan": shown, "idempotency_key": key, **_who(by)}
    store.insert_run(tx, values)
    for step in plan.staging:
        if not step.is_given:
            _note_staging(tx, step, run_id, load_time, by)
    return run_id


def _note_staging(tx: Tx, step: StagingStep, run_id: str, load_time: str | None, by: Principal) -> None:
    values = {
        "id": step.staging_load_id,
        "staging_table_id": step.staging_table_id,
        "run_id": run_id,
        "mode": step.mode,
        "load_time": load_time,
        "is_given": load_time is not None,
        "state": "waiting",
        "username": by.username,
    }
    store.insert_staging_load(tx, values)


def _who(by: Principal) -> dict[str, str | None]:
    return {"username": by.username, "usergroup": by.role(PACKAGE_NAME)}


def _table(model: Model, staging_table_id: str) -> StagingTable:
    if staging_table_id not in model.staging_tables:
        raise NotFound(f"there is no staging table {staging_table_id}")
    return model.staging_tables[staging_table_id]


def give_load_time(tx: Tx, staging_load_id: str) -> str:
    """The load time of a staging load that starts now: the caller's, else the next whole millisecond of the server.

    Source: contracts/vault.md, 4.4
    """
    tx.lock("vault load time")
    row = store.find_staging_load(tx, staging_load_id)
    if row is None:
        raise NotFound(f"there is no staging load {staging_load_id}")
    load_time: str = row.load_time
    if not row.is_given:
        moment = datetime.now(UTC)
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        last = store.last_load_time(tx)
        if last is not None:
            above = datetime.fromisoformat(last) + timedelta(milliseconds=1)
            moment = max(moment, above.replace(microsecond=above.microsecond // 1000 * 1000))
        load_time = instant(moment)
    store.change_staging_load(tx, staging_load_id, load_time=load_time, state="loading")
    return engine_time(load_time)


def engine_time(moment: str) -> str:
    """An instant as load times are written in the warehouse: no T, no zone."""
    return moment.replace("T", " ").removesuffix("Z")


def end_staging(tx: Tx, staging_load_id: str, *, rows_read: int | None, state: str) -> None:
    """Note how a staging load ended."""
    store.change_staging_load(tx, staging_load_id, rows_read=rows_read, state=state, ended_at=now())


# -- running ---------------------------------------------------------------------------------------------------------


def run_plan(run: JobRun, db: Database, warehouse: Warehouse) -> dict[str, Any]:
    """Stage, load and deliver; any step that an earlier attempt has done is walked over."""
    plan = msgspec.convert(run.args["plan"], Plan)
    markers.prepare(warehouse)
    _wait_for_turn(run, db, plan)
    model = db.read_now(load_model)
    batches = [batch for step in plan.staging if (batch := _stage(run, db, warehouse, model, step)) is not None]
    if not plan.loads_too:
        return {"staged": {batch.staging_table_id: batch.row_count for batch in batches}}
    parts: list[list[tuple[wiring.Load, Batch]]] = [[], [], []]
    for batch in batches:
        for place, loads in enumerate(_stages(model, batch.staging_table_id)):
            parts[place] += [(load, batch) for load in loads if not plan.only or wiring.load_id_of(load) in plan.only]
    steps = [step for part in parts for step in part]
    options = Options(plan.max_delete_ratio, plan.force)
    touched: set[str] = set()
    for number, (load, batch) in enumerate(steps):
        run.check()
        run.progress(number, len(steps), wiring.load_id_of(load))
        _load(run, db, warehouse, model, load, batch, options)
        touched.add(wiring.target_of(load))
    for output in wiring.outputs_over(model, touched):
        run.check()
        target = delivery.deliver(warehouse, model, output)
        db.write_now(publishing.output_written, warehouse.columns(target), model, output)
    run.progress(len(steps), len(steps), "done")
    return {"loads": len(steps), "targets": sorted(touched)}


def _stages(model: Model, staging_table_id: str) -> list[list[wiring.Load]]:
    """The three stages of a staging table's loads; a stage without loads is empty."""
    found: list[list[wiring.Load]] = [[], [], []]
    for loads in wiring.loads_from(model, staging_table_id):
        for load in loads:
            found[wiring.stage_of(model, load)].append(load)
    return found


def _stage(run: JobRun, db: Database, warehouse: Warehouse, model: Model, step: StagingStep) -> Batch | None:
    run.check()
    with warehouse.reading() as reader:
        staged = markers.read_batch(reader, step.staging_load_id)
    if staged is not None:
        if not step.is_given:
            db.write_now(end_staging, step.staging_load_id, rows_read=staged.row_count, state="succeeded")
        return staged
    if step.is_given:
        raise Conflict(f"staging load {step.staging_load_id} has no rows: it failed or was cancelled", code="no_batch")
    table = _table(model, step.staging_table_id)
    run.progress(None, None, f"staging {table.staging_table_id}")
    load_time = db.write_now(give_load_time, step.staging_load_id)
    try:
        batch = stage(
            warehouse,
            model,
            table,
            staging_load_id=step.staging_load_id,
            load_time=load_time,
            mode=step.mode,
        )
    except Problem:
        db.write_now(end_staging, step.staging_load_id, rows_read=None, state="failed")
        raise
    run.count(read=batch.row_count)
    run.log(f"staged {batch.row_count} rows in {table.staging_table_id}")
    db.write_now(staged_and_published, warehouse, table, batch)
    return batch


def staged_and_published(tx: Tx, warehouse: Warehouse, table: StagingTable, batch: Batch) -> None:
    """Note the end of a staging load, with the event of its table."""
    end_staging(tx, batch.staging_load_id, rows_read=batch.row_count, state="succeeded")
    publishing.stage_written(tx, warehouse.columns(publishing.stage_of(table)), table)


def _load(
    run: JobRun,
    db: Database,
    warehouse: Warehouse,
    model: Model,
    load: wiring.Load,
    batch: Batch,
    options: Options,
) -> None:
    load_id = wiring.load_id_of(load)
    values: dict[str, Any] = {
        "staging_table_id": batch.staging_table_id,
        "batch_id": batch.staging_load_id,
        "load_start_time": now(),
        "load_state": "loading",
    }
    db.write_now(store.put_load, run.job_id, load_id, values)
    try:
        done = run_load(warehouse, model, load, batch.staging_load_id, options)
    except Problem as problem:
        ended = {**values, "load_end_time": now(), "load_state": "failed", "load_result": problem.message[:10_000]}
        db.write_now(store.put_load, run.job_id, load_id, ended)
        raise
    columns = warehouse.columns(done.target)
    db.write_now(_note_load, run, model, load, done, {**values, "load_end_time": now()}, columns)
    run.count(written=done.counts.rows_inserted, rejected=done.counts.rows_rejected)
    run.log(f"{load_id}: {done.counts.rows_inserted} inserted of {done.counts.rows_read} read")


def _note_load(
    tx: Tx, run: JobRun, model: Model, load: wiring.Load, done: Loaded, values: dict[str, Any], columns: Any
) -> None:
    run.fence(tx)
    counts = msgspec.to_builtins(done.counts)
    ended = {**values, "load_state": "succeeded", "load_result": None, "counts": counts}
    store.put_load(tx, run.job_id, wiring.load_id_of(load), ended)
    publishing.target_written(tx, columns, model, load, done.target)


def _wait_for_turn(run: JobRun, db: Database, plan: Plan) -> None:
    """Runs over one staging table follow each other: a batch must not be replaced before it is loaded.

    Only a run that is running counts, so that one whose server died holds nobody up; of two the older goes first.
    """
    mine = {step.staging_table_id for step in plan.staging}
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while db.read_now(_is_before, run.job_id, mine):
        run.progress(None, None, "waiting for another run over the same staging tables")
        run.check()
        if time.monotonic() > deadline:
            raise Conflict("another run over the same staging tables has not ended in time", code="busy")
        run.sleep(_WAIT_SECONDS)


def _is_before(tx: Tx, run_id: str, tables: set[str]) -> bool:
    me = kernel_jobs.read_job(tx, run_id)
    running = kernel_jobs.page_jobs(tx, packages=[PACKAGE_NAME], states=["running"], kind=KIND, limit=200)
    for other in running:
        if other.id == run_id or (other.started_at or "", other.id) > (me.started_at or "", me.id):
            continue
        row = store.find_run(tx, other.id)
        if row is not None and tables & {step["staging_table_id"] for step in row.plan["staging"]}:
            return True
    return False


def plan_of(model: Model, job: Job) -> list[list[str]]:
    """The loads of a job in their stages; those of one stage do not depend on each other.

    Source: contracts/vault.md, 5.1
    """
    tables = wiring.staging_of(model, job)
    stages: list[list[str]] = [[table.staging_table_id for table in tables], [], [], []]
    for table in tables:
        for place, loads in enumerate(_stages(model, table.staging_table_id), 1):
            names = [wiring.load_id_of(load) for load in loads]
            stages[place] += [name for name in names if job.job_type == "auto" or name in job.job_loads]
    touched = {wiring.target_of(load) for load in wiring.named_loads(model, [n for part in stages[1:] for n in part])}
    outputs = [output.output_id for output in wiring.outputs_over(model, touched)]
    return [part for part in [*stages, outputs] if part]


JOB_KINDS: Final = (
    # One attempt: what a rule refuses is refused again. A server that dies is no error, and resumes by itself.
    JobKind(name=KIND, run=run_plan, title="Stage and load the vault", max_attempts=1),
)
