"""SQL of results of asynchronous queries; no rules, no commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from tessera.kernel.clock import new_id, now
from tessera.kernel.db import Tx
from tessera.semantic.model import RESULTS


def insert(tx: Tx, owner_id: str, request: Mapping[str, Any], scopes: list[str]) -> str:
    """A result that waits; its id. ``scopes`` are those of the credential that asked."""
    made = new_id()
    tx.execute(
        RESULTS.insert().values(
            id=made, owner_id=owner_id, job_id=None, request={**request, "scopes": scopes}, state="running",
            message="", rows=None, created_at=now(), ended_at=None,
        )
    )  # fmt: skip
    return made


def set_job(tx: Tx, result_id: str, job_id: str) -> None:
    tx.execute(RESULTS.update().where(RESULTS.c.id == result_id).values(job_id=job_id))


def find(tx: Tx, result_id: str) -> sa.Row[Any] | None:
    return tx.one(sa.select(RESULTS).where(RESULTS.c.id == result_id))


def complete(tx: Tx, result_id: str, rows: str) -> None:
    _end(tx, result_id, state="completed", rows=rows)


def fail(tx: Tx, result_id: str, message: str) -> None:
    _end(tx, result_id, state="error", message=message)


def _end(tx: Tx, result_id: str, **values: Any) -> None:
    waiting = (RESULTS.c.id == result_id) & (RESULTS.c.state == "running")
    tx.execute(RESULTS.update().where(waiting).values(ended_at=now(), **values))


def delete(tx: Tx, result_id: str) -> None:
    tx.execute(RESULTS.delete().where(RESULTS.c.id == result_id))


def delete_ended_before(tx: Tx, moment: str) -> None:
    tx.execute(RESULTS.delete().where(RESULTS.c.ended_at < moment))
