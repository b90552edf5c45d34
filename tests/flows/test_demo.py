"""The demo as a newcomer runs it, twice: real flights through the packages, and the answer that the files give too."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.serving import ROOT


def run_demo(data_dir: Path) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "tessera", "demo", "--exit", "--data-dir", str(data_dir), "--port", port]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.timeout(500)
def test_the_demo_answers_what_the_raw_files_say_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = run_demo(tmp_path / "data")
    second = run_demo(tmp_path / "data")
    files = tmp_path / "data" / "demo-files"
    expected = duckdb.sql(
        f"""SELECT p.manufacturer, c.name, count(*) AS flights, round(avg(f.dep_delay), 1)
            FROM read_csv('{files}/flights/flights.csv', nullstr=['NA', '']) f
            JOIN read_json('{files}/planes/planes.jsonl') p USING (tailnum)
            JOIN read_csv('{files}/airlines/airlines.csv') c USING (carrier)
            WHERE f.dep_delay IS NOT NULL AND f.origin = 'EWR'
              AND p.manufacturer = 'EMBRAER' AND c.name = 'ExpressJet Airlines Inc.' GROUP BY ALL"""
    ).fetchall()
    manufacturer, carrier, flights, late = expected[0]
    row = re.escape(manufacturer) + r" +" + re.escape(carrier) + rf" +Newark Liberty Intl +{flights} +{late}\b"
    for output in (first, second):
        assert "flights 336,776 of 336,776" in output
        assert re.search(row, output), output[-4000:]
        nested = re.search(r'"departs_from\[airport\]": (\[\{.*?\}\])', output)
        assert nested is not None
        assert json.loads(nested.group(1))[0].keys() == {"entity_id", "airport_name"}
