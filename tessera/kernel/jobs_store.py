"""The tables of jobs and their logs, and each statement on them. No rule, no thread.

Times that decide (due, lease) are the database's own on PostgreSQL, so that servers whose clocks differ agree.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Row

from tessera.kernel import events
from tessera.kernel.clock import instant, moment, now
from tessera.kernel.columns import METADATA, Document, Flag, Id, Instant
from tessera.kernel.db import Tx

TOPIC: Final = "jobs"
"""What ``wake.nudge`` says when a job was queued, cancelled or retried."""
MAX_LOG_LINES: Final = 1_000
"""Kept for each job: the newest."""
MAX_LOST: Final = 30
"""A job that so many servers in a row did not outlive, without one step done between, is the likely cause: it fails."""

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
STATES: Final[tuple[State, ...]] = ("queued", "running", "succeeded", "failed", "cancelled")

JOBS: Final = sa.Table(
    "kernel_jobs",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("kind", sa.String(80), nullable=False),
    sa.Column("package", sa.String(40), nullable=False),
    sa.Column("title", sa.String(300), nullable=False),
    sa.Column("args", Document, nullable=False),
    sa.Column("key", sa.String(300)),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("losses", sa.Integer, nullable=False),
    sa.Column("run_after", Instant, nullable=False),
    sa.Column("lease_owner", sa.String(80)),
    sa.Column("lease_until", Instant),
    sa.Column("is_cancel_requested", Flag, nullable=False),
    sa.Column("progress_done", sa.BigInteger),
    sa.Column("progress_total", sa.BigInteger),
    sa.Column("progress_text", sa.String(300)),
    sa.Column("rows_read", sa.BigInteger, nullable=False),
    sa.Column("rows_written", sa.BigInteger, nullable=False),
    sa.Column("rows_rejected", sa.BigInteger, nullable=False),
    sa.Column("cursor", Document),
    sa.Column("result", Document),
    sa.Column("error", sa.Text),
    sa.Column("schedule", sa.String(200)),
    sa.Column("due_at", Instant),
    sa.Column("created_by", Id),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("started_at", Instant),
    sa.Column("finished_at", Instant),
    sa.CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
    sa.UniqueConstraint("schedule", "due_at", name="uq_kernel_jobs_schedule"),
)
_active = sa.text("state IN ('queued', 'running')")
sa.Index("uq_kernel_jobs_key", JOBS.c.key, unique=True, sqlite_where=_active, postgresql_where=_active)
sa.Index("ix_kernel_jobs_active", JOBS.c.state, JOBS.c.run_after, sqlite_where=_active, postgresql_where=_active)
sa.Index("ix_kernel_jobs_created", JOBS.c.created_at, JOBS.c.id)
sa.Index("ix_kernel_jobs_finished", JOBS.c.finished_at)

LOG: Final = sa.Table(
    "kernel_job_lines",
    METADATA,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("job_id", Id, sa.ForeignKey("kernel_jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("line", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
sa.Index("ix_kernel_job_lines_job", LOG.c.job_id, LOG.c.seq)


class Progress(Struct, frozen=True):
    """How far a running job is; ``total`` is None where it cannot be known."""

    done: int | None
    total: int | None
    text: str | None


class Rows(Struct, frozen=True):
    """Row counts as of the last report."""

    read: int
    written: int
    rejected: int


class Job(Struct, frozen=True, rename="camel", kw_only=True):
    """A job as clients see it. ``attempt`` counts starts; ``failures`` those that ended in an error."""

    id: str
    kind: str
    package: str
    title: str
    state: State
    attempt: int
    failures: int
    run_after: str
    is_cancel_requested: bool
    progress: Progress
    rows: Rows
    result: Any
    error: str | None
    schedule: str | None
    due_at: str | None
    created_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class Line(Struct, frozen=True):
    """A line of a job's log."""

    seq: int
    attempt: int
    at: str
    line: str


class Report(Struct):
    """What a running job has to say since its last report."""

    progress: Progress
    rows: Rows
    lines: list[tuple[str, str]]


class Beat(Struct):
    """A running job's sign of life. ``report`` is None where only the lease is renewed."""

    job_id: str
    attempt: int
    lease_seconds: int
    report: Report | None


Standing = Literal["held", "cancel", "busy", "lost"]
"""What a heartbeat finds: all well; a cancel was asked for; the row is in use, try again; another has the job."""


