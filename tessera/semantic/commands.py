"""SHOW, DESCRIBE and the like: what clients ask an ontology about itself, answered without the warehouse.

Source: contracts/semantic.md, 6.4
"""

from __future__ import annotations

from typing import Any, Final

from tessera.identity import create_semantic_key
from tessera.kernel.access import Principal
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Forbidden, Invalid
from tessera.semantic.grants import Role, may, need
from tessera.semantic.lexer import Token, tokens_of
from tessera.semantic.ontology_model import DATASOURCE, THING, Concept, Edge, Ontology, Property, View
from tessera.semantic.rewrite import SCHEMAS
from tessera.semantic.system_tables import TABLES, described, property_type, tags_of

WORDS: Final = ("SHOW", "DESC", "DESCRIBE", "REFRESH", "USE")
MAXIMUM_GRAPH_DEPTH: Final = 5
Rows = list[dict[str, Any]]


def run(db: Database, ontology: Ontology, principal: Principal, text: str, engine: str) -> Rows:
    """The rows of one command.

    Raises:
        Invalid: an unknown command or name. Forbidden: the role is too low.
    """
    need(principal, Role.ACCESS, "this statement")
    tokens = tokens_of(text)
    words = [token.value.upper() if token.kind == "word" else "" for token in tokens]
    if words[0] == "SHOW":
        return _show(db, ontology, principal, tokens, words, engine)
    if words[0] in ("DESC", "DESCRIBE"):
        return _describe(ontology, tokens, words)
    if words[0] == "USE" or words[:2] == ["REFRESH", "PERMISSIONS"]:
        return []
    raise Invalid(f'unknown statement "{text[:60]}"', code="syntax")


def _show(
    db: Database, ontology: Ontology, principal: Principal, tokens: list[Token], words: list[str], engine: str
) -> Rows:
    match words[1]:
        case "VERSION":
            return [{"id": ontology.version}]
        case "TOKEN":
            if words[2] == "FOR" and tokens[3].value != principal.username:
                raise Forbidden("a token is shown to its owner alone; make one for somebody else in identity")
            if not principal.may("semantic", "admin"):
                raise Forbidden("a new token needs a credential with the scope semantic:admin", code="scope")
            return [{"token": db.write_now(_new_token, principal)}]
        case "TAGS":
            names = ("target_type", "target_name", "tag_name", "tag_value")
            return [dict(zip(names, row, strict=True)) for row in tags_of(ontology)]
        case "DATASOURCES":
            return [{"datasource": DATASOURCE, "target_type": engine, "is_active": 1}]
        case "SCHEMAS" | "DATABASES":
            return [{"schema_name": name} for name in SCHEMAS]
        case "CONCEPTS":
            return [{"concept": one.name, "description": one.description} for one in ontology.all(Concept)]
        case "CONFIG":
            return [{"name": name, "value": text} for name, text in ontology.settings.items()]
        case "TABLES":
            schema = "timbr"
            if words[2] in ("IN", "FROM"):
                schema = tokens[3].value.lower()
            return _tables(ontology, principal, schema)
    raise Invalid(f'unknown statement "SHOW {tokens[1].value[:40]}"', code="syntax")


def _new_token(tx: Tx, principal: Principal) -> str:
    return create_semantic_key(tx, owner=principal)


def _tables(ontology: Ontology, principal: Principal, schema: str) -> Rows:
    if schema not in SCHEMAS:
        raise Invalid(f'unknown schema "{schema[:40]}"; schemas are {", ".join(SCHEMAS)}', code="schema")
    if not may(principal, Role.QUERY):
        return []
    if schema == "vtimbr":
        return [{"tab_name": one.name} for one in ontology.all(View)]
    names = [one.name for one in ontology.all(Concept)]
    return [{"tab_name": name} for name in names + (list(TABLES) if schema == "timbr" else [])]


