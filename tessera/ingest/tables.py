"""Tables: create, change, drop, show, and tell of their columns. Source: contracts/ingest.md, 5.6."""

from typing import Any, Final

from sqlglot import exp

from tessera.ingest import jobs_store
from tessera.ingest import tables_store as store
from tessera.ingest.column_types import SYSTEM_COLUMNS, declared_type, type_word
from tessera.ingest.connections import name_of, quoted
from tessera.ingest.ledger_store import define
from tessera.ingest.model import PACKAGE
from tessera.ingest.sql.options import TABLE, idle_notes
from tessera.ingest.sql.statements import CATALOG, AlterTable, CreateTable, DropTable, TableName
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Invalid
from tessera.warehouse import INTERNAL, MART, VAULT, Column, Table, Warehouse

CLOSED: Final = frozenset({VAULT, MART, INTERNAL, "system", "logs"})
"""Schemas in which statements of ingest make and change nothing. Source: contract, 5.1."""
WRITTEN: Final = "warehouse.table.written"


def place(name: TableName) -> Table:
    """The warehouse's table of that name.

    Raises:
        Invalid: the catalogue is not the warehouse.
    """
    if name.catalog.lower() != CATALOG:
        raise Invalid(f"there is no catalog {name.catalog} (in {name}); use {CATALOG} or leave it out", field="table")
    return Table(name.schema, name.name)


def _writable(name: TableName) -> Table:
    table = place(name)
    if table.schema in CLOSED:
        raise Invalid(
            f"schema {table.schema} is not ingest's to write; use landing, or a schema of your own", field="table"
        )
    return table


def find_table(warehouse: Warehouse, name: TableName) -> Table | None:
    """The table as it is stored, if there is one."""
    wanted = place(name)
    for info in warehouse.tables():
        if (info.table.schema.lower(), info.table.name.lower()) == (wanted.schema, wanted.name):
            return info.table
    return None


def create(db: Database, warehouse: Warehouse, principal: Principal, statement: CreateTable) -> str:
    """Make a table; the message to show.

    Raises:
        Invalid: the name is taken, or a partition or key column is not declared.
    """
    table = _writable(statement.table)
    declared = {column.name.lower() for column in statement.columns}
    for kind, names in (("partition", statement.partition_by), ("primary key", statement.primary_key)):
        for name in names:
            if declared and name.lower() not in declared and not name.startswith("$"):
                raise Invalid(f"{kind} column {name} is not a column of {statement.table}", field=name)
    if find_table(warehouse, statement.table) is not None:
        if statement.if_not_exists:
            return f"Table {statement.table} already exists"
        raise Invalid(f"table {statement.table} already exists", field="table")
    warehouse.create_schema(table.schema)
    db.write_now(_insert, principal, statement, table)
    ensure(warehouse, table, [{"name": one.name, "type": one.type} for one in statement.columns])
    announce(db, warehouse, table, principal.id, inputs=[], lineage=[])
    idle = idle_notes(statement.options, TABLE)
    note = f" (accepted, but without a meaning on this server: {', '.join(idle)})" if idle else ""
    return f"Table {statement.table} was created{note}"


def _insert(tx: Tx, principal: Principal, statement: CreateTable, table: Table) -> None:
    tx.lock("ingest tables")
    stale = store.find(tx, table.schema, table.name)
    if stale is not None:
        # Left by a server that died between this row and the table itself.
        store.remove(tx, stale.id)
    table_id = store.insert(
        tx,
        schema_name=table.schema,
        name=table.name,
        columns=[{"name": one.name, "type": one.type} for one in statement.columns],
        partition_by=statement.partition_by,
        primary_key=statement.primary_key,
        options={name: given.text for name, given in statement.options.items()},
        announced=None,
        created_by=principal.id,
    )
    events.record(
        tx, "ingest.table.created", package=PACKAGE, by=principal, of=table_id, data={"table": str(statement.table)}
    )


def ensure(warehouse: Warehouse, table: Table, columns: list[dict[str, str]]) -> None:
    """Make the table in the warehouse unless it is there."""
    kinds = {one["name"]: declared_type(one["type"]) for one in columns}
    with warehouse.writing(table) as writer:
        writer.execute(define(table, kinds | SYSTEM_COLUMNS))


def read_declared(tx: Tx, name: TableName) -> store.TableRecord:
    """What is declared of a table that ingest made.

    Raises:
        Invalid: there is none, or it is another package's.
    """
    found = store.find(tx, name.schema, name.name)
    if found is None:
        raise Invalid(f"there is no table {name} that ingest made; CREATE TABLE makes one", field="table")
    return found


