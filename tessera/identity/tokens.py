"""Opaque tokens: shown once, stored as a digest; made, listed, rotated and revoked by one set of rules.

Kinds: ``personal`` (its owner's rights), ``integration`` (an integration's), ``api`` (ingest's), ``semantic``
(``tk_`` and 64 hexadecimal digits). What a token may do is the least of three: its owner's roles now, its scopes, and
what the route asks. Revocation counts from the next request on: it bumps the epoch that every cache asks.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from msgspec import UNSET, Struct, UnsetType

from tessera.identity.model import PRINCIPALS, TOKENS
from tessera.identity.people import EPOCH, create_integration
from tessera.identity.principals import key_of
from tessera.identity.roles import PACKAGES, ROLE_WORDS, check_scopes, covers
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant, moment, new_id, now
from tessera.kernel.db import Tx
from tessera.kernel.errors import Forbidden, Invalid, NotFound

Kind = Literal["personal", "integration", "api", "semantic"]

_PREFIXES: Final = {"personal": "tsp_", "integration": "tsi_", "api": "tsa_", "semantic": "tk_"}
PREFIX_CHARACTERS: Final = 10
# Contract semantic: at most twenty a person from `get_token`, then the oldest ends.
SEMANTIC_KEYS_LIMIT: Final = 20
_CREATORS = PRINCIPALS.alias("creators")


class TokenRecord(Struct, frozen=True, kw_only=True):
    """What may be shown of a token: never its secret, never its digest."""

    id: str
    kind: str
    name: str
    description: str
    prefix: str
    scopes: list[str]
    admin_access: bool
    origin: str
    owner_id: str
    owner_kind: str
    owner_name: str
    owner_email: str | None
    created_by_id: str | None
    created_by_name: str
    created_by_email: str | None
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    revoked_at: str | None

    @property
    def state(self) -> Literal["active", "expired", "revoked"]:
        """Whether the token opens anything at this moment."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now() else "active"


def new_secret(kind: str) -> str:
    """A fresh secret of 256 bits; its beginning tells people and secret scanners what it is."""
    return _PREFIXES[kind] + secrets.token_hex(32)


