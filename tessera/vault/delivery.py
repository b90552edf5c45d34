"""What the vault delivers to `mart`: a hub as a dimension or a link as a fact, current or with its history.

Source: contracts/vault.md, 3.6 and 5.10
"""

from sqlglot import exp

from tessera.vault import shapes, trees, wiring
from tessera.vault.model import (
    Model,
    Output,
    Satellite,
    output_table,
    own,
    parent_table,
    satellite_table,
    tracking_table,
)
from tessera.warehouse import Table, Warehouse, column


def deliver(warehouse: Warehouse, model: Model, output: Output) -> Table:
    """Make an output's view, or make its table anew; what it reads is made too, where nothing was loaded yet."""
    target = output_table(output.output_id)
    readable = _tables(model, output)
    existing = {info.table: info.kind for info in warehouse.tables(target.schema)}
    tracked = [table for table in _tracking(model, output) if warehouse.columns(table)]
    with warehouse.writing(target, *readable.values()) as writer:
        for target_id in readable:
            shapes.ensure(writer, model, target_id, warehouse.dialect)
        if target in existing:
            writer.execute(trees.drop(target, existing[target].upper()))
        query = output_query(model, output, tracked, warehouse.dialect)
        if output.materialisation != "view":
            writer.analyze(*readable.values(), *tracked)
        make = trees.create_view if output.materialisation == "view" else trees.create_table_as
        writer.execute(make(target, query))
    return target


def withdraw(warehouse: Warehouse, output_id: str) -> None:
    """Drop an output's view or table."""
    target = output_table(output_id)
    for info in warehouse.tables(target.schema):
        if info.table == target:
            with warehouse.writing(target) as writer:
                writer.execute(trees.drop(target, info.kind.upper()))


def output_query(model: Model, output: Output, tracked: list[Table], dialect: str) -> exp.Select:
    """The rows of an output. ``tracked``: the tracking tables that exist."""
    satellites = [model.satellites[name] for name in wiring.satellites_of(model, output)]
    key = own(output.source, "h")
    if output.history == "historised" and satellites:
        query = _historised(output, satellites)
    else:
        query = exp.select().from_(shapes.shape_of(model, output.source)[0].expression("p"))
        for number, satellite in enumerate(satellites):
            rows = trees.sub(shapes.current_rows(satellite, dialect), f"s{number}")
            on = trees.equal(column(key, f"s{number}"), column(key, "p"))
            query = query.join(rows, on=on, join_type="left")
    names: set[str] = set()

    def show(query: exp.Select, cell: exp.Expr, name: str, owner: str) -> exp.Select:
        shown = name if name.lower() not in names else own(owner, name)
        names.add(shown.lower())
        return query.select(trees.aliased(cell, shown))

    for name in _own_columns(model, output):
        query = show(query, column(name, "p"), name, output.source)
    if output.source in model.links:
        for number, (participant, hub_id) in enumerate(model.links[output.source].participants.items()):
            table = shapes.shape_of(model, hub_id)[0].expression(f"h{number}")
            on = trees.equal(column(own(hub_id, "h"), f"h{number}"), column(own(participant, "h"), "p"))
            query = query.join(table, on=on, join_type="left")
            query = show(query, column(own(hub_id, "bk"), f"h{number}"), own(participant, "bk"), participant)
    for number, satellite in enumerate(satellites):
        for name in (*satellite.multi_active_keys, *satellite.payload):
            query = show(query, column(name, f"s{number}"), name, satellite.satellite_id)
    if output.history == "historised" and satellites:
        query = show(query, column("lt", "i"), "lt", output.source)
        query = show(query, column("lt_end", "i"), "lt_end", output.source)
        open_end = trees.equal(column("lt_end", "i"), trees.moment(trees.LAST_TIME))
        query = show(query, open_end, "is_current", output.source)
    else:
        query = show(query, column(own(output.source, "lt"), "p"), own(output.source, "lt"), output.source)
    query = query.where(trees.known(column(key, "p")))
    if tracked and not output.include_deleted:
        alive = trees.sub(_alive(tracked, dialect), "alive")
        query = query.join(alive, on=trees.equal(column("h", "alive"), column(key, "p")), join_type="left")
        query = query.where(exp.Coalesce(this=column("is_alive", "alive"), expressions=[exp.true()]))
    return query


