"""Rules of links and of the lineage that they draw.

Source: contracts/catalog.md, 14 and 22 (GET /lineage).
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from tessera.catalog import links_store, objects, objects_store, paths
from tessera.catalog.counts import Counts
from tessera.catalog.links_store import Stored
from tessera.catalog.vocabulary import KIND_OF_DATA_TYPE, LINK_TYPES, find_link_type, joins, link_type_names, shown_type
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.db import IntegrityError, Tx, violates
from tessera.kernel.errors import Conflict, Invalid, NotFound

BULK_MAX: Final = 250_000
DEPTH_MAX: Final = 50
NODES_MAX: Final = 10_000
"""Most nodes of one lineage answer; a graph beyond that is asked for from nearer by."""


class LinkShown(Struct, frozen=True, rename="camel"):
    """A link as ``GET /links/{v}/{id}`` shows it from that end."""

    link_type: str
    to_id: str
    name: str
    module: str
    type: str


def _stored(start: Any, type_: Any, end: Any) -> Stored:
    """The link in its stored direction.

    Raises:
        Invalid: unknown type, or one that cannot join these two objects.
    """
    found = find_link_type(type_) if isinstance(type_, str) else None
    if found is None:
        raise Invalid(f"linkType: {type_!r} is not one of {', '.join(sorted(link_type_names()))}", field="linkType")
    link, is_inverse = found
    if is_inverse:
        start, end = end, start
    if not joins(link, (start.data_type, start.type), (end.data_type, end.type)):
        raise Invalid(
            f"linkType: {link.name} cannot join a {start.data_type} ({start.type}) to a {end.data_type} ({end.type})",
            field="linkType",
        )
    if start.id == end.id:
        raise Invalid("linkType: an object cannot be linked to itself", field="linkType")
    if link.name == link.inverse and start.id > end.id:
        start, end = end, start  # a symmetric link is one link, whichever end sent it
    return start.id, link.name, end.id


def of_object(tx: Tx, version_id: str, object_id: str) -> list[LinkShown]:
    """All links of one object, seen from it.

    Raises:
        NotFound: no such version or object.
    """
    row = objects.read_row(tx, objects.read_version(tx, version_id), object_id)
    shown = [
        LinkShown(
            shown_type(end.type, is_inward=end.is_inward),
            end.id,
            end.name,
            KIND_OF_DATA_TYPE[end.data_type].module,
            end.object_type,
        )
        for end in links_store.ends_of(tx, [row.id])
    ]
    return sorted(shown, key=lambda link: link.link_type)


def create(tx: Tx, principal: Principal | None, version_id: str, from_id: str, body: Any) -> LinkShown:
    """Link two objects; a link that exists already is left as it is.

    Raises:
        NotFound: no such version, or no such object at the start.
        Invalid: the far end does not exist, the type is unknown or cannot join the two.
    """
    version = objects.read_version(tx, version_id)
    start = objects.read_row(tx, version, from_id)
    if not isinstance(body, dict) or not isinstance(body.get("toId"), str):
        raise Invalid('the body must be {"toId": object id, "type": link type}', field="toId")
    type_ = body.get("type", body.get("linkType"))
    try:
        end = objects.read_row(tx, version, body["toId"])
    except NotFound as missing:
        raise Invalid(f"toId: {missing.message}", field="toId") from None
    _add(tx, principal, version.id, [_stored(start, type_, end)])
    return LinkShown(str(type_), end.id, end.name, objects.kind_of(end).module, end.type)


def delete(tx: Tx, principal: Principal | None, version_id: str, from_id: str, type_: str, to_id: str) -> None:
    """Remove a link, named from either end.

    Raises:
        NotFound: no such version, object or link.
        Invalid: unknown type.
    """
    version = objects.read_version(tx, version_id)
    start, end = objects.read_row(tx, version, from_id), objects.read_row(tx, version, to_id)
    link = _stored(start, type_, end)
    if not links_store.delete(tx, link):
        raise NotFound(f"there is no link {type_} from {from_id} to {to_id}")
    _record(tx, principal, "deleted", version.id, [link])


def add_by_ids(tx: Tx, principal: Principal | None, version_id: str, body: Any) -> Counts:
    """``[{fromId, toId, type}]``, all or none.

    Raises:
        NotFound: no such version.
        Invalid: a row is malformed, names an unknown object or a type that cannot join the two.
    """
    version = objects.read_version(tx, version_id)
    rows = _rows(body, ("fromId", "toId"))
    ids = [paths.split_object_id(row[key])[1] for row in rows for key in ("fromId", "toId") if _has_id(row[key])]
    found = objects_store.by_ids(tx, version.id, ids)
    wanted = []
    for number, row in enumerate(rows, 1):
        ends = []
        for key in ("fromId", "toId"):
            end = found.get(paths.split_object_id(row[key])[1]) if _has_id(row[key]) else None
            if end is None:
                raise Invalid(f"{key}: object {row[key]!r} (row {number}) does not exist in this version", field=key)
            ends.append(end)
        wanted.append(_stored(ends[0], row.get("type", row.get("linkType")), ends[1]))
    return _add(tx, principal, version.id, wanted)


def add_by_paths(tx: Tx, principal: Principal | None, version_id: str, body: Any) -> Counts:
    """``[{fromPath, fromType, linkType, toPath, toType}]``, all or none; ``...Type`` is a type path.

    Raises:
        NotFound: no such version.
        Invalid: a row is malformed, names an unknown path or a type that cannot join the two.
    """
    version = objects.read_version(tx, version_id)
    rows = _rows(body, ("fromPath", "fromType", "toPath", "toType"))
    ends = [
        (paths.check_path(row[f"{side}Path"], f"{side}Path"), row[f"{side}Type"])
        for row in rows
        for side in ("from", "to")
    ]
    found = objects_store.by_paths(tx, version.id, ends)
    wanted = []
    for number, row in enumerate(rows, 1):
        pair = []
        for side in ("from", "to"):
            path, type_path = row[f"{side}Path"], row[f"{side}Type"]
            end = found.get((path, type_path))
            if end is None:
                raise Invalid(
                    f"{side}Path: there is no object {path!r} of type {type_path!r} (row {number})", field=f"{side}Path"
                )
            pair.append(end)
        wanted.append(_stored(pair[0], row.get("linkType", row.get("type")), pair[1]))
    return _add(tx, principal, version.id, wanted)


def _has_id(text: str) -> bool:
    return paths.is_uuid(text.rpartition(":")[2])


def _rows(body: Any, keys: Sequence[str]) -> list[dict[str, Any]]:
    rows = [body] if isinstance(body, dict) else body
    if not isinstance(rows, list):
        raise Invalid("the body must be a list of links")
    if len(rows) > BULK_MAX:
        raise Invalid(f"at most {BULK_MAX} links; got {len(rows)}")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise Invalid(f"row {number} must be an object with the keys {', '.join(keys)}")
        for key in keys:
            if not isinstance(row.get(key), str):
                raise Invalid(f"{key}: a text is required (row {number})", field=key)
    return rows


def ensure(tx: Tx, principal: Principal | None, links: Sequence[tuple[Any, str, Any]]) -> int:
    """Store (start row, type, end row) links that are missing; how many were.

    Raises:
        Invalid: a type that cannot join the two.
    """
    wanted = [_stored(start, type_, end) for start, type_, end in links]
    if not wanted:
        return 0
    return _add(tx, principal, links[0][0].version_id, wanted).created


def _add(tx: Tx, principal: Principal | None, version_id: str, wanted: Sequence[Stored]) -> Counts:
    unique = list(dict.fromkeys(wanted))
    # Two who send the same link at once make one; and with one lock a version nobody waits crosswise.
    tx.lock(f"catalog links {version_id}")
    known = links_store.existing(tx, unique)
    new = [link for link in unique if link not in known]
    try:
        links_store.insert(tx, new)
    except IntegrityError as error:
        if violates(error, "foreign"):
            raise Conflict("one of the linked objects has just been deleted") from None
        raise
    _record(tx, principal, "created", version_id, new)
    return Counts(total=len(wanted), created=len(new), unchanged=len(wanted) - len(new))


def _record(tx: Tx, principal: Principal | None, what: str, version_id: str, links: Sequence[Stored]) -> None:
    if links:
        rows = [(a, {"versionId": version_id, "type": type_, "to": b}) for a, type_, b in links]
        events.record_all(tx, f"catalog.link.{what}", rows, package="catalog", by=principal)


# -- lineage ---------------------------------------------------------------------------------------------------------

Direction = Literal["upstream", "downstream", "both"]


class Node(Struct, frozen=True, rename="camel"):
    """One object of a lineage graph."""

    id: str
    name: str
    technical_name: str
    type: str
    data_type: str
    path: str
    type_path: str
    location: str


class Edge(Struct, frozen=True, rename={"from_": "from"}):
    """Data flows from one object to the other; ``type`` is the link that says so."""

    from_: str
    to: str
    type: str


class Lineage(Struct, frozen=True, rename="camel"):
    """The graph around one object. ``isComplete`` is false where the limit of nodes cut it."""

    nodes: list[Node]
    edges: list[Edge]
    is_complete: bool


_FORWARD: Final = [link.name for link in LINK_TYPES if link.lineage == "forward"]
_BACKWARD: Final = [link.name for link in LINK_TYPES if link.lineage == "backward"]


def lineage(tx: Tx, version_id: str, object_id: str, direction: Direction, depth: int) -> Lineage:
    """What flows into and out of an object, over the physical links and processing items.

    Args:
        depth: hops between data objects; a processing or item on the way is no hop of its own.

    Raises:
        NotFound: no such version or object.
    """
    version = objects.read_version(tx, version_id)
    start = objects.read_row(tx, version, object_id)
    edges: dict[Edge, None] = {}
    seen = {start.id: start}
    complete = True
    for downstream in (True, False):
        if direction == "both" or downstream == (direction == "downstream"):
            complete &= _walk(tx, start, downstream=downstream, depth=depth, seen=seen, edges=edges)
    nodes = [
        Node(
            row.id,
            row.name,
            row.technical_name,
            row.type,
            row.data_type,
            row.path,
            row.type_path,
            objects.location_of(objects.kind_of(row), row.version_id, row.id),
        )
        for row in seen.values()
    ]
    order = {node.id: place for place, node in enumerate(nodes)}
    shown = sorted(edges, key=lambda edge: (order[edge.from_], order[edge.to], edge.type))
    return Lineage(nodes, shown, complete)


def _walk(tx: Tx, start: Any, *, downstream: bool, depth: int, seen: dict[str, Any], edges: dict[Edge, None]) -> bool:
    frontier, visited = [start], {start.id}
    for _ in range(depth):
        reached: list[Any] = []
        todo = frontier
        while todo:  # through processings and their items to the next data objects
            steps = _steps(tx, [row.id for row in todo], downstream=downstream)
            far = {to if downstream else from_ for from_, to, _ in steps}
            rows = objects_store.by_ids(tx, start.version_id, [each for each in far if each not in seen])
            if len(seen) + len(rows) > NODES_MAX:
                return False
            seen.update(rows)
            edges.update({Edge(*step): None for step in steps if step[0] in seen and step[1] in seen})
            fresh = [seen[each] for each in sorted(far) if each in seen and each not in visited]
            visited.update(row.id for row in fresh)
            reached += [row for row in fresh if not objects.is_work(row)]
            todo = [row for row in fresh if objects.is_work(row)]
        frontier = reached
    return True


def _steps(tx: Tx, ids: Sequence[str], *, downstream: bool) -> list[tuple[str, str, str]]:
    """(from, to, link type) in the direction of the data, one step from these objects."""
    limit = NODES_MAX * 2
    forward = links_store.neighbours(tx, ids, _FORWARD, outward=downstream, limit=limit)
    backward = links_store.neighbours(tx, ids, _BACKWARD, outward=not downstream, limit=limit)
    return [
        *((row.from_id, row.to_id, row.type) for row in forward),
        *((row.to_id, row.from_id, row.type) for row in backward),
    ]
