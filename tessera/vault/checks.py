"""The invariants of a loaded vault as queries over its real tables.

Source: contracts/vault.md, 6
"""

from collections.abc import Collection, Iterator

from msgspec import Struct
from sqlglot import exp

from tessera.vault import trees, wiring
from tessera.vault.encoding import hashed, zero_key
from tessera.vault.model import (
    Hub,
    Link,
    Model,
    Satellite,
    own,
    parent_table,
    satellite_table,
    tracking_table,
)
from tessera.warehouse import Reader, Table, column


class Check(Struct, frozen=True):
    """One invariant of one object: how many rows break it."""

    invariant: str
    object_id: str
    passed: bool
    count: int


def run(reader: Reader, model: Model, tables: Collection[Table], dialect: str) -> list[Check]:
    """Check every object whose table exists, all on one snapshot."""
    found: list[Check] = []
    for invariant, object_id, broken in _queries(model, tables):
        count = int(reader.scalar(exp.select(trees.counted()).from_(trees.sub(broken, "broken"))))
        found.append(Check(invariant, object_id, count == 0, count))
    return found


def _queries(model: Model, tables: Collection[Table]) -> Iterator[tuple[str, str, exp.Select]]:
    for hub in model.hubs.values():
        if parent_table(hub.hub_id) in tables:
            yield from _hub(hub)
    for link in model.links.values():
        if parent_table(link.link_id) in tables:
            yield from _link(model, link, tables)
    for satellite in model.satellites.values():
        if satellite_table(satellite.satellite_id) in tables:
            yield from _satellite(satellite, tables)
    loads: list[wiring.Load] = [*model.hub_loads.values(), *model.link_loads.values()]
    for load in loads:
        load_id = wiring.load_id_of(load)
        if tracking_table(load_id) in tables:
            yield "I8", load_id, _not_alternating(tracking_table(load_id))


def _hub(hub: Hub) -> Iterator[tuple[str, str, exp.Select]]:
    x, table = hub.hub_id, parent_table(hub.hub_id)
    key, text = own(x, "h"), own(x, "bk")
    yield "I1", x, _repeated(table, [key])
    yield "I2", x, _repeated(table, [text])
    yield "I3", x, _no_ghost(table, key)
    wrong = exp.select(column(key)).from_(table.expression())
    wrong = wrong.where(trees.known(column(key)), trees.differs(column(key), hashed(column(text))))
    yield "I4", x, wrong


def _link(model: Model, link: Link, tables: Collection[Table]) -> Iterator[tuple[str, str, exp.Select]]:
    x, table = link.link_id, parent_table(link.link_id)
    foreign = [own(name, "h") for name in link.participants]
    yield "I1", x, _repeated(table, [own(x, "h")])
    yield "I2", x, _repeated(table, [*foreign, *link.child_keys])
    yield "I3", x, _no_ghost(table, own(x, "h"))
    for participant, hub_id in link.participants.items():
        if parent_table(hub_id) in tables:
            yield "I5", x, _unresolved(table, own(participant, "h"), parent_table(hub_id), own(hub_id, "h"))


def _satellite(satellite: Satellite, tables: Collection[Table]) -> Iterator[tuple[str, str, exp.Select]]:
    x, table = satellite.satellite_id, satellite_table(satellite.satellite_id)
    key, time = own(satellite.parent_id, "h"), own(x, "lth")
    yield "I3", x, _no_ghost(table, key)
    if parent_table(satellite.parent_id) in tables:
        yield "I5", x, _unresolved(table, key, parent_table(satellite.parent_id), key)
    yield "I6", x, _repeated(table, [key, time, *satellite.multi_active_keys])
    digest = own(x, "gd" if satellite.multi_active_keys else "hd")
    states = exp.select(column(key), column(time), column(digest)).distinct().from_(table.expression())
    before = trees.window(exp.Lag(this=column(digest, "r")), [column(key, "r")], [trees.ordered(column(time, "r"))])
    rows = exp.select(column(digest, "r"), trees.aliased(before, "before")).from_(trees.sub(states, "r"))
    same = exp.select(column("before", "n")).from_(trees.sub(rows, "n"))
    yield "I7", x, same.where(trees.equal(column("before", "n"), column(digest, "n")))


def _not_alternating(table: Table) -> exp.Select:
    before = trees.window(exp.Lag(this=column("present", "r")), [column("h", "r")], [trees.ordered(column("lt", "r"))])
    rows = exp.select(column("present", "r"), trees.aliased(before, "before")).from_(table.expression("r"))
    broken = exp.select(column("present", "n")).from_(trees.sub(rows, "n"))
    first = exp.and_(trees.missing(column("before", "n")), exp.Not(this=column("present", "n")))
    return broken.where(exp.or_(first, trees.equal(column("before", "n"), column("present", "n"))))


def _repeated(table: Table, names: list[str]) -> exp.Select:
    query = exp.select(trees.aliased(trees.counted(), "n")).from_(table.expression())
    query = query.group_by(*(column(name) for name in names))
    return query.having(exp.GT(this=trees.counted(), expression=exp.Literal.number(1)))


def _no_ghost(table: Table, key: str) -> exp.Select:
    one = exp.select(trees.aliased(exp.Literal.number(1), "n"))
    return one.where(trees.without(zero_key(), table, key))


def _unresolved(table: Table, key: str, parent: Table, parent_key: str) -> exp.Select:
    query = exp.select(column(key, "c")).from_(table.expression("c"))
    return query.where(trees.without(column(key, "c"), parent, parent_key))
