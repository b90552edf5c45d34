"""The organization that this installation is, and the names of people as answers show them."""

import sqlalchemy as sa
from msgspec import Struct

from tessera.identity import PRINCIPALS
from tessera.ingest.model import ORGANIZATIONS
from tessera.kernel.db import Tx


class Organization(Struct, frozen=True):
    """The one organization."""

    id: str
    name: str


class Named(Struct, frozen=True):
    """A person: ``Full Name (e-mail)`` and the e-mail alone. Source: contracts/ingest.md, 2.2."""

    full: str
    email: str


def read_organization(tx: Tx) -> Organization:
    """The installation's organization; the migration made it."""
    row = tx.one(sa.select(ORGANIZATIONS).limit(1))
    assert row is not None
    return Organization(row.id, row.name)


def people(tx: Tx, ids: list[str | None]) -> dict[str | None, Named]:
    """Names of those who made things; unknown ids read as the command line's."""
    wanted = {person for person in ids if person}
    query = sa.select(
        PRINCIPALS.c.id,
        PRINCIPALS.c.username,
        PRINCIPALS.c.email,
        PRINCIPALS.c.first_name,
        PRINCIPALS.c.last_name,
    ).where(PRINCIPALS.c.id.in_(wanted))
    found: dict[str | None, Named] = {None: Named("Tessera", "")}
    for row in tx.all(query) if wanted else ():
        name = f"{row.first_name} {row.last_name}".strip() or row.username
        email = row.email or row.username
        found[row.id] = Named(f"{name} ({email})", email)
    for person in wanted - found.keys():
        found[person] = found[None]
    return found
