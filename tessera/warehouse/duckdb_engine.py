"""DuckDB, the embedded engine: one owner of the file, a cursor for each block, locks within the process.

Source: contracts/semantic.md, 11; contracts/vault.md, 5.1.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb
import msgspec
from sqlglot import exp

from tessera.kernel.errors import Invalid, Unavailable
from tessera.warehouse.build import column, identifier
from tessera.warehouse.duckdb_json import json_select
from tessera.warehouse.errors import (
    QueryCancelled,
    QueryFailed,
    QueryTimeout,
    QueryTooLarge,
    WriteConflict,
)
from tessera.warehouse.guard import Guard, Watchdog
from tessera.warehouse.locks import TargetLocks
from tessera.warehouse.render import portable_type, render
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

#: Cursors kept for the next block; more are closed after use.
IDLE_CURSORS = 16

#: Rows that one fetch of JSON asks for.
JSON_CHUNK_ROWS = 2_048

#: The second fence behind `safety.py`: no files, no network, no extensions, no Python objects as tables.
FENCE: dict[str, Any] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}


#: Errors inside an Arrow stream come as Python's own kinds; these tell those of the engine by their text.
_ENGINE_ERROR = re.compile(r"([A-Z]\w* )+Error: ")
_NO_ROOM = re.compile(r"^Out of Memory Error|Arrow Appender: The maximum total string size")


class DuckDBEngine:
    """The one owner of a DuckDB file in this process."""

    dialect = "duckdb"

    def __init__(self, path: str, settings: EngineSettings) -> None:
        """Open or make the file.

        Raises:
            Unavailable: another process holds the file.
        """
        config = FENCE | {
            "memory_limit": f"{settings.memory_limit_mb}MB",
            "threads": settings.threads,
            "temp_directory": settings.temp_dir or f"{path}.tmp",
        }
        try:
            self._connection = duckdb.connect(path, config=config)
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise Unavailable(
                    "another process holds the warehouse file: one server uses it at a time; stop the other one, "
                    "or set TESSERA_WAREHOUSE_URL to a PostgreSQL database"
                ) from error
            raise
        # A time zone is an option of icu, which is loaded after the configuration is read.
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute("SET GLOBAL lock_configuration = true")
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._idle_lock = threading.Lock()
        self._locks = TargetLocks()
        self._watchdog = Watchdog("duckdb-watchdog")
        self._is_closed = False

    @contextmanager
    def open_reader(self, limits: Limits, cancel: Cancel | None) -> Iterator[Reader]:
        """A snapshot. The transaction is read-only for the engine too."""
        with self._cursor() as cursor:
            guard = Guard(limits, cancel, cursor.interrupt)
            with self._watchdog.watching(guard):
                guard.check()
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                session = _Session(cursor, guard)
                try:
                    yield session
                finally:
                    session.end()
                    _roll_back(cursor)

    @contextmanager
    def open_writer(self, targets: Sequence[Table], limits: Limits, cancel: Cancel | None) -> Iterator[Writer]:
        """A transaction that starts when all locks are held, so that it sees what the writers before it wrote."""
        with self._cursor() as cursor:
            guard = Guard(limits, cancel, cursor.interrupt)
            with self._watchdog.watching(guard), self._locks.hold(targets, guard):
                cursor.execute("BEGIN TRANSACTION")
                session = _Session(cursor, guard)
                try:
                    yield session
                    session.end()
                    session.refuse_after_failure()
                    guard.check()
                except BaseException:
                    session.end()
                    _roll_back(cursor)
                    raise
                try:
                    cursor.execute("COMMIT")
                except duckdb.Error as error:
                    raise _translated(error, guard) from error

    def schemas(self) -> list[str]:
        """All schemas of the file, in order."""
        query = (
            exp.select("schema_name")
            .distinct()
            .from_(exp.func("duckdb_schemas"))
            .where(exp.column("database_name").eq(exp.func("current_database")))
            .order_by("schema_name")
        )
        return [row[0] for row in self._ask(query)]

    def tables(self, schema: str | None) -> list[TableInfo]:
        """All tables and views, in order."""
        here: exp.Expr = exp.column("database_name").eq(exp.func("current_database"))
        if schema is not None:
            here = exp.and_(here, exp.column("schema_name").eq(exp.Literal.string(schema)))
        tables = exp.select("schema_name", "table_name", "estimated_size").from_(exp.func("duckdb_tables")).where(here)
        views = (
            exp.select("schema_name", "view_name", exp.null())
            .from_(exp.func("duckdb_views"))
            .where(exp.and_(here.copy(), exp.not_(exp.column("internal"))))
        )
        found = [
            TableInfo(Table(row[0], row[1]), "table" if query is tables else "view", row[2])
            for query in (tables, views)
            for row in self._ask(query)
        ]
        return sorted(found, key=lambda info: info.table)

    def columns(self, table: Table) -> list[Column]:
        """Columns in their order; empty when there is no such table. Names are compared as the engine does."""
        query = (
            exp.select("column_name", "data_type", "is_nullable")
            .from_(exp.func("duckdb_columns"))
            .where(
                exp.column("database_name").eq(exp.func("current_database")),
                exp.func("lower", exp.column("schema_name")).eq(exp.Literal.string(table.schema.lower())),
                exp.func("lower", exp.column("table_name")).eq(exp.Literal.string(table.name.lower())),
            )
            .order_by("column_index")
        )
        return [Column(name, portable_type(type_, "duckdb"), nullable) for name, type_, nullable in self._ask(query)]

    def close(self) -> None:
        """Close all cursors and the file."""
        if self._is_closed:
            return
        self._is_closed = True
        self._watchdog.close()
        with self._idle_lock:
            for cursor in self._idle:
                cursor.close()
            self._idle.clear()
        self._connection.close()

    def _ask(self, query: exp.Expr) -> list[tuple[Any, ...]]:
        with self.open_reader(Limits(), None) as reader:
            return reader.rows(query)

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._idle_lock:
            if self._is_closed:
                raise Unavailable("the warehouse is closed")
            cursor = self._idle.pop() if self._idle else self._connection.cursor()
        try:
            yield cursor
        finally:
            with self._idle_lock:
                keep = not self._is_closed and len(self._idle) < IDLE_CURSORS
                if keep:
                    self._idle.append(cursor)
            if not keep:
                cursor.close()


class _Session:
    """Reader and writer over one cursor; the transaction decides which it is."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, guard: Guard) -> None:
        self._cursor = cursor
        self._guard = guard
        self._is_cut = False
        self._columns: list[Column] = []
        self._stream: Any = None
        self._has_failed = False

    def refuse_after_failure(self) -> None:
        """DuckDB would commit the other statements of a transaction in which one could not be planned.

        Raises:
            QueryFailed: a statement failed and its error was swallowed; nothing is written.
        """
        if self._has_failed:
            raise QueryFailed("a statement of this transaction failed, so nothing is written")

    def end(self) -> None:
        """Close a stream that its reader left open: the transaction could not end with it."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    @property
    def columns(self) -> list[Column]:
        return self._columns

    @property
    def is_cut(self) -> bool:
        return self._is_cut

    def rows(self, tree: exp.Expr, params: Params | None = None) -> list[tuple[Any, ...]]:
        with self._statement():
            self._run(tree, params)
            limit = self._guard.limits.rows
            found: list[tuple[Any, ...]]
            found = self._cursor.fetchall() if limit is None else self._cursor.fetchmany(limit + 1)
            self._is_cut = limit is not None and len(found) > limit
            return found[:limit]

    def scalar(self, tree: exp.Expr, params: Params | None = None) -> Any:
        with self._statement():
            self._run(tree, params)
            row = self._cursor.fetchone()
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
        with self._statement():
            for batch in self._arrow(query, params, JSON_CHUNK_ROWS):
                taken = len(batch)
                if limits.rows is not None:
                    taken = min(taken, limits.rows - count)
                part = _text_of(batch.column(0), taken)
                count += taken
                size += len(part)
                parts.append(part)
                if size > limits.size_bytes:
                    raise QueryTooLarge(f"the result is larger than its limit of {limits.size_bytes} bytes")
                if taken < len(batch):
                    self._is_cut = True
                    break
            self.end()
        self._columns = columns
        # Every row ends with a comma, the last one too.
        return JsonRows(msgspec.Raw(b"[" + b"".join(parts)[:-1] + b"]"), count, columns, self._is_cut)

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
        texts = self.batches(json_select(tree, columns, form), params, size=rows)
        for text, count in text_pages((batch.column(0) for batch in texts), rows=rows, size_bytes=size_bytes):
            yield JsonRows(msgspec.Raw(b"[" + text[:-1] + b"]"), count, columns, False)

    def batches(
        self, tree: exp.Expr, params: Params | None = None, *, size: int = 10_000
    ) -> Iterator[pyarrow.RecordBatch]:
        limit = self._guard.limits.rows
        count = 0
        with self._statement():
            stream = self._arrow(tree, params, size)
        while True:
            with self._statement(keep=True):
                batch = next(stream, None)
            if batch is None:
                return
            if limit is not None and count + len(batch) > limit:
                self._is_cut = True
                if limit > count:
                    yield batch.slice(0, limit - count)
                return
            count += len(batch)
            yield batch

    def describe(self, tree: exp.Expr, params: Params | None = None) -> list[Column]:
        with self._statement():
            self._cursor.execute(render(exp.Describe(this=tree.copy()), "duckdb"), dict(params or {}))
            return [Column(row[0], portable_type(row[1], "duckdb")) for row in self._cursor.fetchall()]

    def execute(self, tree: exp.Expr, params: Params | None = None) -> int:
        with self._statement():
            self._run(tree, params)
            if isinstance(tree, exp.Query):
                return 0
            row = self._cursor.fetchone()
            return int(row[0]) if row and isinstance(row[0], int) else 0

    def analyze(self, *tables: Table) -> None:
        """DuckDB keeps its own statistics."""

    def append(self, table: Table, data: Any) -> int:
        rows = _as_table(data)
        wanted = {name.lower() for name in self._table_columns(table)}
        for name in rows.column_names:
            if name.lower() not in wanted:
                raise Invalid(f'table {table} has no column "{name}"', field=name)
        if rows.num_rows == 0 or rows.num_columns == 0:
            return 0
        view = f"arrow_{uuid4().hex}"
        names = [column(name) for name in rows.column_names]
        target = exp.Schema(this=table.expression(), expressions=[identifier(name) for name in rows.column_names])
        insert = exp.Insert(this=target, expression=exp.select(*names).from_(exp.Table(this=identifier(view))))
        self._cursor.register(view, rows)
        try:
            return self.execute(insert)
        finally:
            self._cursor.unregister(view)

    def _table_columns(self, table: Table) -> list[str]:
        return [name.name for name in self.describe(exp.select("*").from_(table.expression()))]

    def _arrow(self, tree: exp.Expr, params: Params | None, size: int) -> Iterator[Any]:
        self._stream = self._cursor.sql(render(tree, "duckdb"), params=dict(params or {})).to_arrow_reader(size)
        return iter(self._stream)

    def _run(self, tree: exp.Expr, params: Params | None) -> None:
        self._cursor.execute(render(tree, "duckdb"), dict(params or {}))
        self._columns = [
            Column(name, portable_type(str(type_), "duckdb")) for name, type_, *_ in self._cursor.description or ()
        ]

    @contextmanager
    def _statement(self, *, keep: bool = False) -> Iterator[None]:
        if not keep:
            self._is_cut = False
            self.end()
        try:
            with self._guard.statement():
                yield
        except (duckdb.Error, OSError, RuntimeError, ValueError) as error:
            self._has_failed = True
            # An error inside an Arrow stream comes as one of Python's own kinds.
            problem = _translated(error, self._guard)
            if problem is error:
                raise
            raise problem from error


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    # Without a transaction (the engine has ended it by itself) there is nothing to undo, and the first error counts.
    with suppress(duckdb.Error):
        cursor.execute("ROLLBACK")


def _as_table(data: Any) -> Any:
    import pyarrow

    if isinstance(data, pyarrow.Table):
        return data
    return pyarrow.Table.from_batches([data] if isinstance(data, pyarrow.RecordBatch) else list(data))


def _text_of(texts: Any, count: int) -> bytes:
    """The first `count` values of an Arrow text array in one piece, without making Python strings."""
    if count == 0:
        return b""
    starts, data = _starts(texts)
    return bytes(data[starts[0] : starts[count]])


def _starts(texts: Any) -> tuple[Any, Any]:
    """Where each value of an Arrow text array begins (and the last one ends), and the bytes that hold them."""
    _, offsets, data = texts.buffers()
    wide = str(texts.type).startswith("large")
    starts = memoryview(offsets).cast("q" if wide else "i")[texts.offset : texts.offset + len(texts) + 1]
    return starts, memoryview(data) if data is not None else memoryview(b"")


def text_pages(arrays: Iterable[Any], *, rows: int, size_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Values of Arrow text arrays joined into pages: the text and the number of values; at least one page."""
    parts: list[bytes] = []
    count = size = given = 0
    for texts in arrays:
        if not len(texts):
            continue
        starts, data = _starts(texts)
        begin = 0
        while begin < len(texts):
            room = size_bytes - size
            taken = bisect_right(starts, starts[begin] + room, begin + 1, min(len(texts), begin + rows - count) + 1)
            taken -= 1 + begin
            if taken == 0 and count == 0:
                taken = 1
            parts.append(bytes(data[starts[begin] : starts[begin + taken]]))
            size += len(parts[-1])
            count += taken
            begin += taken
            if count >= rows or begin < len(texts):
                yield b"".join(parts), count
                given += 1
                parts, count, size = [], 0, 0
    if count or not given:
        yield b"".join(parts), count


def _translated(error: Exception, guard: Guard) -> Exception:
    """The problem that the error means. Only the first line is told: what follows quotes the engine's own SQL."""
    message = str(error).split("\n", 1)[0]
    if isinstance(error, duckdb.InterruptException) or "INTERRUPT" in message:
        if guard.cancel is not None and guard.cancel.is_cancelled:
            return QueryCancelled("the query was cancelled")
        return QueryTimeout(f"the query took longer than its limit of {guard.limits.seconds:g} seconds")
    if isinstance(error, duckdb.OutOfMemoryException) or _NO_ROOM.search(message):
        return QueryTooLarge("the query needs more memory than the warehouse may use (TESSERA_WAREHOUSE_MEMORY_MB)")
    if isinstance(error, duckdb.TransactionException | duckdb.ConstraintException):
        return WriteConflict(message)
    if isinstance(error, duckdb.FatalException | duckdb.InternalException | duckdb.IOException):
        return Unavailable("the warehouse engine failed; its log has the reason")
    if isinstance(error, duckdb.Error) or _ENGINE_ERROR.match(message):
        return QueryFailed(message)
    return error
