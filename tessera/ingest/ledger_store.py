"""What ingest keeps in the warehouse, so that it commits together with rows: ledger, rejected rows, counts, fences.

Source: contracts/ingest.md, 6.1. The schema is the warehouse's internal one, which users' SQL does not reach.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlglot import exp

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


def where_equal(table: Table, **equal: str) -> exp.Select:
    """The table's rows in which these columns equal the parameters of their names."""
    query = exp.select().from_(table.expression())
    for name in equal:
        query = query.where(exp.EQ(this=column(name), expression=param(name)))
    return query


def delete_equal(writer: Writer, table: Table, **equal: Any) -> int:
    """Delete the rows in which these columns have these values; how many there were."""
    condition = exp.and_(*(exp.EQ(this=column(name), expression=param(name)) for name in equal))
    return writer.execute(exp.delete(table.expression(), condition), equal)


def known_units(reader: Reader, job_id: str) -> dict[str, tuple[str, int, str]]:
    """What the ledger has of a job: unit -> (state, size, etag)."""
    query = where_equal(LEDGER, job_id=job_id).select(
        *(column(name) for name in ("unit", "state", "size_bytes", "etag"))
    )
    return {unit: (state, size, etag) for unit, state, size, etag in reader.rows(query, {"job_id": job_id})}


def forget_failed(writer: Writer, job_id: str) -> int:
    """Take failed units out of the ledger, so that they are tried again."""
    return delete_equal(writer, LEDGER, job_id=job_id, state="failed")


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


def forget_job(warehouse: Warehouse, job_id: str) -> None:
    """Drop what is kept of a job; its rows stay. Source: contract, 6.10 and 6.11."""
    with warehouse.writing(LEDGER, REJECTED, VIOLATIONS, SEEN, POSITIONS) as writer:
        for table in (LEDGER, REJECTED, VIOLATIONS, SEEN, POSITIONS):
            delete_equal(writer, table, job_id=job_id)


def forget_expectation(warehouse: Warehouse, job_id: str, name: str) -> None:
    """Drop the counts of one expectation."""
    with warehouse.writing(VIOLATIONS) as writer:
        delete_equal(writer, VIOLATIONS, job_id=job_id, name=name)


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
