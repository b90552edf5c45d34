"""Running one body of SQL: which kind of statement it is, who may, the plan (kept by version), the answer as JSON.

Source: contracts/semantic.md, 2.1, 6.3 and 11
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct
from sqlglot import exp

from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Forbidden, Invalid, NotFound
from tessera.kernel.http import to_json
from tessera.semantic import commands, ontologies
from tessera.semantic.grants import Role, need
from tessera.semantic.lexer import statements_of
from tessera.semantic.nesting import Flags, Shape
from tessera.semantic.ontologies import Rewritten, rewritten
from tessera.semantic.ontology_model import DATASOURCE, SYSTEM_ONTOLOGY, Ontology
from tessera.semantic.rewrite import Caller
from tessera.semantic.statements import CreateOntology, parse_definition
from tessera.warehouse import Cancel, JsonForm, Limits, QueryFailed, Warehouse

MAXIMUM_BYTES: Final = 1024 * 1024
PLANS: Final = 1000
"""Rewritten queries kept in memory, least recently used first out. A plan holds its ontology's version in its key."""
_OBJECTS: Final = JsonForm(timestamps="blank", booleans_as_numbers=True, nested_as_text=True)
_ARRAYS: Final = JsonForm(rows="arrays", timestamps="blank", booleans_as_numbers=True, nested_as_text=True)
_plans: OrderedDict[tuple[Any, ...], Rewritten] = OrderedDict()

QUERY_WORDS: Final = ("SELECT", "WITH", "(")
DEFINITION_WORDS: Final = ("CREATE", "ALTER", "DROP")
_DENIED: Final = {
    "GRANT": "roles are given in identity (POST /identity/people/{id}/roles), not by GRANT",
    "REVOKE": "roles are taken in identity, not by REVOKE",
}


class Asked(Struct, frozen=True, kw_only=True):
    """A request to run SQL, as its headers and path say."""

    ontology: str
    sql: str
    flags: Flags
    limit: int
    seconds: float
    datasource: str | None = None


class Answer(Struct, frozen=True):
    """Rows as a JSON array; `is_cut`: the limit left rows out."""

    rows: Raw
    is_cut: bool = False


def run(db: Database, warehouse: Warehouse, principal: Principal, asked: Asked, cancel: Cancel | None = None) -> Answer:
    """Run the body. Blocks: call it in a thread.

    Raises:
        Invalid: syntax, an unknown name, two queries in one body. Forbidden: the role is too low, or the statement is
            never allowed. NotFound: no such ontology.
    """
    if len(asked.sql.encode()) > MAXIMUM_BYTES:
        raise Invalid(f"the query is longer than {MAXIMUM_BYTES} bytes", status=413)
    check_datasource(asked.datasource)
    pieces = statements_of(asked.sql)
    if not pieces:
        raise Invalid("the query is empty", code="syntax")
    words = [first_word(piece) for piece in pieces]
    if any(word not in DEFINITION_WORDS for word in words) and len(pieces) > 1:
        raise Invalid(
            f"{len(pieces)} statements in one body: only definitions may come together, a query comes alone",
            code="syntax",
        )
    word = words[0]
    if word in QUERY_WORDS:
        return query(warehouse, principal, ontologies.read_ontology_now(db, asked.ontology), asked.sql, asked, cancel)
    if word in DEFINITION_WORDS:
        return _define_all(db, warehouse, principal, asked.ontology, pieces)
    if word == "EXPLAIN":
        return _explain(db, warehouse, principal, asked, pieces[0])
    if word in commands.WORDS:
        ontology = ontologies.read_ontology_now(db, asked.ontology)
        return Answer(Raw(to_json(commands.run(db, ontology, principal, pieces[0], warehouse.dialect))))
    raise Forbidden(_DENIED.get(word, f'the statement "{word[:40]}" is never allowed here'), code="statement")


def check_datasource(name: str | None) -> None:
    """Refuse any datasource but the warehouse.

    Raises:
        Invalid
    """
    if name is not None and name.lower() != DATASOURCE:
        raise Invalid(f'unknown datasource "{name[:80]}"; the warehouse is called "{DATASOURCE}"', code="datasource")


def first_word(statement: str) -> str:
    """The first keyword in capitals, or `(`."""
    head = statement.lstrip()
    if head.startswith("("):
        return "("
    length = next((n for n, letter in enumerate(head) if not (letter.isalnum() or letter == "_")), len(head))
    return head[:length].upper() or head[:1]