def digest_of(secret: str) -> str:
    """The form in which a secret is stored and looked up. No salt is needed: 256 random bits are not guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def full_scopes(packages: Iterable[str]) -> frozenset[str]:
    """Everything that the owner may do in these packages."""
    return frozenset(f"{package}:admin" for package in packages)


def default_scopes(owner: Principal) -> frozenset[str]:
    """All packages in which the owner has a role (design, Identity), and identity itself: own tokens, own account."""
    return full_scopes(["identity", *(package for package in PACKAGES if owner.role(package))])


def create_token(
    tx: Tx,
    *,
    owner: Principal,
    kind: Kind,
    name: str,
    description: str = "",
    scopes: frozenset[str] | None = None,
    admin_access: bool = False,
    expires_at: str | None = None,
    origin: str = "identity",
    by: Principal | None,
) -> tuple[TokenRecord, str]:
    """Make a token of ``owner`` and return its record and, this once, its secret.

    Args:
        scopes: None = every package in which the owner has a role. A package's own route passes
            ``full_scopes(["ingest"])``.
        origin: the package whose route makes the token, else ``identity``.

    Raises:
        Invalid: name, scope or expiry is not one.
        Forbidden: a token for somebody else (only administrators, and only for technical users and integrations), or
            wider than the token that asks for it, or Admin Access without being an administrator of the catalog.
    """
    wanted = default_scopes(owner) if scopes is None else scopes
    check_scopes(wanted)
    _check_texts(name, description)
    _check_may_make(by, owner, wanted, admin_access)
    token_id, secret = new_id(), new_secret(kind)
    tx.execute(
        TOKENS.insert().values(
            id=token_id,
            principal_id=owner.id,
            kind=kind,
            name=name,
            description=description,
            digest=digest_of(secret),
            prefix=secret[:PREFIX_CHARACTERS],
            scopes=sorted(wanted),
            admin_access=admin_access,
            origin=origin,
            created_by=by.id if by is not None else None,
            created_at=now(),
            expires_at=_checked_expiry(expires_at),
        )
    )
    _record(tx, "identity.token.created", token_id, by, name=name, kind=kind, scopes=sorted(wanted), owner=owner.id)
    return read_token(tx, token_id), secret


def create_integration_token(
    tx: Tx,
    *,
    name: str,
    description: str = "",
    roles: dict[str, str] | None = None,
    scopes: frozenset[str] | None = None,
    admin_access: bool = False,
    expires_at: str | None = None,
    origin: str = "identity",
    by: Principal | None,
) -> tuple[TokenRecord, str]:
    """Make an integration (it belongs to nobody) and its token. The catalog passes ``roles={"catalog": "Admin"}``.

    Args:
        roles: None = the most powerful role in each package of ``scopes``.
        scopes: None = every package of ``roles``.

    Raises:
        Invalid: name, scope, role or expiry is not one, or neither roles nor scopes are given.
        Forbidden: ``by`` may not hand out one of the roles.

    Source: contracts/catalog.md, 2
    """
    _check_texts(name, description)
    if scopes is not None:
        check_scopes(scopes)
    if roles is None:
        packages = {scope.partition(":")[0] for scope in scopes or ()} & set(PACKAGES)
        roles = {package: ROLE_WORDS[package][-1] for package in PACKAGES if package in packages}
    if not roles:
        raise Invalid("an integration needs scopes in at least one package", field="scopes")
    wanted = full_scopes(roles) if scopes is None else scopes
    if by is not None and not covers(by.scopes, wanted):
        raise Forbidden("a token may not make one that reaches further than itself", field="scopes")
    principal_id = create_integration(tx, name=name, roles=roles, by=by)
    owner = Principal(id=principal_id, kind="integration", username="", full_name=name, roles=roles)
    return create_token(
        tx,
        owner=owner,
        kind="integration",
        name=name,
        description=description,
        scopes=wanted,
        admin_access=admin_access,
        expires_at=expires_at,
        origin=origin,
        by=by,
    )


def create_semantic_key(tx: Tx, *, owner: Principal, origin: str = "semantic") -> str:
    """A new ``tk_...`` of the caller; earlier ones go on until there are more than twenty, then the oldest ends.

    Source: contracts/semantic.md, 3.3; design.md, Identity
    """
    record, secret = create_token(
        tx,
        owner=owner,
        kind="semantic",
        name="Timbr API key",
        scopes=full_scopes(["semantic"]),
        origin=origin,
        by=owner,
    )
    mine = (
        sa.select(TOKENS.c.id)
        .where(
            TOKENS.c.principal_id == owner.id,
            TOKENS.c.kind == "semantic",
            TOKENS.c.origin == origin,
            TOKENS.c.revoked_at.is_(None),
            TOKENS.c.id != record.id,
        )
        .order_by(TOKENS.c.created_at.desc(), TOKENS.c.id)
        .offset(SEMANTIC_KEYS_LIMIT - 1)
        .limit(1000)
    )
    surplus = [row.id for row in tx.all(mine)]
    if surplus:
        tx.execute(TOKENS.update().where(TOKENS.c.id.in_(surplus)).values(revoked_at=now()))
        for token_id in surplus:
            _record(tx, "identity.token.revoked", token_id, owner, why="more than twenty keys")
        tx.bump(EPOCH)
    return secret


def find_token(tx: Tx, token_id: str) -> TokenRecord | None:
    """The record of a token, revoked ones too."""
    row = tx.one(_records().where(TOKENS.c.id == token_id))
    return None if row is None else _to_record(row)


def read_token(tx: Tx, token_id: str) -> TokenRecord:
    """The record of a token, revoked ones too.

    Raises:
        NotFound: no such token.
    """
    record = find_token(tx, token_id)
    if record is None:
        raise NotFound(f"no token {token_id}")
    return record


def list_tokens(
    tx: Tx,
    *,
    owner_id: str | None = None,
    kind: str | None = None,
    origin: str | None = None,
    search: str = "",
    with_ended: bool = False,
    after: str | None = None,
    limit: int = 200,
) -> list[TokenRecord]:
    """Tokens, newest first. ``after`` is the id of the last one of the page before. Who may see whose is the route's.

    Args:
        search: part of name, description, prefix, or of the owner's name or e-mail; case does not matter.
    """
    query = _records().order_by(TOKENS.c.created_at.desc(), TOKENS.c.id.desc()).limit(limit)
    if owner_id is not None:
        query = query.where(TOKENS.c.principal_id == owner_id)
    if kind is not None:
        query = query.where(TOKENS.c.kind == kind)
    if origin is not None:
        query = query.where(TOKENS.c.origin == origin)
    if not with_ended:
        query = query.where(TOKENS.c.revoked_at.is_(None))
    if search:
        columns = (TOKENS.c.name, TOKENS.c.description, TOKENS.c.prefix, PRINCIPALS.c.username_key, PRINCIPALS.c.email)
        names = PRINCIPALS.c.first_name + " " + PRINCIPALS.c.last_name
        part = key_of(search)
        query = query.where(
            sa.or_(*(sa.func.lower(column).contains(part, autoescape=True) for column in (*columns, names)))
        )
    if after is not None:
        last = sa.select(TOKENS.c.created_at).where(TOKENS.c.id == after).scalar_subquery()
        query = query.where((TOKENS.c.created_at < last) | ((TOKENS.c.created_at == last) & (TOKENS.c.id < after)))
    return [_to_record(row) for row in tx.all(query)]


def update_token(
    tx: Tx,
    token_id: str,
    *,
    by: Principal | None,
    name: str | UnsetType = UNSET,
    description: str | UnsetType = UNSET,
    admin_access: bool | UnsetType = UNSET,
) -> TokenRecord:
    """Rename a token, or set or clear its Admin Access. Scopes never change: make another token.

    Raises:
        NotFound: no such token, or one that ``by`` may not know of.
        Forbidden: Admin Access without being an administrator of the catalog.
        Invalid: a name that is none.
    """
    record = _governed(tx, token_id, by)
    if admin_access is True and not record.admin_access:
        _check_may_give_admin_access(by)
    given = {"name": name, "description": description, "admin_access": admin_access}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not UNSET}
    _check_texts(changes.get("name", record.name), changes.get("description", record.description))
    if changes:
        tx.execute(TOKENS.update().where(TOKENS.c.id == token_id).values(**changes))
        _record(tx, "identity.token.updated", token_id, by, **changes)
        tx.bump(EPOCH)
    return read_token(tx, token_id)


def revoke_token(tx: Tx, token_id: str, *, by: Principal | None, origin: str | None = None) -> None:
    """End a token, from the next request on. A package's own route passes its ``origin``, so that it reaches its own.

    Raises:
        NotFound: no such token, one that ended already, or one that ``by`` may not know of.
    """
    record = _governed(tx, token_id, by)
    if record.revoked_at is not None or (origin is not None and record.origin != origin):
        raise NotFound(f"no token {token_id}")
    tx.execute(TOKENS.update().where(TOKENS.c.id == token_id).values(revoked_at=now()))
    _record(tx, "identity.token.revoked", token_id, by, name=record.name)
    tx.bump(EPOCH)


def rotate_token(tx: Tx, token_id: str, *, by: Principal | None) -> tuple[TokenRecord, str]:
    """A new secret under the same name, rights and expiry; the old one ends, and what was exchanged for it.

    Raises:
        NotFound: no such token, one that ended already, or one that ``by`` may not know of.
    """
    record = _governed(tx, token_id, by)
    if record.state != "active":
        raise NotFound(f"no token {token_id}")
    secret, new_token_id = new_secret(record.kind), new_id()
    columns = [column.name for column in TOKENS.c]
    old = tx.one(sa.select(TOKENS).where(TOKENS.c.id == token_id))
    assert old is not None
    values = {name: old._mapping[name] for name in columns}
    values |= {"id": new_token_id, "digest": digest_of(secret), "prefix": secret[:PREFIX_CHARACTERS]}
    tx.execute(TOKENS.insert().values(**values | {"created_at": now(), "last_used_at": None}))
    tx.execute(TOKENS.update().where(TOKENS.c.id == token_id).values(revoked_at=now()))
    _record(tx, "identity.token.rotated", new_token_id, by, name=record.name, replaces=token_id)
    tx.bump(EPOCH)
    return read_token(tx, new_token_id), secret


def touch_tokens(tx: Tx, used: dict[str, str]) -> None:
    """Write when tokens were last used (id -> instant); called about once a minute, never in a request's way."""
    statement = TOKENS.update().where(TOKENS.c.id == sa.bindparam("token")).values(last_used_at=sa.bindparam("at"))
    tx.execute(statement, [{"token": token_id, "at": at} for token_id, at in used.items()])


