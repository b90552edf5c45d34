"""Rules of the mass import: trees of objects, always upserts, all or nothing, level by level.

Processings bring their items along, and both name what flows into and out of them by path.
Source: contracts/catalog.md, 9.4, 9.5 and 13.
"""

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from tessera.catalog import changes, governance_store, links, objects, objects_store, paths
from tessera.catalog.attributes import Attribute, Draft, read_payload
from tessera.catalog.counts import Counts
from tessera.catalog.custom_attributes import attributes_by_name
from tessera.catalog.vocabulary import (
    ITEM,
    ITEM_TYPE_ALIASES,
    PROCESSING,
    SOURCE,
    Kind,
    child_kind,
    child_types,
    root_types,
)
from tessera.kernel.access import Principal
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import Tx
from tessera.kernel.errors import Conflict, Invalid

OBJECTS_MAX: Final = 250_000
DEPTH_MAX: Final = 64
SOURCES_MAX: Final = 100

Key = tuple[str, str]
"""Technical name and type: the identity of an object among its siblings."""


class _Node:
    """One object of the request, merged from all mentions of it under the same parent."""

    __slots__ = ("children", "draft", "ends", "key", "kind", "name", "row")

    def __init__(self, kind: Kind, draft: Draft, name: str, key: Key) -> None:
        self.kind = kind
        self.draft = draft
        self.name = name
        self.key = key
        self.children: dict[Key, _Node] = {}
        self.row: Any = None
        # What flows in and out, as (link type, path, type path); of processings and items alone.
        self.ends: dict[tuple[str, str, str], None] = {}


class Details(Struct, frozen=True, rename="camel"):
    """What an import of processings did to each part of them."""

    data_processings: Counts
    data_processing_items: Counts
    inputs: Counts
    outputs: Counts


class ProcessingCounts(Struct, frozen=True):
    """``Counts`` of the processings, with the details."""

    total: int
    created: int
    updated: int
    deleted: int
    unchanged: int
    details: Details


class _Tally:
    """Counts while the levels are written, by whether it was an item."""

    def __init__(self) -> None:
        self.total = {True: 0, False: 0}
        self.created = {True: 0, False: 0}
        self.updated = {True: 0, False: 0}

    def counts(self, *, items: bool) -> Counts:
        total, created, updated = self.total[items], self.created[items], self.updated[items]
        return Counts(total, created, updated, 0, total - created - updated)


def import_trees(
    tx: Tx, principal: Principal | None, kind: Kind, version_id: str, body: Any, *, keep_names: bool = False
) -> Counts | ProcessingCounts:
    """Make what is missing and change what differs; what is not sent stays, and nothing is deleted.

    Args:
        body: one tree, or a list of them; a node is an object's payload with ``children``.
        keep_names: existing objects keep their display names (for imports by the platform itself).

    Raises:
        NotFound: no such version.
        Invalid: a value breaks a rule, an unknown tag or path, a type that may not stand there, or too many objects.
    """
    version = objects.read_version(tx, version_id)
    reader = _Reader(tx)
    roots: dict[Key, _Node] = {}
    for tree in body if isinstance(body, list) else [body]:
        reader.read(tree, kind, None, roots, 1)
    work = _Import(tx, principal, version, list(_all(roots.values())), unknown_people="drop", keep_names=keep_names)
    work.write([(None, node) for node in roots.values()], _lock_roots(tx, version.id, roots))
    own = work.tally.counts(items=False)
    if kind is not PROCESSING:
        return own
    inputs, outputs = _link_ends(tx, principal, version.id, work.nodes)
    details = Details(own, work.tally.counts(items=True), inputs, outputs)
    return ProcessingCounts(own.total, own.created, own.updated, 0, own.unchanged, details)


