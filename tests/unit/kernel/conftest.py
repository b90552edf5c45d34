"""One migrated database a module; tests in it use names of their own."""

from collections.abc import Iterator

import pytest

from tessera.kernel.db import Database
from tests.databases import migrated


@pytest.fixture(scope="module")
def kernel_db(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with migrated(database, tmp_path_factory.mktemp("kernel")) as db:
        yield db
