"""Nudges: "look again", inside this process at once and, on PostgreSQL, to the other processes a moment later.

A nudge may be lost with its process, so whoever is nudged polls as well. Nothing else travels here.
"""

import os
import threading
from collections.abc import Callable
from typing import Final

from tessera.kernel.db import Database
from tessera.kernel.errors import Unavailable
from tessera.kernel.log import logger

CHANNEL: Final = "tessera_wake"
GATHER_SECONDS: Final = 0.02
"""What comes within it is looked at together: a busy writer wakes its readers 50 times a second, not with each commit
(which cost 1.2 ms of CPU a write). The first nudge after a rest is heeded at once."""

Heed = Callable[[str], None]
"""Gets what the nudge is about; an empty text may be anything. Must not block or raise; any thread calls it."""

_heeding: dict[str, tuple[Heed, ...]] = {}
_local: dict[str, tuple[Heed, ...]] = {}
_guard = threading.Lock()
_log = logger("wake")


def nudge(topic: str, about: str = "") -> None:
    """Wake those who heed ``topic``, here and in other processes. Cheap, and fit for ``Tx.after_commit``.

    Args:
        about: what is new, so that who does not care can sleep on; it does not reach other processes.
    """
    _call(_heeding, topic, about)
    _call(_local, topic, about)


def heed(topic: str, wake: Heed) -> Callable[[], None]:
    """Have ``wake`` called at each nudge; the answer ends that."""
    return _add(_heeding, topic, wake)


def _add(table: dict[str, tuple[Heed, ...]], topic: str, wake: Heed) -> Callable[[], None]:
    with _guard:
        table[topic] = (*table.get(topic, ()), wake)

    def end() -> None:
        with _guard:
            table[topic] = tuple(each for each in table.get(topic, ()) if each is not wake)

    return end


def _call(table: dict[str, tuple[Heed, ...]], topic: str, about: str) -> None:
    for wake in table.get(topic, ()):
        wake(about)


class Relay:
    """Carries nudges between the processes on one PostgreSQL database; idle on SQLite, which has one process.

    The notice is sent beside the change's transaction, not in it: PostgreSQL lets transactions that notify commit
    one at a time only, which would cost every writer the group commit.
    """

    def __init__(self, db: Database, topics: tuple[str, ...]) -> None:
        self._db = db
        self._topics = topics
        self._me = f"{os.getpid()}.{os.urandom(4).hex()}"
        self._pending: set[str] = set()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to send and to hear."""
        if self._db.dialect != "postgresql":
            return
        self._db.listen(CHANNEL, self._heard)
        self._ends = [_add(_local, topic, lambda _, topic=topic: self._push(topic)) for topic in self._topics]  # type: ignore[misc]
        self._thread = threading.Thread(target=self._run, name="wake-relay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send no more."""
        for end in self._ends:
            end()
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _heard(self, payload: str) -> None:
        sender, _, topic = payload.partition(":")
        if sender != self._me and not self._stop.is_set():
            _call(_heeding, topic, "")

    def _push(self, topic: str) -> None:
        with _guard:
            self._pending.add(topic)
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            with _guard:
                topics, self._pending = sorted(self._pending), set()
            for topic in topics:
                try:
                    self._db.write_now(lambda tx, topic=topic: tx.notify(CHANNEL, f"{self._me}:{topic}"))  # type: ignore[misc]
                except Unavailable:
                    _log.warning("nudge not sent: the database is away; others will notice by their poll", topic=topic)
            self._stop.wait(GATHER_SECONDS)
