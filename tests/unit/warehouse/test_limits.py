"""Time, rows, size and cancel end what they should, and nothing after it."""

import asyncio
import threading
import time

import pytest
from sqlglot import exp, parse_one

from tessera.kernel.errors import TooMany
from tessera.warehouse import Cancel, Limits, QueryCancelled, QueryFailed, QueryTimeout, QueryTooLarge, Table, Warehouse
from tessera.warehouse.warehouse import WAITING_PER_WORKER
from tests.warehouses import create

HEAVY = """
SELECT a.x, COUNT(*) FROM generate_series(1, 100000) AS a(x), generate_series(1, 1000000) AS b(y)
WHERE (a.x * b.y) % 7 = 3 GROUP BY a.x
"""


def heavy(warehouse: Warehouse) -> exp.Expr:
    return parse_one(HEAVY, read=warehouse.dialect)


def series(warehouse: Warehouse, rows: int) -> exp.Expr:
    return parse_one(f"SELECT x FROM generate_series(1, {rows}) AS t(x) ORDER BY x", read=warehouse.dialect)


@pytest.mark.parametrize("how", ["rows", "json_rows", "batches", "scalar"])
def test_a_statement_over_its_time_ends_within_half_as_much_again(warehouse: Warehouse, how: str) -> None:
    started = time.monotonic()
    with pytest.raises(QueryTimeout), warehouse.reading(limits=Limits(seconds=1)) as reader:  # noqa: PT012
        result = getattr(reader, how)(heavy(warehouse))
        if how == "batches":
            list(result)
    assert 0.9 < time.monotonic() - started < 1.5


def test_after_a_time_out_the_next_block_works(warehouse: Warehouse) -> None:
    for _ in range(3):
        with pytest.raises(QueryTimeout), warehouse.reading(limits=Limits(seconds=0.1)) as reader:
            reader.rows(heavy(warehouse))
        with warehouse.reading() as reader:
            assert reader.scalar(series(warehouse, 1)) == 1


def test_the_time_counts_for_the_whole_block(warehouse: Warehouse) -> None:
    with pytest.raises(QueryTimeout), warehouse.reading(limits=Limits(seconds=0.2)) as reader:  # noqa: PT012
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            reader.scalar(series(warehouse, 1))


def test_cancel_ends_a_running_statement(warehouse: Warehouse) -> None:
    cancel = Cancel()
    timer = threading.Timer(0.3, cancel.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(QueryCancelled), warehouse.reading(cancel=cancel) as reader:
        reader.rows(heavy(warehouse))
    assert time.monotonic() - started < 1.5
    timer.join()


def test_what_is_cancelled_before_does_not_start(warehouse: Warehouse) -> None:
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(QueryCancelled), warehouse.reading(cancel=cancel) as reader:
        reader.rows(series(warehouse, 1))


def test_cancel_of_a_writer_leaves_nothing(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        create(writer, table, x="BIGINT", n="BIGINT")
    cancel = Cancel()
    timer = threading.Timer(0.3, cancel.cancel)
    timer.start()
    with pytest.raises(QueryCancelled), warehouse.writing(table, cancel=cancel) as writer:  # noqa: PT012
        writer.execute(exp.insert(exp.values([(1, 2)]), table.expression()))
        writer.execute(exp.insert(heavy(warehouse), table.expression()))
    timer.join()
    with warehouse.reading() as reader:
        assert reader.rows(exp.select("x").from_(table.expression())) == []


def test_rows_are_cut_while_fetching_and_say_so(warehouse: Warehouse) -> None:
    with warehouse.reading(limits=Limits(rows=10)) as reader:
        assert reader.rows(series(warehouse, 11)) == [(n,) for n in range(1, 11)]
        assert reader.is_cut
        assert len(reader.rows(series(warehouse, 10))) == 10
        assert not reader.is_cut
        cut = reader.json_rows(series(warehouse, 11))
        assert (cut.count, cut.is_cut) == (10, True)
        whole = reader.json_rows(series(warehouse, 10))
        assert (whole.count, whole.is_cut) == (10, False)
        assert sum(len(batch) for batch in reader.batches(series(warehouse, 25), size=4)) == 10
        assert reader.is_cut


def test_no_rows_are_allowed_too(warehouse: Warehouse) -> None:
    with warehouse.reading(limits=Limits(rows=0)) as reader:
        cut = reader.json_rows(series(warehouse, 5))
    assert (bytes(cut.json), cut.count, cut.is_cut) == (b"[]", 0, True)


def test_a_result_over_its_size_is_refused(warehouse: Warehouse) -> None:
    limits = Limits(size_bytes=100_000)
    with pytest.raises(QueryTooLarge, match="100000 bytes"), warehouse.reading(limits=limits) as reader:
        reader.json_rows(series(warehouse, 50_000))


def test_large_results_come_whole_and_in_order(warehouse: Warehouse) -> None:
    with warehouse.reading() as reader:
        rows = reader.json_rows(series(warehouse, 30_001))
        assert rows.count == 30_001
        assert bytes(rows.json).startswith(b'[{"x":1},{"x":2}')
        assert bytes(rows.json).endswith(b'{"x":30001}]')
        batches = list(reader.batches(series(warehouse, 30_001), size=7_000))
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == list(range(1, 30_002))


def test_an_error_of_the_engine_names_the_cause(warehouse: Warehouse) -> None:
    with pytest.raises(QueryFailed, match="nowhere"), warehouse.reading() as reader:
        reader.rows(exp.select("*").from_(exp.table_("nowhere", db="landing")))


def test_a_reader_cannot_write(warehouse: Warehouse, table: Table) -> None:
    with warehouse.writing(table) as writer:
        create(writer, table, x="BIGINT")
    with pytest.raises(Exception, match="read-only"), warehouse.reading() as reader:
        reader.rows(exp.insert(exp.values([(1,)]), table.expression()))
    with warehouse.reading() as reader:
        assert reader.rows(exp.select("x").from_(table.expression())) == []


async def _crowd(warehouse: Warehouse) -> list[object]:
    gate = threading.Event()
    size = 4 * (WAITING_PER_WORKER + 1)
    tasks = [asyncio.create_task(warehouse.run(gate.wait, 20)) for _ in range(size + 3)]
    await asyncio.sleep(0)
    gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_the_pool_takes_in_a_bounded_number_of_calls(warehouse: Warehouse) -> None:
    answers = asyncio.run(_crowd(warehouse))
    assert sum(isinstance(answer, TooMany) for answer in answers) == 3
    assert answers.count(True) == len(answers) - 3


async def _leave(warehouse: Warehouse, cancel: Cancel, ended: list[str]) -> None:
    def query(token: Cancel) -> None:
        try:
            with warehouse.reading(cancel=token) as reader:
                reader.rows(heavy(warehouse))
        except QueryCancelled:
            ended.append("cancelled")

    task = asyncio.create_task(warehouse.run(query, cancel))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_client_that_leaves_cancels_its_query(warehouse: Warehouse) -> None:
    ended: list[str] = []
    asyncio.run(_leave(warehouse, Cancel(), ended))
    deadline = time.monotonic() + 5
    while not ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ended == ["cancelled"]
