"""From a verified token to the principal that it stands for, by one read; the only place that decides this.

Every function here either returns what it found or raises `Unauthenticated` with the exact reason.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from tessera.identity.model import PRINCIPALS, REVOKED_JTIS, TOKENS, VAULT_SESSIONS
from tessera.identity.principals import Found, effective_roles, find_by_id, find_by_username, roles_of, to_principal
from tessera.identity.sessions import find_session
from tessera.identity.signed import Claims, ExchangeClaims, ProductionClaims, VaultClaims
from tessera.identity.tokens import digest_of
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant, moment
from tessera.kernel.db import Tx, upsert
from tessera.kernel.errors import Unauthenticated


class Resolved(Struct, frozen=True):
    """A principal, until when its credential is good (seconds since 1970), and the session that it came with."""

    principal: Principal
    good_until: float | None = None
    session_id: str | None = None


def _ended(message: str = "Token has been revoked") -> Unauthenticated:
    return Unauthenticated(message, reason="revoked")


def resolve_signed(tx: Tx, claims: Claims, raw: dict[str, Any]) -> Resolved:
    """The principal of a signed token of ours whose signature, time and purpose are right already.

    Raises:
        Unauthenticated: ``revoked``: by its jti, with its account, its role or its version.
    """
    match claims:
        case ProductionClaims():
            row = _by_production(tx, claims)
        case VaultClaims():
            row = _by_vault(tx, claims)
        case ExchangeClaims():
            return _by_exchange(tx, claims, raw)
    if not row.is_active or claims.version != row.token_version:
        raise _ended()
    return Resolved(to_principal(tx, row, credential="signed", claims=raw), claims.exp)


def _by_production(tx: Tx, claims: ProductionClaims) -> Found:
    jtis = [jti for jti in (claims.jti, claims.refresh_jti) if jti]
    if tx.scalar(sa.select(sa.literal(1)).where(REVOKED_JTIS.c.jti.in_(jtis)).limit(1)):
        raise _ended()
    row = find_by_id(tx, claims.sub) if _is_id(claims.sub) else None
    if row is None or (row.kind == "bot") != (claims.identity_type == "bot"):
        raise _ended()
    if row.kind == "bot" and row.bot_jti != claims.jti:
        raise _ended()
    return row


def _by_vault(tx: Tx, claims: VaultClaims) -> Found:
    row = find_by_username(tx, claims.username)
    if row is None or row.username != claims.username:
        raise _ended()
    role = effective_roles(row, roles_of(tx, [row.id])[row.id]).get("vault")
    # A token of a moved user is dead at once, and one without an end is a technical user's only.
    if role != claims.role or (claims.exp is None and not row.non_expiring_token):
        raise _ended()
    return row


def _by_exchange(tx: Tx, claims: ExchangeClaims, raw: dict[str, Any]) -> Resolved:
    row = _token_row(tx, TOKENS.c.id == claims.token) if _is_id(claims.token) else None
    if row is None or row.id != claims.sub:
        raise _ended()
    resolved = _by_token_row(tx, row, credential="signed", claims=raw)
    return Resolved(resolved.principal, claims.exp)


def resolve_opaque(tx: Tx, secret: str) -> Resolved:
    """The principal of an opaque token.

    Raises:
        Unauthenticated: ``malformed`` when nobody ever made it, ``expired``, ``revoked``.
    """
    row = _token_row(tx, TOKENS.c.digest == digest_of(secret))
    if row is None:
        raise Unauthenticated("no such token", reason="malformed")
    return _by_token_row(tx, row, credential="opaque", claims={})


def _token_row(tx: Tx, condition: sa.ColumnElement[bool]) -> Found | None:
    query = sa.select(
        *PRINCIPALS.c,
        TOKENS.c.id.label("token_id"),
        TOKENS.c.scopes.label("token_scopes"),
        TOKENS.c.admin_access.label("token_admin_access"),
        TOKENS.c.expires_at.label("token_expires_at"),
        TOKENS.c.revoked_at.label("token_revoked_at"),
    ).join(TOKENS, TOKENS.c.principal_id == PRINCIPALS.c.id)
    return tx.one(query.where(condition))


def _by_token_row(tx: Tx, row: Found, *, credential: str, claims: dict[str, Any]) -> Resolved:
    if row.token_revoked_at is not None or not row.is_active:
        raise _ended()
    until = None if row.token_expires_at is None else moment(row.token_expires_at).timestamp()
    if until is not None and until <= time.time():
        raise Unauthenticated("the token has expired", reason="expired")
    principal = to_principal(
        tx,
        row,
        credential=credential,
        claims=claims,
        scopes=frozenset(row.token_scopes),
        token_id=row.token_id,
        admin_access=row.token_admin_access,
    )
    return Resolved(principal, until)


def resolve_session(tx: Tx, secret: str) -> Resolved:
    """The principal of a session's cookie.

    Raises:
        Unauthenticated: ``expired``: ended, too old, unused for too long, or its account is no longer active.
    """
    found = find_session(tx, secret)
    if found is None:
        raise Unauthenticated("the session has ended: sign in again", reason="expired")
    session_id, expires_at, row = found
    return Resolved(to_principal(tx, row, credential="session"), moment(expires_at).timestamp(), session_id)


def resolve_foreign(tx: Tx, name: str) -> Resolved:
    """The active principal with this user name or e-mail, which a trusted issuer vouches for.

    Raises:
        Unauthenticated: ``revoked``: nobody here has that name, or the account is not active.
    """
    key = name.strip().casefold()
    named = (PRINCIPALS.c.username_key == key) | (PRINCIPALS.c.login_email == key)
    rows = tx.all(sa.select(PRINCIPALS).where(named, PRINCIPALS.c.is_active).limit(2)) if "\0" not in name else []
    if len(rows) != 1:
        raise _ended("the token names nobody who is active here")
    return Resolved(to_principal(tx, rows[0], credential="signed"))


def revoke_jtis(tx: Tx, claims: dict[str, Any], *, longest_seconds: int) -> None:
    """End the access and refresh token of one log-in; kept until both would have ended by themselves.

    Source: contracts/production.md, 1.3 (logout)
    """
    until = instant(datetime.now(UTC) + timedelta(seconds=longest_seconds))
    for jti in (claims.get("jti"), claims.get("refresh_jti")):
        if isinstance(jti, str):
            tx.execute(upsert(tx, REVOKED_JTIS, {"jti": jti, "expires_at": until}, ["jti"]))
    tx.execute(sa.delete(REVOKED_JTIS).where(REVOKED_JTIS.c.expires_at < instant(datetime.now(UTC))))
    tx.bump("identity")


def note_vault_session(tx: Tx, token: str, *, started_at: str, good_until: float) -> None:
    """Remember when the chain of renewals that this token belongs to began."""
    until = instant(datetime.fromtimestamp(good_until, UTC))
    tx.execute(sa.delete(VAULT_SESSIONS).where(VAULT_SESSIONS.c.expires_at < instant(datetime.now(UTC))))
    values = {"digest": digest_of(token), "started_at": started_at, "expires_at": until}
    # Two log-ins within one second give the same token: the first one's beginning stands.
    tx.execute(upsert(tx, VAULT_SESSIONS, values, ["digest"], {}))


def vault_session_start(tx: Tx, token: str) -> str | None:
    """When the chain of renewals of this token began; None if it was never noted."""
    started: str | None = tx.scalar(
        sa.select(VAULT_SESSIONS.c.started_at).where(VAULT_SESSIONS.c.digest == digest_of(token))
    )
    return started


def _is_id(text: str) -> bool:
    """PostgreSQL refuses to compare its uuid columns with other text."""
    return len(text) == 36 and all(character in "0123456789abcdef-" for character in text)
