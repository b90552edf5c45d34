"""A process that dies amid writing leaves a warehouse with the committed rows and nothing else."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlglot import exp

from tessera.kernel.errors import Invalid, Unavailable
from tessera.warehouse import Table, open_warehouse
from tests.warehouses import warehouse_url

ROWS = Table("landing", "rows")
LEDGER = Table("tessera", "ledger")

#: Writes units of 1,000 rows, each with its ledger entry, and says so after each commit.
WRITER = """
import sys
import pyarrow
from sqlglot import exp
from tessera.warehouse import Table, open_warehouse, param
from tests.warehouses import create

warehouse = open_warehouse(sys.argv[1])
rows, ledger = Table("landing", "rows"), Table("tessera", "ledger")
if not warehouse.columns(rows):
    with warehouse.writing(rows, ledger) as writer:
        create(writer, rows, unit="BIGINT", n="BIGINT", text="TEXT")
        create(writer, ledger, unit="BIGINT")
with warehouse.reading() as reader:
    unit = reader.scalar(exp.select(exp.func("coalesce", exp.Max(this=exp.column("unit")), exp.Literal.number(0)))
        .from_(ledger.expression()))
while True:
    unit += 1
    with warehouse.writing(rows, ledger) as writer:
        for part in range(4):
            numbers = list(range(part * 250, part * 250 + 250))
            texts = [str(n) * 20 for n in numbers]
            writer.append(rows, pyarrow.table({"unit": [unit] * 250, "n": numbers, "text": texts}))
        writer.execute(exp.insert(exp.select(param("unit")), ledger.expression()), {"unit": unit})
    print(unit, flush=True)
"""

#: Holds the warehouse until its input ends.
HOLDER = """
import sys
from tessera.warehouse import open_warehouse

warehouse = open_warehouse(sys.argv[1])
print("open", flush=True)
input()
"""


def test_after_kill_each_unit_is_there_whole_or_not_at_all(database: str, tmp_path: Path) -> None:
    with warehouse_url(database, tmp_path) as url:
        told = 0
        for attempt in range(6):
            process = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            for _ in range(3):
                told = int(process.stdout.readline())
            time.sleep(0.011 * attempt)  # Another moment of the next unit each time.
            process.kill()
            rest = process.stdout.read().split()
            told = int(rest[-1]) if rest else told
            process.wait()
            warehouse = open_warehouse(url)
            with warehouse.reading() as reader:
                units = [row[0] for row in reader.rows(exp.select("unit").from_(LEDGER.expression()).order_by("unit"))]
                distinct = exp.Count(this=exp.Distinct(expressions=[exp.column("n")]))
                counted = exp.select("unit", exp.Count(this=exp.Star()), distinct)
                counts = reader.rows(counted.from_(ROWS.expression()).group_by("unit").order_by("unit"))
            warehouse.close()
            assert units == list(range(1, len(units) + 1))
            assert len(units) >= told
            assert counts == [(unit, 1000, 1000) for unit in units]


def test_a_second_process_on_the_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    url = f"duckdb://{tmp_path / 'warehouse.duckdb'}"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(Unavailable, match="another process holds the warehouse file"):
            open_warehouse(url)
    finally:
        process.communicate("\n")
    open_warehouse(url).close()


def test_a_url_without_an_engine_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Invalid, match='no engine for "oracle://"'):
        open_warehouse("oracle://x/y")