def _governed(tx: Tx, token_id: str, by: Principal | None) -> TokenRecord:
    """The token, if ``by`` may change it: its owner, its maker, an administrator, or who runs all its packages."""
    record = read_token(tx, token_id)
    if by is None or by.is_administrator or by.id in (record.owner_id, record.created_by_id):
        return record
    packages = {scope.partition(":")[0] for scope in record.scopes}
    if packages and all(by.role(package) == ROLE_WORDS.get(package, ("",))[-1] for package in packages):
        return record
    raise NotFound(f"no token {token_id}")


def _check_may_make(by: Principal | None, owner: Principal, scopes: frozenset[str], admin_access: bool) -> None:
    if admin_access:
        _check_may_give_admin_access(by)
    if by is None:
        return
    if by.id != owner.id and owner.kind != "integration" and not (by.is_administrator and owner.kind == "technical"):
        raise Forbidden("a token is made by its owner; administrators may make one for a technical user")
    if not covers(by.scopes, scopes):
        raise Forbidden("a token may not make one that reaches further than itself", field="scopes")


def _check_may_give_admin_access(by: Principal | None) -> None:
    if by is None or by.is_administrator:
        return
    # A token without the flag must not make one that has it.
    if by.role("catalog") != ROLE_WORDS["catalog"][-1] or (by.token_id is not None and not by.admin_access):
        raise Forbidden("only an administrator of the catalog may give Admin Access", field="adminAccess")


