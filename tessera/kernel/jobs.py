"""Durable jobs, as packages and routes see them: queue one, look at it, cancel it, try it again, run it by the clock.

    LOAD = JobKind(name="vault.load", run=run_load, title="Load a target table")     # in the package's ``job_kinds``
    job_id = jobs.enqueue(tx, "vault.load", {"loadId": load_id}, package="vault", by=principal)    # in a rule

A job is a row in the caller's transaction: no commit, no job. It survives its server; what its function may rely on
stands with ``JobKind`` and ``JobRun``. Every change of state is an event of the job's package:
``job.queued``, ``job.started``, ``job.succeeded``, ``job.failed``, ``job.cancelled``.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tessera.kernel import jobs_schedules, wake
from tessera.kernel import jobs_store as store
from tessera.kernel.access import Principal
from tessera.kernel.clock import new_id
from tessera.kernel.db import Tx
from tessera.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tessera.kernel.jobs_run import Cancelled, Interrupted, JobKind, JobRun, LeaseLost, Stopping
from tessera.kernel.jobs_schedules import Schedule
from tessera.kernel.jobs_store import STATES, Job, Line

__all__ = [
    "Cancelled",
    "Interrupted",
    "Job",
    "JobKind",
    "JobRun",
    "Jobs",
    "LeaseLost",
    "Line",
    "Schedule",
    "Stopping",
    "cancel_job",
    "page_jobs",
    "page_lines",
    "read_job",
    "retry_job",
]


class Jobs:
    """The kinds of job that this server knows; ``enqueue`` and ``schedule`` check against them.

    Raises:
        ValueError: two kinds have one name.
    """

    def __init__(self, kinds: Iterable[JobKind] = ()) -> None:
        self.kinds: dict[str, JobKind] = {}
        for kind in kinds:
            if kind.name in self.kinds:
                raise ValueError(f"two kinds of job are named {kind.name}")
            self.kinds[kind.name] = kind

    def enqueue(
        self,
        tx: Tx,
        kind: str,
        args: Mapping[str, Any],
        *,
        package: str,
        by: Principal | str | None = None,
        title: str | None = None,
        key: str | None = None,
        run_after: str | None = None,
    ) -> str:
        """Queue a job in the caller's transaction.

        Args:
            args: ids and small facts, no secrets; JSON.
            title: what people read; by default the kind's.
            key: at most one job of this kind and key is queued or running: while there is, its id is the answer.
            run_after: the earliest start; by default at once.

        Raises:
            ValueError: no such kind. (A defect of the caller.)
        """
        declared = self._kind(kind)
        full_key = None if key is None else f"{kind}:{key}"
        if full_key is not None:
            tx.lock(f"job {full_key}")
            active = store.find_active(tx, full_key)
            if active is not None:
                return active
        job_id = new_id()
        values = {
            "id": job_id,
            "kind": kind,
            "package": package,
            "title": (title or declared.title)[:300],
            "args": dict(args),
            "key": full_key,
            "created_by": by.id if isinstance(by, Principal) else by,
        }
        store.insert(tx, values, run_after=run_after)
        tx.after_commit(_nudge)
        return job_id

    def schedule(
        self,
        tx: Tx,
        name: str,
        kind: str,
        args: Mapping[str, Any],
        *,
        package: str,
        cron: str | None = None,
        every_seconds: int | None = None,
        title: str | None = None,
        is_enabled: bool = True,
        by: Principal | str | None = None,
    ) -> None:
        """Run a kind by the clock, under a name of its own; the same name again replaces what was said before.

        While a run of the schedule has not ended, further ones are left out; runs missed while no server was up
        are made up for by one.

        Args:
            cron: five fields, in UTC; or
            every_seconds: from now on.

        Raises:
            Invalid: ``cron`` is no cron expression, or not exactly one of ``cron`` and ``every_seconds`` is given.
            ValueError: no such kind. (A defect of the caller.)
        """
        declared = self._kind(kind)
        jobs_schedules.put(
            tx,
            {
                "name": name,
                "kind": kind,
                "package": package,
                "title": (title or declared.title)[:300],
                "args": dict(args),
                "cron": cron,
                "every_seconds": every_seconds,
                "is_enabled": is_enabled,
                "created_by": by.id if isinstance(by, Principal) else by,
            },
        )
        tx.after_commit(_nudge)

    def unschedule(self, tx: Tx, name: str) -> bool:
        """Forget a schedule; its runs stay. False if there was none."""
        return jobs_schedules.remove(tx, name)

    def cancel(self, tx: Tx, job_id: str, *, by: Principal | None = None) -> Job:
        """As ``cancel_job``."""
        return cancel_job(tx, job_id, by=by)

    def retry(self, tx: Tx, job_id: str, *, by: Principal | None = None) -> Job:
        """As ``retry_job``."""
        return retry_job(tx, job_id, by=by)

    def _kind(self, name: str) -> JobKind:
        kind = self.kinds.get(name)
        if kind is None:
            raise ValueError(f"no kind of job is named {name!r}; known: {', '.join(sorted(self.kinds))}")
        return kind


def _nudge() -> None:
    wake.nudge(store.TOPIC)


def read_job(tx: Tx, job_id: str, *, packages: Collection[str] | None = None) -> Job:
    """One job; with ``packages``, only if it belongs to one of them.

    Raises:
        NotFound: there is none.
    """
    job = store.find(tx, job_id) if _is_id(job_id) else None
    if job is None or (packages is not None and job.package not in packages):
        raise NotFound(f"there is no job {job_id}")
    return job


def page_jobs(
    tx: Tx,
    *,
    packages: Collection[str] | None = None,
    states: Collection[str] = (),
    kind: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Job]:
    """Jobs, newest first.

    Args:
        packages: only of these; None for all.
        states: only in these; empty for all.
        after: the id of the last job of the page before.

    Raises:
        Invalid: a state or ``after`` that does not exist.
    """
    if unknown := set(states) - set(STATES):
        raise Invalid(f"state must be among {', '.join(STATES)}; got {min(unknown)!r}", field="state")
    last = store.find(tx, after) if after is not None and _is_id(after) else None
    if after is not None and last is None:
        raise Invalid(f"after must be the id of a job; there is no {after}", field="after")
    return store.page(tx, packages=packages, states=states, kind=kind, after=last, limit=limit)


def page_lines(tx: Tx, job_id: str, *, after: int = 0, limit: int = 1_000) -> list[Line]:
    """Lines of a job's log behind the line ``after``, in order."""
    return store.page_lines(tx, job_id, after=after, limit=limit)


