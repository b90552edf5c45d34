"""SQL of staging loads, runs and the log of loads."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tessera.kernel.clock import now
from tessera.kernel.db import upsert
from tessera.kernel.tx import Tx
from tessera.vault.tables_model import LOADS, RUNS, STAGING_LOADS


def insert_run(tx: Tx, values: Mapping[str, Any]) -> None:
    """Write a run."""
    tx.execute(RUNS.insert().values(created_at=now(), **values))


def run_of_key(tx: Tx, key: str) -> str | None:
    """The run that this Idempotency-Key started."""
    found: str | None = tx.scalar(sa.select(RUNS.c.id).where(RUNS.c.idempotency_key == key))
    return found


def find_run(tx: Tx, run_id: str) -> sa.Row[Any] | None:
    """One run."""
    return tx.one(sa.select(RUNS).where(RUNS.c.id == run_id))


def page_runs(tx: Tx, *, job_id: str | None, since: str | None, after: str | None, limit: int) -> Sequence[sa.Row[Any]]:
    """Runs, newest first. ``after`` is the id of the last one of the page before."""
    query = sa.select(RUNS)
    if job_id is not None:
        query = query.where(RUNS.c.job_id == job_id)
    if since is not None:
        query = query.where(RUNS.c.created_at >= since)
    last = None if after is None else find_run(tx, after)
    if last is not None:
        earlier = (RUNS.c.created_at < last.created_at) | (
            (RUNS.c.created_at == last.created_at) & (RUNS.c.id < last.id)
        )
        query = query.where(earlier)
    return tx.all(query.order_by(RUNS.c.created_at.desc(), RUNS.c.id.desc()).limit(limit))


def insert_staging_load(tx: Tx, values: Mapping[str, Any]) -> None:
    """Write a staging load that waits."""
    tx.execute(STAGING_LOADS.insert().values(created_at=now(), **values))


def find_staging_load(tx: Tx, staging_load_id: str) -> sa.Row[Any] | None:
    """One staging load."""
    return tx.one(sa.select(STAGING_LOADS).where(STAGING_LOADS.c.id == staging_load_id))


def staging_loads_of(tx: Tx, run_id: str) -> Sequence[sa.Row[Any]]:
    """The staging loads of a run."""
    return tx.all(sa.select(STAGING_LOADS).where(STAGING_LOADS.c.run_id == run_id).order_by(STAGING_LOADS.c.id))


def page_staging_loads(tx: Tx, *, limit: int) -> Sequence[sa.Row[Any]]:
    """Staging loads, newest first."""
    query = sa.select(STAGING_LOADS).order_by(STAGING_LOADS.c.created_at.desc(), STAGING_LOADS.c.id.desc())
    return tx.all(query.limit(limit))


def change_staging_load(tx: Tx, staging_load_id: str, **values: Any) -> None:
    """Change a staging load."""
    tx.execute(STAGING_LOADS.update().where(STAGING_LOADS.c.id == staging_load_id).values(**values))


def last_load_time(tx: Tx) -> str | None:
    """The highest load time ever given."""
    found: str | None = tx.scalar(sa.select(sa.func.max(STAGING_LOADS.c.load_time)))
    return found


def put_load(tx: Tx, run_id: str, object_id: str, values: Mapping[str, Any]) -> None:
    """Write or change the log's line of a load in a run."""
    keyed = {"run_id": run_id, "object_id": object_id, "load_entry_time": now(), "counts": {}, **values}
    tx.execute(upsert(tx, LOADS, keyed, ["run_id", "object_id"], dict(values)))


def loads_of(tx: Tx, run_id: str) -> Sequence[sa.Row[Any]]:
    """The log's lines of a run, in their order."""
    return tx.all(sa.select(LOADS).where(LOADS.c.run_id == run_id).order_by(LOADS.c.seq))


def page_loads(tx: Tx, *, object_id: str | None, limit: int) -> Sequence[sa.Row[Any]]:
    """The log's lines, newest first."""
    query = sa.select(LOADS)
    if object_id is not None:
        query = query.where(LOADS.c.object_id == object_id)
    return tx.all(query.order_by(LOADS.c.seq.desc()).limit(limit))
