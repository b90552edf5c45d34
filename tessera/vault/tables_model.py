"""The metadata tables of the vault: the model's objects, staging loads, runs and the log of loads.

What must be exact with the rows (which batch is loaded) is in the warehouse, not here: see `markers`.
"""

from typing import Final

import sqlalchemy as sa

from tessera.kernel.db import METADATA, Document, Flag, Id, Instant

_COUNTER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")

PROFILES: Final = sa.Table(
    "vault_users",
    METADATA,
    sa.Column("principal_id", Id, sa.ForeignKey("identity_principals.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("db_user", sa.String(63)),
)

OBJECTS: Final = sa.Table(
    "vault_objects",
    METADATA,
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("id", sa.String(120), primary_key=True),
    sa.Column("body", Document, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("updated_by", Id),
)

STAGING_LOADS: Final = sa.Table(
    "vault_staging_loads",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("staging_table_id", sa.String(120), nullable=False, index=True),
    sa.Column("run_id", Id, index=True),
    sa.Column("mode", sa.String(8), nullable=False),
    sa.Column("load_time", Instant),
    sa.Column("is_given", Flag, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("rows_read", sa.BigInteger),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("username", sa.String(255)),
)

RUNS: Final = sa.Table(
    "vault_runs",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("job_id", sa.String(120), index=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("plan", Document, nullable=False),
    sa.Column("idempotency_key", sa.String(200), unique=True),
    sa.Column("created_at", Instant, nullable=False, index=True),
    sa.Column("username", sa.String(255)),
    sa.Column("usergroup", sa.String(40)),
)

LOADS: Final = sa.Table(
    "vault_load_log",
    METADATA,
    sa.Column("seq", _COUNTER, primary_key=True, autoincrement=True),
    sa.Column("run_id", Id, nullable=False),
    sa.Column("object_id", sa.String(120), nullable=False),
    sa.Column("staging_table_id", sa.String(120)),
    sa.Column("batch_id", Id),
    sa.Column("load_entry_time", Instant, nullable=False),
    sa.Column("load_start_time", Instant),
    sa.Column("load_end_time", Instant),
    sa.Column("load_state", sa.String(12), nullable=False),
    sa.Column("load_result", sa.Text),
    sa.Column("counts", Document, nullable=False),
    sa.UniqueConstraint("run_id", "object_id", name="uq_vault_load_log_run_id_object_id"),
    sqlite_autoincrement=True,
)
