"""The tables of the room: ontologies, their definitions, results of asynchronous queries."""

import sqlalchemy as sa

from tessera.kernel.db import METADATA, Document, Id, Instant

ONTOLOGIES = sa.Table(
    "semantic_ontologies",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("settings", Document, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("created_by", Id, nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.UniqueConstraint("name", name="semantic_ontologies_name"),
)
"""``version`` is an opaque text that each successful definition changes. Source: contracts/semantic.md, 5 (Versions)"""

DEFINITIONS = sa.Table(
    "semantic_definitions",
    METADATA,
    sa.Column("ontology_id", Id, sa.ForeignKey("semantic_ontologies.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("definition", Document, nullable=False),
)
"""One row an object: ``kind`` is property, measure, concept, mapping, bridge or view; ``key`` its name in lower case,
since engines compare names of columns without case. ``position`` keeps the order of definition."""

RESULTS = sa.Table(
    "semantic_results",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("owner_id", Id, nullable=False),
    sa.Column("job_id", Id, nullable=True),
    sa.Column("request", Document, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("rows", sa.Text, nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("ended_at", Instant, nullable=True),
    sa.CheckConstraint("state IN ('running', 'completed', 'error')", name="semantic_results_state"),
    sa.Index("semantic_results_ended", "ended_at"),
)
"""An asynchronous query, until its result is fetched or expires. Source: contracts/semantic.md, 2.4"""
