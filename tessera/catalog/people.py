"""Rules and SQL of people as the catalogue shows them: identity's principals with their licence level here.

A person is identity's; the licence level is the role in this package; title, service and role are the catalogue's own.
Source: contracts/catalog.md, 17.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from msgspec import UNSET, Raw, Struct, UnsetType

from tessera.catalog import objects, paths
from tessera.catalog.model import PROFILES
from tessera.catalog.paging import Address, PageQuery, make_page
from tessera.catalog.vocabulary import MODULES, Role
from tessera.identity import PRINCIPALS, ROLES, create_person, set_role, update_person
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.db import Tx, upsert
from tessera.kernel.errors import Forbidden, Invalid, NotFound

LICENCE_IDS: Final[Mapping[str, int]] = MappingProxyType(
    # One pool a level. Self-hosted, a pool has no end, so its id is all that there is to it.
    {Role.ADMIN: 1, Role.STEWARD: 2, Role.EXPLORER: 3, Role.READER: 4}
)
_LEVELS: Final = {number: str(level) for level, number in LICENCE_IDS.items()}
GOVERNANCE_ROLES: Final = ("owner", "steward", "dpo", "cdo", "ciso", "expert")
_p = PRINCIPALS.c


class PeopleQuery(PageQuery, kw_only=True, rename="camel"):
    """Filters of the lists of people. ``module`` and ``role`` are accepted and narrow nothing: rights are not per
    module here, and everybody with a licence may own or steward."""

    module: str | None = None
    role: str | None = None
    user_id: str | None = None
    email: str | None = None


class User(Struct, frozen=True, rename="camel"):
    """A person on the wire: the seed's keys, in the seed's order."""

    user_id: str
    license_level: str | None
    first_name: str
    last_name: str
    email: str | None
    license_id: int | None
    title: str | None
    service: str | None
    role: str | None


_level = sa.case((_p.is_administrator, str(Role.ADMIN)), else_=ROLES.c.role)
_people = (PRINCIPALS.outerjoin(ROLES, (ROLES.c.principal_id == _p.id) & (ROLES.c.package == "catalog"))).outerjoin(
    PROFILES, PROFILES.c.principal_id == _p.id
)
_COLUMNS: Final = (
    _p.id,
    _level.label("level"),
    _p.first_name,
    _p.last_name,
    _p.email,
    _p.login_email,
    PROFILES.c.title,
    PROFILES.c.service,
    PROFILES.c.role.label("job"),
)


def _user(row: Any) -> User:
    licence = LICENCE_IDS.get(row.level) if row.level else None
    return User(row.id, row.level, row.first_name, row.last_name, row.email, licence, row.title, row.service, row.job)


def page_eligible(tx: Tx, version_id: str, query: PeopleQuery, address: Address) -> Raw:
    """People with a licence, who can answer for objects of this version, in the order of their e-mail addresses.

    Raises:
        NotFound: no such version.
        Invalid: an unknown module or role.
    """
    objects.read_version(tx, version_id)
    if query.module is not None and query.module not in MODULES:
        raise Invalid(f"module: {query.module!r} is not one of {', '.join(MODULES)}", field="module")
    if query.role is not None and query.role not in GOVERNANCE_ROLES:
        raise Invalid(f"role: {query.role!r} is not one of {', '.join(GOVERNANCE_ROLES)}", field="role")
    return _page(tx, query, address, [_level.is_not(None)])


def page_all(tx: Tx, query: PeopleQuery, address: Address) -> Raw:
    """Everybody, with or without a licence."""
    return _page(tx, query, address, [])


def _page(tx: Tx, query: PeopleQuery, address: Address, conditions: list[sa.ColumnElement[bool]]) -> Raw:
    conditions = [*conditions, _p.kind == "person", _p.is_active, _p.login_email.is_not(None)]
    if query.user_id is not None:
        if not paths.is_uuid(query.user_id):
            raise Invalid(f"userId: must be a UUID; got {query.user_id!r}", field="userId")
        conditions.append(_p.id == query.user_id.lower())
    if query.email is not None:
        conditions.append(_p.login_email == query.email.strip().casefold())
    total = int(tx.scalar(sa.select(sa.func.count()).select_from(_people).where(*conditions)))
    seek = query.seek()
    rows_query = (
        sa.select(*_COLUMNS).select_from(_people).where(*conditions).order_by(_p.login_email).limit(query.limit)
    )
    if seek.path is not None:
        rows_query = rows_query.where(_p.login_email > seek.path)
    else:
        rows_query = rows_query.offset(seek.offset)
    rows = tx.all(rows_query)
    last = (rows[-1].login_email, rows[-1].id) if rows else None
    return make_page([_user(row) for row in rows], query, address, total_sum=total, last=last)


def read(tx: Tx, user_id: str) -> User:
    """One person.

    Raises:
        NotFound: no such person.
    """
    plain = paths.uuid_or_missing(user_id, "user")
    row = tx.one(sa.select(*_COLUMNS).select_from(_people).where(_p.id == plain, _p.kind == "person"))
    if row is None:
        raise NotFound(f"user {user_id!r} does not exist")
    return _user(row)


def require_admin_access(principal: Principal) -> None:
    """Refuse integration tokens without Admin Access; a person's own rights are the route's word.

    Raises:
        Forbidden: the flag is missing.

    Source: contracts/catalog.md, 2
    """
    if principal.kind == "integration" and not principal.admin_access:
        raise Forbidden(
            "this integration token has no Admin Access, which managing users, licences and workspaces needs"
        )


class UserDraft(Struct, frozen=True):
    """Body of ``POST /users`` and ``PUT /users/{id}``; names are lower-case here, as the original has them."""

    email: str | UnsetType = UNSET
    firstname: str | UnsetType | None = UNSET
    lastname: str | UnsetType | None = UNSET
    licenseId: int | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    service: str | UnsetType | None = UNSET
    role: str | UnsetType | None = UNSET
    externalId: str | UnsetType | None = UNSET


def _level_of(draft: UserDraft) -> str | None:
    if isinstance(draft.licenseId, UnsetType) or draft.licenseId is None:
        return None
    level = _LEVELS.get(draft.licenseId)
    if level is None:
        known = ", ".join(f"{number} ({level})" for number, level in _LEVELS.items())
        raise Invalid(f"licenseId: there is no licence {draft.licenseId}; there are {known}", field="licenseId")
    return level


def create(tx: Tx, principal: Principal, draft: UserDraft) -> User:
    """Make a person, with a licence or without.

    Raises:
        Forbidden: the token has no Admin Access.
        Invalid: the e-mail is missing or malformed, or there is no such licence.
        Conflict: the e-mail is somebody else's.
    """
    require_admin_access(principal)
    if isinstance(draft.email, UnsetType):
        raise Invalid("email: required", field="email")
    level = _level_of(draft)
    user_id = create_person(
        tx,
        email=draft.email,
        first_name=draft.firstname or "",
        last_name=draft.lastname or "",
        roles={"catalog": level} if level else {},
        by=principal,
    )
    _save_profile(tx, user_id, draft)
    return read(tx, user_id)


def change(tx: Tx, principal: Principal, user_id: str, draft: UserDraft) -> User:
    """Change what is sent of a person; ``licenseId`` null takes the licence away.

    Raises:
        Forbidden: the token has no Admin Access, or the person has rights elsewhere that the caller has not.
        NotFound: no such person.
        Invalid: a malformed e-mail, or there is no such licence.
        Conflict: the e-mail is somebody else's.
    """
    require_admin_access(principal)
    plain = read(tx, user_id).user_id
    update_person(
        tx,
        plain,
        email=draft.email,
        first_name=UNSET if isinstance(draft.firstname, UnsetType) else draft.firstname or "",
        last_name=UNSET if isinstance(draft.lastname, UnsetType) else draft.lastname or "",
        by=principal,
    )
    if not isinstance(draft.licenseId, UnsetType):
        set_role(tx, plain, "catalog", _level_of(draft), by=principal)
    _save_profile(tx, plain, draft)
    return read(tx, plain)


def _save_profile(tx: Tx, user_id: str, draft: UserDraft) -> None:
    sent = {"title": draft.title, "service": draft.service, "role": draft.role, "external_id": draft.externalId}
    values = {key: value for key, value in sent.items() if not isinstance(value, UnsetType)}
    for key, value in values.items():
        if value is not None and (len(value) > 1_000 or "\x00" in value):
            raise Invalid(f"{key}: at most 1000 characters", field=key)
    if values:
        tx.execute(upsert(tx, PROFILES, {"principal_id": user_id, **values}, ["principal_id"]))
        events.record(tx, "catalog.user.updated", package="catalog", of=user_id, data={"changed": sorted(values)})
