"""Where files are found: object stores by obstore's interface, folders with their rules."""

from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore

from tessera.ingest.sources import LocalSource, ObjectSource, SourceAway, s3_source
from tessera.kernel.errors import Invalid


def test_objects_below_a_prefix_are_listed_read_and_deleted() -> None:
    store = MemoryStore()
    for path in ("in/a.jsonl", "in/deep/b.jsonl", "in/_temporary/c.jsonl", "in/.hidden", "elsewhere/d.jsonl"):
        obstore.put(store, path, path.encode())
    source = ObjectSource(store, "bucket", "/in/")
    found = sorted(source.files(), key=lambda file: file.unit)
    assert [(file.unit, file.path, file.size) for file in found] == [
        ("s3://bucket/in/a.jsonl", "a.jsonl", 10),
        ("s3://bucket/in/deep/b.jsonl", "deep/b.jsonl", 15),
    ]
    assert all(file.is_complete for file in found)
    with source.open(found[1]) as stream:
        assert stream.read(3) == b"in/"
        stream.seek(0)
        assert stream.read() == b"in/deep/b.jsonl"
    source.delete(found[0])
    source.delete(found[0])
    assert [file.path for file in source.files()] == ["deep/b.jsonl"]
    with pytest.raises(SourceAway):
        source.open(found[0])


def test_a_store_that_does_not_answer_is_away() -> None:
    source = s3_source(
        {"ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}, "s3://b/p"
    )
    with pytest.raises(SourceAway):
        list(source.files())
    with pytest.raises(Invalid, match="s3://bucket/prefix/"):
        s3_source({}, "/a/folder")


def test_a_folder_outside_what_is_allowed_is_refused_whether_it_exists_or_not(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    (allowed / "in").mkdir(parents=True)
    (tmp_path / "allowed-not").mkdir()
    (allowed / "link").symlink_to(tmp_path)
    for root in (tmp_path, tmp_path / "allowed-not", allowed / "link", allowed / "..", tmp_path / "nowhere"):
        with pytest.raises(Invalid, match="not inside a folder"):
            LocalSource(str(root), "", [str(allowed)])
    with pytest.raises(Invalid, match="not inside"):
        LocalSource(str(allowed / "in"), "..", [str(allowed)])
    with pytest.raises(Invalid, match="no folder"):
        LocalSource(str(allowed / "in"), "nowhere", [str(allowed)])
    with pytest.raises(Invalid):
        LocalSource(str(allowed), "", [])


def test_a_link_that_changes_after_the_listing_opens_nothing_outside(tmp_path: Path) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret"
    allowed.mkdir()
    secret.write_text("secret")
    (allowed / "a").write_text("open")
    source = LocalSource(str(allowed), "", [str(allowed)])
    (file,) = source.files()
    (allowed / "a").unlink()
    (allowed / "a").symlink_to(secret)
    with pytest.raises(SourceAway, match="allowed"):
        source.open(file)