def alter(tx: Tx, principal: Principal, statement: AlterTable) -> str:
    """Change options; a bare ALTER TABLE is a no-op that succeeds. Source: contract, 4.6.

    Raises:
        Invalid: there is no such table.
    """
    _writable(statement.table)
    found = read_declared(tx, statement.table)
    if statement.options:
        texts = {name: given.text for name, given in statement.options.items()}
        store.update(tx, found.id, options=found.options | texts)
        data = {"table": str(statement.table), "options": sorted(texts)}
        events.record(tx, "ingest.table.updated", package=PACKAGE, by=principal, of=found.id, data=data)
    return f"Table {statement.table} was altered"


def drop(db: Database, warehouse: Warehouse, principal: Principal, statement: DropTable) -> str:
    """Drop a table and its rows.

    Raises:
        Invalid: there is none, another package made it, or jobs write into it; the message names them.
    """
    _writable(statement.table)
    name = statement.table
    found = db.read_now(store.find, name.schema, name.name)
    if found is None:
        if statement.if_exists and find_table(warehouse, name) is None:
            return f"Table {name} does not exist"
        raise Invalid(f"there is no table {name} that ingest made", field="table")
    jobs = db.read_now(jobs_store.into, name.schema, name.name)
    if jobs:
        raise Invalid(f"table {name} is written by the jobs {', '.join(job.name for job in jobs)}; drop those first")
    target = Table(name.schema, name.name)
    with warehouse.writing(target) as writer:
        writer.execute(exp.Drop(tables=[target.expression()], kind="TABLE", exists=True))

    def forget(tx: Tx) -> None:
        store.remove(tx, found.id)
        events.record(tx, "ingest.table.deleted", package=PACKAGE, by=principal, of=found.id, data={"table": str(name)})

    db.write_now(forget)
    return f"Table {name} was dropped"


def comment(tx: Tx, principal: Principal, name: TableName, text: str) -> str:
    """COMMENT ON TABLE."""
    found = read_declared(tx, name)
    store.update(tx, found.id, options=found.options | {"COMMENT": quoted(text)})
    events.record(tx, "ingest.table.updated", package=PACKAGE, by=principal, of=found.id, data={"table": str(name)})
    return f"Table {name} was altered"


def own_columns(columns: list[Column]) -> list[Column]:
    """Without the system's."""
    return [one for one in columns if one.name not in SYSTEM_COLUMNS]


def announce(
    db: Database,
    warehouse: Warehouse,
    table: Table,
    by: str | None,
    *,
    inputs: list[dict[str, Any]],
    lineage: list[dict[str, Any]],
) -> bool:
    """Tell of the table's columns, if they are others than those last told of. Safe to repeat after a crash."""
    columns = [{"name": one.name, "type": one.type} for one in own_columns(warehouse.columns(table))]
    digest = store.digest_of(columns)
    data = {"schema": table.schema, "table": table.name, "columns": columns, "inputs": inputs, "lineage": lineage}

    def tell(tx: Tx) -> bool:
        found = store.find(tx, table.schema, table.name)
        if found is None or found.announced == digest:
            return False
        store.update(tx, found.id, announced=digest)
        events.record(tx, WRITTEN, package=PACKAGE, by=by, of=f"{table.schema}.{table.name}", data=data)
        return True

    return db.write_now(tell)


def create_statement(record: store.TableRecord, columns: list[Column]) -> str:
    """The statement that would make the table with its present columns."""
    declared = {one["name"]: one["type"] for one in record.columns}
    shown = declared | {one.name: type_word(one.type) for one in own_columns(columns) if one.name not in declared}
    # Records and arrays have no word in CREATE TABLE; data brings them back.
    lines = [f"    {name_of(name)} {word}" for name, word in shown.items() if word not in ("RECORD", "ARRAY")]
    text = f"CREATE TABLE {CATALOG}.{name_of(record.schema)}.{name_of(record.name)} (\n" + ",\n".join(lines) + "\n)"
    if record.partition_by:
        text += f"\nPARTITIONED BY {', '.join(_spelled(name) for name in record.partition_by)}"
    if record.primary_key:
        text += f"\nPRIMARY KEY {', '.join(_spelled(name) for name in record.primary_key)}"
    return text + "".join(f"\n    {name} = {option}" for name, option in record.options.items()) + ";"


def _spelled(name: str) -> str:
    return name if name.startswith("$") else name_of(name)
