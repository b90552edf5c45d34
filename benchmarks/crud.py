"""List, get and create in the tracker, against the bare driver plus this server answering constant bytes."""

import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import sqlalchemy as sa
from psycopg.types.string import TextLoader
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg as postgresql_psycopg

from benchmarks.harness import Bar, constant_server, cpu_per_request, interleaved, own_cpu
from tessera.kernel import projection
from tessera.kernel.clock import new_id
from tessera.kernel.db import Id, Prepared
from tessera.production.resources import RESOURCES
from tests.serving import Served, has_postgres, serving

ROWS = 2_000
TEMPLATE = next(resource for resource in RESOURCES if resource.path == "project-templates")


def bars() -> Iterator[Bar]:
    """Bounds: a list at most 1.3x its limit, get one and create one at most 2x; a bystander under 50 ms at p99."""
    for database in ("sqlite", "postgresql"):
        if database == "postgresql" and not has_postgres():
            yield Bar("PostgreSQL", 0, "", remark="skipped: this machine has none")
            continue
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder), database) as served:
            yield from _bars(served, database)


def _bars(served: Served, database: str) -> Iterator[Bar]:
    assert served.process is not None
    pid = served.process.pid
    with served.http("production", served.admin.token) as client:
        made = [_create(client, number) for number in range(ROWS)]
        execute = _bare(served, database)
        name = f"{database}: "

        listed = client.get("/data/project-templates").content
        rows = json.loads(listed)
        assert len(rows) == ROWS, len(rows)
        list_call = _statement(database)
        assert len(json.loads(execute(*list_call)[0][0])) >= ROWS
        yield _compared(
            f"{name}list of {ROWS} x {len(rows[0])}, {len(listed) // 1024} KiB",
            1.3,
            lambda: cpu_per_request(pid, lambda: client.get("/data/project-templates"), 60, warm=5),
            lambda: own_cpu(lambda: execute(*list_call), 60, warm=5),
            len(listed),
            constant_count=60,
        )
        one = f"/data/project-templates/{made[0]['id']}"
        one_call = _statement(database, made[0]["id"])
        assert json.loads(execute(*one_call)[0][0]) == client.get(one).json()
        yield _compared(
            f"{name}get one",
            2,
            lambda: cpu_per_request(pid, lambda: client.get(one), 600),
            lambda: own_cpu(lambda: execute(*one_call), 600),
            len(client.get(one).content),
        )
        numbers = iter(range(ROWS, 10**9))
        insert = _bare_insert(served, database)
        yield _compared(
            f"{name}create one",
            2,
            lambda: cpu_per_request(pid, lambda: _create(client, next(numbers)), 300),
            lambda: own_cpu(insert, 300),
            len(client.get(one).content),
            method="POST",
            remark="the driver writes no event row, ours does",
        )
        yield _bystander(served, name)


def _create(client: httpx.Client, number: int) -> dict[str, Any]:
    answer = client.post("/data/project-templates", json={"name": f"project {number}"})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def _statement(database: str, row_id: str | None = None) -> tuple[Any, Any]:
    """The text and parameters of the list, or of one row: the same JSON as the server's, compiled once."""
    dialect = sqlite.dialect() if database == "sqlite" else postgresql_psycopg.dialect()
    if row_id is None:
        return Prepared(projection.rows(TEMPLATE.select(), TEMPLATE.projection(), database)).bind(dialect, {})
    select = TEMPLATE.select().where(TEMPLATE.column("id") == sa.bindparam("row_id", None, Id))
    return Prepared(projection.row(select, TEMPLATE.projection(relations=True), database)).bind(
        dialect, {"row_id": row_id}
    )


def _bare(served: Served, database: str) -> Callable[[str, Any], Any]:
    """The driver with a kept connection; a statement's text is made once."""
    if database == "sqlite":
        kept = sqlite3.connect(served.data_dir / "tessera.sqlite3")
        cursor: Any = kept.cursor()
        return lambda text, values: cursor.execute(text, values).fetchall()
    connection = psycopg.connect(served.environment["TESSERA_DATABASE_URL"], autocommit=True, prepare_threshold=1)
    for kind in ("json", "jsonb"):
        connection.adapters.register_loader(kind, TextLoader)  # the text as it came: parsing it would flatter us
    postgres: Any = connection.cursor()
    return lambda text, values: postgres.execute(text.encode(), values).fetchall()


def _bare_insert(served: Served, database: str) -> Callable[[], Any]:
    """INSERT one row of the same table and commit; every column as in a row that is there."""
    table = TEMPLATE.sa_table
    names = [column.name for column in table.columns]
    if database == "sqlite":
        sqlite_connection = sqlite3.connect(served.data_dir / "tessera.sqlite3", isolation_level=None)
        sqlite_connection.execute("PRAGMA synchronous=FULL")
        row = sqlite_connection.execute(f"SELECT {', '.join(names)} FROM {table.name} LIMIT 1").fetchone()
        text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        run: Callable[[list[Any]], Any] = lambda values: sqlite_connection.execute(text, values)  # noqa: E731
    else:
        url = served.environment["TESSERA_DATABASE_URL"]
        connection = psycopg.connect(url, autocommit=True, prepare_threshold=1)
        row = connection.execute(
            f"SELECT {', '.join(f'{n}::text' for n in names)} FROM {table.name} LIMIT 1"
        ).fetchone()
        assert row is not None
        text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
        run = lambda values: connection.execute(text.encode(), values)  # noqa: E731
    values = list(row)

    def insert() -> None:
        values[names.index("id")] = new_id()
        values[names.index("name")] = new_id()
        run(values)

    return insert


def _compared(
    name: str,
    bound: float,
    ours: Callable[[], float],
    driver: Callable[[], float],
    size: int,
    *,
    method: str = "GET",
    constant_count: int = 600,
    remark: str = "",
) -> Bar:
    """Ours against the driver plus this server answering ``size`` constant bytes, in turns."""
    with constant_server(size, method=method, status=200 if method == "GET" else 201) as (pid, client):
        body: Any = {"name": "project 1"} if method == "POST" else None

        def constant() -> float:
            return cpu_per_request(pid, lambda: client.request(method, "/constant", json=body), constant_count)

        figure, bare, plain = interleaved([ours, driver, constant])
    return Bar(name, figure, "ms CPU", bare + plain, bound, f"driver {bare:.3f} + constant {plain:.3f} {remark}")


def _bystander(served: Served, name: str) -> Bar:
    """A small request while lists are read and passwords are hashed."""
    stop = threading.Event()

    def load(work: Callable[[httpx.Client], Any]) -> None:
        with served.http("", served.admin.token) as client:
            while not stop.is_set():
                work(client)

    works: list[Callable[[httpx.Client], Any]] = [
        lambda client: client.get("/production/data/project-templates"),
        lambda client: client.get("/production/data/project-templates"),
        lambda client: client.post("/production/auth/login", json={"email": f"{new_id()}@x.test", "password": "wrong"}),
    ]
    threads = [threading.Thread(target=load, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    waits = []
    with served.http("production", served.admin.token) as client:
        for _ in range(300):
            began = time.perf_counter()
            client.get("/data/departments")
            waits.append((time.perf_counter() - began) * 1000)
            time.sleep(0.005)
    stop.set()
    for thread in threads:
        thread.join()
    waits.sort()
    remark = f"median {waits[len(waits) // 2]:.1f}, under 2 readers of the list and 1 log-in (argon2id)"
    return Bar(f"{name}a bystander's wait at p99", waits[int(len(waits) * 0.99)], "ms", bound=50, remark=remark)
