"""What a definition statement does to an ontology: which objects it puts in or takes out, or why it is refused.

No SQL of the metadata database and no HTTP. What the warehouse has to say (columns of a mapping's query) comes in
through `Inspector`. Source: contracts/semantic.md, 5 (Semantics)
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct, field
from sqlglot import exp

from tessera.kernel.errors import Invalid, NotFound
from tessera.semantic.expressions import column_text, columns_of, parse_expression, parse_query
from tessera.semantic.measures import check_measure
from tessera.semantic.ontology_model import (
    DATASOURCE,
    ENTITY_COLUMNS,
    THING,
    Bridge,
    Concept,
    ConceptMapping,
    Definition,
    Measure,
    Ontology,
    Property,
    Selected,
    View,
)
from tessera.semantic.paths import parse_path
from tessera.semantic.relations import Relations, engine_type
from tessera.semantic.rewrite import cube_concept
from tessera.semantic.statements import AlterTag, Create, Drop

D = TypeVar("D", bound=Definition)


class Inspector(Protocol):
    """What the warehouse knows of a definition's SQL, after checking it against the allow-list."""

    engine: str

    def mapping(self, query: str) -> tuple[list[Selected], list[str]]:
        """Columns of a mapping's query and the tables it reads.

        Raises:
            Invalid: the SQL is refused, or does not run.
        """

    def view(self, ontology: Ontology, query: str) -> list[Selected]:
        """Columns of a view's query over the ontology.

        Raises:
            Invalid: the SQL is refused, names something unknown, or does not run.
        """


class Changes(Struct):
    """What to store."""

    add: list[Definition] = field(default_factory=list)
    drop: list[Definition] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def apply(ontology: Ontology, statement: Create | AlterTag | Drop, inspector: Inspector) -> Changes:
    """The changes that a statement means.

    Raises:
        Invalid: it breaks a rule; nothing is changed.
    """
    if isinstance(statement, AlterTag):
        return _alter_tag(ontology, statement)
    if isinstance(statement, Drop):
        return _drop(ontology, statement)
    definition = statement.definition
    before = ontology.find(type(definition), definition.name)
    other = _same_name(ontology, definition)
    if other is not None:
        raise Invalid(f'"{definition.name}" is the name of a {other.kind} already', code="exists")
    if before is not None and not statement.replace:
        raise Invalid(f'{definition.kind} "{definition.name}" exists; CREATE OR REPLACE changes it', code="exists")
    if before is not None and before.tags and not definition.tags:
        definition.tags = dict(before.tags)
    if isinstance(definition, Property):
        return _property(ontology, definition, inspector)
    if isinstance(definition, Measure):
        return _measure(ontology, definition, inspector)
    if isinstance(definition, Concept):
        return _concept(ontology, definition, statement, inspector)
    if isinstance(definition, ConceptMapping):
        return _mapping(ontology, definition, inspector)
    if isinstance(definition, Bridge):
        return _bridge(ontology, definition, inspector)
    assert isinstance(definition, View)
    return _view(ontology, definition, inspector)


def _same_name(ontology: Ontology, definition: Definition) -> Definition | None:
    """Properties and measures share their names, and so do the two kinds of mappings."""
    pairs: dict[type[Definition], type[Definition]] = {
        Property: Measure, Measure: Property, ConceptMapping: Bridge, Bridge: ConceptMapping,
    }  # fmt: skip
    other = pairs.get(type(definition))
    return ontology.find(other, definition.name) if other is not None else None


def _property(ontology: Ontology, made: Property, inspector: Inspector) -> Changes:
    _check_property_name(made.name)
    if made.logic is not None:
        # Names in it may be defined later in the same script, so only the form is judged here.
        tree = parse_expression(made.logic, f'property "{made.name}"', engine=inspector.engine)
        for node in columns_of(tree):
            if parse_path(column_text(node)).segments:
                raise Invalid(
                    f'property "{made.name}": a formula uses properties of the same concept, not "{column_text(node)}"',
                    code="property",
                )
    return Changes(add=[made])


