"""Flat rows into nested objects, as the six header flags ask. One pass over the rows; no SQL.

Source: contracts/semantic.md, 4 (N1 to N10)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from tessera.semantic.formats import formatter
from tessera.semantic.ontology_model import Ontology, Property
from tessera.semantic.paths import is_path, parse_path

ENTITY_ID = "entity_id"


class Flags(Struct, frozen=True, kw_only=True):
    """The six headers. The last four act only together with the first two. Source: contracts/semantic.md, 4"""

    nested: bool = False
    format_properties: bool = False
    case_sensitivity: bool = False
    format_booleans: bool = False
    ignore_entity_id: bool = False
    minimize_relationships: bool = False


HEADERS: Mapping[str, str] = {
    "nested": "nested",
    "format_properties": "api-nested-format-properties",
    "case_sensitivity": "api-nested-case-sensitivity",
    "format_booleans": "api-nested-format-booleans",
    "ignore_entity_id": "api-nested-ignore-entity-id",
    "minimize_relationships": "api-nested-minimize-relationships",
}


def flags_of(headers: Mapping[str, str]) -> Flags:
    """The flags of a request: `true` in any case sets one, anything else does not."""
    values = {name: headers.get(header, "").strip().lower() == "true" for name, header in HEADERS.items()}
    return Flags(**values)


class _Leaf(Struct):
    """A column with its key in the answer."""

    index: int
    key: str
    formatted: Any = None
    """A function of the value, or None."""
    is_hidden: bool = False


class _Level(Struct):
    """The root, or a relationship: scalars in their order, deeper levels, what groups its rows."""

    key: str = ""
    relationship: str = ""
    leaves: list[_Leaf] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    children: list[_Level] = field(default_factory=list)
    order: list[tuple[str, int]] = field(default_factory=list)
    """Leaves and children in the order of the select list: (kind, index in its list)."""


class Shape:
    """How the rows of one query nest; made once for a query, its flags and its column types.

    Args:
        columns: output names with the engine's type of each, in the order of the select list.
    """

    def __init__(self, ontology: Ontology, columns: Sequence[tuple[str, str]], flags: Flags) -> None:
        self._ontology = ontology
        self._flags = flags
        names = [name for name, _ in columns]
        self.applies = flags.nested and ENTITY_ID in names and any(is_path(name) for name in names)
        self._root = _Level()
        if self.applies:
            self._plan(columns)

    def nest(self, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """The rows as objects."""
        return self._objects(self._root, rows)

    # -- planning ----------------------------------------------------------------------------------------------------

    def _plan(self, columns: Sequence[tuple[str, str]]) -> None:
        for index, (name, type_) in enumerate(columns):
            if not is_path(name):
                self._add_leaf(self._root, index, name, type_, property_name=name)
                if name == "entity_type":
                    self._root.group.append(index)
                continue
            path = parse_path(name)
            level = self._root
            for segment in path.segments:
                level = self._child(level, segment.text, segment.relationship)
            key = f"_{path.name}" if path.is_edge else path.name
            self._add_leaf(level, index, key, type_, property_name=path.name)
        self._root.group = [columns_index(columns, ENTITY_ID), *self._root.group]
        self._finish(self._root)

    @staticmethod
    def _child(level: _Level, key: str, relationship: str) -> _Level:
        for child in level.children:
            if child.key == key:
                return child
        made = _Level(key=key, relationship=relationship)
        level.order.append(("child", len(level.children)))
        level.children.append(made)
        return made

    def _add_leaf(self, level: _Level, index: int, key: str, type_: str, *, property_name: str) -> None:
        leaf = _Leaf(index=index, key=key)
        if self._flags.format_properties:
            declared = self._ontology.find(Property, property_name)
            tags = declared.tags if declared is not None else {}
            leaf.is_hidden = tags.get("api.hidden", "").lower() == "true"
            leaf.key = tags.get("api.name") or (key if self._flags.case_sensitivity else key.lower())
            if type_.upper() == "BOOLEAN":
                leaf.formatted = _boolean_word if self._flags.format_booleans else None
            elif "api.format" in tags:
                leaf.formatted = formatter(tags["api.format"], type_)
            if self._flags.ignore_entity_id and key == ENTITY_ID:
                leaf.is_hidden = True
        if key == ENTITY_ID and level is not self._root:
            level.group = [index]
        level.order.append(("leaf", len(level.leaves)))
        level.leaves.append(leaf)

    def _finish(self, level: _Level) -> None:
        if not level.group:
            level.group = [leaf.index for leaf in level.leaves]
        for child in level.children:
            self._finish(child)
        if self._flags.format_properties and self._flags.minimize_relationships:
            names = [child.relationship for child in level.children]
            for child in level.children:
                # Two targets of one relationship would be one key: both stay long.
                if names.count(child.relationship) == 1:
                    child.key = child.relationship

    # -- rows --------------------------------------------------------------------------------------------------------

    def _objects(self, level: _Level, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        groups: dict[Any, Any] = {}
        if len(rows) == 1:
            groups = {0: rows}
        elif len(level.group) == 1:
            only = level.group[0]
            for row in rows:
                groups.setdefault(row[only], []).append(row)
        else:
            for row in rows:
                groups.setdefault(tuple(row[index] for index in level.group), []).append(row)
        made = []
        is_root = level is self._root
        for members in groups.values():
            first = members[0]
            children = [self._objects(child, members) for child in level.children]
            if not is_root and not any(children) and all(first[leaf.index] is None for leaf in level.leaves):
                continue
            made.append(self._object(level, first, children))
        return made

    @staticmethod
    def _object(level: _Level, first: Sequence[Any], children: list[list[dict[str, Any]]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind, number in level.order:
            if kind == "child":
                found[level.children[number].key] = children[number]
                continue
            leaf = level.leaves[number]
            if leaf.is_hidden:
                continue
            value = first[leaf.index]
            found[leaf.key] = value if leaf.formatted is None or value is None else leaf.formatted(value)
        return found


def columns_index(columns: Sequence[tuple[str, str]], wanted: str) -> int:
    """Index of the first column of that name."""
    return next(index for index, (name, _) in enumerate(columns) if name == wanted)


def _boolean_word(value: Any) -> str:
    return "true" if value else "false"
