"""Tables of `semantic`: the first release. Creates empty tables only, so it takes no time on any amount of data."""

import sqlalchemy as sa
from alembic import op

from tessera.kernel.columns import Document, Id, Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "semantic_ontologies",
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
    op.create_table(
        "semantic_definitions",
        sa.Column("ontology_id", Id, sa.ForeignKey("semantic_ontologies.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("definition", Document, nullable=False),
    )
    op.create_table(
        "semantic_results",
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
    )
    op.create_index("semantic_results_ended", "semantic_results", ["ended_at"])
