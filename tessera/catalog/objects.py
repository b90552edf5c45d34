"""Rules of catalogue objects: create, upsert, change, delete, read and list them, for all eight data types.

Two writers under one root object (a source, a root of the glossary, ...) take turns, so that paths, counts and the
"one object a name" rule hold without looking at each other's unfinished work.
Source: contracts/catalog.md, 7 to 9.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, UnsetType

from tessera.catalog import changes, governance_store, objects_store, paths
from tessera.catalog.attributes import Draft, read_payload
from tessera.catalog.custom_attributes import attributes_by_name
from tessera.catalog.model import SEPARATOR
from tessera.catalog.vocabulary import (
    DICTIONARY,
    ITEM,
    KIND_OF_DATA_TYPE,
    PROCESSING,
    SOURCE,
    Kind,
    child_types,
    root_types,
)
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import IntegrityError, Tx, violates
from tessera.kernel.errors import Conflict, Invalid, NotFound

BULK_DELETE_MAX: Final = 250_000


class Place(Struct, frozen=True):
    """Where an object stands or is to stand: its version, and the row above (None for a root)."""

    version_id: str
    workspace_id: str
    default_owner: str | None
    default_steward: str | None
    parent: Any = None


class Written(Struct, frozen=True):
    """The answer to a write, and the keys of the payload that nothing was made of."""

    id: str
    location: str
    ignored: Sequence[str] = ()


def location_of(kind: Kind, version_id: str, object_id: str) -> str:
    """Where the object can be read, relative to the base URL. Source: contracts/catalog.md, 7."""
    return f"{kind.route}/{version_id}/{object_id}"


def read_version(tx: Tx, version_id: str) -> Any:
    """The version's row.

    Raises:
        NotFound: no such version.
    """
    row = objects_store.find_version(tx, paths.uuid_or_missing(version_id, "version"))
    if row is None:
        raise NotFound(f"version {version_id!r} does not exist; GET /workspaces lists them")
    return row


def read_row(tx: Tx, version: Any, object_id: str, kind: Kind | None = None) -> Any:
    """An object's row, whichever of the two spellings its id comes in.

    Raises:
        NotFound: no such object in that version, or it is of another data type.
    """
    workspace_id, plain = paths.split_object_id(object_id)
    row = None
    if workspace_id in (None, version.workspace_id):
        row = objects_store.find(tx, version.id, plain, kind.data_type if kind else None)
    if row is None:
        what = kind.data_type if kind else "object"
        raise NotFound(f"{what} {object_id!r} does not exist in this version")
    return row


def read_place(tx: Tx, version: Any, kind: Kind, parent_ref: str | None) -> Place:
    """Where a new object of ``kind`` is to stand.

    Raises:
        NotFound: no such parent.
        Invalid: the workspace was given for a kind that needs an object above it.
    """
    place = Place(version.id, version.workspace_id, version.default_owner_id, version.default_steward_id)
    if parent_ref is None:
        return place
    if parent_ref.lower() == version.workspace_id:
        if kind is SOURCE or not root_types(kind.data_type):
            raise Invalid(f"parentId: a {kind.data_type} cannot stand directly under the workspace", field="parentId")
        return place
    parent = read_row(tx, version, parent_ref)
    return Place(place.version_id, place.workspace_id, place.default_owner, place.default_steward, parent)


def check_fits(kind: Kind, type_: str, parent: Any) -> None:
    """Refuse a type that may not stand there.

    Raises:
        Invalid: the message lists what may.
    """
    if parent is None:
        allowed, where = root_types(kind.data_type), "at the root"
    else:
        allowed, where = child_types(parent.data_type, parent.type, kind.data_type), f"under a {parent.type}"
    if type_ not in allowed:
        listed = f"; allowed there: {', '.join(allowed)}" if allowed else ""
        raise Invalid(f"type: a {kind.data_type} of type {type_!r} cannot stand {where}{listed}", field="type")


def lock_root(tx: Tx, version_id: str, technical_name: str) -> None:
    """Until the commit, nobody else makes or looks for a root object of this name."""
    tx.lock(f"catalog root {version_id} {technical_name}")


def lock_tree(tx: Tx, row: Any) -> None:
    """Until the commit, nobody else changes what stands under the same root object."""
    tx.lock(f"catalog tree {objects_store.lineage_of(row)[:36]}")


def identity_of(draft: Draft) -> tuple[str, str, str]:
    """Name, technical name and type of a new or imported object; the technical name defaults to the name.

    Raises:
        Invalid: name or type is missing.
    """
    if isinstance(draft.name, UnsetType):
        raise Invalid("name: required", field="name")
    if isinstance(draft.type, UnsetType):
        raise Invalid("type: required", field="type")
    technical = draft.technical_name
    if isinstance(technical, UnsetType):
        # No escaping exists in paths, so the separator cannot be part of a segment.
        technical = paths.check_technical_name(draft.name.replace(SEPARATOR, "/"))
    return draft.name, technical, draft.type


def create(
    tx: Tx, principal: Principal | None, kind: Kind, version_id: str, parent_ref: str | None, payload: Any
) -> Written:
    """Make an object, or with ``upsert`` change the one that has its technical name, type and parent already.

    Raises:
        NotFound: no such version or parent.
        Invalid: a value breaks a rule; an unknown tag or user is named; the type may not stand there.
        Conflict: without ``upsert``, the object exists.

    Source: contracts/catalog.md, 9.1 and 9.2
    """
    version = read_version(tx, version_id)
    place = read_place(tx, version, kind, parent_ref)
    draft = read_payload(payload, kind, attributes_by_name(tx, kind))
    name, technical, type_ = identity_of(draft)
    check_fits(kind, type_, place.parent)
    references = changes.resolve(tx, [draft])
    if place.parent is None:
        lock_root(tx, version.id, technical)
    else:
        lock_tree(tx, place.parent)
        # It may have been deleted or renamed before the lock was ours.
        place = read_place(tx, version, kind, parent_ref)
    parent_id = None if place.parent is None else place.parent.id
    existing = objects_store.find_child(tx, version.id, parent_id, technical, type_)
    if existing is not None:
        if not draft.upsert:
            raise Conflict(
                f"technicalName: a {type_} {technical!r} exists here already; send upsert: true to change it",
                field="technicalName",
            )
        lock_tree(tx, existing)
        existing = objects_store.find(tx, version.id, existing.id)
        if existing is not None:
            _change(tx, principal, kind, existing, draft, references)
            return Written(existing.id, location_of(kind, version.id, existing.id), draft.ignored)
    row = changes.new_row(
        object_id=new_id(),
        version_id=version.id,
        parent=place.parent,
        data_type=kind.data_type,
        type_=type_,
        name=name,
        technical_name=technical,
    )
    changes.fill_new(row, draft)
    try:
        objects_store.insert(tx, [row])
    except IntegrityError as error:
        if violates(error, "unique"):
            raise Conflict(
                f"technicalName: a {type_} {technical!r} exists here already", field="technicalName"
            ) from None
        raise
    people = changes.people_of_new(draft, references, place.default_owner, place.default_steward)
    governance_store.add_people(tx, {row["id"]: people})
    governance_store.add_tags(tx, {row["id"]: changes.tags_of_new(draft, references)})
    record(tx, principal, "created", kind, [(row["id"], {"type": type_, "path": row["path"]})])
    return Written(row["id"], location_of(kind, version.id, row["id"]), draft.ignored)


def update(tx: Tx, principal: Principal | None, kind: Kind, version_id: str, object_id: str, payload: Any) -> Written:
    """Change what is sent of an object; its type, technical name and parent stay.

    Raises:
        NotFound: no such version or object.
        Invalid: a value breaks a rule, an unknown tag or user, or another type or technical name than the object has.

    Source: contracts/catalog.md, 9.2
    """
    version = read_version(tx, version_id)
    row = read_row(tx, version, object_id, kind)
    draft = read_payload(payload, kind, attributes_by_name(tx, kind))
    if not isinstance(draft.type, UnsetType) and draft.type != row.type:
        raise Invalid(f"type: the type of an object cannot change; this is a {row.type}", field="type")
    if not isinstance(draft.technical_name, UnsetType) and draft.technical_name != row.technical_name:
        raise Invalid(f"technicalName: cannot change; this object's is {row.technical_name!r}", field="technicalName")
    references = changes.resolve(tx, [draft])
    lock_tree(tx, row)
    row = read_row(tx, version, object_id, kind)
    _change(tx, principal, kind, row, draft, references)
    return Written(row.id, location_of(kind, version.id, row.id), draft.ignored)


def _change(
    tx: Tx, principal: Principal | None, kind: Kind, row: Any, draft: Draft, references: changes.References
) -> None:
    people = governance_store.people_of(tx, [row.id]).get(row.id, {})
    tags = governance_store.tags_of(tx, [row.id]).get(row.id, [])
    change = changes.difference(
        row,
        draft,
        references,
        people_now={role: [principal_id for principal_id, _ in pairs] for role, pairs in people.items()},
        tags_now=[tag_id for tag_id, _ in tags],
    )
    if change:
        apply(tx, row, change)
        record(tx, principal, "updated", kind, [(row.id, {"path": row.path, "changed": changed_keys(change)})])


def apply(tx: Tx, row: Any, change: changes.Change) -> None:
    """Write one object's differences, and its new name into the paths under it."""
    objects_store.change(tx, row.id, {**change.columns, "updated_at": now()})
    if "functional_path" in change.columns and change.columns["functional_path"] != row.functional_path:
        objects_store.rename_below(tx, row, change.columns["functional_path"])
    if change.people:
        governance_store.replace_people(tx, row.id, change.people)
    if not isinstance(change.tags, UnsetType):
        governance_store.replace_tags(tx, row.id, change.tags)


