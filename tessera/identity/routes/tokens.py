"""All opaque tokens: one's own, and for administrators everybody's."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tessera.identity import principals, tokens, views
from tessera.identity.roles import PACKAGES, ROLE_WORDS
from tessera.kernel.access import SIGNED_IN, Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Forbidden, NotFound
from tessera.kernel.http import Response, UUIDText, delete, get, json_response, patch, post
from tessera.kernel.tx import Tx


class TokenQuery(Struct, frozen=True, rename="camel"):
    """Which tokens. ``all`` shows everybody's and is for administrators."""

    all: bool = False
    search: str = ""
    kind: str | None = None
    owner_id: str | None = None
    with_ended: bool = False
    after: str | None = None
    limit: Annotated[int, Meta(ge=1, le=views.PAGE_LIMIT)] = views.PAGE_LIMIT


class TokenDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A token to be made. Source: design.md, Identity.

    ``scopes`` of null: every package in which the owner has a role. ``roles`` is for integrations: the role in each
    package, null = the most powerful. ``ownerId``: a technical user, when an administrator makes the token for it.
    """

    kind: Literal["personal", "integration", "api"]
    name: str
    description: str = ""
    scopes: list[str] | None = None
    admin_access: bool = False
    expires_at: str | None = None
    roles: dict[str, str] | None = None
    owner_id: str | None = None


class TokenChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What may change of a token: never its scopes."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    admin_access: bool | UnsetType = UNSET


class TokenIds(Struct, frozen=True, forbid_unknown_fields=True):
    """Several tokens."""

    ids: Annotated[list[str], Meta(min_length=1, max_length=200)]


class TokenView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A token as it is shown; the secret is not among it."""

    id: str
    kind: str
    name: str
    description: str
    prefix: str
    scopes: list[str]
    admin_access: bool
    origin: str
    owner: dict[str, str | None]
    created_by: dict[str, str | None]
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    revoked_at: str | None
    state: str


class MadeToken(TokenView, frozen=True, kw_only=True, rename="camel"):
    """The answer that has the secret, this once."""

    secret: str = field(name="token")


def _fields(record: tokens.TokenRecord) -> dict[str, Any]:
    plain = ("id", "kind", "name", "description", "prefix", "scopes", "admin_access", "origin")
    times = ("created_at", "last_used_at", "expires_at", "revoked_at", "state")
    return {name: getattr(record, name) for name in (*plain, *times)} | {
        "owner": {
            "id": record.owner_id,
            "kind": record.owner_kind,
            "name": record.owner_name,
            "email": record.owner_email,
        },
        "created_by": {"id": record.created_by_id, "name": record.created_by_name, "email": record.created_by_email},
    }


async def page_tokens(db: Database, principal: Principal, query: TokenQuery) -> dict[str, Any]:
    """Tokens, newest first: one's own, or with ``all`` everybody's."""
    if query.all and not principal.is_administrator:
        raise Forbidden("only administrators see everybody's tokens", field="all")
    records = await db.read(
        tokens.list_tokens,
        owner_id=query.owner_id if query.all else principal.id,
        kind=query.kind,
        search=query.search,
        with_ended=query.with_ended,
        after=query.after,
        limit=query.limit,
    )
    items = [TokenView(**_fields(record)) for record in records]
    return {"items": items, "next": items[-1].id if len(items) == query.limit else None}


async def create_token(db: Database, principal: Principal, body: TokenDraft) -> Response:
    """Make a token; the answer is the only one that ever has its secret."""
    record, secret = await db.write(_create, body, principal)
    response = json_response(MadeToken(**_fields(record), secret=secret), 201)
    response.headers["cache-control"] = "no-store"
    return response


def _create(tx: Tx, body: TokenDraft, by: Principal) -> tuple[tokens.TokenRecord, str]:
    scopes = None if body.scopes is None else frozenset(body.scopes)
    if body.kind == "integration":
        roles = body.roles
        if roles is None and scopes is None:
            roles = {package: ROLE_WORDS[package][-1] for package in PACKAGES if _runs(by, package)}
        return tokens.create_integration_token(
            tx,
            name=body.name,
            description=body.description,
            roles=roles,
            scopes=scopes,
            admin_access=body.admin_access,
            expires_at=body.expires_at,
            by=by,
        )
    return tokens.create_token(
        tx,
        owner=by if body.owner_id in (None, by.id) else _owner(tx, str(body.owner_id)),
        kind=body.kind,
        name=body.name,
        description=body.description,
        scopes=scopes,
        admin_access=body.admin_access,
        expires_at=body.expires_at,
        by=by,
    )


def _runs(principal: Principal, package: str) -> bool:
    return principal.role(package) == ROLE_WORDS[package][-1]


def _owner(tx: Tx, owner_id: str) -> Principal:
    row = principals.find_by_id(tx, owner_id) if len(owner_id) == 36 else None
    if row is None:
        raise NotFound(f"no principal {owner_id}", field="ownerId")
    return principals.to_principal(tx, row)


async def read_token(db: Database, principal: Principal, token_id: UUIDText) -> TokenView:
    """One token."""
    record = await db.read(tokens.read_token, token_id)
    if not principal.is_administrator and principal.id not in (record.owner_id, record.created_by_id):
        raise NotFound(f"no token {token_id}")
    return TokenView(**_fields(record))


async def update_token(db: Database, principal: Principal, token_id: UUIDText, body: TokenChange) -> TokenView:
    """Rename a token, or give or take its Admin Access."""
    record = await db.write(
        tokens.update_token,
        token_id,
        by=principal,
        name=body.name,
        description=body.description,
        admin_access=body.admin_access,
    )
    return TokenView(**_fields(record))


async def rotate_token(db: Database, principal: Principal, token_id: UUIDText) -> Response:
    """A new secret with the same rights; the old one ends at once."""
    record, secret = await db.write(tokens.rotate_token, token_id, by=principal)
    response = json_response(MadeToken(**_fields(record), secret=secret), 201)
    response.headers["cache-control"] = "no-store"
    return response


async def revoke_token(db: Database, principal: Principal, token_id: UUIDText) -> Response:
    """End a token from the next request on; a second time it is not found."""
    await db.write(tokens.revoke_token, token_id, by=principal)
    return Response(status_code=204)


async def revoke_tokens(db: Database, principal: Principal, body: TokenIds) -> Response:
    """End several tokens, all or none."""
    await db.write(_revoke_all, body.ids, principal)
    return Response(status_code=204)


def _revoke_all(tx: Tx, ids: list[str], by: Principal) -> None:
    for token_id in dict.fromkeys(ids):
        if len(token_id) != 36:
            raise NotFound(f"no token {token_id[:80]}", field="ids")
        tokens.revoke_token(tx, token_id, by=by)


ROUTES = [
    get("/tokens", page_tokens, least=SIGNED_IN, errors=(403,), summary="Tokens"),
    post("/tokens", create_token, least=SIGNED_IN, status=201, errors=(400, 403), summary="Make a token"),
    post("/tokens/revoke", revoke_tokens, least=SIGNED_IN, status=204, errors=(404,), summary="End several tokens"),
    get("/tokens/{token_id}", read_token, least=SIGNED_IN, errors=(404,), summary="One token"),
    patch("/tokens/{token_id}", update_token, least=SIGNED_IN, errors=(400, 403, 404), summary="Rename a token"),
    delete("/tokens/{token_id}", revoke_token, least=SIGNED_IN, status=204, errors=(404,), summary="End a token"),
    post("/tokens/{token_id}/rotate", rotate_token, least=SIGNED_IN, status=201, errors=(404,), summary="New secret"),
]
