"""The generated pages say what the code says."""

import pytest

from tessera.reference import FOLDER, PAGES


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_as_generated(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "run `make docs`"
