"""The console's sessions: a random secret in an HttpOnly cookie, a row on the server, and what a browser must prove.

The row is found by the SHA-256 digest of the secret, so that reading the database opens no session.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from urllib.parse import urlsplit

import sqlalchemy as sa

from tessera.identity.model import PRINCIPALS, SESSIONS
from tessera.identity.principals import Found
from tessera.identity.tokens import digest_of
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant, new_id, now
from tessera.kernel.db import Tx
from tessera.kernel.errors import Forbidden

LONGEST: Final = timedelta(days=7)
IDLE: Final = timedelta(hours=24)
CSRF_HEADER: Final = "x-tessera-csrf"
_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")


class Browsing(Protocol):
    """What the check of a browser's request reads."""

    @property
    def method(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def origin(self) -> str: ...


def start_session(tx: Tx, principal: Principal, *, address: str, user_agent: str) -> str:
    """Begin a session of at most seven days, a day without use; returns the cookie's secret."""
    secret = secrets.token_urlsafe(32)
    at = now()
    tx.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires_at < at))
    tx.execute(
        SESSIONS.insert().values(
            id=new_id(),
            principal_id=principal.id,
            digest=digest_of(secret),
            address=address[:64],
            user_agent=user_agent[:255].replace("\0", ""),
            created_at=at,
            last_used_at=at,
            expires_at=instant(datetime.now(UTC) + LONGEST),
        )
    )
    return secret


def find_session(tx: Tx, secret: str) -> tuple[str, str, Found] | None:
    """Id of a session that is still good, its end, and the row of its principal."""
    idle_since = instant(datetime.now(UTC) - IDLE)
    query = (
        sa.select(SESSIONS.c.id.label("session_id"), SESSIONS.c.expires_at.label("session_expires_at"), *PRINCIPALS.c)
        .join(PRINCIPALS, PRINCIPALS.c.id == SESSIONS.c.principal_id)
        .where(
            SESSIONS.c.digest == digest_of(secret),
            SESSIONS.c.expires_at > now(),
            SESSIONS.c.last_used_at > idle_since,
            PRINCIPALS.c.is_active,
        )
    )
    row = tx.one(query)
    return None if row is None else (row.session_id, row.session_expires_at, row)


def end_session(tx: Tx, secret: str, *, by: Principal | None) -> None:
    """End the session of this secret; one that is not there is ended already."""
    tx.execute(sa.delete(SESSIONS).where(SESSIONS.c.digest == digest_of(secret)))
    events.record(tx, "identity.signed_out", package="identity", by=by, of=by.id if by else None, data={})
    tx.bump("identity")


def touch_sessions(tx: Tx, used: dict[str, str]) -> None:
    """Write when sessions were last used (id -> instant)."""
    statement = (
        SESSIONS.update().where(SESSIONS.c.id == sa.bindparam("session")).values(last_used_at=sa.bindparam("at"))
    )
    tx.execute(statement, [{"session": session_id, "at": at} for session_id, at in used.items()])


def check_same_site(request: Browsing, *, needs_header: bool) -> None:
    """Refuse a changing request that some other site made the browser send.

    A cookie goes with whatever page asks. The session's must come with a header of our own, which no other site can
    add without our consent (CORS); for the tracker's cookie, whose clients add no header, the browser's own word about
    the origin is what there is.

    Raises:
        Forbidden: the request changes something and comes, or could come, from another site.
    """
    if request.method in _SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    is_foreign = origin is not None and _place(origin) != _place(request.origin)
    if is_foreign or (origin is None and site is not None and site not in ("same-origin", "none")):
        raise Forbidden("this request comes from another site; a cookie opens nothing from there", code="csrf")
    if needs_header and CSRF_HEADER not in request.headers:
        raise Forbidden(f"a changing request with the session cookie needs the header {CSRF_HEADER}: 1", code="csrf")


def _place(origin: str) -> tuple[str, str]:
    parts = urlsplit(origin)
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return parts.scheme, parts.netloc.lower().removesuffix(default)
