"""Chapter 4: POST /query, its states, the grid, paging."""

import pytest

from tests.contract.ingest.conftest import Caller
from tests.serving import unique

NUMBERS = "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 25000) SELECT x FROM n ORDER BY x"


def test_a_statement_without_rows(editor: Caller) -> None:
    name = unique("t")
    answer = editor.send(f"CREATE TABLE {name} (a BIGINT);\n\n")
    assert answer.status_code == 200
    told = f"Table default_glue_catalog.landing.{name} was created"
    assert answer.json() == {"status": "Success", "kind": "upsolver_query_response", "message": told}


def test_the_grid_has_columns_with_types_and_rows_as_arrays(editor: Caller) -> None:
    grid = editor.grid(
        "SELECT 1 AS n, 1.5::double AS d, 'x' AS s, true AS b, CAST('2024-01-30 21:23:00' AS TIMESTAMP) AS t, "
        "DATE '2024-01-30' AS day, CAST(NULL AS BIGINT) AS nothing, CAST('NaN' AS DOUBLE) AS nan, "
        "CAST(9007199254740993 AS BIGINT) AS big"
    )
    assert [(one["name"], one["columnType"]["clazz"]) for one in grid["columns"]] == [
        ("n", "NumberColumnType"),
        ("d", "DoubleColumnType"),
        ("s", "StringColumnType"),
        ("b", "BooleanColumnType"),
        ("t", "TimeColumnType"),
        ("day", "DateColumnType"),
        ("nothing", "NumberColumnType"),
        ("nan", "DoubleColumnType"),
        ("big", "NumberColumnType"),
    ]
    row = [1, 1.5, "x", True, "2024-01-30 21:23:00.000", "2024-01-30", None, None, 9007199254740993]
    assert grid["data"] == [row]


def test_columns_have_names_of_their_own(editor: Caller) -> None:
    grid = editor.grid("SELECT 1 AS a, 2 AS a, 3 AS a, 1 + 1, 'x'")
    assert [one["name"] for one in grid["columns"]] == ["a", "a_1", "a_2", "_col3", "_col4"]


def test_an_empty_result_has_columns_and_no_rows(editor: Caller) -> None:
    table = editor.table("a BIGINT, b STRING")
    grid = editor.grid(f"SELECT * FROM {table}")
    assert [one["name"] for one in grid["columns"]] == ["a", "b", "$event_time", "$commit_time"]
    assert grid["data"] == []


def test_a_long_result_comes_in_pages_of_ten_thousand(editor: Caller) -> None:
    answer = editor.send(NUMBERS)
    while answer.status_code in (201, 202):
        answer = editor.client.get("/" + answer.json()["current"])
    sizes, values = [], []
    while True:
        assert answer.status_code == 200
        body = answer.json()
        assert (body["status"], body["kind"]) == ("Success", "upsolver_query_response")
        page = body["result"]["grid"]["data"]
        sizes.append(len(page))
        values.extend(row[0] for row in page)
        following = body["result"].get("next")
        if following is None:
            break
        assert not following.startswith("/")
        answer = editor.client.get("/" + following)
        while answer.status_code == 202:
            answer = editor.client.get("/" + answer.json()["current"])
    assert sizes == [10_000, 10_000, 5_000]
    assert values == list(range(1, 25_001))
    number = following or answer.request.url.path.rsplit("/", 1)[1]
    assert (
        editor.client.get(answer.request.url.path.removeprefix("/ingest").removesuffix(number) + "99").status_code
        == 404
    )


