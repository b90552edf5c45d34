"""A process that runs one kind of job with the kernel's own runner, to be killed by tests. Not a test itself.

    python tests/failure/job_server.py DATABASE_URL LEASE_SECONDS

The job writes the numbers from 0 to ``args["total"]`` into ``failure_rows``, five in a transaction with its cursor, and
each start into ``failure_starts``.
"""

import os
import signal
import sys
import threading
import time

import sqlalchemy as sa

from tessera.kernel.columns import Id
from tessera.kernel.db import Database
from tessera.kernel.jobs import JobKind, JobRun, Jobs
from tessera.kernel.jobs_runner import JobRunner
from tessera.kernel.tx import Tx

TABLES = sa.MetaData()
ROWS = sa.Table(
    "failure_rows",
    TABLES,
    sa.Column("job_id", Id, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
)
"""No unique constraint: a row that is written twice has to show."""
STARTS = sa.Table(
    "failure_starts",
    TABLES,
    sa.Column("job_id", Id, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("process", sa.Integer, nullable=False),
)
STEP = 5


def count_up(run: JobRun, db: Database) -> dict[str, int]:
    start = STARTS.insert().values(job_id=run.job_id, attempt=run.attempt, process=os.getpid())
    db.write_now(Tx.execute, start)
    total = run.args["total"]
    n = run.cursor or 0
    while n < total:
        if not run.args["is_deaf"]:
            run.check()
        numbers = range(n, min(n + STEP, total))
        run.count(read=len(numbers), written=len(numbers))

        def step(tx: Tx, numbers: range = numbers) -> None:
            tx.execute(ROWS.insert(), [{"job_id": run.job_id, "n": each, "attempt": run.attempt} for each in numbers])
            run.save_cursor(tx, numbers.stop)

        db.write_now(step)
        n = numbers.stop
        run.progress(n, total)
        time.sleep(run.args["pause"])
    return {"total": total}


def kind(lease_seconds: int) -> JobKind:
    return JobKind(
        name="failure.count", run=count_up, title="Count up", lease_seconds=lease_seconds, is_interactive=True
    )


def main(url: str, lease_seconds: int) -> None:
    db = Database(url)
    db.start()
    runner = JobRunner(db, Jobs([kind(lease_seconds)]), {Database: db}, threads=3)
    runner.start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    stop.wait()
    runner.stop()
    db.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
