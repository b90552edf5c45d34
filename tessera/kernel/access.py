"""Who calls, and whether a route lets that caller in. Where principals come from is identity's matter."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, Literal

from msgspec import Struct, field

from tessera.kernel.errors import Forbidden


class Principal(Struct, frozen=True, kw_only=True):
    """The caller of one request: a person, a technical user, an integration or a bot.

    ``scopes`` is None where the credential itself sets no limit (a log-in); an opaque token's scopes look like
    ``catalog:read``, ``vault:write``, ``ingest:admin``; the later imply the former.
    """

    id: str
    kind: Literal["person", "technical", "integration", "bot"] = "person"
    username: str
    email: str | None = None
    full_name: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    is_administrator: bool = False
    scopes: frozenset[str] | None = None
    token_id: str | None = None
    credential: Literal["signed", "opaque", "password", "session", "none"] = "signed"
    admin_access: bool = False
    claims: dict[str, Any] = field(default_factory=dict)

    def role(self, package: str) -> str | None:
        """The role word in ``package``, if any."""
        return self.roles.get(package)

    def may(self, package: str, right: Literal["read", "write", "admin"]) -> bool:
        """Whether the credential's scopes reach this far."""
        if self.scopes is None:
            return True
        enough = {"read": ("read", "write", "admin"), "write": ("write", "admin"), "admin": ("admin",)}[right]
        return any(f"{package}:{word}" in self.scopes for word in enough)


class _Open(StrEnum):
    PUBLIC = "public"
    SIGNED_IN = "signed in"


PUBLIC: Final = _Open.PUBLIC
"""No credential needed."""
SIGNED_IN: Final = _Open.SIGNED_IN
"""Any principal, with or without a role in the package."""

Least = StrEnum | frozenset[Any]
"""``PUBLIC``, ``SIGNED_IN``, the least member of a package's ``Role`` (declared in ascending order), or a set."""


def roles_from(least: Least) -> frozenset[str] | None:
    """The role words that satisfy ``least``; None where no role is asked for."""
    if isinstance(least, _Open):
        return None
    if isinstance(least, frozenset):
        return frozenset(str(role) for role in least)
    members: list[StrEnum] = list(type(least))
    return frozenset(str(role) for role in members[members.index(least) :])


def check(principal: Principal, package: str, allowed: Iterable[str] | None, *, reads: bool) -> None:
    """Let the caller through, or raise.

    Raises:
        Forbidden: the role is too low, or the token's scopes do not reach this package or this verb.
    """
    right: Literal["read", "write"] = "read" if reads else "write"
    if principal.scopes is not None and not principal.may(package, right):
        raise Forbidden(f"this token's scopes do not include {package}:{right}", code="scope")
    if allowed is None or principal.is_administrator:
        return
    role = principal.roles.get(package)
    if role not in frozenset(allowed):
        held = f"role {role!r}" if role else "no role"
        raise Forbidden(
            f"this needs one of the roles {', '.join(sorted(allowed))} in {package}; the caller has {held} there",
            code="role",
        )
