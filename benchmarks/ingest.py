"""One million JSON lines through a COPY job, against the bare engine's own reader; and pages of a long result."""

import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import httpx

from benchmarks.harness import Bar, cpu_seconds
from tests.serving import Served, serving, until

ROWS = 1_000_000


def write(path: Path, count: int) -> None:
    """Lines of a wide enough kind: numbers, texts, a time, a record."""
    dice = random.Random(1)
    with path.open("w") as file:
        for number in range(count):
            row = {
                "id": number,
                "name": f"customer {number % 5000}",
                "ordered": f"2026-01-{number % 28 + 1:02}T10:00:00Z",
                "amount": round(dice.random() * 100, 2),
                "paid": number % 3 == 0,
                "country": dice.choice(["NL", "DE", "FR"]),
                "address": {"city": f"x{number % 100}", "zip": str(number % 9999)},
            }
            file.write(json.dumps(row) + "\n")


def bare(folder: Path, source: Path) -> float:
    """CPU seconds of DuckDB's own reader into its own table, by two threads; it keeps no bad line and no ledger."""
    with duckdb.connect(str(folder / "bare.duckdb"), config={"threads": 2}) as connection:
        began = time.process_time()
        connection.execute("CREATE TABLE t AS SELECT * FROM read_json($1, format = 'newline_delimited')", [str(source)])
        return time.process_time() - began


def ask(served: Served, sql: str) -> dict[str, object]:
    headers = {"authorization": served.admin.token}
    answer = httpx.post(f"{served.base('ingest')}/query", json={"sql": sql}, headers=headers, timeout=60)
    while answer.status_code in (201, 202):
        answer = httpx.get(f"{served.base('ingest')}/{answer.json()['current']}", headers=headers, timeout=60)
    answer.raise_for_status()
    return dict(answer.json())


def loaded(served: Served, table: str, count: int) -> bool:
    result: dict[str, dict[str, list[list[int]]]] = ask(served, f"SELECT COUNT(*) FROM {table}")["result"]  # type: ignore[assignment]
    return result["grid"]["data"] == [[count]]


def bars() -> Iterator[Bar]:
    """Bounds are ours: 2 times the bare engine, which counts no bad line; a further page within 50 ms."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name) / "data", "sqlite") as served:
        folder = Path(name)
        source = folder / "lines.jsonl"
        write(source, ROWS)
        limit = bare(folder, source)
        assert served.process is not None
        ask(served, f"CREATE LOCAL CONNECTION c ROOT = '{served.drop}'")
        # The first file of a server pays for imports; that is the start's matter.
        for table, count in (("warm", 1000), ("big", ROWS)):
            (served.drop / table).mkdir()
            path = served.drop / table / "lines.jsonl"
            if count == ROWS:
                source.rename(path)
            else:
                write(path, count)
            os.utime(path, (1, 1))
            ask(served, f"CREATE TABLE {table} ()")
            cpu, began = cpu_seconds(served.process.pid), time.perf_counter()
            ask(
                served, f"CREATE JOB {table} CONTENT_TYPE = JSON AS COPY FROM LOCAL c LOCATION = '{table}' INTO {table}"
            )
            until(lambda table=table, count=count: loaded(served, table, count), seconds=300, every=0.5)  # type: ignore[misc]
            cpu, took = cpu_seconds(served.process.pid) - cpu, time.perf_counter() - began
        yield Bar("1 million JSON lines, CPU", cpu, "s", limit=limit, bound=2, remark=f"{took:.1f} s until visible")
        with httpx.Client(headers={"authorization": served.admin.token}, timeout=60) as client:
            following = ask(served, "SELECT * FROM big")["result"]["next"]  # type: ignore[index]
            time.sleep(3)
            taken = []
            for _ in range(10):
                began = time.perf_counter()
                page = client.get(f"{served.base('ingest')}/{following}").json()
                taken.append((time.perf_counter() - began) * 1000)
                following = page["result"]["next"]
        yield Bar("a further page of 10,000 rows (median of 10)", sorted(taken)[5], "ms", bound=50)
