"""The checker by itself: scopes, names, limits, messages. Hostile statements are data in `tests/sql/hostile`."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from tessera.warehouse import SqlRefused, Table, safe_expression, safe_select
from tessera.warehouse.allowed import NAMES

T = Table("landing", "t")
FLIGHTS = Table("landing", "Flights")
TABLES = {T, FLIGHTS}


@pytest.fixture(params=["duckdb", "postgres"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def printed(sql: str, dialect: str, **options: object) -> str:
    return safe_select(sql, dialect=dialect, tables=TABLES, **options).sql(dialect=dialect)  # type: ignore[arg-type]


def test_names_are_quoted_and_tables_get_the_case_in_which_they_are_stored(dialect: str) -> None:
    text = printed("select flights.a from LANDING.flights", dialect)
    assert text == 'SELECT "flights"."a" FROM "landing"."Flights" AS "flights"'


def test_a_default_schema_is_filled_in_but_a_with_name_goes_first(dialect: str) -> None:
    text = printed("with t as (select 1 as a) select t.a from t", dialect, default_schema="landing")
    assert '"landing"' not in text
    assert printed("select a from t", dialect, default_schema="landing") == 'SELECT "a" FROM "landing"."t"'


def test_a_with_name_gets_a_name_that_no_table_has(dialect: str) -> None:
    text = printed("with x as (select 1 as a), y as (select * from x) select x.a from x, y", dialect)
    assert text == (
        'WITH "cte1 x" AS (SELECT 1 AS "a"), "cte2 y" AS (SELECT * FROM "cte1 x" AS "x") '
        'SELECT "x"."a" FROM "cte1 x" AS "x", "cte2 y" AS "y"'
    )


def test_recursion_is_allowed(dialect: str) -> None:
    text = printed(
        "with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select n from r", dialect
    )
    assert text.startswith('WITH RECURSIVE "cte1 r"("n")')


def test_tables_may_be_a_question(dialect: str) -> None:
    asked: list[Table] = []

    def ask(table: Table) -> bool:
        asked.append(table)
        return table.name == "yes"

    safe_select("select * from s.yes", dialect=dialect, tables=ask)
    with pytest.raises(SqlRefused, match=r's\.no"'):
        safe_select("select * from s.no", dialect=dialect, tables=ask)
    assert asked == [Table("s", "yes"), Table("s", "no")]


@pytest.mark.parametrize(
    ("sql", "line", "column", "says"),
    [
        ("SELECT a,\n       pg_read_file('x') FROM landing.t", 2, 8, "the function pg_read_file is not allowed"),
        ("SELECT a\nFROM landing.t\nJOIN landing.hidden ON true", 3, 6, 'no table "landing.hidden"'),
        ("SELECT 1;\nDROP TABLE x", 1, 9, "only one statement"),
        ("DELETE FROM landing.t", 1, 1, 'only SELECT is allowed here, not "DELETE"'),
    ],
)
def test_a_refusal_names_the_piece_and_its_place(dialect: str, sql: str, line: int, column: int, says: str) -> None:
    with pytest.raises(SqlRefused) as refused:
        safe_select(sql, dialect=dialect, tables=TABLES)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert says in refused.value.message
    assert refused.value.message.startswith(f"line {line}, column {column}: ")


DEEP = {
    "parentheses": lambda n: "select " + "(" * n + "1" + ")" * n,
    "minus": lambda n: "select " + "- " * n + "1",
    "not": lambda n: "select " + "not " * n + "true",
    "case": lambda n: "select " + "case when true then " * n + "1" + " end" * n,
    "queries": lambda n: "select * from " + "(select * from " * n + "landing.t" + ") as x" * n,
    "casts": lambda n: "select 1" + "::int" * n,
    "subscripts": lambda n: "select a" + "[1]" * n,
    "types": lambda n: "select cast(null as int" + "[]" * n + ")",
    "functions": lambda n: "select " + "abs(" * n + "1" + ")" * n,
    "withs": lambda n: "with x as (" * n + "select 1" + ") select 1" * n,
    "intervals": lambda n: "select " + "interval " * n + "'1 day'",
    "dots": lambda n: "select a" + ".b" * n,
    "joins": lambda n: "select 1 from landing.t" + " join landing.t" * n + " on true" * n,
    "unions": lambda n: "select 1" + " union all select 1" * n,
    "lambdas": lambda n: "select " + "x -> " * n + "1",
    "likes": lambda n: "select a" + " like b" * n,
}


@pytest.mark.parametrize("size", [700, 30_000])
@pytest.mark.parametrize("kind", DEEP)
def test_endless_nesting_is_refused_soon_and_breaks_nothing(dialect: str, kind: str, size: int) -> None:
    started = time.monotonic()
    with pytest.raises(SqlRefused):
        safe_select(DEEP[kind](size), dialect=dialect, tables=TABLES)
    assert time.monotonic() - started < 10


def test_what_is_long_but_flat_is_fine(dialect: str) -> None:
    numbers = ", ".join(str(number) for number in range(5_000))
    conditions = " and ".join(f"a <> {number}" for number in range(300))
    printed(f"select a from landing.t where a in ({numbers}) and {conditions}", dialect)
    printed(" union all ".join(["select 1 as a"] * 400), dialect)


def test_a_statement_over_a_mebibyte_is_refused(dialect: str) -> None:
    with pytest.raises(SqlRefused, match="1048576 bytes"):
        printed(f"select '{'x' * 1024 * 1024}'", dialect)


def test_expressions_know_their_columns(dialect: str) -> None:
    tree = safe_expression("upper(Name) || '!' ", dialect=dialect, columns={"name"})
    assert isinstance(tree, exp.DPipe)
    with pytest.raises(SqlRefused, match='no column "other"'):
        safe_expression("other + 1", dialect=dialect, columns={"name"})


@pytest.mark.parametrize(
    "text",
    [
        "(select 1)",
        "exists(select 1)",
        "a in (select 1)",
        "*",
        "a as b",
        "a, b",
        "1 from landing.t",
        "1; select 2",
        "pg_read_file('x')",
        "sum(a)",
        "row_number() over ()",
        "$1",
        "()",
        "",
    ],
)
def test_an_expression_is_one_value_of_a_row(dialect: str, text: str) -> None:
    with pytest.raises(SqlRefused):
        safe_expression(text, dialect=dialect)


def test_aggregates_are_allowed_where_asked_for(dialect: str) -> None:
    safe_expression("sum(a) + count(*)", dialect=dialect, aggregates=True)


def test_functions_of_the_caller_are_allowed_by_name(dialect: str) -> None:
    safe_expression("run_start_time() < a", dialect=dialect, functions={"RUN_START_TIME"})
    with pytest.raises(SqlRefused, match="run_start_time"):
        safe_expression("run_start_time() < a", dialect=dialect)


def test_the_users_tree_is_left_as_it_was(dialect: str) -> None:
    from tessera.warehouse import check_select

    tree = parse_one("select a from landing.T", read=dialect)
    before = tree.sql(dialect=dialect)
    check_select(tree, engine=dialect, tables=TABLES)
    assert tree.sql(dialect=dialect) == before


WORDS = """
select from where ( ) , . ; ' " a b t landing pg_shadow with as union all * 1 = read_text $$ -- /* */ [ ] { } : case
when end not null interval cast int :: -> lateral values unnest into for update table returning delete
"""


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split()), max_size=25))
def test_any_text_is_refused_or_reaches_allowed_tables_only(words: list[str]) -> None:
    for dialect in NAMES:
        try:
            tree = safe_select("select " + " ".join(words), dialect=dialect, tables=TABLES)
        except SqlRefused:
            continue
        again = parse_one(tree.sql(dialect=dialect), read=dialect)
        ctes = {cte.alias for cte in again.find_all(exp.CTE)}
        for table in again.find_all(exp.Table):
            is_series = isinstance(table.this, exp.Func)
            assert is_series or table.name in ctes or Table(table.db, table.name) in TABLES
        assert not list(again.find_all(exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock, exp.Anonymous))
