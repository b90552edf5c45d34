"""The one way in: every header and cookie of every client ends here, and nowhere else is a credential verified.

What was verified once is remembered for at most 30 seconds under the SHA-256 of the credential, and forgotten at once
when the epoch ``identity`` changes, which every revocation and every change of a right does in its own transaction.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct

from tessera.identity.forms import Credential, Form, Malformed, PasswordPair, SessionCookie, SessionSecret, Token
from tessera.identity.issuers import Issuers
from tessera.identity.keys import Keys
from tessera.identity.resolve import Resolved, resolve_foreign, resolve_opaque, resolve_session, resolve_signed
from tessera.identity.sessions import check_same_site, touch_sessions
from tessera.identity.signed import verify
from tessera.identity.tokens import touch_tokens
from tessera.kernel.access import Principal
from tessera.kernel.clock import now
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Problem, Unauthenticated
from tessera.kernel.http import Request
from tessera.kernel.log import logger

REMEMBERED_SECONDS: Final = 30.0
# About 1 kB each.
REMEMBERED_LIMIT: Final = 10_000
LAST_USED_SECONDS: Final = 60.0
_log = logger("identity")


class _Known(Struct, frozen=True):
    resolved: Resolved
    epoch: int
    until: float


class Authenticator:
    """Verifies credentials for one process and remembers what it verified."""

    def __init__(
        self,
        db: Database,
        keys: Keys,
        issuers: Issuers,
        check_password: Callable[[PasswordPair, str], Awaitable[Principal]],
    ) -> None:
        self._db = db
        self._keys = keys
        self._issuers = issuers
        self._check_password = check_password
        self._known: dict[bytes, _Known] = {}
        # Passwords are guessable, so their digests are keyed with something that dies with the process.
        self._salt = secrets.token_bytes(32)
        self._used_at: dict[str, float] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def authenticate(self, request: Request, forms: Sequence[Form]) -> Principal:
        """The principal that the first form which the request uses stands for.

        Raises:
            Unauthenticated: reason ``missing``, ``malformed``, ``signature``, ``expired``, ``revoked`` or ``kind``.
            Forbidden: a cookie on a changing request of another site.
            TooMany: password headers of a locked account.
        """
        for form in (*forms, _SESSION):
            found = form.find(request)
            if found is not None:
                return await self._principal(request, found)
        raise Unauthenticated("no credential was sent", reason="missing")

    async def _principal(self, request: Request, found: Credential) -> Principal:
        match found:
            case Malformed():
                raise Unauthenticated("the credential cannot be read", reason="malformed")
            case Token():
                if found.from_cookie:
                    check_same_site(request, needs_header=False)
                return await self._by_token(found)
            case SessionSecret():
                check_same_site(request, needs_header=True)
                return await self._by_session(found)
            case PasswordPair():
                return await self._by_password(found, request.client_address)

    async def _by_token(self, token: Token) -> Principal:
        # Hints change what is checked, so they belong to what is remembered.
        key = _key(repr((token.purpose, token.foreign)).encode() + token.text.encode("utf-8", "surrogatepass"))
        known = self._recall(key)
        if known is None:
            epoch = self._db.epoch("identity")
            known = self._remember(key, await self._resolve(token), epoch)
        principal = known.principal
        if principal.credential == "opaque" and principal.token_id is not None:
            self._note_use(principal.token_id, touch_tokens)
        return principal

    async def _resolve(self, token: Token) -> Resolved:
        if token.text.count(".") != 2:
            if token.purpose != "access":
                raise Unauthenticated("Only refresh tokens are allowed", reason="malformed")
            return await self._db.read(resolve_opaque, token.text)
        try:
            claims, raw = verify(self._keys, token.text, token.purpose)
        except Unauthenticated as refusal:
            if (
                token.foreign is None
                or not self._issuers.is_enabled
                or refusal.reason not in ("signature", "malformed")
            ):
                raise
            name, raw = self._issuers.verify(token.text, token.foreign)
            resolved = await self._db.read(resolve_foreign, name)
            return Resolved(resolved.principal, raw.get("exp"))
        return await self._db.read(resolve_signed, claims, raw)

    async def _by_session(self, session: SessionSecret) -> Principal:
        key = _key(b"session " + session.text.encode("utf-8", "surrogatepass"))
        known = self._recall(key)
        if known is None:
            epoch = self._db.epoch("identity")
            known = self._remember(key, await self._db.read(resolve_session, session.text), epoch)
        if known.session_id is not None:
            self._note_use(known.session_id, touch_sessions)
        return known.principal

    async def _by_password(self, pair: PasswordPair, address: str) -> Principal:
        text = f"{len(pair.login)} {pair.login}{pair.password}".encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(text, key=self._salt, digest_size=32).digest()
        known = self._recall(key)
        if known is None:
            epoch = self._db.epoch("identity")
            known = self._remember(key, Resolved(await self._check_password(pair, address)), epoch)
        return known.principal

    # -- memory ------------------------------------------------------------------------------------------------------

    def _recall(self, key: bytes) -> Resolved | None:
        known = self._known.get(key)
        if known is None:
            return None
        until = known.resolved.good_until
        if (
            known.epoch != self._db.epoch("identity")
            or known.until < time.monotonic()
            or (until is not None and until <= time.time())
        ):
            del self._known[key]
            return None
        return known.resolved

    def _remember(self, key: bytes, resolved: Resolved, epoch: int) -> Resolved:
        """``epoch`` was read before the database was, so that a change in between makes this entry old at once."""
        if len(self._known) >= REMEMBERED_LIMIT:
            # The oldest come first in a dict; a tenth at a time keeps the cost of one call small.
            for old in list(self._known)[: REMEMBERED_LIMIT // 10]:
                del self._known[old]
        self._known[key] = _Known(resolved, epoch, time.monotonic() + REMEMBERED_SECONDS)
        return resolved

    def _note_use(self, used_id: str, write: Callable[[Tx, dict[str, str]], None]) -> None:
        """Write the last use at most once a minute, beside the request."""
        at = time.monotonic()
        if at - self._used_at.get(used_id, -LAST_USED_SECONDS) < LAST_USED_SECONDS:
            return
        if len(self._used_at) >= REMEMBERED_LIMIT:
            self._used_at.clear()
        self._used_at[used_id] = at
        task = asyncio.get_running_loop().create_task(self._write(write, used_id))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, write: Callable[[Tx, dict[str, str]], None], used_id: str) -> None:
        try:
            await self._db.write(write, {used_id: now()})
        except Problem as problem:
            # The request was answered long ago; the next use writes again.
            _log.warning("last use was not written", problem=problem.message)

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writing:
            await asyncio.wait(set(self._writing), timeout=5)


_SESSION: Final = SessionCookie()


def _key(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
