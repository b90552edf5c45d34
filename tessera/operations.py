"""What an operator does besides serving: back up, restore, ask what is wrong. It knows no domain."""

import shutil
import sqlite3
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tessera.kernel.db import Database
from tessera.kernel.errors import Conflict, Invalid, Problem
from tessera.kernel.schema import current, newest
from tessera.settings import Settings

NOT_KEPT: Final = (".lock", "-wal", "-shm", ".part", ".log")
"""Endings of files that belong to a running process, or can be made again."""


def backup(settings: Settings, target: Path) -> int:
    """Write the whole data folder into one archive; the caller holds the folder, so nothing changes meanwhile.

    Returns:
        Bytes of the archive.

    Raises:
        Invalid: a database is elsewhere (PostgreSQL has its own tools), or there is nothing to back up.
        Conflict: ``target`` exists.
    """
    if settings.database_url or settings.warehouse_url:
        raise Invalid("this backs up the data folder; back up PostgreSQL with pg_dump", field="database_url")
    folder = settings.path()
    database = settings.path("tessera.sqlite3")
    if not database.is_file():
        raise Invalid(f"{folder} holds no Tessera data", field="data_dir")
    if target.exists():
        raise Conflict(f"{target} is there already", field="target")
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    draft = target.with_name(target.name + ".part")
    with tarfile.open(draft, "w:gz", compresslevel=3) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.endswith(NOT_KEPT):
                archive.add(path, path.relative_to(folder))
    draft.replace(target)
    return target.stat().st_size


def restore(settings: Settings, source: Path) -> None:
    """Unpack an archive of ``backup`` into an empty data folder.

    Raises:
        Invalid: not an archive of ours.
        Conflict: the folder holds data already.
    """
    folder = settings.path()
    if settings.path("tessera.sqlite3").exists():
        raise Conflict(f"{folder} holds data already; restore into another --data-dir", field="data_dir")
    draft = folder / ".restoring"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        with tarfile.open(source) as archive:
            archive.extractall(draft, filter="data")
        if not (draft / "tessera.sqlite3").is_file():
            raise Invalid(f"{source} is no backup of Tessera: it has no tessera.sqlite3", field="source")
        for path in sorted(draft.iterdir(), key=lambda one: one.name == "tessera.sqlite3"):
            path.replace(folder / path.name)
    except (tarfile.TarError, OSError) as error:
        raise Invalid(f"{source} can not be read: {error}", field="source") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def findings(settings: Settings) -> Iterator[tuple[bool, str]]:
    """What is well and what is not, each with how to mend it."""
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (3.11 or newer is needed)"
    console = Path(__file__).parent / "console" / "index.html"
    yield console.is_file(), "the console is built" if console.is_file() else "the console is not built: `make setup`"
    folder = settings.path()
    yield (
        folder.is_dir(),
        f"data folder {folder}" + ("" if folder.is_dir() else " is not there yet: `tessera serve` makes it"),
    )
    if not settings.database_url and not settings.path("tessera.sqlite3").is_file():
        return
    db = Database(settings.metadata_url)
    try:
        revision = current(db)
        well = revision == newest()
        yield well, f"schema at revision {revision}" + ("" if well else f", {newest()} is wanted: `tessera migrate`")
    except Problem as problem:
        yield False, problem.message
    finally:
        db.close()
