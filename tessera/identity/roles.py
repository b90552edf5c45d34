"""The role words of each package, least to most powerful, and who may hand out which.

A role belongs to one package and is written in that package's own words; an administrator of the installation holds
the most powerful one everywhere. What a role may do is stated beside each route, not here.
"""

from collections.abc import Mapping
from typing import Protocol

from tessera.kernel.access import Principal
from tessera.kernel.errors import Forbidden, Invalid

ROLE_WORDS: Mapping[str, tuple[str, ...]] = {
    # Source: contracts/production.md, 2 (Person.role).
    "production": ("vendor", "client", "user", "supervisor", "manager", "admin"),
    # Source: contracts/catalog.md, 17 (licenceLevel).
    "catalog": ("Reader", "Explorer", "Steward", "Admin"),
    # Source: contracts/semantic.md, 12: the words of its grants, and `admin` who holds everything.
    "semantic": ("access", "query", "edit", "admin"),
    # Source: contracts/ingest.md, 2.7.
    "ingest": ("viewer", "editor", "admin"),
    # Source: contracts/vault.md, 1.4. `dvb_dev` of the old example is read as `dvb_user`, so it is no word of ours.
    "vault": ("dvb_user_readonly", "dvb_operations", "dvb_user", "dvb_admin"),
}
PACKAGES = tuple(ROLE_WORDS)
ADMINISTRATOR_ROLES: Mapping[str, str] = {package: words[-1] for package, words in ROLE_WORDS.items()}
SCOPE_LEVELS = ("read", "write", "admin")


class Rights(Protocol):
    """What a guard compares: a principal, or what a principal is about to be."""

    @property
    def roles(self) -> Mapping[str, str]: ...
    @property
    def is_administrator(self) -> bool: ...


def check_role(package: str, role: str | None) -> None:
    """Refuse words that the package does not know; None is no role, in a package that must exist.

    Raises:
        Invalid: unknown package or role; the message names the words that would be right.
    """
    words = ROLE_WORDS.get(package)
    if words is None:
        raise Invalid(f'package must be one of {", ".join(PACKAGES)}; got "{package}"', field="roles")
    if role is not None and role not in words:
        raise Invalid(f'role in {package} must be one of {", ".join(words)}; got "{role}"', field="roles")


def rank(package: str, role: str | None) -> int:
    """Where a role stands in its package: 0 for none, then 1, 2, ... from the least powerful on."""
    return 0 if role is None else ROLE_WORDS[package].index(role) + 1


def may_govern(by: Principal | None, other: Rights) -> bool:
    """Whether ``by`` could do nothing through ``other`` that it cannot do itself; None is the command line.

    Whoever may set somebody's password, e-mail or log-in name can act as that person, so these changes ask this.
    """
    if by is None or by.is_administrator:
        return True
    if other.is_administrator:
        return False
    return all(rank(package, role) <= rank(package, by.roles.get(package)) for package, role in other.roles.items())


def check_may_grant(by: Principal | None, package: str, role: str | None, current: str | None) -> None:
    """Refuse to give or take away a role unless the acting principal runs that package.

    Only the most powerful role of a package hands out roles in it, and only in it: the tracker's `admin` is no
    administrator elsewhere.

    Raises:
        Forbidden: ``by`` may not.
        Invalid: unknown word.
    """
    check_role(package, role)
    if by is None or by.is_administrator or role == current:
        return
    if by.roles.get(package) != ROLE_WORDS[package][-1]:
        needed = ROLE_WORDS[package][-1]
        raise Forbidden(f"only {needed} of {package} or an administrator may change roles in {package}", field="roles")


def check_scopes(scopes: frozenset[str]) -> None:
    """Refuse scopes that are not ``<package>:read``, ``:write`` or ``:admin``; ``identity`` is a package here.

    Raises:
        Invalid: an unknown scope.
    """
    for scope in sorted(scopes):
        package, _, level = scope.partition(":")
        if level not in SCOPE_LEVELS or (package not in ROLE_WORDS and package != "identity"):
            packages = ", ".join((*PACKAGES, "identity"))
            raise Invalid(
                f'a scope is <package>:<read|write|admin> with package one of {packages}; got "{scope}"', field="scopes"
            )


def covers(held: frozenset[str] | None, wanted: frozenset[str]) -> bool:
    """Whether a token with the scopes ``held`` (None = no limit) may make one with the scopes ``wanted``."""
    if held is None:
        return True
    return all(scope in held or f"{scope.partition(':')[0]}:admin" in held for scope in wanted)
