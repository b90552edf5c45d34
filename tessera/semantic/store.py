"""SQL of the ontologies and their definitions; no rules, no commit."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from tessera.kernel.clock import now
from tessera.kernel.db import Tx, upsert
from tessera.semantic.model import DEFINITIONS, ONTOLOGIES
from tessera.semantic.ontology_model import Definition, Ontology, definition_document, definition_from


def epoch(name: str) -> str:
    """The name of the epoch that every change of the ontology bumps."""
    return f"semantic.{name}"


def find_ontology(tx: Tx, name: str) -> Ontology | None:
    """An ontology with all its definitions."""
    row = tx.one(sa.select(ONTOLOGIES).where(ONTOLOGIES.c.name == name))
    if row is None:
        return None
    found = tx.all(
        sa.select(DEFINITIONS.c.kind, DEFINITIONS.c.definition)
        .where(DEFINITIONS.c.ontology_id == row.id)
        .order_by(DEFINITIONS.c.position, DEFINITIONS.c.kind, DEFINITIONS.c.key)
    )
    return Ontology(
        row.name,
        id=row.id,
        version=row.version,
        description=row.description,
        settings=row.settings,
        definitions=[definition_from(one.kind, one.definition) for one in found],
    )


def list_ontologies(tx: Tx) -> list[tuple[str, str]]:
    """Names and descriptions of all ontologies, in order of their names."""
    rows = tx.all(sa.select(ONTOLOGIES.c.name, ONTOLOGIES.c.description).order_by(ONTOLOGIES.c.name))
    return [(row.name, row.description) for row in rows]


def find_version(tx: Tx, name: str) -> str | None:
    """The version id of an ontology."""
    version: str | None = tx.scalar(sa.select(ONTOLOGIES.c.version).where(ONTOLOGIES.c.name == name))
    return version


def insert_ontology(
    tx: Tx, *, id: str, name: str, description: str, settings: Mapping[str, str], version: str, created_by: str
) -> None:
    at = now()
    tx.execute(
        ONTOLOGIES.insert().values(
            id=id, name=name, description=description, settings=dict(settings), version=version,
            created_by=created_by, created_at=at, updated_at=at,
        )
    )  # fmt: skip


def update_ontology(
    tx: Tx, id: str, *, version: str, description: str | None = None, settings: Mapping[str, str] | None = None
) -> None:
    values: dict[str, object] = {"version": version, "updated_at": now()}
    if description is not None:
        values["description"] = description
    if settings is not None:
        values["settings"] = dict(settings)
    tx.execute(ONTOLOGIES.update().where(ONTOLOGIES.c.id == id).values(**values))


def delete_ontology(tx: Tx, id: str) -> None:
    tx.execute(DEFINITIONS.delete().where(DEFINITIONS.c.ontology_id == id))
    tx.execute(ONTOLOGIES.delete().where(ONTOLOGIES.c.id == id))


def put_definition(tx: Tx, ontology_id: str, definition: Definition) -> None:
    """Insert or replace; a replaced one keeps its place in the order."""
    last = tx.scalar(
        sa.select(sa.func.coalesce(sa.func.max(DEFINITIONS.c.position), 0)).where(
            DEFINITIONS.c.ontology_id == ontology_id
        )
    )
    document = definition_document(definition)
    values = {
        "ontology_id": ontology_id,
        "kind": definition.kind,
        "key": definition.key,
        "position": last + 1,
        "definition": document,
    }
    tx.execute(upsert(tx, DEFINITIONS, values, ["ontology_id", "kind", "key"], {"definition": document}))


def delete_definition(tx: Tx, ontology_id: str, definition: Definition) -> None:
    tx.execute(
        DEFINITIONS.delete().where(
            DEFINITIONS.c.ontology_id == ontology_id,
            DEFINITIONS.c.kind == definition.kind,
            DEFINITIONS.c.key == definition.key,
        )
    )
