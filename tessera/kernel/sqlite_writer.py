"""The one thread that writes to SQLite: calls queue up, share a commit, and fail or succeed each for itself."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from tessera.kernel.errors import Unavailable
from tessera.kernel.tx import Tx

CALLS_PER_COMMIT: Final = 64
"""More would let the first caller of a batch wait for strangers; fewer would pay the disk for each."""
BATCH_SECONDS: Final = 0.02
"""A batch takes no further call after this long."""

Outcome = tuple[Any, Any, Any]


class SqliteWriter:
    """Runs each call inside a savepoint of a shared transaction.

    Args:
        engine: makes the connection that this thread alone uses.
        settle: called after the commit for each transaction object.
    """

    def __init__(self, engine: Engine, settle: Callable[[Tx], None]) -> None:
        self._engine = engine
        self._settle = settle
        self._queue: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()
        self._closed = False

    def submit(
        self, function: Callable[[Tx], Any], future: "asyncio.Future[Any]", loop: asyncio.AbstractEventLoop
    ) -> None:
        """Queue a call whose outcome a coroutine waits for."""
        self._ensure()
        self._queue.put((function, future, loop))

    def call(self, function: Callable[[Tx], Any]) -> Any:
        """Queue a call and wait for its outcome in this thread."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a write inside a write would wait for itself: pass the transaction on")
        self._ensure()
        future: Future[Any] = Future()
        self._queue.put((function, future, None))
        return future.result()

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        with self._start_lock:
            self._closed = True
            if self._thread is not None:
                self._queue.put(None)
                self._thread.join()

    def _ensure(self) -> None:
        if self._thread is not None and not self._closed:
            return
        with self._start_lock:
            if self._closed:
                raise Unavailable("the server is stopping")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="db-write", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        connection: Connection | None = None
        while True:
            first = self._queue.get()
            if first is None:
                break
            try:
                if connection is None:
                    connection = self._engine.connect()
                stop = self._batch(connection, first)
            except Exception as error:  # noqa: BLE001 - the caller gets it; this thread must live on
                _deliver([(first, None, error)])
                stop = False
                if connection is not None:
                    with contextlib.suppress(sqlite3.Error, sa.exc.SQLAlchemyError):
                        connection.close()
                connection = None
            if stop:
                break
        if connection is not None:
            connection.close()

    def _batch(self, connection: Connection, first: Outcome) -> bool:
        """Run ``first`` and what else waits in one commit; True when the writer has to end."""
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE")
        done: list[tuple[Outcome, Any, BaseException | None]] = []
        settled: list[Tx] = []
        item: Outcome | None = first
        stop = False
        began = time.monotonic()
        while item is not None:
            tx = Tx(connection)
            driver.execute("SAVEPOINT call")
            try:
                result = item[0](tx)
            except Exception as error:  # noqa: BLE001 - it belongs to the caller
                done.append((item, None, error))
                if not driver.in_transaction:  # a full disk ends the whole transaction, not only this call
                    lost = Unavailable("the metadata database could not commit; nothing was changed")
                    lost.__cause__ = error
                    done = [(one, None, failure or lost) for one, _, failure in done]
                    settled = []
                    break
                driver.execute("ROLLBACK TO call")
            else:
                done.append((item, result, None))
                settled.append(tx)
            driver.execute("RELEASE call")
            if len(done) >= CALLS_PER_COMMIT or time.monotonic() - began > BATCH_SECONDS:
                break
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            stop = item is None
        if driver.in_transaction:
            try:
                driver.execute("COMMIT")
            except sqlite3.Error as error:
                with contextlib.suppress(sqlite3.Error):
                    driver.execute("ROLLBACK")
                lost = Unavailable("the metadata database could not commit; nothing was changed")
                lost.__cause__ = error
                done = [(one, None, failure or lost) for one, _, failure in done]
                settled = []
        for tx in settled:
            self._settle(tx)
        _deliver(done)
        return stop


def _deliver(outcomes: list[tuple[Outcome, Any, BaseException | None]]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, BaseException | None]]] = {}
    for (_, future, loop), result, error in outcomes:
        if loop is not None:
            loops.setdefault(loop, []).append((future, result, error))
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
    for loop, mine in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(outcomes: list[tuple["asyncio.Future[Any]", Any, BaseException | None]]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
