"""Jobs of every package, for whoever has a role in the job's package; ours, not a contract's.

A page is ``{"items": [...], "next": ...}``; ``next`` goes into ``after`` of the following call and is null at the end.
"""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from tessera.identity.roles import ROLE_WORDS
from tessera.kernel import jobs
from tessera.kernel.access import SIGNED_IN, Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Forbidden, Invalid
from tessera.kernel.http import UUIDText, get, post
from tessera.kernel.jobs import Job
from tessera.kernel.sse import visible_packages
from tessera.kernel.tx import Tx

PACKAGES: Final = (*ROLE_WORDS, "identity")


class JobsQuery(Struct, frozen=True):
    """Which jobs; ``state`` and ``package`` take several words with commas."""

    state: str = ""
    package: str = ""
    kind: str | None = None
    after: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class LogQuery(Struct, frozen=True):
    """Lines behind the line ``after``."""

    after: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 1_000


async def page_jobs(db: Database, principal: Principal, query: JobsQuery) -> dict[str, Any]:
    """Jobs, newest first."""
    packages = visible_packages(principal, PACKAGES)
    if asked := frozenset(_words(query.package)):
        if unknown := asked - set(PACKAGES):
            raise Invalid(f"package must be among {', '.join(PACKAGES)}; got {min(unknown)!r}", field="package")
        packages &= asked
    items = await db.read(
        jobs.page_jobs,
        packages=packages,
        states=_words(query.state),
        kind=query.kind,
        after=query.after,
        limit=query.limit,
    )
    return {"items": items, "next": items[-1].id if len(items) == query.limit else None}


async def read_job(db: Database, principal: Principal, job_id: UUIDText) -> Job:
    """One job as it stands now."""
    return await db.read(jobs.read_job, job_id, packages=visible_packages(principal, PACKAGES))


async def page_log(db: Database, principal: Principal, job_id: UUIDText, query: LogQuery) -> dict[str, Any]:
    """A job's log, oldest line first; of a very long one the newest lines are kept."""
    lines = await db.read(_lines, principal, job_id, query)
    return {"items": lines, "next": lines[-1].seq if len(lines) == query.limit else None}


async def cancel_job(db: Database, principal: Principal, job_id: UUIDText) -> Job:
    """End a queued job at once, a running one at its next step."""
    return await db.write(_cancel, principal, job_id)


async def retry_job(db: Database, principal: Principal, job_id: UUIDText) -> Job:
    """Queue a failed or cancelled job again; it goes on where it stopped."""
    return await db.write(_retry, principal, job_id)


def _lines(tx: Tx, principal: Principal, job_id: str, query: LogQuery) -> list[jobs.Line]:
    jobs.read_job(tx, job_id, packages=visible_packages(principal, PACKAGES))
    return jobs.page_lines(tx, job_id, after=query.after, limit=query.limit)


def _cancel(tx: Tx, principal: Principal, job_id: str) -> Job:
    _check_may_write(tx, principal, job_id)
    return jobs.cancel_job(tx, job_id, by=principal)


def _retry(tx: Tx, principal: Principal, job_id: str) -> Job:
    _check_may_write(tx, principal, job_id)
    return jobs.retry_job(tx, job_id, by=principal)


def _check_may_write(tx: Tx, principal: Principal, job_id: str) -> None:
    job = jobs.read_job(tx, job_id, packages=visible_packages(principal, PACKAGES))
    if not principal.may(job.package, "write"):
        raise Forbidden(f"this token's scopes do not include {job.package}:write", code="scope")


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


ROUTES = [
    get("/jobs", page_jobs, least=SIGNED_IN, errors=(400,), summary="Jobs"),
    get("/jobs/{job_id}", read_job, least=SIGNED_IN, errors=(404,), summary="One job"),
    get("/jobs/{job_id}/log", page_log, least=SIGNED_IN, errors=(404,), summary="A job's log"),
    post("/jobs/{job_id}/cancel", cancel_job, least=SIGNED_IN, errors=(403, 404, 409), summary="Cancel a job"),
    post("/jobs/{job_id}/retry", retry_job, least=SIGNED_IN, errors=(403, 404, 409), summary="Try a job again"),
]
