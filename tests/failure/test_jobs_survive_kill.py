"""kill -9 at any moment of any job: in the end every row is there, once, and the counts say so."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tessera.kernel import events
from tessera.kernel.db import Database, Tx
from tessera.kernel.jobs import Jobs, page_jobs, read_job
from tests.databases import migrated
from tests.failure import job_server
from tests.failure.job_server import ROWS, STARTS, TABLES
from tests.serving import ROOT, has_postgres, until

LEASE_SECONDS = 1


class JobServer:
    """One process of ``job_server``."""

    def __init__(self, db: Database) -> None:
        command = [sys.executable, job_server.__file__, db.url, str(LEASE_SECONDS)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        self.process.kill()
        self._wait()

    def stop(self) -> float:
        """How long it took."""
        began = time.monotonic()
        self.process.terminate()
        self._wait()
        return time.monotonic() - began

    def _wait(self) -> None:
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def failing_db(database: str, tmp_path: Path) -> Iterator[Database]:
    yield from opened(database, tmp_path)


@pytest.fixture
def shared_db(tmp_path: Path) -> Iterator[Database]:
    """PostgreSQL: only there may two servers run."""
    if not has_postgres():
        pytest.skip("this machine has no PostgreSQL")
    yield from opened("postgresql", tmp_path)


def opened(database: str, folder: Path) -> Iterator[Database]:
    with migrated(database, folder) as db:
        with db.migrating() as connection, connection.begin():
            TABLES.create_all(connection)
        yield db


@contextlib.contextmanager
def job_servers(db: Database, count: int) -> Iterator[list[JobServer]]:
    servers = [JobServer(db) for _ in range(count)]
    try:
        yield servers
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.kill()


def enqueue(db: Database, total: int, count: int = 1, pause: float = 0.005, is_deaf: bool = False) -> list[str]:
    jobs = Jobs([job_server.kind(LEASE_SECONDS)])
    args = {"total": total, "pause": pause, "is_deaf": is_deaf}
    return [db.write_now(lambda tx: jobs.enqueue(tx, "failure.count", args, package="vault")) for _ in range(count)]


def rows_written(db: Database) -> int:
    return int(db.read_now(Tx.scalar, sa.select(sa.func.count()).select_from(ROWS)))


def processes_that_started(db: Database) -> set[int]:
    return {row.process for row in db.read_now(Tx.all, sa.select(STARTS))}


def check_everything(db: Database, job_ids: list[str], total: int) -> None:
    """Each job's rows are there once; no attempt ran twice; counts and events tell the same story."""
    for job_id in job_ids:
        job = db.read_now(read_job, job_id)
        assert job.state == "succeeded"
        assert job.result == {"total": total}
        assert (job.rows.read, job.rows.written) == (total, total)
        found = db.read_now(Tx.all, sa.select(ROWS.c.n, ROWS.c.attempt).where(ROWS.c.job_id == job_id))
        assert sorted(row.n for row in found) == list(range(total))
        by_number = [row.attempt for row in sorted(found, key=lambda row: row.n)]
        assert by_number == sorted(by_number), "an older attempt wrote after a newer one"
        told = sa.select(events.EVENTS.c.name).where(events.EVENTS.c.object_id == job_id)
        names = Counter(row.name for row in db.read_now(Tx.all, told))
        assert names["job.queued"] >= 1
        assert names["job.started"] == job.attempt
        assert names["job.succeeded"] == 1
    starts = Counter((row.job_id, row.attempt) for row in db.read_now(Tx.all, sa.select(STARTS)))
    assert max(starts.values()) == 1, "two processes ran one attempt"


def survive(db: Database, *, kills: int, total: int, jobs: int) -> None:
    job_ids = enqueue(db, total, jobs)
    chance = random.Random(kills)
    for _ in range(kills):
        before = rows_written(db)
        with job_servers(db, 1) as (server,):
            # At a random moment while rows are being written.
            until(lambda before=before: rows_written(db) > before)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.3))
            server.kill()
        assert db.read_now(page_jobs, states=["queued", "running"]), "the kills come while there is work"
    with job_servers(db, 1) as (server,):
        until(lambda: not db.read_now(page_jobs, states=["queued", "running"]), seconds=100)
    check_everything(db, job_ids, total)


def test_four_kills_lose_and_double_nothing(failing_db: Database) -> None:
    survive(failing_db, kills=4, total=600, jobs=3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_kills_lose_and_double_nothing(failing_db: Database) -> None:
    survive(failing_db, kills=50, total=9_000, jobs=3)


def test_two_servers_share_the_jobs_and_the_death_of_one_is_made_good_by_the_other(shared_db: Database) -> None:
    with job_servers(shared_db, 2) as (first, second):
        job_ids = enqueue(shared_db, 150, count=12)
        until(lambda: len(processes_that_started(shared_db)) == 2)
        first.kill()
        until(lambda: not shared_db.read_now(page_jobs, states=["queued", "running"]), seconds=60)
        second.stop()
    check_everything(shared_db, job_ids, 150)


def test_a_server_that_froze_finds_its_jobs_taken_and_writes_nothing_more(shared_db: Database) -> None:
    """SIGSTOP is the worst case: the process lives on after its leases ran out and, deaf to ``check``, goes on."""

    job_ids = enqueue(shared_db, 200, count=4, pause=0.01, is_deaf=True)
    with job_servers(shared_db, 1) as (frozen,):
        until(lambda: rows_written(shared_db) > 50)
        frozen.process.send_signal(signal.SIGSTOP)
        with job_servers(shared_db, 1) as (other,):
            until(lambda: {2} <= {row.attempt for row in shared_db.read_now(Tx.all, sa.select(STARTS))})
            frozen.process.send_signal(signal.SIGCONT)
            until(lambda: not shared_db.read_now(page_jobs, states=["queued", "running"]), seconds=60)
            other.stop()
    check_everything(shared_db, job_ids, 200)


def test_a_stop_gives_the_jobs_back_at_once(failing_db: Database) -> None:
    job_ids = enqueue(failing_db, 400, count=2, pause=0.01)
    with job_servers(failing_db, 1) as (server,):
        until(lambda: rows_written(failing_db) > 20)
        assert server.stop() < 5
    for job_id in job_ids:
        job = failing_db.read_now(read_job, job_id)
        assert (job.state, job.attempt, job.failures) == ("queued", 1, 0)
    with job_servers(failing_db, 1) as (server,):
        until(lambda: not failing_db.read_now(page_jobs, states=["queued", "running"]), seconds=60)
    check_everything(failing_db, job_ids, 400)
