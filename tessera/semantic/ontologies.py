"""Reading, making and changing ontologies: each statement one transaction, each change a new version.

Source: contracts/semantic.md, 5
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Struct
from sqlglot import exp

from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.db import Database, IntegrityError, Tx, violates
from tessera.kernel.errors import Conflict, Invalid, NotFound
from tessera.semantic import store
from tessera.semantic.define import Changes, apply
from tessera.semantic.expressions import TesseraSQL
from tessera.semantic.ontology_model import (
    DEFAULT_SETTINGS,
    SYSTEM_ONTOLOGY,
    Bridge,
    ConceptMapping,
    Ontology,
    Selected,
)
from tessera.semantic.relations import Relations
from tessera.semantic.rewrite import Caller, Rewriter
from tessera.semantic.statements import AlterOntology, AlterTag, Create, CreateOntology, Drop, Statement
from tessera.semantic.system_tables import system_table
from tessera.warehouse import LANDING, Table, Warehouse, check_select, safe_select

T = TypeVar("T")
ATTEMPTS: Final = 8
"""Times that a definition is judged again because another one came in between."""
KEPT: Final = 200
"""Ontologies kept in memory; the least recently made goes first."""
_known: dict[tuple[str, str], tuple[int, Ontology]] = {}


class _ChangedMeanwhile(Exception):
    """Another definition was stored between judging this one and storing it."""


# -- reading ---------------------------------------------------------------------------------------------------------


async def read_ontology(db: Database, name: str) -> Ontology:
    """The ontology at its present version; parsed once a version.

    Raises:
        NotFound: there is none of that name.
    """
    return _remembered(db, name) or _remember(db, name, *await db.read(_load, db, name))


def read_ontology_now(db: Database, name: str) -> Ontology:
    """`read_ontology` for threads."""
    return _remembered(db, name) or _remember(db, name, *db.read_now(_load, db, name))


def _remembered(db: Database, name: str) -> Ontology | None:
    if name == SYSTEM_ONTOLOGY:
        return Ontology(SYSTEM_ONTOLOGY, version="system", description="Statements that belong to no ontology")
    known = _known.get((db.url, name))
    return known[1] if known is not None and known[0] == db.epoch(store.epoch(name)) else None


def _load(tx: Tx, db: Database, name: str) -> tuple[int, Ontology | None]:
    # The epoch first: a change in between makes the entry look older than it is, never newer.
    return db.epoch(store.epoch(name)), store.find_ontology(tx, name)


def _remember(db: Database, name: str, epoch: int, found: Ontology | None) -> Ontology:
    if found is None:
        raise NotFound(f'there is no ontology "{name[:80]}"')
    while len(_known) >= KEPT:
        _known.pop(next(iter(_known)), None)
    _known[(db.url, name)] = (epoch, found)
    return found


# -- changing --------------------------------------------------------------------------------------------------------


def create(tx: Tx, principal: Principal, name: str, *, description: str = "") -> str:
    """Make an ontology; its id.

    Raises:
        Invalid: the name is taken (`system_db` always is).
    """
    if name == SYSTEM_ONTOLOGY:
        raise Invalid(f'"{SYSTEM_ONTOLOGY}" is the name of the ontology of the system', code="exists")
    made = str(uuid.uuid4())
    if store.find_version(tx, name) is not None:
        raise Invalid(f'ontology "{name}" exists', code="exists")
    try:
        store.insert_ontology(
            tx, id=made, name=name, description=description, settings={}, version=_version(), created_by=principal.id
        )
    except IntegrityError as error:
        if violates(error, "unique"):
            raise Invalid(f'ontology "{name}" exists', code="exists") from None
        raise
    _changed(tx, principal, name, made, "created")
    return made


def define(db: Database, warehouse: Warehouse, principal: Principal, name: str, statement: Statement) -> list[str]:
    """Apply one definition statement to the ontology `name`; warnings, if any. Blocks: call it in a thread.

    Raises:
        Invalid: the statement breaks a rule. NotFound: no such ontology.
    """
    if isinstance(statement, CreateOntology):
        db.write_now(_create_or_describe, principal, statement)
        return []
    if isinstance(statement, AlterOntology):
        db.write_now(_alter_ontology, principal, statement)
        return []
    if isinstance(statement, Drop) and statement.kind == "ontology":
        db.write_now(_drop_ontology, principal, statement)
        return []
    assert isinstance(statement, Create | AlterTag | Drop)
    if name == SYSTEM_ONTOLOGY:
        raise Invalid(f'"{SYSTEM_ONTOLOGY}" takes no definitions: send them to the ontology that they belong to')
    inspector = WarehouseInspector(warehouse)
    for _ in range(ATTEMPTS):
        before = db.read_now(store.find_ontology, name)
        if before is None:
            raise NotFound(f'there is no ontology "{name[:80]}"')
        changes = apply(before, statement, inspector)
        try:
            db.write_now(_store_changes, principal, before, changes)
        except _ChangedMeanwhile:
            continue
        return changes.warnings
    raise Conflict(f'ontology "{name}" is being changed by others; try again')


def _store_changes(tx: Tx, principal: Principal, before: Ontology, changes: Changes) -> None:
    tx.lock(store.epoch(before.name))
    if store.find_version(tx, before.name) != before.version:
        raise _ChangedMeanwhile
    for one in changes.drop:
        store.delete_definition(tx, before.id, one)
    for one in changes.add:
        store.put_definition(tx, before.id, one)
    if changes.add or changes.drop:
        store.update_ontology(tx, before.id, version=_version())
        names = [f"{one.kind} {one.name}" for one in [*changes.add, *changes.drop]]
        _changed(tx, principal, before.name, before.id, "changed", objects=names)


def _create_or_describe(tx: Tx, principal: Principal, statement: CreateOntology) -> None:
    known = store.find_ontology(tx, statement.name) if statement.replace else None
    if known is None:
        create(tx, principal, statement.name, description=statement.description)
        return
    # Replacing an ontology keeps what is in it: only its description is what the statement says.
    store.update_ontology(tx, known.id, version=_version(), description=statement.description)
    _changed(tx, principal, known.name, known.id, "changed")


def _alter_ontology(tx: Tx, principal: Principal, statement: AlterOntology) -> None:
    known = store.find_ontology(tx, statement.name)
    if known is None:
        raise NotFound(f'there is no ontology "{statement.name[:80]}"')
    settings = None
    if statement.setting is not None:
        name, value = statement.setting
        if name not in DEFAULT_SETTINGS:
            raise Invalid(f'unknown setting "{name}"; settings are {", ".join(DEFAULT_SETTINGS)}', code="setting")
        if name == "default_transitivity" and not (value.isdigit() and 1 <= int(value) <= 20):
            raise Invalid(f'default_transitivity is a whole number from 1 to 20; got "{value}"', code="setting")
        settings = {**known.settings, name: value}
    store.update_ontology(tx, known.id, version=_version(), description=statement.description, settings=settings)
    _changed(tx, principal, known.name, known.id, "changed")


def _drop_ontology(tx: Tx, principal: Principal, statement: Drop) -> None:
    known = store.find_ontology(tx, statement.name)
    if known is None:
        if statement.if_exists:
            return
        raise NotFound(f'there is no ontology "{statement.name[:80]}"')
    store.delete_ontology(tx, known.id)
    _changed(tx, principal, known.name, known.id, "deleted")


def _changed(tx: Tx, principal: Principal, name: str, id: str, verb: str, objects: list[str] | None = None) -> None:
    tx.bump(store.epoch(name))
    data = {"name": name} | ({"objects": objects} if objects else {})
    events.record(tx, f"semantic.ontology.{verb}", package="semantic", by=principal, of=id, data=data)


def _version() -> str:
    return secrets.token_hex(16)


# -- the warehouse's part --------------------------------------------------------------------------------------------


class WarehouseInspector:
    """What the warehouse says of a definition's SQL."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self.engine = warehouse.dialect

    def mapping(self, query: str) -> tuple[list[Selected], list[str]]:
        """See `define.Inspector`."""
        known = {info.table for info in self._warehouse.tables()}
        tree = safe_select(query, dialect=TesseraSQL, tables=known, default_schema=LANDING, engine=self.engine)
        used = sorted({f"{node.db}.{node.name}" for node in tree.find_all(exp.Table) if node.db})
        return self._described(tree), used

    def view(self, ontology: Ontology, query: str) -> list[Selected]:
        """See `define.Inspector`."""
        return self._described(rewritten(ontology, query, Caller("view"), self.engine).tree)

    def _described(self, tree: exp.Query) -> list[Selected]:
        with self._warehouse.reading() as reader:
            return [Selected(name=one.name, type=one.type) for one in reader.describe(tree)]