def _check_property_name(name: str) -> None:
    if name.lower() in ENTITY_COLUMNS or name.startswith("_"):
        raise Invalid(
            f'"{name}" cannot be the name of a property: every concept has columns of such names', code="name"
        )


def _measure(ontology: Ontology, made: Measure, inspector: Inspector) -> Changes:
    tree = parse_expression(made.logic, f'measure "{made.name}"', engine=inspector.engine, aggregates=True)
    if made.where is not None:
        parse_expression(made.where, f'measure "{made.name}"', engine=inspector.engine)
    after = ontology.with_changes(add=[made], drop=[])
    uses_measure = any(
        after.find(Measure, column_text(node).removeprefix("measure.")) is not None for node in columns_of(tree)
    )
    from_aggregate = any(type(node).__mro__ for node in tree.walk() if node.key in _AGGREGATES)
    if not uses_measure and not from_aggregate:
        raise Invalid(
            f'measure "{made.name}" has to aggregate: COUNT, SUM, AVG, MIN, MAX, or another measure', code="measure"
        )
    check_measure(after, made, inspector.engine)
    return Changes(add=[made])


_AGGREGATES = frozenset(
    {"count", "sum", "avg", "min", "max", "stddev", "stddevsamp", "stddevpop", "variance", "variancepop", "median",
     "approxdistinct", "quantile", "percentilecont", "countif", "anyvalue", "corr", "logicalor", "logicaland"}
)  # fmt: skip


def _concept(ontology: Ontology, made: Concept, statement: Create, inspector: Inspector) -> Changes:
    if made.key == THING:
        raise Invalid('"thing" is the root of all concepts and cannot be defined', code="name")
    if ontology.find(View, made.name) is None and made.name.lower().startswith("sys_"):
        raise Invalid(f'"{made.name}": names that begin with sys_ are those of the system tables', code="name")
    new_properties = _element_properties(ontology, statement)
    after = ontology.with_changes(add=[*new_properties, made], drop=[])
    for parent in made.parents:
        _need(after, Concept, parent, f'concept "{made.name}" inherits')
        if made.key in {one.key for one in after.ancestors(_need(after, Concept, parent, ""))}:
            raise Invalid(f'concept "{made.name}" would inherit itself through "{parent}"', code="concept")
    for measure in made.measures:
        _need(after, Measure, measure, f'concept "{made.name}" lists')
    known = after.properties(made)
    lists = {"PRIMARY KEY": made.primary_key, "LABEL": made.label}
    lists |= {f'relationship "{one.name}"': one.source_properties for one in made.relationships}
    for where, names in lists.items():
        for name in names:
            if name.lower() not in known:
                raise Invalid(f'concept "{made.name}", {where}: it has no property "{name}"', code="property")
    repeated = _repeated([one.name for one in made.relationships])
    if repeated:
        raise Invalid(f'concept "{made.name}" declares relationship "{repeated}" twice', code="relationship")
    if made.logic is not None:
        base = _need(after, Concept, made.logic.base, f'concept "{made.name}" is drawn from')
        _check_condition(after, made, base, inspector)
    return Changes(add=[*new_properties, made])


def _element_properties(ontology: Ontology, statement: Create) -> list[Definition]:
    new: list[Definition] = []
    for name, type_ in statement.property_types.items():
        known = ontology.find(Property, name)
        if known is None:
            _check_property_name(name)
            if ontology.find(Measure, name) is not None:
                raise Invalid(f'"{name}" is the name of a measure already', code="exists")
            new.append(Property(name=name, type=type_))
        elif engine_type(known.type) != engine_type(type_):
            raise Invalid(
                f'property "{known.name}" has the type {known.type} in this ontology; "{statement.definition.name}" '
                f"states {type_}",
                code="property",
            )
    return new


