"""What the first start fills in, and lookups by name of what everything else needs.

Source: contracts/production.md, 6.1 (First start)
"""

import sqlalchemy as sa

from tessera.kernel.db import METADATA, Tx
from tessera.kernel.resource_changes import insert_row
from tessera.kernel.resources import resource_of

TECHNICAL_TYPES = ("Shot", "Sequence", "Episode", "Edit", "Scene", "Concept", "ConceptFolder")
"""Entity types that are no asset types."""


def find_entity_type(tx: Tx, name: str) -> str | None:
    """The id of an entity type."""
    kind = METADATA.tables["production_entity_type"]
    found: str | None = tx.scalar(sa.select(kind.c.id).where(kind.c.name == name))
    return found


def ensure_entity_type(tx: Tx, name: str) -> str:
    """The id of an entity type that the server itself needs; made where somebody has deleted it."""
    found = find_entity_type(tx, name)
    if found is not None:
        return found
    made: str = insert_row(tx, resource_of("production_entity_type"), name=name)["id"]
    return made


def default_status(tx: Tx, *, for_concept: bool = False) -> str | None:
    """The id of the status of new tasks."""
    status = METADATA.tables["production_task_status"]
    defaults = sa.select(status.c.id).where(status.c.is_default.is_(True))
    of_kind = status.c.for_concept.is_(True) if for_concept else status.c.for_concept.is_not(True)
    found: str | None = tx.scalar(defaults.where(of_kind).limit(1))
    return found
