"""Staging: one pass over the source makes the batch with every hash that the loads out of it need.

Source: contracts/vault.md, 4.1, 4.2, 4.4, 4.5 and 5.2
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlglot import exp

from tessera.kernel.errors import Conflict, Invalid
from tessera.vault import encoding, markers, trees, wiring
from tessera.vault.catalogue import source_of
from tessera.vault.markers import Batch
from tessera.vault.model import HubLoad, Link, Model, Satellite, StagingTable, short, stage_column, stage_table
from tessera.warehouse import Table, Warehouse, Writer, column, type_of, value

ROW: Final = "_dvb_rn"
TIME: Final = "_dvb_lt"
BATCH: Final = "_dvb_load_id"
OPERATION: Final = "_dvb_op"


def stage(
    warehouse: Warehouse,
    model: Model,
    table: StagingTable,
    *,
    staging_load_id: str,
    load_time: str,
    mode: str,
    rows: Sequence[Mapping[str, Any]] | None = None,
) -> Batch:
    """Replace the batch that stands in a staging table; the same ``staging_load_id`` again changes nothing.

    Args:
        rows: what a client pushed; None reads the landed table.

    Raises:
        Conflict: ``late_batch``: the load time is below the last one; ``batch_changed``: it is the last one's, and the
            rows are not.
        Invalid: a pushed row has a column that the table has not, or a value that is not of its type.
    """
    target = stage_table(table.staging_table_id)
    arrived = Table(target.schema, short(f"{target.name}_arrived"))
    targets = [target, arrived] if rows is not None else [target]
    with warehouse.writing(*targets) as writer:
        again = markers.read_batch(writer, staging_load_id)
        if again is not None:
            return again
        last = markers.present_batch(writer, table.staging_table_id)
        if last is not None and load_time < last.load_time:
            raise Conflict(
                f"load_time {load_time} is below the last one of {table.staging_table_id}, {last.load_time}",
                code="late_batch",
            )
        source = source_of(table)
        if rows is not None:
            _write_pushed(writer, arrived, table, rows)
            source = arrived
        query, hashes = stage_query(
            model, table, source, warehouse.dialect, staging_load_id, load_time, is_text=rows is not None
        )
        writer.execute(trees.drop(target))
        writer.execute(trees.create_table_as(target, query))
        writer.analyze(target)
        count, content = _content(writer, target, table, warehouse.dialect)
        if last is not None and load_time == last.load_time and (count, content) != (last.row_count, last.content):
            raise Conflict(
                f"{table.staging_table_id} has had another batch at load_time {load_time}", code="batch_changed"
            )
        if rows is not None:
            writer.execute(trees.drop(arrived))
        batch = Batch(staging_load_id, table.staging_table_id, load_time, mode, count, content, hashes)
        markers.mark_staged(writer, batch)
        return batch


def stage_query(
    model: Model,
    table: StagingTable,
    source: Table,
    dialect: str,
    staging_load_id: str,
    load_time: str,
    *,
    is_text: bool = False,
) -> tuple[exp.Select, dict[str, str]]:
    """The batch as a query over its source, and what each hash column is made from.

    Three nested steps, so that no engine has to find the common parts by itself: key parts, key texts, hashes.
    """
    names = list(table.typed)
    first = exp.select(*(trees.aliased(_typed(name, kind, is_text), name) for name, kind in table.typed.items()))
    numbered = exp.Window(this=exp.RowNumber(), over="OVER")
    first = first.select(trees.aliased(exp.cast(numbered, "bigint"), ROW)).from_(source.expression("source"))

    hub_loads = [one for one in model.hub_loads.values() if one.staging_table_id == table.staging_table_id]
    parts = exp.select(*(column(name) for name in (*names, ROW))).from_(trees.sub(first, "rows"))
    texts = exp.select(*(column(name) for name in (*names, ROW)))
    for number, load in enumerate(hub_loads):
        options = model.hubs[load.hub_id].key_options
        made: list[tuple[exp.Expr, bool]] = []
        for place, name in enumerate(load.names):
            part = encoding.key_part(column(name), table.typed[name], options, dialect)
            parts = parts.select(trees.aliased(part, f"_dvb_{number}_{place}"))
            made.append((column(f"_dvb_{number}_{place}"), encoding.may_need_escape(table.typed[name])))
        key = encoding.business_key(made, load.business_key_prefix, dialect)
        texts = texts.select(trees.aliased(key, stage_column(load.hub_load_id, "bk")))
    texts = texts.from_(trees.sub(parts, "parts"))

    whole = exp.select(*(column(name) for name in (*names, ROW)))
    whole = whole.select(
        trees.aliased(trees.moment(load_time), TIME),
        trees.aliased(exp.cast(value(staging_load_id), "text"), BATCH),
        trees.aliased(_operation(table), OPERATION),
    )
    hashes: dict[str, str] = {}
    for load in hub_loads:
        text = stage_column(load.hub_load_id, "bk")
        whole = whole.select(column(text))
        whole = _hash(whole, hashes, load.hub_load_id, "h", encoding.hash_or_zero(column(text)), _made_of(model, load))
    for link_load in model.link_loads.values():
        if link_load.staging_table_id == table.staging_table_id:
            link = model.links[link_load.link_id]
            loads = wiring.participant_loads(model, link, link_load)
            tree = _link_hash(link, loads, table, dialect)
            made_of = "+".join(_made_of(model, one) for one in loads.values()) + repr(link.child_keys)
            whole = _hash(whole, hashes, link_load.link_load_id, "h", tree, made_of)
    for satellite in model.satellites.values():
        if satellite.staging_table_id == table.staging_table_id:
            tree = encoding.hashed(_diff(satellite, table, dialect))
            whole = _hash(whole, hashes, satellite.satellite_id, "hd", tree, repr(satellite.payload))
    return whole.from_(trees.sub(texts, "texts")), hashes


def check_hashes(model: Model, load: wiring.Load, batch: Batch) -> None:
    """Refuse to load a batch that was staged before the load took its present form.

    Raises:
        Conflict: code ``stage_again``.
    """
    wanted: dict[str, str] = {}
    if isinstance(load, HubLoad):
        wanted[stage_column(load.hub_load_id, "h")] = _made_of(model, load)
    elif isinstance(load, Satellite):
        wanted[stage_column(load.satellite_id, "hd")] = repr(load.payload)
        parent = wiring.parent_load(model, load)
        check_hashes(model, parent, batch)
    else:
        loads = wiring.participant_loads(model, model.links[load.link_id], load)
        made_of = "+".join(_made_of(model, one) for one in loads.values()) + repr(model.links[load.link_id].child_keys)
        wanted[stage_column(load.link_load_id, "h")] = made_of
    for name, made_of in wanted.items():
        if batch.hashes.get(name) != made_of:
            raise Conflict(
                f"{batch.staging_table_id} was staged before {wiring.load_id_of(load)} had its present form: stage it "
                "again",
                code="stage_again",
            )


def _hash(query: exp.Select, made: dict[str, str], owner: str, end: str, tree: exp.Expr, made_of: str) -> exp.Select:
    name = stage_column(owner, end)
    made[name] = made_of
    return query.select(trees.aliased(tree, name))


def _made_of(model: Model, load: HubLoad) -> str:
    options = msgspec.json.encode(model.hubs[load.hub_id].key_options).decode()
    return f"{load.names!r} {load.business_key_prefix!r} {options}"


def _link_hash(link: Link, loads: Mapping[str, HubLoad], table: StagingTable, dialect: str) -> exp.Expr:
    keys = [column(stage_column(load.hub_load_id, "bk")) for load in loads.values()]
    children = [
        (encoding.canonical(column(name), table.typed[name], dialect), encoding.may_need_escape(table.typed[name]))
        for name in link.child_keys
    ]
    parts: list[tuple[exp.Expr, bool]] = [*((key, True) for key in keys), *children]
    nobody = exp.and_(*(trees.missing(key.copy()) for key in keys))
    made = encoding.hashed(encoding.encoded(parts, dialect))
    return exp.Case(ifs=[exp.If(this=nobody, true=encoding.zero_key())], default=made)


def _diff(satellite: Satellite, table: StagingTable, dialect: str) -> exp.Expr:
    return encoding.stripped_diff([(column(name), table.typed[name]) for name in satellite.payload], dialect)


def _operation(table: StagingTable) -> exp.Expr:
    if table.cdc_operation_column is None:
        return exp.cast(value("I"), "text")
    said = exp.Upper(this=exp.cast(column(table.cdc_operation_column), "text"))
    letter = exp.Substring(this=said, start=exp.Literal.number(1), length=exp.Literal.number(1))
    return exp.Coalesce(this=letter, expressions=[value("I")])


def _typed(name: str, kind: str, is_text: bool) -> exp.Expr:
    return exp.cast(column(name, "source"), type_of(kind)) if is_text else column(name, "source")


def _write_pushed(writer: Writer, arrived: Table, table: StagingTable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Pushed rows as text; the engine reads each value as its column's type."""
    import pyarrow

    names = list(table.typed)
    unknown = {name for row in rows for name in row} - set(names)
    if unknown:
        raise Invalid(
            f"{table.staging_table_id} has no column {min(unknown)!r}; it has {', '.join(names)}", field="rows"
        )
    columns = {name: [_text(row.get(name)) for row in rows] for name in names}
    writer.execute(trees.drop(arrived))
    writer.execute(trees.create_table(arrived, [(name, "TEXT") for name in names]))
    arrays = {name: pyarrow.array(cells, pyarrow.string()) for name, cells in columns.items()}
    writer.append(arrived, pyarrow.table(arrays))


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return msgspec.json.encode(cell).decode()


def _content(writer: Writer, target: Table, table: StagingTable, dialect: str) -> tuple[int, str]:
    """How many rows, and a sum of row hashes that does not depend on their order; compared within one engine only."""
    names = [column(name) for name in table.typed]
    if dialect == "duckdb":
        each: exp.Expr = exp.cast(encoding.call("hash", *names), "int128")
    else:
        row = exp.cast(encoding.call("row", *names), "text")
        each = exp.cast(encoding.call("hashtextextended", row, exp.Literal.number(0)), "decimal")
    query = exp.select(trees.counted(), exp.cast(exp.Sum(this=each), "text")).from_(target.expression())
    count, content = writer.rows(query)[0]
    return int(count), str(content)
