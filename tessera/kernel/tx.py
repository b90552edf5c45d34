"""One open transaction: what rules and stores get to work with. It knows no domain, and it cannot commit."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, CursorResult, Row

from tessera.kernel.columns import METADATA
from tessera.kernel.notices import EPOCH_CHANNEL

IntegrityError = sa.exc.IntegrityError

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

    __slots__ = ("_connection", "_cursor", "bumped", "dialect", "nudges")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect: str = connection.dialect.name
        self.nudges: list[Callable[[], None]] = []
        self.bumped: list[str] = []
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
        cursor = self._cursor or self._open_cursor()
        try:
            cursor.execute(*prepared.bind(self._connection.dialect, values))
            return cursor.fetchall() if cursor.description is not None else []
        except (sqlite3.Error, psycopg.Error) as error:
            raise translated(error) from error

    def _open_cursor(self) -> Any:
        driver: Any = self._connection.connection.driver_connection
        self._cursor = driver.cursor()
        return self._cursor

    def begin(self) -> None:
        """Begin on PostgreSQL. This and the next two are the database's to call, and nobody else's."""
        self._plainly(b"BEGIN")

    def commit(self) -> None:
        """Commit on PostgreSQL."""
        self._plainly(b"COMMIT")

    def roll_back(self) -> None:
        """Undo on PostgreSQL."""
        self._plainly(b"ROLLBACK")

    def _plainly(self, command: bytes) -> None:
        """Without a cursor: half the CPU, for what has neither parameters nor rows."""
        driver: Any = self._connection.connection.driver_connection
        try:
            result = driver.pgconn.exec_(command)
        except psycopg.Error as error:
            raise translated(error) from error
        if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise translated(psycopg.errors.error_from_result(result))

    def lock(self, name: str) -> None:
        """Until the end of this transaction, nobody else is inside the lock of this name.

        SQLite has one writer, so there the lock is held already.
        """
        if self.dialect == "postgresql":
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))

    def bump(self, name: str) -> None:
        """With the commit, every cache that asks ``Database.epoch(name)`` sees a new number, in every process."""
        if name in self.bumped:
            return
        self.bumped.append(name)
        statement = upsert(self, EPOCHS, {"name": name, "value": 1}, ["name"], {"value": EPOCHS.c.value + 1})
        self._connection.execute(statement)
        self.notify(EPOCH_CHANNEL, name)

    def notify(self, channel: str, payload: str) -> None:
        """On PostgreSQL, tell other processes with the commit; elsewhere there are none."""
        if self.dialect == "postgresql":
            self._connection.execute(sa.select(sa.func.pg_notify(channel, payload)))

    def after_commit(self, nudge: Callable[[], None]) -> None:
        """Call ``nudge`` in this process after the commit. It may be lost with the process: wake, do not do."""
        self.nudges.append(nudge)


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


def translated(error: BaseException) -> BaseException:
    """The SQLAlchemy error for a driver's own, so that callers know one family; any other as it is."""
    if not isinstance(error, sqlite3.Error | psycopg.Error):
        return error
    original: Any = error
    state = getattr(original, "sqlstate", None) or ""
    if isinstance(error, sqlite3.IntegrityError) or state.startswith("23"):
        return sa.exc.IntegrityError(None, None, original)
    kind = sa.exc.OperationalError if isinstance(error, sqlite3.OperationalError) else sa.exc.DBAPIError
    lost = state in ("57P01", "57P02", "57P03", "08006", "08003")
    return kind(None, None, original, connection_invalidated=lost)
