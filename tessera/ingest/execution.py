"""Runs one statement: finds out what it is, who may say it, and which rule does it. Source: contracts/ingest.md, 5."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlglot import exp

from tessera.ingest import connections, connections_store, jobs, jobs_store, tables, tables_store
from tessera.ingest import ledger_store as ledger
from tessera.ingest.column_types import SHOWN_SYSTEM_COLUMNS, SYSTEM_COLUMNS, type_word
from tessera.ingest.jobs import Kernel
from tessera.ingest.model import PACKAGE, Role
from tessera.ingest.organizations_store import people
from tessera.ingest.queries import prepare
from tessera.ingest.results import grid, message
from tessera.ingest.secrets import unseal
from tessera.ingest.sql import parse
from tessera.ingest.sql import statements as said
from tessera.ingest.system_tables import Asked
from tessera.kernel.access import Principal
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Forbidden, Invalid
from tessera.kernel.jobs import Jobs
from tessera.settings import Settings
from tessera.warehouse import Warehouse

_READING: Final = (said.Select, said.ShowCreate, said.ShowList, said.Describe)
_TEXT: Final = "TEXT"


class Desk(Struct, frozen=True):
    """All that statements need, and who says them."""

    db: Database
    warehouse: Warehouse
    jobs: Jobs
    settings: Settings
    principal: Principal

    @property
    def kernel(self) -> Kernel:
        """For rules about jobs."""
        return Kernel(self.jobs, self.settings, self.warehouse.dialect)


def parse_for(desk: Desk, sql: str) -> said.Statement:
    """The statement, if this caller may say it.

    Raises:
        Invalid: it cannot be read.
        Forbidden: it changes something and the caller may only look.
    """
    statement = parse(sql)
    if not isinstance(statement, _READING):
        who = desk.principal
        if not who.is_administrator and who.role(PACKAGE) not in (Role.EDITOR, Role.ADMIN):
            raise Forbidden("this statement needs one of the roles editor, admin in ingest", code="role")
        if not who.may(PACKAGE, "write"):
            raise Forbidden(f"this token's scopes do not include {PACKAGE}:write", code="scope")
    return statement


def query(desk: Desk, statement: said.Select) -> exp.Query:
    """The tree of a SELECT, checked and ready to run."""
    return prepare(statement.sql, Asked(desk.db, desk.warehouse, desk.principal))


def execute(desk: Desk, statement: said.Statement) -> dict[str, Any]:
    """Run a statement that is no SELECT; the answer to send.

    Raises:
        Invalid: it breaks a rule; the message says which.
    """
    db, warehouse, principal = desk.db, desk.warehouse, desk.principal
    match statement:
        case said.CreateConnection():
            connections.check(statement, desk.settings)
            return message(db.write_now(connections.create, principal, statement, desk.settings))
        case said.AlterConnection():
            connections.check(statement, desk.settings)
            return message(db.write_now(connections.alter, principal, statement, desk.settings))
        case said.DropConnection():
            return message(db.write_now(connections.drop, principal, statement))
        case said.CreateTable():
            return message(tables.create(db, warehouse, principal, statement))
        case said.AlterTable():
            return message(db.write_now(tables.alter, principal, statement))
        case said.DropTable():
            return message(tables.drop(db, warehouse, principal, statement))
        case said.CreateJob():
            return message(_create_job(desk, statement))
        case said.AlterJob():
            before = db.read_now(jobs.read, statement.name)
            told = db.write_now(jobs.alter, principal, statement, desk.kernel)
            if statement.drop is not None:
                ledger.forget_expectation(warehouse, before.id, statement.drop)
            return message(told)
        case said.PauseJob():
            return message(db.write_now(jobs.pause, principal, statement.name, desk.kernel))
        case said.ResumeJob():
            return message(db.write_now(jobs.resume, principal, statement.name, desk.kernel))
        case said.DropJob():
            return message(jobs.drop(db, warehouse, principal, statement, desk.jobs))
        case said.DropView():
            return message(_drop_view(desk, statement))
        case said.Comment():
            return message(_comment(desk, statement))
        case said.ShowCreate():
            return _show_create(desk, statement)
        case said.ShowList():
            return _show_list(desk, statement)
        case said.Describe():
            return _describe(desk, statement)
        case said.CreateView() | said.AlterView():
            raise Invalid("materialized views are not available on this server", field="sql")
        case said.CreateReplication():
            raise Invalid("replication jobs are not available on this server", field="sql")
        case said.Select():
            raise AssertionError("a SELECT is run by `results`")


def _create_job(desk: Desk, statement: said.CreateJob) -> str:
    body = statement.body
    if isinstance(body, said.Copy):
        connection = desk.db.read_now(connections.read, body.connection)
    else:
        raise Invalid("jobs that INSERT or MERGE are not available on this server; COPY FROM jobs are", field="sql")
    jobs.check(statement, connection, desk.kernel)
    return desk.db.write_now(jobs.create, desk.principal, statement, desk.kernel)


def _drop_view(desk: Desk, statement: said.DropView) -> str:
    """dbt-upsolver drops any relation by this statement. Source: contract, 4.6."""
    as_table = said.DropTable(statement.view, {}, statement.if_exists)
    return tables.drop(desk.db, desk.warehouse, desk.principal, as_table)


def _comment(desk: Desk, statement: said.Comment) -> str:
    db, principal = desk.db, desk.principal
    if statement.what == "TABLE":
        return db.write_now(tables.comment, principal, statement.table, statement.text)
    if statement.what == "JOB":
        return db.write_now(jobs.comment, principal, statement.name, statement.text)
    return db.write_now(connections.comment, principal, statement.name, statement.text)


def describe_text(desk: Desk, what: str, name: str, table: said.TableName) -> str:
    """The CREATE statement of a job, table or connection, secrets masked.

    Raises:
        Invalid: there is none.
    """

    def of_job(tx: Tx) -> str:
        found = jobs.read(tx, name)
        return jobs.create_statement(tx, found, sorted(unseal(desk.settings, found.secrets)))

    def of_connection(tx: Tx) -> str:
        found = connections.read(tx, name)
        return connections.create_statement(found, sorted(unseal(desk.settings, found.secrets)))

    if what == "JOB":
        return desk.db.read_now(of_job)
    if what == "CONNECTION":
        return desk.db.read_now(of_connection)
    record = desk.db.read_now(tables.read_declared, table)
    return tables.create_statement(record, desk.warehouse.columns(tables.place(table)))


def _show_create(desk: Desk, statement: said.ShowCreate) -> dict[str, Any]:
    """One column, one row: clients die on the scalar form. Source: contract, 4.2."""
    if statement.what == "MATERIALIZED VIEW":
        raise Invalid("materialized views are not available on this server", field="sql")
    text = describe_text(desk, statement.what, statement.name, statement.table)
    return grid([("sql", _TEXT)], [[text]])


def _show_list(desk: Desk, statement: said.ShowList) -> dict[str, Any]:
    what = statement.what
    if what == "TABLES":
        found = [[info.table.schema, info.table.name] for info in desk.warehouse.tables() if info.kind == "table"]
        return grid([("schema", _TEXT), ("name", _TEXT)], found)
    if what == "VIEWS":
        found = [[info.table.schema, info.table.name] for info in desk.warehouse.tables() if info.kind == "view"]
        return grid([("schema", _TEXT), ("name", _TEXT)], found)
    if what == "JOBS":
        return desk.db.read_now(_jobs)
    return desk.db.read_now(_connections)


def _jobs(tx: Tx) -> dict[str, Any]:
    rows: Sequence[Sequence[Any]] = [
        [one.name, one.job_type, one.state, f"{said.CATALOG}.{one.target_schema}.{one.target_name}"]
        for one in jobs_store.every(tx)
    ]
    return grid([(name, _TEXT) for name in ("name", "job_type", "status", "target")], rows)


def _connections(tx: Tx) -> dict[str, Any]:
    records = connections_store.every(tx)
    named = people(tx, [one.created_by for one in records])
    rows = [[one.name, one.kind, named[one.created_by].email] for one in records]
    return grid([(name, _TEXT) for name in ("name", "connection_type", "created_by")], rows)


def _describe(desk: Desk, statement: said.Describe) -> dict[str, Any]:
    table = tables.find_table(desk.warehouse, statement.table)
    if table is None:
        raise Invalid(f"there is no table {statement.table}", field="table")
    record = desk.db.read_now(tables_store.find, table.schema, table.name)
    partition = {name.lower() for name in record.partition_by} if record else set()
    key = {name.lower() for name in record.primary_key} if record else set()
    rows = [
        [one.name, type_word(one.type), one.name.lower() in partition, one.name.lower() in key]
        for one in sorted(desk.warehouse.columns(table), key=lambda each: each.name in SYSTEM_COLUMNS)
        if one.name not in SYSTEM_COLUMNS or one.name in SHOWN_SYSTEM_COLUMNS
    ]
    columns = [("name", _TEXT), ("data_type", _TEXT), ("is_partition", "BOOLEAN"), ("is_primary_key", "BOOLEAN")]
    return grid(columns, rows)
