"""The first steps name tables of packages by text, since identity imports no package; here they are compared."""

from tessera.app import PACKAGES
from tessera.identity.views import FIRST_STEPS
from tessera.kernel.db import METADATA


def test_each_step_of_an_installed_package_asks_a_table_that_is_there() -> None:
    rooms = {package.name for package in PACKAGES}
    asked = {table for _, table in FIRST_STEPS.values() if table.partition("_")[0] in rooms}
    assert asked <= METADATA.tables.keys()
