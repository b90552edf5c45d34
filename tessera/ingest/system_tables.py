"""The tables of ``system`` and ``logs`` that users may ask. Source: contracts/ingest.md, 5.10.

Each becomes a small relation inside the user's query, made from what the caller may see at that moment.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct
from sqlglot import exp

from tessera.ingest import connections_store, jobs_store, tables_store
from tessera.ingest import ledger_store as ledger
from tessera.ingest.column_types import SYSTEM_COLUMNS, leaf_columns, type_word
from tessera.ingest.organizations_store import people
from tessera.ingest.sql.options import ANY_JOB, read_again, value_of
from tessera.ingest.sql.options import CONNECTIONS as CONNECTION_OPTIONS
from tessera.ingest.sql.options import TABLE as TABLE_OPTIONS
from tessera.ingest.sql.statements import CATALOG
from tessera.kernel.access import Principal
from tessera.kernel.db import Database, Tx
from tessera.warehouse import Table, Warehouse, column, identifier, type_of, value

INFORMATION: Final = "system.information_schema"
MONITORING: Final = "system.monitoring"
TASKS: Final = "logs.tasks"

Columns = dict[str, str]
_T, _N, _B, _I = "TEXT", "BIGINT", "BOOLEAN", "TIMESTAMP"

COLUMNS: Final[dict[Table, Columns]] = {
    Table(INFORMATION, "tables"): {
        "catalog": _T,
        "schema": _T,
        "name": _T,
        "id": _T,
        "created_by": _T,
        "comment": _T,
        "partition_columns": _T,
        "primary_key": _T,
        "creation_time": _I,
        "modified_time": _I,
    },
    Table(INFORMATION, "columns"): {
        "catalog": _T,
        "schema": _T,
        "table": _T,
        "name": _T,
        "data_type": _T,
        "is_partition": _B,
        "is_primary_key": _B,
    },
    Table(INFORMATION, "jobs"): {
        "name": _T,
        "id": _T,
        "job_type": _T,
        "status": _T,
        "sync": _B,
        "target": _T,
        "created_by": _T,
        "creation_time": _I,
        "comment": _T,
    },
    Table(INFORMATION, "connections"): {
        "name": _T,
        "id": _T,
        "connection_type": _T,
        "created_by": _T,
        "status": _T,
        "comment": _T,
        "creation_time": _I,
    },
    Table(INFORMATION, "views"): {"catalog": _T, "schema": _T, "name": _T, "definition": _T, "created_by": _T},
    Table(INFORMATION, "users"): {"id": _T, "name": _T, "email": _T},
    Table(INFORMATION, "clusters"): {"name": _T, "status": _T},
    Table(MONITORING, "expectations"): {
        "job_name": _T,
        "expectation_name": _T,
        "action": _T,
        "predicate": _T,
        "triggered_today": _N,
        "triggered_sum": _N,
    },
    Table(MONITORING, "jobs"): {
        "job_name": _T,
        "job_type": _T,
        "status": _T,
        **dict.fromkeys(
            (
                "rows_read",
                "rows_written",
                "bytes_read",
                "files_read",
                "parse_errors",
                "conversion_errors",
                "rows_dropped",
                "rows_deduplicated",
                "failed_files",
                "files_changed",
            ),
            _N,
        ),
        "delay_seconds": "DOUBLE",
        "last_success_time": _I,
        "last_error": _T,
        "last_error_time": _I,
        "target": _T,
    },
    Table(MONITORING, "parse_errors"): {
        "job_name": _T,
        "source": _T,
        "offset_or_line": _N,
        "byte_offset": _N,
        "error": _T,
        "raw": _T,
        "seen_time": _I,
    },
    Table(TASKS, "task_executions"): {
        "cluster_name": _T,
        "stage_name": _T,
        "task_event_type": _T,
        "task_start_time": _I,
        "task_end_time": _I,
        "job_name": _T,
        "source": _T,
        "rows": _N,
        "bytes": _N,
        "error": _T,
    },
}


class Asked(Struct, frozen=True):
    """Who asks, and where the answers are."""

    db: Database
    warehouse: Warehouse
    principal: Principal


def find(parts: Sequence[str]) -> Table | None:
    """The system table that a name in three parts (in any case) means. ``SystemTables.logs`` is an older name."""
    names = [part.lower() for part in parts]
    if names == ["systemtables", "logs", "task_executions"]:
        names = ["logs", "tasks", "task_executions"]
    table = Table(".".join(names[:-1]), names[-1])
    return table if table in COLUMNS else None


def relation(asked: Asked, table: Table) -> exp.Query:
    """The rows of a system table as a query."""
    builder = _BUILDERS[table]
    return builder(asked, COLUMNS[table])


def inline(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> exp.Select:
    """A relation written into the statement: ``columns`` with their types, one mapping a row."""
    names = [f"c{number}" for number in range(len(columns))]
    shown = [
        exp.alias_(exp.cast(column(inner), type_of(kind)), name, quoted=True)
        for inner, (name, kind) in zip(names, columns.items(), strict=True)
    ]
    listed = list(rows) or [{}]
    tuples = [exp.Tuple(expressions=[_literal(row.get(name)) for name in columns]) for row in listed]
    alias = exp.TableAlias(this=identifier("v"), columns=[identifier(name) for name in names])
    query = exp.select(*shown).from_(exp.Values(expressions=tuples, alias=alias))
    return query if rows else query.where(exp.false())


def _literal(constant: Any) -> exp.Expr:
    return exp.null() if constant is None else value(constant)


def _time(instant: str | None) -> str | None:
    return None if instant is None else instant[:23].replace("T", " ")


def _tables(asked: Asked, columns: Columns) -> exp.Query:
    declared, names = asked.db.read_now(_declared)
    rows: list[dict[str, Any]] = []
    for info in asked.warehouse.tables():
        record = declared.get((info.table.schema.lower(), info.table.name.lower()))
        row: dict[str, Any] = {"catalog": CATALOG, "schema": info.table.schema, "name": info.table.name}
        if record is not None:
            options = read_again(record.options, TABLE_OPTIONS, "a table")
            row |= {
                "id": record.id,
                "created_by": names[record.created_by].email,
                "comment": value_of(options, "COMMENT"),
                "partition_columns": ",".join(record.partition_by),
                "primary_key": ",".join(record.primary_key),
                "creation_time": _time(record.created_at),
                "modified_time": _time(record.updated_at),
            }
        rows.append(row)
    return inline(columns, rows)


def _declared(tx: Tx) -> tuple[dict[tuple[str, str], tables_store.TableRecord], dict[str | None, Any]]:
    records = tables_store.every(tx)
    named = people(tx, [record.created_by for record in records])
    return {(record.schema, record.name): record for record in records}, named


def _columns(asked: Asked, columns: Columns) -> exp.Query:
    declared, _ = asked.db.read_now(_declared)
    rows: list[dict[str, Any]] = []
    for info in asked.warehouse.tables():
        record = declared.get((info.table.schema.lower(), info.table.name.lower()))
        partition = {name.lower() for name in record.partition_by} if record else set()
        key = {name.lower() for name in record.primary_key} if record else set()
        found = asked.warehouse.columns(info.table)
        # The user's own come first, as `*` has them.
        for one in sorted(found, key=lambda each: each.name in SYSTEM_COLUMNS):
            for name, word in leaf_columns(one.name, one.type):
                rows.append(
                    {
                        "catalog": CATALOG,
                        "schema": info.table.schema,
                        "table": info.table.name,
                        "name": name,
                        "data_type": word.lower() if word == "STRING" else word,
                        "is_partition": one.name.lower() in partition,
                        "is_primary_key": one.name.lower() in key,
                    }
                )
    return inline(columns, [row | {"data_type": str(row["data_type"]).upper()} for row in rows])


def _jobs(asked: Asked, columns: Columns) -> exp.Query:
    def read(tx: Tx) -> tuple[list[jobs_store.JobRecord], dict[str | None, Any]]:
        records = jobs_store.every(tx)
        return records, people(tx, [record.created_by for record in records])

    records, names = asked.db.read_now(read)
    rows = [
        {
            "name": record.name,
            "id": record.id,
            "job_type": record.job_type,
            "status": record.state,
            "sync": record.is_sync,
            "target": f"{CATALOG}.{record.target_schema}.{record.target_name}",
            "created_by": names[record.created_by].email,
            "creation_time": _time(record.created_at),
            "comment": value_of(read_again(record.options, ANY_JOB, "a job"), "COMMENT"),
        }
        for record in records
    ]
    return inline(columns, rows)


def _connections(asked: Asked, columns: Columns) -> exp.Query:
    def read(tx: Tx) -> tuple[list[connections_store.Connection], dict[str | None, Any]]:
        records = connections_store.every(tx)
        return records, people(tx, [record.created_by for record in records])

    records, names = asked.db.read_now(read)
    rows = [
        {
            "name": record.name,
            "id": record.id,
            "connection_type": record.kind,
            "created_by": names[record.created_by].email,
            "status": "OK",
            "comment": value_of(
                read_again(
                    {name: text for name, text in record.options.items() if name == "COMMENT"},
                    CONNECTION_OPTIONS[record.kind],
                    "a connection",
                ),
                "COMMENT",
            ),
            "creation_time": _time(record.created_at),
        }
        for record in records
    ]
    return inline(columns, rows)


def _views(asked: Asked, columns: Columns) -> exp.Query:
    rows = [
        {"catalog": CATALOG, "schema": info.table.schema, "name": info.table.name}
        for info in asked.warehouse.tables()
        if info.kind == "view"
    ]
    return inline(columns, rows)


def _users(asked: Asked, columns: Columns) -> exp.Query:
    who = asked.principal
    return inline(columns, [{"id": who.id, "name": who.full_name or who.username, "email": who.email}])


def _clusters(asked: Asked, columns: Columns) -> exp.Query:
    return inline(columns, [{"name": "default", "status": "Running"}])


def _expectations(asked: Asked, columns: Columns) -> exp.Query:
    def read(tx: Tx) -> tuple[list[jobs_store.ExpectationRecord], dict[str, str]]:
        return jobs_store.expectations(tx), {record.id: record.name for record in jobs_store.every(tx)}

    records, names = asked.db.read_now(read)
    with asked.warehouse.reading() as reader:
        counted = ledger.violations(reader)
    today = datetime.now(UTC).date()
    rows = []
    for record in records:
        days = counted.get((record.job_id, record.name), {})
        rows.append(
            {
                "job_name": names[record.job_id],
                "expectation_name": record.name,
                "action": record.action.lower(),
                "predicate": record.predicate,
                "triggered_today": days.get(today, 0),
                "triggered_sum": sum(days.values()),
            }
        )
    return inline(columns, rows)


def _monitored(asked: Asked, columns: Columns) -> exp.Query:
    records = asked.db.read_now(jobs_store.every)
    with asked.warehouse.reading() as reader:
        sums = {row["job_id"]: row for row in ledger.totals(reader)}
    rows = []
    for record in records:
        row = sums.get(record.id, {})
        counts = {name: int(row.get(name) or 0) for name in (*ledger.COUNTS, "files_read", "files_changed")}
        rows.append(
            {
                "job_name": record.name,
                "job_type": record.job_type,
                "status": record.state,
                **counts,
                "failed_files": int(row.get("units") or 0) - counts["files_read"],
                "last_success_time": _time(record.last_success_at),
                "last_error": record.last_error,
                "last_error_time": _time(record.last_error_at),
                "target": f"{CATALOG}.{record.target_schema}.{record.target_name}",
            }
        )
    return inline(columns, rows)


def _with_job_names(asked: Asked, source: Table, shown: Mapping[str, exp.Expr], columns: Columns) -> exp.Query:
    """Rows of one of our tables in the warehouse, each with the name of its job."""
    names = [{"id": record.id, "job_name": record.name} for record in asked.db.read_now(jobs_store.every)]
    jobs = inline({"id": _T, "job_name": _T}, names).subquery("j")
    selected = [
        exp.alias_(exp.cast(shown.get(name, column(name, of="r")), type_of(kind)), name, quoted=True)
        for name, kind in columns.items()
    ]
    on = exp.EQ(this=column("id", of="j"), expression=column("job_id", of="r"))
    return exp.select(*selected).from_(source.expression("r")).join(jobs, on=on)


def _parse_errors(asked: Asked, columns: Columns) -> exp.Query:
    shown = {"job_name": column("job_name", of="j"), "offset_or_line": column("line", of="r")}
    return _with_job_names(asked, ledger.REJECTED, shown, columns)


def _task_executions(asked: Asked, columns: Columns) -> exp.Query:
    done = column("commit_time", of="r")
    shown: dict[str, exp.Expr] = {
        "cluster_name": value("default"),
        "stage_name": value("ingest file"),
        "task_event_type": column("state", of="r"),
        "task_start_time": done,
        "task_end_time": done.copy(),
        "job_name": column("job_name", of="j"),
        "source": column("unit", of="r"),
        "rows": column("rows_written", of="r"),
        "bytes": column("bytes_read", of="r"),
    }
    return _with_job_names(asked, ledger.LEDGER, shown, columns)


_BUILDERS: Final[dict[Table, Callable[[Asked, Columns], exp.Query]]] = {
    Table(INFORMATION, "tables"): _tables,
    Table(INFORMATION, "columns"): _columns,
    Table(INFORMATION, "jobs"): _jobs,
    Table(INFORMATION, "connections"): _connections,
    Table(INFORMATION, "views"): _views,
    Table(INFORMATION, "users"): _users,
    Table(INFORMATION, "clusters"): _clusters,
    Table(MONITORING, "expectations"): _expectations,
    Table(MONITORING, "jobs"): _monitored,
    Table(MONITORING, "parse_errors"): _parse_errors,
    Table(TASKS, "task_executions"): _task_executions,
}


def word_of(stored: str) -> str:
    """The contract's word for a stored type (DESCRIBE)."""
    return type_word(stored)