def at_present(tx: Tx, *, plus_seconds: float = 0.0) -> sa.ColumnElement[Any]:
    """Now, or some seconds from now, by the clock that decides."""
    if tx.dialect == "postgresql":
        present: sa.ColumnElement[Any] = sa.func.clock_timestamp()
        if not plus_seconds:
            return present
        return present + sa.func.make_interval(0, 0, 0, 0, 0, 0, sa.cast(plus_seconds, sa.Double))
    return sa.literal(later(now(), plus_seconds) if plus_seconds else now(), Instant)


def later(at: str, seconds: float) -> str:
    """The instant some seconds after ``at``."""
    return instant(moment(at) + timedelta(seconds=seconds))


def insert(tx: Tx, values: dict[str, Any], *, run_after: str | None) -> None:
    """Add a queued job."""
    start = dict.fromkeys(("attempt", "failures", "losses", "rows_read", "rows_written", "rows_rejected"), 0)
    due = at_present(tx) if run_after is None else run_after
    row = (
        start
        | {"state": "queued", "is_cancel_requested": False, "run_after": due, "created_at": at_present(tx)}
        | values
    )
    tx.execute(JOBS.insert().values(row))
    _record(tx, "queued", values["id"], values["package"], values["kind"], values["title"], 0, values["created_by"])


def find_active(tx: Tx, key: str) -> str | None:
    """The id of the queued or running job with this key."""
    job_id: str | None = tx.scalar(
        sa.select(JOBS.c.id).where(JOBS.c.key == key, JOBS.c.state.in_(("queued", "running")))
    )
    return job_id


def key_of(tx: Tx, job_id: str) -> str | None:
    """The key under which the job was queued."""
    key: str | None = tx.scalar(sa.select(JOBS.c.key).where(JOBS.c.id == job_id))
    return key


def find(tx: Tx, job_id: str) -> Job | None:
    """One job."""
    row = tx.one(sa.select(JOBS).where(JOBS.c.id == job_id))
    return None if row is None else _job(row)


def page(
    tx: Tx,
    *,
    packages: Collection[str] | None,
    states: Collection[str],
    kind: str | None,
    after: Job | None,
    limit: int,
) -> list[Job]:
    """Jobs, newest first, behind ``after``; ``packages`` None for all, ``states`` empty for all."""
    query = sa.select(JOBS).order_by(JOBS.c.created_at.desc(), JOBS.c.id.desc()).limit(limit)
    if packages is not None:
        query = query.where(JOBS.c.package.in_(packages))
    if states:
        query = query.where(JOBS.c.state.in_(states))
    if kind:
        query = query.where(JOBS.c.kind == kind)
    if after is not None:
        older = JOBS.c.created_at < after.created_at
        query = query.where(older | ((JOBS.c.created_at == after.created_at) & (JOBS.c.id < after.id)))
    return [_job(row) for row in tx.all(query)]


def page_lines(tx: Tx, job_id: str, *, after: int, limit: int) -> list[Line]:
    """Lines of a job's log with ``seq > after``, in order."""
    query = sa.select(LOG.c.seq, LOG.c.attempt, LOG.c.at, LOG.c.line).where(LOG.c.job_id == job_id, LOG.c.seq > after)
    return [Line(*tuple(row)) for row in tx.all(query.order_by(LOG.c.seq).limit(limit))]


def _due(tx: Tx) -> sa.ColumnElement[bool]:
    present = at_present(tx)
    queued = (JOBS.c.state == "queued") & (JOBS.c.run_after <= present)
    return queued | ((JOBS.c.state == "running") & (JOBS.c.lease_until < present))


def is_any_due(tx: Tx, kinds: Collection[str]) -> bool:
    """Whether ``claim`` would find something."""
    return tx.scalar(sa.select(JOBS.c.id).where(_due(tx), JOBS.c.kind.in_(kinds)).limit(1)) is not None


def claim(tx: Tx, owner: str, leases: dict[str, int], limit: int) -> Sequence[Row[Any]]:
    """Take up to ``limit`` due jobs of the kinds in ``leases`` (kind -> seconds); rows as they are after that.

    A job whose lease ran out is taken over, unless it was to be cancelled or has outlived too many servers.
    """
    _settle_lost(tx, list(leases))
    picked = sa.select(JOBS.c.id).where(_due(tx), JOBS.c.kind.in_(list(leases))).order_by(JOBS.c.run_after, JOBS.c.id)
    taken = picked.limit(limit).with_for_update(skip_locked=True).cte("taken")
    until = sa.case(
        *((JOBS.c.kind == kind, at_present(tx, plus_seconds=seconds)) for kind, seconds in leases.items()),
        else_=at_present(tx),
    )
    update = (
        JOBS.update()
        .where(JOBS.c.id.in_(sa.select(taken.c.id)))
        .values(
            state="running",
            attempt=JOBS.c.attempt + 1,
            losses=JOBS.c.losses + sa.case((JOBS.c.state == "running", 1), else_=0),
            lease_owner=owner,
            lease_until=until,
            started_at=sa.func.coalesce(JOBS.c.started_at, at_present(tx)),
        )
        .returning(JOBS)
    )
    rows = tx.all(update)
    for row in rows:
        _record(tx, "started", row.id, row.package, row.kind, row.title, row.attempt)
    return rows


