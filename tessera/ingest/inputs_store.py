"""Inputs: data sources made over REST. SQL only."""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from tessera.ingest.model import INPUTS, JOBS
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import Tx


class InputRecord(Struct, frozen=True):
    """One input, and the state and last error of the job that reads it. ``body`` is the request as it was checked."""

    id: str
    clazz: str
    name: str
    body: dict[str, Any]
    job_id: str | None
    created_by: str | None
    created_at: str
    updated_at: str
    job_name: str | None
    job_state: str | None
    last_error: str | None


_QUERY = sa.select(
    INPUTS.c.id,
    INPUTS.c.clazz,
    INPUTS.c.name,
    INPUTS.c.body,
    INPUTS.c.job_id,
    INPUTS.c.created_by,
    INPUTS.c.created_at,
    INPUTS.c.updated_at,
    JOBS.c.name.label("job_name"),
    JOBS.c.state.label("job_state"),
    JOBS.c.last_error,
).outerjoin(JOBS, JOBS.c.id == INPUTS.c.job_id)


def _record(row: sa.Row[Any]) -> InputRecord:
    return InputRecord(**row._mapping)


def every(tx: Tx) -> list[InputRecord]:
    """All inputs, oldest first."""
    return [_record(row) for row in tx.all(_QUERY.order_by(INPUTS.c.created_at, INPUTS.c.id))]


def find(tx: Tx, input_id: str) -> InputRecord | None:
    """By id."""
    row = tx.one(_QUERY.where(INPUTS.c.id == input_id))
    return None if row is None else _record(row)


def insert(tx: Tx, *, clazz: str, name: str, body: dict[str, Any], job_id: str, by: str) -> str:
    """Add an input; its id."""
    input_id, at = new_id(), now()
    tx.execute(
        INPUTS.insert().values(
            id=input_id,
            clazz=clazz,
            name=name,
            body=body,
            job_id=job_id,
            created_by=by,
            created_at=at,
            updated_at=at,
        )
    )
    return input_id


def update(tx: Tx, input_id: str, *, name: str, body: dict[str, Any]) -> None:
    """Change an input."""
    tx.execute(INPUTS.update().where(INPUTS.c.id == input_id).values(name=name, body=body, updated_at=now()))


def remove(tx: Tx, input_id: str) -> None:
    """Forget an input."""
    tx.execute(INPUTS.delete().where(INPUTS.c.id == input_id))
