"""Tells other packages which warehouse tables the vault has written, and from what: event `warehouse.table.written`.

Its data: ``schema``, ``table``, ``columns`` ``[{name, type}]``, ``inputs`` ``[{schema, table}]`` and ``lineage``
``[{from: [schema, table, column], to: column}]``.
"""

from collections.abc import Sequence

from tessera.kernel import events
from tessera.kernel.tx import Tx
from tessera.vault import delivery, wiring
from tessera.vault.catalogue import source_of
from tessera.vault.groups_model import PACKAGE_NAME
from tessera.vault.model import HubLoad, LinkLoad, Model, Output, StagingTable, output_table, own, stage_table
from tessera.warehouse import Column, Table

Hop = tuple[Table, str, str]
"""A table, its column, and the written table's column that comes from it."""


def stage_of(table: StagingTable) -> Table:
    """Where a staging table stands."""
    return stage_table(table.staging_table_id)


def stage_written(tx: Tx, columns: Sequence[Column], table: StagingTable) -> None:
    """A batch stands in its staging table."""
    source = source_of(table)
    hops = [(source, name, name) for name in table.typed] if table.source_table_name else []
    _written(tx, stage_of(table), columns, hops)


def target_written(tx: Tx, columns: Sequence[Column], model: Model, load: wiring.Load, target: Table) -> None:
    """A hub, link or satellite has had a load."""
    stage = stage_table(load.staging_table_id)
    if isinstance(load, HubLoad):
        hops = [(stage, name, own(load.hub_id, end)) for end in ("h", "bk") for name in load.names]
    elif isinstance(load, LinkLoad):
        link = model.links[load.link_id]
        loads = wiring.participant_loads(model, link, load)
        hops = [(stage, name, own(who, "h")) for who, one in loads.items() for name in one.names]
        hops += [(stage, name, name) for name in link.child_keys]
        hops += [(stage, name, own(load.link_id, "h")) for one in loads.values() for name in one.names]
    else:
        hops = [(stage, name, name) for name in (*load.multi_active_keys, *load.payload)]
        parent = wiring.parent_load(model, load)
        if isinstance(parent, HubLoad):
            hops += [(stage, name, own(load.parent_id, "h")) for name in parent.names]
    _written(tx, target, columns, hops)


def output_written(tx: Tx, columns: Sequence[Column], model: Model, output: Output) -> None:
    """An output has been made or made anew."""
    _written(tx, output_table(output.output_id), columns, delivery.lineage_of(model, output))


def _written(tx: Tx, table: Table, columns: Sequence[Column], hops: Sequence[Hop]) -> None:
    inputs = sorted({source for source, _, _ in hops})
    data = {
        "schema": table.schema,
        "table": table.name,
        "columns": [{"name": one.name, "type": one.type} for one in columns],
        "inputs": [{"schema": source.schema, "table": source.name} for source in inputs],
        "lineage": [{"from": [source.schema, source.name, name], "to": to} for source, name, to in hops],
    }
    events.record(tx, "warehouse.table.written", package=PACKAGE_NAME, of=str(table), data=data)