def _check_condition(after: Ontology, made: Concept, base: Concept, inspector: Inspector) -> None:
    relations = Relations(after, _no_query, engine=inspector.engine)
    chain, seen = base, {made.key}
    while chain.logic is not None:
        if chain.key in seen:
            raise Invalid(f'the definition of concept "{made.name}" leads back to itself', code="concept")
        seen.add(chain.key)
        chain = _need(after, Concept, chain.logic.base, f'concept "{chain.name}" is drawn from')
    if chain.key in seen:
        raise Invalid(f'the definition of concept "{made.name}" leads back to itself', code="concept")
    for node in columns_of(relations.condition(made)):
        path = parse_path(column_text(node))
        if not path.segments:
            relations.property_key(base, path.name)
        elif made.logic is not None and made.logic.schema != "dtimbr":
            raise Invalid(f'concept "{made.name}": "{column_text(node)}" needs FROM dtimbr', code="concept")


def _no_query(text: str) -> exp.Query:
    raise AssertionError("a condition reads no mapping")


def _mapping(ontology: Ontology, made: ConceptMapping, inspector: Inspector) -> Changes:
    _check_datasource(made.datasource)
    known: dict[str, Property] = {}
    for name in made.concepts:
        concept = _need(ontology, Concept, name, f'mapping "{made.name}" fills')
        if concept.logic is not None:
            raise Invalid(f'concept "{concept.name}" is defined by a condition and takes no mapping', code="mapping")
        known |= ontology.properties(concept)
    made.columns, made.tables = inspector.mapping(made.query)
    for one in made.columns:
        if one.name.lower() not in known:
            raise Invalid(
                f'mapping "{made.name}" selects "{one.name}", which is no property of {", ".join(made.concepts)}; '
                "name each column after a property with AS",
                code="mapping",
            )
    repeated = _repeated([one.name for one in made.columns])
    if repeated:
        raise Invalid(f'mapping "{made.name}" selects "{repeated}" twice', code="mapping")
    changes = Changes(add=[made])
    for name in made.concepts:
        concept = _need(ontology, Concept, name, "")
        related = [*ontology.ancestors(concept)[1:], *ontology.descendants(concept)[1:]]
        mapped = [one.name for one in related if ontology.own_mappings(one)]
        if mapped:
            changes.warnings.append(f'"{concept.name}" and {", ".join(mapped)} are both mapped: rows may repeat')
    return changes


def _bridge(ontology: Ontology, made: Bridge, inspector: Inspector) -> Changes:
    _check_datasource(made.datasource)
    made.columns, made.tables = inspector.mapping(made.query)
    names = {one.name.lower() for one in made.columns}
    for end in made.ends:
        for name in end.columns:
            if name.lower() not in names:
                raise Invalid(
                    f'mapping "{made.name}", constraint "{end.relationship}": its query has no column "{name}"',
                    code="mapping",
                )
        concept = ontology.find(Concept, end.concept)
        for name in end.properties if concept is not None else []:
            assert concept is not None
            if name.lower() not in ontology.properties(concept):
                raise Invalid(f'concept "{concept.name}" has no property "{name}"', code="property")
    return Changes(add=[made])


def _view(ontology: Ontology, made: View, inspector: Inspector) -> Changes:
    _check_datasource(made.datasource)
    if not made.is_cube:
        after = ontology.with_changes(add=[made], drop=[])
        made.columns = inspector.view(after, made.query)
        return Changes(add=[made])
    definition = parse_query(made.query)
    source = cube_concept(made, definition)
    concept = _need(ontology, Concept, source.name, f'cube "{made.name}" stands on')
    relations = Relations(ontology, _no_query, engine=inspector.engine)
    made.columns = []
    for one in definition.selects:
        for node in columns_of(one):
            path = parse_path(column_text(node))
            end = relations.end_of(concept, path)
            if path.is_measure and path.name.lower() not in ontology.measures(end):
                raise Invalid(f'concept "{end.name}" has no measure "{path.name}"', code="measure")
            if not path.is_measure:
                relations.check_path(concept, path)
        made.columns.append(Selected(name=one.alias_or_name, type=_cube_type(ontology, one)))
    return Changes(add=[made])


