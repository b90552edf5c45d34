"""One warehouse an engine for all tests of this folder; every test makes its own tables."""

import secrets
from collections.abc import Iterator

import pytest

from tessera.warehouse import Table, Warehouse
from tests.warehouses import opened


@pytest.fixture(scope="session")
def warehouse(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """An open warehouse: DuckDB for ``sqlite``."""
    with opened(database, tmp_path_factory.mktemp(f"warehouse-{database}")) as found:
        yield found


@pytest.fixture
def table() -> Table:
    """A name that no other test has."""
    return Table("landing", f"Test {secrets.token_hex(4)}")
