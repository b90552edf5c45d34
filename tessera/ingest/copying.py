"""What a COPY job does while it runs: list, load what is new, wait; until it is paused, dropped or complete.

Source: contracts/ingest.md, 5.4 and 6.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from msgspec import Struct

from tessera.ingest import connections_store, jobs_store, tables_store
from tessera.ingest import ledger_store as ledger
from tessera.ingest.connections import values as connection_values
from tessera.ingest.date_patterns import DatePattern
from tessera.ingest.expressions import predicate, transformation
from tessera.ingest.jobs import end_of, excluder, location_of, start_of
from tessera.ingest.ledger_lines_store import Fenced
from tessera.ingest.loading import Loaded, Task, load
from tessera.ingest.model import JOBS, PACKAGE, JobState
from tessera.ingest.sources import LocalSource, Source, SourceAway, SourceFile, s3_source
from tessera.ingest.sql import options as known
from tessera.ingest.sql.statements import ContentType, Deduplication, Options
from tessera.ingest.staging import Rule, Work
from tessera.ingest.tables import announce, ensure, own_columns
from tessera.kernel import events
from tessera.kernel.clock import moment, now
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Problem
from tessera.kernel.jobs import Interrupted, JobRun, read_job
from tessera.kernel.log import logger
from tessera.settings import Settings
from tessera.warehouse import Table, Warehouse

POLL_SECONDS: Final = 1.0
LISTING_SHARE: Final = 10
"""A listing that takes long is repeated after ten times as long."""
LONGEST_POLL_SECONDS: Final = 60.0
BACKOFF_SECONDS: Final = (1.0, 300.0)
"""The wait after a failure, doubled each time. Source: contract, 6.5."""
DEFAULT_COMMIT_SECONDS: Final = 60.0
ATTEMPTS: Final = 1_000_000
"""More than a kernel's job ever makes, so that a later generation's fence is always the higher one."""
_log = logger("ingest")


class _Plan(Struct, frozen=True):
    """A job as it stands in the database, ready to be run."""

    job: jobs_store.JobRecord
    source_place: str
    options: Options
    task: Task
    dates: DatePattern | None
    pattern: Any
    end_at: datetime | None
    start_at: datetime | None


class _Gone(Exception):
    """The job was dropped, paused or started anew: this run has nothing more to do."""


def run_copy(run: JobRun, db: Database, warehouse: Warehouse, settings: Settings) -> None:
    """Run one COPY job until it ends or has to stop."""
    runner = _Runner(run, db, warehouse, settings)
    failures = 0
    runner.begin()
    while True:
        try:
            wait = runner.step()
            if wait is None:
                return
            failures = 0
        except Interrupted:
            raise
        except (_Gone, Fenced):
            return
        except Exception as error:  # noqa: BLE001 - the outermost edge of a job that has to go on
            run.check()
            wait = min(BACKOFF_SECONDS[0] * 2**failures, BACKOFF_SECONDS[1])
            failures += 1
            runner.note_error(error)
        run.sleep(wait)


class _Runner:
    """The state of one run: the source with what it has seen, and the ledger's units that are known."""

    def __init__(self, run: JobRun, db: Database, warehouse: Warehouse, settings: Settings) -> None:
        self.run = run
        self.db = db
        self.warehouse = warehouse
        self.settings = settings
        self.job_id = str(run.args["jobId"])
        self.generation = int(run.args["generation"])
        self.source: Source | None = None
        self.source_key: tuple[str, ...] = ()
        self.units: dict[str, tuple[str, int, str]] | None = None
        self.changed: set[str] = set()
        self.told = False
        self.rested = False

    def begin(self) -> None:
        """Failed files are tried again after RESUME, but not after a mere restart. Source: contract, 6.9."""
        if self.run.attempt > 1:
            self.db.write_now(_go_on, self.job_id, self.generation, self.run.job_id)
        if self.generation > 1 and self.run.attempt == 1:
            with self.warehouse.writing(ledger.LEDGER) as writer:
                ledger.forget_failed(writer, self.job_id)

    def step(self) -> float | None:
        """List once and load what is new; how long to wait then, None at the end of the job."""
        self.run.check()
        plan = self._plan()
        if not self.told:
            ensure(self.warehouse, plan.task.target, self._declared(plan.task.target))
            self._announce(plan)
            self.told = True
        listed_at = datetime.now(UTC)
        began = time.monotonic()
        pending, waiting = self._new_files(plan, listed_at)
        listing = time.monotonic() - began
        total = len(pending)
        while pending:
            loaded = load(self.warehouse, plan.task, pending)
            self._after(plan, pending[: loaded.files], loaded, total - len(pending) + loaded.files, total)
            pending = pending[loaded.files :]
            self.run.check()
            plan = self._plan()
        if plan.end_at is not None and listed_at >= plan.end_at and not waiting:
            self._complete(plan)
            return None
        self.run.progress(text="waiting for files")
        if not self.rested:
            # A run that came so far is not what its server dies of.
            self.db.write_now(self.run.save_cursor, {"files": len(self.units or ())})
            self.rested = True
        return min(max(POLL_SECONDS, listing * LISTING_SHARE), LONGEST_POLL_SECONDS)

    # -- the job as it stands ----------------------------------------------------------------------------------------

    def _plan(self) -> _Plan:
        job, connection, table, expectations = self.db.read_now(self._read)
        options = known.read_again(job.options, known.COPY_JOBS[connection.kind], "a job")
        location = location_of(connection.kind, job.source_options)
        source = self._source(connection, location)
        dates = known.value_of(options, "DATE_PATTERN")
        date_pattern = DatePattern(dates) if isinstance(dates, str) else None
        pattern = known.value_of(options, "FILE_PATTERN")
        content = known.value_of(options, "CONTENT_TYPE")
        interval = known.value_of(options, "COMMIT_INTERVAL")
        target = Table(job.target_schema, job.target_name)
        task = Task(
            job_id=job.id,
            fence=self.generation * ATTEMPTS + self.run.attempt,
            target=target,
            declared=frozenset(one["name"].lower() for one in table.columns),
            content=content if isinstance(content, ContentType) else ContentType("AUTO"),
            compression=str(known.value_of(options, "COMPRESSION") or "AUTO"),
            work=self._work(job, options, expectations),
            read_seconds=interval.total_seconds() if isinstance(interval, timedelta) else DEFAULT_COMMIT_SECONDS,
            open=source.open,
            event_time=_event_time(date_pattern),
            check=self.run.check,
        )
        end, start = end_of(options, job.start_at or job.created_at), start_of(options, job.start_at or job.created_at)
        return _Plan(
            job=job,
            source_place=f"{connection.name}/{location.strip('/')}".rstrip("/"),
            options=options,
            task=task,
            dates=date_pattern,
            pattern=re.compile(pattern) if isinstance(pattern, str) and pattern else None,
            end_at=moment(end) if end else None,
            start_at=moment(start) if start else None,
        )

    def _read(
        self, tx: Tx
    ) -> tuple[
        jobs_store.JobRecord,
        connections_store.Connection,
        tables_store.TableRecord,
        list[jobs_store.ExpectationRecord],
    ]:
        job = jobs_store.find_by_id(tx, self.job_id)
        if job is None or job.generation != self.generation or job.state not in (JobState.RUNNING, JobState.FAILED):
            raise _Gone
        connection = connections_store.find_by_id(tx, job.connection_id or "")
        table = tables_store.find(tx, job.target_schema, job.target_name)
        if connection is None or table is None:
            raise _Gone
        return job, connection, table, jobs_store.expectations(tx, job.id)

    def _declared(self, target: Table) -> list[dict[str, str]]:
        record = self.db.read_now(tables_store.find, target.schema, target.name)
        return record.columns if record else []

    def _source(self, connection: connections_store.Connection, location: str) -> Source:
        key = (connection.id, connection.updated_at, location)
        if self.source is None or key != self.source_key:
            values = connection_values(connection, self.settings)
            if connection.kind == "LOCAL":
                self.source = LocalSource(values["ROOT"], location, self.settings.ingest_local_folders)
            else:
                if not values.get("ENDPOINT_URL") and self.settings.ingest_s3_endpoint:
                    values["ENDPOINT_URL"] = self.settings.ingest_s3_endpoint
                self.source = s3_source(values, location)
            self.source_key = key
        return self.source

    def _work(
        self, job: jobs_store.JobRecord, options: Options, expectations: list[jobs_store.ExpectationRecord]
    ) -> Work:
        dialect = self.warehouse.dialect
        made = known.value_of(options, "COLUMN_TRANSFORMATIONS")
        deduplication = known.value_of(options, "DEDUPLICATE_WITH")
        excluded = known.value_of(options, "EXCLUDE_COLUMNS")
        return Work(
            job_id=job.id,
            transformations=[
                (name, transformation(name, text, dialect))
                for name, text in (made.items() if isinstance(made, dict) else ())
            ],
            rules=[Rule(one.name, predicate(one.predicate, dialect), one.action) for one in expectations],
            deduplication=deduplication if isinstance(deduplication, Deduplication) else None,
            is_excluded=excluder([str(one) for one in excluded] if isinstance(excluded, list) else []),
        )

    # -- files -------------------------------------------------------------------------------------------------------

    def _new_files(self, plan: _Plan, listed_at: datetime) -> tuple[list[SourceFile], bool]:
        """Files to load now, in order, and whether there are some that have to wait. Source: contract, 6.2 and 6.3."""
        assert self.source is not None
        if self.units is None:
            with self.warehouse.reading() as reader:
                self.units = ledger.known_units(reader, self.job_id)
        pending: list[tuple[datetime, bytes, SourceFile]] = []
        changed: list[str] = []
        done: list[SourceFile] = []
        waiting = False
        suffix = known.value_of(plan.options, "FILE_SUFFIX")
        for file in self.source.files():
            if isinstance(suffix, str) and not file.path.endswith(suffix):
                continue
            if plan.pattern is not None and not plan.pattern.fullmatch(file.path):
                continue
            seen = self.units.get(file.unit)
            if seen is not None:
                if (seen[1], seen[2]) != (file.size, file.etag) and file.unit not in self.changed and file.is_complete:
                    changed.append(file.unit)
                if seen[0] == "loaded":
                    done.append(file)
                continue
            at = self._time_of(plan, file, listed_at)
            if at is None:
                continue
            if not file.is_complete or at > listed_at:
                waiting = waiting or at <= listed_at
                continue
            pending.append((at if plan.dates else datetime.min.replace(tzinfo=UTC), file.path.encode(), file))
        self._note_changed(changed)
        if known.value_of(plan.options, "DELETE_FILES_AFTER_LOAD") is True:
            for file in done:
                self.source.delete(file)
        pending.sort(key=lambda one: one[:2])
        return [file for _, _, file in pending], waiting

    def _time_of(self, plan: _Plan, file: SourceFile, listed_at: datetime) -> datetime | None:
        """The file's place in time; None where the job does not read it."""
        if plan.dates is None:
            at = datetime.fromtimestamp(file.modified, UTC)
            return None if plan.end_at is not None and at >= plan.end_at else min(at, listed_at)
        at_path = plan.dates.read(file.path)
        if at_path is None:
            prefix, pattern = (known.value_of(plan.options, f"INITIAL_LOAD_{word}") for word in ("PREFIX", "PATTERN"))
            first = (isinstance(prefix, str) and file.path.startswith(prefix.strip("/") + "/")) or (
                isinstance(pattern, str) and re.fullmatch(pattern, file.path) is not None
            )
            return datetime.min.replace(tzinfo=UTC) if first else None
        if plan.start_at is not None and at_path < plan.start_at:
            return None
        return None if plan.end_at is not None and at_path >= plan.end_at else at_path

    def _note_changed(self, units: list[str]) -> None:
        if units:
            with self.warehouse.writing(ledger.LEDGER) as writer:
                ledger.mark_changed(writer, self.job_id, units)
            self.changed.update(units)
            self.run.log(f"{len(units)} known files have changed; their new content is not read, {units[0]} first")

    # -- after a commit ----------------------------------------------------------------------------------------------

    def _after(self, plan: _Plan, files: list[SourceFile], loaded: Loaded, done: int, total: int) -> None:
        assert self.units is not None
        failed = dict(loaded.failed)
        for file in files:
            self.units[file.unit] = ("failed" if file.unit in failed else "loaded", file.size, file.etag)
        self.run.count(read=loaded.read, written=loaded.written, rejected=loaded.rejected)
        self.run.progress(done, total, "loading files")
        for unit, error in loaded.failed:
            self.run.log(f"{unit} could not be read: {error}")
        values: dict[str, Any] = {"last_success_at": now()}
        if failed:
            unit, error = loaded.failed[-1]
            values |= {"last_error": f"{unit}: {error}"[:2000], "last_error_at": now()}
        self.db.write_now(self._note_step, values)
        if loaded.columns_changed:
            self._announce(plan)
        if known.value_of(plan.options, "DELETE_FILES_AFTER_LOAD") is True and self.source is not None:
            for file in files:
                if file.unit not in failed:
                    self.source.delete(file)

    def _announce(self, plan: _Plan) -> None:
        """Tell the catalogue of new columns, each with the field of the files that it comes from."""
        columns = own_columns(self.warehouse.columns(plan.task.target))
        made = {name.lower() for name, _ in plan.task.work.transformations}
        lineage = [
            {"from": ["files", plan.source_place, one.name], "to": one.name}
            for one in columns
            if one.name.lower() not in made
        ]
        inputs = [{"schema": "files", "table": plan.source_place, "file": plan.source_place}]
        announce(
            self.db,
            self.warehouse,
            plan.task.target,
            plan.job.created_by,
            inputs=inputs,
            lineage=lineage if columns else [],
        )

    def _complete(self, plan: _Plan) -> None:
        def finish(tx: Tx) -> None:
            self._note(tx, {"state": JobState.COMPLETED})
            data = {"name": plan.job.name}
            events.record(tx, "ingest.job.completed", package=PACKAGE, of=self.job_id, data=data)

        self.db.write_now(finish)
        self.run.log("complete: END_AT is reached and all files before it are loaded")

    def note_error(self, error: Exception) -> None:
        """Show why the job does not get on; it tries again."""
        told = isinstance(error, Problem | SourceAway)
        text = str(error) if told else "the job failed on an error of the server; its log has the reason"
        if not told:
            _log.exception("ingest job failed", job_id=self.job_id, exc_info=error)
        self.units = None
        self.source = None if isinstance(error, SourceAway) else self.source
        self.run.log(text)
        self.db.write_now(self._note, {"last_error": text[:2000], "last_error_at": now()})

    def _note_step(self, tx: Tx, values: dict[str, Any]) -> None:
        """Note a step that is done, with the sums of its rows."""
        self._note(tx, values)
        self.run.save_cursor(tx, {"files": len(self.units or ())})

    def _note(self, tx: Tx, values: dict[str, Any]) -> None:
        """Note how this run fares, unless another generation has taken over."""
        mine = sa.select(JOBS.c.id).where(JOBS.c.id == self.job_id, JOBS.c.generation == self.generation)
        if tx.scalar(mine) is not None:
            jobs_store.note(tx, self.job_id, **values)


def _event_time(dates: DatePattern | None) -> Callable[[SourceFile], datetime]:
    """``$event_time`` of a file's rows: the time in its path, else when it was found. Source: contract, 6.4."""

    def of(file: SourceFile) -> datetime:
        at = dates.read(file.path) if dates is not None else None
        found = at or datetime.now(UTC)
        return found.replace(microsecond=found.microsecond // 1000 * 1000)

    return of


def _go_on(tx: Tx, job_id: str, generation: int, run_id: str) -> None:
    """A run that was cancelled by itself and tried again takes its job out of the pause that the cancel meant."""
    job = jobs_store.find_by_id(tx, job_id)
    if job is None or (job.generation, job.kernel_job_id, job.state) != (generation, run_id, JobState.PAUSED):
        return
    if not read_job(tx, run_id).is_cancel_requested:
        jobs_store.note(tx, job_id, state=JobState.RUNNING)
