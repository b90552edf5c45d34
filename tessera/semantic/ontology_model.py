"""An ontology in memory: its definitions and the questions that a rewriter asks of them. No SQL, no HTTP.

A definition is what one CREATE statement said; an `Ontology` is all of them at one version, never changed once made.
Names are compared without case; the spelling of the definition is what answers show.
Source: contracts/semantic.md, 1 and 5
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import msgspec
from msgspec import Struct, field

THING = "thing"
SYSTEM_ONTOLOGY = "system_db"
#: The datasource that every ontology has: the warehouse itself. A mapping's USING may name it.
DATASOURCE = "local"
ENTITY_COLUMNS = ("entity_id", "entity_type", "entity_label")
DEFAULT_SETTINGS: Mapping[str, str] = {
    "always_quote_identifier": "true",
    "default_transitivity": "3",
    "entity_label_cast_type": "VARCHAR",
}


class Definition(Struct, kw_only=True):
    """What all objects have."""

    kind: ClassVar[str] = ""
    name: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.name.lower()


class Property(Definition, kw_only=True):
    """A typed column name, global in its ontology. `logic` is the expression of a calculated one."""

    kind: ClassVar[str] = "property"
    type: str
    is_multi: bool = False
    logic: str | None = None


class Measure(Definition, kw_only=True):
    """A named aggregate expression; `where` filters inside each of its aggregates."""

    kind: ClassVar[str] = "measure"
    type: str
    logic: str
    where: str | None = None


class Relationship(Struct, kw_only=True):
    """A directed edge as its concept declares it. Without `source_properties` it is many-to-many (MULTIREFERENCE)."""

    name: str
    target: str
    source_properties: list[str] = field(default_factory=list)
    target_properties: list[str] = field(default_factory=list)
    inverse: str | None = None
    transitivity: int | None = None
    """0: the ontology's default depth; None: not transitive."""
    description: str = ""

    @property
    def is_mtm(self) -> bool:
        return not self.source_properties


class Logic(Struct, kw_only=True):
    """The filter of a logic concept: FROM schema.base WHERE condition."""

    schema: str
    base: str
    condition: str


class Concept(Definition, kw_only=True):
    """A virtual table."""

    kind: ClassVar[str] = "concept"
    parents: list[str] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    primary_key: list[str] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    relationships: list[Relationship] = field(default_factory=list)
    logic: Logic | None = None


class Selected(Struct, kw_only=True):
    """A column that a mapping or view delivers, with the engine's type in the warehouse's spelling."""

    name: str
    type: str


class ConceptMapping(Definition, kw_only=True):
    """Concepts filled from one SELECT over the warehouse."""

    kind: ClassVar[str] = "mapping"
    concepts: list[str]
    query: str
    datasource: str = DATASOURCE
    columns: list[Selected] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)


class BridgeEnd(Struct, kw_only=True):
    """One of the two foreign keys of a many-to-many mapping."""

    relationship: str
    columns: list[str]
    concept: str
    properties: list[str]


class Bridge(Definition, kw_only=True):
    """A many-to-many relationship filled from one SELECT: two foreign keys, further columns are its properties."""

    kind: ClassVar[str] = "bridge"
    ends: list[BridgeEnd]
    query: str
    datasource: str = DATASOURCE
    columns: list[Selected] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)


class View(Definition, kw_only=True):
    """A stored query; a cube is a stored set of dimensions and measures."""

    kind: ClassVar[str] = "view"
    query: str
    is_cube: bool = False
    datasource: str = DATASOURCE
    columns: list[Selected] = field(default_factory=list)


KINDS: Mapping[str, type[Definition]] = {
    one.kind: one for one in (Property, Measure, Concept, ConceptMapping, Bridge, View)
}
D = TypeVar("D", bound=Definition)


def definition_from(kind: str, document: Any) -> Definition:
    """The definition that `definition_document` made a JSON value of."""
    return msgspec.convert(document, KINDS[kind])


def definition_document(definition: Definition) -> dict[str, Any]:
    """A definition as a JSON value."""
    document: dict[str, Any] = msgspec.to_builtins(definition)
    return document


