"""Runs jobs inside a server process: claims what is due, gives each job a thread, keeps the leases, stops at once.

    runner = JobRunner(db, jobs, services={Database: db, Jobs: jobs, Warehouse: warehouse}, threads=4)
    runner.start()
    runner.stop()       # running jobs go back into the queue; the next server goes on from their cursors

One thread ("jobs") claims and looks at the schedules; one ("job-leases") renews leases, writes reports and hears of
cancels.
"""

import inspect
import os
import socket
import threading
import time
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy.engine import Row

from tessera.kernel import jobs_schedules, wake
from tessera.kernel import jobs_store as store
from tessera.kernel.clock import instant, new_id
from tessera.kernel.db import Database
from tessera.kernel.errors import Problem, Unavailable
from tessera.kernel.jobs import Jobs
from tessera.kernel.jobs_run import Cancelled, Interrupted, JobKind, JobRun, LeaseLost, Stopping
from tessera.kernel.log import logger

THREADS: Final = 4
CONTINUOUS: Final = 64
"""Continuous jobs that one process holds; the next ones stay queued for another process."""
POLL_SECONDS: Final = 0.2
SLOW_POLL_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 1.0
"""How long ``stop`` lets running jobs reach their next ``check``."""
_REPORT_SECONDS: Final = 1.0
_MAX_BACKOFF_SECONDS: Final = 300.0
_PRUNE_EVERY_SECONDS: Final = 600.0
_log = logger("jobs_runner")


class _Running:
    def __init__(self, run: JobRun, kind: JobKind, failures: int) -> None:
        self.run = run
        self.kind = kind
        self.failures = failures
        self.thread: threading.Thread | None = None


