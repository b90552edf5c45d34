"""Whether an object makes sense in its model; fills in what was left out.

Source: contracts/vault.md, 2.4, 3.1 and 3.3 to 3.7
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace
from sqlglot.errors import SqlglotError

from tessera.kernel.errors import Invalid
from tessera.vault import encoding, wiring
from tessera.vault.model import (
    Hub,
    HubLoad,
    Job,
    Link,
    LinkLoad,
    Model,
    Object,
    Output,
    Satellite,
    StagingColumn,
    StagingTable,
    System,
    bare,
    own,
    parent_table,
    satellite_table,
    stage_table,
)
from tessera.warehouse import Column, type_of

RESERVED: Final = "_dvb_"
"""Columns of a staging table that begin so are the vault's own."""


def checked(model: Model, one: Any, landed: Sequence[Column] = ()) -> Object:
    """The object with its defaults filled in.

    Args:
        landed: the columns of a staging table's source in the warehouse.

    Raises:
        Invalid: what it refers to does not exist or does not fit; ``field`` names the member.
    """
    match one:
        case System():
            return replace(one, system_name=one.system_name or one.system_id)
        case StagingTable():
            return _staging(model, one, landed)
        case Hub():
            _begins(one.hub_id, ("h_",), "hub_id")
            return replace(one, hub_name=one.hub_name or one.hub_id)
        case HubLoad():
            return _hub_load(model, one)
        case Link():
            return _link(model, one)
        case LinkLoad():
            return _link_load(model, one)
        case Satellite():
            return _satellite(model, one)
        case Output():
            return _output(model, one)
        case Job():
            _exists(model.systems, one.system_id, "system_id")
            wiring.named_loads(model, one.job_loads)
            return one
    raise TypeError(type(one))


def check_physical(model: Model, kind: str, object_id: str) -> None:
    """Refuse an id whose table another object has already (ids may differ where tables do not).

    Raises:
        Invalid: with the other id.
    """
    name_of = {"staging_tables": stage_table, "satellites": satellite_table}.get(kind, parent_table)
    if kind not in ("staging_tables", "hubs", "links", "satellites"):
        return
    for other in model.of(kind):
        if other != object_id and name_of(other) == name_of(object_id):
            raise Invalid(f"{object_id} and {other} would have one table, {name_of(other)}", field="id")


def columns_exist(table: StagingTable, names: Iterable[str], field: str) -> None:
    """Refuse columns that the staging table has not.

    Raises:
        Invalid: with the columns that there are.
    """
    typed = table.typed
    for name in names:
        if name not in typed:
            raise Invalid(
                f"{table.staging_table_id} has no column {name!r}; it has {', '.join(list(typed)[:60])}", field=field
            )


def _staging(model: Model, one: StagingTable, landed: Sequence[Column]) -> StagingTable:
    system: System = _exists(model.systems, one.system_id, "system_id")
    columns = [
        (c.column_name, c.complete_data_type, c.column_comment) if isinstance(c, StagingColumn) else (*c, "")
        for c in one.columns
    ]
    if system.source_type_id == "ingest_output":
        if not one.source_table_name:
            raise Invalid("source_table_name must name the table that was landed", field="source_table_name")
        there = {column.name: column.type for column in landed}
        if not there:
            source = f"{one.source_schema_name}.{one.source_table_name}"
            raise Invalid(f"the warehouse has no table {source}", field="source_table_name")
        columns = columns or [(name, kind, "") for name, kind in there.items()]
        for name, *_ in columns:
            if name not in there:
                raise Invalid(f"the source has no column {name!r}; it has {', '.join(there)}", field="columns")
    if not columns:
        raise Invalid("columns must name at least one column, as [name, type]", field="columns")
    seen: set[str] = set()
    for name, *_ in columns:
        if name.lower() in seen:
            raise Invalid(f"column {name!r} stands twice (letter case does not count)", field="columns")
        if name.lower().startswith(RESERVED) or "\0" in name or len(name.encode()) > 63:
            raise Invalid(
                f"column {name!r}: at most 63 bytes, no U+0000, and not beginning with {RESERVED}", field="columns"
            )
        seen.add(name.lower())
    if one.cdc_operation_column is not None and one.cdc_operation_column not in {name for name, *_ in columns}:
        raise Invalid(f"there is no column {one.cdc_operation_column!r}", field="cdc_operation_column")
    if one.mode_default == "cdc" and one.cdc_operation_column is None:
        raise Invalid("mode_default cdc needs cdc_operation_column", field="cdc_operation_column")
    full: list[Any] = [
        StagingColumn(
            column_name=name,
            complete_data_type=_type(kind),
            column_id=name,
            column_order=place,
            column_comment=comment,
        )
        for place, (name, kind, comment) in enumerate(columns, 1)
    ]
    return replace(one, columns=full, staging_table_name=one.staging_table_name or one.staging_table_id)


def _type(text: str) -> str:
    try:
        return str(type_of(text).sql("duckdb"))
    except (SqlglotError, ValueError):
        raise Invalid(
            f"{text!r} is no data type; write BIGINT, TEXT, DECIMAL(12, 2), DATE, …", field="columns"
        ) from None