def query(
    warehouse: Warehouse,
    principal: Principal,
    ontology: Ontology,
    sql: str,
    asked: Asked,
    cancel: Cancel | None = None,
    plan: Rewritten | None = None,
) -> Answer:
    """The rows of one query, nested where the flags and the select list ask for it."""
    plan = plan or planned(ontology, sql, principal, warehouse.dialect)
    need(principal, Role.QUERY if plan.reads_concepts else Role.ACCESS, "a query")
    limits = Limits(seconds=asked.seconds, rows=asked.limit)
    may_nest = asked.flags.nested and "entity_id" in plan.names
    try:
        with warehouse.reading(limits=limits, cancel=cancel) as reader:
            found = reader.json_rows(plan.tree, form=_ARRAYS if may_nest else _OBJECTS)
    except QueryFailed as failed:
        raise _without_tables(failed, plan) from None
    if not may_nest:
        return Answer(found.json, found.is_cut)
    columns = [(name, of.type) for name, of in zip(_names(plan, found.columns), found.columns, strict=True)]
    shape = Shape(ontology, columns, asked.flags)
    rows: list[list[Any]] = msgspec.json.decode(found.json)
    if shape.applies:
        return Answer(Raw(to_json(shape.nest(rows))), found.is_cut)
    names = [name for name, _ in columns]
    return Answer(Raw(to_json([dict(zip(names, row, strict=True)) for row in rows])), found.is_cut)


def _without_tables(failed: QueryFailed, plan: Rewritten) -> QueryFailed:
    """The engine's words, unless they name a table: callers know concepts, not where their rows lie."""
    told = failed.message.lower()
    if any(node.name.lower() in told for node in plan.tree.find_all(exp.Table) if node.db):
        return QueryFailed("a table behind this query is not as its mapping expects: ask an editor of the ontology")
    return failed


def _names(plan: Rewritten, columns: Sequence[Any]) -> list[str]:
    return plan.names if len(plan.names) == len(columns) else [one.name for one in columns]


def planned(ontology: Ontology, sql: str, principal: Principal, engine: str) -> Rewritten:
    """The rewritten query; made once for an ontology's version, the text and, where the text asks, the caller."""
    caller = Caller(principal.username, tuple(role for role in [principal.role("semantic")] if role))
    who = caller if "timbr_" in sql.lower() else None
    key = (ontology.id, ontology.version, sql, engine, who)
    plan = _plans.get(key)
    if plan is None:
        plan = rewritten(ontology, sql, caller, engine)
        while len(_plans) >= PLANS:
            _plans.popitem(last=False)
        _plans[key] = plan
    return plan


def _define_all(db: Database, warehouse: Warehouse, principal: Principal, ontology: str, pieces: list[str]) -> Answer:
    """Each statement is its own transaction: an error keeps what came before it."""
    name = ontology
    for number, piece in enumerate(pieces, 1):
        try:
            statement = parse_definition(piece)
            need(principal, Role.EDIT, "a definition")
            ontologies.define(db, warehouse, principal, name, statement)
        except (Invalid, NotFound) as problem:
            if len(pieces) > 1:
                problem.message = f"statement {number} of {len(pieces)}: {problem.message}"
            raise
        if isinstance(statement, CreateOntology) and name == SYSTEM_ONTOLOGY:
            # A script that is sent to system_db begins with its ontology; what follows belongs to it.
            name = statement.name
    return Answer(Raw(b"[]"))


def _explain(db: Database, warehouse: Warehouse, principal: Principal, asked: Asked, piece: str) -> Answer:
    text = piece.lstrip()[len("EXPLAIN") :].strip()
    if first_word(text) not in QUERY_WORDS:
        raise Invalid("EXPLAIN takes a SELECT", code="syntax")
    ontology = ontologies.read_ontology_now(db, asked.ontology)
    plan = planned(ontology, text, principal, warehouse.dialect)
    need(principal, Role.QUERY if plan.reads_concepts else Role.ACCESS, "EXPLAIN")
    with warehouse.reading(limits=Limits(seconds=asked.seconds)) as reader:
        columns = reader.describe(plan.tree)
    shown = f"query over ontology {ontology.name} with columns {', '.join(one.name for one in columns)}"
    try:
        need(principal, Role.EDIT, "the rewritten SQL")
        shown = plan.tree.sql(dialect=warehouse.dialect, pretty=True)
    except Forbidden:
        pass
    return Answer(Raw(to_json([{"PLAN": shown}])))
