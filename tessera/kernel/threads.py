"""Threads that run calls for coroutines, or for other threads; they start as they are needed and then stay.

A call through ``asyncio``'s executor passes two futures, three locks and a copy of the outcome: 60 microseconds of CPU,
where this takes 40, which is what waking a thread and the loop costs.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from tessera.kernel.errors import Unavailable

T = TypeVar("T")
_Item = tuple[Callable[[], Any], "asyncio.Future[Any] | Future[Any]", asyncio.AbstractEventLoop | None]


class Threads:
    """At most ``count`` threads.

    Args:
        name: of the threads, with their number behind it.
        begin: run by each thread first.
    """

    def __init__(self, count: int, name: str, begin: Callable[[], None]) -> None:
        self._count: Final = count
        self._name: Final = name
        self._begin: Final = begin
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle: set[int] = set()
        self._guard = threading.Lock()
        self._is_closed = False

    async def run(self, call: Callable[[], T]) -> T:
        """The outcome of ``call``. A coroutine that is cancelled before a thread took the call undoes it.

        Raises:
            Unavailable: ``close`` was called.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put((call, future, loop))
        return await future

    def call(self, call: Callable[[], T]) -> T:
        """``run`` for a thread that may wait."""
        future: Future[T] = Future()
        self._put((call, future, None))
        return future.result()

    def close(self) -> None:
        """Finish what is queued and end the threads."""
        with self._guard:
            self._is_closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _put(self, item: _Item) -> None:
        if not self._idle or self._is_closed:
            with self._guard:
                if self._is_closed:
                    raise Unavailable("the server is stopping")
                if len(self._threads) < self._count:
                    name = f"{self._name}-{len(self._threads)}"
                    thread = threading.Thread(target=self._work, name=name, daemon=True)
                    self._threads.append(thread)
                    thread.start()
        self._queue.put(item)

    def _work(self) -> None:
        me = threading.get_ident()
        self._begin()
        while True:
            self._idle.add(me)
            item = self._queue.get()
            self._idle.discard(me)
            if item is None:
                return
            call, future, loop = item
            if future.cancelled():
                continue
            outcome: Any = None
            error: BaseException | None = None
            try:
                outcome = call()
            except Exception as raised:  # noqa: BLE001 - it belongs to who waits
                error = raised
            if loop is None:
                _settle(future, outcome, error)
            else:
                with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                    loop.call_soon_threadsafe(_settle, future, outcome, error)
            del item, call, future, outcome, error


def _settle(future: "asyncio.Future[Any] | Future[Any]", outcome: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(outcome)
    else:
        future.set_exception(error)
