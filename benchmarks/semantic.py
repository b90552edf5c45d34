"""A business question over 336,776 flights, against the bare engine on the same joins."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks.harness import Bar, seconds
from tessera.demo.asking import ONTOLOGY, QUESTION, ask
from tessera.demo.flights import write_files
from tessera.demo.landing import land
from tessera.demo.show import Caller
from tests.serving import serving

BARE = """
SELECT p.manufacturer, c.name AS carrier, a.name AS leaves_from, count(*) AS flights, avg(f.dep_delay) AS minutes_late
FROM landing.flights f LEFT JOIN landing.planes p ON f.tailnum = p.tailnum
LEFT JOIN landing.airlines c ON f.carrier = c.carrier LEFT JOIN landing.airports a ON f.origin = a.faa
WHERE f.dep_delay IS NOT NULL AND p.manufacturer IS NOT NULL
GROUP BY ALL HAVING count(*) >= 100 ORDER BY minutes_late DESC LIMIT 10
"""


def bars() -> Iterator[Bar]:
    """Wall-clock time over HTTP, JSON included, against the engine in this process."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "files")
        write_files(files)
        with serving(Path(folder, "data"), "sqlite", TESSERA_INGEST_LOCAL_FOLDERS=str(files)) as served:
            caller = Caller(served.url, served.admin.token)
            land(caller, files)
            rows = ask(caller)
            body = {"ontology_name": ONTOLOGY, "query": QUESTION}
            figure = seconds(lambda: caller.call("POST", "/semantic/timbr/api/query/", body, quiet=True), times=15)
        file = next(Path(folder, "data").rglob("*.duckdb"))
        with duckdb.connect(str(file), read_only=True) as engine:
            engine.execute("SET threads = 2")
            bare_rows = engine.execute(BARE).fetchall()
            assert [row[3] for row in bare_rows] == [row["flights"] for row in rows]
            limit = seconds(lambda: json.dumps(engine.execute(BARE).fetchall()), times=15)
        yield Bar(
            "three joins, grouped, ten rows", figure * 1000, "ms", limit * 1000, remark="median of 15, wall clock"
        )