def import_under(tx: Tx, principal: Principal | None, kind: Kind, version_id: str, parent_id: str, body: Any) -> Counts:
    """The same for a list of objects that all stand under one parent (items of a processing, for instance).

    Raises:
        NotFound: no such version or parent.
        Invalid: as for ``import_trees``.
    """
    version = objects.read_version(tx, version_id)
    parent, siblings = _read_siblings(tx, version, kind, parent_id, body)
    work = _Import(tx, principal, version, list(_all(siblings.values())), unknown_people="refuse")
    stored = _siblings_stored(tx, parent, siblings)
    work.write([(parent, node) for node in siblings.values()], stored)
    _link_ends(tx, principal, version.id, work.nodes)
    return work.tally.counts(items=kind is ITEM)


def create_many(
    tx: Tx, principal: Principal | None, kind: Kind, version_id: str, parent_id: str | None, body: Any
) -> Counts:
    """Make a list of objects under one parent, or sources; those that exist are changed only if they say ``upsert``.

    Raises:
        NotFound: no such version or parent.
        Invalid: as for a single object.
        Conflict: one exists and does not say ``upsert``.

    Source: contracts/catalog.md, 9.2
    """
    version = objects.read_version(tx, version_id)
    parent, siblings = _read_siblings(tx, version, kind, parent_id, body)
    work = _Import(tx, principal, version, list(siblings.values()), unknown_people="refuse")
    stored = _lock_roots(tx, version.id, siblings) if parent is None else _siblings_stored(tx, parent, siblings)
    for (_, key), row in stored.items():
        if key in siblings and not siblings[key].draft.upsert:
            raise Conflict(
                f"technicalName: a {row.type} {row.technical_name!r} exists already; send upsert: true to change it",
                field="technicalName",
            )
    work.write([(parent, node) for node in siblings.values()], stored)
    return work.tally.counts(items=False)


def create_sources(tx: Tx, principal: Principal | None, version_id: str, body: Any) -> Counts:
    """``create_many`` for sources, of which one request makes at most a hundred."""
    if isinstance(body, list) and len(body) > SOURCES_MAX:
        raise Invalid(f"at most {SOURCES_MAX} sources; got {len(body)}")
    return create_many(tx, principal, SOURCE, version_id, None, body)


def change_many(
    tx: Tx, principal: Principal | None, kind: Kind, version_id: str, parent_id: str | None, body: Any
) -> Counts:
    """Change a list of objects under one parent, or sources, each found by ``technicalName``, else by ``name``.

    Raises:
        NotFound: no such version or parent.
        Invalid: a row names no object or several, or as for a single object.

    Source: contracts/catalog.md, 9.2
    """
    version = objects.read_version(tx, version_id)
    place = objects.read_place(tx, version, kind, parent_id)
    if not isinstance(body, list):
        raise Invalid("the body must be a list of objects")
    custom = attributes_by_name(tx, kind)
    drafts = [read_payload(row, kind, custom) for row in body]
    keys = [_edit_key(draft) for draft in drafts]
    references = changes.resolve(tx, drafts)
    if place.parent is not None:
        objects.lock_tree(tx, place.parent)
    rows = objects_store.named(
        tx, version.id, kind.data_type, None if place.parent is None else place.parent.id, sorted(set(keys))
    )
    if place.parent is None:
        for row in sorted(rows, key=lambda row: str(row.id)):
            objects.lock_tree(tx, row)
    tally = _Tally()
    tally.total[False] = len(drafts)
    nodes = []
    for (by_technical, text), draft in zip(keys, drafts, strict=True):
        found = [row for row in rows if (row.technical_name if by_technical else row.name) == text]
        if not isinstance(draft.type, UnsetType):
            found = [row for row in found if row.type == draft.type]
        if len(found) != 1:
            key, how = ("technicalName" if by_technical else "name"), "several objects" if found else "no object"
            raise Invalid(f"{key}: there is {how} {text!r} here", field=key)
        node = _Node(kind, draft, found[0].name, (found[0].technical_name, found[0].type))
        node.row = found[0]
        nodes.append(node)
    _change_known(tx, principal, nodes, references, tally)
    return tally.counts(items=False)