def _check_texts(name: str, description: str) -> None:
    if not name.strip() or len(name) > 255 or "\0" in name:
        raise Invalid("name must have 1 to 255 characters", field="name")
    if len(description) > 10_000 or "\0" in description:
        raise Invalid("description must have at most 10000 characters", field="description")


def _checked_expiry(expires_at: str | None) -> str | None:
    if expires_at is None:
        return None
    try:
        end = moment(expires_at)
    except ValueError as error:
        raise Invalid(f'expiresAt must be an instant like {now()}; got "{expires_at}"', field="expiresAt") from error
    if end.tzinfo is None or end <= datetime.now(UTC):
        raise Invalid("expiresAt must have a time zone and lie in the future", field="expiresAt")
    return instant(end)


def _record(tx: Tx, event: str, token_id: str, by: Principal | None, **data: Any) -> None:
    events.record(tx, event, package="identity", by=by, of=token_id, data=data)


def _records() -> sa.Select[Any]:
    return (
        sa.select(
            *(column for column in TOKENS.c if column.name not in ("digest", "principal_id", "created_by")),
            PRINCIPALS.c.id.label("owner_id"),
            PRINCIPALS.c.kind.label("owner_kind"),
            PRINCIPALS.c.username.label("owner_username"),
            PRINCIPALS.c.first_name.label("owner_first"),
            PRINCIPALS.c.last_name.label("owner_last"),
            PRINCIPALS.c.email.label("owner_email"),
            _CREATORS.c.id.label("created_by_id"),
            _CREATORS.c.username.label("created_by_username"),
            _CREATORS.c.first_name.label("created_by_first"),
            _CREATORS.c.last_name.label("created_by_last"),
            _CREATORS.c.email.label("created_by_email"),
        )
        .join(PRINCIPALS, PRINCIPALS.c.id == TOKENS.c.principal_id)
        .outerjoin(_CREATORS, _CREATORS.c.id == TOKENS.c.created_by)
    )


def _to_record(row: sa.Row[Any]) -> TokenRecord:
    return TokenRecord(
        id=row.id,
        kind=row.kind,
        name=row.name,
        description=row.description,
        prefix=row.prefix,
        scopes=list(row.scopes),
        admin_access=row.admin_access,
        origin=row.origin,
        owner_id=row.owner_id,
        owner_kind=row.owner_kind,
        owner_name=f"{row.owner_first} {row.owner_last}".strip() or row.owner_username,
        owner_email=row.owner_email,
        created_by_id=row.created_by_id,
        created_by_name=f"{row.created_by_first or ''} {row.created_by_last or ''}".strip()
        or (row.created_by_username or "command line"),
        created_by_email=row.created_by_email,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
