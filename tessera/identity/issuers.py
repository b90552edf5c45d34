"""JWTs that somebody else signed and the operator trusts: which key, which algorithms, which claim names the user.

Settings keep the names of the service that semantic's clients come from: ``ENABLE_TOKEN``, ``JWT_TYPE``,
``JWT_DEFAULT_KEY``, ``JWT_DEFAULT_ALGORITHM``, ``JWT_DEFAULT_AUDIENCE``, ``JWT_ISSUER``, ``JWT_USE_EMAIL_OR_USER``,
``JWT_USE_TENANT_USER`` and, for a tenant, ``JWT_<TENANT>_KEY``, ``_ALGORITHM``, ``_AUDIENCE``.

Source: contracts/semantic.md, 3.2
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey
from msgspec import Struct

from tessera.identity.forms import ForeignHints
from tessera.kernel.errors import Unauthenticated
from tessera.settings import BadSetting

LEEWAY_SECONDS: Final = 60
# The encrypted kinds that the old service lists (RSA-OAEP, AES) hide a token from its bearer; they prove no origin.
_ALGORITHMS: Final = {"HS256": "HS256", "RS256": "RS256", "RS246": "RS256"}
_TENANT = re.compile(r"[A-Za-z0-9_-]{1,64}")


class BadIssuer(BadSetting):
    """A setting of a trusted issuer that cannot be used."""


class Issuer(Struct, frozen=True):
    """One key that is trusted, with the algorithms for which it may be used."""

    key: OctKey | RSAKey
    algorithms: tuple[str, ...]
    audience: str | None


class Issuers:
    """All trusted issuers of this process; none unless ``ENABLE_TOKEN`` is true."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.is_enabled = environment.get("ENABLE_TOKEN", "").lower() == "true"
        self._environment = environment
        self._issuer = environment.get("JWT_ISSUER") or None
        self._is_azure = environment.get("JWT_TYPE", "custom") == "azure"
        self._claim = environment.get("JWT_USE_EMAIL_OR_USER", "upn" if self._is_azure else "email")
        self._with_tenant = environment.get("JWT_USE_TENANT_USER", "").lower() == "true"
        self._default = self._read("DEFAULT") if self.is_enabled else None
        if self.is_enabled and self._default is None:
            raise BadIssuer("ENABLE_TOKEN is true, but JWT_DEFAULT_KEY is not set")
        self._tenants: dict[str, Issuer] = {}
        if self.is_enabled:
            for name in environment:
                found = re.fullmatch(r"JWT_([A-Z0-9_]+)_KEY", name)
                if found and found.group(1) != "DEFAULT":
                    issuer = self._read(found.group(1))
                    assert issuer is not None
                    self._tenants[found.group(1)] = issuer

    def _read(self, tenant: str) -> Issuer | None:
        text = self._environment.get(f"JWT_{tenant}_KEY")
        if not text:
            return None
        words = self._environment.get(
            f"JWT_{tenant}_ALGORITHM", self._environment.get("JWT_DEFAULT_ALGORITHM", "RS256")
        )
        wanted = [word.strip() for word in words.split(",")]
        unknown = [word for word in wanted if word not in _ALGORITHMS]
        if unknown:
            raise BadIssuer(f"JWT_{tenant}_ALGORITHM must be of HS256, RS256; got {', '.join(unknown)}")
        algorithms = tuple(dict.fromkeys(_ALGORITHMS[word] for word in wanted))
        if len(algorithms) > 1:
            # A public key would pass as a shared secret (algorithm confusion).
            raise BadIssuer(f"JWT_{tenant}_ALGORITHM must not mix HS256 and RS256 for one key")
        try:
            key: OctKey | RSAKey
            key = OctKey.import_key(text) if algorithms == ("HS256",) else RSAKey.import_key(text.replace("\\n", "\n"))
        except (JoseError, ValueError) as error:
            raise BadIssuer(f"JWT_{tenant}_KEY is not a key for {algorithms[0]}") from error
        audience = self._environment.get(f"JWT_{tenant}_AUDIENCE", self._environment.get("JWT_DEFAULT_AUDIENCE"))
        return Issuer(key, algorithms, audience or None)

    def verify(self, text: str, hints: ForeignHints) -> tuple[str, dict[str, Any]]:
        """The name that a trusted issuer's token carries, and its claims.

        Raises:
            Unauthenticated: ``signature`` (also wrong issuer, audience or nonce), ``expired``, ``malformed``.
        """
        issuer = self._of(hints.tenant)
        try:
            payload = jws.deserialize_compact(text, issuer.key, list(issuer.algorithms)).payload
            claims = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unauthenticated("the token's claims are not JSON", reason="malformed") from error
        except (JoseError, ValueError) as error:
            raise Unauthenticated("Signature verification failed", reason="signature") from error
        if not isinstance(claims, dict):
            raise Unauthenticated("the token's claims are not an object", reason="malformed")
        self._check(claims, issuer, hints)
        name = self._name(claims)
        if self._with_tenant and hints.tenant:
            name = f"{hints.tenant}/{name}"
        return name, claims

    def _of(self, tenant: str | None) -> Issuer:
        assert self._default is not None
        if not tenant:
            return self._default
        if not _TENANT.fullmatch(tenant):
            raise Unauthenticated("no such tenant", reason="signature")
        return self._tenants.get(tenant.upper().replace("-", "_"), self._default)

    def _check(self, claims: dict[str, Any], issuer: Issuer, hints: ForeignHints) -> None:
        now = time.time()
        for name in ("exp", "nbf"):
            if name in claims and (isinstance(claims[name], bool) or not isinstance(claims[name], int | float)):
                raise Unauthenticated(f"the token's {name} is not a number", reason="malformed")
        if claims.get("exp", now) < now - LEEWAY_SECONDS:
            raise Unauthenticated("Signature has expired", reason="expired")
        if claims.get("nbf", now) > now + LEEWAY_SECONDS:
            raise Unauthenticated("the token is not valid yet", reason="malformed")
        audiences = claims.get("aud", [])
        audiences = [audiences] if isinstance(audiences, str) else audiences
        for wanted in (issuer.audience, hints.audience):
            if wanted and wanted not in audiences:
                raise Unauthenticated("the token is for another audience", reason="signature")
        for wanted in (self._issuer, hints.issuer):
            if wanted and claims.get("iss") != wanted:
                raise Unauthenticated("the token is of another issuer", reason="signature")
        if hints.nonce and claims.get("nonce") != hints.nonce:
            raise Unauthenticated("the token has another nonce", reason="signature")

    def _name(self, claims: dict[str, Any]) -> str:
        if self._is_azure:
            order: tuple[str, ...] = (self._claim, "upn", "preferred_username", "email")
        elif self._claim == "username":
            order = ("preferred_username", "username", "sub")
        else:
            order = ("email",)
        for claim in order:
            value = claims.get(claim)
            if isinstance(value, str) and value.strip():
                return value.strip()
        raise Unauthenticated(f"the token has no claim {order[0]}", reason="malformed")
