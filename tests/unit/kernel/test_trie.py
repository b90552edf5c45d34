"""The tree of paths: what beats what, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.kernel.http.trie import DuplicateRoute, Trie, split


def test_static_beats_pattern_beats_rest() -> None:
    trie: Trie[str] = Trie()
    trie.add("GET", "/files/{path:rest}", "rest")
    trie.add("GET", "/files/{file_id}", "pattern")
    trie.add("GET", "/files/{file_id}.png", "suffix")
    trie.add("GET", "/files/latest", "static")
    assert trie.find("/files/latest", "GET") == ("static", {})
    assert trie.find("/files/7", "GET") == ("pattern", {"file_id": "7"})
    assert trie.find("/files/7.png", "GET") == ("suffix", {"file_id": "7"})
    assert trie.find("/files/7/8", "GET") == ("rest", {"path": "7/8"})


def test_a_static_segment_that_leads_nowhere_is_taken_back() -> None:
    trie: Trie[str] = Trie()
    trie.add("GET", "/a/types", "types")
    trie.add("GET", "/a/{id}/rows", "rows")
    assert trie.find("/a/types/rows", "GET") == ("rows", {"id": "types"})


def test_two_names_for_one_place_keep_their_own_names() -> None:
    trie: Trie[str] = Trie()
    trie.add("GET", "/a/{one}", "get")
    trie.add("PUT", "/a/{other}", "put")
    assert trie.find("/a/7", "GET") == ("get", {"one": "7"})
    assert trie.find("/a/7", "PUT") == ("put", {"other": "7"})


def test_a_wrong_method_is_told_from_a_wrong_path() -> None:
    trie: Trie[str] = Trie()
    trie.add("GET", "/a/{id}", "get")
    trie.add("DELETE", "/a/{id}", "delete")
    assert trie.find("/a/7", "POST") == ["DELETE", "GET"]
    assert trie.find("/b", "GET") is None


def test_repeated_and_trailing_slashes_count_as_none() -> None:
    trie: Trie[str] = Trie()
    trie.add("GET", "/a/b", "found")
    for path in ("/a/b", "/a/b/", "//a//b//"):
        assert trie.find(path, "GET") == ("found", {})


def test_an_encoded_slash_stays_inside_its_segment() -> None:
    trie: Trie[str] = Trie()
    trie.add("GET", "/a/{name}", "found")
    assert trie.find("/a/x%2Fy", "GET") == ("found", {"name": "x/y"})


def test_the_same_route_twice_fails_at_once() -> None:
    trie: Trie[str] = Trie()
    trie.add("GET", "/a/{id}", "one")
    with pytest.raises(DuplicateRoute):
        trie.add("GET", "/a/{other}", "two")


@given(st.text(max_size=200))
def test_any_text_is_a_path(path: str) -> None:
    trie: Trie[str] = Trie()
    trie.add("GET", "/a/{x}/{y:rest}", "one")
    trie.find(path, "GET")
    assert all(isinstance(segment, str) for segment in split(path))