def test_a_query_that_takes_longer_than_a_second_is_pending_and_then_there(editor: Caller) -> None:
    slow = (
        "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 3000) "
        "SELECT COUNT(*) AS c FROM n a, n b WHERE MD5(CAST(a.x * b.x AS VARCHAR)) LIKE 'zz%'"
    )
    answer = editor.send(slow)
    assert answer.status_code == 201
    assert answer.json()["status"] == "Pending"
    current = answer.json()["current"]
    assert not current.startswith("/")
    states = []
    while answer.status_code != 200:
        answer = editor.client.get("/" + current)
        states.append(answer.status_code)
        assert answer.status_code in (200, 202), answer.text
        assert (answer.json()["status"] == "Pending") == (answer.status_code == 202)
    assert answer.json()["result"]["grid"]["data"] == [[0]]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("", "empty"),
        (";", "empty"),
        ("/* only a comment */", "empty"),
        ("SELECT 1; SELECT 2", "line 1, column 11"),
        ("SELEC 1", "line 1, column 1: expected a statement"),
        ("SELECT\n  FROM WHERE", "line"),
        ("SELECT * FROM nothing_here", "there is no table nothing_here"),
        ("SELECT * FROM elsewhere.landing.t", "there is no catalog elsewhere"),
        ("SELECT no_such_column FROM system.information_schema.jobs", "no_such_column"),
        ("CREATE TABLE t1 (a NUMBER)", "a type"),
        ("CREATE TABLE t1 (a BIGINT, A STRING)", "twice"),
        ("CREATE TABLE mart.t1 ()", "mart"),
        ("CREATE TABLE t1 () COMPRESION = GZIP", "did you mean COMPRESSION?"),
        ("DROP TABLE nothing_here", "nothing_here"),
        ("DROP JOB nothing_here", "there is no job nothing_here"),
        ("PAUSE JOB nothing_here", "there is no job nothing_here"),
        ("DROP CONNECTION nothing_here", "there is no connection nothing_here"),
        ("CREATE S3 CONNECTION c BANANA = 1", "BANANA"),
        ("CREATE LOCAL CONNECTION c", "ROOT"),
        ("CREATE LOCAL CONNECTION c ROOT = '/etc'", "not inside a folder that this server may read"),
        ("CREATE LOCAL CONNECTION c ROOT = 'relative'", "absolute"),
        ("SHOW CREATE JOB nothing_here", "there is no job"),
        ("SELECT 'a", "not closed"),
    ],
)
def test_a_refused_statement_is_400_and_says_where_and_why(editor: Caller, sql: str, words: str) -> None:
    assert words in editor.refused(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM pg_read_file('/etc/passwd')",
        "SELECT pg_sleep(10)",
        "SELECT getenv('HOME')",
        "SELECT current_setting('data_directory')",
        "SELECT * FROM tessera.ingest_ledger",
        "SELECT * FROM pg_catalog.pg_authid",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM identity_tokens",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "SET memory_limit = '1GB'",
        "PRAGMA version",
        "INSERT INTO landing.t VALUES (1)",
        "DELETE FROM landing.t",
        "WITH x AS (DELETE FROM landing.t RETURNING *) SELECT * FROM x",
    ],
)
def test_hostile_sql_is_refused_and_changes_nothing(editor: Caller, sql: str) -> None:
    answer = editor.send(sql)
    assert answer.status_code == 400, answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"sql": 1}', '{"sql": null}', "nonsense", '{"sql": "SELECT 1"'], ids=str
)
def test_a_body_without_a_statement_is_400(editor: Caller, body: str) -> None:
    answer = editor.client.post("/query", content=body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_line_breaks_may_stand_raw_in_the_statement(editor: Caller) -> None:
    answer = editor.client.post("/query", content=b'{"sql": "SELECT\n1 AS\tx"}')
    assert answer.json()["result"]["grid"]["data"] == [[1]]


def test_a_failing_query_keeps_its_error_for_the_poll(editor: Caller) -> None:
    table = editor.table("a STRING")
    message = editor.refused(f"SELECT CAST(x.y AS BIGINT) FROM (SELECT 'abc' AS y) x LEFT JOIN {table} ON true")
    assert "abc" in message


def test_unknown_queries_are_404(editor: Caller) -> None:
    for path in ("/query/nothing", "/query/nothing/2", "/query/..%2f..", "/query/nothing/x"):
        assert editor.client.get(path).status_code == 404


# -- what dbt-upsolver sends (4.6) -------------------------------------------------------------------------------------


def test_statements_of_dbt_upsolver_about_what_is_there(editor: Caller) -> None:
    table = editor.table("a BIGINT")
    editor.rows("SELECT * FROM system.information_schema.jobs limit1;")
    note = '/* {"app": "dbt", "dbt_version": "1.5.11"} */'
    schemas = editor.rows(
        f"{note} select schema from system.information_schema.tables where catalog = 'default_glue_catalog' group by 1;"
    )
    assert ["landing"] in schemas
    found = editor.rows(
        f"{note} select 'default_glue_catalog' as database, name, 'landing' as schema, 'table' as type "
        "from system.information_schema.\"tables\" where schema = 'landing'"
    )
    assert ["default_glue_catalog", table, "landing", "table"] in found
    for name in ("views", "jobs", "connections"):
        editor.rows(
            f"{note} select 'd' as database, name, 's' as schema, 'x' as type from system.information_schema.{name}"
        )
    named = editor.rows(
        "SELECT schema, name, created_by, comment, 'table' AS type FROM system.information_schema.tables;"
    )
    assert ["landing", table] in [row[:2] for row in named]
    columns = editor.rows(
        "SELECT catalog, schema, name, data_type FROM system.information_schema.columns "
        f"WHERE catalog='default_glue_catalog' AND schema='landing' AND \"table\"='{table}'"
    )
    assert columns[0] == ["default_glue_catalog", "landing", "a", "BIGINT"]
    assert (
        editor.rows("select * from system.monitoring.expectations where \"job_name\"='x' and \"expectation_name\"='y';")
        == []
    )


def test_statements_of_dbt_upsolver_that_make_things(editor: Caller) -> None:
    connection, _ = editor.folder()
    schema = unique("sch")
    table = f'"default_glue_catalog"."{schema}"."raw1"'
    s3 = unique("c")
    editor.told(
        f"CREATE S3 CONNECTION {s3}  read_only = True  comment = 'hi'  path_display_filters = ('s3://a/', 's3://b/')"
    )
    editor.told(f"ALTER S3 CONNECTION {s3}  SET read_only = True  SET comment = 'ho'")
    assert editor.rows(f"SELECT comment FROM system.information_schema.connections WHERE name = '{s3}'") == [["ho"]]
    editor.told(f"CREATE TABLE {table} ()  PARTITIONED BY $event_date")
    editor.told(f"ALTER TABLE {table} ")
    job = unique("raw1_job")
    editor.told(
        f"CREATE SYNC JOB {job}  CONTENT_TYPE = JSON  DEDUPLICATE_WITH = (COLUMNS=(id) ,WINDOW=4 HOURS)  "
        "COMMIT_INTERVAL = 5 MINUTES   COLUMN_TRANSFORMATIONS = (h=MD5(email))  EXCLUDE_COLUMNS = ('x', 'y')  "
        f"AS COPY FROM LOCAL {connection}  LOCATION = ''  INTO  {table}  "
        "WITH EXPECTATION not_null__a EXPECT a IS NOT NULL ON VIOLATION WARN"
    )
    assert editor.rows(f"SELECT expectation_name FROM system.monitoring.expectations WHERE job_name = '{job}'") == [
        ["not_null__a"]
    ]
    editor.told(f"ALTER JOB {job}  SET CONTENT_TYPE = JSON  SET COMMIT_INTERVAL = 6 MINUTES")
    editor.told(f"ALTER JOB {job} ")
    editor.told(f"ALTER JOB {job} ADD EXPECTATION e EXPECT p ON VIOLATION WARN")
    assert "COMMIT_INTERVAL = 6 MINUTES" in editor.rows(f"SHOW CREATE JOB {job}")[0][0]
    assert editor.refused(f"ALTER JOB {job} SET EXCLUDE_COLUMNS = ('z')").startswith("option EXCLUDE_COLUMNS")
    editor.told(f"DROP JOB {job}")
    editor.told(f"drop materialized view {table}")
    assert "there is no table" in editor.refused(f"SELECT * FROM {table}")


# -- names and secrets -------------------------------------------------------------------------------------------------


def test_a_name_that_is_taken_already_exists(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    job = editor.copy(connection, table)
    assert "already exists" in editor.refused(f"CREATE LOCAL CONNECTION {connection.upper()} ROOT = '{folder}'")
    assert "already exists" in editor.refused(f"CREATE TABLE {table} ()")
    assert "already exists" in editor.refused(
        f"CREATE JOB {job} AS COPY FROM LOCAL {connection} LOCATION = '' INTO {table}"
    )
    editor.told(f"CREATE LOCAL CONNECTION IF NOT EXISTS {connection} ROOT = '{folder}'")
    editor.told(f"CREATE TABLE IF NOT EXISTS {table} ()")
    editor.told(f"CREATE JOB IF NOT EXISTS {job} AS COPY FROM LOCAL {connection} LOCATION = '' INTO {table}")
    assert job in editor.refused(f"DROP CONNECTION {connection}")
    assert job in editor.refused(f"DROP TABLE {table}")
    for sql in (f"DROP JOB {job}", f"DROP TABLE {table}", f"DROP CONNECTION {connection}"):
        editor.told(sql)
    for sql in (
        f"DROP JOB IF EXISTS {job}",
        f"DROP TABLE IF EXISTS {table}",
        f"DROP CONNECTION IF EXISTS {connection}",
    ):
        assert "does not exist" in editor.told(sql)


def test_secrets_never_come_back(editor: Caller) -> None:
    name = unique("pg")
    secret = "s3cret-that-nobody-sees"
    editor.told(
        f"CREATE POSTGRES CONNECTION {name} CONNECTION_STRING = 'jdbc:postgresql://h:5432/db' "
        f"USER_NAME = 'u' PASSWORD = '{secret}'"
    )
    shown = editor.rows(f"SHOW CREATE CONNECTION {name}")[0][0]
    assert "PASSWORD = '***'" in shown
    assert "USER_NAME = 'u'" in shown
    everything = [
        shown,
        editor.client.get("/connections").text,
        editor.send("SELECT * FROM system.information_schema.connections").text,
        editor.server.log(),
    ]
    assert not [text for text in everything if secret in text]
    files = [file for file in editor.server.data_dir.rglob("*") if file.is_file() and "sqlite" in file.name]
    assert not [file for file in files if secret.encode() in file.read_bytes()]


def test_show_create_and_describe_answer_with_a_grid(editor: Caller) -> None:
    table = editor.table("a BIGINT, b DECIMAL(10, 2)")
    text = editor.rows(f"SHOW CREATE TABLE {table}")[0][0]
    assert text == f"CREATE TABLE default_glue_catalog.landing.{table} (\n    a BIGINT,\n    b DECIMAL(10, 2)\n);"
    assert editor.rows(f"DESCRIBE {table}")[:2] == [
        ["a", "BIGINT", False, False],
        ["b", "DECIMAL(10, 2)", False, False],
    ]
    editor.told(f"COMMENT ON TABLE {table} IS 'It''s a table'")
    assert editor.rows(f"SELECT comment FROM system.information_schema.tables WHERE name = '{table}'") == [
        ["It's a table"]
    ]
    assert [table] in [row[1:] for row in editor.rows("SHOW TABLES")]
    for what in ("JOBS", "CONNECTIONS", "VIEWS"):
        editor.rows(f"SHOW {what}")


def test_names_of_tables_and_columns_do_not_tell_upper_from_lower_case(editor: Caller) -> None:
    table = editor.table("userId BIGINT")
    assert editor.rows(f"SELECT USERID, t.userid FROM LANDING.{table.upper()} AS T") == []


def test_what_this_server_does_not_do_is_said(editor: Caller) -> None:
    for sql in (
        "CREATE MATERIALIZED VIEW v AS SELECT a FROM t",
        "CREATE JOB j AS INSERT INTO t SELECT a FROM s WHERE $commit_time BETWEEN run_start_time() AND run_end_time()",
        "CREATE REPLICATION JOB r FROM c PUBLICATION_NAME = 'x'",
    ):
        assert "not available on this server" in editor.refused(sql)
