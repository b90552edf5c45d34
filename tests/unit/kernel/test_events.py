"""The outbox and its readers: in the change's transaction or not at all; in order; none skipped, none twice."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from tessera.kernel import events
from tessera.kernel.consumers import Consumers, place
from tessera.kernel.db import Database, Tx
from tessera.kernel.events import Consumer, Event, horizon, page_events
from tessera.kernel.stream import Stream, StreamEnded
from tessera.kernel.wake import Relay
from tests.serving import unique, until


def record(db: Database, name: str, **data: Any) -> None:
    db.write_now(lambda tx: events.record(tx, name, package="vault", data=data))


def read_after(db: Database, after: int, **options: Any) -> list[Event]:
    upto = db.read_now(horizon)
    return db.read_now(page_events, after=after, upto=upto, **options)


def test_an_event_is_read_back_as_it_was_recorded(kernel_db: Database) -> None:
    name, actor = unique("vault.hub"), "6b0f2c4e-93f5-4b39-8c92-4a3c1d0a7f11"
    start = kernel_db.read_now(horizon)
    data = {"name": "hub_ä", "columns": [1, 2.5, None, True]}
    event_id = kernel_db.write_now(lambda tx: events.record(tx, name, package="vault", by=actor, of="hub 1", data=data))
    (event,) = read_after(kernel_db, start)
    assert (event.id, event.name, event.package) == (event_id, name, "vault")
    assert (event.object_id, event.actor_id, event.data) == ("hub 1", actor, data)
    assert event.at.endswith("Z")
    assert len(event.at) == 27


@pytest.mark.parametrize("count", [1, events.FEW, events.FEW + 1, 2_000])
def test_many_events_at_once_keep_their_order(kernel_db: Database, count: int) -> None:
    start = kernel_db.read_now(horizon)
    rows = [(f"object {number}", {"number": number, "text": "ä"}) for number in range(count)]
    ids = kernel_db.write_now(lambda tx: events.record_all(tx, "vault.many", rows, package="vault"))
    found = read_after(kernel_db, start, limit=5_000)
    assert [event.id for event in found] == ids
    assert [(event.object_id, event.data) for event in found] == rows


def test_a_change_that_fails_leaves_no_event(kernel_db: Database) -> None:
    start = kernel_db.read_now(horizon)

    def fail(tx: Tx) -> None:
        events.record(tx, "vault.hub.created", package="vault")
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        kernel_db.write_now(fail)
    assert read_after(kernel_db, start) == []


@pytest.mark.parametrize("data", [{"password": "x"}, {"a": {"access_token": "x"}}, {"list": [{"apiKey": "x"}]}])
def test_secrets_are_refused(kernel_db: Database, data: dict[str, Any]) -> None:
    start = kernel_db.read_now(horizon)
    with pytest.raises(ValueError, match="names a secret"):
        kernel_db.write_now(lambda tx: events.record(tx, "x.y", package="vault", data=data))
    assert read_after(kernel_db, start) == []


def test_a_late_committer_is_not_skipped(kernel_db: Database) -> None:
    """A takes a number, B takes a higher one and commits first: a reader has to see both, in order."""
    if kernel_db.dialect == "sqlite":
        # One writer: B cannot take a number before A has committed. Shown by the two numbers below.
        name = unique("vault.late")
        start = kernel_db.read_now(horizon)
        record(kernel_db, name, who="a")
        record(kernel_db, name, who="b")
        assert [event.data["who"] for event in read_after(kernel_db, start)] == ["a", "b"]
        return
    name = unique("vault.late")
    start = kernel_db.read_now(horizon)
    a_recorded, a_may_commit = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        events.record(tx, name, package="vault", data={"who": "a"})
        a_recorded.set()
        assert a_may_commit.wait(20)

    with ThreadPoolExecutor(1) as pool:
        a = pool.submit(kernel_db.write_now, slow)
        assert a_recorded.wait(20)
        record(kernel_db, name, who="b")
        visible = kernel_db.read_now(Tx.all, sa.select(events.EVENTS.c.data).where(events.EVENTS.c.name == name))
        assert [row.data["who"] for row in visible] == ["b"], "the trap is set: only the higher number is visible"
        first = read_after(kernel_db, start)
        place_reached = kernel_db.read_now(horizon)
        a_may_commit.set()
        a.result()
    seen = first + read_after(kernel_db, first[-1].seq if first else place_reached)
    assert [event.data["who"] for event in seen] == ["a", "b"]


def test_a_long_transaction_without_events_holds_nobody_up(kernel_db: Database) -> None:
    start = kernel_db.read_now(horizon)
    working, may_end = threading.Event(), threading.Event()

    def long_work(tx: Tx) -> None:
        tx.bump(unique("t"))
        working.set()
        assert may_end.wait(20)

    with ThreadPoolExecutor(1) as pool:
        if kernel_db.dialect == "postgresql":
            work = pool.submit(kernel_db.write_now, long_work)
            assert working.wait(20)
            record(kernel_db, "vault.quick")
            assert [event.name for event in read_after(kernel_db, start)] == ["vault.quick"]
            may_end.set()
            work.result()
        else:
            record(kernel_db, "vault.quick")
            assert [event.name for event in read_after(kernel_db, start)] == ["vault.quick"]


def test_a_reader_beside_many_writers_sees_each_event_once_in_order(kernel_db: Database) -> None:
    name = unique("vault.many")
    start = kernel_db.read_now(horizon)
    done = threading.Event()
    seen: list[Event] = []

    def write(number: int) -> None:
        def change(tx: Tx) -> None:
            events.record(tx, name, package="vault", data={"n": number})
            if number % 7 == 0:
                tx.execute(sa.text("SELECT 1"))
            if number % 10 == 3:
                raise ValueError("rolled back: leaves a gap")

        try:
            kernel_db.write_now(change)
        except ValueError:
            assert number % 10 == 3

    def follow() -> None:
        after = start
        while True:
            last_round = done.is_set()
            page = read_after(kernel_db, after, limit=7)
            seen.extend(page)
            if page:
                after = page[-1].seq
            elif last_round:
                return

    with ThreadPoolExecutor(9) as pool:
        reader = pool.submit(follow)
        list(pool.map(write, range(400)))
        done.set()
        reader.result()
    assert [event.seq for event in seen] == sorted(event.seq for event in seen)
    assert sorted(event.data["n"] for event in seen) == [n for n in range(400) if n % 10 != 3]


# -- consumers ----------------------------------------------------------------------------------------------------


def run_consumers(db: Database, *consumers: Consumer) -> Iterator[Consumers]:
    running = Consumers(db, consumers, poll_seconds=0.1)
    running.start()
    yield running
    running.stop()


def test_a_consumer_gets_each_matching_event_once_and_its_place_moves_with_its_effect(kernel_db: Database) -> None:
    prefix, copies = unique("vault.c"), unique("copies")
    for number in range(50):
        record(kernel_db, f"{prefix}.{'hub' if number % 2 else 'link'}", n=number)

    def copy(tx: Tx, event: Event) -> None:
        events.record(tx, copies, package="vault", data={"n": event.data["n"]})

    name = unique("copier")
    consumer = Consumer(name=name, matches=(f"{prefix}.h*",), handle=copy)
    start = kernel_db.read_now(horizon)
    for _ in run_consumers(kernel_db, consumer):
        until(lambda: len(read_after(kernel_db, start)) == 25)
        record(kernel_db, f"{prefix}.hub", n=51)
        until(lambda: len([e for e in read_after(kernel_db, start) if e.name == copies]) == 26)
    for _ in run_consumers(kernel_db, consumer):
        record(kernel_db, f"{prefix}.hub", n=53)
        until(lambda: len([e for e in read_after(kernel_db, start) if e.name == copies]) == 27)
    numbers = [event.data["n"] for event in read_after(kernel_db, start) if event.name == copies]
    assert numbers == [*range(1, 50, 2), 51, 53]
    assert kernel_db.read_now(place, name) > start


def test_a_consumer_that_fails_gets_the_event_again_and_nothing_is_half_done(kernel_db: Database) -> None:
    name, copies = unique("vault.f"), unique("copies")
    failures: list[int] = []

    def sometimes(tx: Tx, event: Event) -> None:
        events.record(tx, copies, package="vault", data={"n": event.data["n"]})
        if event.data["n"] == 3 and len(failures) < 2:
            failures.append(1)
            raise RuntimeError("not yet")

    start = kernel_db.read_now(horizon)
    for number in range(6):
        record(kernel_db, name, n=number)
    for _ in run_consumers(kernel_db, Consumer(name=unique("failing"), matches=(name,), handle=sometimes)):
        until(lambda: len([e for e in read_after(kernel_db, start) if e.name == copies]) == 6)
    copied = [event.data["n"] for event in read_after(kernel_db, start) if event.name == copies]
    assert copied == [0, 1, 2, 3, 4, 5]
    assert len(failures) == 2


def test_two_processes_share_a_consumer_without_doubling(kernel_db: Database) -> None:
    name, copies = unique("vault.two"), unique("copies")
    consumer = Consumer(
        name=unique("shared"),
        matches=(name,),
        handle=lambda tx, event: events.record(tx, copies, package="vault", data=event.data) and None,
    )
    other_db = Database(kernel_db.url) if kernel_db.dialect == "postgresql" else kernel_db
    start = kernel_db.read_now(horizon)
    both = [Consumers(kernel_db, [consumer], poll_seconds=0.05), Consumers(other_db, [consumer], poll_seconds=0.05)]
    for each in both:
        each.start()
    for number in range(120):
        record(kernel_db, name, n=number)
    until(lambda: len([e for e in read_after(kernel_db, start) if e.name == copies]) >= 120)
    for each in both:
        each.stop()
    if other_db is not kernel_db:
        other_db.close()
    assert [e.data["n"] for e in read_after(kernel_db, start) if e.name == copies] == list(range(120))


# -- the stream of this process's clients --------------------------------------------------------------------------


def test_a_client_that_is_slower_than_the_ring_misses_nothing(kernel_db: Database) -> None:
    name = unique("vault.slow")

    async def follow() -> list[int]:
        stream = Stream(kernel_db, ring=10, poll_seconds=0.1)
        stream.start()
        client = await stream.subscribe()
        try:
            for number in range(60):
                await kernel_db.write(events.record, name, package="vault", data={"n": number})
            await asyncio.to_thread(until, lambda: stream.kept(client.after) is None)
            seen: list[int] = []
            while len(seen) < 60:
                seen += [event.data["n"] for event in await client.next(5, packages={"vault"}, names=(name,))]
            return seen
        finally:
            stream.stop()

    assert asyncio.run(follow()) == list(range(60))


def test_a_client_resumes_behind_a_place_and_hears_of_the_end(kernel_db: Database) -> None:
    name = unique("vault.resume")
    for number in range(5):
        record(kernel_db, name, n=number)
    third = read_after(kernel_db, 0, names=[name])[2]

    async def follow() -> list[int]:
        stream = Stream(kernel_db, poll_seconds=0.1)
        stream.start()
        client = await stream.subscribe(after=third.seq)
        seen = [event.data["n"] for event in await client.next(5, packages={"vault"}, names=(name,))]
        assert await client.next(0.05, packages={"catalog"}) == []
        asyncio.get_running_loop().call_later(0.1, stream.end)
        with pytest.raises(StreamEnded):
            await client.next(30)
        stream.stop()
        return seen

    assert asyncio.run(follow()) == [3, 4]


def test_another_process_is_nudged_at_once(kernel_db: Database) -> None:
    """With a poll of a minute, only the nudge can bring the event in time."""
    name = unique("vault.nudge")
    there = Database(kernel_db.url) if kernel_db.dialect == "postgresql" else kernel_db
    there.start()
    relay = Relay(kernel_db, (events.TOPIC,))
    relay_there = Relay(there, (events.TOPIC,))
    relay.start()
    relay_there.start()

    async def follow() -> list[str]:
        stream = Stream(there, poll_seconds=60)
        stream.start()
        client = await stream.subscribe()
        await kernel_db.write(events.record, name, package="vault")
        seen = await client.next(10, names=(name,))
        stream.stop()
        return [event.name for event in seen]

    try:
        assert asyncio.run(follow()) == [name]
    finally:
        relay.stop()
        relay_there.stop()
        if there is not kernel_db:
            there.close()
