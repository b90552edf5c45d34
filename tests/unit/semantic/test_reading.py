"""The lexer, column names, bearers: pure functions."""

import base64
import hashlib

import pytest
from cryptography.fernet import Fernet

from tessera.kernel.errors import Invalid
from tessera.semantic.bearer import make_bearer, open_bearer
from tessera.semantic.formats import formatter
from tessera.semantic.lexer import statements_of
from tessera.semantic.paths import parse_path


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a; b", ["a", "b"]),
        ("a 'x;y' ; `b;c`; \"d;e\"", ["a 'x;y'", "`b;c`", '"d;e"']),
        ("-- c; d\na /* ; /* ; */ ; */ b;", ["a /* ; /* ; */ ; */ b"]),
        ("'it''s; fine'", ["'it''s; fine'"]),
        ("$$a;b$$; c", ["$$a;b$$", "c"]),
        (" ; ;", []),
        ("a -- end", ["a"]),
    ],
)
def test_statements_are_cut_at_semicolons_outside_of_strings_names_and_comments(text: str, pieces: list[str]) -> None:
    assert statements_of(text) == pieces


@pytest.mark.parametrize("text", ["'abc", "`abc", '"abc', "/* abc", "a /* b /* c */"])
def test_what_does_not_end_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(Invalid, match="line 1, column"):
        statements_of(text)


def test_a_path_is_read_from_its_brackets() -> None:
    path = parse_path("~part of[crew*2].works_on[flight].flight_no")
    assert [(one.relationship, one.concept, one.depth) for one in path.segments] == [
        ("~part of", "crew", 2),
        ("works_on", "flight", None),
    ]
    assert (path.name, path.is_edge) == ("flight_no", False)
    level = parse_path("owns[carrier*]_transitivity_level")
    assert (level.segments[0].depth, level.is_level) == (0, True)
    measure = parse_path("measure.operates[flight].total_fare")
    assert (measure.is_measure, measure.prefix, measure.name) == (True, "operates[flight]", "total_fare")
    assert parse_path("a_b").segments == ()


@pytest.mark.parametrize(
    "text", ["a[b]", "a[b]c", "a[b].", "a[].c", "[b].c", "a[b.c", "a]b[c", "a[b*0].c", "a[b*x].c", "a[b]_", "a[b]..c",
             "a[b].c.d", ".".join(["a[b]"] * 11) + ".c"],
)  # fmt: skip
def test_a_name_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_path(text)


SALT = "thirty-two characters of salt ok"


@pytest.mark.parametrize(
    ("recipe", "key"),
    [
        ("md5", base64.urlsafe_b64encode(hashlib.md5(SALT.encode(), usedforsecurity=False).hexdigest().encode())),
        ("sha256", base64.urlsafe_b64encode(hashlib.sha256(SALT.encode()).digest())),
        ("raw", base64.urlsafe_b64encode(SALT.encode())),
    ],
)
@pytest.mark.parametrize(
    "plain", [base64.b64encode(b"ana:pass:word"), base64.urlsafe_b64encode(b"ana:pass:word"), b"ana:pass:word"]
)
def test_a_bearer_of_each_recipe_opens(recipe: str, key: bytes, plain: bytes) -> None:
    opened = open_bearer(Fernet(key).encrypt(plain).decode(), SALT)
    assert opened is not None
    assert (opened.username, opened.password, opened.recipe) == ("ana", "pass:word", recipe)


def test_a_salt_that_is_a_key_is_the_key() -> None:
    key = Fernet.generate_key().decode()
    opened = open_bearer(make_bearer("ana", "secret", key), key)
    assert opened is not None
    assert opened.recipe == "key"
    assert Fernet(key.encode()).decrypt(make_bearer("ana", "secret", key)) == base64.b64encode(b"ana:secret")


@pytest.mark.parametrize("bearer", ["", "gAAAAA", "x" * 5000, "ü", make_bearer("ana", "secret", "another")])
def test_any_other_text_opens_nothing(bearer: str) -> None:
    assert open_bearer(bearer, SALT) is None


@pytest.mark.parametrize(
    ("pattern", "type_", "value", "shown"),
    [
        ("dd.MM.yyyy", "DATE", "2026-02-03", "03.02.2026"),
        ("yyyy-MM-dd HH:mm:ss", "TIMESTAMP", "2026-02-03 04:05:06.000000", "2026-02-03 04:05:06"),
        ("0.00", "DOUBLE", 3.14159, "3.14"),
        ("#,##0.0", "DECIMAL(10, 2)", 12345.67, "12,345.7"),
        ("upper", "TEXT", "abc", "ABC"),
    ],
)
def test_the_formats_of_properties(pattern: str, type_: str, value: object, shown: str) -> None:
    formatted = formatter(pattern, type_)
    assert formatted is not None
    assert formatted(value) == shown
