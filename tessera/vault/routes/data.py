"""Rows of the vault's tables, bounded.

Source: contracts/vault.md, 3.3, 3.4, 3.6 and 3.8
"""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from tessera.kernel.db import Database
from tessera.kernel.errors import NotFound
from tessera.kernel.http import get
from tessera.vault import catalogue, reading
from tessera.vault.groups_model import READ
from tessera.vault.reading import MOST_ROWS
from tessera.warehouse import Table, Warehouse


class RowsQuery(Struct, frozen=True):
    """Which rows, and whether columns go by their canonical names."""

    limit: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 100
    offset: Annotated[int, Meta(ge=0)] = 0
    canonical: bool = False


async def list_tables(warehouse: Warehouse) -> dict[str, Any]:
    """Tables and views of the vault and of what it delivers."""
    return {"items": await warehouse.run(reading.list_tables, warehouse), "next": None}


async def table_rows(name: str, db: Database, warehouse: Warehouse, query: RowsQuery) -> dict[str, Any]:
    """Rows of a table, by an object's id or by ``schema.table``."""
    model = await db.read(catalogue.load_model)
    table = reading.table_of(model, name)
    names = reading.canonical(model, table) if query.canonical else None
    return await _page(warehouse, table, query, names)


async def staging_rows(staging_table_id: str, db: Database, warehouse: Warehouse, query: RowsQuery) -> dict[str, Any]:
    """Rows of the batch that stands in a staging table."""
    model = await db.read(catalogue.load_model)
    if staging_table_id not in model.staging_tables:
        raise NotFound(f"there is no staging table {staging_table_id}")
    return await _page(warehouse, reading.table_of(model, staging_table_id), query)


async def output_rows(output_id: str, db: Database, warehouse: Warehouse, query: RowsQuery) -> dict[str, Any]:
    """Rows of an output."""
    model = await db.read(catalogue.load_model)
    if output_id not in model.outputs:
        raise NotFound(f"there is no output {output_id}")
    return await _page(warehouse, reading.table_of(model, output_id), query)


async def _page(
    warehouse: Warehouse, table: Table, query: RowsQuery, names: dict[str, str] | None = None
) -> dict[str, Any]:
    rows = await warehouse.run(reading.page, warehouse, table, limit=query.limit, offset=query.offset, names=names)
    return reading.preview_json(rows)


async def source_types() -> dict[str, Any]:
    """The kinds of source that a system may have here."""
    kinds = {"ingest_output": "Tables that ingest has landed", "push": "Rows that clients send"}
    items = [{"source_type_id": one, "source_type_name": name, "parameters": []} for one, name in kinds.items()]
    return {"items": items, "next": None}


ROUTES: Final = [
    get("/source-types", source_types, least=READ),
    get("/tables", list_tables, least=READ),
    get("/tables/{name}/rows", table_rows, least=READ, errors=(404,)),
    get("/staging-tables/{staging_table_id}/rows", staging_rows, least=READ, errors=(404,)),
    get("/outputs/{output_id}/rows", output_rows, least=READ, errors=(404,)),
]
