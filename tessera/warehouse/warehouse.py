"""The warehouse as packages see it: reading and writing blocks, the catalogue of tables, a bounded pool of threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import ParamSpec, TypeVar

from sqlglot import exp

from tessera.kernel.errors import Invalid, TooMany
from tessera.warehouse.types import (
    DEFAULT_LIMITS,
    INTERNAL,
    LANDING,
    MART,
    VAULT,
    Cancel,
    Column,
    Engine,
    Limits,
    Reader,
    Table,
    TableInfo,
    Writer,
)

P = ParamSpec("P")
T = TypeVar("T")

#: How many calls of `run` may wait for a thread, for each thread; more are refused with "try again".
WAITING_PER_WORKER = 32

#: A writer that nobody limits: loads are long, and their job's lease ends them.
WRITER_LIMITS = Limits(seconds=24 * 3600.0)

#: Schemas that belong to the engine or to the metadata database; never listed, never written through the warehouse.
RESERVED_SCHEMAS = frozenset({"information_schema", "pg_catalog", "pg_toast", "public", "main", "temp", "system"})


class Warehouse:
    """One engine, opened once in a process. Safe for all threads."""

    def __init__(self, engine: Engine, *, workers: int = 4) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="warehouse")
        self._workers = workers
        self._pending = 0
        self._pending_lock = threading.Lock()
        for schema in (LANDING, VAULT, MART, INTERNAL):
            self.create_schema(schema)

    @property
    def dialect(self) -> str:
        """The sqlglot dialect in which the engine reads: `duckdb` or `postgres`."""
        return self._engine.dialect

    def reading(
        self, *, limits: Limits = DEFAULT_LIMITS, cancel: Cancel | None = None
    ) -> AbstractContextManager[Reader]:
        """A read-only snapshot. Blocks: use it in `run`, a job or the command line, never in the event loop."""
        return self._engine.open_reader(limits, cancel)

    def writing(
        self, *targets: Table, limits: Limits = WRITER_LIMITS, cancel: Cancel | None = None
    ) -> AbstractContextManager[Writer]:
        """One transaction over `targets`: commits at exit, undoes everything on an exception.

        Waits for each target's lock, in sorted order, so that two writers never wait for each other. Name every table
        that the block inserts into, alters, creates or drops. A block inside a block of the same thread is refused.
        """
        for target in targets:
            self._refuse_reserved(target.schema)
        return self._engine.open_writer(sorted(set(targets)), limits, cancel)

    def create_schema(self, name: str) -> None:
        """Make the schema unless it is there.

        Raises:
            Invalid: the name belongs to the engine.
        """
        self._refuse_reserved(name)
        statement = exp.Create(this=exp.Table(db=exp.to_identifier(name, quoted=True)), kind="SCHEMA", exists=True)
        with self._engine.open_writer([Table(name, "")], WRITER_LIMITS, None) as writer:
            writer.execute(statement)

    def schemas(self) -> list[str]:
        """Names of the schemas, in order, without reserved and internal ones."""
        return [name for name in self._engine.schemas() if not _is_hidden(name)]

    def tables(self, schema: str | None = None) -> list[TableInfo]:
        """Tables and views with row estimates, in order, without reserved and internal schemas."""
        return [info for info in self._engine.tables(schema) if not _is_hidden(info.table.schema)]

    def columns(self, table: Table) -> list[Column]:
        """Columns in their order; empty when there is no such table."""
        return self._engine.columns(table)

    async def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `fn` in one of the warehouse's threads.

        When the awaiting task is cancelled (the client went away), a `cancel=` token among the arguments is cancelled.

        Raises:
            TooMany: more calls wait than the pool takes in.
        """
        with self._pending_lock:
            if self._pending >= self._workers * (WAITING_PER_WORKER + 1):
                raise TooMany("the warehouse has too many queries waiting; try again soon", retry_after_seconds=1)
            self._pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, lambda: fn(*args, **kwargs))
        future.add_done_callback(self._one_done)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            for argument in (*args, *kwargs.values()):
                if isinstance(argument, Cancel):
                    argument.cancel()
            future.cancel()
            raise

    def close(self) -> None:
        """End the threads and close the engine; idempotent."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._engine.close()

    def _one_done(self, _future: object) -> None:
        with self._pending_lock:
            self._pending -= 1

    @staticmethod
    def _refuse_reserved(schema: str) -> None:
        lowered = schema.lower()
        if not schema or lowered in RESERVED_SCHEMAS or lowered.startswith("pg_"):
            raise Invalid(f'the schema name "{schema}" belongs to the engine; choose another', field="schema")


def _is_hidden(schema: str) -> bool:
    lowered = schema.lower()
    return lowered == INTERNAL or lowered in RESERVED_SCHEMAS or lowered.startswith("pg_")
