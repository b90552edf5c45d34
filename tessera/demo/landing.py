"""Step of the demo: files enter through ingest, exactly once."""

import time
from pathlib import Path
from typing import Any, Final

from tessera.demo.flights import ROWS
from tessera.demo.show import Caller, DemoFailed, progress

CONTENT: Final = {
    "flights": "(TYPE = CSV INFER_TYPES = TRUE NULL_VALUE = 'NA')",
    "airlines": "(TYPE = CSV INFER_TYPES = TRUE NULL_VALUE = 'NA')",
    "weather": "(TYPE = CSV INFER_TYPES = TRUE NULL_VALUE = 'NA')",
    "planes": "JSON",
    "airports": "PARQUET",
}
LAND_SECONDS: Final = 120


def land(caller: Caller, folder: Path) -> None:
    """A connection, a table and a job for each folder; returns when every row is there."""
    run(caller, f"CREATE LOCAL CONNECTION IF NOT EXISTS nyc_files ROOT = {literal(str(folder.absolute()))}")
    for name, content in CONTENT.items():
        run(caller, f"CREATE TABLE IF NOT EXISTS default_glue_catalog.landing.{name}()")
        run(
            caller,
            f"CREATE SYNC JOB IF NOT EXISTS land_{name} CONTENT_TYPE = {content} COMMIT_INTERVAL = 1 SECOND "
            f"AS COPY FROM LOCAL nyc_files LOCATION = '{name}/' INTO default_glue_catalog.landing.{name}",
        )
    deadline = time.monotonic() + LAND_SECONDS
    while True:
        counts = {name: count(caller, name) for name in ROWS}
        complete = counts == ROWS
        progress(", ".join(f"{name} {counts[name]:,} of {ROWS[name]:,}" for name in ROWS), last=complete)
        if complete:
            return
        if time.monotonic() > deadline or any(counts[name] > ROWS[name] for name in ROWS):
            raise DemoFailed(f"landed {counts}, expected {ROWS}")
        time.sleep(0.5)


def run(caller: Caller, sql: str, *, quiet: bool = False) -> Any:
    """Send one statement and follow it to its end."""
    answer = caller.call("POST", "/ingest/query", {"sql": sql}, quiet=quiet)
    while isinstance(answer, dict) and answer.get("status") == "Pending":
        time.sleep(0.1)
        answer = caller.call("GET", "/ingest/" + str(answer["current"]).lstrip("/"), quiet=True)
    return answer


def count(caller: Caller, name: str) -> int:
    """Rows in a landed table; 0 while it has no column yet."""
    sql = f"SELECT count(*) AS n FROM default_glue_catalog.landing.{name}"  # noqa: S608 - a name of ours
    answer = run(caller, sql, quiet=True)
    return int(answer["result"]["grid"]["data"][0][0])


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"
