"""Reads tables of the warehouse for people: by a name or id, under physical or canonical column names.

Source: contracts/vault.md, 3.8 and 4.1
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Raw, Struct
from sqlglot import exp

from tessera.kernel.errors import NotFound
from tessera.vault import trees
from tessera.vault.encoding import hash_hex
from tessera.vault.model import (
    Model,
    output_table,
    parent_table,
    satellite_table,
    stage_table,
    tracking_table,
)
from tessera.vault.shapes import canonical_names
from tessera.warehouse import MART, VAULT, JsonForm, Limits, Table, Warehouse, column

MOST_ROWS: Final = 600
"""Rows of a preview. Source: contracts/vault.md, 3.8"""
_SECONDS: Final = 20.0
_SCHEMAS: Final = (VAULT, MART)
_FORM: Final = JsonForm(rows="arrays", timestamps="iso")


class Rows(Struct, frozen=True):
    """A page of a table."""

    columns: list[str]
    rows: Raw


class Listed(Struct, frozen=True):
    """A table in the list of tables."""

    name: str
    schema: str
    kind: str
    row_estimate: int | None


def table_of(model: Model, name: str) -> Table:
    """The table of an object's id, or of ``schema.table``, or of a bare table name of `vault`.

    Raises:
        NotFound: it names nothing of the vault.
    """
    if name in model.staging_tables:
        return stage_table(name)
    if name in model.hubs or name in model.links:
        return parent_table(name)
    if name in model.satellites:
        return satellite_table(name)
    if name in model.outputs:
        return output_table(name)
    if name in model.hub_loads or name in model.link_loads:
        return tracking_table(name)
    schema, dot, table = name.partition(".")
    schema = {"datavault": VAULT, "businessobjects": MART}.get(schema, schema)
    if dot and schema in _SCHEMAS:
        return Table(schema, table)
    if not dot:
        return Table(VAULT, name)
    raise NotFound(f"there is no table {name}")


def list_tables(warehouse: Warehouse) -> list[Listed]:
    """Tables and views of `vault` and `mart`."""
    found = [info for schema in _SCHEMAS for info in warehouse.tables(schema)]
    return [Listed(str(one.table), one.table.schema, one.kind, one.row_estimate) for one in found]


def page(
    warehouse: Warehouse, table: Table, *, limit: int, offset: int, names: Mapping[str, str] | None = None
) -> Rows:
    """Rows in the order of their columns, at most 600; hashes as lower-case hex.

    Args:
        names: canonical by physical name; None keeps the physical names.

    Raises:
        NotFound: there is no such table.
    """
    columns = warehouse.columns(table)
    if not columns:
        raise NotFound(f"there is no table {table}")
    cells = [
        trees.aliased(hash_hex(column(one.name)) if one.type == "UUID" else column(one.name), one.name)
        for one in columns
    ]
    query = exp.select(*cells).from_(table.expression())
    query = query.order_by(*(trees.ordered(exp.Literal.number(place + 1)) for place in range(min(len(columns), 3))))
    query = query.limit(min(limit, MOST_ROWS)).offset(offset)
    with warehouse.reading(limits=Limits(seconds=_SECONDS, rows=MOST_ROWS)) as reader:
        found = reader.json_rows(query, form=_FORM)
    return Rows([(names or {}).get(one.name, one.name) for one in columns], found.json)


def canonical(model: Model, table: Table) -> dict[str, str]:
    """Canonical by physical column name."""
    return canonical_names(model, table)


def preview_json(rows: Rows) -> dict[str, Any]:
    """The wire form."""
    return {"columns": rows.columns, "rows": rows.rows}
