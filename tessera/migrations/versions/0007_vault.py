"""What the vault keeps beside the warehouse: users' profiles, the model, staging loads, runs, the log. Empty tables."""

import sqlalchemy as sa
from alembic import op

from tessera.kernel.columns import Document, Flag, Id, Instant

revision = "0007"
down_revision = "0006"

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "vault_users",
        sa.Column("principal_id", Id, nullable=False),
        sa.Column("db_user", sa.String(63)),
        sa.PrimaryKeyConstraint("principal_id", name="pk_vault_users"),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["identity_principals.id"],
            name="fk_vault_users_principal_id",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "vault_objects",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("id", sa.String(120), nullable=False),
        sa.Column("body", Document, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("updated_by", Id),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_vault_objects"),
    )
    op.create_table(
        "vault_staging_loads",
        sa.Column("id", Id, nullable=False),
        sa.Column("staging_table_id", sa.String(120), nullable=False),
        sa.Column("run_id", Id),
        sa.Column("mode", sa.String(8), nullable=False),
        sa.Column("load_time", Instant),
        sa.Column("is_given", Flag, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("rows_read", sa.BigInteger()),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("ended_at", Instant),
        sa.Column("username", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="pk_vault_staging_loads"),
    )
    op.create_index("ix_vault_staging_loads_staging_table_id", "vault_staging_loads", ["staging_table_id"])
    op.create_index("ix_vault_staging_loads_run_id", "vault_staging_loads", ["run_id"])
    op.create_table(
        "vault_runs",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", sa.String(120)),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("plan", Document, nullable=False),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("username", sa.String(255)),
        sa.Column("usergroup", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_vault_runs"),
        sa.UniqueConstraint("idempotency_key", name="uq_vault_runs_idempotency_key"),
    )
    op.create_index("ix_vault_runs_job_id", "vault_runs", ["job_id"])
    op.create_index("ix_vault_runs_created_at", "vault_runs", ["created_at"])
    op.create_table(
        "vault_load_log",
        sa.Column("seq", _COUNTER, nullable=False, autoincrement=True),
        sa.Column("run_id", Id, nullable=False),
        sa.Column("object_id", sa.String(120), nullable=False),
        sa.Column("staging_table_id", sa.String(120)),
        sa.Column("batch_id", Id),
        sa.Column("load_entry_time", Instant, nullable=False),
        sa.Column("load_start_time", Instant),
        sa.Column("load_end_time", Instant),
        sa.Column("load_state", sa.String(12), nullable=False),
        sa.Column("load_result", sa.Text()),
        sa.Column("counts", Document, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_vault_load_log"),
        sa.UniqueConstraint("run_id", "object_id", name="uq_vault_load_log_run_id_object_id"),
        sqlite_autoincrement=True,
    )
