"""PostgreSQL as the warehouse: many server processes may share it, so target locks are the database's advisory locks.

Source: contracts/semantic.md, 11; contracts/vault.md, 5.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import psycopg
from psycopg import errors as pg
from psycopg.types.json import JsonbDumper
from psycopg.types.string import TextLoader
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlglot import exp

from tessera.kernel.errors import Invalid, Unavailable
from tessera.warehouse import postgres_catalogue as catalogue
from tessera.warehouse.errors import QueryCancelled, QueryFailed, QueryTimeout, QueryTooLarge, WriteConflict
from tessera.warehouse.guard import Guard, Watchdog
from tessera.warehouse.locks import TargetLocks
from tessera.warehouse.postgres_arrow import CsvChunks, batch_of, schema_of
from tessera.warehouse.postgres_json import json_select
from tessera.warehouse.render import number_params, portable_type, render
from tessera.warehouse.types import (
    Cancel,
    Column,
    EngineSettings,
    JsonForm,
    JsonRows,
    Limits,
    Params,
    Reader,
    Table,
    TableInfo,
    Writer,
)

if TYPE_CHECKING:
    import pyarrow

Connection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"
Cursor: TypeAlias = "psycopg.RawCursor[tuple[Any, ...]] | psycopg.RawServerCursor[tuple[Any, ...]]"

#: Rows that one fetch from a server-side cursor asks for.
FETCH_ROWS = 5_000

#: How long a block waits for a session of the pool, in seconds.
SESSION_WAIT_SECONDS = 30.0

#: The part of the memory limit that one sort or hash of a session may take: several run at once.
WORK_MEM_SHARE = 16

#: Names without a schema reach nothing but the built-in functions, and a session's own temporary tables last.
SESSION = {
    "search_path": "pg_catalog, pg_temp",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    # Results of a cursor are read to their end, so the plan for all rows is the right one.
    "cursor_tuple_fraction": "1",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


class PostgresEngine:
    """A pool of sessions on one database."""

    dialect = "postgres"

    def __init__(self, url: str, settings: EngineSettings) -> None:
        """Connect.

        Raises:
            Unavailable: the server does not answer.
        """
        work_mem_mb = max(4, settings.memory_limit_mb // WORK_MEM_SHARE)
        options = SESSION | {"work_mem": f"{work_mem_mb}MB"}

        def configure(connection: Connection) -> None:
            for name, setting in options.items():
                connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, setting))
            connection.adapters.register_dumper(dict, JsonbDumper)
            # JSON comes out as its text, as it does from DuckDB.
            connection.adapters.register_loader("json", TextLoader)
            connection.adapters.register_loader("jsonb", TextLoader)

        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=1,
            max_size=settings.connections,
            timeout=SESSION_WAIT_SECONDS,
            num_workers=1,
            configure=configure,
            kwargs={"autocommit": True, "application_name": "tessera-warehouse", "connect_timeout": 10},
            name="warehouse",
            open=False,
        )
        try:
            self._pool.open(wait=True, timeout=SESSION_WAIT_SECONDS)
        except PoolTimeout as error:
            self._pool.close()
            raise Unavailable("the warehouse's PostgreSQL server does not answer; see TESSERA_WAREHOUSE_URL") from error
        self._locks = TargetLocks()
        self._watchdog = Watchdog("postgres-watchdog")

    @contextmanager
    def open_reader(self, limits: Limits, cancel: Cancel | None) -> Iterator[Reader]:
        """A snapshot: REPEATABLE READ, READ ONLY."""
        with self._session(limits, cancel, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") as session:
            yield session

    @contextmanager
    def open_writer(self, targets: Sequence[Table], limits: Limits, cancel: Cancel | None) -> Iterator[Writer]:
        """READ COMMITTED: each statement sees what the writers before it wrote, once the locks are held.

        Waiting is done in this process first, so that waiting writers do not use up the pool's sessions.
        """
        waiting = Guard(limits, cancel, lambda: None)
        with (
            self._locks.hold(targets, waiting),
            self._session(limits, cancel, "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE") as session,
        ):
            for key in sorted({str(target).lower() for target in targets}):
                session.scalar(catalogue.LOCK, {"name": f"tessera.warehouse {key}"})
            yield session

    def schemas(self) -> list[str]:
        """All schemas, in order."""
        return [row[0] for row in self._ask(catalogue.SCHEMAS)]

    def tables(self, schema: str | None) -> list[TableInfo]:
        """All tables and views, in order."""
        return [
            TableInfo(Table(row[0], row[1]), "view" if row[2] else "table", None if row[2] else max(0, int(row[3])))
            for row in self._ask(catalogue.TABLES)
            if schema is None or row[0] == schema
        ]

    def columns(self, table: Table) -> list[Column]:
        """Columns in their order; empty when there is no such table."""
        rows = self._ask(catalogue.COLUMNS, {"schema": table.schema, "name": table.name})
        return [Column(name, portable_type(type_, "postgres"), nullable) for name, type_, nullable in rows]

    def close(self) -> None:
        """Close all sessions."""
        self._watchdog.close()
        self._pool.close()

    def _ask(self, query: exp.Expr, params: Params | None = None) -> list[tuple[Any, ...]]:
        with self.open_reader(Limits(), None) as reader:
            return reader.rows(query, params)

    @contextmanager
    def _session(self, limits: Limits, cancel: Cancel | None, begin: str) -> Iterator[_Session]:
        connection = self._connection()
        try:
            guard = Guard(limits, cancel, lambda: _interrupt(connection))
            with self._watchdog.watching(guard):
                session = _Session(connection, guard)
                try:
                    session.begin(begin)
                    yield session
                    session.commit()
                except BaseException:
                    _roll_back(connection)
                    raise
        finally:
            self._pool.putconn(connection)

    def _connection(self) -> Connection:
        try:
            return self._pool.getconn()
        except PoolTimeout as error:
            raise Unavailable("all sessions of the warehouse are busy; try again soon") from error


def _interrupt(connection: Connection) -> None:
    # A session that is gone needs no interrupt; its statement has ended with an error of its own.
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=5.0)


def _roll_back(connection: Connection) -> None:
    # A cancel is sent and answered while its statement runs (`Guard.fire`), so none can hit the session's next user.
    with suppress(psycopg.Error):
        connection.rollback()


class _Session:
    """Reader and writer over one session; the transaction decides which it is."""

    def __init__(self, connection: Connection, guard: Guard) -> None:
        self._connection = connection
        self._guard = guard
        self._is_cut = False
        self._columns: list[Column] = []

    def begin(self, statement: str) -> None:
        """Start the transaction, with the block's time as the server's own limit as well."""
        with self._statement():
            self._connection.execute(statement.encode())
            # The server's own limit counts each statement; the guard counts the block.
            milliseconds = max(1, min(int(self._guard.remaining_seconds * 1000) + 1, 2**31 - 1))
            self._connection.execute(
                "SELECT pg_catalog.set_config('statement_timeout', %s, true)", (str(milliseconds),)
            )

    def commit(self) -> None:
        """Commit.

        Raises:
            QueryFailed: a statement failed before and its error was swallowed; nothing is written.
        """
        if self._connection.info.transaction_status is psycopg.pq.TransactionStatus.INERROR:
            raise QueryFailed("a statement of this transaction failed, so nothing is written")
        with self._statement():
            self._connection.commit()

    @property
    def columns(self) -> list[Column]:
        return self._columns

    @property
    def is_cut(self) -> bool:
        return self._is_cut

    def rows(self, tree: exp.Expr, params: Params | None = None) -> list[tuple[Any, ...]]:
        limit = self._guard.limits.rows
        if limit is None or not isinstance(tree, exp.Query):
            with self._statement(), self._cursor() as cursor:
                self._run(cursor, tree, params)
                return cursor.fetchall()
        with self._statement(), self._server_cursor() as cursor:
            self._run(cursor, tree, params)
            found = cursor.fetchmany(limit + 1)
            self._is_cut = len(found) > limit
            return found[:limit]

    def scalar(self, tree: exp.Expr, params: Params | None = None) -> Any:
        with self._statement(), self._cursor() as cursor:
            self._run(cursor, tree, params)
            row = cursor.fetchone()
            return None if row is None else row[0]

    def json_rows(self, tree: exp.Expr, params: Params | None = None, *, form: JsonForm = JsonForm()) -> JsonRows:  # noqa: B008
        columns = self.describe(tree, params)
        limits = self._guard.limits
        parts: list[bytes] = []
        count = size = 0
        query = json_select(tree, columns, form)
        if limits.rows is not None:
            # Outside of the user's query, so it cuts what would be fetched and nothing before.
            query = query.limit(limits.rows + 1)
        with self._statement(), self._server_cursor() as cursor:
            self._run(cursor, query, params)
            while True:
                wanted = FETCH_ROWS if limits.rows is None else min(FETCH_ROWS, limits.rows - count + 1)
                found = cursor.fetchmany(wanted)
                if limits.rows is not None and count + len(found) > limits.rows:
                    self._is_cut = True
                    found = found[: limits.rows - count]
                if found:
                    part = ",".join([row[0] for row in found]).encode()
                    parts.append(part)
                    count += len(found)
                    size += len(part)
                if size > limits.size_bytes:
                    raise QueryTooLarge(f"the result is larger than its limit of {limits.size_bytes} bytes")
                if len(found) < wanted:
                    break
        self._columns = columns
        return JsonRows(msgspec.Raw(b"[" + b",".join(parts) + b"]"), count, columns, self._is_cut)

    def json_pages(
        self,
        tree: exp.Expr,
        params: Params | None = None,
        *,
        form: JsonForm = JsonForm(),  # noqa: B008
        rows: int,
        size_bytes: int,
    ) -> Iterator[JsonRows]:
        columns = self.describe(tree, params)
        parts: list[bytes] = []
        size = given = 0
        for batch in self.batches(json_select(tree, columns, form), params, size=rows):
            for text in batch.column(0).to_pylist():
                part = text.encode()
                if parts and (len(parts) >= rows or size + len(part) > size_bytes):
                    yield JsonRows(msgspec.Raw(b"[" + b",".join(parts) + b"]"), len(parts), columns, False)
                    given += 1
                    parts, size = [], 0
                parts.append(part)
                size += len(part) + 1
        if parts or not given:
            yield JsonRows(msgspec.Raw(b"[" + b",".join(parts) + b"]"), len(parts), columns, False)

    def batches(
        self, tree: exp.Expr, params: Params | None = None, *, size: int = 10_000
    ) -> Iterator[pyarrow.RecordBatch]:
        columns = self.describe(tree, params)
        schema = schema_of(columns)
        limit = self._guard.limits.rows
        count = 0
        with self._statement():
            cursor = self._server_cursor()
            self._run(cursor, tree, params)
        with cursor:
            while True:
                with self._statement(keep=True):
                    wanted = size if limit is None else min(size, limit - count + 1)
                    found = cursor.fetchmany(wanted)
                is_last = len(found) < wanted
                if limit is not None and count + len(found) > limit:
                    self._is_cut = is_last = True
                    found = found[: limit - count]
                if found:
                    count += len(found)
                    yield batch_of(found, schema)
                if is_last:
                    return

    def describe(self, tree: exp.Expr, params: Params | None = None) -> list[Column]:
        inner = exp.Subquery(this=tree.copy(), alias=exp.TableAlias(this=exp.to_identifier("t", quoted=True)))
        with self._statement(), self._cursor() as cursor:
            self._run(cursor, exp.select("*").from_(inner).limit(0), params)
            return self._columns

    def execute(self, tree: exp.Expr, params: Params | None = None) -> int:
        with self._statement(), self._cursor() as cursor:
            self._run(cursor, tree, params)
            return 0 if isinstance(tree, exp.Query) else max(0, cursor.rowcount)

    def analyze(self, *tables: Table) -> None:
        # A table filled a moment ago looks empty to the planner until autovacuum comes by, and it joins in nested
        # loops: 60,000 rows delivered to `mart` took over a minute.
        if tables:  # without a name it would be every table of the database
            # In one order, since each is locked until the end of the transaction.
            ordered = sorted(set(tables), key=lambda table: str(table).lower())
            self.execute(exp.Analyze(tables=[table.expression() for table in ordered]))

    def append(self, table: Table, data: Any) -> int:
        types = {column.name: column.type for column in self.describe(exp.select("*").from_(table.expression()))}
        by_lower = {name.lower(): name for name in types}
        chunks = CsvChunks(data)
        names: list[str] = []
        for name in chunks.names:
            found = name if name in types else by_lower.get(name.lower())
            if found is None:
                raise Invalid(f'table {table} has no column "{name}"', field=name)
            names.append(found)
        if chunks.row_count == 0 or not names:
            return 0
        target = exp.Schema(
            this=table.expression(), expressions=[exp.to_identifier(name, quoted=True) for name in names]
        )
        copy = exp.Copy(
            this=target,
            kind=True,
            files=[exp.Var(this="STDIN")],
            params=[exp.CopyParameter(this=exp.Var(this="FORMAT"), expression=exp.Var(this="csv"))],
        )
        with self._statement(), self._cursor() as cursor, cursor.copy(render(copy, "postgres").encode()) as stream:
            for chunk in chunks.texts([types[name] for name in names]):
                stream.write(chunk)
        return chunks.row_count

    def _cursor(self) -> psycopg.RawCursor[tuple[Any, ...]]:
        return psycopg.RawCursor(self._connection)

    def _server_cursor(self) -> psycopg.RawServerCursor[tuple[Any, ...]]:
        return psycopg.RawServerCursor(self._connection, name="rows", scrollable=False)

    def _run(self, cursor: Cursor, tree: exp.Expr, params: Params | None) -> None:
        values: list[Any] | None = None
        if params:
            tree, values = number_params(tree, params)
        cursor.execute(render(tree, "postgres").encode(), values)
        self._columns = [
            Column(column.name, portable_type(column.type_display, "postgres")) for column in cursor.description or ()
        ]

    @contextmanager
    def _statement(self, *, keep: bool = False) -> Iterator[None]:
        if not keep:
            self._is_cut = False
        try:
            with self._guard.statement():
                yield
        except psycopg.Error as error:
            raise _translated(error, self._guard) from error


def _translated(error: psycopg.Error, guard: Guard) -> Exception:
    """The problem that the error means, in the server's own first line and nothing of the statement."""
    message = error.diag.message_primary or str(error).split("\n", 1)[0]
    if isinstance(error, pg.QueryCanceled):
        if guard.cancel is not None and guard.cancel.is_cancelled:
            return QueryCancelled("the query was cancelled")
        return QueryTimeout(f"the query took longer than its limit of {guard.limits.seconds:g} seconds")
    if isinstance(error, pg.OutOfMemory | pg.DiskFull | pg.ConfigurationLimitExceeded | pg.ProgramLimitExceeded):
        return QueryTooLarge("the query needs more memory than the warehouse's server has")
    if isinstance(error, pg.IntegrityError | pg.SerializationFailure | pg.DeadlockDetected | pg.LockNotAvailable):
        return WriteConflict(message)
    if isinstance(error, psycopg.OperationalError):
        return Unavailable("the warehouse's PostgreSQL server does not answer")
    return QueryFailed(message)