def _settle_lost(tx: Tx, kinds: Sequence[str]) -> None:
    """End jobs whose server died and that are not to run again."""
    expired = (JOBS.c.state == "running") & (JOBS.c.lease_until < at_present(tx)) & JOBS.c.kind.in_(kinds)
    shared = {"lease_owner": None, "lease_until": None, "finished_at": at_present(tx)}
    cancelled = JOBS.update().where(expired, JOBS.c.is_cancel_requested.is_(True))
    _ended(tx, tx.all(cancelled.values(state="cancelled", **shared).returning(JOBS)))
    text = f"the server stopped {MAX_LOST} times while this job ran, so it is not started again by itself"
    failed = JOBS.update().where(expired, JOBS.c.losses >= MAX_LOST)
    _ended(tx, tx.all(failed.values(state="failed", error=text, **shared).returning(JOBS)))


def expire_leases(tx: Tx) -> None:
    """Give up the leases of servers before this one; only where one server at a time is certain (SQLite)."""
    long_ago = "2000-01-01T00:00:00.000000Z"
    tx.execute(JOBS.update().where(JOBS.c.state == "running").values(lease_until=long_ago))


def _fenced(job_id: str, attempt: int) -> sa.ColumnElement[bool]:
    return (JOBS.c.id == job_id) & (JOBS.c.attempt == attempt) & (JOBS.c.state == "running")


def fence(tx: Tx, job_id: str, attempt: int, **values: Any) -> bool:
    """Lock the job's row for this transaction and set ``values``; False if this attempt no longer has the job."""
    changed = tx.execute(JOBS.update().where(_fenced(job_id, attempt)).values(values or {"attempt": attempt}))
    return changed.rowcount == 1


def beat(tx: Tx, owner: str, beats: Sequence[Beat]) -> dict[str, Standing]:
    """Renew the leases and write the reports of running jobs."""
    standings: dict[str, Standing] = {}
    for each in beats:
        mine = _fenced(each.job_id, each.attempt)
        row = tx.one(sa.select(JOBS.c.is_cancel_requested).where(mine))
        if row is None:
            standings[each.job_id] = "lost"
            continue
        # A step of the job itself may hold the row for a moment; the other jobs' leases must not wait for it.
        if tx.one(sa.select(JOBS.c.id).where(mine).with_for_update(skip_locked=True)) is None:
            standings[each.job_id] = "busy"
            continue
        values: dict[str, Any] = {"lease_until": at_present(tx, plus_seconds=each.lease_seconds), "lease_owner": owner}
        if each.report is not None:
            values |= _reported(each.report)
            add_lines(tx, each.job_id, each.attempt, each.report.lines)
        tx.execute(JOBS.update().where(mine).values(values))
        standings[each.job_id] = "cancel" if row.is_cancel_requested else "held"
    return standings


def is_any_cancelled(tx: Tx, job_ids: Collection[str]) -> bool:
    """Whether a cancel was asked for one of these."""
    asked = sa.select(JOBS.c.id).where(JOBS.c.id.in_(job_ids), JOBS.c.is_cancel_requested.is_(True))
    return tx.scalar(asked.limit(1)) is not None


def _reported(report: Report) -> dict[str, Any]:
    progress, rows = report.progress, report.rows
    return {
        "progress_done": progress.done,
        "progress_total": progress.total,
        "progress_text": progress.text,
        "rows_read": rows.read,
        "rows_written": rows.written,
        "rows_rejected": rows.rejected,
    }


def add_lines(tx: Tx, job_id: str, attempt: int, lines: Iterable[tuple[str, str]]) -> None:
    """Append (instant, text) pairs to a job's log and drop what is over ``MAX_LOG_LINES``."""
    rows = [{"job_id": job_id, "attempt": attempt, "at": at, "line": line} for at, line in lines]
    if not rows:
        return
    tx.execute(LOG.insert(), rows)
    mine = sa.select(LOG.c.seq).where(LOG.c.job_id == job_id).order_by(LOG.c.seq.desc())
    last_kept = tx.scalar(mine.offset(MAX_LOG_LINES - 1).limit(1))
    if last_kept is not None:
        tx.execute(LOG.delete().where(LOG.c.job_id == job_id, LOG.c.seq < last_kept))


