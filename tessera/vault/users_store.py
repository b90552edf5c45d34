"""SQL of the vault's users: the join of identity's principals with the group and the database user."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tessera.identity import PRINCIPALS, ROLES
from tessera.kernel.db import upsert
from tessera.kernel.tx import Tx
from tessera.vault.groups_model import PACKAGE_NAME
from tessera.vault.tables_model import PROFILES


def put_database_user(tx: Tx, principal_id: str, db_user: str | None) -> None:
    """Keep the database user of a principal."""
    tx.execute(upsert(tx, PROFILES, {"principal_id": principal_id, "db_user": db_user}, ["principal_id"]))


def page(tx: Tx, *, username: str | None = None) -> Sequence[sa.Row[Any]]:
    """Everyone with a group, by name; administrators of the installation only if they have one of their own."""
    here = (ROLES.c.principal_id == PRINCIPALS.c.id) & (ROLES.c.package == PACKAGE_NAME)
    query = (
        sa.select(
            PRINCIPALS.c.username,
            PRINCIPALS.c.email,
            ROLES.c.role.label("usergroup"),
            PRINCIPALS.c.note.label("user_text"),
            PROFILES.c.db_user.label("pg_user"),
            PRINCIPALS.c.kind,
            PRINCIPALS.c.is_active,
            PRINCIPALS.c.non_expiring_token,
        )
        .join(ROLES, here)
        .outerjoin(PROFILES, PROFILES.c.principal_id == PRINCIPALS.c.id)
        .order_by(PRINCIPALS.c.username_key)
        .limit(10_000)
    )
    if username is not None:
        query = query.where(PRINCIPALS.c.username_key == username.strip().casefold())
    return tx.all(query)
