"""Pairs of a statement and its rows, as data; every engine runs each of them, through the allow-list.

`select/<name>.sql` is a user's statement in DuckDB's words; `<name>.json` has its `columns` and `rows`. What an engine
cannot do stands in `refused`, with the message: the mark falls when the gap closes.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from tessera.warehouse import JsonRows, QueryFailed, SqlRefused, Table, Warehouse, safe_select
from tests.warehouses import create, opened

HERE = Path(__file__).parent
PAIRS = sorted((HERE / "select").glob("*.sql"))
DATA: dict[str, Any] = json.loads((HERE / "data.json").read_text())
TABLES = {Table(*name.split(".")) for name in DATA}
ARROW = {
    "BIGINT": pyarrow.int64(),
    "TEXT": pyarrow.string(),
    "DOUBLE": pyarrow.float64(),
    "DECIMAL(10, 2)": pyarrow.decimal128(10, 2),
    "TIMESTAMP": pyarrow.timestamp("us"),
    "BOOLEAN": pyarrow.bool_(),
}


def _python(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind.startswith("DECIMAL"):
        return Decimal(value)
    return datetime.fromisoformat(value) if kind == "TIMESTAMP" else value


@pytest.fixture(scope="module")
def filled(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse with the tables of `data.json`."""
    with opened(database, tmp_path_factory.mktemp(f"pairs-{database}")) as warehouse:
        for name, data in DATA.items():
            table = Table(*name.split("."))
            arrays = [
                pyarrow.array([_python(row[number], kind) for row in data["rows"]], ARROW[kind])
                for number, kind in enumerate(data["columns"].values())
            ]
            with warehouse.writing(table) as writer:
                create(writer, table, **data["columns"])
                writer.append(table, pyarrow.table(arrays, names=list(data["columns"])))
        yield warehouse


def _ask(warehouse: Warehouse, text: str) -> JsonRows:
    tree = safe_select(text, dialect="duckdb", engine=warehouse.dialect, tables=TABLES)
    with warehouse.reading() as reader:
        return reader.json_rows(tree)


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_statement_gives_its_rows(filled: Warehouse, path: Path) -> None:
    wanted = json.loads(path.with_suffix(".json").read_text(), parse_float=Decimal)
    refused = wanted.get("refused", {}).get(filled.dialect)
    text = path.read_text()
    if refused is not None:
        with pytest.raises((SqlRefused, QueryFailed), match=re.escape(refused)):
            _ask(filled, text)
        return
    answer = _ask(filled, text)
    columns = wanted["columns"]
    names = [column.name for column in answer.columns]
    assert (names if isinstance(columns, list) else [name.lower() for name in names]) == (
        columns if isinstance(columns, list) else columns[filled.dialect]
    )
    rows = [list(row.values()) for row in json.loads(bytes(answer.json), parse_float=Decimal)]
    assert rows == wanted["rows"]