class JobRunner:
    """Runs the jobs of one process.

    Args:
        services: what a job's function may ask for, by type.
        threads: jobs that run at once; one thread more takes interactive kinds alone.
        keep_days: ended jobs are deleted after so many days.

    Raises:
        TypeError: a kind's function asks for a service that is not there.
    """

    def __init__(
        self,
        db: Database,
        jobs: Jobs,
        services: Mapping[type, Any] | None = None,
        *,
        threads: int = THREADS,
        continuous: int = CONTINUOUS,
        keep_days: int = 90,
    ) -> None:
        self._db = db
        self._kinds = jobs.kinds
        self._calls = {kind.name: _bound(kind, services or {}) for kind in jobs.kinds.values()}
        self._threads = threads
        self._continuous = continuous
        self._keep_days = keep_days
        self.owner = f"{socket.gethostname()[:40]}.{os.getpid()}.{new_id()[:8]}"
        self._running: dict[str, _Running] = {}
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._wake_claims = threading.Event()
        self._wake_leases = threading.Event()
        self._ends: list[Callable[[], None]] = []
        self._workers: list[threading.Thread] = []
        self._pruned_at = time.monotonic()

    def start(self) -> None:
        """Begin to claim."""
        if self._db.dialect == "sqlite":
            # One server at a time has an SQLite database: whoever held leases is dead.
            self._db.write_now(store.expire_leases)
        self._ends = [
            wake.heed(store.TOPIC, lambda _: self._wake_claims.set()),
            wake.heed(store.TOPIC, lambda _: self._wake_leases.set()),
        ]
        for name, work in (("jobs", self._claims), ("job-leases", self._leases)):
            thread = threading.Thread(target=work, name=name, daemon=True)
            thread.start()
            self._workers.append(thread)

    def stop(self) -> None:
        """Stop claiming and put the running jobs back into the queue, without waiting for those that do not listen."""
        self._stopping.set()
        for end in self._ends:
            end()
        self._wake_claims.set()
        self._wake_leases.set()
        for each in self._now_running():
            each.run.stop(Stopping)
        deadline = time.monotonic() + GRACE_SECONDS
        for thread in [*self._workers, *(each.thread for each in self._now_running() if each.thread)]:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        for each in self._now_running():
            # The thread may run on until the process ends; its attempt is fenced off from here.
            report = each.run.report()
            self._write(store.requeue, each.run.job_id, each.run.attempt, report, wait_seconds=0.0, error=None)

    @property
    def running_count(self) -> int:
        """Jobs in hand."""
        return len(self._running)

    def _now_running(self) -> list[_Running]:
        with self._guard:
            return list(self._running.values())

    # -- claiming ----------------------------------------------------------------------------------------------------

    def _claims(self) -> None:
        interactive = any(kind.is_interactive for kind in self._kinds.values())
        poll = POLL_SECONDS if interactive else SLOW_POLL_SECONDS
        while not self._stopping.is_set():
            self._wake_claims.clear()
            try:
                self._schedules()
                for kinds, free in self._free():
                    self._claim(kinds, free)
                self._prune()
            except Unavailable:
                _log.warning("jobs wait: the database is away")
                self._stopping.wait(1.0)
            except Exception:  # noqa: BLE001 - the outermost edge: jobs must go on being claimed
                _log.exception("claiming jobs failed")
                self._stopping.wait(1.0)
            self._wake_claims.wait(poll)

    def _schedules(self) -> None:
        if self._db.read_now(jobs_schedules.is_any_due):
            self._db.write_now(jobs_schedules.run_due)

    def _free(self) -> list[tuple[list[JobKind], int]]:
        """Groups of kinds, each with the number of jobs that may be started now."""
        running = [each.kind for each in self._now_running()]
        continuous = sum(kind.is_continuous for kind in running)
        ordinary = len(running) - continuous
        kinds = list(self._kinds.values())
        return [
            ([kind for kind in kinds if kind.is_continuous], self._continuous - continuous),
            ([kind for kind in kinds if kind.is_interactive and not kind.is_continuous], self._threads + 1 - ordinary),
            ([kind for kind in kinds if not kind.is_interactive and not kind.is_continuous], self._threads - ordinary),
        ]

    def _claim(self, kinds: list[JobKind], free: int) -> None:
        while kinds and free > 0 and self._db.read_now(store.is_any_due, [kind.name for kind in kinds]):
            leases = {kind.name: kind.lease_seconds for kind in kinds}
            began = time.monotonic()
            rows = self._db.write_now(store.claim, self.owner, leases, free)
            if not rows:
                return  # another process was faster
            for row in rows:
                self._launch(row, began)
            free -= len(rows)

    def _launch(self, row: Row[Any], began: float) -> None:
        kind = self._kinds[row.kind]
        run = JobRun(
            job_id=row.id,
            kind=row.kind,
            package=row.package,
            args=row.args,
            attempt=row.attempt,
            created_by=row.created_by,
            saved=row.cursor,
            lease_seconds=kind.lease_seconds,
        )
        run.extend(began)
        if row.is_cancel_requested:
            run.stop(Cancelled)
        running = _Running(run, kind, row.failures)
        with self._guard:
            self._running[row.id] = running
        if self._stopping.is_set():
            run.stop(Stopping)
        running.thread = threading.Thread(target=self._execute, args=(running,), name=f"job {row.kind}", daemon=True)
        running.thread.start()

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < _PRUNE_EVERY_SECONDS:
            return
        limit = instant(datetime.now(UTC) - timedelta(days=self._keep_days))
        if self._db.write_now(store.drop_ended_before, limit, 200) < 200:
            self._pruned_at = time.monotonic()

    # -- one job -----------------------------------------------------------------------------------------------------

    def _execute(self, running: _Running) -> None:
        run, kind = running.run, running.kind
        structlog.contextvars.bind_contextvars(job=run.job_id, kind=run.kind, attempt=run.attempt)
        try:
            run.check()
            result = self._calls[kind.name](run)
            self._end(run, "succeeded", result=run.result if result is None else result)
        except Cancelled:
            self._end(run, "cancelled")
        except Stopping:
            self._requeue(run, 0.0, None)
        except LeaseLost:
            _log.warning("job stopped: its lease is lost")
        except Unavailable as problem:
            self._failed(running, problem.message)
        except Problem as problem:
            # The caller's own mistake does not get better by repetition.
            run.log(f"failed: {problem.message}")
            self._end(run, "failed", error=problem.message)
        except Exception:  # noqa: BLE001 - the outermost edge of a job: the stack is for the log, never for its readers
            _log.exception("job failed")
            text = f"the job failed on a defect of the server; its log has the reason under job {run.job_id}"
            self._failed(running, f"{text}, attempt {run.attempt}")
        finally:
            with self._guard:
                self._running.pop(run.job_id, None)
            self._wake_claims.set()

    def _failed(self, running: _Running, error: str) -> None:
        run, kind = running.run, running.kind
        if running.failures + 1 >= kind.max_attempts:
            run.log(f"failed: {error}")
            self._end(run, "failed", error=error)
            return
        wait = min(kind.backoff_seconds * 2.0**running.failures, _MAX_BACKOFF_SECONDS)
        run.log(f"attempt {run.attempt} failed: {error}; next one in {wait:g} s")
        self._requeue(run, wait, error)

    def _end(self, run: JobRun, state: store.State, *, result: Any = None, error: str | None = None) -> None:
        self._write(store.end, run.job_id, run.attempt, run.report(), state=state, result=result, error=error)

    def _requeue(self, run: JobRun, wait_seconds: float, error: str | None) -> None:
        self._write(store.requeue, run.job_id, run.attempt, run.report(), wait_seconds=wait_seconds, error=error)

    def _write(self, function: Callable[..., bool], *args: Any, **kwargs: Any) -> None:
        """Write the end of an attempt. If that fails, the lease runs out and the job is taken over from its cursor."""
        try:
            if not self._db.write_now(function, *args, **kwargs):
                _log.warning("job's end not written: another attempt has it")
        except Unavailable:
            _log.warning("job's end not written: the database is away; it will be taken over")

    # -- leases ------------------------------------------------------------------------------------------------------

    def _leases(self) -> None:
        while not self._stopping.is_set():
            self._wake_leases.wait(_REPORT_SECONDS)
            self._wake_leases.clear()
            running = self._now_running()
            if not running or self._stopping.is_set():
                continue
            try:
                self._beat(running)
            except Unavailable:
                _log.warning("leases not renewed: the database is away")
            except Exception:  # noqa: BLE001 - the outermost edge: leases must go on being renewed
                _log.exception("renewing leases failed")

    def _beat(self, running: list[_Running]) -> None:
        began = time.monotonic()
        beats = []
        for each in running:
            report = each.run.report(only_news=True)
            beats.append(store.Beat(each.run.job_id, each.run.attempt, each.kind.lease_seconds, report))
        if not self._news(running, beats, began):
            return
        standings: dict[str, store.Standing] = {}
        try:
            standings = self._db.write_now(store.beat, self.owner, beats)
        finally:
            for each, one in zip(running, beats, strict=True):
                standing = standings.get(one.job_id)
                if one.report is not None and standing in (None, "busy"):
                    each.run.keep(one.report)
        for each in running:
            standing = standings[each.run.job_id]
            if standing == "lost":
                each.run.stop(LeaseLost)
            elif standing != "busy":
                each.run.extend(began)
            if standing == "cancel":
                each.run.stop(Cancelled)

    def _news(self, running: list[_Running], beats: list[store.Beat], at: float) -> bool:
        """Whether a write is due: a report, a lease a third gone, or a cancel."""
        if any(beat.report is not None for beat in beats):
            return True
        if any(at - each.run.renewed_at >= each.kind.lease_seconds / 3 for each in running):
            return True
        return self._db.read_now(store.is_any_cancelled, [beat.job_id for beat in beats])


def _bound(kind: JobKind, services: Mapping[type, Any]) -> Callable[[JobRun], Any]:
    """The kind's function with its services filled in; of one that is given by its path, when a job calls it."""
    if isinstance(kind.run, str):
        return lambda run: _filled(kind.name, kind.function, services)(run)
    return _filled(kind.name, kind.run, services)


def _filled(kind_name: str, function: Callable[..., Any], services: Mapping[type, Any]) -> Callable[[JobRun], Any]:
    hints = typing.get_type_hints(function)
    filled: dict[str, Any] = {}
    run_name: str | None = None
    for name in inspect.signature(function).parameters:
        hint: Any = hints.get(name)
        if hint is JobRun:
            run_name = name
        elif hint in services:
            filled[name] = services[hint]
        else:
            raise TypeError(f"job kind {kind_name}: parameter {name!r} asks for {hint}, which is no service")
    if run_name is None:
        raise TypeError(f"job kind {kind_name}: its function takes no JobRun")
    own = run_name
    return lambda run: function(**{own: run}, **filled)


__all__ = ["Interrupted", "JobRunner"]
