"""Jobs and their expectations. SQL only."""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from tessera.ingest.model import EXPECTATIONS, JOBS
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import Tx


class JobRecord(Struct, frozen=True):
    """One job. ``options`` and ``source_options``: name -> text as written."""

    id: str
    name: str
    job_type: str
    is_sync: bool
    options: dict[str, str]
    secrets: str | None
    connection_id: str | None
    source_options: dict[str, str]
    query: str | None
    target_schema: str
    target_name: str
    state: str
    generation: int
    kernel_job_id: str | None
    start_at: str | None
    last_error: str | None
    last_error_at: str | None
    last_success_at: str | None
    created_by: str | None
    created_at: str
    updated_at: str


class ExpectationRecord(Struct, frozen=True):
    """One expectation of a job."""

    job_id: str
    name: str
    predicate: str
    action: str


_FIELDS = tuple(field for field in JobRecord.__struct_fields__)


def _record(row: sa.Row[Any]) -> JobRecord:
    return JobRecord(*(getattr(row, name) for name in _FIELDS))


def find(tx: Tx, name: str) -> JobRecord | None:
    """By name; upper and lower case are the same."""
    row = tx.one(sa.select(JOBS).where(JOBS.c.name_key == name.lower()))
    return None if row is None else _record(row)


def find_by_id(tx: Tx, job_id: str) -> JobRecord | None:
    """By id."""
    row = tx.one(sa.select(JOBS).where(JOBS.c.id == job_id))
    return None if row is None else _record(row)


def find_by_kernel_job(tx: Tx, kernel_job_id: str) -> JobRecord | None:
    """The job whose present run is this one of the kernel's."""
    row = tx.one(sa.select(JOBS).where(JOBS.c.kernel_job_id == kernel_job_id))
    return None if row is None else _record(row)


def every(tx: Tx) -> list[JobRecord]:
    """All jobs by name."""
    return [_record(row) for row in tx.all(sa.select(JOBS).order_by(JOBS.c.name_key))]


def into(tx: Tx, schema: str, name: str) -> list[JobRecord]:
    """The jobs that write into a table."""
    query = sa.select(JOBS).where(JOBS.c.target_schema == schema, JOBS.c.target_name == name).order_by(JOBS.c.name_key)
    return [_record(row) for row in tx.all(query)]


def insert(tx: Tx, **values: Any) -> str:
    """Add a job; its id."""
    job_id, at = new_id(), now()
    name = values["name"]
    tx.execute(JOBS.insert().values(id=job_id, name_key=name.lower(), created_at=at, updated_at=at, **values))
    return job_id


def update(tx: Tx, job_id: str, **values: Any) -> None:
    """Change a job."""
    tx.execute(JOBS.update().where(JOBS.c.id == job_id).values(updated_at=now(), **values))


def note(tx: Tx, job_id: str, **values: Any) -> None:
    """Note how a job fares; it counts as no change of the job."""
    tx.execute(JOBS.update().where(JOBS.c.id == job_id).values(**values))


def remove(tx: Tx, job_id: str) -> None:
    """Forget a job and its expectations."""
    tx.execute(JOBS.delete().where(JOBS.c.id == job_id))


def expectations(tx: Tx, job_id: str | None = None) -> list[ExpectationRecord]:
    """The expectations of one job, or all."""
    query = sa.select(EXPECTATIONS).order_by(EXPECTATIONS.c.created_at, EXPECTATIONS.c.name)
    if job_id is not None:
        query = query.where(EXPECTATIONS.c.job_id == job_id)
    return [ExpectationRecord(row.job_id, row.name, row.predicate, row.action) for row in tx.all(query)]


def add_expectation(tx: Tx, job_id: str, name: str, predicate: str, action: str) -> None:
    """Add an expectation to a job."""
    tx.execute(
        EXPECTATIONS.insert().values(
            id=new_id(), job_id=job_id, name=name, predicate=predicate, action=action, created_at=now()
        )
    )


def drop_expectation(tx: Tx, job_id: str, name: str) -> bool:
    """Take an expectation from a job; False if it had none of that name."""
    statement = EXPECTATIONS.delete().where(EXPECTATIONS.c.job_id == job_id, EXPECTATIONS.c.name == name)
    return bool(tx.execute(statement).rowcount)
