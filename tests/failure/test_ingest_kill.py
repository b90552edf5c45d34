"""kill -9 at random moments of a COPY job, restart: the same rows as without, each of them once."""

import json
import os
import random
import time
from pathlib import Path

import httpx
import pytest

from tests.serving import Served, serving, until

FILES = 60
ROWS = 400


def write(folder: Path, number: int) -> int:
    """A file of rows, each third file with one bad line; how many lines are bad."""
    documents = [json.dumps({"id": number * ROWS + one, "name": f"n{one}", "deep": {"x": one}}) for one in range(ROWS)]
    bad = 1 if number % 3 == 0 else 0
    if number % 7 == 0:
        documents[-1] = json.dumps({"id": number * ROWS + ROWS - 1, f"extra_{number}": 1.5})
    content = "\n".join(documents + ["{broken"] * bad) + "\n"
    path = folder / f".{number:03}.part"
    path.write_text(content)
    os.utime(path, (time.time() - 10,) * 2)
    path.rename(folder / f"{number:03}.jsonl")
    return bad


def ask(server: Served, sql: str) -> list[list[object]]:
    headers = {"authorization": server.admin.token}
    answer = httpx.post(f"{server.base('ingest')}/query", json={"sql": sql}, headers=headers, timeout=60)
    while answer.status_code in (201, 202):
        answer = httpx.get(f"{server.base('ingest')}/{answer.json()['current']}", headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    found: list[list[object]] = answer.json().get("result", {}).get("grid", {}).get("data", [])
    return found


def kill_and_compare(data_dir: Path, database: str, kills: int) -> None:
    dice = random.Random(kills)
    with serving(data_dir, database) as server:
        ask(server, f"CREATE LOCAL CONNECTION c ROOT = '{server.drop}'")
        ask(server, "CREATE TABLE t (id BIGINT)")
        ask(server, "CREATE JOB j CONTENT_TYPE = JSON AS COPY FROM LOCAL c LOCATION = '' INTO t")
        bad = written = 0
        for _ in range(kills):
            for _ in range(max(1, FILES // kills)):
                bad += write(server.drop, written)
                written += 1
            # A job goes on when the lease of its dead server (5 s) has run out: half of the kills meet it at work.
            time.sleep(dice.uniform(0, 7))
            server.kill()
            server.start()
        expected = [[written * ROWS, written * ROWS]]
        until(lambda: ask(server, "SELECT COUNT(*), COUNT(DISTINCT id) FROM t") == expected, seconds=60, every=0.25)
        time.sleep(1.5)
        assert ask(server, "SELECT COUNT(*), COUNT(DISTINCT id) FROM t") == expected
        assert ask(server, "SELECT MIN(id), MAX(id) FROM t") == [[0, written * ROWS - 1]]
        counts = ask(
            server, "SELECT rows_read, rows_written, parse_errors, files_read, failed_files FROM system.monitoring.jobs"
        )
        assert counts == [[written * ROWS + bad, written * ROWS, bad, written, 0]]
        assert ask(server, "SELECT COUNT(*) FROM system.monitoring.parse_errors") == [[bad]]


def test_four_kills_lose_and_double_no_row(database: str, tmp_path: Path) -> None:
    kill_and_compare(tmp_path / "data", database, 4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_fifty_kills_lose_and_double_no_row(database: str, tmp_path: Path) -> None:
    kill_and_compare(tmp_path / "data", database, 50)
