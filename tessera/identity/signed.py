"""Signed tokens (JWT): their shapes, and what makes one valid before any database is asked.

One secret signs three shapes. A shape is recognised by its claims and never passes as another one:

=================  ==================================================================  ===============
shape              claims                                                              algorithm
=================  ==================================================================  ===============
production         fresh, iat, nbf, exp, jti, type (access | refresh), sub,            HS256
                   identity_type, for access also refresh_jti
vault              role, username, for standard users also exp; nothing else           HS512 or HS256
exchange           type = exchange, sub, token, iat, exp, jti                          HS256
=================  ==================================================================  ===============

After `revoke-tokens` each of them carries ``version`` besides.

Source: contracts/production.md, 1.3; contracts/vault.md, 1.1; contracts/catalog.md, 2
"""

import time
import uuid
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from msgspec import Struct

from tessera.identity.forms import Purpose
from tessera.identity.keys import Keys
from tessera.kernel.errors import Unauthenticated

EXCHANGE_SECONDS: Final = 3_600
_ALGORITHMS: Final = ("HS256", "HS512")
_VAULT_CLAIMS: Final = frozenset({"role", "username", "exp", "version"})


class ProductionClaims(Struct, frozen=True):
    """An access or refresh token of a log-in, or a bot's access token."""

    sub: str
    jti: str
    type: Purpose
    identity_type: str = "person"
    exp: float | None = None
    refresh_jti: str | None = None
    version: int = 0


class VaultClaims(Struct, frozen=True, forbid_unknown_fields=True):
    """A token of the vault's log-in; without ``exp`` only a technical user's is good."""

    role: str
    username: str
    exp: float | None = None
    version: int = 0


class ExchangeClaims(Struct, frozen=True):
    """A token of one hour that acts as an opaque token."""

    sub: str
    token: str
    jti: str
    exp: float
    version: int = 0


Claims = ProductionClaims | VaultClaims | ExchangeClaims


class TokenPair(Struct, frozen=True):
    """What a log-in of production gives."""

    access_token: str
    refresh_token: str


def sign(keys: Keys, claims: dict[str, Any], *, algorithm: str = "HS256") -> str:
    """A compact JWT with the claims in the given order.

    Source: contracts/vault.md, 1.1: compact JSON in that order, so that a technical user's token is the same string
    at each log-in.
    """
    header = {"alg": algorithm, "typ": "JWT"}
    return jws.serialize_compact(header, msgspec.json.encode(claims), keys.signing, [algorithm])


def production_pair(
    keys: Keys, principal_id: str, *, version: int, access_seconds: int, refresh_seconds: int
) -> TokenPair:
    """A fresh access token and refresh token that know each other."""
    refresh_jti = str(uuid.uuid4())
    refresh = _production(principal_id, "refresh", refresh_jti, refresh_seconds, version)
    access = production_access(keys, principal_id, refresh_jti=refresh_jti, version=version, seconds=access_seconds)
    return TokenPair(access, sign(keys, refresh))


def production_access(keys: Keys, principal_id: str, *, refresh_jti: str, version: int, seconds: int) -> str:
    """A new access token that belongs to an existing refresh token."""
    claims = _production(principal_id, "access", str(uuid.uuid4()), seconds, version)
    return sign(keys, claims | {"refresh_jti": refresh_jti})


def bot_access(keys: Keys, bot_id: str, *, jti: str, version: int, expires_at: int | None) -> str:
    """A bot's only token; without an end it never expires."""
    claims = _production(bot_id, "access", jti, 0, version) | {"identity_type": "bot"}
    if expires_at is None:
        del claims["exp"]
    else:
        claims["exp"] = expires_at
    return sign(keys, claims)


def _production(principal_id: str, purpose: Purpose, jti: str, seconds: int, version: int) -> dict[str, Any]:
    now = int(time.time())
    claims: dict[str, Any] = {
        "fresh": False,
        "iat": now,
        "jti": jti,
        "type": purpose,
        "sub": principal_id,
        "nbf": now,
        "exp": now + seconds,
        "identity_type": "person",
    }
    return claims | ({"version": version} if version else {})


