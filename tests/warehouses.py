"""A warehouse without a server, for tests of the engines and of what is built on them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlglot import exp

from tessera.warehouse import Table, Warehouse, Writer, identifier, open_warehouse, type_of
from tests.serving import POSTGRES, postgres_database


@contextlib.contextmanager
def warehouse_url(database: str, folder: Path) -> Iterator[str]:
    """``sqlite``: a DuckDB file in ``folder``; ``postgresql``: a database of its own."""
    if database == "sqlite":
        yield f"duckdb://{folder / 'warehouse.duckdb'}"
    else:
        with postgres_database() as name:
            yield f"{POSTGRES}/{name}"


@contextlib.contextmanager
def opened(database: str, folder: Path) -> Iterator[Warehouse]:
    """An open warehouse with nothing in it."""
    with warehouse_url(database, folder) as url, contextlib.closing(open_warehouse(url)) as warehouse:
        yield warehouse


def create(writer: Writer, table: Table, **columns: str) -> None:
    """Make a table with columns of portable types."""
    definitions = [exp.ColumnDef(this=identifier(name), kind=type_of(kind)) for name, kind in columns.items()]
    writer.execute(exp.Create(this=exp.Schema(this=table.expression(), expressions=definitions), kind="TABLE"))


def count(warehouse: Warehouse, table: Table) -> int:
    """How many rows are committed."""
    with warehouse.reading() as reader:
        return int(reader.scalar(exp.select(exp.Count(this=exp.Star())).from_(table.expression())))
