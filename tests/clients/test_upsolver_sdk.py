"""upsolver-sdk-python, unchanged, against a real server: its DB-API over POST /query."""

import json
import os
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving import Served, unique, until

with warnings.catch_warnings():
    # The client imports pkg_resources, which says of itself that it will go.
    warnings.simplefilter("ignore")
    import upsolver.dbapi as dbapi
    from upsolver.client.exceptions import DatabaseError, NotSupportedError, OperationalError


@pytest.fixture(params=["with the package's path", "at the root", "with a trailing slash"])
def connection(server: Served, request: pytest.FixtureRequest) -> Iterator[Any]:
    person = server.person(ingest="editor")
    urls = {
        "with the package's path": server.base("ingest"),
        "at the root": server.url,
        "with a trailing slash": server.base("ingest") + "/",
    }
    with dbapi.connect(person.token, urls[request.param]) as found:
        yield found


@pytest.fixture
def sdk(server: Served) -> Iterator[Any]:
    person = server.person(ingest="editor")
    with dbapi.connect(person.token, server.base("ingest")) as found:
        yield found


def ask(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.execute(sql)
    return [tuple(row) for row in cursor.fetchall()]


def test_a_select_gives_rows_and_a_description(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT 1 AS n, 'x' AS s, true AS b, DATE '2024-01-30' AS d")
    assert [one[0] for one in cursor.description] == ["n", "s", "b", "d"]
    assert cursor.rowcount == 1
    assert [tuple(row) for row in cursor.fetchall()] == [(1, "x", True, "2024-01-30")]


def test_a_statement_without_rows_gives_its_message(sdk: Any) -> None:
    cursor = sdk.cursor()
    cursor.execute(f"CREATE TABLE {unique('t')} (a BIGINT)")
    assert cursor.description is None
    assert cursor.rowcount == -1


def test_a_long_result_is_paged(sdk: Any) -> None:
    cursor = sdk.cursor()
    cursor.execute(
        "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 12000) SELECT x FROM n ORDER BY x"
    )
    assert cursor.rowcount == -1
    assert [row[0] for row in cursor.fetchall()] == list(range(1, 12001))


def test_a_query_that_takes_its_time_is_polled(sdk: Any) -> None:
    sql = (
        "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 3000) "
        "SELECT COUNT(*) AS c FROM n a, n b WHERE MD5(CAST(a.x * b.x AS VARCHAR)) LIKE 'zz%'"
    )
    assert ask(sdk, sql) == [(0,)]


def test_refusals_come_with_their_words(sdk: Any, server: Served) -> None:
    with pytest.raises(OperationalError, match=r"Wrong SQL query: Syntax Error : there is no table nothing_here"):
        ask(sdk, "SELECT * FROM nothing_here")
    with pytest.raises(NotSupportedError):
        sdk.cursor().execute("SELECT 1", ["x"])
    with (
        dbapi.connect("wrong", server.base("ingest")) as stranger,
        pytest.raises((OperationalError, DatabaseError), match="Authentication error"),
    ):
        ask(stranger, "SELECT 1")


def test_copy_from_a_folder_and_select(sdk: Any, server: Served) -> None:
    table, source, job = unique("t"), unique("c"), unique("j")
    folder = server.drop / source
    folder.mkdir()
    for number in range(3):
        path = folder / f"{number}.jsonl"
        path.write_text("".join(json.dumps({"n": number * 10 + one}) + "\n" for one in range(10)))
        os.utime(path, (time.time() - 10,) * 2)
    ask(sdk, f"CREATE LOCAL CONNECTION {source} ROOT = '{folder}'")
    ask(sdk, f"CREATE TABLE default_glue_catalog.landing.{table} () PARTITIONED BY $event_date")
    ask(sdk, f"CREATE SYNC JOB {job} CONTENT_TYPE = JSON AS COPY FROM LOCAL {source} LOCATION = '' INTO {table}")
    until(lambda: ask(sdk, f"SELECT COUNT(*) FROM {table}") == [(30,)])
    assert [row[0] for row in ask(sdk, f"SELECT n FROM {table} ORDER BY n")] == list(range(30))
    assert ask(sdk, f"SHOW CREATE JOB {job}")[0][0].startswith(f"CREATE SYNC JOB {job}")
