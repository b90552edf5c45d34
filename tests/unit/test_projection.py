"""What the databases write as JSON equals what Python would write, for any values, on both of them."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tessera.kernel.clock import instant
from tessera.kernel.db import Database, Day, Document, Flag, Id, Instant, Prepared, Tx
from tessera.kernel.projection import Form, Many, One, Projection, Texts, Value, instant_text, row, rows
from tests.serving import POSTGRES

METADATA = sa.MetaData()
NOTES = sa.Table(
    "notes",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("text", sa.Text),
    sa.Column("number", sa.Integer),
    sa.Column("ratio", sa.Double),
    sa.Column("is_open", Flag),
    sa.Column("on_day", Day),
    sa.Column("at", Instant),
    sa.Column("data", Document),
)
LINKS = sa.Table(
    "links", METADATA, sa.Column("note_id", Id), sa.Column("position", sa.Integer), sa.Column("word", sa.Text)
)

_LINKED = sa.select(LINKS).where(LINKS.c.note_id == NOTES.c.id)
_WORD = Projection((Value("word", LINKS.c.word, Form.TEXT), Value("position", LINKS.c.position, Form.NUMBER)))
NOTE = Projection(
    (
        Value("id", NOTES.c.id, Form.TEXT),
        Value("it's", NOTES.c.text, Form.TEXT),
        Value("näme %s :x", NOTES.c.number, Form.NUMBER),
        Value("ratio", NOTES.c.ratio, Form.REAL),
        Value("open", NOTES.c.is_open, Form.FLAG),
        Value("day", NOTES.c.on_day, Form.TEXT),
        *(Value(form.value, NOTES.c.at, form) for form in Form if form.name.startswith("INSTANT")),
        Value("data", NOTES.c.data, Form.DOCUMENT),
        Texts("words", sa.select(LINKS.c.word).where(LINKS.c.note_id == NOTES.c.id)),
        One("first", _LINKED.order_by(LINKS.c.position).limit(1), _WORD),
        Many("all", _LINKED.order_by(LINKS.c.position.desc()), _WORD),
    )
)
# Past the 63 pairs that one json_object of SQLite takes; twice past them as well.
WIDE = Projection(tuple(Value(f"m{number}", NOTES.c.position, Form.NUMBER) for number in range(130)))

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)
# SQLite 3.40 writes 15 digits of a real; more are not asked for (stack.md, Rules for the database).
reals = st.floats(-1e9, 1e9, allow_nan=False).map(lambda number: float(f"{number:.9g}"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
instants = st.datetimes(datetime(1900, 1, 1), timezones=st.just(UTC)).map(instant)  # noqa: DTZ001 - the zone is added
notes = st.fixed_dictionaries(
    {
        "text": st.none() | texts,
        "number": st.none() | st.integers(-(2**31), 2**31 - 1),
        "ratio": st.none() | reals,
        "is_open": st.none() | st.booleans(),
        "on_day": st.none() | st.dates().map(lambda day: day.isoformat()),
        "at": st.none() | instants,
        "data": json_values,
        "words": st.lists(texts, max_size=3),
    }
)


@pytest.fixture(scope="module")
def db(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An empty database with the two tables."""
    if database == "sqlite":
        path: Path = tmp_path_factory.mktemp("projection") / "p.db"
        url, name = f"sqlite:///{path}", ""
    else:
        name = f"tessera_projection_{secrets.token_hex(4)}"
        url = f"{POSTGRES}/{name}"
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
    opened = Database(url)
    opened.write_now(lambda tx: METADATA.create_all(tx.connection))
    yield opened
    opened.close()
    if name:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def reference(stored: dict[str, Any]) -> dict[str, Any]:
    """The same object, made in Python."""
    words = [{"word": word, "position": number} for number, word in enumerate(stored["words"])]
    return {
        "id": stored["id"],
        "it's": stored["text"],
        "näme %s :x": stored["number"],
        "ratio": stored["ratio"],
        "open": stored["is_open"],
        "day": stored["on_day"],
        **{
            form.value: instant_text(stored["at"], form) if stored["at"] else None
            for form in Form
            if form.name.startswith("INSTANT")
        },
        "data": stored["data"],
        "words": stored["words"],
        "first": words[0] if words else None,
        "all": words[::-1],
    }


