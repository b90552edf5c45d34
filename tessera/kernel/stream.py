"""The newest events of all processes, kept in this one for its own clients; each client has a place, not a buffer.

A thread follows the outbox into a bounded ring, and rests while there is no client. A client that falls behind the ring
reads from the database, so a slow one costs no memory and misses nothing.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

from tessera.kernel import wake
from tessera.kernel.db import Database
from tessera.kernel.errors import Unavailable
from tessera.kernel.events import TOPIC, Event, horizon, page_events
from tessera.kernel.log import logger

RING: Final = 2_000
"""Events kept in memory."""
PAGE: Final = 500
"""Events handed to a client at once."""
_log = logger("stream")


class StreamEnded(Exception):
    """The server is stopping: no further events."""


class Stream:
    """Follows the outbox from ``start`` to ``stop``."""

    def __init__(self, db: Database, *, ring: int = RING, poll_seconds: float = 1.0) -> None:
        self.db = db
        self._ring: deque[Event] = deque(maxlen=ring)
        self._floor = 0
        self.reached = 0
        self._guard = threading.Lock()
        self._poll_seconds = poll_seconds
        self._wake = threading.Event()
        self._clients: set[Subscription] = set()
        self.has_ended = False
        self._thread: threading.Thread | None = None
        self._unheed: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to follow, as soon as there is a client."""
        self._unheed = wake.heed(TOPIC, self._heed)
        self._thread = threading.Thread(target=self._run, name="event-stream", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End every subscription at once. From any thread, a signal handler too; does not wait."""
        self.has_ended = True
        self._wake.set()
        for client in self._everyone():
            client.wake()

    def stop(self) -> None:
        """``end``, and wait for the thread."""
        self.end()
        if self._unheed is not None:
            self._unheed()
        if self._thread is not None:
            self._thread.join(timeout=5)

    async def subscribe(self, after: int | None = None) -> "Subscription":
        """A place in the stream: behind ``after``, or behind the newest event. Close it in the end."""
        client = Subscription(self, await self.db.read(horizon) if after is None else after)
        with self._guard:
            self._clients.add(client)
        self._wake.set()
        return client

    def forget(self, client: "Subscription") -> None:
        """The client is gone."""
        with self._guard:
            self._clients.discard(client)

    def kept(self, after: int) -> tuple[list[Event], int] | None:
        """Events behind ``after`` and the place reached with them; None if the ring does not go back so far."""
        with self._guard:
            if after < self._floor:
                return None
            if after >= self.reached:
                return [], after
            newest_first = 0
            for event in reversed(self._ring):
                if event.seq <= after:
                    break
                newest_first += 1
            start = len(self._ring) - newest_first
            events = list(islice(self._ring, start, start + PAGE))
            return events, events[-1].seq if newest_first > PAGE else self.reached

    def _everyone(self) -> list["Subscription"]:
        with self._guard:
            return list(self._clients)

    def _heed(self, _: str) -> None:
        if self._clients:
            self._wake.set()

    def _run(self) -> None:
        has_rested = True
        while not self.has_ended:
            if not self._everyone():
                has_rested = True
                self._wake.wait()
            else:
                self._wake.wait(self._poll_seconds)
            self._wake.clear()
            try:
                if has_rested and not self.has_ended:
                    self._begin()
                    has_rested = False
                while not self.has_ended and self._follow():
                    pass
            except Unavailable:
                _log.warning("event stream waits: the database is away")
                self._wake.wait(1.0)
            time.sleep(wake.GATHER_SECONDS)

    def _begin(self) -> None:
        """Follow from here on; who has a place further back reads the database up to here."""
        upto = self.db.read_now(horizon)
        with self._guard:
            self._ring.clear()
            self.reached = self._floor = upto
        for client in self._everyone():
            client.wake()

    def _follow(self) -> bool:
        """Take one page; whether there may be more."""
        upto = self.db.read_now(horizon)
        if upto <= self.reached:
            return False
        events = self.db.read_now(page_events, after=self.reached, upto=upto, limit=PAGE)
        with self._guard:
            for event in events:
                if len(self._ring) == self._ring.maxlen:
                    self._floor = self._ring[0].seq
                self._ring.append(event)
            self.reached = events[-1].seq if len(events) == PAGE else upto
        if events:
            for client in self._everyone():
                client.wake()
        return len(events) == PAGE


class Subscription:
    """One client's place. Made and used inside one event loop."""

    def __init__(self, stream: Stream, after: int) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self.after = after

    def wake(self) -> None:
        """Make a waiting ``next`` look again. From any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the client with it
            self._loop.call_soon_threadsafe(self._woken.set)

    async def next(
        self, wait_seconds: float, *, packages: Iterable[str] | None = None, names: Sequence[str] = ()
    ) -> list[Event]:
        """The next matching events in order, at most ``PAGE``; an empty list when none came, or when woken for nothing.

        Raises:
            StreamEnded: the server is stopping.
        """
        self._woken.clear()
        if self._stream.has_ended:
            raise StreamEnded
        events = await self._take(packages, names)
        if events:
            return events
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), wait_seconds)
        if self._stream.has_ended:
            raise StreamEnded
        return await self._take(packages, names)

    async def _take(self, packages: Iterable[str] | None, names: Sequence[str]) -> list[Event]:
        while True:
            kept = self._stream.kept(self.after)
            if kept is None:
                upto = self._stream.reached
                events = await self._stream.db.read(
                    page_events, after=self.after, upto=upto, limit=PAGE, packages=packages, names=names
                )
                self.after = events[-1].seq if len(events) == PAGE else upto
                if events:
                    return events
                continue
            events, reached = kept
            if reached <= self.after:
                return []
            self.after = reached
            wanted = [
                event
                for event in events
                if (packages is None or event.package in packages)
                and (not names or event.name.startswith(tuple(names)))
            ]
            if wanted:
                return wanted

    def close(self) -> None:
        """Give the place up."""
        self._stream.forget(self)
