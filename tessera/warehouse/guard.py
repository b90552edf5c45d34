"""Time limits and cancels: one watchdog thread an engine interrupts statements that are over their time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tessera.warehouse.errors import QueryCancelled, QueryTimeout
from tessera.warehouse.types import Cancel, Limits

#: An interrupt that meets no running statement is lost (the engine had not begun yet), so it is repeated.
REPEAT_SECONDS = 0.05


class Guard:
    """The limits of one block. A statement runs inside `statement()`; only there may it be interrupted."""

    def __init__(self, limits: Limits, cancel: Cancel | None, interrupt: Callable[[], None]) -> None:
        self.limits = limits
        self.cancel = cancel
        self.deadline = time.monotonic() + limits.seconds
        self.due = self.deadline
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._is_running = False

    @property
    def remaining_seconds(self) -> float:
        """Time left; may be negative."""
        return self.deadline - time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether a limit or a cancel has ended the block."""
        return self.remaining_seconds <= 0 or (self.cancel is not None and self.cancel.is_cancelled)

    def check(self) -> None:
        """Raise when the block is over.

        Raises:
            QueryCancelled, QueryTimeout
        """
        if self.cancel is not None and self.cancel.is_cancelled:
            raise QueryCancelled("the query was cancelled")
        if self.remaining_seconds <= 0:
            raise QueryTimeout(f"the query took longer than its limit of {self.limits.seconds:g} seconds")

    @contextmanager
    def statement(self) -> Iterator[None]:
        """Within it the statement may be interrupted; after it never, so that no later statement is hit."""
        self.check()
        with self._lock:
            self._is_running = True
        try:
            yield
        finally:
            with self._lock:
                self._is_running = False

    def fire(self) -> None:
        """Interrupt the statement, if one runs."""
        with self._lock:
            if self._is_running:
                self._interrupt()


class Watchdog:
    """One thread that fires the guards whose time has come. Started at the first use."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._wake = threading.Condition()
        self._guards: set[Guard] = set()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @contextmanager
    def watching(self, guard: Guard) -> Iterator[None]:
        """Watch the guard while the block lasts."""

        def now() -> None:
            with self._wake:
                guard.due = 0.0
                self._wake.notify()

        withdraw = guard.cancel.on_cancel(now) if guard.cancel is not None else None
        with self._wake:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._guards.add(guard)
            self._wake.notify()
        try:
            yield
        finally:
            if withdraw is not None:
                withdraw()
            with self._wake:
                self._guards.discard(guard)

    def close(self) -> None:
        """End the thread."""
        with self._wake:
            self._is_closed = True
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._is_closed:
                    return
                now = time.monotonic()
                due = [guard for guard in self._guards if guard.due <= now]
                if not due:
                    soonest = min((guard.due for guard in self._guards), default=None)
                    self._wake.wait(None if soonest is None else soonest - now)
                    continue
                for guard in due:
                    guard.due = now + REPEAT_SECONDS
            for guard in due:
                guard.fire()
