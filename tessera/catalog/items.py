"""Rules of processing items: what a processing does, with what flows into and out of each step.

An item is an object under its processing; its ends are links. Source: contracts/catalog.md, 13.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Raw, UnsetType

from tessera.catalog import import_tree, links, links_store, objects, objects_store, paths
from tessera.catalog.attributes import read_payload
from tessera.catalog.counts import Counts
from tessera.catalog.custom_attributes import attributes_by_name
from tessera.catalog.model import SEPARATOR
from tessera.catalog.paging import Address, ObjectQuery, make_page
from tessera.catalog.representation import offset_time
from tessera.catalog.vocabulary import ITEM, PROCESSING
from tessera.kernel.access import Principal
from tessera.kernel.db import Tx
from tessera.kernel.errors import Invalid, NotFound

ENDS = {"inputs": "IsInputOf", "outputs": "IsOutputOf"}


class ItemQuery(ObjectQuery, kw_only=True, rename="camel"):
    """Parameters of the list of items; clients name the processing in either way."""

    data_processing_id: str | None = None


def shown(tx: Tx, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Items on the wire, with their ends."""
    ends: dict[str, dict[str, list[dict[str, str]]]] = {row.id: {"inputs": [], "outputs": []} for row in rows}
    words = {link_type: key for key, link_type in ENDS.items()}
    for end in links_store.ends_of(tx, list(ends)):
        if end.is_inward and end.type in words:
            ends[end.here][words[end.type]].append(
                {
                    "id": end.id,
                    "name": end.name,
                    "technicalName": end.technical_name,
                    "type": end.object_type,
                    "path": end.path,
                    "typePath": end.type_path,
                }
            )
    return [
        {
            "id": row.id,
            "name": row.name,
            "technicalName": row.technical_name,
            "type": row.type,
            "summary": row.summary,
            "description": row.description,
            **ends[row.id],
            "creationTime": offset_time(row.created_at),
            "lastModificationTime": offset_time(row.updated_at),
        }
        for row in rows
    ]


def page(tx: Tx, query: ItemQuery, address: Address) -> Raw:
    """Items of a processing or of a whole version, in the order of path and id.

    Raises:
        Invalid: ``versionId`` is missing.
        NotFound: no such version or processing.
    """
    _, wanted = objects.read_filter(
        tx,
        ITEM,
        version_id=query.version_id,
        parent_id=query.data_processing_id or query.parent_id,
        max_depth=None,
        name=query.name,
        technical_name=query.technical_name,
        type_=query.type,
    )
    seek = query.seek()
    total = objects_store.count(tx, wanted) if seek.total is None else seek.total
    rows = objects_store.page(tx, wanted, seek, query.limit, with_attributes=True)
    last = (rows[-1].path, rows[-1].id) if rows else None
    return make_page(shown(tx, rows), query, address, total_sum=total, last=last)


def of_processing(tx: Tx, version_id: str, processing: Any) -> list[dict[str, Any]]:
    """The items of one processing, for its detail."""
    wanted = objects_store.Filter(version_id=version_id, data_type=ITEM.data_type, under=processing, max_depth=0)
    return shown(
        tx, objects_store.page(tx, wanted, objects_store.Seek(), import_tree.OBJECTS_MAX, with_attributes=True)
    )


def _end_rows(tx: Tx, version: Any, body: Any, keys: Sequence[str]) -> dict[str, list[Any]]:
    """The objects that the body names by id under each key.

    Raises:
        Invalid: no list of ids, or an unknown object.
    """
    found: dict[str, list[Any]] = {}
    for key in keys:
        sent = body.get(key) if isinstance(body, dict) else None
        if sent is None:
            continue
        if not isinstance(sent, list) or not all(isinstance(each, str) for each in sent):
            raise Invalid(f"{key}: must be a list of object ids", field=key)
        try:
            found[key] = [objects.read_row(tx, version, each) for each in sent]
        except NotFound as missing:
            raise Invalid(f"{key}: {missing.message}", field=key) from None
    return found