def store(tx: Tx, given_notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    tx.execute(LINKS.delete())
    tx.execute(NOTES.delete())
    stored = []
    for position, note in enumerate(given_notes):
        row_id = f"00000000-0000-4000-8000-{position:012d}"
        values = {name: value for name, value in note.items() if name != "words"}
        tx.execute(NOTES.insert().values(id=row_id, position=position, **values))
        for number, word in enumerate(note["words"]):
            tx.execute(LINKS.insert().values(note_id=row_id, position=number, word=word))
        stored.append({**note, "id": row_id})
    return stored


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(given_notes=st.lists(notes, max_size=4))
def test_the_database_writes_the_json_that_python_would_write(db: Database, given_notes: list[dict[str, Any]]) -> None:
    def work(tx: Tx) -> tuple[list[dict[str, Any]], bytes, list[bytes]]:
        stored = store(tx, given_notes)
        newest_first = sa.select(NOTES).order_by(NOTES.c.position.desc())
        listed = tx.run(Prepared(rows(newest_first, NOTE, tx.dialect)))[0][0]
        singles = [
            tx.run(Prepared(row(sa.select(NOTES).where(NOTES.c.id == each["id"]), NOTE, tx.dialect)))[0][0]
            for each in stored
        ]
        return stored, listed, singles

    stored, listed, singles = db.write_now(work)
    expected = [reference(each) for each in stored]
    for each in (*expected, *(found := msgspec.json.decode(listed))):
        each["words"].sort()
    assert found == expected[::-1]
    for single, wanted in zip(singles, expected, strict=True):
        read = msgspec.json.decode(single)
        read["words"].sort()
        assert read == wanted
        assert list(read) == list(wanted)


def test_a_real_keeps_its_fraction(db: Database) -> None:
    note = {
        "text": None,
        "number": 1,
        "ratio": 120.0,
        "is_open": None,
        "on_day": None,
        "at": None,
        "data": None,
        "words": [],
    }
    member = Projection((Value("ratio", NOTES.c.ratio, Form.REAL), Value("number", NOTES.c.number, Form.NUMBER)))

    def work(tx: Tx) -> bytes:
        store(tx, [note])
        found: bytes = tx.run(Prepared(rows(sa.select(NOTES), member, tx.dialect)))[0][0]
        return found

    assert db.write_now(work).replace(b" ", b"") == b'[{"ratio":120.0,"number":1}]'


def test_an_object_may_have_more_members_than_one_call_takes(db: Database) -> None:
    empty = {
        "text": None,
        "number": 1,
        "ratio": None,
        "is_open": None,
        "on_day": None,
        "at": None,
        "data": None,
        "words": [],
    }

    def work(tx: Tx) -> tuple[bytes, bytes]:
        store(tx, [empty, empty])
        many = tx.run(Prepared(rows(sa.select(NOTES).order_by(NOTES.c.position), WIDE, tx.dialect)))[0][0]
        one = tx.run(Prepared(row(sa.select(NOTES).where(NOTES.c.position == 1), WIDE, tx.dialect)))[0][0]
        return many, one

    many, one = db.write_now(work)
    assert msgspec.json.decode(many) == [{f"m{number}": position for number in range(130)} for position in (0, 1)]
    assert msgspec.json.decode(one) == {f"m{number}": 1 for number in range(130)}


def test_no_rows_are_an_empty_list(db: Database) -> None:
    def work(tx: Tx) -> tuple[bytes, list[Any]]:
        store(tx, [])
        none = sa.select(NOTES).where(NOTES.c.position == -1)
        return tx.run(Prepared(rows(none, NOTE, tx.dialect)))[0][0], tx.run(Prepared(row(none, NOTE, tx.dialect)))

    assert db.write_now(work) == (b"[]", [])


@pytest.mark.parametrize("names", [["a", "a"], [""], ["x" * 64]], ids=["twice", "empty", "too long"])
def test_names_that_a_database_would_bend_are_refused(names: list[str]) -> None:
    with pytest.raises(ValueError):
        Projection(tuple(Value(name, NOTES.c.id, Form.TEXT) for name in names))