def changed_keys(change: changes.Change) -> list[str]:
    """What changed, in the words of the wire, for the event."""
    keys = [key for key in change.columns if key not in ("functional_path", "attributes")]
    keys += list(change.columns.get("attributes", {})) if "attributes" in change.columns else []
    keys += list(change.people)
    return keys if isinstance(change.tags, UnsetType) else [*keys, "tags"]


def record(
    tx: Tx, principal: Principal | None, what: str, kind: Kind, objects: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    """One event an object, such as ``catalog.structure.created``."""
    if objects:
        events.record_all(tx, f"catalog.{kind.data_type.lower()}.{what}", objects, package="catalog", by=principal)


def delete(tx: Tx, principal: Principal | None, kind: Kind, version_id: str, object_id: str) -> int:
    """Delete an object and all that stands under it, with their links; returns how many objects went.

    Raises:
        NotFound: no such version or object.

    Source: contracts/catalog.md, 9.2
    """
    version = read_version(tx, version_id)
    row = read_row(tx, version, object_id, kind)
    lock_tree(tx, row)
    return _delete(tx, principal, kind, row)


def _delete(tx: Tx, principal: Principal | None, kind: Kind, row: Any) -> int:
    count = objects_store.delete_tree(tx, row)
    if count:
        record(tx, principal, "deleted", kind, [(row.id, {"path": row.path, "type": row.type, "objects": count})])
    return count


def delete_many(tx: Tx, principal: Principal | None, kind: Kind, version_id: str, ids: Any) -> int:
    """Delete these objects and all under them; unknown ids are passed over. Returns how many objects went.

    Raises:
        NotFound: no such version.
        Invalid: the body is no list of texts.

    Source: contracts/catalog.md, 9.2
    """
    version = read_version(tx, version_id)
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise Invalid("the body must be a list of object ids")
    if len(ids) > BULK_DELETE_MAX:
        raise Invalid(f"at most {BULK_DELETE_MAX} ids; got {len(ids)}")
    plain = []
    for each in ids:
        workspace_id, _, object_id = each.lower().rpartition(":")
        if paths.is_uuid(object_id) and workspace_id in ("", version.workspace_id):
            plain.append(object_id)
    rows = [row for row in objects_store.by_ids(tx, version.id, plain).values() if row.data_type == kind.data_type]
    # In one order, so that two bulk deletes never wait for each other crosswise.
    for root in sorted({objects_store.lineage_of(row)[:36] for row in rows}):
        tx.lock(f"catalog tree {root}")
    return sum(_delete(tx, principal, kind, row) for row in sorted(rows, key=lambda row: row.depth))


def read_filter(
    tx: Tx,
    kind: Kind,
    *,
    version_id: str | None,
    parent_id: str | None,
    max_depth: int | None,
    name: str | None,
    technical_name: str | None,
    type_: str | None,
) -> tuple[Any, objects_store.Filter]:
    """The version's row and what a list is about.

    Raises:
        Invalid: ``versionId`` is missing.
        NotFound: no such version or parent.

    Source: contracts/catalog.md, 9.3
    """
    if not version_id:
        raise Invalid("versionId: required; GET /workspaces lists versions", field="versionId")
    version = read_version(tx, version_id)
    under = None
    # A client sends parentId=undefined to sources, which have no parent anyway.
    if parent_id and kind not in (SOURCE, PROCESSING) and parent_id.lower() != version.workspace_id:
        under = read_row(tx, version, parent_id)
    return version, objects_store.Filter(
        version_id=version.id,
        data_type=kind.data_type,
        under=under,
        max_depth=max_depth,
        name=name,
        technical_name=technical_name,
        type=type_,
    )


def kind_of(row: Any) -> Kind:
    """The kind of a stored object."""
    return KIND_OF_DATA_TYPE[row.data_type]


def is_data(row: Any) -> bool:
    """Whether the object belongs to the dictionary, so that data can flow from or into it."""
    return kind_of(row) in DICTIONARY


def is_work(row: Any) -> bool:
    """Whether the object is a processing or one of its items."""
    return kind_of(row) in (PROCESSING, ITEM)