def _add_ends(tx: Tx, principal: Principal, item: Any, ends: dict[str, list[Any]], keys: tuple[str, str]) -> None:
    """Link what ``ends`` has under the keys of inputs and outputs."""
    types = tuple(ENDS.values())
    wanted = [(row, type_, item) for key, type_ in zip(keys, types, strict=True) for row in ends.get(key, ())]
    links.ensure(tx, principal, wanted)


def create(tx: Tx, principal: Principal, version_id: str, processing_id: str, body: Any) -> dict[str, str]:
    """Make an item; its ends are object ids.

    Raises:
        NotFound: no such version or processing.
        Invalid: a value breaks a rule, or an end does not exist.
        Conflict: the processing has an item of this technical name and type.
    """
    version = objects.read_version(tx, version_id)
    _read_processing(tx, version, processing_id)
    ends = _end_rows(tx, version, body, tuple(ENDS))
    made = objects.create(tx, principal, ITEM, version_id, processing_id, body)
    _add_ends(tx, principal, objects.read_row(tx, version, made.id, ITEM), ends, ("inputs", "outputs"))
    return {"id": made.id}


def change(
    tx: Tx, principal: Principal, version_id: str, processing_id: str, item_id: str, body: Any
) -> dict[str, str]:
    """Change an item, its type included, and add or remove ends by id.

    Raises:
        NotFound: no such version, processing or item.
        Invalid: a value breaks a rule, or an end does not exist.
    """
    version = objects.read_version(tx, version_id)
    item = _read_item(tx, version, processing_id, item_id)
    keys = ("addInputs", "removeInputs", "addOutputs", "removeOutputs")
    ends = _end_rows(tx, version, body, keys)
    draft = read_payload(body, ITEM, attributes_by_name(tx, ITEM))
    objects.lock_tree(tx, item)
    if not isinstance(draft.type, UnsetType) and draft.type != item.type:
        _retype(tx, item, draft.type)
    plain = {key: value for key, value in body.items() if key not in ("type", *keys)}
    objects.update(tx, principal, ITEM, version_id, item_id, plain)
    item = _read_item(tx, version, processing_id, item_id)
    for key, link_type in (("removeInputs", "IsInputOf"), ("removeOutputs", "IsOutputOf")):
        for row in ends.get(key, ()):
            links_store.delete(tx, (row.id, link_type, item.id))
    _add_ends(tx, principal, item, ends, ("addInputs", "addOutputs"))
    return {"id": item.id}


def _retype(tx: Tx, item: Any, type_: str) -> None:
    if objects_store.find_child(tx, item.version_id, item.parent_id, item.technical_name, type_) is not None:
        raise Invalid(f"type: the processing has an item {item.technical_name!r} of type {type_} already", field="type")
    above = item.type_path.removesuffix(item.type).removesuffix(SEPARATOR)
    objects_store.change(tx, item.id, {"type": type_, "type_path": paths.join_functional(above, type_)})


def delete(tx: Tx, principal: Principal, version_id: str, processing_id: str, item_id: str) -> None:
    """Delete an item.

    Raises:
        NotFound: no such version, processing or item.
    """
    version = objects.read_version(tx, version_id)
    _read_item(tx, version, processing_id, item_id)
    objects.delete(tx, principal, ITEM, version_id, item_id)


def add_many(tx: Tx, principal: Principal, version_id: str, processing_id: str, body: Any) -> Counts:
    """Upsert items whose ends are paths.

    Raises:
        NotFound: no such version or processing.
        Invalid: a value breaks a rule, or an end does not exist.
    """
    _read_processing(tx, objects.read_version(tx, version_id), processing_id)
    return import_tree.import_under(tx, principal, ITEM, version_id, processing_id, body)


def _read_processing(tx: Tx, version: Any, processing_id: str) -> Any:
    return objects.read_row(tx, version, processing_id, PROCESSING)


def _read_item(tx: Tx, version: Any, processing_id: str, item_id: str) -> Any:
    processing = _read_processing(tx, version, processing_id)
    item = objects.read_row(tx, version, item_id, ITEM)
    if item.parent_id != processing.id:
        raise NotFound(f"item {item_id!r} does not belong to this processing")
    return item
