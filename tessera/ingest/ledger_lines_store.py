"""What a load adds to the ledger in its own transaction: units, rejected rows, counts, its fence, its commit time.

Source: contracts/ingest.md, 6.1. Apart from the ledger's reading, which needs no Arrow.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from msgspec import Struct
from sqlglot import exp

from tessera.ingest.ledger_store import (
    COMMITS,
    COUNTS,
    FENCES,
    LEDGER,
    REJECTED,
    VIOLATIONS,
    delete_equal,
    where_equal,
)
from tessera.kernel.errors import Conflict
from tessera.warehouse import Table, Writer, column, param


class Fenced(Conflict):
    """Another run of the job has taken over: this one's effects do not count."""


class Unit(Struct, frozen=True):
    """One line of the ledger."""

    job_id: str
    unit: str
    state: str
    size_bytes: int
    etag: str
    counts: dict[str, int]
    error: str | None
    commit_time: datetime


def raise_fence(writer: Writer, job_id: str, fence: int) -> None:
    """Make the transaction count only if no later run of the job has written.

    Raises:
        Fenced: one has.
    """
    known = writer.scalar(where_equal(FENCES, job_id=job_id).select(column("fence")), {"job_id": job_id})
    if known is not None and known > fence:
        raise Fenced(f"a later run of job {job_id} has taken over")
    if known is None:
        writer.append(FENCES, pa.table({"job_id": [job_id], "fence": [fence]}))
    elif known < fence:
        change = exp.update(
            FENCES.expression(), {"fence": fence}, where=exp.EQ(this=column("job_id"), expression=param("job_id"))
        )
        writer.execute(change, {"job_id": job_id})


def next_commit_time(writer: Writer, target: Table) -> datetime:
    """The ``$commit_time`` of this transaction: now, but later than the table's last. Source: contract, 6.4."""
    name = str(target)
    last = writer.scalar(where_equal(COMMITS, table_name=name).select(column("commit_time")), {"table_name": name})
    moment = datetime.now(UTC).replace(tzinfo=None)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if last is not None:
        moment = max(moment, _naive(last) + timedelta(milliseconds=1))
        delete_equal(writer, COMMITS, table_name=name)
    row = {"table_name": [name], "commit_time": pa.array([moment], pa.timestamp("ms"))}
    writer.append(COMMITS, pa.table(row))
    return moment


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def is_known(writer: Writer, job_id: str, unit: str) -> bool:
    """Whether the ledger has the unit, as this transaction sees it."""
    query = where_equal(LEDGER, job_id=job_id, unit=unit).select(column("unit"))
    return bool(writer.rows(query, {"job_id": job_id, "unit": unit}))


def write_units(writer: Writer, units: Sequence[Unit]) -> None:
    """Add lines to the ledger."""
    data: dict[str, Any] = {
        "job_id": [unit.job_id for unit in units],
        "unit": [unit.unit for unit in units],
        "state": [unit.state for unit in units],
        "size_bytes": [unit.size_bytes for unit in units],
        "etag": [unit.etag for unit in units],
        **{name: pa.array([unit.counts.get(name, 0) for unit in units], pa.int64()) for name in COUNTS},
        "files_changed": pa.array([0] * len(units), pa.int64()),
        "error": pa.array([unit.error for unit in units], pa.string()),
        "commit_time": pa.array([unit.commit_time for unit in units], pa.timestamp("ms")),
    }
    writer.append(LEDGER, pa.table(data))


def write_rejected(writer: Writer, job_id: str, rows: Sequence[tuple[str, int, int, str, str]], seen: datetime) -> None:
    """Keep rejected rows: (source, line, byte offset, error, raw)."""
    if not rows:
        return
    source, line, offset, error, raw = zip(*rows, strict=True)
    data = {
        "job_id": [job_id] * len(rows),
        "source": list(source),
        "line": list(line),
        "byte_offset": list(offset),
        "error": list(error),
        "raw": list(raw),
        "seen_time": pa.array([seen] * len(rows), pa.timestamp("ms")),
    }
    writer.append(REJECTED, pa.table(data))


def write_violations(writer: Writer, job_id: str, counts: Mapping[str, int], day: datetime) -> None:
    """Add to the counts of triggered expectations."""
    rows = [(name, count) for name, count in counts.items() if count]
    if rows:
        data = {
            "job_id": [job_id] * len(rows),
            "name": [name for name, _ in rows],
            "day": pa.array([day.date()] * len(rows), pa.date32()),
            "rows": pa.array([count for _, count in rows], pa.int64()),
        }
        writer.append(VIOLATIONS, pa.table(data))
