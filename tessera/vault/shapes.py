"""The tables of hubs, links, satellites and tracking: their columns, and making or widening them where they are needed.

Source: contracts/vault.md, 4.1 and 4.2 (ghost rows)
"""

from typing import Final

from sqlglot import exp

from tessera.kernel.errors import Conflict
from tessera.vault import trees
from tessera.vault.encoding import zero_key
from tessera.vault.model import (
    Hub,
    Link,
    Model,
    Satellite,
    current_view,
    own,
    parent_table,
    satellite_table,
    short,
    tracking_table,
)
from tessera.warehouse import Table, Writer, column, type_of, value

GHOST_SOURCE: Final = "SYSTEM"
_HASH: Final = "UUID"
_TIME: Final = "TIMESTAMP"
_TRACKING: Final = (("h", _HASH), ("lt", _TIME), ("present", "BOOLEAN"), ("cause", "TEXT"))

Columns = list[tuple[str, str]]


def hub_columns(hub: Hub) -> Columns:
    """Names and types, in order."""
    x = hub.hub_id
    return [(own(x, "h"), _HASH), (own(x, "bk"), "TEXT"), (own(x, "lt"), _TIME), (own(x, "s"), "VARCHAR(200)")]


def link_columns(model: Model, link: Link) -> Columns:
    """Names and types, in order; a child key has the type of the first load's staging column."""
    x = link.link_id
    loads = [one for one in model.link_loads.values() if one.link_id == x]
    typed = model.staging_tables[loads[0].staging_table_id].typed if loads else {}
    participants = [(own(name, "h"), _HASH) for name in link.participants]
    children = [(name, typed.get(name, "TEXT")) for name in link.child_keys]
    return [(own(x, "h"), _HASH), *participants, *children, (own(x, "lt"), _TIME), (own(x, "s"), "VARCHAR(200)")]


def satellite_columns(model: Model, satellite: Satellite) -> Columns:
    """Names and types, in order: key, time, source, digests, then what it describes."""
    x = satellite.satellite_id
    typed = model.staging_tables[satellite.staging_table_id].typed
    keys = [(own(satellite.parent_id, "h"), _HASH), (own(x, "lth"), _TIME), (own(x, "s"), "VARCHAR(200)")]
    digests = [(own(x, "hd"), _HASH), *([(own(x, "gd"), _HASH)] if satellite.multi_active_keys else [])]
    described = [(name, typed[name]) for name in (*satellite.multi_active_keys, *satellite.payload)]
    return [*keys, *digests, *described]


def canonical_names(model: Model, table: Table) -> dict[str, str]:
    """Canonical by physical name, for the columns that have one. Source: contracts/vault.md, 4.1"""
    for hub in model.hubs.values():
        if parent_table(hub.hub_id) == table:
            return {own(hub.hub_id, end): word for end, word in (("h", "h"), ("bk", "bk"), ("lt", "lt"), ("s", "src"))}
    for link in model.links.values():
        if parent_table(link.link_id) == table:
            names = {own(name, "h"): name for name in link.participants}
            return names | {own(link.link_id, end): word for end, word in (("h", "h"), ("lt", "lt"), ("s", "src"))}
    for satellite in model.satellites.values():
        if table in (satellite_table(satellite.satellite_id), current_view(satellite.satellite_id)):
            ends = (("lth", "lt"), ("s", "src"), ("hd", "hd"), ("gd", "gd"))
            return {own(satellite.parent_id, "h"): "h"} | {own(satellite.satellite_id, end): word for end, word in ends}
    return {}


