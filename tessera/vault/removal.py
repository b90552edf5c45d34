"""Takes the tables of deleted objects out of the warehouse.

Source: contracts/vault.md, 3.1 (DELETE)
"""

from collections.abc import Sequence

from sqlglot import exp

from tessera.vault import trees
from tessera.vault.model import (
    current_view,
    output_table,
    parent_table,
    satellite_table,
    stage_table,
    tracking_table,
)
from tessera.warehouse import Table, Warehouse


def statements(warehouse: Warehouse, doomed: Sequence[tuple[str, str]]) -> list[tuple[Table, exp.Expr]]:
    """What to run to drop the tables and views of deleted objects, views first."""
    kinds = {info.table: info.kind.upper() for schema in ("vault", "mart") for info in warehouse.tables(schema)}
    wanted: list[Table] = []
    for kind, object_id in doomed:
        match kind:
            case "outputs":
                wanted.append(output_table(object_id))
            case "satellites":
                wanted += [current_view(object_id), satellite_table(object_id)]
            case "hub_loads" | "link_loads":
                wanted.append(tracking_table(object_id))
            case "hubs" | "links":
                wanted.append(parent_table(object_id))
            case "staging_tables":
                wanted.append(stage_table(object_id))
    there = [table for table in wanted if table in kinds]
    ordered = sorted(there, key=lambda table: kinds[table] != "VIEW")
    return [(table, trees.drop(table, kinds[table])) for table in ordered]


def remove(warehouse: Warehouse, doomed: Sequence[tuple[str, str]]) -> None:
    """Drop them, in one transaction."""
    found = statements(warehouse, doomed)
    if not found:
        return
    with warehouse.writing(*(table for table, _ in found)) as writer:
        for _, statement in found:
            writer.execute(statement)
