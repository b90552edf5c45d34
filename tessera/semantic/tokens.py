"""Signing in: the Fernet bearer for a `tk_` token.

Source: contracts/semantic.md, 3.3
"""

from __future__ import annotations

import os
from typing import Final

from tessera.identity import Identity, SignInRefused
from tessera.kernel.errors import NotFound, TooMany, Unauthenticated
from tessera.kernel.log import logger
from tessera.semantic.bearer import open_bearer
from tessera.semantic.grants import Role, may
from tessera.settings import Settings

REFUSED: Final = "the bearer opens nothing: it was not made with this server's salt, or the name or password is wrong"
_log = logger("semantic")


async def exchange(identity: Identity, settings: Settings, authorization: str, *, address: str) -> str:
    """A new `tk_` token for the name and password in a bearer.

    Raises:
        NotFound: the server has no salt. Unauthenticated: one text for whatever is wrong. TooMany: too many failures.
    """
    salt = settings.api_auth_salt or os.environ.get("API_AUTH_SALT", "")
    if not salt:
        raise NotFound("get_token is switched off: the server has no API_AUTH_SALT")
    scheme, _, bearer = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not bearer.strip():
        raise Unauthenticated("send Authorization: Bearer <bearer of make-bearer>", reason="missing")
    opened = open_bearer(bearer.strip(), salt, try_pbkdf2=settings.api_auth_try_pbkdf2)
    if opened is None:
        raise Unauthenticated(REFUSED, reason="signature")
    _log.info("bearer opened", recipe=opened.recipe)
    oldest = settings.api_auth_max_age_seconds or int(os.environ.get("API_AUTH_MAX_AGE_SECONDS", "0") or 0)
    if oldest and opened.age_seconds > oldest:
        raise Unauthenticated(REFUSED, reason="expired")
    try:
        principal = await identity.sign_in(opened.username, opened.password, address=address, package="semantic")
    except SignInRefused as refused:
        if refused.reason == "locked":
            raise TooMany(
                "too many failed attempts: wait before the next one", retry_after_seconds=refused.retry_after_seconds
            ) from refused
        raise Unauthenticated(REFUSED, reason="signature") from refused
    if not may(principal, Role.ACCESS):
        raise Unauthenticated(REFUSED, reason="signature")
    return await identity.semantic_key(principal)
