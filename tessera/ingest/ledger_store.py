"""What ingest keeps in the warehouse, so that it commits together with rows: ledger, rejected rows, counts, fences.

Source: contracts/ingest.md, 6.1. The schema is the warehouse's internal one, which users' SQL does not reach.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
from msgspec import Struct
from sqlglot import exp

from tessera.kernel.errors import Conflict
from tessera.warehouse import INTERNAL, Reader, Table, Warehouse, Writer, column, identifier, param, type_of

LEDGER: Final = Table(INTERNAL, "ingest_ledger")
REJECTED: Final = Table(INTERNAL, "ingest_parse_errors")
VIOLATIONS: Final = Table(INTERNAL, "ingest_violations")
FENCES: Final = Table(INTERNAL, "ingest_fences")
COMMITS: Final = Table(INTERNAL, "ingest_commits")
SEEN: Final = Table(INTERNAL, "ingest_seen_keys")
POSITIONS: Final = Table(INTERNAL, "ingest_positions")

COUNTS: Final = (
    "rows_read",
    "rows_written",
    "rows_dropped",
    "rows_deduplicated",
    "parse_errors",
    "conversion_errors",
    "bytes_read",
)
_COLUMNS: Final[dict[Table, tuple[dict[str, str], tuple[str, ...]]]] = {
    # One row a unit of work: a file of a job. `state` is loaded or failed.
    LEDGER: (
        {
            "job_id": "TEXT",
            "unit": "TEXT",
            "state": "TEXT",
            "size_bytes": "BIGINT",
            "etag": "TEXT",
            **dict.fromkeys(COUNTS, "BIGINT"),
            "files_changed": "BIGINT",
            "error": "TEXT",
            "commit_time": "TIMESTAMP",
        },
        ("job_id", "unit"),
    ),
    REJECTED: (
        {
            "job_id": "TEXT",
            "source": "TEXT",
            "line": "BIGINT",
            "byte_offset": "BIGINT",
            "error": "TEXT",
            "raw": "TEXT",
            "seen_time": "TIMESTAMP",
        },
        (),
    ),
    # Triggered expectations: one row a job, expectation and UTC day.
    VIOLATIONS: ({"job_id": "TEXT", "name": "TEXT", "day": "DATE", "rows": "BIGINT"}, ()),
    # The highest number with which a job has written.
    FENCES: ({"job_id": "TEXT", "fence": "BIGINT"}, ("job_id",)),
    # The last `$commit_time` of each table.
    COMMITS: ({"table_name": "TEXT", "commit_time": "TIMESTAMP"}, ("table_name",)),
    # Keys of DEDUPLICATE_WITH and the event time at which each was first seen.
    SEEN: ({"job_id": "TEXT", "key_digest": "TEXT", "event_time": "TIMESTAMP"}, ()),
    # How far a transformation job has read: the end of its last run.
    POSITIONS: ({"job_id": "TEXT", "run_end": "TIMESTAMP", "runs": "BIGINT", "rows_written": "BIGINT"}, ("job_id",)),
}


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


def define(
    table: Table, columns: Mapping[str, str], primary_key: Sequence[str] = (), *, exists: bool = True
) -> exp.Create:
    """CREATE TABLE, with types in the portable spelling."""
    parts: list[exp.Expr] = [exp.ColumnDef(this=identifier(name), kind=type_of(kind)) for name, kind in columns.items()]
    if primary_key:
        parts.append(exp.PrimaryKey(expressions=[identifier(name) for name in primary_key]))
    return exp.Create(this=exp.Schema(this=table.expression(), expressions=parts), kind="TABLE", exists=exists)


def create_all(warehouse: Warehouse) -> None:
    """Make what is not there yet; called at start."""
    with warehouse.writing(*_COLUMNS) as writer:
        for table, (columns, key) in _COLUMNS.items():
            writer.execute(define(table, columns, key))


def _where(table: Table, **equal: str) -> exp.Select:
    query = exp.select().from_(table.expression())
    for name in equal:
        query = query.where(exp.EQ(this=column(name), expression=param(name)))
    return query


def _delete(writer: Writer, table: Table, **equal: Any) -> int:
    condition = exp.and_(*(exp.EQ(this=column(name), expression=param(name)) for name in equal))
    return writer.execute(exp.delete(table.expression(), condition), equal)


def raise_fence(writer: Writer, job_id: str, fence: int) -> None:
    """Make the transaction count only if no later run of the job has written.

    Raises:
        Fenced: one has.
    """
    known = writer.scalar(_where(FENCES, job_id=job_id).select(column("fence")), {"job_id": job_id})
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
    last = writer.scalar(_where(COMMITS, table_name=name).select(column("commit_time")), {"table_name": name})
    moment = datetime.now(UTC).replace(tzinfo=None)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if last is not None:
        moment = max(moment, _naive(last) + timedelta(milliseconds=1))
        _delete(writer, COMMITS, table_name=name)
    row = {"table_name": [name], "commit_time": pa.array([moment], pa.timestamp("ms"))}
    writer.append(COMMITS, pa.table(row))
    return moment


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def known_units(reader: Reader, job_id: str) -> dict[str, tuple[str, int, str]]:
    """What the ledger has of a job: unit -> (state, size, etag)."""
    query = _where(LEDGER, job_id=job_id).select(*(column(name) for name in ("unit", "state", "size_bytes", "etag")))
    return {unit: (state, size, etag) for unit, state, size, etag in reader.rows(query, {"job_id": job_id})}


def is_known(writer: Writer, job_id: str, unit: str) -> bool:
    """Whether the ledger has the unit, as this transaction sees it."""
    query = _where(LEDGER, job_id=job_id, unit=unit).select(column("unit"))
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


def forget_failed(writer: Writer, job_id: str) -> int:
    """Take failed units out of the ledger, so that they are tried again."""
    return _delete(writer, LEDGER, job_id=job_id, state="failed")


def mark_changed(writer: Writer, job_id: str, units: Iterable[str]) -> None:
    """Note that files of known paths have changed; their new content is not read. Source: contract, 6.2."""
    for unit in units:
        where = exp.and_(
            exp.EQ(this=column("job_id"), expression=param("job_id")),
            exp.EQ(this=column("unit"), expression=param("unit")),
        )
        writer.execute(
            exp.update(LEDGER.expression(), {"files_changed": 1}, where=where), {"job_id": job_id, "unit": unit}
        )


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


def forget_job(warehouse: Warehouse, job_id: str) -> None:
    """Drop what is kept of a job; its rows stay. Source: contract, 6.10 and 6.11."""
    with warehouse.writing(LEDGER, REJECTED, VIOLATIONS, SEEN, POSITIONS) as writer:
        for table in (LEDGER, REJECTED, VIOLATIONS, SEEN, POSITIONS):
            _delete(writer, table, job_id=job_id)


def forget_expectation(warehouse: Warehouse, job_id: str, name: str) -> None:
    """Drop the counts of one expectation."""
    with warehouse.writing(VIOLATIONS) as writer:
        _delete(writer, VIOLATIONS, job_id=job_id, name=name)


def totals(reader: Reader) -> list[dict[str, Any]]:
    """Sums of the ledger, one row a job."""
    sums: list[exp.Expr] = [exp.alias_(exp.Sum(this=column(name)), name) for name in (*COUNTS, "files_changed")]
    loaded = exp.Case(
        ifs=[
            exp.If(
                this=exp.EQ(this=column("state"), expression=exp.Literal.string("loaded")), true=exp.Literal.number(1)
            )
        ],
        default=exp.Literal.number(0),
    )
    query = (
        exp.select(
            column("job_id"),
            *sums,
            exp.alias_(exp.Sum(this=loaded), "files_read"),
            exp.alias_(exp.Count(this=exp.Star()), "units"),
            exp.alias_(exp.Max(this=column("commit_time")), "last_success_time"),
        )
        .from_(LEDGER.expression())
        .group_by(column("job_id"))
    )
    rows = reader.rows(query)
    names = [one.name for one in reader.columns]
    return [dict(zip(names, row, strict=True)) for row in rows]


def violations(reader: Reader) -> dict[tuple[str, str], dict[Any, int]]:
    """Triggered expectations: (job, name) -> day -> rows."""
    query = (
        exp.select(column("job_id"), column("name"), column("day"), exp.Sum(this=column("rows")))
        .from_(VIOLATIONS.expression())
        .group_by(column("job_id"), column("name"), column("day"))
    )
    found: dict[tuple[str, str], dict[Any, int]] = {}
    for job_id, name, day, rows in reader.rows(query):
        found.setdefault((job_id, name), {})[day] = int(rows)
    return found
