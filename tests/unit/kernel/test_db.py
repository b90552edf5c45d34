"""The database's promises, on both databases: writes share commits but not fates, caches hear of changes."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from tessera.kernel.clock import new_id, now
from tessera.kernel.db import (
    METADATA,
    Database,
    Day,
    Document,
    Flag,
    Id,
    Instant,
    IntegrityError,
    Prepared,
    Tx,
    violates,
)
from tessera.kernel.tx import EPOCHS
from tests.serving import POSTGRES, postgres_database

METADATA_OF_TESTS = sa.MetaData()
THINGS = sa.Table(
    "things",
    METADATA_OF_TESTS,
    sa.Column("id", Id, primary_key=True),
    sa.Column("at", Instant),
    sa.Column("day", Day),
    sa.Column("is_good", Flag),
    sa.Column("document", Document),
    sa.Column("count", sa.Integer, nullable=False, default=0),
)


@pytest.fixture
def db(database: str, tmp_path: Path) -> Iterator[Database]:
    assert METADATA is not METADATA_OF_TESTS
    if database == "sqlite":
        yield from opened(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    else:
        with postgres_database() as name:
            yield from opened(f"{POSTGRES}/{name}")


def opened(url: str) -> Iterator[Database]:
    db = Database(url)
    with db.migrating() as connection, connection.begin():
        METADATA_OF_TESTS.create_all(connection)
        EPOCHS.create(connection)
    if db.dialect == "postgresql":  # on SQLite like the command line: beside a server, if any
        db.start()
    yield db
    db.close()


def add(tx: Tx, **values: object) -> str:
    thing_id = new_id()
    tx.execute(THINGS.insert().values(id=thing_id, **values))
    return thing_id


def test_values_come_out_as_the_same_plain_values_on_both(db: Database) -> None:
    at = now()
    thing_id = db.write_now(add, at=at, day="2026-02-28", is_good=True, document={"a": [1, None, "é"]})
    row = db.read_now(Tx.one, sa.select(THINGS))
    assert tuple(row or ()) == (thing_id, at, "2026-02-28", True, {"a": [1, None, "é"]}, 0)


def test_a_prepared_statement_gives_the_same(db: Database) -> None:
    at = now()
    thing_id = db.write_now(add, at=at)
    find = Prepared(sa.select(THINGS.c.id, THINGS.c.at).where(THINGS.c.id == sa.bindparam("thing_id", type_=Id)))
    assert db.read_now(Tx.run, find, thing_id=thing_id) == [(thing_id, at)]
    assert db.read_now(Tx.run, find, thing_id=new_id()) == []


def test_sixteen_writers_at_once_lose_nothing(db: Database) -> None:
    thing_id = db.write_now(add)

    def count_up(tx: Tx) -> None:
        tx.execute(THINGS.update().where(THINGS.c.id == thing_id).values(count=THINGS.c.count + 1))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: db.write_now(count_up), range(400)))
    assert db.read_now(Tx.scalar, sa.select(THINGS.c.count)) == 400


def test_of_many_writes_in_one_commit_only_the_one_that_raises_is_undone(db: Database) -> None:
    def add_or_fail(tx: Tx, number: int) -> None:
        add(tx, count=number)
        if number % 10 == 3:
            raise ValueError("refused")

    async def all_at_once() -> list[BaseException | None]:
        return await asyncio.gather(*(db.write(add_or_fail, n) for n in range(100)), return_exceptions=True)

    outcomes = asyncio.run(all_at_once())
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, ValueError)] == list(range(3, 100, 10))
    counts = [row[0] for row in db.read_now(Tx.all, sa.select(THINGS.c.count).order_by(THINGS.c.count))]
    assert counts == [n for n in range(100) if n % 10 != 3]


def test_a_broken_constraint_is_told_by_kind(db: Database) -> None:
    thing_id = db.write_now(add)
    with pytest.raises(IntegrityError) as caught:
        db.write_now(lambda tx: tx.execute(THINGS.insert().values(id=thing_id)))
    assert violates(caught.value, "unique")
    assert not violates(caught.value, "foreign")


@pytest.fixture
def other(db: Database) -> Iterator[Database]:
    """The same database as another process sees it, which serves; on PostgreSQL both do (SQLite allows one server)."""
    second = Database(db.url)
    try:
        for each in (db, second) if db.dialect == "postgresql" else (second,):
            each.start()
            asyncio.run(_until(lambda each=each: each.epoch("topic") == each.epoch("topic")))  # type: ignore[misc]
        yield second
    finally:
        second.close()


def test_a_bump_is_seen_everywhere_when_the_write_returns(db: Database, other: Database) -> None:
    for _ in range(50):
        before, before_there = db.epoch("topic"), other.epoch("topic")
        db.write_now(Tx.bump, "topic")
        assert db.epoch("topic") != before
        assert other.epoch("topic") != before_there


def test_bumps_from_both_sides_at_once_are_seen_on_both(db: Database, other: Database) -> None:
    async def bump_and_look(mine: Database, there: Database) -> bool:
        before = there.epoch("topic")
        await mine.write(Tx.bump, "topic")
        return there.epoch("topic") != before

    async def all_at_once() -> list[bool]:
        sides = [(db, other), (other, db)] if db.dialect == "postgresql" else [(db, other), (other, other)]
        return await asyncio.gather(*(bump_and_look(*pair) for pair in sides * 20))

    assert all(asyncio.run(all_at_once()))


def test_a_bump_that_is_rolled_back_is_not_seen(db: Database, other: Database) -> None:
    def bump_and_fail(tx: Tx) -> None:
        tx.bump("topic")
        raise ValueError

    before, before_there = db.epoch("topic"), other.epoch("topic")
    with pytest.raises(ValueError):
        db.write_now(bump_and_fail)
    assert (db.epoch("topic"), other.epoch("topic")) == (before, before_there)


def test_what_hears_nothing_trusts_nothing(db: Database, other: Database) -> None:
    if db.dialect != "postgresql":
        return  # on SQLite the file itself tells
    trusted = other.epoch("topic")
    listening = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 32342"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    db.write_now(lambda tx: tx.execute(listening).all())
    asyncio.run(_until(lambda: other.epoch("topic") < 0))
    assert other.epoch("topic") != other.epoch("topic")
    asyncio.run(_until(lambda: other.epoch("topic") == other.epoch("topic")))
    assert other.epoch("topic") != trusted


def test_a_reader_can_not_write(db: Database) -> None:
    if db.dialect == "postgresql":
        return  # on PostgreSQL readers are plain connections; the rule is SQLite's, where a second writer would block
    with pytest.raises(sa.exc.OperationalError):
        db.read_now(add)


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0.0005)
    raise AssertionError("not within some seconds")
