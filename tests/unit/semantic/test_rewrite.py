"""Queries over concepts give the rows of the plain SQL that the contract prints beside them, on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.warehouse import open_warehouse
from tests.serving import POSTGRES, has_postgres, postgres_database
from tests.unit.semantic.sky import Sky, cases, make_tables


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def sky(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sky]:
    if request.param == "duckdb":
        path: Path = tmp_path_factory.mktemp("sky") / "w.duckdb"
        warehouse = open_warehouse(f"duckdb://{path}")
        make_tables(warehouse)
        yield Sky(warehouse)
        warehouse.close()
        return
    if not has_postgres():
        pytest.skip("this machine has no PostgreSQL")
    with postgres_database() as name:
        warehouse = open_warehouse(f"{POSTGRES}/{name}")
        make_tables(warehouse)
        yield Sky(warehouse)
        warehouse.close()


def ordered(rows: list[dict[str, object]]) -> list[str]:
    return sorted(repr([(name, _plain(value)) for name, value in row.items()]) for row in rows)


def _plain(value: object) -> object:
    return round(float(value), 6) if type(value).__name__ in ("Decimal", "float", "int") else value  # type: ignore[arg-type]


EXAMPLES = cases("examples.sql")


@pytest.mark.parametrize(("query", "plain"), [one[1:] for one in EXAMPLES], ids=[one[0] for one in EXAMPLES])
def test_a_worked_example_gives_the_rows_of_its_plain_sql(sky: Sky, query: str, plain: str) -> None:
    asked = sky.rows(query)
    assert asked, "an example without rows shows nothing"
    assert ordered(asked) == ordered(sky.plain(plain))
