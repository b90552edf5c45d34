"""Tables of identity. `identity_principals` is the one truth about people: packages join it 1:1, they never copy it."""

import sqlalchemy as sa

from tessera.kernel.db import METADATA, Day, Document, Flag, Id, Instant

PRINCIPALS = sa.Table(
    "identity_principals",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("username", sa.String(255), nullable=False),
    # The name as it is compared; a bot's or integration's too, so that a signed token names one principal only.
    sa.Column("username_key", sa.String(255), nullable=False, unique=True),
    sa.Column("email", sa.String(320)),
    # Equal to `email` for those who sign in with it, else null: many bots may share an e-mail (production 1.5).
    sa.Column("login_email", sa.String(320), unique=True),
    sa.Column("first_name", sa.String(255), nullable=False),
    sa.Column("last_name", sa.String(255), nullable=False),
    sa.Column("desktop_login", sa.String(80), index=True),
    sa.Column("is_active", Flag, nullable=False),
    sa.Column("is_administrator", Flag, nullable=False),
    sa.Column("password_hash", sa.String(255)),
    sa.Column("non_expiring_token", Flag, nullable=False),
    # Raised to end every signed token of the principal; from 1 on the tokens carry it.
    sa.Column("token_version", sa.Integer, nullable=False),
    # A bot's only valid token (production 1.3).
    sa.Column("bot_jti", sa.String(60), unique=True),
    sa.Column("bot_expires_on", Day),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("last_sign_in_at", Instant),
    sa.CheckConstraint("kind IN ('person', 'technical', 'integration', 'bot')", name="kind"),
)

ROLES = sa.Table(
    "identity_roles",
    METADATA,
    sa.Column("principal_id", Id, sa.ForeignKey("identity_principals.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("package", sa.String(20), primary_key=True),
    sa.Column("role", sa.String(40), nullable=False),
)

TOKENS = sa.Table(
    "identity_tokens",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column(
        "principal_id", Id, sa.ForeignKey("identity_principals.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    # SHA-256 of the secret in hexadecimal, and its first characters for people to recognise it by.
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("prefix", sa.String(16), nullable=False),
    sa.Column("scopes", Document, nullable=False),
    sa.Column("admin_access", Flag, nullable=False),
    # The way it was made: `identity`, or the package whose route made it.
    sa.Column("origin", sa.String(20), nullable=False),
    sa.Column("created_by", Id, sa.ForeignKey("identity_principals.id", ondelete="SET NULL")),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("last_used_at", Instant),
    sa.Column("expires_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.CheckConstraint("kind IN ('personal', 'integration', 'api', 'semantic')", name="kind"),
)

SESSIONS = sa.Table(
    "identity_sessions",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column(
        "principal_id", Id, sa.ForeignKey("identity_principals.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("user_agent", sa.String(255), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("last_used_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False, index=True),
)

FAILURES = sa.Table(
    "identity_failures",
    METADATA,
    # `name:` + digest of what was typed, `principal:` + id, or `address:` + network address.
    sa.Column("subject", sa.String(90), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("series", sa.Integer, nullable=False),
    sa.Column("last_failed_at", Instant, nullable=False, index=True),
    sa.Column("locked_until", Instant),
)

REVOKED_JTIS = sa.Table(
    "identity_revoked_jtis",
    METADATA,
    sa.Column("jti", sa.String(60), primary_key=True),
    # After this instant the token is refused for its age, and the row may go.
    sa.Column("expires_at", Instant, nullable=False, index=True),
)

VAULT_SESSIONS = sa.Table(
    "identity_vault_sessions",
    METADATA,
    # Of the token; its claims hold no time of the first log-in (contracts/vault.md, 1.2).
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False, index=True),
)

RETIRED_NAMES = sa.Table(
    "identity_retired_names",
    METADATA,
    # A vault token names its user: whoever gets the name of a deleted one must not inherit its tokens.
    sa.Column("username_key", sa.String(255), primary_key=True),
    sa.Column("next_token_version", sa.Integer, nullable=False),
)
