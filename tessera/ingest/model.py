"""Tables of ingest in the metadata database. What must be exact with rows lives in the warehouse: see ``ledger``."""

from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from tessera.kernel.db import METADATA, Document, Flag, Id, Instant

PACKAGE: Final = "ingest"


class Role(StrEnum):
    """Source: contracts/ingest.md, 2.7."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class JobState(StrEnum):
    """``status`` of a job. Source: contracts/ingest.md, 5.10."""

    RUNNING = "Running"
    PAUSED = "Paused"
    FAILED = "Failed"
    COMPLETED = "Completed"
    WAITING = "Waiting"


ORGANIZATIONS: Final = sa.Table(
    "ingest_organizations",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
)
"""One row, made by the migration: the installation."""

CONNECTIONS: Final = sa.Table(
    "ingest_connections",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("name_key", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    # Option name -> text as it was written; the values of secret ones are in `secrets`, encrypted.
    sa.Column("options", Document, nullable=False),
    sa.Column("secrets", sa.Text),
    sa.Column("created_by", Id),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_by", Id),
    sa.Column("updated_at", Instant, nullable=False),
    sa.UniqueConstraint("name_key"),
)

TABLES: Final = sa.Table(
    "ingest_tables",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("schema_name", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    # The declared columns: [{"name", "type"}]. Those found in the data are the warehouse's to know.
    sa.Column("columns", Document, nullable=False),
    sa.Column("partition_by", Document, nullable=False),
    sa.Column("primary_key", Document, nullable=False),
    sa.Column("options", Document, nullable=False),
    # Digest of the columns that `warehouse.table.written` last told of.
    sa.Column("announced", sa.String(64)),
    sa.Column("created_by", Id),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.UniqueConstraint("schema_name", "name"),
)

JOBS: Final = sa.Table(
    "ingest_jobs",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("name_key", sa.String(255), nullable=False),
    # ingestion, insert or merge.
    sa.Column("job_type", sa.String(20), nullable=False),
    sa.Column("is_sync", Flag, nullable=False),
    sa.Column("options", Document, nullable=False),
    sa.Column("secrets", sa.Text),
    sa.Column("connection_id", Id, sa.ForeignKey("ingest_connections.id"), index=True),
    sa.Column("source_options", Document, nullable=False),
    # The text after INTO of an INSERT or MERGE job, as it was written.
    sa.Column("query", sa.Text),
    sa.Column("target_schema", sa.String(255), nullable=False),
    sa.Column("target_name", sa.String(255), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    # Raised with each start; with the attempt of the kernel's job it is the fence that the warehouse checks.
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("kernel_job_id", Id),
    sa.Column("start_at", Instant),
    sa.Column("last_error", sa.Text),
    sa.Column("last_error_at", Instant),
    sa.Column("last_success_at", Instant),
    sa.Column("created_by", Id),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_by", Id),
    sa.Column("updated_at", Instant, nullable=False),
    sa.UniqueConstraint("name_key"),
    sa.Index("ix_ingest_jobs_target", "target_schema", "target_name"),
)

EXPECTATIONS: Final = sa.Table(
    "ingest_expectations",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("job_id", Id, sa.ForeignKey("ingest_jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("predicate", sa.Text, nullable=False),
    sa.Column("action", sa.String(10), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("job_id", "name"),
)

INPUTS: Final = sa.Table(
    "ingest_inputs",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("clazz", sa.String(60), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    # The request's fields, as they were sent and checked.
    sa.Column("body", Document, nullable=False),
    sa.Column("job_id", Id, sa.ForeignKey("ingest_jobs.id", ondelete="SET NULL")),
    sa.Column("created_by", Id),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)
