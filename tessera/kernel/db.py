"""One database behind two calls, ``read`` and ``write``; what a transaction offers to rules and stores.

On SQLite one thread writes (see ``sqlite_writer``) and each reader thread keeps a connection; on PostgreSQL both kinds
of thread keep one. Nobody else opens connections, and nobody else commits.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, CursorResult, Engine, Row

from tessera.kernel.columns import METADATA, Day, Document, Flag, Id, Instant, wide_instant
from tessera.kernel.errors import Unavailable
from tessera.kernel.sqlite_writer import SqliteWriter

__all__ = [
    "METADATA",
    "Database",
    "Day",
    "Document",
    "Flag",
    "Id",
    "Instant",
    "IntegrityError",
    "Prepared",
    "Tx",
    "upsert",
    "violates",
]

P = ParamSpec("P")
T = TypeVar("T")

IntegrityError = sa.exc.IntegrityError
READERS: Final = 4
"""Reader threads; more than cores only helps while the database waits for disk."""
WRITERS: Final = 8
"""Writer threads on PostgreSQL (SQLite has one)."""
RETRIES: Final = 3
"""Tries of a write that PostgreSQL ends with a serialisation failure or a deadlock."""
_REPEATABLE: Final = frozenset({"40001", "40P01"})

EPOCHS = sa.Table(
    "kernel_epochs",
    METADATA,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
"""A number a topic, raised with each change that caches of that topic must notice."""


class Prepared:
    """A statement compiled once a dialect and sent straight to the driver: for routes that are called all the time.

    Rows are plain tuples. Parameters are the statement's ``sa.bindparam`` names, all of them, and are sent as they
    are given, so they have to be plain values already (text, numbers, None).
    """

    def __init__(self, statement: sa.sql.ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None, dict[str, Any]]] = {}

    def bind(self, dialect: sa.engine.Dialect, values: Mapping[str, Any]) -> tuple[str, Any]:
        """The text and the parameters in the form that the driver takes."""
        known = self._compiled.get(dialect.name)
        if known is None:
            compiled = self._statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
            order = tuple(compiled.positiontup) if compiled.positional and compiled.positiontup is not None else None  # type: ignore[attr-defined]
            known = self._compiled[dialect.name] = (str(compiled), order, dict(compiled.params))
        text, order, defaults = known
        if order is None:
            return text, {**defaults, **values}
        return text, tuple(values[name] if name in values else defaults[name] for name in order)


class Tx:
    """One open transaction. It knows no domain, and it cannot commit."""

    __slots__ = ("_after_commit", "_bumped", "_connection", "_cursor", "dialect")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect: str = connection.dialect.name
        self._after_commit: list[Callable[[], None]] = []
        self._bumped: list[str] = []
        self._cursor: Any = None

    @property
    def connection(self) -> Connection:
        """The SQLAlchemy connection, for code of the kernel alone."""
        return self._connection

    def execute(self, statement: sa.Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a Core statement; with a list of mappings, once for each."""
        return self._connection.execute(statement, parameters)

    def scalar(self, statement: sa.Executable, parameters: Any = None) -> Any:
        """First column of the first row, or None."""
        return self._connection.execute(statement, parameters).scalar()

    def one(self, statement: sa.Executable, parameters: Any = None) -> Row[Any] | None:
        """The first row, or None."""
        return self._connection.execute(statement, parameters).first()

    def all(self, statement: sa.Executable, parameters: Any = None) -> Sequence[Row[Any]]:
        """All rows; for what is small by nature or limited."""
        return self._connection.execute(statement, parameters).all()

    def run(self, prepared: Prepared, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a prepared statement; an empty list for one that returns none."""
        cursor = self._cursor
        if cursor is None:
            driver: Any = self._connection.connection.driver_connection
            cursor = self._cursor = driver.cursor()
        try:
            cursor.execute(*prepared.bind(self._connection.dialect, values))
            return cursor.fetchall() if cursor.description is not None else []
        except (sqlite3.Error, _postgres_error()) as error:
            raise _translated(error) from error

    def lock(self, name: str) -> None:
        """Until the end of this transaction, nobody else is inside the lock of this name.

        SQLite has one writer, so there the lock is held already.
        """
        if self.dialect == "postgresql":
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))

    def bump(self, name: str) -> None:
        """With the commit, every cache that asks ``Database.epoch(name)`` sees a new number, in every process."""
        if name in self._bumped:
            return
        self._bumped.append(name)
        statement = upsert(self, EPOCHS, {"name": name, "value": 1}, ["name"], {"value": EPOCHS.c.value + 1})
        self._connection.execute(statement)
        self.notify("tessera_epoch", name)

    def notify(self, channel: str, payload: str) -> None:
        """On PostgreSQL, tell other processes with the commit; elsewhere there are none."""
        if self.dialect == "postgresql":
            self._connection.execute(sa.select(sa.func.pg_notify(channel, payload)))

    def after_commit(self, nudge: Callable[[], None]) -> None:
        """Call ``nudge`` in this process after the commit. It may be lost with the process: wake, do not do."""
        self._after_commit.append(nudge)


def upsert(
    tx: Tx,
    table: sa.Table,
    values: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    changes: Mapping[str, Any] | None = None,
) -> sa.Executable:
    """INSERT that, where ``keys`` exist already, updates ``changes`` (default: the other columns; {}: nothing)."""
    insert: Any = (postgres_insert if tx.dialect == "postgresql" else sqlite_insert)(table).values(values)
    if changes is None:
        first = values if isinstance(values, Mapping) else values[0]
        changes = {name: insert.excluded[name] for name in first if name not in keys}
    if not changes:
        return insert.on_conflict_do_nothing(index_elements=list(keys))  # type: ignore[no-any-return]
    return insert.on_conflict_do_update(index_elements=list(keys), set_=dict(changes))  # type: ignore[no-any-return]


def violates(error: IntegrityError, what: str) -> bool:
    """Whether the database refused for this reason.

    Args:
        what: ``unique``, ``foreign``, ``null``, ``check``; or a constraint's name on PostgreSQL, or ``table.column``.
    """
    states = {"unique": "23505", "foreign": "23503", "null": "23502", "check": "23514"}
    texts = {"unique": "UNIQUE constraint", "foreign": "FOREIGN KEY", "null": "NOT NULL", "check": "CHECK constraint"}
    original: Any = error.orig
    state = getattr(original, "sqlstate", None)
    if state is not None:
        constraint = getattr(original.diag, "constraint_name", None)
        return states.get(what) == state or constraint == what
    return texts.get(what, what) in str(original)


class _Reader(threading.local):
    connection: Connection | None = None


class Database:
    """The metadata database. ``read`` and ``write`` for coroutines, ``read_now`` and ``write_now`` for threads."""

    def __init__(self, url: str, *, readers: int = READERS, writers: int = WRITERS) -> None:
        self.url = url
        self._parsed = sa.make_url(url)
        self.dialect: str = "postgresql" if self._parsed.get_backend_name().startswith("postgres") else "sqlite"
        self._reader = _Reader()
        self._writer = _Reader()
        self._reading = ThreadPoolExecutor(readers, thread_name_prefix="db-read")
        self._writing = ThreadPoolExecutor(writers, thread_name_prefix="db-write")
        self._read_engine = self._engine(reads=True)
        self._write_engine = self._engine(reads=False)
        self._sqlite_writer: SqliteWriter | None = None
        if self.dialect == "sqlite":
            self._sqlite_writer = SqliteWriter(self._write_engine, self._settle)
        self._epochs: dict[str, int] = {}
        self._epoch_lock = threading.Lock()
        self._epoch_connection: Any = None
        self._epoch_version = -1
        self._open: set[Connection] = set()
        self._open_lock = threading.Lock()
        self._closed = threading.Event()
        self._listener: threading.Thread | None = None
        self._listening: dict[str, list[Callable[[str], None]]] = {}

    # -- engines and connections -------------------------------------------------------------------------------------

    def _engine(self, *, reads: bool) -> Engine:
        options: dict[str, Any] = {
            "poolclass": sa.pool.NullPool,
            "json_serializer": lambda value: msgspec.json.encode(value).decode(),
            "json_deserializer": msgspec.json.decode,
        }
        if self.dialect == "sqlite":
            path = self._parsed.database
            return sa.create_engine(
                "sqlite://", creator=partial(open_sqlite, path, reads=reads), isolation_level="AUTOCOMMIT", **options
            )
        url = self._parsed.set(drivername="postgresql+psycopg")
        level = {"isolation_level": "AUTOCOMMIT"} if reads else {}
        return sa.create_engine(url, creator=partial(open_postgres, url, reads=reads), **level, **options)

    def _connect(self, slot: _Reader, engine: Engine) -> Connection:
        connection = slot.connection
        if connection is None or connection.closed or connection.invalidated:
            try:
                connection = slot.connection = engine.connect()
            except sa.exc.OperationalError as error:
                raise Unavailable("the metadata database does not answer") from error
            with self._open_lock:
                self._open.add(connection)
        return connection

    def _drop(self, slot: _Reader) -> None:
        if slot.connection is not None:
            with self._open_lock:
                self._open.discard(slot.connection)
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                slot.connection.invalidate()
            slot.connection = None

    # -- reading -----------------------------------------------------------------------------------------------------

    async def read(self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``function(tx, ...)`` in a reader thread; it sees one snapshot on SQLite."""
        call = partial(self.read_now, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._reading, call)

    def read_now(self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` for a thread that may wait."""
        for attempt in (1, 2):
            connection = self._connect(self._reader, self._read_engine)
            try:
                if self.dialect == "sqlite":
                    driver: Any = connection.connection.driver_connection
                    driver.execute("BEGIN")
                    try:
                        return function(Tx(connection), *args, **kwargs)
                    finally:
                        if driver.in_transaction:
                            driver.execute("COMMIT")
                return function(Tx(connection), *args, **kwargs)
            except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.DBAPIError) as error:
                if isinstance(error, sa.exc.DBAPIError) and not _lost(error):
                    raise
                self._drop(self._reader)
                if attempt == 2:
                    raise Unavailable("the metadata database went away") from error
        raise AssertionError("unreachable")

    # -- writing -----------------------------------------------------------------------------------------------------

    async def write(self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``function(tx, ...)`` in one write transaction and return when it is committed.

        The function may be run again: it touches the database and nothing else.
        """
        loop = asyncio.get_running_loop()
        if self._sqlite_writer is not None:
            future: asyncio.Future[T] = loop.create_future()
            self._sqlite_writer.submit(partial(function, *args, **kwargs), future, loop)  # type: ignore[arg-type]
            return await future
        call = partial(self._write_postgres, function, *args, **kwargs)
        return await loop.run_in_executor(self._writing, call)

    def write_now(self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``write`` for a thread that may wait."""
        if self._sqlite_writer is not None:
            return self._sqlite_writer.call(partial(function, *args, **kwargs))  # type: ignore[arg-type, no-any-return]
        return self._write_postgres(function, *args, **kwargs)

    def _write_postgres(self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, RETRIES + 1):
            connection = self._connect(self._writer, self._write_engine)
            tx = Tx(connection)
            try:
                with connection.begin():
                    result = function(tx, *args, **kwargs)
            except sa.exc.DBAPIError as error:
                if _lost(error):
                    self._drop(self._writer)
                    raise Unavailable("the metadata database went away; nothing was changed") from error
                if getattr(error.orig, "sqlstate", None) in _REPEATABLE and attempt < RETRIES:
                    continue
                raise
            self._settle(tx)
            return result
        raise AssertionError("unreachable")

    def _settle(self, tx: Tx) -> None:
        """What follows a commit inside this process."""
        for name in tx._bumped:
            with self._epoch_lock:
                self._epochs[name] = self._epochs.get(name, 0) + 1
        for nudge in tx._after_commit:
            nudge()

    # -- epochs and notices ------------------------------------------------------------------------------------------

    def epoch(self, name: str) -> int:
        """A number that is another one after each committed ``Tx.bump(name)``. A few microseconds; any thread."""
        if self.dialect == "postgresql":
            return self._epochs.get(name, 0)
        with self._epoch_lock:
            if self._epoch_connection is None:
                self._epoch_connection = open_sqlite(self._parsed.database, reads=True)
            version = self._epoch_connection.execute("PRAGMA data_version").fetchone()[0]
            if version != self._epoch_version:
                rows = self._epoch_connection.execute("SELECT name, value FROM kernel_epochs").fetchall()
                self._epochs = dict(rows)
                self._epoch_version = version
            return self._epochs.get(name, 0)

    def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call ``heard(payload)`` for each notice of other processes on PostgreSQL (see ``Tx.notify``)."""
        self._listening.setdefault(channel, []).append(heard)
        if self.dialect == "postgresql" and self._listener is None:
            self._listener = threading.Thread(target=self._hear, name="db-listen", daemon=True)
            self._listener.start()

    def _hear(self) -> None:
        import psycopg

        channels = sa.make_url(self.url).set(drivername="postgresql+psycopg")
        while not self._closed.is_set():
            try:
                with contextlib.closing(open_postgres(channels, reads=True)) as connection:
                    listened: set[str] = set()
                    while not self._closed.is_set():
                        for channel in set(self._listening) - listened:
                            connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
                            listened.add(channel)
                            if channel == "tessera_epoch":  # what was bumped while nobody listened
                                self._heard_epoch("")
                        for notice in connection.notifies(timeout=0.5, stop_after=100):
                            for heard in self._listening.get(notice.channel, ()):
                                heard(notice.payload)
            except psycopg.Error:
                self._heard_epoch("")
                self._closed.wait(0.5)

    def _heard_epoch(self, name: str) -> None:
        with self._epoch_lock:
            for each in [name] if name else list(self._epochs):
                self._epochs[each] = self._epochs.get(each, 0) + 1

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to hear other processes. Reading and writing need no start."""
        self.listen("tessera_epoch", self._heard_epoch)

    def close(self) -> None:
        """End all threads and connections; what is queued is finished first."""
        self._closed.set()
        self._reading.shutdown(wait=True)
        self._writing.shutdown(wait=True)
        if self._sqlite_writer is not None:
            self._sqlite_writer.close()
        if self._listener is not None:
            self._listener.join(timeout=5)
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(sa.exc.SQLAlchemyError, sqlite3.Error):
                    connection.close()
            self._open.clear()
        if self._epoch_connection is not None:
            self._epoch_connection.close()
        self._read_engine.dispose()
        self._write_engine.dispose()

    @contextlib.contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A plain connection for the migrations, which manage their own transactions."""
        if self.dialect == "sqlite":
            Path(self._parsed.database or ".").parent.mkdir(parents=True, exist_ok=True)
            creator = partial(open_sqlite, self._parsed.database, reads=False)
            engine = sa.create_engine("sqlite://", creator=creator, poolclass=sa.pool.NullPool)
            sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        else:
            engine = self._write_engine
        with engine.connect() as connection:
            yield connection


def open_sqlite(path: str | None, *, reads: bool) -> sqlite3.Connection:
    """A connection as `docs/explanation/architecture.md` (Database) describes it."""
    connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-65536")
    connection.execute("PRAGMA mmap_size=268435456")
    connection.execute("PRAGMA temp_store=MEMORY")
    if reads:
        connection.execute("PRAGMA query_only=ON")
    return connection


def open_postgres(url: sa.URL, *, reads: bool) -> Any:
    """A connection that hands out times, dates and UUIDs as text and speaks UTC."""
    import psycopg
    from psycopg.adapt import Loader
    from psycopg.types.string import TextLoader

    arguments: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
    arguments |= {name: value for name, value in url.query.items() if isinstance(value, str)}
    connection = psycopg.connect(
        **arguments,
        options="-c timezone=UTC -c lock_timeout=10000 -c statement_timeout=60000",
        autocommit=reads,
        prepare_threshold=1,
        application_name="tessera",
    )

    class InstantLoader(TextLoader):
        def load(self, data: Any) -> str:
            return wide_instant(bytes(data).decode())

    class JsonLoader(Loader):
        # Of type json (documents are jsonb) is only what `projection` lets the database write: it goes out as it is.
        def load(self, data: Any) -> bytes:
            return bytes(data)

    for name in ("timestamp", "date", "uuid"):
        connection.adapters.register_loader(name, TextLoader)
    connection.adapters.register_loader("json", JsonLoader)
    connection.adapters.register_loader("timestamptz", InstantLoader)
    return connection


def _postgres_error() -> type[Exception]:
    import psycopg

    return psycopg.Error


def _translated(error: Exception) -> Exception:
    """The SQLAlchemy error for a driver's own, so that callers know one family."""
    original: Any = error
    state = getattr(original, "sqlstate", None) or ""
    if isinstance(error, sqlite3.IntegrityError) or state.startswith("23"):
        return sa.exc.IntegrityError(None, None, original)
    kind = sa.exc.OperationalError if isinstance(error, sqlite3.OperationalError) else sa.exc.DBAPIError
    lost = state in ("57P01", "57P02", "57P03", "08006", "08003")
    return kind(None, None, original, connection_invalidated=lost)


def _lost(error: sa.exc.DBAPIError) -> bool:
    """Whether the connection itself is gone."""
    if error.connection_invalidated:
        return True
    original: Any = error.orig
    connection = getattr(original, "pgconn", None)
    return connection is not None and getattr(connection, "status", 0) != 0
