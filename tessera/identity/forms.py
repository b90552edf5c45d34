"""The forms in which a client sends a credential: which header or cookie, and how the token is cut out of it.

A form only extracts; whether what it found is good is decided in `authenticate`. ``None`` means that the client did
not use this form; a form that was used and cannot be read is `Malformed`.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

Purpose = Literal["access", "refresh"]
# A JWT of ours has about 300 bytes, a foreign one with many claims about 4,000.
MAXIMUM_TOKEN_CHARACTERS = 8192
SESSION_COOKIE = "tessera_session"


class Token(Struct, frozen=True):
    """A signed or opaque token, not yet verified."""

    text: str
    purpose: Purpose = "access"
    # From a cookie that a browser sends by itself: unsafe methods must prove their origin.
    from_cookie: bool = False
    # May be signed by somebody else whom the settings trust (semantic).
    foreign: "ForeignHints | None" = None


class ForeignHints(Struct, frozen=True):
    """What a client says beside a JWT of another issuer; each is checked when it is sent."""

    tenant: str | None = None
    issuer: str | None = None
    audience: str | None = None
    nonce: str | None = None


class PasswordPair(Struct, frozen=True):
    """A log-in name or e-mail with its password, sent with the request itself."""

    login: str
    password: str


class SessionSecret(Struct, frozen=True):
    """The console's own session, from its cookie."""

    text: str


class Malformed(Struct, frozen=True):
    """The form was used, but its content cannot be a credential."""


Credential: TypeAlias = Token | PasswordPair | SessionSecret | Malformed


class Sent(Protocol):
    """What a form reads of a request."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def cookies(self) -> Mapping[str, str]: ...


class Form(Protocol):
    """One place where a credential may stand."""

    def find(self, request: Sent) -> Credential | None:
        """The credential that the request carries in this form, if it uses the form."""


def _token(text: str, *, purpose: Purpose = "access", from_cookie: bool = False) -> Token | Malformed:
    words = text.split(None, 1) if len(text) <= MAXIMUM_TOKEN_CHARACTERS else []
    return Token(words[0], purpose, from_cookie) if len(words) == 1 else Malformed()


class Bearer(Struct, frozen=True):
    """``Authorization: Bearer <token>``, signed or opaque. The word is read without regard to case (RFC 7235)."""

    purpose: Purpose = "access"

    def find(self, request: Sent) -> Credential | None:
        header = request.headers.get("authorization")
        if header is None:
            return None
        scheme, _, rest = header.strip().partition(" ")
        if scheme.lower() == "basic":
            return None
        if scheme.lower() != "bearer":
            return Malformed()
        return _token(rest, purpose=self.purpose)


class RawAuthorization(Struct, frozen=True):
    """``authorization: <token>`` without a scheme; ``Bearer`` before it is allowed. Source: contracts/ingest.md, 2.1"""

    def find(self, request: Sent) -> Credential | None:
        header = request.headers.get("authorization")
        if header is None:
            return None
        scheme, _, rest = header.strip().partition(" ")
        return _token(rest if scheme.lower() == "bearer" else header)


class Cookie(Struct, frozen=True):
    """A token in a cookie that a log-in set. Source: contracts/production.md, 1.2"""

    name: str
    purpose: Purpose = "access"

    def find(self, request: Sent) -> Credential | None:
        value = request.cookies.get(self.name)
        if not value:
            return None
        return _token(value, purpose=self.purpose, from_cookie=True)


class TokenHeader(Struct, frozen=True):
    """A token alone in a header of its own, such as ``x-api-key``. Source: contracts/semantic.md, 3.1"""

    name: str

    def find(self, request: Sent) -> Credential | None:
        value = request.headers.get(self.name)
        return None if value is None else _token(value)


class JwtHeader(Struct, frozen=True):
    """A JWT in a header of its own: ours, or a trusted issuer's. Source: contracts/semantic.md, 3.2"""

    name: str
    tenant: str = "x-jwt-tenant-id"
    issuer: str = "x-jwt-issuer"
    audience: str = "x-jwt-client-id"
    nonce: str = "x-jwt-nonce"

    def find(self, request: Sent) -> Credential | None:
        value = request.headers.get(self.name)
        if value is None:
            return None
        token = _token(value)
        if isinstance(token, Malformed) or token.text.count(".") != 2:
            return Malformed()
        sent = request.headers.get
        hints = ForeignHints(sent(self.tenant), sent(self.issuer), sent(self.audience), sent(self.nonce))
        return Token(token.text, foreign=hints)


class BasicToken(Struct, frozen=True):
    """``Authorization: Basic``, user ``token``, the token as password. Source: contracts/semantic.md, R16"""

    def find(self, request: Sent) -> Credential | None:
        header = request.headers.get("authorization")
        if header is None or not header.lower().startswith("basic "):
            return None
        try:
            user, _, password = base64.b64decode(header[6:].strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Malformed()
        return _token(password) if user == "token" else Malformed()


class PasswordHeaders(Struct, frozen=True):
    """E-mail and password in two headers of the request itself. Source: contracts/ingest.md, 2.1"""

    email: str = "x-api-email"
    password: str = "x-api-password"

    def find(self, request: Sent) -> Credential | None:
        email, password = request.headers.get(self.email), request.headers.get(self.password)
        if email is None and password is None:
            return None
        if not email or not password or len(email) > 1024 or len(password) > 1024:
            return Malformed()
        return PasswordPair(email, password)


class SessionCookie(Struct, frozen=True):
    """Tessera's own session. Understood in every package after its own forms; no package lists it."""

    name: str = SESSION_COOKIE

    def find(self, request: Sent) -> Credential | None:
        value = request.cookies.get(self.name)
        if not value:
            return None
        return SessionSecret(value) if len(value) <= 128 else Malformed()
