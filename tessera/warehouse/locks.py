"""Writers to one target table take turns, within this process: one lock a table, first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tessera.warehouse.guard import Guard
from tessera.warehouse.types import Table


class TargetLocks:
    """The locks of one engine. DuckDB lets two transactions insert the same key; so they must not overlap."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queues: dict[tuple[str, str], deque[object]] = {}
        self._writers = threading.local()

    @contextmanager
    def hold(self, targets: Sequence[Table], guard: Guard) -> Iterator[None]:
        """Hold every target's lock. Names that differ in case only are one target, as they are one table.

        Raises:
            QueryCancelled, QueryTimeout: while waiting.
            RuntimeError: this thread already holds locks; waiting for more could never end.
        """
        if getattr(self._writers, "is_writing", False):
            raise RuntimeError("a writing block inside a writing block of the same thread; name all targets at once")
        # The order is the same for all, so that two writers never each hold what the other waits for.
        keys = sorted({(target.schema.lower(), target.name.lower()) for target in targets})
        ticket = object()
        taken: list[tuple[str, str]] = []
        withdraw = guard.cancel.on_cancel(self._notify) if guard.cancel is not None else None
        self._writers.is_writing = True
        try:
            for key in keys:
                self._take(key, ticket, taken, guard)
            yield
        finally:
            self._writers.is_writing = False
            if withdraw is not None:
                withdraw()
            self._release(taken, ticket)

    def _take(self, key: tuple[str, str], ticket: object, taken: list[tuple[str, str]], guard: Guard) -> None:
        with self._changed:
            queue = self._queues.setdefault(key, deque())
            queue.append(ticket)
            taken.append(key)
            while queue[0] is not ticket:
                guard.check()
                self._changed.wait(max(guard.remaining_seconds, 0.0))

    def _release(self, taken: list[tuple[str, str]], ticket: object) -> None:
        with self._changed:
            for key in taken:
                queue = self._queues[key]
                queue.remove(ticket)
                if not queue:
                    del self._queues[key]
            self._changed.notify_all()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