def lineage_of(model: Model, output: Output) -> list[tuple[Table, str, str]]:
    """Column lineage: table, its column, the output's column."""
    table, _ = shapes.shape_of(model, output.source)
    found = [(table, name, name) for name in _own_columns(model, output)]
    if output.source in model.links:
        for participant, hub_id in model.links[output.source].participants.items():
            hub, _ = shapes.shape_of(model, hub_id)
            found.append((hub, own(hub_id, "bk"), own(participant, "bk")))
    seen = {name.lower() for _, _, name in found}
    for satellite_id in wiring.satellites_of(model, output):
        satellite = model.satellites[satellite_id]
        for name in (*satellite.multi_active_keys, *satellite.payload):
            shown = name if name.lower() not in seen else own(satellite_id, name)
            seen.add(shown.lower())
            found.append((satellite_table(satellite_id), name, shown))
    return found


def _own_columns(model: Model, output: Output) -> list[str]:
    if output.source in model.hubs:
        return [own(output.source, "h"), own(output.source, "bk")]
    link = model.links[output.source]
    return [own(output.source, "h"), *(own(name, "h") for name in link.participants), *link.child_keys]


def _historised(output: Output, satellites: list[Satellite]) -> exp.Select:
    """One row for each interval between two changes of any satellite."""
    key = own(output.source, "h")
    moments: exp.Select | exp.Union | None = None
    for satellite in satellites:
        one = exp.select(
            trees.aliased(column(key), "h"), trees.aliased(column(own(satellite.satellite_id, "lth")), "lt")
        ).from_(satellite_table(satellite.satellite_id).expression())
        one = one.where(trees.known(column(key)))
        moments = one if moments is None else exp.union(moments, one)
    assert moments is not None
    # UNION has removed equal moments of several satellites; one satellite has none.
    end = trees.window(exp.Lead(this=column("lt", "m")), [column("h", "m")], [trees.ordered(column("lt", "m"))])
    ends = exp.Coalesce(this=end, expressions=[trees.moment(trees.LAST_TIME)])
    intervals = exp.select(column("h", "m"), column("lt", "m"), trees.aliased(ends, "lt_end"))
    intervals = intervals.from_(
        exp.Subquery(this=moments, alias=exp.TableAlias(this=exp.to_identifier("m", quoted=True)))
    )
    query = exp.select().from_(trees.sub(intervals, "i"))

    query = query.join(parent_table(output.source).expression("p"), on=trees.equal(column(key, "p"), column("h", "i")))
    for number, satellite in enumerate(satellites):
        time = own(satellite.satellite_id, "lth")
        until = trees.window(exp.Lead(this=column(time, "t")), [column(key, "t")], [trees.ordered(column(time, "t"))])
        valid = exp.Coalesce(this=until, expressions=[trees.moment(trees.LAST_TIME)])
        rows = exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier("t", quoted=True)))
        rows = rows.select(trees.aliased(valid, "_dvb_until"))
        rows = rows.from_(satellite_table(satellite.satellite_id).expression("t"))
        alias = f"s{number}"
        on = exp.and_(
            trees.equal(column(key, alias), column("h", "i")),
            exp.LTE(this=column(time, alias), expression=column("lt", "i")),
            exp.LT(this=column("lt", "i"), expression=column("_dvb_until", alias)),
        )
        query = query.join(trees.sub(rows, alias), on=on, join_type="left")
    return query


def _alive(tracked: list[Table], dialect: str) -> exp.Select:
    """``h, is_alive``: whether any load that ever saw the key sees it still."""
    states: exp.Select | exp.Union | None = None
    for table in tracked:
        one = trees.latest(table, "h", "present", "lt", dialect)
        wrapped = exp.select(column("h", "x"), column("v", "x")).from_(trees.sub(one, "x"))
        states = wrapped if states is None else exp.union(states, wrapped, distinct=False)
    assert states is not None
    union = exp.Subquery(this=states, alias=exp.TableAlias(this=exp.to_identifier("u", quoted=True)))
    query = exp.select(column("h", "u"), trees.aliased(exp.LogicalOr(this=column("v", "u")), "is_alive"))
    return query.from_(union).group_by(column("h", "u"))


def _tables(model: Model, output: Output) -> dict[str, Table]:
    """The tables that an output reads, by the id of their object."""
    ids = [output.source, *wiring.satellites_of(model, output)]
    if output.source in model.links:
        ids += model.links[output.source].hub_ids
    return {one: shapes.shape_of(model, one)[0] for one in ids}


def _tracking(model: Model, output: Output) -> list[Table]:
    loads: list[wiring.Load] = [*model.hub_loads.values(), *model.link_loads.values()]
    return [tracking_table(wiring.load_id_of(one)) for one in loads if wiring.target_of(one) == output.source]
