"""What a job's function gets in its hands: ``JobRun``; and how a kind of job is declared: ``JobKind``."""

import pkgutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from tessera.kernel import jobs_store as store
from tessera.kernel.clock import now
from tessera.kernel.db import Tx

MAX_LINE: Final = 2_000
"""Characters of a log line that are kept."""


class JobKind(Struct, frozen=True, kw_only=True):
    """A kind of job, declared by its package.

    Args:
        name: ``<package>.<what>``; kept in the database, never change it.
        run: ``run(run: JobRun, <services, by their type>)``, called in a thread of its own. What it returns, if not
            None, becomes the job's result. It calls ``run.check()`` between steps, and each step's effect commits
            together with ``run.save_cursor`` (or carries ``run.attempt`` as a marker where the effect is elsewhere).
            Or the function's path, ``package.module:function``: its module is loaded with the first job of the kind.
        max_attempts: after so many errors the job has failed. A server that dies under a job is no error.
        lease_seconds: how long a dead server keeps the job from others.
        backoff_seconds: the wait after the first error; it doubles with each further one, up to five minutes.
        is_interactive: somebody waits for it; it never queues behind long jobs alone.
        is_continuous: runs until cancelled, in a thread beyond the runner's number.
    """

    name: str
    run: Callable[..., Any] | str
    title: str
    max_attempts: int = 5
    lease_seconds: int = 15
    backoff_seconds: float = 2.0
    is_interactive: bool = False
    is_continuous: bool = False

    @property
    def function(self) -> Callable[..., Any]:
        """The function behind ``run``."""
        return pkgutil.resolve_name(self.run) if isinstance(self.run, str) else self.run


class Interrupted(Exception):
    """The job has to stop here: let it pass through. Raised by ``JobRun.check`` and ``JobRun.sleep``."""


class Cancelled(Interrupted):
    """Somebody cancelled the job."""


class LeaseLost(Interrupted):
    """Another server has the job, or may have it: no further effect of this attempt counts."""


class Stopping(Interrupted):
    """The server stops; the job goes back into the queue."""


class JobRun:
    """One attempt at a job.

    Attributes:
        attempt: the fencing token: higher with each start; effects outside the metadata database carry it.
        cursor: what ``save_cursor`` last committed, by this attempt or one before; None at the very start.
        result: set it, or return a value, for the job's result.
    """

    def __init__(
        self,
        *,
        job_id: str,
        kind: str,
        package: str,
        args: Mapping[str, Any],
        attempt: int,
        created_by: str | None,
        saved: Mapping[str, Any] | None,
        lease_seconds: float,
    ) -> None:
        self.job_id = job_id
        self.kind = kind
        self.package = package
        self.args = args
        self.attempt = attempt
        self.created_by = created_by
        self.cursor: Any = saved["value"] if saved else None
        self.result: Any = None
        self._rows: list[int] = list(saved["rows"]) if saved else [0, 0, 0]
        self._progress = store.Progress(None, None, None)
        self._lines: deque[tuple[str, str]] = deque(maxlen=store.MAX_LOG_LINES)
        self._dirty = True
        self._guard = threading.Lock()
        self._woken = threading.Event()
        self._why: type[Interrupted] | None = None
        self._stoppers: list[Callable[[], None]] = []
        self._lease_seconds = lease_seconds
        self._good_until = 0.0
        self.extend(time.monotonic())

    # -- for the job's function --------------------------------------------------------------------------------------

    def progress(self, done: int | None = None, total: int | None = None, text: str | None = None) -> None:
        """Say how far it is; shown within a second."""
        self._progress = store.Progress(done, total, text[:300] if text else None)
        self._dirty = True

    def log(self, line: str) -> None:
        """Add a line to the job's log, which its package's users may read."""
        with self._guard:
            self._lines.append((now(), line[:MAX_LINE]))
        self._dirty = True

    def count(self, read: int = 0, written: int = 0, rejected: int = 0) -> None:
        """Add to the row counts. Count a step's rows before its ``save_cursor``, which commits the sums with it."""
        for place, more in enumerate((read, written, rejected)):
            self._rows[place] += more
        self._dirty = True

    def save_cursor(self, tx: Tx, value: Any) -> None:
        """Commit ``value`` (JSON) as the place reached, together with what else ``tx`` does. Call it last in ``tx``.

        Raises:
            LeaseLost: this attempt no longer has the job; everything in ``tx`` is undone.
        """
        rows = list(self._rows)
        saved = {"value": value, "rows": rows}
        counted = {"rows_read": rows[0], "rows_written": rows[1], "rows_rejected": rows[2]}
        self.fence(tx, cursor=saved, losses=0, **counted)
        tx.after_commit(lambda: setattr(self, "cursor", value))

    def fence(self, tx: Tx, **values: Any) -> None:
        """Make ``tx`` commit only if this attempt still has the job; for effects without a cursor.

        Raises:
            LeaseLost: it has not; everything in ``tx`` is undone.
        """
        if not store.fence(tx, self.job_id, self.attempt, **values):
            self.stop(LeaseLost)
            raise LeaseLost(f"job {self.job_id}: attempt {self.attempt} has ended")

    def check(self) -> None:
        """Go on, or stop here.

        Raises:
            Cancelled, LeaseLost, Stopping: let them pass.
        """
        if self._why is None and time.monotonic() > self._good_until:
            self.stop(LeaseLost)
        if self._why is not None:
            raise self._why(f"job {self.job_id}")

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until the job has to stop. Raises as ``check`` does."""
        until = time.monotonic() + seconds
        self.check()
        while (left := min(until, self._good_until) - time.monotonic()) > 0 and not self._woken.wait(left):
            pass  # the lease may have been renewed meanwhile
        self.check()

    @property
    def must_stop(self) -> bool:
        """Whether ``check`` would raise."""
        return self._why is not None or time.monotonic() > self._good_until

    def on_stop(self, interrupt: Callable[[], None]) -> Callable[[], None]:
        """Have ``interrupt`` called, once and in another thread, when the job has to stop; such as to end a long query.

        Returns:
            A function that takes it back.
        """
        with self._guard:
            late = self._why is not None
            if not late:
                self._stoppers.append(interrupt)
        if late:
            interrupt()

        def forget() -> None:
            with self._guard:
                if interrupt in self._stoppers:
                    self._stoppers.remove(interrupt)

        return forget

    # -- for the runner ----------------------------------------------------------------------------------------------

    def stop(self, why: type[Interrupted]) -> None:
        """Make the function stop at its next ``check``."""
        with self._guard:
            if self._why is not None:
                return
            self._why = why
            stoppers, self._stoppers = self._stoppers, []
        self._woken.set()
        for interrupt in stoppers:
            interrupt()

    def extend(self, began: float) -> None:
        """The lease was renewed by a call that began at ``began`` (monotonic). A tenth is kept as a margin."""
        self._good_until = began + self._lease_seconds * 0.9

    @property
    def renewed_at(self) -> float:
        """When the lease was last renewed (monotonic)."""
        return self._good_until - self._lease_seconds * 0.9

    def report(self, *, only_news: bool = False) -> store.Report | None:
        """What is to be written about the run; None for no news, if only those are wanted."""
        if only_news and not self._dirty:
            return None
        self._dirty = False
        with self._guard:
            lines = list(self._lines)
            self._lines.clear()
        return store.Report(self._progress, store.Rows(*self._rows), lines)

    def keep(self, report: store.Report) -> None:
        """The report was not written; it goes with the next one."""
        with self._guard:
            self._lines.extendleft(reversed(report.lines))
        self._dirty = True
