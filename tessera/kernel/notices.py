"""What other processes on one PostgreSQL database say, and why a cache may be trusted all the same.

A process trusts its caches only while it listens: each beat of its connection is good for ``LEASE_SECONDS``. Who
commits a bump asks all that listen, and goes on when each has answered or its lease has ended. So what a request was
told is done counts for every request that comes after it, in every process; checking costs a look at a clock and a
dict, and the one that changes something pays two or three milliseconds.
"""

import contextlib
import itertools
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
import psycopg.sql
import sqlalchemy as sa
from sqlalchemy.engine import Connection

LEASE_SECONDS: Final = 2.0
"""So long after a beat began, caches are trusted; a process that hangs or is cut off holds a change up no longer."""
BEAT_SECONDS: Final = 0.5
EPOCH_CHANNEL: Final = "tessera_epoch"
SEEN_CHANNEL: Final = "tessera_seen"
_GATE: Final = 0x7E56
"""Class of the advisory lock that each listening connection holds for its life: thereby the others know of it."""
_ASKS: Final = "?"

_LISTENERS: Final = sa.text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = :gate AND objsubid = 2 AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class _Asked:
    """Who has yet to answer one question."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.changed = threading.Condition()

    def answer(self, pid: int) -> None:
        with self.changed:
            self.seen.add(pid)
            self.changed.notify_all()

    def wait(self, pids: set[int], seconds: float) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: pids <= self.seen, seconds)


class Notices:
    """The listening connection of one process, and its epochs. The thread starts with the first ``listen``.

    Args:
        connect: opens a connection in autocommit mode.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._heeding: dict[str, list[Callable[[str], None]]] = {
            EPOCH_CHANNEL: [self._heard_epoch],
            SEEN_CHANNEL: [self._heard_answer],
        }
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._listening = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._guard = threading.Lock()
        self._epochs: dict[str, int] = {}
        self._all = 0
        self._trusted_until = 0.0
        self._untrusted = itertools.count(1)
        self._connection: Any = None
        self._asked: dict[str, _Asked] = {}

    # -- epochs ------------------------------------------------------------------------------------------------------

    def epoch(self, name: str) -> int:
        """See ``Database.epoch``. Where nothing can be heard, a number that was never given before."""
        if time.monotonic() >= self._trusted_until:
            return -next(self._untrusted)
        return self._epochs.get(name, 0) + self._all

    def bumped(self, name: str) -> None:
        """This process itself has committed a bump."""
        with self._guard:
            self._epochs[name] = self._epochs.get(name, 0) + 1

    def tell(self, connection: Connection) -> None:
        """After the commit of a bump: return when no other process trusts anything from before it.

        Args:
            connection: of the caller, in autocommit mode, with no transaction open.
        """
        began = time.monotonic()
        question, asked = os.urandom(8).hex(), _Asked()
        self._asked[question] = asked
        try:
            if self._is_alone(connection):
                return
            self.start()
            heard = self._listening.wait(LEASE_SECONDS)
            pids = self._others(connection)
            if pids:
                payload = {"channel": EPOCH_CHANNEL, "payload": _ASKS + question}
                connection.execute(sa.text("SELECT pg_notify(:channel, :payload)"), payload)
            left = began + LEASE_SECONDS - time.monotonic()
            if heard and asked.wait(pids, left):
                return
        except sa.exc.SQLAlchemyError:
            # The bump is committed; who cannot be asked is waited for.
            pass
        finally:
            del self._asked[question]
        time.sleep(max(0.0, began + LEASE_SECONDS - time.monotonic()))

    def _is_alone(self, connection: Connection) -> bool:
        return not self._others(connection)

    def _others(self, connection: Connection) -> set[int]:
        pids = set(connection.execute(_LISTENERS, {"gate": _GATE}).scalars())
        listening = self._connection
        return pids - ({listening.info.backend_pid} if listening is not None else set())

    def _heard_epoch(self, payload: str) -> None:
        if not payload.startswith(_ASKS):
            self.bumped(payload)
            return
        # All that was committed before the question has been heard: notices come in the order of commits.
        answer = f"{payload[1:]} {self._connection.info.backend_pid}"
        self._connection.execute("SELECT pg_notify(%s, %s)", (SEEN_CHANNEL, answer))

    def _heard_answer(self, payload: str) -> None:
        question, _, pid = payload.partition(" ")
        asked = self._asked.get(question)
        if asked is not None:
            asked.answer(int(pid))

    def _forget_all(self) -> None:
        with self._guard:
            self._all += 1

    # -- listening ---------------------------------------------------------------------------------------------------

    def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call ``heard(payload)`` in the listening thread for each notice of that channel."""
        self._heeding.setdefault(channel, []).append(heard)
        self.start()

    def start(self) -> None:
        """Begin to listen."""
        with self._guard:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="db-listen", daemon=True)
                self._thread.start()
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                with contextlib.closing(self._connect()) as connection:
                    self._hear(connection)
            except psycopg.Error:
                self._closed.wait(BEAT_SECONDS)
            finally:
                self._trusted_until = 0.0
                self._listening.clear()
                self._connection = None

    def _hear(self, connection: Any) -> None:
        inbox: list[tuple[str, str]] = []
        connection.add_notify_handler(lambda notice: inbox.append((notice.channel, notice.payload)))
        listened: set[str] = set()
        self._connection = connection
        while not self._closed.is_set():
            new = set(self._heeding) - listened
            for channel in new:
                connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
            if not listened:
                # In this order: whoever finds the lock may count on an answer.
                connection.execute("SELECT pg_advisory_lock_shared(%s, 0)", (_GATE,))
                self._forget_all()
            listened |= new
            began = time.monotonic()
            connection.execute("SELECT 1")
            # What the driver has read beyond the answer's end would otherwise lie there until the next beat.
            while (late := connection.pgconn.notifies()) is not None:
                inbox.append((late.relname.decode(), late.extra.decode()))
            heard, inbox[:] = list(inbox), []
            for channel, payload in heard:
                for heed in self._heeding.get(channel, ()):
                    heed(payload)
            self._trusted_until = began + LEASE_SECONDS
            self._listening.set()
            if not inbox:
                self._rest(connection)

    def _rest(self, connection: Any) -> None:
        ready, _, _ = select.select([connection.fileno(), self._wake_read], [], [], BEAT_SECONDS)
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)

    def close(self) -> None:
        """Hear no more."""
        self._closed.set()
        self._wake()
        if self._thread is not None:
            self._thread.join(timeout=5)
            if self._thread.is_alive():
                return
        os.close(self._wake_read)
        os.close(self._wake_write)
