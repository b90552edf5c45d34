"""The query string of the two GET routes as a query tree. Values become literals of the property's type.

Source: contracts/semantic.md, 2.5
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from tessera.kernel.errors import Invalid
from tessera.semantic.expressions import and_all
from tessera.semantic.ontology_model import ENTITY_COLUMNS, Concept, Ontology, Property, View
from tessera.semantic.paths import parse_path
from tessera.semantic.relations import engine_type
from tessera.semantic.system_tables import property_type
from tessera.warehouse import column, identifier, value

_COMPARED = {"gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE, "ne": exp.NEQ}
_OPERATORS = (*_COMPARED, "like", "in", "isnull")
_ALIAS = "t"


def concept_query(ontology: Ontology, concept: Concept, pairs: Sequence[tuple[str, str]]) -> exp.Select:
    """The query that a GET of a concept means; it reads `dtimbr`, so paths are columns too.

    Raises:
        Invalid: an unknown property or operator, or a value that is not of the property's type.
    """
    properties = ontology.properties(concept)
    types = {key: one.type for key, one in properties.items()} | dict.fromkeys(ENTITY_COLUMNS, "string")
    everything = [*ENTITY_COLUMNS, *(one.name for one in properties.values())]

    def type_of(name: str) -> str:
        path = parse_path(name)
        if not path.segments:
            found = types.get(name.lower())
        else:
            declared = ontology.find(Property, path.name)
            found = declared.type if declared is not None else "string"
        if found is None:
            raise Invalid(f'concept "{concept.name}" has no property "{name[:80]}"', field=name[:80], code="column")
        return found

    return _query("dtimbr", concept.name, everything, type_of, pairs)


def view_query(view: View, pairs: Sequence[tuple[str, str]]) -> exp.Select:
    """The query that a GET of a view means.

    Raises:
        Invalid: as `concept_query`.
    """
    types = {one.name.lower(): property_type(one.type) for one in view.columns}

    def type_of(name: str) -> str:
        found = types.get(name.lower())
        if found is None:
            raise Invalid(f'view "{view.name}" has no column "{name[:80]}"', field=name[:80], code="column")
        return found

    return _query("vtimbr", view.name, [one.name for one in view.columns], type_of, pairs)


def _query(
    schema: str, name: str, everything: list[str], type_of: object, pairs: Sequence[tuple[str, str]]
) -> exp.Select:
    assert callable(type_of)
    chosen, order = everything, []
    limit = offset = None
    equal: dict[str, list[exp.Expr]] = {}
    conditions: list[exp.Expr] = []
    for key, text in pairs:
        if key == "_select":
            chosen = [part.strip() for part in text.split(",") if part.strip()]
            for one in chosen:
                type_of(one)
        elif key == "_order":
            order = [part.strip() for part in text.split(",") if part.strip()]
        elif key == "_limit":
            limit = _count(key, text)
        elif key == "_offset":
            offset = _count(key, text)
        elif key != "datasource":
            prop, operator = _split(key)
            type_ = type_of(prop)
            node = column(prop, _ALIAS)
            if operator is None:
                equal.setdefault(prop, []).append(literal(prop, type_, text))
            else:
                conditions.append(_condition(node, prop, type_, operator, text))
    for prop, values in equal.items():
        node = column(prop, _ALIAS)
        conditions.append(
            exp.EQ(this=node, expression=values[0]) if len(values) == 1 else exp.In(this=node, expressions=values)
        )
    if not chosen:
        raise Invalid("_select names no column", field="_select")
    source = exp.Table(this=identifier(name), db=identifier(schema), alias=exp.TableAlias(this=identifier(_ALIAS)))
    query = exp.select(*[exp.alias_(column(one, _ALIAS), one, quoted=True) for one in chosen]).from_(source)
    if conditions:
        query = query.where(and_all(conditions))
    for part in order:
        prop = part.removeprefix("-")
        type_of(prop)
        query = query.order_by(exp.Ordered(this=column(prop, _ALIAS), desc=part.startswith("-"), nulls_first=False))
    if limit is not None:
        query = query.limit(limit)
    return query.offset(offset) if offset else query


def _split(key: str) -> tuple[str, str | None]:
    prop, mark, operator = key.rpartition("__")
    return (prop, operator) if mark and operator in _OPERATORS else (key, None)


def _condition(node: exp.Expr, prop: str, type_: str, operator: str, text: str) -> exp.Expr:
    if operator == "isnull":
        if text.lower() not in ("true", "false"):
            raise Invalid(f'{prop}__isnull has to be true or false; got "{text[:40]}"', field=f"{prop}__isnull")
        test: exp.Expr = exp.Is(this=node, expression=exp.null())
        return test if text.lower() == "true" else exp.Not(this=test)
    if operator == "like":
        return exp.Like(this=exp.cast(node, "text"), expression=value(text))
    if operator == "in":
        return exp.In(this=node, expressions=[literal(prop, type_, part) for part in text.split(",")])
    return _COMPARED[operator](this=node, expression=literal(prop, type_, text))


def _count(key: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Invalid(f'{key} has to be a whole number of 0 or more; got "{text[:40]}"', field=key)
    return int(text)


def literal(prop: str, type_: str, text: str) -> exp.Expr:
    """The text as a literal of the property's type.

    Raises:
        Invalid: it is none.
    """
    word = engine_type(type_).partition("(")[0]
    try:
        if word in ("SMALLINT", "INTEGER", "BIGINT"):
            return value(int(text))
        if word in ("DOUBLE", "DECIMAL"):
            number = Decimal(text)
            if not number.is_finite():
                raise ValueError(text)
            return value(number)
        if word == "DATE":
            return exp.cast(value(date.fromisoformat(text).isoformat()), "date")
        if word == "TIMESTAMP":
            return exp.cast(value(datetime.fromisoformat(text).isoformat(sep=" ")), "timestamp")
    except (ValueError, InvalidOperation):
        raise Invalid(f'{prop} is of type {type_}; "{text[:60]}" is none', field=prop, code="value") from None
    if word == "BOOLEAN":
        words = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() not in words:
            raise Invalid(f'{prop} is true or false; got "{text[:40]}"', field=prop, code="value")
        return value(words[text.lower()])
    return value(text)
