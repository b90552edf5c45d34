"""The generated pages say what the code says."""

import pytest

import tessera.app
from tessera.identity import views
from tessera.kernel.db import METADATA
from tessera.reference import FOLDER, PAGES


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_as_generated(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "run `make docs`"


def test_every_first_step_of_the_home_page_looks_at_a_table_that_is_there() -> None:
    assert tessera.app.PACKAGES, "importing the application declares every table"
    assert not {table for _, table in views.FIRST_STEPS.values()} - set(METADATA.tables)
