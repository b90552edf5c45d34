"""The statement parser: shapes, places in messages, and options that survive their own text."""

from datetime import timedelta

import pytest

from tessera.ingest.date_patterns import DatePattern
from tessera.ingest.sql import options as known
from tessera.ingest.sql import parse
from tessera.ingest.sql import statements as said
from tessera.kernel.errors import Invalid


def test_names_have_up_to_three_parts() -> None:
    for text in ("T1", "landing.t1", '"default_glue_catalog"."LANDING"."t1"'):
        statement = parse(f"DESCRIBE {text}")
        assert isinstance(statement, said.Describe)
        assert statement.table == said.TableName("landing", "t1")


def test_a_copy_job_with_everything() -> None:
    statement = parse(
        '/* note */ create sync job "My job" commit_interval = 5 minutes '
        "content_type = (type = csv header = ('a', 'b')) "
        "deduplicate_with = (columns = (a, b), window = 4 hours) exclude_columns = ('x*') "
        "column_transformations = (h = md5(concat(a, ',')), n = a + 1) "
        "as copy from s3 c1 location = 's3://b/p/' into x.y with expectation e expect a in (1, 2) on violation drop;"
    )
    assert isinstance(statement, said.CreateJob)
    assert (statement.name, statement.sync) == ("My job", True)
    assert known.value_of(statement.options, "COMMIT_INTERVAL") == timedelta(minutes=5)
    content = known.value_of(statement.options, "CONTENT_TYPE")
    assert isinstance(content, said.ContentType)
    assert (content.kind, content.header) == ("CSV", ["a", "b"])
    assert known.value_of(statement.options, "COLUMN_TRANSFORMATIONS") == {"h": "md5(concat(a, ','))", "n": "a + 1"}
    assert known.value_of(statement.options, "DEDUPLICATE_WITH") == said.Deduplication(["a", "b"], 4 * 3600)
    body = statement.body
    assert isinstance(body, said.Copy)
    assert (body.kind, body.connection, body.into) == ("S3", "c1", said.TableName("x", "y"))
    assert body.expectations == [said.Expectation("e", "a in (1, 2)", "DROP")]
    texts = {name: given.text for name, given in statement.options.items()}
    assert known.read_again(texts, known.COPY_JOBS["S3"], "a job") == statement.options


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("CREATE", "line 1, column 7"),
        ("CREATE JOB j AS DELETE", "COPY, INSERT, MERGE"),
        ("CREATE JOB j AS COPY FROM LOCAL c LOCATION = 'x'", "expected INTO"),
        ("CREATE TABLE a.b.c.d ()", "three parts"),
        ("CREATE TABLE t (a BIGINT b)", "','"),
        ("CREATE TABLE t ($a BIGINT)", "system columns"),
        ("CREATE TABLE t (a DECIMAL(50))", "precision"),
        ("CREATE JOB j\n  COMMIT_INTERVAL = 5 BANANAS\nAS COPY FROM LOCAL c LOCATION='' INTO t", "line 2"),
        ("CREATE JOB j COMMENT = 'a' COMMENT = 'b' AS COPY FROM LOCAL c LOCATION='' INTO t", "twice"),
        ("DROP BANANA x", "TABLE, JOB, CONNECTION, MATERIALIZED"),
        ("SELECT (1", "')'"),
        ("SELECT 1 /* open", "comment"),
        ("CREATE JOB j AS COPY FROM LOCAL c LOCATION='' INTO SNOWFLAKE t", "not available"),
        ("x" * 1_000_001, "at most"),
    ],
)
def test_refusals_say_where_and_what_would_be_right(sql: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(sql)
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("pattern", "path", "time"),
    [
        ("yyyy/MM/dd/HH/mm", "2026/01/31/10/30/a.json", "2026-01-31T10:30:00+00:00"),
        ("'year='yyyy'/month='MM", "year=2026/month=02/x", "2026-02-01T00:00:00+00:00"),
        ("d-M-yy", "1-2-26.json", "2026-02-01T00:00:00+00:00"),
        ("yyyy-MM-dd", "2026-02-30/x", None),
        ("yyyy", "x/2026", None),
    ],
)
def test_date_patterns(pattern: str, path: str, time: str | None) -> None:
    found = DatePattern(pattern).read(path)
    assert (found.isoformat() if found else None) == time