def end(
    tx: Tx, job_id: str, attempt: int, report: Report, *, state: State, result: Any = None, error: str | None = None
) -> bool:
    """The attempt's end in ``succeeded``, ``failed`` or ``cancelled``; False if it no longer has the job."""
    values = _reported(report) | {"state": state, "result": result, "error": error, "finished_at": at_present(tx)}
    values |= {"lease_owner": None, "lease_until": None}
    if state == "failed":
        values["failures"] = JOBS.c.failures + 1
    rows = tx.all(JOBS.update().where(_fenced(job_id, attempt)).values(values).returning(JOBS))
    if rows:
        add_lines(tx, job_id, attempt, report.lines)
    _ended(tx, rows)
    return bool(rows)


def requeue(
    tx: Tx, job_id: str, attempt: int, report: Report | None, *, wait_seconds: float, error: str | None
) -> bool:
    """Back into the queue: after an error (which counts as a failure), or because the server stops."""
    values: dict[str, Any] = _reported(report) if report is not None else {}
    values |= {"state": "queued", "lease_owner": None, "lease_until": None}
    values["run_after"] = at_present(tx, plus_seconds=wait_seconds)
    if error is not None:
        values |= {"error": error, "failures": JOBS.c.failures + 1}
    rows = tx.all(JOBS.update().where(_fenced(job_id, attempt)).values(values).returning(JOBS))
    for row in rows:
        if report is not None:
            add_lines(tx, job_id, attempt, report.lines)
        _record(tx, "queued", row.id, row.package, row.kind, row.title, row.attempt)
    return bool(rows)


def cancel(tx: Tx, job_id: str, by: str | None) -> bool:
    """End a queued job, or ask a running one to end; False if it had ended already."""
    queued = JOBS.update().where(JOBS.c.id == job_id, JOBS.c.state == "queued")
    rows = tx.all(
        queued.values(state="cancelled", is_cancel_requested=True, finished_at=at_present(tx)).returning(JOBS)
    )
    if rows:
        _ended(tx, rows, by)
        return True
    running = JOBS.update().where(JOBS.c.id == job_id, JOBS.c.state == "running").values(is_cancel_requested=True)
    return tx.execute(running).rowcount == 1


def retry(tx: Tx, job_id: str, by: str | None) -> bool:
    """Queue a failed or cancelled job again, from its cursor; False if it is in another state."""
    ended = JOBS.update().where(JOBS.c.id == job_id, JOBS.c.state.in_(("failed", "cancelled")))
    values = {
        "state": "queued",
        "failures": 0,
        "losses": 0,
        "is_cancel_requested": False,
        "error": None,
        "result": None,
    }
    rows = tx.all(ended.values(values | {"finished_at": None, "run_after": at_present(tx)}).returning(JOBS))
    for row in rows:
        _record(tx, "queued", row.id, row.package, row.kind, row.title, row.attempt, by)
    return bool(rows)


def drop_ended_before(tx: Tx, at: str, limit: int) -> int:
    """Delete up to ``limit`` jobs that ended before ``at``, with their logs."""
    ended = sa.select(JOBS.c.id).where(JOBS.c.finished_at < at).limit(limit)
    return tx.execute(JOBS.delete().where(JOBS.c.id.in_(ended))).rowcount


def _ended(tx: Tx, rows: Iterable[Row[Any]], by: str | None = None) -> None:
    for row in rows:
        _record(tx, row.state, row.id, row.package, row.kind, row.title, row.attempt, by)


def _record(
    tx: Tx, what: str, job_id: str, package: str, kind: str, title: str, attempt: int, by: str | None = None
) -> None:
    data = {"kind": kind, "title": title, "attempt": attempt}
    events.record(tx, f"job.{what}", package=package, of=job_id, by=by, data=data)


def _job(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        package=row.package,
        title=row.title,
        state=row.state,
        attempt=row.attempt,
        failures=row.failures,
        run_after=row.run_after,
        is_cancel_requested=row.is_cancel_requested,
        progress=Progress(row.progress_done, row.progress_total, row.progress_text),
        rows=Rows(row.rows_read, row.rows_written, row.rows_rejected),
        result=row.result,
        error=row.error,
        schedule=row.schedule,
        due_at=row.due_at,
        created_by=row.created_by,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
