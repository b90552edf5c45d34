"""Lists and details of objects, as JSON made in the database's thread.

Source: contracts/catalog.md, 8.2 and 9.3.
"""

from msgspec import Raw

from tessera.catalog import items, objects, objects_store, representation
from tessera.catalog.paging import Address, ObjectQuery, make_page
from tessera.catalog.vocabulary import PROCESSING, Kind
from tessera.kernel.access import Principal
from tessera.kernel.db import Tx
from tessera.kernel.errors import NotFound


def page(tx: Tx, kind: Kind, query: ObjectQuery, address: Address, principal: Principal) -> Raw:
    """One page of objects in the order of path and id.

    Raises:
        Invalid: ``versionId`` is missing.
        NotFound: no such version or parent.
    """
    _, wanted = objects.read_filter(
        tx,
        kind,
        version_id=query.version_id,
        parent_id=query.parent_id,
        max_depth=query.max_depth,
        name=query.name,
        technical_name=query.technical_name,
        type_=query.type,
    )
    seek = query.seek()
    total = objects_store.count(tx, wanted) if seek.total is None else seek.total
    rows = objects_store.page(tx, wanted, seek, query.limit, with_attributes=query.include_attributes)
    include = representation.Include(query.include_attributes, query.include_links, query.include_access_data)
    results = representation.elements(tx, rows, kind, address.origin, include, principal)
    last = (rows[-1].path, rows[-1].id) if rows else None
    return make_page(results, query, address, total_sum=total, last=last)


def detail(tx: Tx, kind: Kind, version_id: str, object_id: str, origin: str, principal: Principal) -> Raw:
    """Everything about one object.

    Raises:
        NotFound: no such version or object.
    """
    version = objects.read_version(tx, version_id)
    found = objects.read_row(tx, version, object_id, kind)
    row = objects_store.detail(tx, version.id, found.id, kind.data_type)
    if row is None:
        raise NotFound(f"{kind.data_type} {object_id!r} does not exist in this version")
    shown = representation.detail(tx, row, kind, origin, principal)
    if kind is PROCESSING:
        shown["dpItems"] = items.of_processing(tx, version.id, found)
    return representation.to_raw(shown)
