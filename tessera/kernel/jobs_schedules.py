"""Schedules: a kind of job by the clock. Each due time makes one job, whichever server notices it first."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from cronsim import CronSim, CronSimError
from msgspec import Struct

from tessera.kernel import jobs_store as store
from tessera.kernel.clock import instant, moment, new_id
from tessera.kernel.columns import METADATA, Document, Flag, Id, Instant
from tessera.kernel.db import Tx, upsert
from tessera.kernel.errors import Invalid

SCHEDULES: Final = sa.Table(
    "kernel_schedules",
    METADATA,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("kind", sa.String(80), nullable=False),
    sa.Column("package", sa.String(40), nullable=False),
    sa.Column("title", sa.String(300), nullable=False),
    sa.Column("args", Document, nullable=False),
    sa.Column("cron", sa.String(120)),
    sa.Column("every_seconds", sa.Integer),
    sa.Column("is_enabled", Flag, nullable=False),
    sa.Column("next_due_at", Instant, nullable=False),
    sa.Column("created_by", Id),
    sa.CheckConstraint("(cron IS NULL) <> (every_seconds IS NULL)", name="clock"),
)


class Schedule(Struct, frozen=True, rename="camel"):
    """A schedule as clients see it; exactly one of ``cron`` and ``every_seconds`` is set."""

    name: str
    kind: str
    package: str
    title: str
    args: dict[str, Any]
    cron: str | None
    every_seconds: int | None
    is_enabled: bool
    next_due_at: str
    created_by: str | None


def put(tx: Tx, values: Mapping[str, Any]) -> None:
    """Add or replace; the next due time stays where the clock part is as it was.

    Raises:
        Invalid: the clock part cannot be read.
    """
    cron, every_seconds = values["cron"], values["every_seconds"]
    if (cron is None) == (every_seconds is None):
        raise Invalid("a schedule has either a cron expression or a number of seconds", field="cron")
    due = next_due(cron, every_seconds, datetime.now(UTC))
    known = tx.one(sa.select(SCHEDULES).where(SCHEDULES.c.name == values["name"]))
    if known is not None and (known.cron, known.every_seconds, known.is_enabled) == (cron, every_seconds, True):
        due = known.next_due_at
    tx.execute(upsert(tx, SCHEDULES, {**values, "next_due_at": due}, ["name"]))


def remove(tx: Tx, name: str) -> bool:
    """Forget one; False if there was none."""
    return tx.execute(SCHEDULES.delete().where(SCHEDULES.c.name == name)).rowcount == 1


def find(tx: Tx, name: str) -> Schedule | None:
    """One schedule."""
    row = tx.one(sa.select(SCHEDULES).where(SCHEDULES.c.name == name))
    return None if row is None else Schedule(*tuple(row))


def next_due(cron: str | None, every_seconds: int | None, after: datetime) -> str:
    """The first due time after ``after``.

    Raises:
        Invalid: ``cron`` is no cron expression that is ever due, or ``every_seconds`` is not positive.
    """
    if cron is None:
        if not every_seconds or every_seconds < 1:
            raise Invalid(f"the number of seconds must be 1 or more; got {every_seconds}", field="every_seconds")
        return instant(after + timedelta(seconds=every_seconds))
    try:
        return instant(next(CronSim(cron, after)))
    except CronSimError as error:
        raise Invalid(f"cron must be five fields such as '15 2 * * *'; got {cron!r} ({error})", field="cron") from error
    except StopIteration as error:
        raise Invalid(f"cron {cron!r} is never due", field="cron") from error


def is_any_due(tx: Tx) -> bool:
    """Whether ``run_due`` would find something."""
    return tx.scalar(sa.select(SCHEDULES.c.name).where(_due(tx)).limit(1)) is not None


def _due(tx: Tx) -> sa.ColumnElement[bool]:
    return SCHEDULES.c.is_enabled.is_(True) & (SCHEDULES.c.next_due_at <= store.at_present(tx))


def run_due(tx: Tx) -> int:
    """Queue a job for each schedule that is due; how many were queued."""
    due = sa.select(SCHEDULES).where(_due(tx)).order_by(SCHEDULES.c.next_due_at).limit(50)
    queued = 0
    for row in tx.all(due.with_for_update(skip_locked=True)):
        queued += _queue(tx, Schedule(*tuple(row)))
    return queued


def _queue(tx: Tx, schedule: Schedule) -> bool:
    after = datetime.now(UTC)
    if schedule.every_seconds:
        # Keep the beat: from the due time on in whole steps, to the first one in the future.
        first = moment(schedule.next_due_at)
        steps = max(0, int((after - first).total_seconds() // schedule.every_seconds))
        after = first + timedelta(seconds=steps * schedule.every_seconds)
    following = next_due(schedule.cron, schedule.every_seconds, after)
    tx.execute(SCHEDULES.update().where(SCHEDULES.c.name == schedule.name).values(next_due_at=following))
    key = f"schedule:{schedule.name}"
    tx.lock(f"job {key}")
    done = sa.select(store.JOBS.c.id).where(
        store.JOBS.c.schedule == schedule.name, store.JOBS.c.due_at == schedule.next_due_at
    )
    if store.find_active(tx, key) is not None or tx.scalar(done.limit(1)) is not None:
        return False
    values = {
        "id": new_id(),
        "kind": schedule.kind,
        "package": schedule.package,
        "title": schedule.title,
        "args": schedule.args,
        "key": key,
        "schedule": schedule.name,
        "due_at": schedule.next_due_at,
        "created_by": schedule.created_by,
    }
    store.insert(tx, values, run_after=None)
    return True