def _hub_load(model: Model, one: HubLoad) -> HubLoad:
    _exists(model.hubs, one.hub_id, "hub_id")
    table: StagingTable = _exists(model.staging_tables, one.staging_table_id, "staging_table_id")
    if not one.names:
        raise Invalid("columns must name the columns of the business key", field="columns")
    columns_exist(table, one.names, "columns")
    for name in one.names:
        encoding.check_key_type(name, table.typed[name])
    return replace(one, columns=one.names, column_ids=[])


def _link(model: Model, one: Link) -> Link:
    _begins(one.link_id, ("l_",), "link_id")
    hubs = one.hub_ids
    if not hubs:
        raise Invalid("hubs must name at least one hub", field="hubs")
    for hub in hubs:
        _exists(model.hubs, hub, "hubs")
    if one.roles and len(one.roles) != len(hubs):
        raise Invalid(f"roles must be one for each of the {len(hubs)} hubs", field="roles")
    names = one.roles or hubs
    if len(set(names)) != len(names) or len({own(name, "h") for name in names}) != len(names):
        raise Invalid("a hub that takes part twice needs roles, each of its own name", field="roles")
    if own(one.link_id, "h") in {own(name, "h") for name in names}:
        raise Invalid("the link and a participant would have one column; choose another id or role", field="link_id")
    for driver in one.driving_hubs:
        if driver not in one.participants:
            raise Invalid(f"{driver!r} is no participant; there are {', '.join(names)}", field="driving_hubs")
    if {key.lower() for key in one.child_keys} & {name.lower() for name in link_columns(one)}:
        raise Invalid("a child key has the name of one of the link's own columns", field="child_keys")
    return replace(one, hubs=hubs, hub_a_id=None, hub_b_id=None, link_name=one.link_name or one.link_id)


def link_columns(link: Link) -> list[str]:
    """The technical columns of a link."""
    return [own(link.link_id, "h"), *(own(name, "h") for name in link.participants)] + [
        own(link.link_id, suffix) for suffix in ("lt", "s")
    ]


def _link_load(model: Model, one: LinkLoad) -> LinkLoad:
    link: Link = _exists(model.links, one.link_id, "link_id")
    table: StagingTable = _exists(model.staging_tables, one.staging_table_id, "staging_table_id")
    wiring.participant_loads(model, link, one)
    columns_exist(table, link.child_keys, "child_keys")
    for name in link.child_keys:
        encoding.check_key_type(name, table.typed[name])
    return one


def _satellite(model: Model, one: Satellite) -> Satellite:
    _begins(one.satellite_id, ("s_", "ls_"), "satellite_id")
    if one.parent_id not in model.hubs and one.parent_id not in model.links:
        raise Invalid(f"parent must be a hub or link; there is no {one.parent_id!r}", field="parent")
    table: StagingTable = _exists(model.staging_tables, one.staging_table_id, "staging_table_id")
    if not one.payload:
        raise Invalid("columns must name at least one column to describe", field="columns")
    columns_exist(table, one.names, "columns")
    columns_exist(table, one.multi_active_keys, "multi_active_keys")
    columns_exist(table, one.order_by, "order_by")
    for name in one.multi_active_keys:
        encoding.check_key_type(name, table.typed[name])
    if one.multi_active_keys and (one.order_by or one.conflict_policy != "error"):
        raise Invalid("a multi-active satellite takes neither order_by nor a conflict_policy", field="order_by")
    own_columns = {own(one.parent_id, "h"), *(own(one.satellite_id, end) for end in ("lth", "s", "hd", "gd"))}
    for name in (*one.names, *one.multi_active_keys):
        if name.lower() in own_columns:
            raise Invalid(f"column {name!r} has the name of one of the satellite's own columns", field="columns")
    if len({name.lower() for name in one.names}) != len(one.names):
        raise Invalid("a column stands twice", field="columns")
    whole = replace(one, parent=one.parent_id, hub_id=None, columns=one.names, column_ids=[])
    wiring.parent_load(model, whole)
    return whole


def _output(model: Model, one: Output) -> Output:
    wanted = model.hubs if one.kind == "dimension" else model.links
    if one.source not in wanted:
        word = "hub" if one.kind == "dimension" else "link"
        raise Invalid(f"source of a {one.kind} must be a {word}; there is no {one.source!r}", field="source")
    for satellite_id in one.satellites or ():
        satellite: Satellite = _exists(model.satellites, satellite_id, "satellites")
        if satellite.parent_id != one.source:
            raise Invalid(f"{satellite_id} describes {satellite.parent_id}, not {one.source}", field="satellites")
        if satellite.multi_active_keys and one.history == "historised":
            raise Invalid(f"{satellite_id} is multi-active: it can be shown in a current output only", field="history")
    return one


def _exists(known: dict[str, Any], wanted: str, field: str) -> Any:
    if wanted not in known:
        raise Invalid(f"{field}: there is no {wanted!r}", field=field)
    return known[wanted]


def _begins(object_id: str, prefixes: tuple[str, ...], field: str) -> None:
    if not object_id.startswith(prefixes) or not bare(object_id):
        raise Invalid(f"{field} must begin with {' or '.join(prefixes)}; got {object_id!r}", field=field)
