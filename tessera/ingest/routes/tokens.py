"""API tokens, discovery and the current user. Source: contracts/ingest.md, 2.2 to 2.5; the REST page of the seed."""

from typing import Any

from msgspec import Struct

from tessera.identity import TokenRecord, create_token, full_scopes, list_tokens, read_token, revoke_token
from tessera.ingest.lenient import read_body
from tessera.ingest.model import PACKAGE, Role
from tessera.ingest.organizations_store import read_organization
from tessera.ingest.wire import DisplayDraft, display, millis
from tessera.kernel.access import SIGNED_IN, Principal
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Invalid, NotFound
from tessera.kernel.http import Request, UUIDText, delete, get, post

ORIGIN = "ingest"


class TokenDraft(Struct, frozen=True):
    """Body of a request for a token."""

    displayData: DisplayDraft


def _wire(record: TokenRecord, organization_id: str, created_by: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": record.id,
        "organizationId": organization_id,
        "displayData": display(record.name, record.description, record.created_at, created_by),
        "createdBy": record.created_by_email or record.created_by_name,
    }
    return answer


def _by(record: TokenRecord) -> str:
    return f"{record.created_by_name} ({record.created_by_email or record.owner_name})"


def _listed(record: TokenRecord, organization_id: str) -> dict[str, Any]:
    return _wire(record, organization_id, _by(record)) | {
        "lastUsedTime": millis(record.last_used_at) if record.last_used_at else None,
        "tokenPrefix": record.prefix,
    }


def _create(tx: Tx, principal: Principal, draft: TokenDraft) -> dict[str, Any]:
    name = draft.displayData.name
    if not 1 <= len(name) <= 255:
        raise Invalid(f"displayData.name has 1 to 255 characters; got {len(name)}", field="displayData.name")
    record, secret = create_token(
        tx,
        owner=principal,
        kind="api",
        name=name,
        description=draft.displayData.description or "",
        scopes=full_scopes([PACKAGE]),
        origin=ORIGIN,
        by=principal,
    )
    answer = _wire(record, read_organization(tx).id, _by(record))
    # The documented order: the secret stands before `createdBy`. It is in this answer and nowhere else.
    created_by = answer.pop("createdBy")
    return answer | {"apiToken": secret, "createdBy": created_by}


def _list(tx: Tx) -> list[dict[str, Any]]:
    organization_id = read_organization(tx).id
    return [_listed(record, organization_id) for record in list_tokens(tx, origin=ORIGIN, limit=10_000)]


def _read(tx: Tx, token_id: str) -> dict[str, Any]:
    record = read_token(tx, token_id)
    if record.origin != ORIGIN or record.revoked_at is not None:
        raise NotFound(f"no token {token_id}")
    return _listed(record, read_organization(tx).id)


async def create_api_token(db: Database, principal: Principal, body: bytes) -> dict[str, Any]:
    """Make an API token; its secret is in this answer only."""
    return await db.write(_create, principal, read_body(body, TokenDraft))


async def list_api_tokens(db: Database) -> list[dict[str, Any]]:
    """All API tokens of the organization, without their secrets."""
    return await db.read(_list)


async def read_api_token(db: Database, token_id: UUIDText) -> dict[str, Any]:
    """One API token, without its secret."""
    return await db.read(_read, token_id)


async def delete_api_token(db: Database, principal: Principal, token_id: UUIDText) -> None:
    """Revoke a token, from the next request on."""
    await db.write(revoke_token, token_id, by=principal, origin=ORIGIN)


async def local_api(request: Request) -> dict[str, Any]:
    """Where the API of this organization is: this host. upsolver-cli asks when it was given no URL."""
    return {"dnsInfo": {"name": request.origin}}


def _user(tx: Tx, principal: Principal) -> dict[str, Any]:
    organization = read_organization(tx)
    shown = {"id": organization.id, "displayData": {"name": organization.name}}
    user = {"id": principal.id, "email": principal.email or principal.username, "name": principal.full_name}
    return {"user": user, "currentOrganization": shown, "organizations": [shown]}


async def current_user(db: Database, principal: Principal) -> dict[str, Any]:
    """Who the caller is, and the organization."""
    return await db.read(_user, principal)


ROUTES = [
    post("/api-tokens", create_api_token, least=Role.ADMIN, errors=(400, 403)),
    get("/api-tokens", list_api_tokens, least=Role.ADMIN, errors=(403,)),
    get("/api-tokens/{token_id}", read_api_token, least=Role.ADMIN, errors=(403, 404)),
    delete("/api-tokens/{token_id}", delete_api_token, least=Role.ADMIN, status=204, errors=(403, 404)),
    get("/environments/local-api", local_api, least=SIGNED_IN, errors=(403,)),
    get("/users", current_user, least=SIGNED_IN, errors=(403,)),
]
