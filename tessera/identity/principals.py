"""Reads principals as the kernel knows them, with the roles of their packages; writes nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from tessera.identity.model import PRINCIPALS, ROLES
from tessera.identity.roles import ADMINISTRATOR_ROLES
from tessera.kernel.access import Principal
from tessera.kernel.db import Tx

Found = sa.Row[tuple[Any, ...]]


def key_of(name: str) -> str:
    """The form in which names and e-mails are compared."""
    return name.strip().casefold()


def find_by_id(tx: Tx, principal_id: str) -> Found | None:
    """The row of a principal."""
    return tx.one(sa.select(PRINCIPALS).where(PRINCIPALS.c.id == principal_id))


def find_by_username(tx: Tx, username: str) -> Found | None:
    """The row of the principal with that user name."""
    if "\0" in username:
        # PostgreSQL refuses the character itself.
        return None
    return tx.one(sa.select(PRINCIPALS).where(PRINCIPALS.c.username_key == key_of(username)))


def find_by_login(tx: Tx, login: str) -> Found | None:
    """Whom a typed log-in name means: an e-mail first, then a user name, then a desktop log-in that only one has.

    Bots and integrations do not sign in and are never found.

    Source: contracts/production.md, 1.4
    """
    if "\0" in login or len(login) > 1024:
        return None
    key, desktop_login = key_of(login), login.strip()
    named = sa.or_(
        PRINCIPALS.c.login_email == key, PRINCIPALS.c.username_key == key, PRINCIPALS.c.desktop_login == desktop_login
    )
    # One statement whoever is meant, so that the time tells nothing either.
    rows = tx.all(sa.select(PRINCIPALS).where(named, PRINCIPALS.c.kind.in_(("person", "technical"))).limit(20))
    for column in ("login_email", "username_key"):
        for row in rows:
            if row._mapping[column] == key:
                return row
    return rows[0] if len(rows) == 1 else None


def roles_of(tx: Tx, principal_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """The roles of several principals, by id and package, as they were given (administrators' too)."""
    ids = list(principal_ids)
    roles: dict[str, dict[str, str]] = {each: {} for each in ids}
    if ids:
        for row in tx.all(sa.select(ROLES).where(ROLES.c.principal_id.in_(ids))):
            roles[row.principal_id][row.package] = row.role
    return roles


def effective_roles(row: Found, given: Mapping[str, str]) -> dict[str, str]:
    """The roles that count: an administrator has the most powerful one in every package."""
    return dict(ADMINISTRATOR_ROLES) if row.is_administrator else dict(given)


def to_principal(tx: Tx, row: Found, **credential: Any) -> Principal:
    """The principal of a row, with what its credential adds (``credential``, ``scopes``, ``token_id``, ...)."""
    return Principal(
        id=row.id,
        kind=row.kind,
        username=row.username,
        email=row.email,
        full_name=full_name(row),
        roles=effective_roles(row, roles_of(tx, [row.id])[row.id]),
        is_administrator=row.is_administrator,
        **credential,
    )


def full_name(row: Found) -> str:
    """First and last name, or the user name where neither is known."""
    return f"{row.first_name} {row.last_name}".strip() or str(row.username)
