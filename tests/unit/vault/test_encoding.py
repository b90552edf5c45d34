"""The key encoding on both engines against the contract's vectors and a plain Python reference."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import psycopg
import pytest
from sqlglot import exp

from tessera.kernel.errors import Invalid
from tessera.vault import encoding
from tessera.vault.model import KeyOptions
from tests.serving import POSTGRES, has_postgres
from tests.unit.vault import reference

Ask = Callable[[exp.Expr], Any]

NASTY: list[str | None] = [
    *(None, "", " ", "a", "A", " a ", "\\N", "\\", "|", "\\|", "||", "a|b", "a\\", "\\\\N", "N", "^^", '"', '"||"'),
    *("a\tb", "\ta", "a\n", "\u00a0a", "é", "e\u0301", "straße", "STRASSE", "İ", "日本", "\U0001f600", "%_", "x" * 300),
]


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[tuple[str, Ask]]:
    """A dialect and a function that evaluates one expression in its engine."""
    dialect = str(request.param)
    if dialect == "postgres":
        if not has_postgres():
            pytest.skip("this machine has no PostgreSQL")
        with psycopg.connect(f"{POSTGRES}/postgres", options="-c timezone=UTC") as connection:

            def ask_postgres(tree: exp.Expr) -> Any:
                query = exp.select(tree).sql(dialect="postgres")
                row = connection.execute(query).fetchone()
                assert row is not None
                return row[0]

            yield dialect, ask_postgres
        return
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")

        def ask_duckdb(tree: exp.Expr) -> Any:
            row = database.execute(exp.select(tree).sql(dialect="duckdb")).fetchone()
            assert row is not None
            return row[0]

        yield dialect, ask_duckdb


def literal(value: str | None, kind: str = "TEXT") -> exp.Expr:
    return exp.cast(exp.null() if value is None else exp.Literal.string(value), kind)


def hub_key(values: list[str | None], dialect: str, *, prefix: str | None = None, **options: Any) -> exp.Expr:
    chosen = KeyOptions(**options)
    parts = [(encoding.key_part(literal(value), "TEXT", chosen, dialect), True) for value in values]
    return encoding.business_key(parts, prefix, dialect)


@pytest.mark.parametrize(
    ("values", "prefix", "text", "digest"),
    [
        (["EU", "A|B"], None, r"EU|A\|B", "ffb99ac66695038bb44eb120145e5edb"),
        (["EU|A", "B"], None, r"EU\|A|B", "a3076a01f13fb10006b613196781de17"),
        (["EU", None], None, r"EU|\N", "2507a40c94d75c099b5180d51d730e1d"),
        (["EU", "\\N"], None, r"EU|\\N", "ae50df2fcb22ad9b0f9dd778b194c9aa"),
        (["1"], "ST", "ST|1", "e7c0695f86aa7ef0fcfc040b2ae24563"),
        (["EU", "caf\u00e9"], None, "EU|caf\u00e9", "0b0663536225f9cb724cd294998a48cc"),
    ],
)
def test_a_business_key_has_the_contracts_text_and_hash(
    engine: tuple[str, Ask], values: list[str | None], prefix: str | None, text: str, digest: str
) -> None:
    dialect, ask = engine
    key = hub_key(values, dialect, prefix=prefix)
    assert ask(key) == text
    assert ask(encoding.hash_hex(encoding.hash_or_zero(key))) == digest


def test_a_link_key_nests_its_participants_texts(engine: tuple[str, Ask]) -> None:
    dialect, ask = engine
    parts = [(literal(value), True) for value in ("O1", "EU|12", None, "3")]
    text = encoding.encoded(parts, dialect)
    assert ask(text) == r"O1|EU\|12|\N|3"
    assert ask(encoding.hash_hex(encoding.hashed(text))) == "f6c3d62a4c469e6e1ddabbd73b8cd69f"


@pytest.mark.parametrize(
    ("columns", "text", "digest"),
    [
        (
            [("Ann", "TEXT"), ("", "TEXT"), ("10.50", "DECIMAL(10,2)"), (None, "TEXT")],
            "Ann||10.50",
            "d69eaff9d26a2bbad600ba34e9ddd6db",
        ),
        (
            [("Ann", "TEXT"), ("", "TEXT"), ("10.50", "DECIMAL(10,2)")],
            "Ann||10.50",
            "d69eaff9d26a2bbad600ba34e9ddd6db",
        ),
        ([(None, "TEXT")] * 4, r"\N", "44d0dc437936b13f7cea2f77053806bd"),
        (
            [("x|", "TEXT"), ("y\\", "TEXT"), ("1.00", "DECIMAL(10,2)"), ("2020-02-29", "DATE")],
            r"x\||y\\|1.00|2020-02-29",
            "93273eababcd2411b45f3faf2e7a5e08",
        ),
    ],
)
def test_a_hash_diff_has_the_contracts_text_and_hash(
    engine: tuple[str, Ask], columns: list[tuple[str | None, str]], text: str, digest: str
) -> None:
    dialect, ask = engine
    tree = encoding.stripped_diff([(literal(value, kind), kind) for value, kind in columns], dialect)
    assert ask(tree) == text
    assert ask(encoding.hash_hex(encoding.hashed(tree))) == digest


@pytest.mark.parametrize("case", ["preserve", "ascii_upper", "ascii_lower"])
def test_pairs_of_nasty_keys_agree_with_the_reference_and_stay_apart(engine: tuple[str, Ask], case: str) -> None:
    dialect, ask = engine
    pairs = list(itertools.product(NASTY, NASTY))
    trees = [hub_key(list(pair), dialect, case=case) for pair in pairs]
    got: list[Any] = []
    for start in range(0, len(trees), 60):
        chunk = trees[start : start + 60]
        got += ask(exp.Array(expressions=[exp.Coalesce(this=t, expressions=[literal("none")]) for t in chunk]))
    expected = [reference.business_key([reference.key_part(v, case=case) for v in pair]) or "none" for pair in pairs]
    assert got == expected
    kept = {tuple(reference.key_part(v, case=case) for v in pair) for pair in pairs}
    assert len(set(got)) == len(kept)


def test_nasty_payloads_agree_with_the_reference_and_stay_apart(engine: tuple[str, Ask]) -> None:
    dialect, ask = engine
    rows = list(itertools.product(NASTY[:14], NASTY[:14], (None, "\\N", "|\\N")))
    got: list[str] = []
    for start in range(0, len(rows), 60):
        trees = [
            encoding.stripped_diff([(literal(v), "TEXT") for v in row], dialect) for row in rows[start : start + 60]
        ]
        got += ask(exp.Array(expressions=trees))
    assert got == [reference.diff(row) for row in rows]
    assert len(set(got)) == len(rows)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("007", "BIGINT", "7"),
        ("12.3", "DECIMAL(8,2)", "12.30"),
        ("-0.5", "DECIMAL(8,3)", "-0.500"),
        ("true", "BOOLEAN", "true"),
        ("2026-01-05", "DATE", "2026-01-05"),
        ("2026-01-05 10:20:30", "TIMESTAMP", "2026-01-05 10:20:30"),
        ("2026-01-05 10:20:30.120000", "TIMESTAMP", "2026-01-05 10:20:30.12"),
        ("2026-01-05 10:20:30+02", "TIMESTAMPTZ", "2026-01-05 08:20:30"),
    ],
)
def test_each_type_has_one_canonical_text(engine: tuple[str, Ask], value: str, kind: str, text: str) -> None:
    dialect, ask = engine
    assert ask(encoding.canonical(literal(value, kind), kind, dialect)) == text


def test_binary_is_lower_hex(engine: tuple[str, Ask]) -> None:
    dialect, ask = engine
    digits = exp.Literal.string("00ABCDEF")
    value = (
        encoding.call("decode", digits, exp.Literal.string("hex")) if dialect == "postgres" else exp.Unhex(this=digits)
    )
    assert ask(encoding.canonical(value, "BLOB", dialect)) == "00abcdef"


@pytest.mark.parametrize("kind", ["DOUBLE", "FLOAT", "JSON", "INT[]"])
def test_types_without_one_text_are_refused_as_keys(kind: str) -> None:
    with pytest.raises(Invalid) as refused:
        encoding.check_key_type("x", kind)
    assert "x" in refused.value.message
    assert refused.value.field == "columns"