class Rewritten(Struct, frozen=True):
    """A query over the warehouse, checked against the allow-list."""

    tree: exp.Query
    names: list[str]
    reads_concepts: bool


def rewritten(ontology: Ontology, query: str | exp.Query, caller: Caller, engine: str) -> Rewritten:
    """Rewrite a query and check what came out: only tables that the ontology's mappings read are allowed.

    Raises:
        Invalid: an unknown name, or a piece that is not allowed.
    """
    tables = _tables_of(ontology)

    def mapping_tree(text: str) -> exp.Query:
        return safe_select(text, dialect=TesseraSQL, tables=tables, default_schema=LANDING, engine=engine)

    rewriter = Rewriter(
        Relations(ontology, _once(mapping_tree), engine=engine),
        caller,
        engine=engine,
        system_table=lambda name: system_table(ontology, name),
    )
    tree, names = rewriter.query(query)
    return Rewritten(check_select(tree, engine=engine, tables=tables), names, rewriter.reads_concepts)


def _once(parse: Callable[[str], exp.Query]) -> Callable[[str], exp.Query]:
    """Parse a text once, and hand out copies."""
    parsed: dict[str, exp.Query] = {}

    def tree_of(text: str) -> exp.Query:
        if text not in parsed:
            parsed[text] = parse(text)
        return parsed[text].copy()

    return tree_of


def _tables_of(ontology: Ontology) -> set[Table]:
    found: set[Table] = set()
    mappings: list[ConceptMapping | Bridge] = [*ontology.all(ConceptMapping), *ontology.all(Bridge)]
    for one in mappings:
        for text in one.tables:
            schema, _, name = text.partition(".")
            found.add(Table(schema, name))
    return found
