"""Readers: bytes in, rows and rejected rows out; the fast and the exact reader agree."""

import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.ingest.reading import Unreadable, read_file
from tessera.ingest.reading.json_lines import read_json
from tessera.ingest.sql.statements import ContentType

AUTO = ContentType("AUTO")


def rows_of(content: bytes, **options: Any) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows without their nulls, and the lines of rejected rows."""
    rows: list[dict[str, Any]] = []
    bad: list[int] = []
    for batch in read_json(io.BytesIO(content), **options):
        rows += [{name: value for name, value in row.items() if value is not None} for row in batch.table.to_pylist()]
        bad += [one.line for one in batch.rejected]
    return rows, bad


scalars = st.one_of(
    st.integers(-(2**53), 2**53), st.booleans(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
documents = st.lists(
    st.fixed_dictionaries({"a": st.integers(-(2**62), 2**62)}, optional={"b": scalars, "c": st.none()}), max_size=30
)


@settings(deadline=None, max_examples=60)
@given(documents, st.integers(30, 400))
def test_rows_do_not_depend_on_where_blocks_are_cut(found: list[dict[str, Any]], block: int) -> None:
    content = "".join(json.dumps(one) + "\n" for one in found).encode()
    rows, bad = rows_of(content, block_bytes=block)
    assert bad == []
    assert [row["a"] for row in rows] == [one["a"] for one in found]
    assert len(rows) == len(found)


@settings(deadline=None, max_examples=60)
@given(documents, st.data())
def test_a_bad_line_takes_nothing_with_it(found: list[dict[str, Any]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(found)))
    broken = data.draw(st.sampled_from(['{"a": 1', '{"a": ', "}", "no json", '"text"', "7", "[1]", '{"a": "x']))
    lines = [json.dumps(one) for one in found]
    lines.insert(place, broken)
    rows, bad = rows_of(("\n".join(lines) + "\n").encode(), block_bytes=data.draw(st.integers(40, 2000)))
    assert bad == [place + 1]
    assert [row["a"] for row in rows] == [one["a"] for one in found]


@pytest.mark.parametrize(
    ("content", "rows", "bad"),
    [
        (b"", [], []),
        (b"\n\n  \n", [], []),
        (b'{"a": 1}', [{"a": 1}], []),
        (b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n', [{"a": 1}, {"a": 2}], []),
        (b'{"a": 1}{"a": 2} {"a": 3}\n', [{"a": 1}, {"a": 2}, {"a": 3}], []),
        (b'[{"a": 1}, {"a": 2}]\n[]\n', [{"a": 1}, {"a": 2}], []),
        (b'[\n  {"a": 1},\n  {"a": 2}\n]\n', [{"a": 1}, {"a": 2}], []),
        (b'{"a": 1,\n "b": 2}\n{"a": 3}\n', [{"a": 1, "b": 2}, {"a": 3}], []),
        (b'{"a": 1}\n{"a": 2', [{"a": 1}], [2]),
        (b'{"a": 1}\n\xff\xfe\n{"a": 2}\n', [{"a": 1}, {"a": 2}], [2]),
        (b'{"a": "\\ud800"}\n{"a": "ok"}\n', [{"a": "ok"}], [1]),
        (b'{"a": 1, "A": 2}\n', [{"a": 2}], []),
        (b'{"t": "2026-01-01T00:00:00Z"}\n', [{"t": "2026-01-01T00:00:00Z"}], []),
        (b'{"a": 12345678901234567890123}\n', [{"a": "12345678901234567890123"}], []),
        (b'{"a": [1, 2.5]}\n{"a": []}\n{"a": [null]}\n', [{"a": [1.0, 2.5]}, {"a": []}, {"a": [None]}], []),
        (b'{"a": {"b": 1}}\n{"a": 2}\n', [{"a": {"b": 1}}, {"a__value": 2}], []),
    ],
    ids=str,
)
def test_json(content: bytes, rows: list[dict[str, Any]], bad: list[int]) -> None:
    assert rows_of(content) == (rows, bad)


def read_all(content: bytes, path: str, kind: ContentType = AUTO) -> list[dict[str, Any]]:
    return [row for batch in read_file(io.BytesIO(content), path, kind) for row in batch.table.to_pylist()]


def test_csv_types_are_guessed_where_asked_and_leading_zeros_stay() -> None:
    content = b"i,d,b,z,e\n1,1.5,true,007,\n-2,3,FALSE,1,x\n"
    guessed = read_all(content, "a.csv", ContentType("CSV", infer_types=True))
    assert guessed == [
        {"i": 1, "d": 1.5, "b": True, "z": "007", "e": None},
        {"i": -2, "d": 3.0, "b": False, "z": "1", "e": "x"},
    ]
    assert read_all(content, "a.csv")[0] == {"i": "1", "d": "1.5", "b": "true", "z": "007", "e": None}


def test_csv_options() -> None:
    assert read_all(b"1;NA\n", "a.csv", ContentType("CSV", header=["a", "b"], delimiter=";", null_value="NA")) == [
        {"a": "1"}
    ]
    assert read_all(b"a\tb\n1\t2\n", "a.tsv") == [{"a": "1", "b": "2"}]
    doubled = ContentType("CSV", allow_duplicate_headers=True)
    assert read_all(b"a,a\n1,2\n", "a.csv", doubled) == [{"a": "1", "a_1": "2"}]
    with pytest.raises(Unreadable, match="twice"):
        read_all(b"a,A\n1,2\n", "a.csv")


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (gzip.compress(b'{"a": 1}\n' * 50, mtime=0)[:-9], "a.json.gz"),
        (b"\x1f\x8b garbage", "a.json.gz"),
        (b"PAR1 garbage", "a.parquet"),
        (b"what is this", "a.txt"),
        (b"", "a.csv"),
    ],
)
def test_what_cannot_be_read_is_unreadable(content: bytes, path: str) -> None:
    with pytest.raises(Unreadable):
        read_all(content, path)
