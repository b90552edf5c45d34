"""The tables `sys_*` that describe an ontology, as rows and as derived tables that a query can read.

Source: contracts/semantic.md, 8
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlglot import exp

from tessera.semantic.ontology_model import (
    DATASOURCE,
    ENTITY_COLUMNS,
    THING,
    Concept,
    ConceptMapping,
    Measure,
    Ontology,
    Property,
    View,
)
from tessera.warehouse import identifier, type_of, value

Row = tuple[Any, ...]
_NUMBERS = {
    "inheritance_level", "is_measure", "is_multi", "is_inverse", "is_mtm", "transitivity", "number_of_rows", "is_cube",
    "distinct_count", "non_null_count", "number_of_questions", "validate_sql", "is_active",
}  # fmt: skip


def _concepts(ontology: Ontology) -> Iterable[Row]:
    return ((one.name, one.description) for one in ontology.all(Concept))


def _ontology(ontology: Ontology) -> Iterable[Row]:
    for one in ontology.all(Concept):
        inherited = "" if one.key == THING else _comma([*_but_thing(one.parents), THING])
        query = ""
        if one.logic is not None:
            # Shown to clients; it is never run.
            query = f"SELECT * FROM `{one.logic.schema}`.`{one.logic.base}` WHERE {one.logic.condition}"  # noqa: S608
        yield (
            one.name, inherited, level_of(ontology, one), _comma(one.primary_key), _comma(one.label), one.description,
            query,
        )  # fmt: skip


def level_of(ontology: Ontology, concept: Concept) -> int:
    """`thing` is 0, its children 1."""
    if concept.key == THING:
        return 0
    parents = [one for one in ontology.parents(concept) if one.key != THING]
    return 1 + max((level_of(ontology, one) for one in parents), default=0)


def _but_thing(names: list[str]) -> list[str]:
    return [name for name in names if name.lower() != THING]


def _properties(ontology: Ontology) -> Iterable[Row]:
    for one in ontology.all(Property):
        logic = f"SELECT {one.logic}" if one.logic else ""
        yield (one.name, one.type, 0, int(one.is_multi), one.description, logic)
    for measure in ontology.all(Measure):
        logic = f"SELECT {measure.logic}" + (f" WHERE {measure.where}" if measure.where else "")
        yield (measure.name, measure.type, 1, 0, measure.description, logic)


def _concept_properties(ontology: Ontology) -> Iterable[Row]:
    for concept in ontology.all(Concept):
        if concept.key == THING:
            continue
        tables = _tables(ontology, concept)
        listed: list[Property | Measure] = [
            *ontology.properties(concept).values(),
            *ontology.measures(concept).values(),
        ]
        for one in listed:
            yield (concept.name, one.name, one.type, tables, DATASOURCE)


def _tables(ontology: Ontology, concept: Concept) -> str:
    return _comma(
        dict.fromkeys(
            table
            for one in ontology.descendants(concept)
            for mapping in ontology.own_mappings(one)
            for table in mapping.tables
        )
    )


def _relationships(ontology: Ontology) -> Iterable[Row]:
    for concept in ontology.all(Concept):
        if concept.key == THING:
            continue
        for edge in ontology.edges(concept):
            tables = _comma(
                dict.fromkeys(table for bridge in ontology.bridges(edge.declared) for table in bridge.tables)
            )
            transitivity = 0 if edge.transitivity is None else edge.transitivity or -1
            yield (
                concept.name, edge.name, edge.target, edge.inverse or "", int(edge.is_inverse), int(edge.is_mtm),
                _comma(edge.source_properties), _comma(edge.target_properties), edge.description, transitivity, tables,
                DATASOURCE,
            )  # fmt: skip


def _mappings(ontology: Ontology) -> Iterable[Row]:
    for one in ontology.all(ConceptMapping):
        for concept in one.concepts:
            yield (concept, one.name, -1, _comma(one.tables), one.datasource)


def _views(ontology: Ontology) -> Iterable[Row]:
    return ((one.name, one.description, int(one.is_cube), "", -1) for one in ontology.all(View))


def _view_properties(ontology: Ontology) -> Iterable[Row]:
    for view in ontology.all(View):
        for one in view.columns:
            yield (view.name, one.name, property_type(one.type))


def _tags(ontology: Ontology) -> Iterable[Row]:
    return tags_of(ontology)


def tags_of(ontology: Ontology) -> list[Row]:
    """What SHOW TAGS lists: kind of target, its name, tag, value."""
    kinds: tuple[tuple[type[Concept] | type[View] | type[Property], str], ...] = (
        (Concept, "concept"), (View, "ontology view"), (Property, "property"),
    )  # fmt: skip
    return [
        (word, one.name, tag, text)
        for kind, word in kinds
        for one in ontology.all(kind)
        for tag, text in one.tags.items()
    ]


def property_type(engine_type: str) -> str:
    """A column's type in the words of properties."""
    word = engine_type.upper().partition("(")[0].strip()
    words = {
        "TEXT": "string", "VARCHAR": "string", "INTEGER": "integer", "INT": "integer", "BIGINT": "bigint",
        "HUGEINT": "bigint", "INT128": "bigint", "SMALLINT": "smallint", "TINYINT": "tinyint", "DOUBLE": "double",
        "REAL": "float", "FLOAT": "float", "DECIMAL": "decimal", "BOOLEAN": "boolean", "DATE": "date",
        "TIMESTAMP": "timestamp", "TIMESTAMPTZ": "timestamp", "TIME": "time", "BLOB": "binary",
    }  # fmt: skip
    return words.get(word, engine_type.lower())


