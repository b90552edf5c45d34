"""A migrated metadata database without a server, for tests of the kernel."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tessera.kernel.db import Database
from tessera.kernel.schema import migrate
from tests.serving import POSTGRES, postgres_database


@contextlib.contextmanager
def migrated(database: str, folder: Path) -> Iterator[Database]:
    """``sqlite`` in ``folder``, or ``postgresql`` in a database of its own."""
    with contextlib.ExitStack() as stack:
        if database == "sqlite":
            url = f"sqlite:///{folder / 'kernel.sqlite3'}"
        else:
            url = f"{POSTGRES}/{stack.enter_context(postgres_database())}"
        db = Database(url)
        migrate(db)
        db.start()
        stack.callback(db.close)
        yield db