def _edit_key(draft: Draft) -> tuple[bool, str]:
    if not isinstance(draft.technical_name, UnsetType):
        return True, draft.technical_name
    if isinstance(draft.name, UnsetType):
        raise Invalid("technicalName or name: required, to find the object by", field="technicalName")
    return False, draft.name


def _read_siblings(tx: Tx, version: Any, kind: Kind, parent_id: str | None, body: Any) -> tuple[Any, dict[Key, _Node]]:
    """The locked parent's row (None for sources) and the objects that are to stand under it."""
    parent = objects.read_place(tx, version, kind, parent_id).parent
    siblings: dict[Key, _Node] = {}
    reader = _Reader(tx)
    for row in body if isinstance(body, list) else [body]:
        plain = {key: value for key, value in row.items() if key != "children"} if isinstance(row, dict) else row
        reader.read(plain, kind, None, siblings, 1, at_root=parent is None)
    for node in siblings.values():
        objects.check_fits(kind, node.key[1], parent)
    if parent is not None:
        objects.lock_tree(tx, parent)
        parent = objects.read_place(tx, version, kind, parent_id).parent
    return parent, siblings


def _siblings_stored(tx: Tx, parent: Any, siblings: dict[Key, _Node]) -> dict[tuple[str | None, Key], Any]:
    names = sorted({technical for technical, _ in siblings})
    rows = objects_store.children_of(tx, [parent.id], names)
    return {(row.parent_id, (row.technical_name, row.type)): row for row in rows}


class _Import:
    """One import while it is written: whom its payloads name, and what was counted."""

    def __init__(
        self,
        tx: Tx,
        principal: Principal | None,
        version: Any,
        nodes: list[_Node],
        *,
        unknown_people: Literal["refuse", "drop"],
        keep_names: bool = False,
    ) -> None:
        self.tx = tx
        self.principal = principal
        self.place = objects.Place(
            version.id, version.workspace_id, version.default_owner_id, version.default_steward_id
        )
        self.nodes = nodes
        self.keep_names = keep_names
        self.references = changes.resolve(tx, [node.draft for node in nodes], unknown_people=unknown_people)
        self.tally = _Tally()
        for node in nodes:
            self.tally.total[node.kind is ITEM] += 1

    def write(self, level: list[tuple[Any, _Node]], stored: dict[tuple[str | None, Key], Any]) -> None:
        """Write (parent row, node) pairs and everything under the nodes; ``stored``: what exists under the parents."""
        while level:
            self._write_level(level, stored)
            parents = [node for _, node in level if node.children]
            old = [node.row.id for node in parents if not getattr(node.row, "is_new", False)]
            level = [(node.row, child) for node in parents for child in node.children.values()]
            names = sorted({child.key[0] for _, child in level})
            rows = objects_store.children_of(self.tx, old, names)
            stored = {(row.parent_id, (row.technical_name, row.type)): row for row in rows}

    def _write_level(self, level: Sequence[tuple[Any, _Node]], stored: dict[tuple[str | None, Key], Any]) -> None:
        new: list[tuple[_Node, dict[str, Any]]] = []
        known: list[_Node] = []
        for parent, node in level:
            row = stored.get((None if parent is None else parent.id, node.key))
            if row is not None:
                node.row = row
                if self.keep_names:
                    node.draft.name = UNSET
                known.append(node)
                continue
            values = changes.new_row(
                object_id=new_id(),
                version_id=self.place.version_id,
                parent=parent,
                data_type=node.kind.data_type,
                type_=node.key[1],
                name=node.name,
                technical_name=node.key[0],
            )
            changes.fill_new(values, node.draft)
            node.row = SimpleNamespace(**values, is_new=True)
            new.append((node, values))
            self.tally.created[node.kind is ITEM] += 1
        objects_store.insert(self.tx, [values for _, values in new])
        owner, steward = self.place.default_owner, self.place.default_steward
        people = {
            values["id"]: changes.people_of_new(node.draft, self.references, owner, steward) for node, values in new
        }
        governance_store.add_people(self.tx, people)
        tags = {values["id"]: changes.tags_of_new(node.draft, self.references) for node, values in new}
        governance_store.add_tags(self.tx, tags)
        _record_new(self.tx, self.principal, new)
        _change_known(self.tx, self.principal, known, self.references, self.tally)