def cancel_job(tx: Tx, job_id: str, *, by: Principal | None = None) -> Job:
    """End a queued job at once, a running one at its next step. ``by`` None: the server or its operator.

    Raises:
        NotFound: there is no such job.
        Forbidden: ``by`` neither made the job nor is an administrator.
        Conflict: the job has ended.
    """
    job = read_job(tx, job_id)
    _may_act(job, by)
    if not store.cancel(tx, job_id, by.id if by else None):
        raise Conflict(f"job {job_id} has ended already: it is {read_job(tx, job_id).state}")
    tx.after_commit(_nudge)
    return read_job(tx, job_id)


def retry_job(tx: Tx, job_id: str, *, by: Principal | None = None) -> Job:
    """Queue a failed or cancelled job again; it goes on from its cursor. ``by`` as in ``cancel_job``.

    Raises:
        NotFound: there is no such job.
        Forbidden: ``by`` neither made the job nor is an administrator.
        Conflict: the job has not failed and is not cancelled; or another with its key is under way.
    """
    job = read_job(tx, job_id)
    _may_act(job, by)
    key = store.key_of(tx, job_id)
    if key is not None:
        tx.lock(f"job {key}")
        active = store.find_active(tx, key)
        if active is not None and active != job_id:
            raise Conflict(f"job {active} does the same and has not ended")
    if not store.retry(tx, job_id, by.id if by else None):
        raise Conflict(f"only a failed or cancelled job can be tried again; job {job_id} is {job.state}")
    tx.after_commit(_nudge)
    return read_job(tx, job_id)


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return len(text) == 36


def _may_act(job: Job, by: Principal | None) -> None:
    if by is not None and not by.is_administrator and job.created_by != by.id:
        raise Forbidden(f"job {job.id} may be cancelled or retried by who made it, or by an administrator")
