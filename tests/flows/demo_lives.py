"""Runs the demo as a newcomer does, kills all of it at a moment, and reads back every row that it left."""

import contextlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from tests.serving import API_AUTH_SALT, JWT_SECRET, POSTGRES, ROOT, postgres_database

JOBS_BEGIN = "[2/6]"
"""The demo's heading before its first job."""
LONGEST_SECONDS = 240
RUN_COLUMNS = {"$event_time", "$commit_time", "$event_date", "lt", "_dvb_lt", "_dvb_load_id", "_dvb_rn"}
"""When and by which run a row came, and the order within a batch: these may differ from run to run."""

Contents = dict[str, tuple[int, str]]
"""Rows of each table, and a sum of their hashes that does not depend on order."""

TOLD = {
    "ingest jobs": "SELECT name, state FROM ingest_jobs",
    "vault model": "SELECT kind, id FROM vault_objects",
    "concepts and mappings": "SELECT kind, key FROM semantic_definitions",
    "catalogue": "SELECT path, type FROM catalog_objects",
    "lineage": "SELECT f.path, l.type, t.path FROM catalog_links l JOIN catalog_objects f ON f.id = l.from_id "
    "JOIN catalog_objects t ON t.id = l.to_id",
    "owners": "SELECT o.path, r.role FROM catalog_responsibilities r JOIN catalog_objects o ON o.id = r.object_id",
    "assets": "SELECT name FROM production_entity",
    "tasks": "SELECT e.name, t.name FROM production_task t JOIN production_entity e ON e.id = t.entity_id",
    "comments": "SELECT text FROM production_comment",
}
"""What the packages know at the end, without ids and times. A row twice counts twice."""


@dataclass
class Life:
    """One data folder (and database) from its first start to the end of a whole demo."""

    data_dir: Path
    address: str | None = None
    """PostgreSQL for metadata and warehouse; None: the embedded ones."""
    killed_in: list[str] = field(default_factory=list)
    """For each kill, the kinds of job that were running, such as ``ingest.copy``; empty between jobs."""
    jobs_seconds: float = 0.0
    """How long the last whole run took from its first job to its end."""

    def run(self, *, kill_after: float | None = None) -> bool:
        """Run the demo; whether it came to its end.

        Args:
            kill_after: seconds after its first job; then the demo and its server get SIGKILL.
        """
        output = self.data_dir.parent / f"{self.data_dir.name}.out"
        with output.open("w") as sink:
            process = self._start(sink)
        try:
            self._await_jobs(process, output)
            began = time.monotonic()
            try:
                process.wait(LONGEST_SECONDS if kill_after is None else kill_after)
            except subprocess.TimeoutExpired:
                assert kill_after is not None, f"no end in {LONGEST_SECONDS} s:\n{output.read_text()[-3000:]}"
                os.killpg(process.pid, signal.SIGKILL)
                self.killed_in.append(", ".join(sorted(self._running())))
                return False
            self.jobs_seconds = time.monotonic() - began
            assert process.returncode == 0, output.read_text()[-3000:] + self.log()
            return True
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def log(self) -> str:
        """The end of the server's log, after all its lives."""
        path = self.data_dir / "server.log"
        return "".join(path.read_text(errors="replace").splitlines(keepends=True)[-30:]) if path.exists() else ""

    def _start(self, sink: Any) -> "subprocess.Popen[bytes]":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        environment = {**os.environ, "JWT_SECRET": JWT_SECRET, "API_AUTH_SALT": API_AUTH_SALT}
        if self.address:
            environment |= {"TESSERA_DATABASE_URL": self.address, "TESSERA_WAREHOUSE_URL": self.address}
        command = [sys.executable, "-m", "tessera", "demo", "--exit", "--data-dir", str(self.data_dir), "--port", port]
        # A session of its own, so that one signal reaches the demo and its server alike, as a power cut would.
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
        )

    def _await_jobs(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while JOBS_BEGIN not in output.read_text():
            assert process.poll() is None, output.read_text()[-3000:] + self.log()
            assert time.monotonic() < deadline, output.read_text()[-3000:] + self.log()
            time.sleep(0.02)

    # -- what it left ------------------------------------------------------------------------------------------------

    def _running(self) -> set[str]:
        return {str(row[0]) for row in self._told("SELECT kind FROM kernel_jobs WHERE state = 'running'")}

    def _told(self, query: str) -> list[tuple[Any, ...]]:
        if self.address:
            with psycopg.connect(self.address) as connection:
                return connection.execute(query.encode()).fetchall()
        with contextlib.closing(sqlite3.connect(self.data_dir / "tessera.sqlite3", timeout=30)) as file:
            return file.execute(query).fetchall()

    def contents(self) -> Contents:
        """Every table and view of landing, vault and mart, and what the packages know of them."""
        found: Contents = {}
        with self._warehouse() as ask:
            tables: dict[str, list[str]] = {}
            columns = ask(
                "SELECT table_schema, table_name, column_name FROM information_schema.columns "
                "WHERE table_schema IN ('landing', 'vault', 'mart') ORDER BY 1, 2, 3"
            )
            for schema, name, column in columns:
                is_of_a_run = column in RUN_COLUMNS or column.endswith(("_lt", "_lth", "_ltc"))
                cells = tables.setdefault(f'"{schema}"."{name}"', [])
                if column == "$source_file":
                    cells.append(f"replace(\"$source_file\", '{self.data_dir}', '')")
                elif not is_of_a_run:
                    cells.append(f'"{column}"')
            for name, cells in tables.items():
                row = ", ".join(cells)
                each = f"hashtextextended(row({row})::text, 0)::numeric" if self.address else f"hash({row})::int128"
                count, content = ask(f"SELECT count(*), sum({each})::text FROM {name}")[0]
                found[name] = (int(count), str(content))
        for what, query in TOLD.items():
            rows = sorted(repr(row) for row in self._told(query))
            found[what] = (len(rows), "\n".join(rows))
        return found

    @contextlib.contextmanager
    def _warehouse(self) -> Iterator[Any]:
        if self.address:
            with psycopg.connect(self.address) as connection:
                yield lambda query: connection.execute(query.encode()).fetchall()
        else:
            with duckdb.connect(str(self.data_dir / "warehouse.duckdb"), read_only=True) as file:
                yield lambda query: file.execute(query).fetchall()


@contextlib.contextmanager
def life(data_dir: Path, database: str) -> Iterator[Life]:
    """A life on empty data. ``database``: ``sqlite`` (with DuckDB) or ``postgresql``."""
    with contextlib.ExitStack() as stack:
        address = None
        if database == "postgresql":
            address = f"{POSTGRES}/{stack.enter_context(postgres_database())}"
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        yield Life(data_dir, address)


def lived(found: Life, moments: random.Random, kills: int, seconds: float) -> None:
    """Kill at up to ``kills`` moments of the first ``seconds`` of its jobs, start again each time, then let it finish.

    A run that is faster than its moment has come to its end undisturbed; the kills that are left are another life's.
    """
    while len(found.killed_in) < kills:
        if found.run(kill_after=moments.uniform(0, seconds)):
            return
    assert found.run()


def differences(expected: Contents, found: Contents) -> list[str]:
    """What differs, in words."""
    told = []
    for name in sorted(expected.keys() | found.keys()):
        one, other = expected.get(name), found.get(name)
        if one != other:
            lost = set((one or (0, ""))[1].split("\n")) ^ set((other or (0, ""))[1].split("\n"))
            told.append(
                f"{name}: {one and one[0]} rows undisturbed, {other and other[0]} after kills; {sorted(lost)[:6]}"
            )
    return told