def _lock_roots(tx: Tx, version_id: str, roots: dict[Key, _Node]) -> dict[tuple[str | None, Key], Any]:
    """Take the locks of all trees, in one order; returns the roots that exist."""
    for technical in sorted({technical for technical, _ in roots}):
        objects.lock_root(tx, version_id, technical)
    names = sorted({technical for technical, _ in roots})
    existing = [
        row for row in objects_store.roots_named(tx, version_id, names) if (row.technical_name, row.type) in roots
    ]
    for row in sorted(existing, key=lambda row: str(row.id)):
        objects.lock_tree(tx, row)
    # Once more: what somebody renamed or deleted before the locks were ours.
    ids = [row.id for row in existing]
    return {(None, (row.technical_name, row.type)): row for row in objects_store.by_ids(tx, version_id, ids).values()}


def _link_ends(tx: Tx, principal: Principal | None, version_id: str, nodes: Sequence[_Node]) -> tuple[Counts, Counts]:
    """Draw the links of what flows in and out."""
    wanted = {(path, type_path) for node in nodes for _, path, type_path in node.ends}
    found = objects_store.by_paths(tx, version_id, wanted)
    counts = []
    for link_type in ("IsInputOf", "IsOutputOf"):
        pairs = []
        for node in nodes:
            for sent_type, path, type_path in node.ends:
                if sent_type != link_type:
                    continue
                if (path, type_path) not in found:
                    raise Invalid(f"entityPath: there is no object {path!r} of type {type_path!r}", field="entityPath")
                pairs.append((found[path, type_path], link_type, node.row))
        created = links.ensure(tx, principal, pairs)
        counts.append(Counts(total=len(pairs), created=created, unchanged=len(pairs) - created))
    return counts[0], counts[1]


