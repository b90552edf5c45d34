"""Chapters 5.4 to 5.11 and 6: COPY FROM jobs over a folder of files."""

import datetime
import gzip
import hashlib
import io
import json
import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.contract.ingest.conftest import Caller
from tests.serving import Served, unique, until


def put(folder: Path, name: str, content: bytes | str) -> Path:
    """A file, whole from the first moment on, and old enough to count at once."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name("." + path.name)
    hidden.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(hidden, (time.time() - 10,) * 2)
    hidden.rename(path)
    return path


def lines(*documents: object) -> str:
    return "".join(json.dumps(one) + "\n" for one in documents)


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def test_a_folder_of_csv_json_lines_and_parquet_also_compressed(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    put(folder, "a.jsonl", lines({"id": 1, "from": "json"}, {"id": 2, "from": "json"}))
    put(folder, "b.json.gz", gzip.compress(lines({"id": 3, "from": "json gz"}).encode()))
    put(folder, "deep/er/c.parquet", parquet(pa.table({"id": pa.array([4], pa.int32()), "from": ["parquet"]})))
    job = editor.copy(connection, table)
    csv_table = editor.table()
    csv_job = editor.copy(
        connection, csv_table, "CONTENT_TYPE = (TYPE = CSV INFER_TYPES = TRUE) FILE_PATTERN = '.*csv.*'"
    )
    put(folder, "d.csv", "id,from\n5,csv\n")
    put(folder, "e.csv.gz", gzip.compress(b"id,from\n6,csv gz\n"))
    editor.until_loaded(csv_job, 2)
    assert editor.rows(f'SELECT id, "from" FROM {csv_table} ORDER BY id') == [[5, "csv"], [6, "csv gz"]]
    editor.until_loaded(job, 5)
    rows = editor.rows(f'SELECT id, "from" FROM {table} ORDER BY id')
    # AUTO reads CSV without guessing types, so here the column has become text.
    assert rows == [["1", "json"], ["2", "json"], ["3", "json gz"], ["4", "parquet"], ["5", "csv"], ["6", "csv gz"]]


def test_files_that_come_later_are_loaded_too_and_none_twice(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    job = editor.copy(connection, table)
    for number in range(3):
        put(folder, f"{number}.jsonl", lines({"n": number}))
        editor.until_loaded(job, number + 1)
    assert editor.rows(f"SELECT n FROM {table} ORDER BY n") == [[0], [1], [2]]
    time.sleep(1.5)
    assert editor.rows(f"SELECT COUNT(*) FROM {table}") == [[3]]


def test_a_known_file_that_has_changed_is_counted_and_not_read_again(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    put(folder, "a.jsonl", lines({"n": 1}))
    job = editor.copy(connection, table)
    editor.until_loaded(job, 1)
    put(folder, "a.jsonl", lines({"n": 1}, {"n": 2}))
    until(lambda: editor.until_loaded(job, 1)["files_changed"] == 1)
    assert editor.rows(f"SELECT n FROM {table}") == [[1]]


def test_a_file_that_is_still_written_waits_until_it_rests(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    job = editor.copy(connection, table)
    path = folder / "growing.jsonl"
    for number in range(15):
        with path.open("a") as file:
            file.write(json.dumps({"n": number})[:4])
            file.flush()
            time.sleep(0.15)
            file.write(json.dumps({"n": number})[4:] + "\n")
    counts = editor.until_loaded(job, 1)
    assert (counts["rows_written"], counts["parse_errors"]) == (15, 0)
    assert editor.rows(f"SELECT COUNT(*) FROM {table}") == [[15]]


def test_hidden_files_and_partial_ones_are_left_out(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    for name in (".hidden.jsonl", "_partial.jsonl", "_temporary/a.jsonl", ".git/b.jsonl"):
        put(folder, name, lines({"n": 0}))
    put(folder, "a.jsonl", lines({"n": 1}))
    job = editor.copy(connection, table)
    editor.until_loaded(job, 1)
    assert editor.rows(f"SELECT n FROM {table}") == [[1]]


def test_bad_lines_are_counted_and_kept_with_their_place(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    content = '{"n": 1}\nno json\n\n{"n": 2} {"n": 3}\n5\n[{"n": 4}, {"n": 5}]\n{"n": NaN}\n{"n": 6}\n{"n": 7'
    put(folder, "a.jsonl", content)
    job = editor.copy(connection, table, "CONTENT_TYPE = JSON")
    counts = editor.until_loaded(job, 1)
    assert (counts["rows_read"], counts["rows_written"], counts["parse_errors"]) == (10, 6, 4)
    assert editor.rows(f"SELECT n FROM {table} ORDER BY n") == [[1], [2], [3], [4], [5], [6]]
    kept = editor.rows(
        "SELECT offset_or_line, byte_offset, raw, source FROM system.monitoring.parse_errors "
        f"WHERE job_name = '{job}' ORDER BY offset_or_line"
    )
    assert [row[:3] for row in kept] == [
        [2, 9, "no json"],
        [5, 36, "5"],
        [7, 59, '{"n": NaN}'],
        [9, 79, '{"n": 7'],
    ]
    assert {row[3] for row in kept} == {str(folder / "a.jsonl")}


def test_a_file_that_cannot_be_read_fails_alone_and_is_tried_again_on_resume(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    put(folder, "a.jsonl", lines({"n": 1}))
    bad = put(folder, "b.parquet", b"PAR1 this is no parquet")
    put(folder, "c.jsonl.gz", gzip.compress(lines({"n": 3}).encode())[:-9])
    put(folder, "d.jsonl", lines({"n": 4}))
    job = editor.copy(connection, table)
    counts = editor.until_loaded(job, 4)
    assert (counts["files_read"], counts["failed_files"], counts["status"]) == (2, 2, "Running")
    # The job's own record follows the commit of its rows.
    until(lambda: "gzip" in (editor.until_loaded(job, 4)["last_error"] or ""))
    assert editor.rows(f"SELECT n FROM {table} ORDER BY n") == [[1], [4]]
    bad.write_bytes(parquet(pa.table({"n": [2]})))
    os.utime(bad, (time.time() - 10,) * 2)
    editor.told(f"PAUSE JOB {job}")
    editor.told(f"RESUME JOB {job}")
    until(lambda: editor.until_loaded(job, 4)["files_read"] == 3)
    assert editor.rows(f"SELECT n FROM {table} ORDER BY n") == [[1], [2], [4]]


def test_short_csv_rows_get_nulls_and_long_ones_overflow(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    put(folder, "a.csv", b'a,b\n1,2\n3\n4,5,6,7\n\n"x\ny",8\n\xff,9\n')
    job = editor.copy(connection, table, "CONTENT_TYPE = CSV")
    counts = editor.until_loaded(job, 1)
    assert (counts["rows_read"], counts["parse_errors"]) == (5, 1)
    assert editor.rows(f"SELECT a, b, overflow FROM {table} ORDER BY $row_number") == [
        ["1", "2", None],
        ["3", None, None],
        ["4", "5", "6,7"],
        ["x\ny", "8", None],
    ]


def test_types_are_found_added_and_widened_and_never_narrowed(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()

    def types() -> dict[str, str]:
        return {row[0]: row[1] for row in editor.rows(f"DESCRIBE {table}") if not row[0].startswith("$")}

    job = editor.copy(connection, table)
    put(folder, "1.jsonl", lines({"i": 1, "b": True, "s": "2026-01-01T00:00:00Z", "nothing": None}))
    editor.until_loaded(job, 1)
    assert types() == {"i": "BIGINT", "b": "BOOLEAN", "s": "STRING"}
    put(folder, "2.jsonl", lines({"i": 1.5, "new": 7}, {"I": 2}))
    editor.until_loaded(job, 2)
    assert types() == {"i": "DOUBLE", "b": "BOOLEAN", "s": "STRING", "new": "BIGINT"}
    put(folder, "3.jsonl", lines({"i": "text", "b": 3}, {"i": 4}))
    editor.until_loaded(job, 3)
    assert types() == {"i": "STRING", "b": "STRING", "s": "STRING", "new": "BIGINT"}
    put(folder, "4.jsonl", lines({"i": 5}))
    editor.until_loaded(job, 4)
    found = [row[0] for row in editor.rows(f'SELECT i FROM {table} ORDER BY "$source_file", $row_number')]
    assert [float(one) if one != "text" else one for one in found] == [1.0, 1.5, 2.0, "text", 4.0, 5.0]
    assert editor.rows(f"SELECT COUNT(b), COUNT(new) FROM {table}") == [[2, 1]]


def test_a_declared_column_keeps_its_type_and_what_does_not_fit_is_null_and_counted(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table("n BIGINT, d DATE, t TIMESTAMP, s STRING, x DECIMAL(10, 2)")
    put(
        folder,
        "a.jsonl",
        lines(
            {"n": 1, "d": "2026-01-31", "t": "2026-01-31T10:00:00", "s": 5, "x": 1.25},
            {"n": "two", "d": "no date", "s": {"a": 1}},
        ),
    )
    job = editor.copy(connection, table)
    counts = editor.until_loaded(job, 1)
    assert counts["conversion_errors"] == 2
    assert editor.rows(f"SELECT n, d, t, s FROM {table} ORDER BY $row_number") == [
        [1, "2026-01-31", "2026-01-31 10:00:00.000", "5"],
        [None, None, None, '{"a":1}'],
    ]


def test_nested_values_stay_as_they_are(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    job = editor.copy(connection, table)
    first = {"c": {"address": {"city": "Delft"}}, "items": [{"sku": "a", "n": 1}]}
    put(folder, "1.jsonl", lines(first))
    editor.until_loaded(job, 1)
    second = {"c": {"address": {"city": "Oslo", "zip": "1"}, "vip": True}, "items": [{"sku": "b", "price": 2.5}]}
    put(folder, "2.jsonl", lines(second, {"c": "just a name"}))
    editor.until_loaded(job, 2)

    def plain(value: object) -> object:
        """Without the nulls with which an engine may fill a record up."""
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items() if inner is not None}
        return [plain(item) for item in value] if isinstance(value, list) else value

    rows = editor.rows(f'SELECT c, items, c__value FROM {table} ORDER BY "$source_file", $row_number')
    assert [[plain(value) for value in row] for row in rows] == [
        [first["c"], first["items"], None],
        [second["c"], second["items"], None],
        [None, None, "just a name"],
    ]


def test_system_columns(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table("n BIGINT")
    put(folder, "2026/01/31/a.jsonl", lines({"n": 1}, {"n": 2}))
    put(folder, "2026/02/01/b.jsonl", lines({"n": 3, "$event_time": "mine"}))
    put(folder, "2999/01/01/future.jsonl", lines({"n": 4}))
    put(folder, "elsewhere/c.jsonl", lines({"n": 5}))
    job = editor.copy(connection, table, "DATE_PATTERN = 'yyyy/MM/dd' START_FROM = TIMESTAMP '2026-01-01 00:00:00'")
    editor.until_loaded(job, 2)
    grid = editor.grid(f"SELECT * FROM {table} WHERE $event_date = DATE '2026-01-31' ORDER BY n")
    assert [one["name"] for one in grid["columns"]] == ["n", "_$event_time", "$event_time", "$commit_time"]
    assert [row[:3] for row in grid["data"]] == [
        [1, None, "2026-01-31 00:00:00.000"],
        [2, None, "2026-01-31 00:00:00.000"],
    ]
    rows = editor.rows(f'SELECT n, "$source_file", $row_number, $source_offset, $event_date FROM {table} ORDER BY n')
    one, two = str(folder / "2026/01/31/a.jsonl"), str(folder / "2026/02/01/b.jsonl")
    assert rows == [[1, one, 1, 0, "2026-01-31"], [2, one, 2, 1, "2026-01-31"], [3, two, 1, 0, "2026-02-01"]]
    assert len({tuple(row) for row in editor.rows(f"SELECT $commit_time FROM {table}")}) == 1


def test_commit_times_of_a_table_rise(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    job = editor.copy(connection, table)
    for number in range(3):
        put(folder, f"{number}.jsonl", lines({"n": number}))
        editor.until_loaded(job, number + 1)
    times = [row[0] for row in editor.rows(f"SELECT $commit_time FROM {table} ORDER BY n")]
    assert times == sorted(set(times))
    assert len(times) == 3


def test_transformations_exclusions_expectations_and_deduplication(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    documents = [{"id": n % 4, "email": f"p{n}@x", "x1": n, "x2": n, "n": n, "deep": {"k": n}} for n in range(8)]
    put(folder, "a.jsonl", lines(*documents))
    job = editor.copy(
        connection,
        table,
        "COLUMN_TRANSFORMATIONS = (h = MD5(email), twice = n * 2) EXCLUDE_COLUMNS = ('email', 'x*') "
        "DEDUPLICATE_WITH = (COLUMNS = (id), WINDOW = 4 HOURS)",
        "WITH EXPECTATION small EXPECT n < 7 ON VIOLATION DROP "
        "WITH EXPECTATION even EXPECT n % 2 = 0 ON VIOLATION WARN "
        "WITH EXPECTATION absent EXPECT no_such_field > 0 ON VIOLATION DROP",
    )
    counts = editor.until_loaded(job, 1)
    assert (counts["rows_read"], counts["rows_written"], counts["rows_dropped"], counts["rows_deduplicated"]) == (
        8,
        4,
        1,
        3,
    )
    grid = editor.grid(f"SELECT * FROM {table} ORDER BY id")
    assert sorted(one["name"] for one in grid["columns"]) == [
        "$commit_time",
        "$event_time",
        "deep",
        "h",
        "id",
        "n",
        "twice",
    ]
    rows = editor.rows(f"SELECT id, n, twice, h, deep FROM {table} ORDER BY id")
    assert [row[:3] for row in rows] == [[n, n, n * 2] for n in range(4)]
    assert rows[0][3] == hashlib.md5(b"p0@x").hexdigest()
    assert rows[1][4] == {"k": 1}
    counted = editor.rows(
        "SELECT expectation_name, action, triggered_today, triggered_sum FROM system.monitoring.expectations "
        f"WHERE job_name = '{job}' ORDER BY expectation_name"
    )
    assert counted == [["absent", "drop", 0, 0], ["even", "warn", 4, 4], ["small", "drop", 1, 1]]
    put(folder, "b.jsonl", lines({"id": 1, "n": 1}, {"id": 9, "n": 2}))
    editor.until_loaded(job, 2)
    assert editor.rows(f"SELECT id FROM {table} ORDER BY id") == [[0], [1], [2], [3], [9]]
    editor.told(f"ALTER JOB {job} DROP EXPECTATION even")
    names = editor.rows(f"SELECT expectation_name FROM system.monitoring.expectations WHERE job_name = '{job}'")
    assert sorted(names) == [["absent"], ["small"]]


def test_pause_keeps_the_position_and_resume_goes_on(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    put(folder, "a.jsonl", lines({"n": 1}))
    job = editor.copy(connection, table)
    editor.until_loaded(job, 1)
    editor.told(f"PAUSE JOB {job}")
    assert editor.rows(f"SELECT status FROM system.information_schema.jobs WHERE name = '{job}'") == [["Paused"]]
    put(folder, "b.jsonl", lines({"n": 2}))
    time.sleep(2)
    assert editor.rows(f"SELECT n FROM {table}") == [[1]]
    editor.told(f"RESUME JOB {job}")
    editor.until_loaded(job, 2)
    assert editor.rows(f"SELECT n FROM {table} ORDER BY n") == [[1], [2]]


def test_drop_job_keeps_the_rows_and_a_new_one_loads_again(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    put(folder, "a.jsonl", lines({"n": 1}))
    job = editor.copy(connection, table)
    editor.until_loaded(job, 1)
    editor.told(f"DROP JOB {job}")
    assert editor.rows(f"SELECT n FROM {table}") == [[1]]
    again = editor.copy(connection, table)
    editor.until_loaded(again, 1)
    assert editor.rows(f"SELECT n FROM {table}") == [[1], [1]]


def test_end_at_now_completes_the_job(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    put(folder, "a.jsonl", lines({"n": 1}))
    job = editor.copy(connection, table, "END_AT = NOW")

    def status() -> bool:
        return editor.rows(f"SELECT status FROM system.information_schema.jobs WHERE name = '{job}'") == [["Completed"]]

    until(status)
    (folder / "late.jsonl").write_text(lines({"n": 2}))
    time.sleep(1.5)
    assert editor.rows(f"SELECT n FROM {table}") == [[1]]
    assert "completed" in editor.refused(f"RESUME JOB {job}")


def test_files_are_deleted_after_the_load_where_that_was_asked(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    path = put(folder, "a.jsonl", lines({"n": 1}))
    job = editor.copy(connection, table, "DELETE_FILES_AFTER_LOAD = TRUE")
    editor.until_loaded(job, 1)
    until(lambda: not path.exists())
    assert editor.rows(f"SELECT n FROM {table}") == [[1]]


def test_links_out_of_the_allowed_folders_are_not_followed(editor: Caller, tmp_path: Path) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    outside = put(tmp_path, "secret.jsonl", lines({"n": "secret"}))
    (folder / "link.jsonl").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    put(folder, "a.jsonl", lines({"n": 1}))
    job = editor.copy(connection, table)
    editor.until_loaded(job, 1)
    time.sleep(1.2)
    assert editor.rows(f"SELECT n FROM {table}") == [[1]]
    for location in ("..", "/etc", f"{tmp_path}"):
        answer = editor.refused(
            f"CREATE JOB {unique('j')} AS COPY FROM LOCAL {connection} LOCATION = '{location}' INTO {table}"
        )
        assert "not inside" in answer


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("START_FROM = NOW", "DATE_PATTERN"),
        ("COMMIT_INTERVAL = 7 MINUTES", "divide a day"),
        ("COMMIT_INTERVAL = 0 MINUTES", "at least 1"),
        ("DATE_PATTERN = 'yyyy-ww'", "'ww'"),
        ("FILE_PATTERN = '('", "regular expression"),
        ("CONTENT_TYPE = AVRO", "not available"),
        ("CONTENT_TYPE = BANANA", "one of AUTO"),
        ("COMPRESSION = LZO", "not available"),
        ("COLUMN_TRANSFORMATIONS = (a = read_text('/etc/passwd'))", "not allowed"),
        ("COLUMN_TRANSFORMATIONS = (a = (SELECT 1))", "not allowed"),
        ("READER_SHARDS = 2", "no option READER_SHARDS"),
        ("DEDUPLICATE_WITH = (COLUMNS = (a))", "WINDOW"),
    ],
)
def test_options_that_do_not_fit_are_refused(editor: Caller, options: str, words: str) -> None:
    connection, _ = editor.folder()
    table = editor.table()
    name = unique("job")
    assert words in editor.refused(
        f"CREATE JOB {name} {options} AS COPY FROM LOCAL {connection} LOCATION = '' INTO {table}"
    )
    assert editor.rows(f"SELECT name FROM system.information_schema.jobs WHERE name = '{name}'") == []


def test_a_job_needs_a_connection_of_its_kind_a_folder_and_a_table(editor: Caller) -> None:
    connection, _ = editor.folder()
    table, keyed = editor.table(), unique("t")
    editor.told(f"CREATE TABLE {keyed} (a BIGINT) PRIMARY KEY a")
    for source, target, words in (
        ("LOCAL nothing_here LOCATION = ''", table, "there is no connection"),
        (f"S3 {connection} LOCATION = 's3://b/'", table, "of kind LOCAL, not S3"),
        (f"LOCAL {connection} LOCATION = 'nowhere'", table, "no folder"),
        (f"LOCAL {connection}", table, "needs LOCATION"),
        (f"LOCAL {connection} LOCATION = ''", "nothing_here", "there is no table"),
        (f"LOCAL {connection} LOCATION = ''", keyed, "primary key"),
    ):
        assert words in editor.refused(f"CREATE JOB {unique('j')} AS COPY FROM {source} INTO {target}")
    two = "WITH EXPECTATION e EXPECT a > 1 ON VIOLATION WARN WITH EXPECTATION e EXPECT a > 2 ON VIOLATION WARN"
    sql = f"CREATE JOB {unique('j')} AS COPY FROM LOCAL {connection} LOCATION = '' INTO {table} {two}"
    assert "unique" in editor.refused(sql)


def test_a_written_table_is_told_of_once_for_each_change_of_its_columns(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table("n BIGINT")
    job = editor.copy(connection, table)
    for number in range(3):
        put(folder, f"{number}.jsonl", lines({"n": number, **({"more": 1} if number == 2 else {})}))
        editor.until_loaded(job, number + 1)

    def told() -> list[list[str]]:
        with editor.server.http("", editor.server.admin.token) as client:
            found: list[list[str]] = []
            with client.stream("GET", "/events", params={"name": "warehouse.table.written", "after": 0}) as stream:
                for line in stream.iter_lines():
                    if line.startswith("data:") and table in line:
                        found.append([one["name"] for one in json.loads(line[5:])["data"]["columns"]])
                        if len(found) == 2:
                            break
            return found

    assert told() == [["n"], ["n", "more"]]


def test_inputs_over_rest(editor: Caller) -> None:
    connection, folder = editor.folder()
    put(folder, "tides/2026/03/01/a.jsonl", lines({"height": 1.5}))
    (connection_id,) = [
        one["id"]
        for one in editor.client.get("/connections").json()
        if one["connection"]["displayData"]["name"] == connection
    ]
    name = unique("Tide gauges")
    body = {
        "clazz": "CloudStorageInputRequest",
        "displayData": {"name": name, "description": "in the harbour"},
        "contentType": {"type": "JsonContentType"},
        "sourceStorage": connection_id,
        "datePattern": "yyyy/MM/dd",
        "fileMatchPattern": {"clazz": "EndsWithMatcher", "suffix": ".jsonl"},
        "interval": 1,
        "prefix": "tides",
    }
    made = editor.client.post("/inputs", json=body)
    assert made.status_code == 200, made.text
    shown = made.json()
    assert shown["contentType"] == {"clazz": "JsonContentType"}
    assert shown["displayData"]["name"] == name
    assert shown["running"] is True
    path = f"/inputs/{shown['id']}"
    until(lambda: editor.client.get(path).json()["statistics"]["handledItems"] == 1)
    table = name.lower().replace(" ", "_")
    assert editor.rows(f"SELECT height FROM default_glue_catalog.inputs.{table}") == [[1.5]]
    assert shown["id"] in [one["id"] for one in editor.client.get("/inputs/").json()]
    renamed = editor.client.patch(path, json={"clazz": "Rename", "name": "Other"}).json()
    assert renamed["displayData"]["name"] == "Other"
    assert editor.client.post(path, json={"clazz": "Stop"}).json()["running"] is False
    assert editor.client.post(path, json={"clazz": "Start"}).json()["running"] is True
    assert editor.client.patch(path, json={"clazz": "Banana"}).status_code == 400
    for broken in ("contentType", "sourceStorage", "fileMatchPattern", "displayData"):
        answer = editor.client.post("/inputs", json={key: value for key, value in body.items() if key != broken})
        assert answer.status_code == 400
        assert broken in answer.json()["message"]
    for clazz, words in (("KafkaInputRequest", "not available"), ("Banana", "clazz"), (None, "clazz")):
        answer = editor.client.post("/inputs", json=body | {"clazz": clazz})
        assert (answer.status_code, words in answer.json()["message"]) == (400, True)
    assert editor.client.delete(path).status_code == 204
    assert editor.client.get(path).status_code == 404
    assert editor.rows(f"SELECT COUNT(*) FROM default_glue_catalog.inputs.{table}") == [[1]]


def test_dates_of_parquet_keep_their_types(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table()
    moment = datetime.datetime(2026, 1, 31, 10, 30, tzinfo=datetime.UTC)
    content = pa.table({"day": [moment.date()], "at": [moment], "blob": [b"x"], "f": pa.array([1.5], pa.float32())})
    put(folder, "a.parquet", parquet(content))
    job = editor.copy(connection, table)
    editor.until_loaded(job, 1)
    grid = editor.grid(f"SELECT day, at, blob, f FROM {table}")
    words = [one["columnType"]["clazz"] for one in grid["columns"]]
    assert words == ["DateColumnType", "TimeColumnType", "StringColumnType", "DoubleColumnType"]
    assert grid["data"] == [["2026-01-31", "2026-01-31 10:30:00.000", "eA==", 1.5]]


def test_a_run_that_is_cancelled_by_itself_shows_as_a_paused_job(editor: Caller) -> None:
    connection, folder = editor.folder()
    table = editor.table("n BIGINT")
    put(folder, "a.jsonl", lines({"n": 1}))
    job = editor.copy(connection, table)
    editor.until_loaded(job, 1)
    with editor.server.http("identity", editor.server.admin.token) as client:
        (run,) = [one for one in client.get("/jobs").json()["items"] if one["title"] == f"Ingest: {job}"]
        assert client.post(f"/jobs/{run['id']}/cancel").status_code < 300

    def status() -> bool:
        return editor.rows(f"SELECT status FROM system.information_schema.jobs WHERE name = '{job}'") == [["Paused"]]

    until(status)
    put(folder, "b.jsonl", lines({"n": 2}))
    editor.told(f"RESUME JOB {job}")
    editor.until_loaded(job, 2)
    assert editor.rows(f"SELECT n FROM {table} ORDER BY n") == [[1], [2]]


def test_a_run_cancelled_on_the_jobs_page_pauses_the_job_and_trying_again_goes_on(
    server: Served, editor: Caller
) -> None:
    connection, folder = editor.folder()
    put(folder, "a.jsonl", lines({"n": 1}))
    table = editor.table()
    name = editor.copy(connection, table)
    editor.until_loaded(name, 1)

    def status() -> str:
        grid = editor.grid(f"SELECT status FROM system.monitoring.jobs WHERE job_name = '{name}'")
        return str(grid["data"][0][0])

    with server.http("identity", server.admin.token) as client:
        jobs = client.get("/jobs?state=running").json()["items"]
        run = next(job["id"] for job in jobs if job["title"].endswith(name))
        assert client.post(f"/jobs/{run}/cancel").status_code == 200
        until(lambda: status() == "Paused")
        until(lambda: client.get(f"/jobs/{run}").json()["state"] == "cancelled")
        assert client.post(f"/jobs/{run}/retry").status_code == 200
        until(lambda: status() == "Running")
        put(folder, "b.jsonl", lines({"n": 2}))
        editor.until_loaded(name, 2)
        assert client.get(f"/jobs/{run}").json()["state"] == "running"
