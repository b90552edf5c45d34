"""Who may do what: the role words of this package and the checks that depend on a statement, not on a route.

Source: contracts/semantic.md, 12
"""

from __future__ import annotations

from enum import StrEnum

from tessera.kernel.access import Principal
from tessera.kernel.errors import Forbidden


class Role(StrEnum):
    """From least to most powerful: see metadata, query, define, hold everything."""

    ACCESS = "access"
    QUERY = "query"
    EDIT = "edit"
    ADMIN = "admin"


def may(principal: Principal, least: Role) -> bool:
    """Whether the caller's role in this package is at least `least`."""
    if principal.is_administrator:
        return True
    order = [str(one) for one in Role]
    held = principal.role("semantic")
    return held in order and order.index(held) >= order.index(least)


def need(principal: Principal, least: Role, what: str) -> None:
    """Refuse unless the caller's role reaches; a change also needs a token that may write.

    Raises:
        Forbidden
    """
    if not may(principal, least):
        held = principal.role("semantic")
        raise Forbidden(
            f"{what} needs the role {least} in semantic; the caller has {f'the role {held}' if held else 'none'}",
            code="role",
        )
    if least in (Role.EDIT, Role.ADMIN) and not principal.may("semantic", "write"):
        raise Forbidden(f"{what} needs a token with the scope semantic:write", code="scope")