class _Reader:
    """Reads nodes into a tree, merging repeats; checks all that can be known without the stored objects."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._custom: dict[str, dict[str, Attribute]] = {}
        self._count = 0

    def read(
        self,
        payload: Any,
        kind: Kind,
        parent: _Node | None,
        siblings: dict[Key, _Node],
        depth: int,
        *,
        is_item: bool = False,
        at_root: bool = True,
    ) -> None:
        if not isinstance(payload, dict):
            raise Invalid("each node must be an object with name, type and children")
        if depth > DEPTH_MAX:
            raise Invalid(f"children: at most {DEPTH_MAX} levels", field="children")
        self._count += 1
        if self._count > OBJECTS_MAX:
            raise Invalid(f"at most {OBJECTS_MAX} objects in one request")
        type_ = payload.get("type")
        if is_item and isinstance(type_, str):
            type_ = ITEM_TYPE_ALIASES.get(type_, type_)
        if parent is not None:
            held = child_kind(parent.kind.data_type, parent.key[1], type_) if isinstance(type_, str) else None
            if held is None or (held is ITEM) != is_item:
                allowed = ", ".join(child_types(parent.kind.data_type, parent.key[1])) or "nothing"
                raise Invalid(
                    f"type: {type_!r} cannot stand under {parent.name!r} (a {parent.key[1]}); it may hold {allowed}",
                    field="type",
                )
            kind = held
        if kind.data_type not in self._custom:
            self._custom[kind.data_type] = attributes_by_name(self._tx, kind)
        draft = read_payload(payload, kind, self._custom[kind.data_type])
        name, technical, read_type = objects.identity_of(draft)
        if parent is None and at_root and read_type not in root_types(kind.data_type):
            raise Invalid(f"type: a {read_type} cannot stand at the root", field="type")
        key = (technical, read_type)
        node = siblings.get(key)
        if node is None:
            node = siblings[key] = _Node(kind, draft, name, key)
        else:
            _merge(node.draft, draft)
            node.name = name
        if kind in (PROCESSING, ITEM):
            for sent, link_type in (("inputs", "IsInputOf"), ("outputs", "IsOutputOf")):
                node.ends.update({(link_type, *end): None for end in _ends(payload.get(sent), sent)})
        for below in ("children", "dataProcessingItems"):
            nested = payload.get(below)
            if nested is None:
                continue
            if not isinstance(nested, list):
                raise Invalid(f"{below}: must be a list of nodes", field=below)
            for child in nested:
                self.read(child, kind, node, node.children, depth + 1, is_item=below == "dataProcessingItems")


def _ends(sent: Any, key: str) -> Iterable[tuple[str, str]]:
    """(path, type path) of each end that an item names."""
    if sent is None:
        return
    if not isinstance(sent, list):
        raise Invalid(f"{key}: must be a list", field=key)
    for end in sent:
        path = end.get("entityPath", end.get("path")) if isinstance(end, dict) else None
        type_path = end.get("typePath") if isinstance(end, dict) else None
        if not isinstance(path, str) or not isinstance(type_path, str):
            raise Invalid(f'{key}: each must be {{"entityPath": path, "typePath": path of types}}', field=key)
        yield paths.check_path(path, "entityPath"), type_path


def _merge(first: Draft, later: Draft) -> None:
    """What a later mention of the same object says is put over the earlier."""
    for name in ("name", "status", "summary", "description", "tags"):
        value = getattr(later, name)
        if not isinstance(value, UnsetType):
            setattr(first, name, value)
    first.people.update(later.people)
    first.attributes.update(later.attributes)


def _all(nodes: Iterable[_Node]) -> Iterable[_Node]:
    for node in nodes:
        yield node
        yield from _all(node.children.values())


def _record_new(tx: Tx, principal: Principal | None, new: Sequence[tuple[_Node, dict[str, Any]]]) -> None:
    by_kind: dict[str, tuple[Kind, list[tuple[str, dict[str, Any]]]]] = {}
    for node, values in new:
        _, rows = by_kind.setdefault(node.kind.data_type, (node.kind, []))
        rows.append((values["id"], {"type": values["type"], "path": values["path"]}))
    for kind, rows in by_kind.values():
        objects.record(tx, principal, "created", kind, rows)


def _change_known(
    tx: Tx, principal: Principal | None, known: Sequence[_Node], references: changes.References, tally: _Tally
) -> None:
    """Write the differences of objects that exist; plain columns of all of them in one go."""
    with_people = [node.row.id for node in known if node.draft.people]
    with_tags = [node.row.id for node in known if node.draft.tags is not UNSET]
    people = governance_store.people_of(tx, with_people)
    tags = governance_store.tags_of(tx, with_tags)
    plain: list[dict[str, Any]] = []
    for node in known:
        row = node.row
        change = changes.difference(
            row,
            node.draft,
            references,
            people_now={role: [each for each, _ in pairs] for role, pairs in people.get(row.id, {}).items()},
            tags_now=[tag_id for tag_id, _ in tags.get(row.id, ())],
        )
        if not change:
            continue
        tally.updated[node.kind is ITEM] += 1
        objects.record(
            tx, principal, "updated", node.kind, [(row.id, {"path": row.path, "changed": objects.changed_keys(change)})]
        )
        if change.people or change.tags is not UNSET or "name" in change.columns:
            objects.apply(tx, row, change)
            if "functional_path" in change.columns:
                # New objects further down take their display path from this row.
                node.row = SimpleNamespace(**{**row._mapping, **change.columns})
        else:
            columns = {name: getattr(row, name) for name in ("status", "summary", "description", "attributes")}
            plain.append({"object_id": row.id, **columns, **change.columns, "updated_at": now()})
    objects_store.change_many(tx, plain)