class Edge(Struct, frozen=True, kw_only=True):
    """A relationship as seen from one concept: declared there, inherited, or the inverse of another's."""

    name: str
    source: str
    target: str
    source_properties: tuple[str, ...]
    target_properties: tuple[str, ...]
    is_inverse: bool
    is_mtm: bool
    transitivity: int | None
    declared: str
    """Name in the declaration; for an inverse, the name of the relationship that it inverts."""
    inverse: str | None = None
    description: str = ""


class Ontology:
    """All definitions at one version."""

    def __init__(
        self,
        name: str,
        *,
        id: str = "",
        version: str = "",
        description: str = "",
        settings: Mapping[str, str] | None = None,
        definitions: Iterable[Definition] = (),
    ) -> None:
        self.id, self.name, self.version, self.description = id, name, version, description
        self.settings: dict[str, str] = {**DEFAULT_SETTINGS, **(settings or {})}
        self._objects: dict[str, dict[str, Definition]] = {kind: {} for kind in KINDS}
        self._objects["concept"][THING] = Concept(name=THING, description="The root of all concepts")
        for one in definitions:
            self._objects[one.kind][one.key] = one

    def find(self, kind: type[D], name: str) -> D | None:
        """The definition of that kind and name."""
        return self._objects[kind.kind].get(name.lower())  # type: ignore[return-value]

    def all(self, kind: type[D]) -> list[D]:
        """Definitions of a kind, in the order of their definition (`thing` first)."""
        return list(self._objects[kind.kind].values())  # type: ignore[arg-type]

    def with_changes(self, *, add: list[Definition], drop: list[Definition]) -> Ontology:
        """A copy with some definitions put in or taken out; used to judge a change before it is stored."""
        gone = {(one.kind, one.key) for one in drop}
        kept: dict[tuple[str, str], Definition] = {
            (kind, key): one
            for kind, objects in self._objects.items()
            for key, one in objects.items()
            if (kind, key) not in gone and key != THING
        }
        kept |= {(one.kind, one.key): one for one in add}
        return Ontology(
            self.name,
            id=self.id,
            version=self.version,
            description=self.description,
            settings=self.settings,
            definitions=list(kept.values()),
        )

    # -- inheritance -------------------------------------------------------------------------------------------------

    def parents(self, concept: Concept) -> list[Concept]:
        """Direct parents that exist."""
        found = (self.find(Concept, name) for name in concept.parents)
        return [one for one in found if one is not None]

    def ancestors(self, concept: Concept) -> list[Concept]:
        """The concept itself, then its ancestors, nearest first, each once."""
        seen: dict[str, Concept] = {}
        wave = [concept]
        while wave:
            following: list[Concept] = []
            for one in wave:
                if one.key not in seen:
                    seen[one.key] = one
                    following.extend(self.parents(one))
            wave = following
        return list(seen.values())

    @cached_property
    def _children(self) -> dict[str, list[Concept]]:
        children: dict[str, list[Concept]] = {}
        for one in self.all(Concept):
            for parent in one.parents:
                children.setdefault(parent.lower(), []).append(one)
        return children

    def descendants(self, concept: Concept) -> list[Concept]:
        """The concept itself, then all below it, each once, nearest first."""
        seen: dict[str, Concept] = {}
        wave = [concept]
        while wave:
            following: list[Concept] = []
            for one in wave:
                if one.key not in seen:
                    seen[one.key] = one
                    following.extend(self._children.get(one.key, []))
            wave = following
        return list(seen.values())

    def is_a(self, concept: Concept, ancestor: Concept) -> bool:
        """Whether `ancestor` is the concept or above it."""
        return ancestor.key == THING or any(one.key == ancestor.key for one in self.ancestors(concept))

    # -- what a concept has ------------------------------------------------------------------------------------------

    def properties(self, concept: Concept) -> dict[str, Property]:
        """Properties by their key: the inherited ones after its own."""
        found: dict[str, Property] = {}
        for one in self.ancestors(concept):
            for name in one.properties:
                declared = self.find(Property, name)
                if declared is not None:
                    found.setdefault(declared.key, declared)
        return found

    def extended_properties(self, concept: Concept) -> dict[str, Property]:
        """Properties of the concept, then those of all its descendants (schema `etimbr`)."""
        found = dict(self.properties(concept))
        for one in self.descendants(concept):
            for key, declared in self.properties(one).items():
                found.setdefault(key, declared)
        return found

    def measures(self, concept: Concept) -> dict[str, Measure]:
        """Measures by their key, inherited ones too."""
        found: dict[str, Measure] = {}
        for one in self.ancestors(concept):
            for name in one.measures:
                declared = self.find(Measure, name)
                if declared is not None:
                    found.setdefault(declared.key, declared)
        return found

    def primary_key(self, concept: Concept) -> list[str]:
        """Its own key, or its nearest ancestor's; empty when there is none."""
        return next((one.primary_key for one in self.ancestors(concept) if one.primary_key), [])

    def label(self, concept: Concept) -> list[str]:
        """Its own label, its nearest ancestor's, or its key."""
        return next((one.label for one in self.ancestors(concept) if one.label), None) or self.primary_key(concept)

    def own_mappings(self, concept: Concept) -> list[ConceptMapping]:
        """Mappings into the concept itself."""
        return self._mappings.get(concept.key, [])

    @cached_property
    def _mappings(self) -> dict[str, list[ConceptMapping]]:
        found: dict[str, list[ConceptMapping]] = {}
        for one in self.all(ConceptMapping):
            for concept in one.concepts:
                found.setdefault(concept.lower(), []).append(one)
        return found

    def bridges(self, relationship: str) -> list[Bridge]:
        """Many-to-many mappings with an end named like the relationship."""
        wanted = relationship.lower()
        return [one for one in self.all(Bridge) if any(end.relationship.lower() == wanted for end in one.ends)]

    # -- relationships -----------------------------------------------------------------------------------------------

    @cached_property
    def _declared(self) -> list[tuple[Concept, Relationship]]:
        return [(concept, one) for concept in self.all(Concept) for one in concept.relationships]

    def edges(self, concept: Concept) -> list[Edge]:
        """All relationships that can be followed from the concept: own, inherited, then inverses."""
        above = {one.key for one in self.ancestors(concept)} | {THING}
        forward = [self._forward(owner, one) for owner, one in self._declared if owner.key in above]
        backward = [
            self._backward(owner, one)
            for owner, one in self._declared
            if one.target.lower() in above and self.find(Concept, one.target) is not None
        ]
        return forward + backward

    def edges_named(self, concept: Concept, name: str) -> list[Edge]:
        """Relationships from the concept by that name. `~r` is the inverse of `r`, named or not."""
        wanted = name.lower()
        edges = self.edges(concept)
        exact = [one for one in edges if one.name.lower() == wanted]
        if exact or not wanted.startswith("~"):
            return exact
        return [one for one in edges if one.is_inverse and one.declared.lower() == wanted[1:]]

    def depth(self, transitivity: int) -> int:
        """The number of steps: 0 means the ontology's default."""
        return transitivity or int(self.settings["default_transitivity"])

    @staticmethod
    def _forward(owner: Concept, one: Relationship) -> Edge:
        return Edge(
            name=one.name,
            source=owner.name,
            target=one.target,
            source_properties=tuple(one.source_properties),
            target_properties=tuple(one.target_properties),
            is_inverse=False,
            is_mtm=one.is_mtm,
            transitivity=one.transitivity,
            declared=one.name,
            inverse=one.inverse,
            description=one.description,
        )

    @staticmethod
    def _backward(owner: Concept, one: Relationship) -> Edge:
        return Edge(
            name=one.inverse or f"~{one.name}",
            source=one.target,
            target=owner.name,
            source_properties=tuple(one.target_properties),
            target_properties=tuple(one.source_properties),
            is_inverse=True,
            is_mtm=one.is_mtm,
            transitivity=one.transitivity,
            declared=one.name,
            inverse=one.name,
            description=one.description,
        )

    def is_to_one(self, edge: Edge, target: Concept) -> bool:
        """Whether a row has at most one counterpart: the join's properties are the target's key."""
        if edge.is_mtm:
            return False
        key = {name.lower() for name in self.primary_key(target)}
        return bool(key) and key == {name.lower() for name in edge.target_properties}
