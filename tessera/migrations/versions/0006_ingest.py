"""Tables of `ingest`: the first release. Empty tables and one row: instant at any size."""

import sqlalchemy as sa
from alembic import op

from tessera.kernel.clock import new_id
from tessera.kernel.db import Document, Flag, Id, Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables, and the one organization that the installation is."""
    op.create_table(
        "ingest_organizations",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_organizations"),
    )
    op.create_table(
        "ingest_connections",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("name_key", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("options", Document, nullable=False),
        sa.Column("secrets", sa.Text()),
        sa.Column("created_by", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_by", Id),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_connections"),
        sa.UniqueConstraint("name_key", name="uq_ingest_connections_name_key"),
    )
    op.create_table(
        "ingest_tables",
        sa.Column("id", Id, nullable=False),
        sa.Column("schema_name", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("columns", Document, nullable=False),
        sa.Column("partition_by", Document, nullable=False),
        sa.Column("primary_key", Document, nullable=False),
        sa.Column("options", Document, nullable=False),
        sa.Column("announced", sa.String(64)),
        sa.Column("created_by", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_tables"),
        sa.UniqueConstraint("schema_name", "name", name="uq_ingest_tables_schema_name_name"),
    )
    op.create_table(
        "ingest_jobs",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("name_key", sa.String(255), nullable=False),
        sa.Column("job_type", sa.String(20), nullable=False),
        sa.Column("is_sync", Flag, nullable=False),
        sa.Column("options", Document, nullable=False),
        sa.Column("secrets", sa.Text()),
        sa.Column("connection_id", Id),
        sa.Column("source_options", Document, nullable=False),
        sa.Column("query", sa.Text()),
        sa.Column("target_schema", sa.String(255), nullable=False),
        sa.Column("target_name", sa.String(255), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("kernel_job_id", Id),
        sa.Column("start_at", Instant),
        sa.Column("last_error", sa.Text()),
        sa.Column("last_error_at", Instant),
        sa.Column("last_success_at", Instant),
        sa.Column("created_by", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_by", Id),
        sa.Column("updated_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["ingest_connections.id"], name="fk_ingest_jobs_connection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_jobs"),
        sa.UniqueConstraint("name_key", name="uq_ingest_jobs_name_key"),
    )
    op.create_index("ix_ingest_jobs_target", "ingest_jobs", ["target_schema", "target_name"])
    op.create_index("ix_ingest_jobs_connection_id", "ingest_jobs", ["connection_id"])
    op.create_table(
        "ingest_expectations",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("predicate", sa.Text(), nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["ingest_jobs.id"], name="fk_ingest_expectations_job_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_expectations"),
        sa.UniqueConstraint("job_id", "name", name="uq_ingest_expectations_job_id_name"),
    )
    op.create_table(
        "ingest_inputs",
        sa.Column("id", Id, nullable=False),
        sa.Column("clazz", sa.String(60), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("body", Document, nullable=False),
        sa.Column("job_id", Id),
        sa.Column("created_by", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["ingest_jobs.id"], name="fk_ingest_inputs_job_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_inputs"),
    )
    organizations = sa.table("ingest_organizations", sa.column("id", Id), sa.column("name", sa.String))
    op.bulk_insert(organizations, [{"id": new_id(), "name": "Tessera"}])
