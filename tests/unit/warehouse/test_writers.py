"""Writers to one table take turns and lose nothing; others go on beside them; a failed one leaves nothing."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow
import pytest
from sqlglot import exp

from tessera.kernel.errors import Invalid
from tessera.warehouse import (
    Cancel,
    Limits,
    QueryCancelled,
    QueryFailed,
    QueryTimeout,
    Table,
    Warehouse,
    column,
    param,
)
from tessera.warehouse import (
    table as node,
)
from tests.warehouses import count, create


def test_writers_to_one_table_lose_no_increment(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        create(writer, table, n="BIGINT")
        writer.execute(exp.insert(exp.values([(0,)]), table.expression()))

    def add_one(_: int) -> None:
        with warehouse.writing(table) as writer:
            seen = writer.scalar(exp.select("n").from_(table.expression()))
            time.sleep(0.005)  # Without the lock, another writer reads the same number here.
            writer.execute(exp.update(table.expression(), {"n": seen + 1}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))
    with warehouse.reading() as reader:
        assert reader.scalar(exp.select("n").from_(table.expression())) == 40


def test_writers_of_one_key_insert_it_once(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        create(writer, table, key="TEXT")

    def insert_unless_there(number: int) -> None:
        key = f"k{number % 5}"
        known = exp.select("1").from_(table.expression("known")).where(column("key", "known").eq(param("key")))
        new = exp.select(param("key").as_("key")).where(exp.not_(exp.Exists(this=known)))
        with warehouse.writing(table) as writer:
            writer.execute(exp.insert(new, table.expression()), {"key": key})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(insert_unless_there, range(50)))
    assert count(warehouse, table) == 5


def test_writers_to_different_tables_go_side_by_side(warehouse: Warehouse, table: Table) -> None:
    other = Table(table.schema, f"{table.name} other")
    both_inside = threading.Barrier(2, timeout=10)

    def write(target: Table) -> None:
        with warehouse.writing(target) as writer:
            create(writer, target, n="BIGINT")
            both_inside.wait()
            writer.execute(exp.insert(exp.values([(1,)]), target.expression()))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [table, other]))
    assert (count(warehouse, table), count(warehouse, other)) == (1, 1)


def test_writers_that_name_their_targets_in_opposite_order_both_end(warehouse: Warehouse, table: Table) -> None:
    other = Table(table.schema, f"{table.name} other")
    with warehouse.writing(table, other) as writer:
        create(writer, table, n="BIGINT")
        create(writer, other, n="BIGINT")

    def write(targets: tuple[Table, Table]) -> None:
        with warehouse.writing(*targets) as writer:
            for target in targets:
                writer.execute(exp.insert(exp.values([(1,)]), target.expression()))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, [(table, other), (other, table)] * 10))
    assert (count(warehouse, table), count(warehouse, other)) == (20, 20)


def test_a_failed_block_leaves_no_row_no_table_and_no_column(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        create(writer, table, n="BIGINT")
    extra = Table(table.schema, f"{table.name} extra")
    before = warehouse.columns(table)
    with pytest.raises(ZeroDivisionError), warehouse.writing(table, extra) as writer:  # noqa: PT012
        create(writer, extra, n="BIGINT")
        added = exp.ColumnDef(this=exp.to_identifier("m", quoted=True), kind=exp.DataType.build("text"))
        writer.execute(exp.Alter(this=table.expression(), kind="TABLE", actions=[added]))
        writer.append(table, pyarrow.table({"n": [1, 2], "m": ["a", "b"]}))
        raise ZeroDivisionError
    assert count(warehouse, table) == 0
    assert warehouse.columns(table) == before
    assert extra not in {info.table for info in warehouse.tables("landing")}


def test_a_new_column_its_rows_and_a_marker_commit_together(warehouse: Warehouse, table: Table) -> None:
    marker = Table("tessera", table.name)
    with warehouse.writing(table, marker) as writer:
        create(writer, table, n="BIGINT")
        create(writer, marker, unit="TEXT")
    with warehouse.writing(table, marker) as writer:
        added = exp.ColumnDef(this=exp.to_identifier("m", quoted=True), kind=exp.DataType.build("text"))
        writer.execute(exp.Alter(this=table.expression(), kind="TABLE", actions=[added]))
        assert writer.append(table, pyarrow.table({"n": [1, 2], "m": ["a", None]})) == 2
        inserted = exp.insert(exp.select(param("unit")), marker.expression())
        assert writer.execute(inserted, {"unit": "file-1"}) == 1
    with warehouse.reading() as reader:
        assert reader.rows(exp.select("n", "m").from_(table.expression()).order_by("n")) == [(1, "a"), (2, None)]
        assert reader.rows(exp.select("unit").from_(marker.expression())) == [("file-1",)]
    assert marker not in {info.table for info in warehouse.tables()}


def test_a_swallowed_error_of_a_statement_writes_nothing(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        create(writer, table, n="BIGINT")
    with pytest.raises(QueryFailed, match="nothing is written"), warehouse.writing(table) as writer:  # noqa: PT012
        writer.execute(exp.insert(exp.values([(1,)]), table.expression()))
        with pytest.raises(QueryFailed):
            writer.rows(exp.select("*").from_(node("landing", "nowhere")))
    assert count(warehouse, table) == 0


def test_a_reader_sees_one_state_while_writers_commit(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        create(writer, table, n="BIGINT")
    query = exp.select(exp.Count(this=exp.Star())).from_(table.expression())
    with warehouse.reading() as reader:
        assert reader.scalar(query) == 0
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_insert_one, warehouse, table).result(10)
        assert reader.scalar(query) == 0
    assert count(warehouse, table) == 1


def _insert_one(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        writer.execute(exp.insert(exp.values([(1,)]), table.expression()))


def test_waiting_for_a_lock_ends_by_time_and_by_cancel(warehouse: Warehouse, table: Table) -> None:
    def wait(limits: Limits, cancel: Cancel | None) -> None:
        with warehouse.writing(table, limits=limits, cancel=cancel):
            pass

    cancel = Cancel()
    with ThreadPoolExecutor(2) as pool, warehouse.writing(table):
        late = pool.submit(wait, Limits(seconds=0.2), None)
        cancelled = pool.submit(wait, Limits(), cancel)
        with pytest.raises(QueryTimeout):
            late.result(5)
        cancel.cancel()
        with pytest.raises(QueryCancelled):
            cancelled.result(5)
    wait(Limits(seconds=5), None)


def test_a_writing_block_inside_another_is_refused(warehouse: Warehouse, table: Table) -> None:
    with (
        pytest.raises(RuntimeError, match="inside a writing block"),
        warehouse.writing(table),
        warehouse.writing(table),
    ):
        pass


def test_schemas_of_the_engine_are_refused(warehouse: Warehouse) -> None:
    for schema in ("pg_catalog", "information_schema", "main", "public", "PG_temp", ""):
        with pytest.raises(Invalid, match="belongs to the engine"):
            warehouse.create_schema(schema)
        with pytest.raises(Invalid, match="belongs to the engine"):
            warehouse.writing(Table(schema, "x"))


def test_rows_for_a_column_that_is_not_there_are_refused(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        create(writer, table, n="BIGINT")
    with pytest.raises(Invalid, match='no column "m"') as refused, warehouse.writing(table) as writer:
        writer.append(table, pyarrow.table({"n": [1], "m": [2]}))
    assert refused.value.field == "m"
    assert count(warehouse, table) == 0


def test_statistics_of_one_table_hold_up_no_writer_of_another(warehouse: Warehouse, table: Table) -> None:
    """On PostgreSQL, ANALYZE without a name is of every table, and keeps them all from each other's."""
    other = Table(table.schema, f"{table.name} other")
    both_done = threading.Barrier(2, timeout=10)

    def write(target: Table) -> None:
        with warehouse.writing(target) as writer:
            create(writer, target, n="BIGINT")
            writer.execute(exp.insert(exp.values([(1,)]), target.expression()))
            writer.analyze()
            writer.analyze(target)
            both_done.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (table, other)))
