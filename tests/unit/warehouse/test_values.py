"""Values of every type go in and come out as they were, by each way in and out."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow
import pytest
from sqlglot import exp

from tessera.warehouse import Column, JsonForm, Table, Warehouse, column, param, value
from tests.warehouses import create

MOMENT = datetime(2024, 2, 29, 21, 23, 0, 120_456)  # noqa: DTZ001  (a TIMESTAMP has no zone)
EARLY = datetime(1969, 12, 31, 23, 59, 59)  # noqa: DTZ001
#: type, Arrow type, values, and their JSON.
CASES: dict[str, tuple[pyarrow.DataType, list[Any], list[Any]]] = {
    "BOOLEAN": (pyarrow.bool_(), [True, False, None], [True, False, None]),
    "SMALLINT": (pyarrow.int16(), [-(2**15), 2**15 - 1, None], [-(2**15), 2**15 - 1, None]),
    "BIGINT": (pyarrow.int64(), [-(2**63), 2**63 - 1, None], [-(2**63), 2**63 - 1, None]),
    "DOUBLE": (pyarrow.float64(), [0.1, 1e300, None], [0.1, 1e300, None]),
    "DECIMAL(38, 9)": (
        pyarrow.decimal128(38, 9),
        [Decimal("12345678901234567890123456789.123456789"), Decimal("-0.000000001"), None],
        [Decimal("12345678901234567890123456789.123456789"), Decimal("-0.000000001"), None],
    ),
    "TEXT": (
        pyarrow.string(),
        ["", "né \\ \" ' % $1 {x}\r\n\t\\N \\. 😀", None],
        ["", "né \\ \" ' % $1 {x}\r\n\t\\N \\. 😀", None],
    ),
    "BLOB": (pyarrow.binary(), [b"", bytes(range(256)), None], ["", "base64", None]),
    "DATE": (pyarrow.date32(), [date(1, 1, 1), date(2024, 2, 29), None], ["0001-01-01", "2024-02-29", None]),
    "TIME": (pyarrow.time64("us"), [time(0, 0), time(23, 59, 59, 1), None], ["00:00:00", "23:59:59.000001", None]),
    "TIMESTAMP": (
        pyarrow.timestamp("us"),
        [MOMENT, EARLY, None],
        ["2024-02-29T21:23:00.120456", "1969-12-31T23:59:59.000000", None],
    ),
    "TIMESTAMPTZ": (
        pyarrow.timestamp("us", "UTC"),
        [MOMENT.replace(tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), None],
        ["2024-02-29T21:23:00.120456Z", "1969-12-31T23:59:59.000000Z", None],
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_values_round_trip(warehouse: Warehouse, table: Table, kind: str) -> None:
    arrow_type, values, _ = CASES[kind]
    numbers = list(range(len(values)))
    with warehouse.writing(table) as writer:
        create(writer, table, n="BIGINT", v=kind)
        writer.append(table, pyarrow.table({"n": numbers, "v": pyarrow.array(values, arrow_type)}))
        for number, one in enumerate(values):
            typed = exp.cast(param("v"), exp.DataType.build(kind, dialect="duckdb"))
            new = exp.select(value(number + 10), typed if one is not None else exp.null())
            writer.execute(exp.insert(new, table.expression()), {"v": one} if one is not None else None)
            written = exp.select(value(number + 20), value(one))
            writer.execute(exp.insert(written, table.expression()))
    with warehouse.reading() as reader:
        rows = reader.rows(exp.select("n", "v").from_(table.expression()).order_by("n"))
        assert rows == [(number + way, one) for way in (0, 10, 20) for number, one in enumerate(values)]
        assert [found.type for found in reader.columns] == ["BIGINT", kind]
        batches = list(reader.batches(exp.select("v").from_(table.expression()).where("n < 10").order_by("n")))
        assert [one for batch in batches for one in batch.column(0).to_pylist()] == values


@pytest.mark.parametrize("kind", CASES)
def test_values_as_json(warehouse: Warehouse, table: Table, kind: str) -> None:
    arrow_type, values, wanted = CASES[kind]
    with warehouse.writing(table) as writer:
        create(writer, table, n="BIGINT", v=kind)
        writer.append(table, pyarrow.table({"n": range(len(values)), "v": pyarrow.array(values, arrow_type)}))
    with warehouse.reading() as reader:
        answer = reader.json_rows(exp.select("n", "v").from_(table.expression()).order_by("n"))
    rows = msgspec.json.decode(answer.json, type=list[dict[str, Any]])
    if kind == "DECIMAL(38, 9)":
        exact = msgspec.json.decode(answer.json, type=list[dict[str, Decimal | None]])
        assert [row["v"] for row in exact] == wanted
    elif kind == "BLOB":
        assert [msgspec.convert(row["v"], bytes | None) for row in rows] == values
    else:
        assert [row["v"] for row in rows] == wanted


def test_numbers_that_json_does_not_have_are_null(warehouse: Warehouse, table: Table) -> None:
    special = [math.nan, math.inf, -math.inf]
    with warehouse.writing(table) as writer:
        create(writer, table, v="DOUBLE")
        writer.append(table, pyarrow.table({"v": special}))
    with warehouse.reading() as reader:
        found = [row[0] for row in reader.rows(exp.select("v").from_(table.expression()))]
        assert math.isnan(found[0])
        assert found[1:] == special[1:]
        answer = reader.json_rows(exp.select("v").from_(table.expression()))
    assert msgspec.json.decode(answer.json) == [{"v": None}] * 3


def test_the_forms_of_json(warehouse: Warehouse) -> None:
    query = exp.select(
        exp.alias_(exp.cast(value("2024-01-30 21:23:00.5"), "timestamp"), "t", quoted=True),
        exp.alias_(exp.cast(value(Decimal("1.50")), exp.DataType.build("decimal(5, 2)")), "d", quoted=True),
    )
    with warehouse.reading() as reader:
        blank = reader.json_rows(query, form=JsonForm(rows="arrays", timestamps="blank_millis", decimal_as_text=True))
        assert bytes(blank.json) == b'[["2024-01-30 21:23:00.500","1.50"]]'
        micro = reader.json_rows(query, form=JsonForm(timestamps="blank"))
        assert msgspec.json.decode(micro.json) == [{"t": "2024-01-30 21:23:00.500000", "d": 1.5}]


def test_names_of_columns_may_repeat_be_long_and_hold_anything(warehouse: Warehouse) -> None:
    long = "works_at[company].has_office[office].in_city[city].of_country[country].name"
    names = [long, "q\"u\\o'te", "A", "a"]
    inner = exp.select(*[exp.alias_(value(number), f"c{number}") for number in range(4)]).subquery("t")
    columns = [Column(name, "INT") for name in names]
    # Two columns that differ in case only are one name to DuckDB's `*`, but not in a list.
    query = exp.select(*[exp.alias_(column(f"c{n}"), name, quoted=True) for n, name in enumerate(names)]).from_(inner)
    with warehouse.reading() as reader:
        described = reader.describe(query)
        answer = reader.json_rows(query)
    assert [found.type for found in described] == [found.type for found in columns]
    assert list(msgspec.json.decode(answer.json)[0].values()) == [0, 1, 2, 3]
    assert answer.columns == described


def test_many_columns_make_one_row(warehouse: Warehouse) -> None:
    query = exp.select(*[exp.alias_(value(number), f"column {number}", quoted=True) for number in range(300)])
    with warehouse.reading() as reader:
        answer = reader.json_rows(query)
    assert msgspec.json.decode(answer.json) == [{f"column {number}": number for number in range(300)}]


def test_nested_values_are_json(warehouse: Warehouse, table: Table) -> None:
    rows = [{"k": "é", "xs": [1, 2]}, None]
    data = pyarrow.table({"v": pyarrow.array(rows), "l": pyarrow.array([["a", None], []])})
    with warehouse.writing(table) as writer:
        create(writer, table, v="STRUCT(k TEXT, xs BIGINT[])", l="TEXT[]")
        writer.append(table, data)
    with warehouse.reading() as reader:
        answer = reader.json_rows(exp.select("v", "l").from_(table.expression()).order_by("v IS NULL"))
    assert msgspec.json.decode(answer.json) == [{"v": rows[0], "l": ["a", None]}, {"v": None, "l": []}]


def test_a_duration_goes_in_and_out(warehouse: Warehouse) -> None:
    with warehouse.reading() as reader:
        assert reader.scalar(exp.select(value(timedelta(hours=1, microseconds=5)))) == timedelta(
            hours=1, microseconds=5
        )


def test_appending_nothing_is_no_error(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        create(writer, table, v="TEXT")
        assert writer.append(table, pyarrow.table({"v": pyarrow.array([], pyarrow.string())})) == 0
        assert writer.append(table, pyarrow.table({"v": pyarrow.nulls(2)})) == 2
        assert writer.rows(exp.select("v").from_(table.expression())) == [(None,), (None,)]


def test_the_catalogue_lists_tables_views_and_columns(warehouse: Warehouse, table: Table) -> None:
    view = Table("mart", table.name)
    with warehouse.writing(table, view) as writer:
        create(writer, table, n="BIGINT", v="DECIMAL(18, 4)")
        writer.append(table, pyarrow.table({"n": [1, 2, 3]}))
        writer.execute(
            exp.Create(this=view.expression(), kind="VIEW", expression=exp.select("n").from_(table.expression()))
        )
    kinds = {info.table: info for info in warehouse.tables()}
    assert kinds[table].kind == "table"
    assert isinstance(kinds[table].row_estimate, int)
    assert (kinds[view].kind, kinds[view].row_estimate) == ("view", None)
    assert {info.table.schema for info in warehouse.tables("mart")} == {"mart"}
    assert warehouse.columns(table) == [Column("n", "BIGINT"), Column("v", "DECIMAL(18, 4)")]
    assert warehouse.columns(Table("landing", "nowhere")) == []
    assert [name for name in warehouse.schemas() if name in ("landing", "mart", "vault")] == [
        "landing",
        "mart",
        "vault",
    ]
    assert "tessera" not in warehouse.schemas()
