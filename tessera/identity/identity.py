"""The service that handlers get by its type: keys, passwords and verification of one process behind a few calls."""

import os
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from tessera.identity import people, resolve, signed, tokens
from tessera.identity.authenticate import Authenticator
from tessera.identity.forms import Form, PasswordPair
from tessera.identity.issuers import Issuers
from tessera.identity.keys import Keys, load_keys
from tessera.identity.passwords import Passwords
from tessera.identity.principals import Found, find_by_id
from tessera.identity.sign_in import SignIn, SignInRefused, too_many
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant, moment
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import NotFound, Reason, Unauthenticated
from tessera.kernel.http import Request
from tessera.settings import Settings

_HEADERS: Final = "headers"


class ProductionLogin(Struct, frozen=True):
    """What `POST /auth/login` of production answers with."""

    principal: Principal
    access_token: str
    refresh_token: str


class VaultToken(Struct, frozen=True):
    """What vault's login and renewToken answer with; ``token_timeout`` (seconds) is None for a token without an end."""

    token: str
    token_timeout: int | None


class Identity:
    """Who calls, and every token that says so. One per process; ``close`` it at the end."""

    def __init__(self, db: Database, settings: Settings, *, keys: Keys | None = None) -> None:
        self._db = db
        self._settings = settings
        self.keys = keys or load_keys()
        self._passwords = Passwords()
        self._sign_in = SignIn(db, self._passwords)
        self._authenticator = Authenticator(db, self.keys, Issuers(os.environ), self._by_headers)

    async def close(self) -> None:
        """Write what is still to be written and end the hashing threads."""
        await self._authenticator.close()
        self._passwords.close()

    # -- every package -----------------------------------------------------------------------------------------------

    async def authenticate(self, request: Request, forms: Sequence[Form]) -> Principal:
        """The principal of a request. The kernel calls it before each handler that is not public.

        Raises:
            Unauthenticated: reason ``missing``, ``malformed``, ``signature``, ``expired``, ``revoked`` or ``kind``.
            Forbidden: a cookie on a changing request that another site sent.
            TooMany: e-mail and password in headers, of a locked account.
        """
        return await self._authenticator.authenticate(request, forms)

    async def sign_in(self, login: str, password: str, *, address: str, package: str) -> Principal:
        """The principal of an e-mail, user name or desktop log-in and its password.

        Raises:
            SignInRefused: ``unknown_or_wrong``, ``inactive``, ``locked``.
            Unavailable: too many sign-ins at this moment.
        """
        return await self._sign_in.sign_in(login, password, address=address, package=package)

    async def check_password(self, principal: Principal, password: str, *, address: str, package: str) -> bool:
        """Whether this is the caller's password (before it is changed); failures count towards the lock.

        Raises:
            SignInRefused: ``locked``.
        """
        return await self._sign_in.check_password(principal.id, password, address=address, package=package)

    async def hash_password(self, password: str) -> str:
        """The argon2id hash for ``create_person``, ``create_technical_user`` and ``set_password``.

        Check the length before with ``check_new_password``.

        Raises:
            Unavailable: too many hashes wait.
        """
        return await self._passwords.hash(password)

    async def _by_headers(self, pair: PasswordPair, address: str) -> Principal:
        try:
            return await self.sign_in(pair.login, pair.password, address=address, package=_HEADERS)
        except SignInRefused as refused:
            if refused.reason == "locked":
                raise too_many(refused) from refused
            reason: Reason = "revoked" if refused.reason == "inactive" else "signature"
            raise Unauthenticated("wrong e-mail or password", reason=reason) from refused

    # -- production --------------------------------------------------------------------------------------------------

    async def production_login(self, email: str, password: str, *, address: str) -> ProductionLogin:
        """Sign in to the tracker: an access token (7 days unless set otherwise) and a refresh token (15).

        Raises:
            SignInRefused: ``unknown_or_wrong``, ``inactive``, ``locked``.

        Source: contracts/production.md, 1.3 and 1.4
        """
        principal = await self.sign_in(email, password, address=address, package="production")
        return await self.production_tokens(principal)

    async def production_tokens(self, principal: Principal) -> ProductionLogin:
        """A fresh pair for somebody whose identity is proved already."""
        row = await self._db.read(_row, principal.id)
        pair = signed.production_pair(
            self.keys,
            principal.id,
            version=row.token_version,
            access_seconds=self._settings.access_token_seconds,
            refresh_seconds=self._settings.refresh_token_seconds,
        )
        return ProductionLogin(principal, pair.access_token, pair.refresh_token)

    def production_refresh(self, principal: Principal) -> str:
        """A new access token for a caller that came with a refresh token (forms with ``purpose="refresh"``).

        Raises:
            Unauthenticated: ``kind``: the caller came with something else.

        Source: contracts/production.md, 1.3
        """
        claims = principal.claims
        if claims.get("type") != "refresh":
            raise Unauthenticated("Only refresh tokens are allowed", reason="kind")
        return signed.production_access(
            self.keys,
            principal.id,
            refresh_jti=claims["jti"],
            version=claims.get("version", 0),
            seconds=self._settings.access_token_seconds,
        )

    async def production_logout(self, principal: Principal) -> None:
        """End the access and the refresh token of the caller's log-in, from the next request on."""
        longest = max(self._settings.refresh_token_seconds, self._settings.access_token_seconds)
        await self._db.write(resolve.revoke_jtis, principal.claims, longest_seconds=longest)

    def make_bot_token(self, tx: Tx, bot_id: str, *, expires_on: str | None, by: Principal | None) -> str:
        """A bot's only token; the one before ends. ``expires_on`` is the last day (UTC) on which it is good.

        Source: contracts/production.md, 1.3 and 1.5
        """
        jti = str(uuid.uuid4())
        people.set_bot_token(tx, bot_id, jti=jti, expires_on=expires_on, by=by)
        end = None
        if expires_on is not None:
            end = int((datetime.fromisoformat(expires_on).replace(tzinfo=UTC) + timedelta(days=1)).timestamp())
        return signed.bot_access(self.keys, bot_id, jti=jti, version=_row(tx, bot_id).token_version, expires_at=end)

    # -- vault -------------------------------------------------------------------------------------------------------

    async def vault_login(self, username: str, password: str, *, address: str) -> VaultToken:
        """Sign in to the vault. A technical user made with ``non_expiring_token`` gets the same token every time.

        Raises:
            SignInRefused: ``unknown_or_wrong``, ``inactive``, ``locked``, ``no_role`` (no group). The contract
                answers all but ``locked`` alike.

        Source: contracts/vault.md, 1.1
        """
        principal = await self.sign_in(username, password, address=address, package="vault")
        if principal.role("vault") is None:
            raise SignInRefused("no_role")
        return await self._vault_token(principal, started_at=instant(datetime.now(UTC)))

    async def vault_renew(self, token: str, principal: Principal) -> VaultToken:
        """A token like ``token``, which the caller came with, whose end is moved on; a technical user's own again.

        Raises:
            Unauthenticated: ``expired``: the first log-in is longer ago than ``vault_session_seconds``, or the caller
                came with no token of a log-in.

        Source: contracts/vault.md, 1.2
        """
        if "username" not in principal.claims or principal.role("vault") is None:
            raise Unauthenticated("renewToken takes the token of a log-in", reason="kind")
        if "exp" not in principal.claims:
            return VaultToken(token, None)
        started_at = await self._db.read(resolve.vault_session_start, token)
        if started_at is None:
            lived = self._settings.vault_token_seconds
            started_at = instant(datetime.fromtimestamp(principal.claims["exp"] - lived, UTC))
        age = datetime.now(UTC) - moment(started_at)
        if age.total_seconds() > self._settings.vault_session_seconds:
            raise Unauthenticated("this session is too old to be renewed: log in again", reason="expired")
        return await self._vault_token(principal, started_at=started_at)

    async def _vault_token(self, principal: Principal, *, started_at: str) -> VaultToken:
        row = await self._db.read(_row, principal.id)
        seconds = None if row.non_expiring_token else self._settings.vault_token_seconds
        expires_at = None if seconds is None else int(time.time()) + seconds
        token = signed.vault_token(
            self.keys,
            username=row.username,
            role=principal.roles["vault"],
            version=row.token_version,
            expires_at=expires_at,
            algorithm=self._settings.jwt_algorithm,
        )
        if expires_at is not None:
            await self._db.write(resolve.note_vault_session, token, started_at=started_at, good_until=float(expires_at))
        return VaultToken(token, seconds)

    # -- catalog, semantic -------------------------------------------------------------------------------------------

    def catalog_exchange(self, principal: Principal) -> str:
        """An access token of one hour that acts as the integration or personal token which the caller came with.

        Raises:
            Unauthenticated: ``kind``: the caller came with something else.

        Source: contracts/catalog.md, 2 (`GET /credentials`)
        """
        if principal.credential != "opaque" or principal.token_id is None:
            raise Unauthenticated("send an integration token or a personal access token", reason="kind")
        return signed.exchange_token(self.keys, principal_id=principal.id, token_id=principal.token_id)

    async def semantic_key(self, principal: Principal) -> str:
        """A new ``tk_...`` of the caller, shown this once; at most twenty of them, then the oldest ends.

        Source: contracts/semantic.md, 3.1 and 3.3
        """
        return await self._db.write(_semantic_key, principal)


def _row(tx: Tx, principal_id: str) -> Found:
    row = find_by_id(tx, principal_id)
    if row is None:
        raise NotFound(f"no principal {principal_id}")
    return row


def _semantic_key(tx: Tx, principal: Principal) -> str:
    return tokens.create_semantic_key(tx, owner=principal)
