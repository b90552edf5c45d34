"""Hostile statements as data: each is refused before any engine sees it, and nothing was read or changed."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from sqlglot import exp, parse_one

from tessera.warehouse import (
    QueryFailed,
    SqlRefused,
    Table,
    Warehouse,
    check_select,
    safe_expression,
    safe_select,
)
from tests.warehouses import create, opened

DATA = Path(__file__).parent / "hostile"
REFUSED: dict[str, list[str]] = json.loads((DATA / "refused.json").read_text())
HARMLESS: list[str] = json.loads((DATA / "harmless.json").read_text())
CASES = [pytest.param(text, id=f"{group}-{n}") for group, texts in REFUSED.items() for n, text in enumerate(texts)]

PEOPLE = Table("landing", "people")
SECRETS = Table("landing", "secrets")
LEDGER = Table("tessera", "ledger")
CANARY = "canary-7f3a"
#: Far in the past, but after it was last read: the file system notes the next reading.
OLD = 1_000_000_000


@dataclass
class Field:
    """A warehouse with things that must not be reached."""

    warehouse: Warehouse
    file: Path

    def state(self) -> tuple[Any, ...]:
        """All that must stay as it is."""
        with self.warehouse.reading() as reader:
            rows = [reader.rows(exp.select("*").from_(table.expression())) for table in (PEOPLE, SECRETS, LEDGER)]
        names = [str(info.table) for info in self.warehouse.tables()]
        columns = [self.warehouse.columns(table) for table in (PEOPLE, SECRETS, LEDGER)]
        return rows, names, columns, self.warehouse.schemas()

    def was_read(self) -> bool:
        """Whether somebody has read the file since `forget`."""
        return self.file.stat().st_atime != OLD

    def forget(self) -> None:
        """Make the next reading visible."""
        os.utime(self.file, (OLD, OLD + 10))


@pytest.fixture(scope="module")
def field(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp(f"hostile-{database}")
    file = folder / "canary" / "secret.csv"
    file.parent.mkdir()
    file.write_text(f"word\n{CANARY}\n")
    file.chmod(0o644)
    with opened(database, folder) as warehouse:
        with warehouse.writing(PEOPLE, SECRETS, LEDGER) as writer:
            create(writer, PEOPLE, id="BIGINT", name="TEXT")
            create(writer, SECRETS, id="BIGINT", word="TEXT")
            create(writer, LEDGER, id="BIGINT")
            writer.append(PEOPLE, pyarrow.table({"id": [1, 2], "name": ["Ann", "Bob"]}))
            writer.append(SECRETS, pyarrow.table({"id": [1], "word": [CANARY]}))
        yield Field(warehouse, file)


def test_the_file_system_notes_a_reading(field: Field) -> None:
    """The proof below is worth something only where access times are kept."""
    field.forget()
    field.file.read_text()
    assert field.was_read()


@pytest.mark.parametrize("text", CASES)
def test_a_hostile_statement_is_refused_with_a_message(field: Field, text: str) -> None:
    before = field.state()
    field.forget()
    with pytest.raises(SqlRefused) as refused, field.warehouse.reading() as reader:  # noqa: PT012
        tree = safe_select(text.replace("{file}", str(field.file)), dialect=field.warehouse.dialect, tables={PEOPLE})
        reader.json_rows(tree)
    assert refused.value.status == 400
    assert len(refused.value.message) > 10
    assert CANARY not in refused.value.message
    assert not field.was_read()
    assert field.state() == before
    assert os.listdir(field.file.parent) == [field.file.name]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_hostile_is_answered_and_reaches_nothing(field: Field, text: str) -> None:
    before = field.state()
    field.forget()
    dialect = field.warehouse.dialect
    tree = safe_select(text.replace("{file}", str(field.file)), dialect=dialect, tables={PEOPLE})
    with field.warehouse.reading() as reader:
        answer = reader.json_rows(tree)
    assert answer.count > 0
    assert CANARY.encode() not in bytes(answer.json)
    assert not field.was_read()
    assert field.state() == before


@pytest.mark.parametrize("text", [text for texts in REFUSED.values() for text in texts if " " in text][::3])
def test_as_an_expression_it_is_refused_too(field: Field, text: str) -> None:
    with pytest.raises(SqlRefused):
        safe_expression(f"({text.replace('{file}', str(field.file))})", dialect=field.warehouse.dialect)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        'SELECT * FROM "{file}"',
    ],
)
def test_the_engine_is_a_second_fence_for_files(field: Field, text: str) -> None:
    """Past the allow-list, as if it had a hole."""
    field.forget()
    tree = parse_one(text.replace("{file}", str(field.file)), read=field.warehouse.dialect)
    with pytest.raises(QueryFailed), field.warehouse.reading() as reader:
        reader.rows(tree)
    assert not field.was_read()


@pytest.mark.parametrize("text", HARMLESS)
def test_the_printed_text_means_the_checked_tree(field: Field, text: str) -> None:
    """What the engine reads is what was checked: printing and parsing again changes nothing."""
    dialect = field.warehouse.dialect
    tree = safe_select(text.replace("{file}", str(field.file)), dialect=dialect, tables={PEOPLE})
    printed = tree.sql(dialect=dialect)
    again = check_select(parse_one(printed, read=dialect), engine=dialect, tables={PEOPLE})
    assert len(list(again.walk())) == len(list(tree.walk()))
