"""What identity keeps: principals, their roles, tokens, sessions, failures. Empty tables: instant at any size."""

import sqlalchemy as sa
from alembic import op

from tessera.kernel.columns import Day, Document, Flag, Id, Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "identity_principals",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("username", sa.String(255), nullable=False),
        sa.Column("username_key", sa.String(255), nullable=False),
        sa.Column("email", sa.String(320)),
        sa.Column("login_email", sa.String(320)),
        sa.Column("first_name", sa.String(255), nullable=False),
        sa.Column("last_name", sa.String(255), nullable=False),
        sa.Column("desktop_login", sa.String(80)),
        sa.Column("is_active", Flag, nullable=False),
        sa.Column("is_administrator", Flag, nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("non_expiring_token", Flag, nullable=False),
        sa.Column("token_version", sa.Integer, nullable=False),
        sa.Column("bot_jti", sa.String(60)),
        sa.Column("bot_expires_on", Day),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("last_sign_in_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_identity_principals"),
        sa.UniqueConstraint("username_key", name="uq_identity_principals_username_key"),
        sa.UniqueConstraint("login_email", name="uq_identity_principals_login_email"),
        sa.UniqueConstraint("bot_jti", name="uq_identity_principals_bot_jti"),
        sa.CheckConstraint(
            "kind IN ('person', 'technical', 'integration', 'bot')", name=op.f("ck_identity_principals_kind")
        ),
    )
    op.create_index("ix_identity_principals_desktop_login", "identity_principals", ["desktop_login"])
    op.create_table(
        "identity_roles",
        sa.Column("principal_id", Id, nullable=False),
        sa.Column("package", sa.String(20), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "package", name="pk_identity_roles"),
        _belongs_to_principal("identity_roles", "principal_id", "CASCADE"),
    )
    op.create_table(
        "identity_tokens",
        sa.Column("id", Id, nullable=False),
        sa.Column("principal_id", Id, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("scopes", Document, nullable=False),
        sa.Column("admin_access", Flag, nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("created_by", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_used_at", Instant),
        sa.Column("expires_at", Instant),
        sa.Column("revoked_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_identity_tokens"),
        _belongs_to_principal("identity_tokens", "principal_id", "CASCADE"),
        _belongs_to_principal("identity_tokens", "created_by", "SET NULL"),
        sa.UniqueConstraint("digest", name="uq_identity_tokens_digest"),
        sa.CheckConstraint(
            "kind IN ('personal', 'integration', 'api', 'semantic')", name=op.f("ck_identity_tokens_kind")
        ),
    )
    op.create_index("ix_identity_tokens_principal_id", "identity_tokens", ["principal_id"])
    op.create_table(
        "identity_sessions",
        sa.Column("id", Id, nullable=False),
        sa.Column("principal_id", Id, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("user_agent", sa.String(255), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_used_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_sessions"),
        _belongs_to_principal("identity_sessions", "principal_id", "CASCADE"),
        sa.UniqueConstraint("digest", name="uq_identity_sessions_digest"),
    )
    op.create_index("ix_identity_sessions_principal_id", "identity_sessions", ["principal_id"])
    op.create_index("ix_identity_sessions_expires_at", "identity_sessions", ["expires_at"])
    op.create_table(
        "identity_failures",
        sa.Column("subject", sa.String(90), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("series", sa.Integer, nullable=False),
        sa.Column("last_failed_at", Instant, nullable=False),
        sa.Column("locked_until", Instant),
        sa.PrimaryKeyConstraint("subject", name="pk_identity_failures"),
    )
    op.create_index("ix_identity_failures_last_failed_at", "identity_failures", ["last_failed_at"])
    op.create_table(
        "identity_revoked_jtis",
        sa.Column("jti", sa.String(60), nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("jti", name="pk_identity_revoked_jtis"),
    )
    op.create_index("ix_identity_revoked_jtis_expires_at", "identity_revoked_jtis", ["expires_at"])
    op.create_table(
        "identity_vault_sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_identity_vault_sessions"),
    )
    op.create_index("ix_identity_vault_sessions_expires_at", "identity_vault_sessions", ["expires_at"])
    op.create_table(
        "identity_retired_names",
        sa.Column("username_key", sa.String(255), nullable=False),
        sa.Column("next_token_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("username_key", name="pk_identity_retired_names"),
    )


def _belongs_to_principal(table: str, column: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["identity_principals.id"], name=f"fk_{table}_{column}", ondelete=on_delete
    )
