"""What the console and scripts read: people, technical users, the matrix of roles, the audit trail, the home page."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from msgspec import Struct

from tessera.identity.model import PRINCIPALS
from tessera.identity.principals import Found, effective_roles, full_name, key_of, roles_of
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant
from tessera.kernel.db import METADATA, Tx
from tessera.kernel.errors import NotFound
from tessera.kernel.events import EVENTS

PAGE_LIMIT: Final = 200


class PrincipalView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A principal as administrators read it: never its hash, never a token."""

    id: str
    kind: str
    username: str
    email: str | None
    first_name: str
    last_name: str
    full_name: str
    desktop_login: str | None
    is_active: bool
    is_administrator: bool
    has_password: bool
    non_expiring_token: bool
    roles: dict[str, str]
    note: str
    created_at: str
    updated_at: str
    last_sign_in_at: str | None


class AuditEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that happened, with the name of who did it."""

    seq: int
    id: str
    name: str
    package: str
    object_id: str | None
    actor_id: str | None
    actor_name: str | None
    at: str
    data: dict[str, Any]


def view(
    tx: Tx, principal_id: str, *, kinds: Sequence[str] = ("person", "technical", "integration", "bot")
) -> PrincipalView:
    """One principal.

    Raises:
        NotFound: no such principal of these kinds.
    """
    row = tx.one(sa.select(PRINCIPALS).where(PRINCIPALS.c.id == principal_id, PRINCIPALS.c.kind.in_(kinds)))
    if row is None:
        raise NotFound(f"no {' or '.join(kinds)} {principal_id}")
    return _view(row, roles_of(tx, [row.id])[row.id])


def page(
    tx: Tx,
    *,
    kinds: Sequence[str],
    search: str = "",
    is_active: bool | None = None,
    after: str | None = None,
    limit: int = PAGE_LIMIT,
) -> tuple[list[PrincipalView], int]:
    """Principals by user name, and how many there are in all pages. ``after`` is the last user name of the page before.

    Args:
        search: part of a name, e-mail or user name; case does not matter.
    """
    query = sa.select(PRINCIPALS).where(PRINCIPALS.c.kind.in_(kinds))
    if is_active is not None:
        query = query.where(PRINCIPALS.c.is_active == is_active)
    if search:
        columns = (
            PRINCIPALS.c.username_key,
            PRINCIPALS.c.email,
            PRINCIPALS.c.first_name + " " + PRINCIPALS.c.last_name,
        )
        part = key_of(search)
        query = query.where(sa.or_(*(sa.func.lower(column).contains(part, autoescape=True) for column in columns)))
    total: int = tx.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    if after is not None:
        query = query.where(PRINCIPALS.c.username_key > key_of(after))
    rows = tx.all(query.order_by(PRINCIPALS.c.username_key).limit(limit))
    roles = roles_of(tx, [row.id for row in rows])
    return [_view(row, roles[row.id]) for row in rows], total


def page_audit(
    tx: Tx,
    *,
    package: str = "identity",
    actor_id: str | None = None,
    object_id: str | None = None,
    name: str = "",
    since: str | None = None,
    until: str | None = None,
    before: int | None = None,
    limit: int = PAGE_LIMIT,
) -> list[AuditEntry]:
    """What happened, newest first. ``before`` is the ``seq`` of the last entry of the page before.

    Args:
        name: a whole name or its beginning, such as ``identity.token``.
    """
    query = (
        sa.select(*EVENTS.c, *(PRINCIPALS.c[column] for column in ("first_name", "last_name", "username")))
        .outerjoin(PRINCIPALS, PRINCIPALS.c.id == EVENTS.c.actor_id)
        .where(EVENTS.c.package == package)
        .order_by(EVENTS.c.seq.desc())
        .limit(limit)
    )
    if actor_id is not None:
        query = query.where(EVENTS.c.actor_id == actor_id)
    if object_id is not None:
        query = query.where(EVENTS.c.object_id == object_id)
    if name:
        query = query.where(EVENTS.c.name.startswith(name, autoescape=True))
    if since is not None:
        query = query.where(EVENTS.c.at >= since)
    if until is not None:
        query = query.where(EVENTS.c.at < until)
    if before is not None:
        query = query.where(EVENTS.c.seq < before)
    return [
        AuditEntry(
            seq=row.seq,
            id=row.id,
            name=row.name,
            package=row.package,
            object_id=row.object_id,
            actor_id=row.actor_id,
            actor_name=None if row.username is None else full_name(row),
            at=row.at,
            data=row.data,
        )
        for row in tx.all(query)
    ]


FIRST_STEPS: Final = {
    "hasSecondPerson": (2, "identity_principals"),
    "hasToken": (1, "identity_tokens"),
    "hasProject": (1, "production_project"),
    "hasSource": (1, "catalog_objects"),
    "hasConnection": (1, "ingest_connections"),
    "hasVaultObject": (1, "vault_objects"),
    "hasOntology": (1, "semantic_ontologies"),
}
"""What the console's first steps ask, and the table that answers it once it has so many rows. By name: identity knows
no package, and a package that is not installed has no table."""


def home(tx: Tx, principal: Principal) -> dict[str, Any]:
    """Counts and first steps of the console's home page, from what is really there."""
    steps = {}
    for step, (needed, name) in FIRST_STEPS.items():
        table = METADATA.tables.get(name)
        if table is not None:
            some = sa.select(sa.literal(1)).select_from(table).limit(needed)
            steps[step] = len(tx.all(some)) == needed
    return {"failedJobs": _failed_jobs(tx), "firstSteps": steps, "fullName": principal.full_name}


def _failed_jobs(tx: Tx) -> int:
    jobs = METADATA.tables.get("kernel_jobs")
    if jobs is None:
        return 0
    since = instant(datetime.now(UTC) - timedelta(hours=24))
    failed = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state == "failed", jobs.c.finished_at > since)
    return int(tx.scalar(failed) or 0)


def _view(row: Found, roles: dict[str, str]) -> PrincipalView:
    return PrincipalView(
        id=row.id,
        kind=row.kind,
        username=row.username,
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        full_name=full_name(row),
        desktop_login=row.desktop_login,
        is_active=row.is_active,
        is_administrator=row.is_administrator,
        has_password=row.password_hash is not None,
        non_expiring_token=row.non_expiring_token,
        roles=effective_roles(row, roles),
        note=row.note,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_sign_in_at=row.last_sign_in_at,
    )
