"""One commit of a COPY job: rows of some files, their lines in the ledger and all counts, in one transaction.

Source: contracts/ingest.md, 6.1 (exactly once), 6.4 (times) and 6.9 (bad data).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

from msgspec import Struct

from tessera.ingest import ledger_lines_store as lines
from tessera.ingest.evolution import Evolution, with_system_columns
from tessera.ingest.ledger_store import COUNTS
from tessera.ingest.reading import Batch, Unreadable, read_file
from tessera.ingest.sources import SourceFile
from tessera.ingest.sql.statements import ContentType
from tessera.ingest.staging import Work, apply, forget_old_keys
from tessera.warehouse import Table, Warehouse, Writer

COMMIT_BYTES: Final = 256 << 20
"""Bytes of files that one commit takes in, at most (a single larger file is one commit)."""
COMMIT_FILES: Final = 500
"""Files that one commit takes in, at most."""
WHOLE_BYTES: Final = 16 << 20
"""A file up to this size is read to its end before a row of it is written: if it is damaged, nothing is undone."""
ERRORS_KEPT: Final = 10_000
"""Rejected rows of one file that are kept; more are counted."""


class Task(Struct, frozen=True):
    """What does not change between the commits of a run."""

    job_id: str
    fence: int
    target: Table
    declared: frozenset[str]
    content: ContentType
    compression: str
    work: Work
    read_seconds: float
    open: Callable[[SourceFile], BinaryIO]
    event_time: Callable[[SourceFile], datetime]
    check: Callable[[], None]


class Loaded(Struct):
    """What one commit did. ``files``: how many of the offered ones are in the ledger now, from the first on."""

    files: int = 0
    read: int = 0
    written: int = 0
    rejected: int = 0
    failed: list[tuple[str, str]] = []
    columns_changed: bool = False


class _Damaged(Exception):
    """A file turned out unreadable after rows of it were written."""

    def __init__(self, unit: str, error: str) -> None:
        super().__init__(error)
        self.unit = unit
        self.error = error


def load(warehouse: Warehouse, task: Task, files: Sequence[SourceFile]) -> Loaded:
    """Commit the first of ``files`` (in this order), as many as one commit takes in.

    Raises:
        Fenced: a later run of the job has written.
        SourceAway: a file cannot be opened now.
    """
    damaged: dict[str, str] = {}
    while True:
        try:
            with warehouse.writing(task.target) as writer:
                return _Commit(warehouse, writer, task, damaged).run(files)
        except _Damaged as error:
            # Everything of this commit is undone; the next try leaves the file out and notes it as failed.
            damaged[error.unit] = error.error


class _Commit:
    def __init__(self, warehouse: Warehouse, writer: Writer, task: Task, damaged: dict[str, str]) -> None:
        self.warehouse = warehouse
        self.writer = writer
        self.task = task
        self.damaged = damaged
        self.loaded = Loaded()
        self.units: list[lines.Unit] = []
        self.rejected: list[tuple[str, int, int, str, str]] = []
        self.violations: dict[str, int] = {}

    def run(self, files: Sequence[SourceFile]) -> Loaded:
        lines.raise_fence(self.writer, self.task.job_id, self.task.fence)
        self.commit_time = lines.next_commit_time(self.writer, self.task.target)
        existing = self.warehouse.columns(self.task.target)
        self.evolution = Evolution(self.task.target, self.warehouse.dialect, existing, self.task.declared)
        began, size = time.monotonic(), 0
        for file in files:
            if self.units and (
                size + file.size > COMMIT_BYTES
                or len(self.units) >= COMMIT_FILES
                or time.monotonic() - began > self.task.read_seconds
            ):
                break
            self.task.check()
            size += file.size
            self.loaded.files += 1
            # Another run may have loaded it between the listing and this transaction.
            if not lines.is_known(self.writer, self.task.job_id, file.unit):
                self._load_file(file)
        lines.write_units(self.writer, self.units)
        lines.write_rejected(self.writer, self.task.job_id, self.rejected, self.commit_time)
        lines.write_violations(self.writer, self.task.job_id, self.violations, self.commit_time)
        forget_old_keys(self.writer, self.task.work, self.commit_time)
        self.loaded.columns_changed = self.evolution.has_changed
        return self.loaded

    def _load_file(self, file: SourceFile) -> None:
        counts = dict.fromkeys(COUNTS, 0)
        kept = len(self.rejected)
        error = self.damaged.get(file.unit)
        if error is None:
            try:
                with self.task.open(file) as stream:
                    self._load_batches(file, self._batches(stream, file), counts)
            except Unreadable as problem:
                if counts["rows_read"]:
                    raise _Damaged(file.unit, str(problem)) from problem
                error = str(problem)
                del self.rejected[kept:]
                counts = dict.fromkeys(COUNTS, 0)
        state = "loaded" if error is None else "failed"
        if error is not None:
            self.loaded.failed.append((file.unit, error))
        self.loaded.read += counts["rows_read"]
        self.loaded.written += counts["rows_written"]
        self.loaded.rejected += counts["parse_errors"]
        self.units.append(
            lines.Unit(self.task.job_id, file.unit, state, file.size, file.etag, counts, error, self.commit_time)
        )

    def _batches(self, stream: BinaryIO, file: SourceFile) -> Iterator[Batch]:
        batches = read_file(stream, file.path, self.task.content, self.task.compression)
        return iter(list(batches)) if file.size <= WHOLE_BYTES else batches

    def _load_batches(self, file: SourceFile, batches: Iterator[Batch], counts: dict[str, int]) -> None:
        moment = self.task.event_time(file).astimezone(UTC).replace(tzinfo=None)
        first_row = 0
        kept = 0
        for batch in batches:
            self.task.check()
            rows, bad = batch.table.num_rows, len(batch.rejected)
            counts["rows_read"] += rows + bad
            counts["parse_errors"] += bad
            counts["bytes_read"] += batch.size_bytes
            for one in batch.rejected[: max(0, ERRORS_KEPT - kept)]:
                self.rejected.append((file.unit, one.line, one.offset, one.error, one.raw))
            kept += bad
            if rows:
                self._add(file, batch.table, moment, first_row, counts)
            first_row += rows

    def _add(self, file: SourceFile, table: Any, moment: datetime, first_row: int, counts: dict[str, int]) -> None:
        work = self.task.work
        places = None
        if work.is_needed:
            outcome = apply(self.writer, self.warehouse.dialect, work, table, moment)
            table, places = outcome.table, outcome.places
            counts["rows_dropped"] += outcome.dropped
            counts["rows_deduplicated"] += outcome.deduplicated
            for name, count in outcome.violations.items():
                self.violations[name] = self.violations.get(name, 0) + count
            if not len(places):
                return
        else:
            left_out = [name for name in table.column_names if work.is_excluded(name)]
            table = table.drop_columns(left_out) if left_out else table
        statements, fitted, lost = self.evolution.fit(table)
        for statement in statements:
            self.writer.execute(statement)
        counts["conversion_errors"] += lost
        complete = with_system_columns(
            fitted,
            count=table.num_rows if places is None else len(places),
            event_time=moment,
            commit_time=self.commit_time,
            source=file.unit,
            first_row=first_row,
            places=places,
        )
        counts["rows_written"] += self.writer.append(self.task.target, complete)
