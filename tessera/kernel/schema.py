"""Brings a database to the newest revision of the chain in ``tessera/migrations``; forward only."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from tessera.kernel.columns import METADATA
from tessera.kernel.db import Database
from tessera.kernel.errors import Unavailable

CHAIN: Final = Path(__file__).parent.parent / "migrations"
_LOCK: Final = 7_366_573  # one number for the advisory lock of every Tessera that migrates


def newest() -> str:
    """The revision that this code expects, read from the file names (alembic itself costs 0.4 s to import)."""
    return max(file.name.split("_")[0] for file in (CHAIN / "versions").glob("[0-9]*.py"))


def current(db: Database) -> str | None:
    """The revision that the database is at; None for an empty one."""
    with db.migrating() as connection:
        try:
            revision: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        except sa.exc.DBAPIError:
            return None
    return revision


def migrate(db: Database) -> tuple[str | None, str]:
    """Run what is missing. Safe to call from several processes at once: one does it, the others wait.

    Returns:
        The revision before and after.

    Raises:
        Unavailable: the database is newer than this code.
    """
    try:
        before = current(db)
    except sa.exc.OperationalError as error:
        raise Unavailable(f"the metadata database does not answer: {error.orig}") from error
    target = newest()
    if before == target:
        return before, target
    if before is not None and before > target:
        raise Unavailable(
            f"the database is at revision {before}, this Tessera knows revisions up to {target}: update it"
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(CHAIN).replace("%", "%%"))
    with _alone(db), db.migrating() as connection:
        if db.dialect == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.commit()
        try:
            config.attributes.update(connection=connection, target_metadata=METADATA)
            command.upgrade(config, "head")
            connection.commit()
        finally:
            if db.dialect == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
                connection.commit()
    return before, target


@contextlib.contextmanager
def _alone(db: Database) -> Iterator[None]:
    """Between processes on SQLite: a lock file beside the database."""
    path = sa.make_url(db.url).database
    if db.dialect != "sqlite" or not path:
        yield
        return
    with Path(f"{path}.migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
