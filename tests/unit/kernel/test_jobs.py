"""Jobs against real databases: what is committed with what, who may run an attempt, and what people see."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from tessera.kernel import events, jobs_schedules
from tessera.kernel import jobs_store as store
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant, moment, now
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from tessera.kernel.jobs import Job, JobKind, JobRun, Jobs, LeaseLost, page_jobs, page_lines, read_job
from tessera.kernel.jobs_runner import JobRunner
from tests.serving import unique, until

ANYONE = Principal(id="1b4e28ba-2fa1-4d1b-883f-0016d3cca427", username="anyone")
SOMEBODY = Principal(id="2b4e28ba-2fa1-4d1b-883f-0016d3cca427", username="somebody")
ROOT = Principal(id="3b4e28ba-2fa1-4d1b-883f-0016d3cca427", username="root", is_administrator=True)


def kind(run: Callable[..., Any], **options: Any) -> JobKind:
    return JobKind(name=unique("test.kind"), run=run, title="A test's job", **options)


@contextmanager
def running(db: Database, *kinds: JobKind, services: Any = None, **options: Any) -> Iterator[tuple[Jobs, JobRunner]]:
    jobs = Jobs(kinds)
    runner = JobRunner(db, jobs, services, **options)
    runner.start()
    try:
        yield jobs, runner
    finally:
        runner.stop()


def enqueue(db: Database, jobs: Jobs, one: JobKind, args: Any = None, **options: Any) -> str:
    return db.write_now(lambda tx: jobs.enqueue(tx, one.name, args or {}, package="vault", **options))


def when(db: Database, job_id: str, state: str) -> Job:
    def reached() -> Job | None:
        job = db.read_now(read_job, job_id)
        return job if job.state == state else None

    return until(reached)


def lines(db: Database, job_id: str) -> list[str]:
    return [line.line for line in db.read_now(page_lines, job_id)]


def record_effect(tx: Tx, name: str, n: int) -> None:
    events.record(tx, name, package="vault", data={"n": n})


def effects(db: Database, name: str) -> list[int]:
    found = db.read_now(Tx.all, sa.select(events.EVENTS.c.data).where(events.EVENTS.c.name == name))
    return sorted(row.data["n"] for row in found)


def test_a_job_runs_and_shows_what_it_did(kernel_db: Database) -> None:
    def run(run: JobRun, db: Database) -> dict[str, Any]:
        run.progress(1, 2, "half")
        run.log("first line")
        run.count(read=10, written=8, rejected=2)
        return {"seen": run.args["n"], "database": db.dialect}

    one = kind(run)
    with running(kernel_db, one, services={Database: kernel_db}) as (jobs, _):
        job_id = enqueue(kernel_db, jobs, one, {"n": 5}, by=ANYONE, title="Five")
        job = when(kernel_db, job_id, "succeeded")
    assert (job.title, job.package, job.created_by, job.attempt, job.failures) == ("Five", "vault", ANYONE.id, 1, 0)
    assert job.progress == store.Progress(1, 2, "half")
    assert job.rows == store.Rows(10, 8, 2)
    assert job.result == {"seen": 5, "database": kernel_db.dialect}
    assert job.error is None
    assert job.started_at is not None
    assert job.finished_at is not None
    assert lines(kernel_db, job_id) == ["first line"]
    told = sa.select(events.EVENTS.c.name).where(events.EVENTS.c.object_id == job_id).order_by(events.EVENTS.c.seq)
    names = [row.name for row in kernel_db.read_now(Tx.all, told)]
    assert names == ["job.queued", "job.started", "job.succeeded"]


def test_a_job_is_queued_with_its_transaction_or_not_at_all(kernel_db: Database) -> None:
    one = kind(lambda run: None)
    jobs = Jobs([one])

    def fail(tx: Tx) -> None:
        jobs.enqueue(tx, one.name, {}, package="vault")
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        kernel_db.write_now(fail)
    assert kernel_db.read_now(page_jobs, kind=one.name) == []


def test_one_key_has_one_job_under_way(kernel_db: Database) -> None:
    one = kind(lambda run: None)
    jobs = Jobs([one])
    first = enqueue(kernel_db, jobs, one, key="hub 1")
    assert enqueue(kernel_db, jobs, one, key="hub 1") == first
    assert enqueue(kernel_db, jobs, one, key="hub 2") != first
    kernel_db.write_now(jobs.cancel, first)
    second = enqueue(kernel_db, jobs, one, key="hub 1")
    assert second != first
    with pytest.raises(Conflict):
        kernel_db.write_now(jobs.retry, first)


def test_an_error_is_tried_again_later_and_then_it_is_final(kernel_db: Database) -> None:
    starts: list[float] = []

    def run(run: JobRun) -> None:
        starts.append(time.monotonic())
        raise ZeroDivisionError("a stack that no user may read")

    one = kind(run, max_attempts=3, backoff_seconds=0.2)
    with running(kernel_db, one) as (jobs, _):
        job_id = enqueue(kernel_db, jobs, one)
        job = when(kernel_db, job_id, "failed")
    assert (job.attempt, job.failures) == (3, 3)
    assert starts[1] - starts[0] >= 0.2
    assert starts[2] - starts[1] >= 0.4
    assert job.error is not None
    assert job_id in job.error
    told = job.error + "".join(lines(kernel_db, job_id))
    assert "stack that no user" not in told
    assert "ZeroDivision" not in told


def test_what_is_the_callers_mistake_is_not_tried_again(kernel_db: Database) -> None:
    def run(run: JobRun) -> None:
        raise Invalid("column x is not in the table")

    one = kind(run)
    with running(kernel_db, one) as (jobs, _):
        job = when(kernel_db, enqueue(kernel_db, jobs, one), "failed")
    assert (job.attempt, job.error) == (1, "column x is not in the table")


def test_a_failed_job_is_retried_by_hand_from_its_cursor_and_its_counts(kernel_db: Database) -> None:
    effect, is_mended = unique("vault.effect"), threading.Event()

    def run(run: JobRun, db: Database) -> None:
        for n in range(run.cursor or 0, 6):
            if n == 3 and not is_mended.is_set():
                run.count(read=100)  # counted, but its step never commits
                raise Invalid("not yet")
            run.count(read=1, written=1)

            def step(tx: Tx, n: int = n) -> None:
                record_effect(tx, effect, n)
                run.save_cursor(tx, n + 1)

            db.write_now(step)

    one = kind(run)
    with running(kernel_db, one, services={Database: kernel_db}) as (jobs, _):
        job_id = enqueue(kernel_db, jobs, one)
        when(kernel_db, job_id, "failed")
        is_mended.set()
        kernel_db.write_now(jobs.retry, job_id)
        job = when(kernel_db, job_id, "succeeded")
    assert effects(kernel_db, effect) == [0, 1, 2, 3, 4, 5]
    assert (job.attempt, job.failures, job.error) == (2, 0, None)
    assert job.rows == store.Rows(6, 6, 0)


def test_the_database_being_away_counts_as_a_passing_error(kernel_db: Database) -> None:
    tries: list[int] = []

    def run(run: JobRun) -> None:
        tries.append(run.attempt)
        if len(tries) == 1:
            raise Unavailable("the warehouse does not answer")

    one = kind(run, backoff_seconds=0.05)
    with running(kernel_db, one) as (jobs, _):
        job = when(kernel_db, enqueue(kernel_db, jobs, one), "succeeded")
    assert tries == [1, 2]
    assert job.failures == 1


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_at_its_next_step(kernel_db: Database) -> None:
    interrupted = threading.Event()
    started = threading.Event()

    def run(run: JobRun) -> None:
        run.on_stop(interrupted.set)
        started.set()
        while True:
            run.sleep(30)

    one = kind(run)
    with running(kernel_db, one) as (jobs, _):
        later = enqueue(kernel_db, jobs, one, run_after="2999-01-01T00:00:00.000000Z")
        assert kernel_db.write_now(jobs.cancel, later).state == "cancelled"
        job_id = enqueue(kernel_db, jobs, one)
        assert started.wait(20)
        began = time.monotonic()
        assert kernel_db.write_now(jobs.cancel, job_id).is_cancel_requested
        job = when(kernel_db, job_id, "cancelled")
        assert time.monotonic() - began < 2
        assert interrupted.is_set()
        assert job.finished_at is not None
        with pytest.raises(Conflict):
            kernel_db.write_now(jobs.cancel, job_id)


def test_only_its_maker_or_an_administrator_acts_on_a_job(kernel_db: Database) -> None:
    one = kind(lambda run: None)
    jobs = Jobs([one])
    job_id = enqueue(kernel_db, jobs, one, by=ANYONE)
    for act in (jobs.cancel, jobs.retry):
        with pytest.raises(Forbidden):
            kernel_db.write_now(act, job_id, by=SOMEBODY)
    assert kernel_db.read_now(read_job, job_id).state == "queued"
    with pytest.raises(Conflict):
        kernel_db.write_now(jobs.retry, job_id, by=ANYONE)
    assert kernel_db.write_now(jobs.cancel, job_id, by=ANYONE).state == "cancelled"
    assert kernel_db.write_now(jobs.retry, job_id, by=ROOT).state == "queued"
    with pytest.raises(NotFound):
        kernel_db.write_now(jobs.cancel, "00000000-0000-4000-8000-000000000000", by=ROOT)


def test_an_attempt_whose_lease_ran_out_can_change_nothing_more(kernel_db: Database) -> None:
    effect = unique("vault.effect")
    one = kind(lambda run: None)
    jobs = Jobs([one])
    job_id = enqueue(kernel_db, jobs, one)

    def claimed(owner: str, lease: int) -> JobRun | None:
        rows = kernel_db.write_now(store.claim, owner, {one.name: lease}, 10)
        if not rows:
            return None
        (row,) = rows
        return JobRun(
            job_id=row.id,
            kind=row.kind,
            package=row.package,
            args=row.args,
            attempt=row.attempt,
            created_by=None,
            saved=row.cursor,
            lease_seconds=60,
        )

    old = claimed("old", 0)
    assert old is not None
    new = until(lambda: claimed("new", 60))
    assert (old.attempt, new.attempt) == (1, 2)
    assert claimed("third", 60) is None, "a lease that holds keeps others out"

    def step(tx: Tx, run: JobRun, n: int) -> None:
        record_effect(tx, effect, n)
        run.save_cursor(tx, n)

    kernel_db.write_now(step, new, 2)
    with pytest.raises(LeaseLost):
        kernel_db.write_now(step, old, 1)
    assert effects(kernel_db, effect) == [2]
    with pytest.raises(LeaseLost):
        old.check()
    report = old.report()
    assert report is not None
    assert not kernel_db.write_now(store.end, job_id, old.attempt, report, state="failed", error="late")
    beat = store.Beat(job_id, old.attempt, 60, None)
    assert kernel_db.write_now(store.beat, "old", [beat]) == {job_id: "lost"}
    assert kernel_db.read_now(read_job, job_id).state == "running"


def test_a_heartbeat_keeps_the_lease_of_a_job_that_takes_longer(kernel_db: Database) -> None:
    may_end = threading.Event()
    attempts: list[int] = []

    def run(run: JobRun) -> None:
        attempts.append(run.attempt)
        while not may_end.is_set():
            run.sleep(0.05)

    one = kind(run, lease_seconds=2)
    with running(kernel_db, one) as (jobs, _):
        job_id = enqueue(kernel_db, jobs, one)
        until(lambda: attempts)
        began = time.monotonic()
        until(lambda: time.monotonic() - began > 4.5)
        row = kernel_db.read_now(Tx.one, sa.select(store.JOBS).where(store.JOBS.c.id == job_id))
        assert row is not None
        assert row.lease_until > now()
        may_end.set()
        when(kernel_db, job_id, "succeeded")
    assert attempts == [1]


def test_a_run_that_cannot_renew_stops_before_its_lease_ends() -> None:
    run = JobRun(job_id="x", kind="k", package="p", args={}, attempt=1, created_by=None, saved=None, lease_seconds=0.2)
    began = time.monotonic()
    while time.monotonic() - began < 0.1:
        run.check()
    with pytest.raises(LeaseLost):
        run.sleep(5)
    assert time.monotonic() - began < 0.2


def test_stopping_releases_jobs_at_once_and_another_server_goes_on(kernel_db: Database) -> None:
    effect = unique("vault.effect")
    is_deaf = threading.Event()

    def run(run: JobRun, db: Database) -> None:
        n = run.cursor or 0
        while n < 40:

            def step(tx: Tx, n: int = n) -> None:
                record_effect(tx, effect, n)
                run.save_cursor(tx, n + 1)

            db.write_now(step)
            n += 1
            run.sleep(0.01)

    def deaf(run: JobRun) -> None:
        if run.attempt == 1:
            is_deaf.wait(20)

    one, other = kind(run), kind(deaf)
    with running(kernel_db, one, other, services={Database: kernel_db}) as (jobs, runner):
        job_id = enqueue(kernel_db, jobs, one)
        deaf_id = enqueue(kernel_db, jobs, other)
        until(lambda: len(effects(kernel_db, effect)) > 5 and runner.running_count == 2)
        began = time.monotonic()
        runner.stop()
        assert time.monotonic() - began < 3
        for each in (job_id, deaf_id):
            job = kernel_db.read_now(read_job, each)
            assert (job.state, job.attempt, job.failures) == ("queued", 1, 0)
    with running(kernel_db, one, other, services={Database: kernel_db}):
        when(kernel_db, job_id, "succeeded")
        when(kernel_db, deaf_id, "succeeded")
    is_deaf.set()
    assert effects(kernel_db, effect) == list(range(40))


def test_a_log_keeps_its_newest_lines(kernel_db: Database) -> None:
    def run(run: JobRun, db: Database) -> None:
        for n in range(900):
            run.log(f"a {n}")
        run.sleep(1.5)  # a report is written meanwhile
        for n in range(900):
            run.log(f"b {n}")

    one = kind(run)
    with running(kernel_db, one, services={Database: kernel_db}) as (jobs, _):
        job_id = enqueue(kernel_db, jobs, one)
        when(kernel_db, job_id, "succeeded")
    kept = lines(kernel_db, job_id)
    assert len(kept) == store.MAX_LOG_LINES
    assert (kept[0], kept[-1]) == ("a 800", "b 899")


def test_continuous_jobs_take_no_place_from_others_and_interactive_ones_none_from_long_ones(
    kernel_db: Database,
) -> None:
    def forever(run: JobRun) -> None:
        while True:
            run.sleep(30)

    endless, long = kind(forever, is_continuous=True), kind(forever)
    quick = kind(_nothing, is_interactive=True)
    with running(kernel_db, endless, long, quick, threads=2) as (jobs, runner):
        for one in (endless, endless, endless, long, long, long):
            enqueue(kernel_db, jobs, one)
        until(lambda: runner.running_count == 5)
        when(kernel_db, enqueue(kernel_db, jobs, quick), "succeeded")
        assert runner.running_count == 5
        for job in kernel_db.read_now(page_jobs, states=["queued", "running"]):
            if job.kind in (endless.name, long.name):
                kernel_db.write_now(jobs.cancel, job.id)
        until(lambda: runner.running_count == 0)


def _nothing(run: JobRun) -> None:
    """A job that is done at once."""


def test_two_runners_never_run_the_same_attempt(kernel_db: Database) -> None:
    seen: list[tuple[str, int]] = []

    def run(run: JobRun) -> None:
        seen.append((run.job_id, run.attempt))

    one = kind(run)
    # Queued when all three run: on SQLite a runner that starts takes every lease, as no other server can be alive.
    with running(kernel_db, one) as (jobs, _), running(kernel_db, one), running(kernel_db, one):
        ids = [enqueue(kernel_db, jobs, one) for _ in range(60)]
        until(lambda: not kernel_db.read_now(page_jobs, kind=one.name, states=["queued", "running"]))
    assert sorted(seen) == sorted((job_id, 1) for job_id in ids)


def test_pages_go_from_the_newest_on(kernel_db: Database) -> None:
    one = kind(_nothing)
    jobs = Jobs([one])
    ids = [enqueue(kernel_db, jobs, one) for _ in range(7)]
    kernel_db.write_now(jobs.cancel, ids[3])
    seen: list[str] = []
    after = None
    while page := kernel_db.read_now(page_jobs, kind=one.name, after=after, limit=3):
        seen += [job.id for job in page]
        after = seen[-1]
    assert seen == ids[::-1]
    assert [job.id for job in kernel_db.read_now(page_jobs, kind=one.name, states=["cancelled"])] == [ids[3]]
    assert kernel_db.read_now(page_jobs, kind=one.name, packages=["catalog"]) == []
    with pytest.raises(Invalid):
        kernel_db.read_now(page_jobs, states=["done"])


# -- schedules ----------------------------------------------------------------------------------------------------


def test_a_schedule_runs_its_kind_by_the_clock(kernel_db: Database) -> None:
    ran: list[dict[str, Any]] = []
    one = kind(_collect(ran))
    name = unique("schedule")
    with running(kernel_db, one) as (jobs, _):
        kernel_db.write_now(jobs.schedule, name, one.name, {"n": 1}, package="vault", every_seconds=1)
        until(lambda: len(ran) >= 2)
        assert kernel_db.write_now(jobs.unschedule, name)
    assert ran[0] == {"n": 1}
    made = kernel_db.read_now(page_jobs, kind=one.name)
    assert {job.schedule for job in made} == {name}
    assert len({job.due_at for job in made}) == len(made)


def _collect(ran: list[dict[str, Any]]) -> Callable[..., None]:
    def run(run: JobRun) -> None:
        ran.append(dict(run.args))

    return run


def test_missed_times_are_made_up_for_by_one_run_and_two_servers_queue_it_once(kernel_db: Database) -> None:
    one = kind(_nothing)
    jobs = Jobs([one])
    name = unique("schedule")
    kernel_db.write_now(jobs.schedule, name, one.name, {}, package="vault", every_seconds=60)
    due = instant(moment(now()).replace(year=2020))
    put_back = jobs_schedules.SCHEDULES.update().where(jobs_schedules.SCHEDULES.c.name == name)
    kernel_db.write_now(Tx.execute, put_back.values(next_due_at=due))
    threads = [threading.Thread(target=kernel_db.write_now, args=(jobs_schedules.run_due,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (job,) = kernel_db.read_now(page_jobs, kind=one.name)
    assert job.due_at == due
    following = kernel_db.read_now(jobs_schedules.find, name)
    assert following is not None
    assert now() < following.next_due_at
    assert moment(following.next_due_at).second == moment(due).second, "the beat is kept"
    kernel_db.write_now(Tx.execute, put_back.values(next_due_at=instant(moment(due).replace(year=2021))))
    kernel_db.write_now(jobs_schedules.run_due)
    assert len(kernel_db.read_now(page_jobs, kind=one.name)) == 1, "the run before has not ended"
    kernel_db.write_now(jobs.unschedule, name)


def test_a_schedule_that_cannot_be_read_is_refused(kernel_db: Database) -> None:
    one = kind(_nothing)
    jobs = Jobs([one])
    for clock in ({"cron": "61 * * * *"}, {"cron": "* * 31 2 *"}, {"every_seconds": 0}, {}):
        with pytest.raises(Invalid):
            kernel_db.write_now(jobs.schedule, unique("s"), one.name, {}, package="vault", **clock)
    name = unique("schedule")
    kernel_db.write_now(jobs.schedule, name, one.name, {}, package="vault", cron="30 2 * * *")
    found = kernel_db.read_now(jobs_schedules.find, name)
    assert found is not None
    assert found.next_due_at[10:] == "T02:30:00.000000Z"