def _describe(ontology: Ontology, tokens: list[Token], words: list[str]) -> Rows:
    at = 1
    is_concept = words[at] == "CONCEPT" and tokens[at + 1].is_name
    at += is_concept
    parts = [tokens[at].value]
    while tokens[at + 1].is_mark("."):
        at += 2
        parts.append(tokens[at].value)
    schema, name = (parts[-2].lower() if len(parts) > 1 else "timbr"), parts[-1]
    if schema not in SCHEMAS:
        raise Invalid(f'unknown schema "{schema[:40]}"; schemas are {", ".join(SCHEMAS)}', code="schema")
    if schema == "vtimbr":
        view = ontology.find(View, name)
        if view is None:
            raise Invalid(f'unknown view "{name[:80]}" in ontology "{ontology.name}"', code="view")
        return [_row(one.name, property_type(one.type), "") for one in view.columns]
    system = TABLES.get(name.lower())
    if system is not None:
        return [_row(one, "string", "") for one in system[0]]
    concept = ontology.find(Concept, name)
    if concept is None:
        raise Invalid(f'unknown concept "{name[:80]}" in ontology "{ontology.name}"', code="concept")
    depth = _graph_depth(tokens, at + 1)
    rows = [_row(*one) for one in described(ontology, concept)]
    if schema == "dtimbr":
        rows += [_row(f"measure.{one.name}", one.type, one.description) for one in ontology.measures(concept).values()]
        rows += _paths(ontology, concept, "", depth)
    if is_concept:
        _mark(ontology, concept, rows)
    return rows


def _graph_depth(tokens: list[Token], at: int) -> int:
    if not tokens[at].is_word("OPTIONS"):
        return 0
    options = {
        tokens[index].value.lower(): tokens[index + 2].value
        for index in range(at, len(tokens) - 2)
        if tokens[index + 1].is_mark("=")
    }
    text = options.get("graph_depth", "0")
    if not text.isdigit() or int(text) > MAXIMUM_GRAPH_DEPTH:
        raise Invalid(f'graph_depth is a whole number from 0 to {MAXIMUM_GRAPH_DEPTH}; got "{text[:20]}"')
    return int(text)


def _paths(ontology: Ontology, concept: Concept, prefix: str, depth: int) -> Rows:
    if depth < 1:
        return []
    rows: Rows = []
    for edge in ontology.edges(concept):
        target = ontology.find(Concept, edge.target)
        if target is None or target.key == THING:
            continue
        steps = _steps(ontology, edge)
        segment = f"{prefix}{edge.name}[{target.name}{steps}]"
        rows += [_row(f"{segment}.{name}", type_, comment) for name, type_, comment in described(ontology, target)]
        rows += [
            _row(f"measure.{segment}.{one.name}", one.type, one.description)
            for one in ontology.measures(target).values()
        ]
        for bridge in ontology.bridges(edge.declared):
            keys = {name.lower() for end in bridge.ends for name in end.columns}
            rows += [
                _row(f"{segment}_{one.name}", property_type(one.type), "")
                for one in bridge.columns
                if one.name.lower() not in keys
            ]
        if steps:
            rows.append(_row(f"{segment}_transitivity_level", "integer", ""))
        rows += _paths(ontology, target, f"{segment}.", depth - 1)
    return rows


def _steps(ontology: Ontology, edge: Edge) -> str:
    return "" if edge.transitivity is None else f"*{ontology.depth(edge.transitivity)}"


def _row(name: str, type_: str, comment: str) -> dict[str, Any]:
    return {"col_name": name, "data_type": type_, "comment": comment}


def _mark(ontology: Ontology, concept: Concept, rows: Rows) -> None:
    """The two further columns of DESCRIBE CONCEPT."""
    primary = {name.lower() for name in ontology.primary_key(concept)}
    foreign = {
        name.lower() for edge in ontology.edges(concept) if not edge.is_inverse for name in edge.source_properties
    }
    own = {name.lower() for name in concept.properties}
    for row in rows:
        key = row["col_name"].lower()
        row["key"] = "PK" if key in primary else "FK" if key in foreign else ""
        is_inherited = ontology.find(Property, key) is not None and key not in own
        row["inheritance_marker"] = "inherited" if is_inherited else ""