def ensure(writer: Writer, model: Model, target_id: str, dialect: str) -> Table:
    """Make the table of a hub, link or satellite with its ghost row, or add the columns it lacks.

    Raises:
        Conflict: it holds rows in another shape.
    """
    table, columns = shape_of(model, target_id)
    writer.execute(trees.create_table(table, columns))
    there = [one.name for one in writer.describe(exp.select("*").from_(table.expression()))]
    wanted = [name for name, _ in columns]
    if there != wanted:
        if target_id in model.satellites and there == wanted[: len(there)]:
            for name, kind in columns[len(there) :]:
                writer.execute(trees.add_column(table, name, kind))
        elif writer.scalar(exp.select(trees.counted(trees.known(column(wanted[0])))).from_(table.expression())):
            raise Conflict(f"table {table} holds rows in another shape", code="needs_rehash")
        else:
            writer.execute(trees.drop(current_view(target_id), "VIEW"))
            writer.execute(trees.drop(table))
            writer.execute(trees.create_table(table, columns))
            there = []
        if target_id in model.satellites:
            writer.execute(trees.drop(current_view(target_id), "VIEW"))
    is_new = _ghost(writer, table, columns, model.satellites.get(target_id))
    if dialect == "postgres":
        keys = wanted[:1] if target_id not in model.satellites else _satellite_keys(model.satellites[target_id])
        writer.execute(trees.unique_index(table, short(f"ux_{table.name}"), keys))
    if target_id in model.satellites and (is_new or there != wanted):
        make_current_view(writer, model.satellites[target_id], dialect)
    return table


def shape_of(model: Model, target_id: str) -> tuple[Table, Columns]:
    """The table of a hub, link or satellite, and its columns."""
    if target_id in model.hubs:
        return parent_table(target_id), hub_columns(model.hubs[target_id])
    if target_id in model.links:
        return parent_table(target_id), link_columns(model, model.links[target_id])
    return satellite_table(target_id), satellite_columns(model, model.satellites[target_id])


def definitions(model: Model, target_id: str, dialect: str) -> list[exp.Expr]:
    """What `ensure` would run for a new table, for those who ask before they change."""
    table, columns = shape_of(model, target_id)
    return [trees.create_table(table, columns)]


def ensure_tracking(writer: Writer, load_id: str, dialect: str) -> Table:
    """Make a load's tracking table."""
    table = tracking_table(load_id)
    writer.execute(trees.create_table(table, _TRACKING))
    if dialect == "postgres":
        writer.execute(trees.unique_index(table, short(f"ux_{table.name}"), ("h", "lt")))
    return table


def make_current_view(writer: Writer, satellite: Satellite, dialect: str) -> None:
    """``_c``: the rows of each key's latest load time."""
    view = current_view(satellite.satellite_id)
    writer.execute(trees.drop(view, "VIEW"))
    writer.execute(trees.create_view(view, current_rows(satellite, dialect)))


def current_rows(satellite: Satellite, dialect: str) -> exp.Select:
    """The rows of each key's latest load time, ghost included."""
    table = satellite_table(satellite.satellite_id)
    key, time = own(satellite.parent_id, "h"), own(satellite.satellite_id, "lth")
    last = exp.select(aliased_key(key), trees.aliased(exp.Max(this=column(time)), "v"))
    last = last.from_(table.expression()).group_by(column(key))
    same = exp.and_(trees.equal(column("h", "l"), column(key, "s")), trees.equal(column("v", "l"), column(time, "s")))
    rows = exp.Column(this=exp.Star(), table=exp.to_identifier("s", quoted=True))
    return exp.select(rows).from_(table.expression("s")).join(trees.sub(last, "l"), on=same)


def aliased_key(name: str) -> exp.Expr:
    """A key column under the name that all keys have inside our queries."""
    return trees.aliased(column(name), "h")


def _satellite_keys(satellite: Satellite) -> list[str]:
    return [own(satellite.parent_id, "h"), own(satellite.satellite_id, "lth"), *satellite.multi_active_keys]


def _ghost(writer: Writer, table: Table, columns: Columns, satellite: Satellite | None) -> bool:
    """One row for what is not known, so that readers join without losing rows."""
    cells: list[exp.Expr] = []
    for name, kind in columns:
        if kind == _HASH:
            cell: exp.Expr = zero_key()
        elif name.endswith(("_lt", "_lth")) and kind == _TIME and not _describes(satellite, name):
            cell = trees.moment(trees.FIRST_TIME)
        elif name.endswith("_s") and kind == "VARCHAR(200)":
            cell = value(GHOST_SOURCE)
        else:
            cell = exp.cast(exp.null(), type_of(kind))
        cells.append(trees.aliased(cell, name))
    key = columns[0][0]
    row = exp.select(*cells).where(trees.without(zero_key(), table, key))
    return bool(writer.execute(trees.insert_into(table, [name for name, _ in columns], row)))


def _describes(satellite: Satellite | None, name: str) -> bool:
    return satellite is not None and name in satellite.names
