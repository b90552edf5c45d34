"""One database behind two calls, ``read`` and ``write``; what a transaction offers to rules and stores.

On SQLite one thread writes (see ``sqlite_writer``) and each reader thread keeps a connection; on PostgreSQL both kinds
of thread keep one. Nobody else opens connections, and nobody else commits.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
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
from tessera.kernel.threads import Threads
from tessera.kernel.tx import EPOCHS, IntegrityError, Prepared, Tx, translated, upsert, violates

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
EPOCH_SECONDS: Final = 0.01
"""How seldom SQLite is asked whether another process, such as the command line, has changed something: it costs 30
microseconds after each commit."""
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
        self._reading = Threads(readers, "db-read", self._join_pool)
        self._writing = Threads(writers, "db-write", self._join_pool)
        self._background = Threads(BACKGROUND, "db-background", self._join_pool)
        self._read_engine = self._engine(reads=True)
        self._write_engine = self._engine(reads=False)
        self._sqlite_writer: SqliteWriter | None = None
        if self.dialect == "sqlite":
            self._sqlite_writer = SqliteWriter(self._write_engine, self._settle)
        self._epochs: dict[str, int] = {}
        """As SQLite has them; what this process itself commits counts beside it, at once."""
        self._own_epochs: dict[str, int] = {}
        self._epoch_lock = threading.Lock()
        self._epoch_connection: Any = None
        self._epoch_version = -1
        self._epoch_looked_at = 0.0
        self._is_serving = False
        self._open: set[Connection] = set()
        self._open_lock = threading.Lock()
        self._notices: Notices | None = None
        if self.dialect == "postgresql":
            url_of_driver = self._parsed.set(drivername="postgresql+psycopg")
            self._notices = Notices(partial(open_postgres, url_of_driver, kept=True))

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
        return sa.create_engine(
            url, creator=partial(open_postgres, url, kept=True), isolation_level="AUTOCOMMIT", **options
        )

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
        return await self._reading.run(partial(self._read_here, function, *args, **kwargs))

    def read_now(self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` for a thread that may wait."""
        return self._in_pool(partial(self._read_here, function, *args, **kwargs))

    def _join_pool(self) -> None:
        self._ours.is_ours = True

    def _in_pool(self, call: Callable[[], T]) -> T:
        """Run ``call`` where connections are kept. Any number of threads may come; each with connections of its own
        would exhaust PostgreSQL."""
        return call() if self._ours.is_ours else self._background.call(call)

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
        if self._sqlite_writer is not None:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[T] = loop.create_future()
            self._sqlite_writer.submit(lambda tx: function(tx, *args, **kwargs), future, loop)
            return await future
        return await self._writing.run(partial(self._write_postgres, function, *args, **kwargs))

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
                tx.begin()
                result = function(tx, *args, **kwargs)
                tx.commit()
            except BaseException as raised:
                error = translated(raised)
                if not isinstance(error, sa.exc.DBAPIError):
                    self._roll_back(tx)
                    raise
                if _lost(error):
                    self._drop(self._writer)
                    raise Unavailable("the metadata database went away; nothing was changed") from error
                self._roll_back(tx)
                if getattr(error.orig, "sqlstate", None) in _REPEATABLE and attempt < RETRIES:
                    continue
                raise error from None
            self._settle(tx)
            if tx.bumped and self._notices is not None:
                self._notices.tell(connection)
            return result
        raise AssertionError("unreachable")

    def _roll_back(self, tx: Tx) -> None:
        try:
            tx.roll_back()
        except sa.exc.DBAPIError:
            self._drop(self._writer)

    def _settle(self, tx: Tx) -> None:
        """What follows a commit inside this process."""
        for name in tx.bumped:
            if self._notices is not None:
                self._notices.bumped(name)
            else:
                with self._epoch_lock:
                    self._own_epochs[name] = self._own_epochs.get(name, 0) + 1
        if tx.bumped and self.dialect == "sqlite" and not self._is_serving:
            # Of a process that is about to end, such as the command line: nobody has to trust in something old by then.
            time.sleep(EPOCH_SECONDS)
        for nudge in tx.nudges:
            nudge()

    # -- epochs and notices ------------------------------------------------------------------------------------------

    def epoch(self, name: str) -> int:
        """A number that is another one after each committed ``Tx.bump(name)``. A microsecond; any thread.

        In every process: when ``write`` of the bump has returned, no process answers the number from before.
        """
        if self._notices is not None:
            return self._notices.epoch(name)
        if time.monotonic() - self._epoch_looked_at >= EPOCH_SECONDS:
            self._look_at_epochs()
        return self._epochs.get(name, 0) + self._own_epochs.get(name, 0)

    def _look_at_epochs(self) -> None:
        with self._epoch_lock:
            self._epoch_looked_at = time.monotonic()
            if self._epoch_connection is None:
                self._epoch_connection = open_sqlite(self._parsed.database, reads=True)
            version = self._epoch_connection.execute("PRAGMA data_version").fetchone()[0]
            if version != self._epoch_version:
                rows = self._epoch_connection.execute("SELECT name, value FROM kernel_epochs").fetchall()
                self._epochs = dict(rows)
                self._epoch_version = version

    def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call ``heard(payload)`` for each notice of other processes on PostgreSQL (see ``Tx.notify``)."""
        if self._notices is not None:
            self._notices.listen(channel, heard)

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to hear other processes. Reading and writing need no start."""
        self._is_serving = True
        if self._notices is not None:
            self._notices.start()

    def close(self) -> None:
        """End all threads and connections; what is queued is finished first."""
        for threads in (self._reading, self._writing, self._background):
            threads.close()
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
            creator = partial(open_postgres, url, kept=False)
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


def open_postgres(url: sa.URL, *, kept: bool) -> Any:
    """A connection that hands out times, dates and UUIDs as text, and speaks UTC.

    Args:
        kept: for ``Database``'s own threads: JSON (not JSONB) comes as bytes, and ``Tx`` begins and ends transactions.
    """
    arguments: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
    arguments |= {name: value for name, value in url.query.items() if isinstance(value, str)}
    connection = psycopg.connect(
        **arguments,
        options="-c timezone=UTC -c lock_timeout=10000 -c statement_timeout=60000"
        # A process that hangs inside a transaction must not hold its rows for ever.
        " -c idle_in_transaction_session_timeout=60000",
        autocommit=kept,
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
    if kept:
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
