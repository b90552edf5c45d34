"""One database behind two calls, ``read`` and ``write``; what a transaction offers to rules and stores.

On SQLite one thread writes (see ``sqlite_writer``) and each reader thread keeps a connection; on PostgreSQL both kinds
of thread keep one. Nobody else opens connections, and nobody else commits.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader
from sqlalchemy.engine import Connection, Engine

from tessera.kernel.columns import METADATA, Day, Document, Flag, Id, Instant, wide_instant
from tessera.kernel.errors import Unavailable
from tessera.kernel.notices import Notices
from tessera.kernel.sqlite_writer import SqliteWriter
from tessera.kernel.tx import EPOCHS, IntegrityError, Prepared, Tx, upsert, violates

__all__ = [
    "EPOCHS",
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

READERS: Final = 4
"""Reader threads; more than cores only helps while the database waits for disk."""
WRITERS: Final = 8
"""Writer threads on PostgreSQL (SQLite has one)."""
BACKGROUND: Final = 8
"""Threads that read and write for jobs, streams and the command line: however many ask, the connections are few."""
RETRIES: Final = 3
"""Tries of a write that PostgreSQL ends with a serialisation failure or a deadlock."""
_REPEATABLE: Final = frozenset({"40001", "40P01"})


class _Reader(threading.local):
    connection: Connection | None = None


class _Ours(threading.local):
    """Whether the current thread belongs to one of the pools, and so keeps connections."""

    is_ours = False


class Database:
    """The metadata database. ``read`` and ``write`` for coroutines, ``read_now`` and ``write_now`` for threads."""

    def __init__(self, url: str, *, readers: int = READERS, writers: int = WRITERS) -> None:
        self.url = url
        self._parsed = sa.make_url(url)
        self.dialect: str = "postgresql" if self._parsed.get_backend_name().startswith("postgres") else "sqlite"
        self._reader = _Reader()
        self._writer = _Reader()
        self._ours = _Ours()
        self._reading = ThreadPoolExecutor(readers, thread_name_prefix="db-read", initializer=self._join_pool)
        self._writing = ThreadPoolExecutor(writers, thread_name_prefix="db-write", initializer=self._join_pool)
        self._background = ThreadPoolExecutor(
            BACKGROUND, thread_name_prefix="db-background", initializer=self._join_pool
        )
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
        self._notices: Notices | None = None
        if self.dialect == "postgresql":
            url_of_driver = self._parsed.set(drivername="postgresql+psycopg")
            self._notices = Notices(partial(open_postgres, url_of_driver, reads=True))

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
        call = partial(self._read_here, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._reading, call)

    def read_now(self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` for a thread that may wait."""
        return self._in_pool(partial(self._read_here, function, *args, **kwargs))

    def _join_pool(self) -> None:
        self._ours.is_ours = True

    def _in_pool(self, call: Callable[[], T]) -> T:
        """Run ``call`` where connections are kept. Any number of threads may come; each with connections of its own
        would exhaust PostgreSQL."""
        if self._ours.is_ours:
            return call()
        try:
            waiting = self._background.submit(call)
        except RuntimeError as error:
            raise Unavailable("the server is stopping") from error
        return waiting.result()

    def _read_here(self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
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
            self._sqlite_writer.submit(lambda tx: function(tx, *args, **kwargs), future, loop)
            return await future
        call = partial(self._write_postgres, function, *args, **kwargs)
        return await loop.run_in_executor(self._writing, call)

    def write_now(self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``write`` for a thread that may wait."""
        if self._sqlite_writer is not None:
            return self._sqlite_writer.call(lambda tx: function(tx, *args, **kwargs))  # type: ignore[no-any-return]
        return self._in_pool(partial(self._write_postgres, function, *args, **kwargs))

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
            if tx.bumped and self._notices is not None:
                self._notices.tell(connection)
            return result
        raise AssertionError("unreachable")

    def _settle(self, tx: Tx) -> None:
        """What follows a commit inside this process."""
        if self._notices is not None:
            for name in tx.bumped:
                self._notices.bumped(name)
        for nudge in tx.nudges:
            nudge()

    # -- epochs and notices ------------------------------------------------------------------------------------------

    def epoch(self, name: str) -> int:
        """A number that is another one after each committed ``Tx.bump(name)``; any thread.

        In every process at once: when ``write`` of the bump has returned, no process answers the number from before.
        """
        if self._notices is not None:
            return self._notices.epoch(name)
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
        if self._notices is not None:
            self._notices.listen(channel, heard)

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to hear other processes. Reading and writing need no start."""
        if self._notices is not None:
            self._notices.start()

    def close(self) -> None:
        """End all threads and connections; what is queued is finished first."""
        self._reading.shutdown(wait=True)
        self._writing.shutdown(wait=True)
        self._background.shutdown(wait=True)
        if self._sqlite_writer is not None:
            self._sqlite_writer.close()
        if self._notices is not None:
            self._notices.close()
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
            # SQLAlchemy's own look at a schema reads JSON, which our connections hand out as bytes.
            url = self._parsed.set(drivername="postgresql+psycopg")
            creator = partial(open_postgres, url, reads=False, raw_json=False)
            engine = sa.create_engine(url, creator=creator, poolclass=sa.pool.NullPool)
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


def open_postgres(url: sa.URL, *, reads: bool, raw_json: bool = True) -> Any:
    """A connection that hands out times, dates and UUIDs as text, JSON (not JSONB) as bytes, and speaks UTC."""
    arguments: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
    arguments |= {name: value for name, value in url.query.items() if isinstance(value, str)}
    connection = psycopg.connect(
        **arguments,
        options="-c timezone=UTC -c lock_timeout=10000 -c statement_timeout=60000"
        # A process that hangs inside a transaction must not hold its rows for ever.
        " -c idle_in_transaction_session_timeout=60000",
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
    if raw_json:
        connection.adapters.register_loader("json", JsonLoader)
    connection.adapters.register_loader("timestamptz", InstantLoader)
    return connection


def _lost(error: sa.exc.DBAPIError) -> bool:
    """Whether the connection itself is gone."""
    if error.connection_invalidated:
        return True
    original: Any = error.orig
    connection = getattr(original, "pgconn", None)
    return connection is not None and getattr(connection, "status", 0) != 0