def _cube_type(ontology: Ontology, one: object) -> str:
    for node in columns_of(one):  # type: ignore[arg-type]
        path = parse_path(column_text(node))
        found = ontology.find(Measure if path.is_measure else Property, path.name)
        if found is not None:
            return found.type  # type: ignore[attr-defined, no-any-return]
    return "string"


def _check_datasource(name: str) -> None:
    if name.lower() != DATASOURCE:
        raise Invalid(f'unknown datasource "{name}"; the warehouse is called "{DATASOURCE}"', code="datasource")


def _alter_tag(ontology: Ontology, statement: AlterTag) -> Changes:
    kinds: dict[str, type[Definition]] = {"concept": Concept, "property": Property, "view": View}
    found = _need(ontology, kinds[statement.kind], statement.name, "the ontology has")
    if found.key == THING and statement.kind == "concept":
        raise Invalid('"thing" takes no tags', code="tag")
    changed = msgspec.structs.replace(found, tags=dict(found.tags))
    if statement.value is not None:
        changed.tags[statement.tag] = statement.value
    elif changed.tags.pop(statement.tag, None) is None:
        raise Invalid(f'{statement.kind} "{found.name}" has no tag "{statement.tag}"', code="tag")
    return Changes(add=[changed])


def _drop(ontology: Ontology, statement: Drop) -> Changes:
    kinds: dict[str, tuple[type[Definition], ...]] = {
        "property": (Property,), "measure": (Measure,), "concept": (Concept,), "mapping": (ConceptMapping, Bridge),
        "view": (View,),
    }  # fmt: skip
    found = next(
        (one for one in (ontology.find(kind, statement.name) for kind in kinds[statement.kind]) if one is not None),
        None,
    )
    if found is None:
        if statement.if_exists:
            return Changes()
        raise Invalid(f'there is no {statement.kind} "{statement.name}" to drop', code="missing")
    users = _users(ontology, found)
    if users:
        raise Invalid(
            f'{statement.kind} "{found.name}" is used by {", ".join(users[:5])}: drop that first', code="used"
        )
    return Changes(drop=[found])


def _users(ontology: Ontology, found: Definition) -> list[str]:
    users: list[str] = []
    if isinstance(found, Concept):
        if found.key == THING:
            return ["every concept"]
        users += [
            f'concept "{one.name}"'
            for one in ontology.all(Concept)
            if found.key in {name.lower() for name in one.parents}
            or (one.logic is not None and one.logic.base.lower() == found.key)
        ]
        users += [f'mapping "{one.name}"' for one in ontology.own_mappings(found)]
    elif isinstance(found, Property | Measure):
        listed = "properties" if isinstance(found, Property) else "measures"
        users += [
            f'concept "{one.name}"'
            for one in ontology.all(Concept)
            if found.key in {name.lower() for name in getattr(one, listed)}
        ]
    return users


def _need(ontology: Ontology, kind: type[D], name: str, what: str) -> D:
    found = ontology.find(kind, name)
    if found is None:
        raise Invalid(f'{what} {kind.kind} "{name}", which does not exist', code="missing")
    return found


def _repeated(names: list[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            return name
        seen.add(name.lower())
    return None


def find_or_404(ontology: Ontology, kind: type[D], name: str) -> D:
    """The definition that a path of the API names.

    Raises:
        NotFound
    """
    found = ontology.find(kind, name)
    if found is None:
        raise NotFound(f'there is no {kind.kind} "{name[:80]}" in ontology "{ontology.name}"')
    return found