def _nothing(ontology: Ontology) -> Iterable[Row]:
    return ()


def _comma(names: Iterable[str]) -> str:
    return ",".join(names)


TABLES: dict[str, tuple[tuple[str, ...], Callable[[Ontology], Iterable[Row]]]] = {
    "sys_ontologies": (("ontology", "description"), lambda ontology: [(ontology.name, ontology.description)]),
    "sys_domains": (("name", "description", "ontologies"), _nothing),
    "sys_concepts": (("concept", "description"), _concepts),
    "sys_ontology": (
        ("concept", "inheritance", "inheritance_level", "primary_keys", "label_keys", "description", "query"),
        _ontology,
    ),
    "sys_properties": (
        ("property_name", "property_type", "is_measure", "is_multi", "description", "logic_query"),
        _properties,
    ),
    "sys_concept_properties": (
        ("concept", "property_name", "property_type", "tables", "datasource_id"),
        _concept_properties,
    ),
    "sys_concept_relationships": (
        (
            "concept", "relationship_name", "target_concept", "inverse_name", "is_inverse", "is_mtm",
            "source_properties", "target_properties", "description", "transitivity", "tables", "datasource_id",
        ),
        _relationships,
    ),
    "sys_concept_mappings": (
        ("concept", "mapping_name", "number_of_rows", "tables", "datasource_id"),
        _mappings,
    ),
    "sys_views": (("view_name", "description", "is_cube", "tables", "number_of_rows"), _views),
    "sys_view_properties": (("view_name", "property_name", "property_type"), _view_properties),
    "sys_tags": (("target_type", "target_name", "tag_name", "tag_value"), _tags),
    "sys_properties_statistics": (
        ("property_name", "target_name", "target_type", "distinct_count", "non_null_count", "stats", "updated_at"),
        _nothing,
    ),
    "sys_agents": (("agent_name", "knowledge_bases"), _nothing),
    "sys_agents_options": (("agent_name", "option_name", "option_value"), _nothing),
    "sys_agents_benchmarks": (
        (
            "benchmark_name", "agent_name", "description", "number_of_questions", "benchmark", "updated_at",
            "changed_by_user",
        ),
        _nothing,
    ),
    "sys_knowledgebase": (("knowledge_base", "ontologies", "changed_on"), _nothing),
    "sys_knowledgebase_examples": (
        (
            "knowledge_base", "example_name", "question", "query", "instructions", "validate_sql", "changed_on",
        ),
        _nothing,
    ),
    "sys_knowledgebase_rules": (
        (
            "knowledge_base", "rule_name", "rule_type", "target_name", "target_type", "instructions", "changed_on",
        ),
        _nothing,
    ),
}  # fmt: skip


def system_table(ontology: Ontology, name: str) -> tuple[exp.Query, list[str]] | None:
    """A system table as a query of constants with the names of its columns; None where the name is no system table."""
    found = TABLES.get(name.lower())
    if found is None:
        return None
    names, rows_of = found
    types = ["BIGINT" if one in _NUMBERS else "TEXT" for one in names]
    rows = list(rows_of(ontology))
    if not rows:
        nulls = [
            exp.alias_(exp.cast(exp.null(), type_of(type_)), one, quoted=True)
            for one, type_ in zip(names, types, strict=True)
        ]
        return exp.select(*nulls).where(exp.false()), list(names)
    values = exp.Values(
        expressions=[exp.Tuple(expressions=[value(one) for one in row]) for row in rows],
        alias=exp.TableAlias(this=identifier("s"), columns=[identifier(one) for one in names]),
    )
    columns = [
        exp.alias_(exp.cast(exp.Column(this=identifier(one), table=identifier("s")), type_of(type_)), one, quoted=True)
        for one, type_ in zip(names, types, strict=True)
    ]
    return exp.select(*columns).from_(values), list(names)


def described(ontology: Ontology, concept: Concept) -> list[tuple[str, str, str]]:
    """What DESCRIBE lists for a concept: name, type, comment."""
    rows: list[tuple[str, str, str]] = [(name, "string", "") for name in ENTITY_COLUMNS]
    rows += [(one.name, one.type, one.description) for one in ontology.properties(concept).values()]
    return rows