def vault_token(
    keys: Keys, *, username: str, role: str, version: int, expires_at: int | None, algorithm: str = "HS512"
) -> str:
    """A token of the vault's log-in: exactly role, username and, unless it never expires, exp."""
    claims: dict[str, Any] = {"role": role, "username": username}
    if expires_at is not None:
        claims["exp"] = expires_at
    if version:
        claims["version"] = version
    return sign(keys, claims, algorithm=algorithm)


def exchange_token(keys: Keys, *, principal_id: str, token_id: str, seconds: int = EXCHANGE_SECONDS) -> str:
    """An access token that acts as the opaque token ``token_id``."""
    now = int(time.time())
    claims = {"type": "exchange", "sub": principal_id, "token": token_id, "iat": now, "exp": now + seconds}
    return sign(keys, claims | {"jti": str(uuid.uuid4())})


def verify(keys: Keys, text: str, purpose: Purpose) -> tuple[Claims, dict[str, Any]]:
    """The claims of a token of ours, in its shape and as they stand in it.

    Raises:
        Unauthenticated: ``malformed`` (not a JWT, or claims of no shape of ours), ``signature`` (also another
            algorithm than the shape's own), ``expired``, ``kind`` (a refresh token for access, or the reverse).
    """
    algorithm, payload = _verified(keys, text)
    try:
        raw = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unauthenticated("the token's claims are not JSON", reason="malformed") from error
    if not isinstance(raw, dict):
        raise Unauthenticated("the token's claims are not an object", reason="malformed")
    claims = _shape(raw, algorithm)
    _check_times(raw)
    wanted: str = claims.type if isinstance(claims, ProductionClaims) else "access"
    if wanted != purpose:
        which = "non-refresh" if purpose == "access" else "refresh"
        raise Unauthenticated(f"Only {which} tokens are allowed", reason="kind")
    return claims, raw


def _verified(keys: Keys, text: str) -> tuple[str, bytes]:
    try:
        algorithm = jws.extract_compact(text.encode("ascii")).headers().get("alg")
    except (JoseError, ValueError, UnicodeError, msgspec.DecodeError, AttributeError, TypeError) as error:
        raise Unauthenticated("not a token: its header cannot be read", reason="malformed") from error
    if algorithm not in _ALGORITHMS:
        raise Unauthenticated("the token's algorithm is not accepted", reason="signature")
    for key in keys.verifying:
        try:
            return algorithm, jws.deserialize_compact(text, key, [algorithm]).payload
        except BadSignatureError:
            continue
        except (JoseError, ValueError) as error:
            raise Unauthenticated("not a token: it cannot be read", reason="malformed") from error
    raise Unauthenticated("Signature verification failed", reason="signature")


def _shape(raw: dict[str, Any], algorithm: str) -> Claims:
    kind: Any
    if raw.get("type") in ("access", "refresh"):
        kind = ProductionClaims
    elif raw.get("type") == "exchange":
        kind = ExchangeClaims
    elif raw.keys() <= _VAULT_CLAIMS:
        kind = VaultClaims
    else:
        raise Unauthenticated("the token's claims are not those of a sign-in", reason="malformed")
    if kind is not VaultClaims and algorithm != "HS256":
        raise Unauthenticated("the token's algorithm is not accepted", reason="signature")
    try:
        claims: Claims = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise Unauthenticated("the token's claims are not those of a sign-in", reason="malformed") from error
    if isinstance(claims, ProductionClaims) and claims.exp is None and claims.identity_type != "bot":
        raise Unauthenticated("the token has no end", reason="malformed")
    return claims


def _check_times(raw: dict[str, Any]) -> None:
    now = time.time()
    expires, begins = raw.get("exp"), raw.get("nbf")
    if expires is not None and expires <= now:
        raise Unauthenticated("Signature has expired", reason="expired")
    # One second for clocks that are read by different workers.
    if isinstance(begins, int | float) and begins > now + 1:
        raise Unauthenticated("the token is not valid yet", reason="malformed")
