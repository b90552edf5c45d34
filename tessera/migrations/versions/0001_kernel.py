"""What the kernel keeps: epochs of caches, events, jobs and schedules. Empty tables: instant at any size."""

import sqlalchemy as sa
from alembic import op

from tessera.kernel.columns import Document, Flag, Id, Instant

revision = "0001"
down_revision = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "kernel_epochs",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_kernel_epochs"),
    )
    op.create_table(
        "kernel_events",
        sa.Column("seq", _COUNTER, nullable=False, autoincrement=True),
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("package", sa.String(40), nullable=False),
        sa.Column("object_id", sa.String(200)),
        sa.Column("actor_id", Id),
        sa.Column("at", Instant, nullable=False),
        sa.Column("data", Document, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_kernel_events"),
        sa.UniqueConstraint("id", name="uq_kernel_events_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "kernel_event_places",
        sa.Column("consumer", sa.String(120), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("consumer", name="pk_kernel_event_places"),
    )
    op.create_table(
        "kernel_jobs",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("package", sa.String(40), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("args", Document, nullable=False),
        sa.Column("key", sa.String(300)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("run_after", Instant, nullable=False),
        sa.Column("lease_owner", sa.String(80)),
        sa.Column("lease_until", Instant),
        sa.Column("is_cancel_requested", Flag, nullable=False),
        sa.Column("progress_done", sa.BigInteger()),
        sa.Column("progress_total", sa.BigInteger()),
        sa.Column("progress_text", sa.String(300)),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.Column("rows_written", sa.BigInteger(), nullable=False),
        sa.Column("rows_rejected", sa.BigInteger(), nullable=False),
        sa.Column("cursor", Document),
        sa.Column("result", Document),
        sa.Column("error", sa.Text()),
        sa.Column("schedule", sa.String(200)),
        sa.Column("due_at", Instant),
        sa.Column("created_by", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("started_at", Instant),
        sa.Column("finished_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_kernel_jobs"),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="ck_kernel_jobs_state"
        ),
        sa.UniqueConstraint("schedule", "due_at", name="uq_kernel_jobs_schedule"),
    )
    active = sa.text("state IN ('queued', 'running')")
    for name, columns, unique in (
        ("uq_kernel_jobs_key", ["key"], True),
        ("ix_kernel_jobs_active", ["state", "run_after"], False),
    ):
        op.create_index(name, "kernel_jobs", columns, unique=unique, sqlite_where=active, postgresql_where=active)
    op.create_index("ix_kernel_jobs_created", "kernel_jobs", ["created_at", "id"])
    op.create_index("ix_kernel_jobs_finished", "kernel_jobs", ["finished_at"])
    op.create_table(
        "kernel_job_lines",
        sa.Column("seq", _COUNTER, nullable=False, autoincrement=True),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_kernel_job_lines"),
        sa.ForeignKeyConstraint(["job_id"], ["kernel_jobs.id"], name="fk_kernel_job_lines_job_id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_kernel_job_lines_job", "kernel_job_lines", ["job_id", "seq"])
    op.create_table(
        "kernel_schedules",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("package", sa.String(40), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("args", Document, nullable=False),
        sa.Column("cron", sa.String(120)),
        sa.Column("every_seconds", sa.Integer()),
        sa.Column("is_enabled", Flag, nullable=False),
        sa.Column("next_due_at", Instant, nullable=False),
        sa.Column("created_by", Id),
        sa.PrimaryKeyConstraint("name", name="pk_kernel_schedules"),
        sa.CheckConstraint("(cron IS NULL) <> (every_seconds IS NULL)", name="ck_kernel_schedules_clock"),
    )
