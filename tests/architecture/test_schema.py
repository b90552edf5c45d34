"""The chain of migrations makes exactly the tables that the models declare."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import tessera.app
from tessera.kernel.db import METADATA, Database
from tessera.kernel.schema import current, migrate, newest
from tests.serving import POSTGRES, has_postgres, postgres_database


def test_from_empty_to_head_models_and_head_agree_on_sqlite(tmp_path: Path) -> None:
    agree(f"sqlite:///{tmp_path / 'x.sqlite3'}")


def test_from_empty_to_head_models_and_head_agree_on_postgresql() -> None:
    if not has_postgres():
        pytest.skip("this machine has no PostgreSQL")
    with postgres_database() as name:
        agree(f"{POSTGRES}/{name}")


def agree(url: str) -> None:
    assert tessera.app.PACKAGES, "importing the application declares every table"
    db = Database(url)
    try:
        assert migrate(db) == (None, newest())
        assert migrate(db) == (newest(), newest())
        assert current(db) == newest()
        with db.migrating() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
            differences = compare_metadata(context, METADATA)
        assert not differences, "\n".join(str(difference) for difference in differences)
    finally:
        db.close()


def ours(thing: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
    return not (kind == "table" and reflected and compared is None and name == "alembic_version")
