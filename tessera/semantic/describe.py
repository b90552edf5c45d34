"""The description of an ontology as JSON (R5).

Source: contracts/semantic.md, 2.3
"""

from __future__ import annotations

from typing import Any

from tessera.semantic.ontology_model import DATASOURCE, THING, Concept, Measure, Ontology, Property, View
from tessera.semantic.relations import Relations
from tessera.semantic.system_tables import property_type


def description_of(ontology: Ontology, engine: str) -> dict[str, Any]:
    """All concepts, views and datasources."""
    return {
        "ontology": ontology.name,
        "description": ontology.description,
        "version": ontology.version,
        "concepts": [_concept(ontology, one) for one in ontology.all(Concept) if one.key != THING],
        "views": [
            {
                "view": one.name,
                "description": one.description,
                "is_cube": one.is_cube,
                "properties": [{"name": c.name, "type": property_type(c.type)} for c in one.columns],
                "tags": one.tags,
            }
            for one in ontology.all(View)
        ],
        "datasources": [{"datasource": DATASOURCE, "target_type": engine, "is_active": True}],
    }


def _concept(ontology: Ontology, concept: Concept) -> dict[str, Any]:
    relations = Relations(ontology, _no_query)
    properties: list[Property | Measure] = [
        *ontology.properties(concept).values(),
        *ontology.measures(concept).values(),
    ]
    return {
        "concept": concept.name,
        "description": concept.description,
        "inherits": concept.parents,
        "primary_key": ontology.primary_key(concept),
        "label": ontology.label(concept),
        "logic": f"FROM {concept.logic.schema}.{concept.logic.base} WHERE {concept.logic.condition}"
        if concept.logic
        else None,
        "properties": [
            {
                "name": one.name,
                "type": one.type,
                "description": one.description,
                "is_measure": isinstance(one, Measure),
                "is_multi": isinstance(one, Property) and one.is_multi,
                "logic": one.logic,
            }
            for one in properties
        ],
        "relationships": [
            {
                "name": one.name,
                "target": one.target,
                "inverse": one.inverse,
                "is_mtm": one.is_mtm,
                "transitivity": None if one.transitivity is None else ontology.depth(one.transitivity),
                "source_properties": list(one.source_properties),
                "target_properties": list(one.target_properties),
                "additional_properties": [found.name for found in relations.edge_columns(one)],
            }
            for one in ontology.edges(concept)
        ],
        "mappings": [{"name": one.name, "datasource": one.datasource} for one in ontology.own_mappings(concept)],
        "tags": concept.tags,
    }


def _no_query(text: str) -> Any:
    raise AssertionError("a description reads no mapping")
