"""Rules and SQL of workspaces and their versions.

Source: contracts/catalog.md, 15.
"""

from typing import Any, Final

import sqlalchemy as sa
from msgspec import Raw, Struct

from tessera.catalog import governance_store, paths, tags
from tessera.catalog.attributes import check_value
from tessera.catalog.model import VERSIONS, WORKSPACES
from tessera.catalog.paging import Address, PageQuery, make_page
from tessera.catalog.people import require_admin_access
from tessera.catalog.vocabulary import Role
from tessera.identity import PRINCIPALS
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import Tx
from tessera.kernel.errors import Conflict, Invalid, NotFound

FIRST_WORKSPACE: Final = "My Workspace"
FIRST_VERSION: Final = "v1"
_w = WORKSPACES.c
_v = VERSIONS.c


def ensure_first(tx: Tx) -> str:
    """The id of the default version of the oldest workspace; at the first start of all, makes them."""
    tx.lock("catalog first workspace")
    found = find_default_version(tx)
    if found is not None:
        return found
    version_id = _insert(tx, None, name=FIRST_WORKSPACE, description=None, is_versioning_enabled=True)[1]
    tags.make_first(tx)
    return version_id


def find_default_version(tx: Tx) -> str | None:
    """The id of the default version of the oldest workspace: where the platform describes itself."""
    query = (
        sa.select(_v.id)
        .join(WORKSPACES, _w.id == _v.workspace_id)
        .where(_v.is_default)
        .order_by(_w.created_at, _w.id)
        .limit(1)
    )
    found: str | None = tx.scalar(query)
    return found


def _insert(
    tx: Tx,
    principal: Principal | None,
    *,
    name: str,
    description: str | None,
    is_versioning_enabled: bool,
    owner_id: str | None = None,
    steward_id: str | None = None,
) -> tuple[str, str]:
    workspace_id, version_id, moment = new_id(), new_id(), now()
    tx.execute(
        WORKSPACES.insert().values(
            id=workspace_id,
            name=name,
            description=description,
            is_versioning_enabled=is_versioning_enabled,
            default_owner_id=owner_id,
            default_steward_id=steward_id,
            created_at=moment,
            updated_at=moment,
        )
    )
    tx.execute(
        VERSIONS.insert().values(
            id=version_id,
            workspace_id=workspace_id,
            name=FIRST_VERSION,
            is_default=True,
            origin_version_id=None,
            created_at=moment,
        )
    )
    data = {"name": name, "versionId": version_id}
    events.record(tx, "catalog.workspace.created", package="catalog", by=principal, of=workspace_id, data=data)
    return workspace_id, version_id


def _may_create(principal: Principal) -> bool:
    held = principal.role("catalog")
    return (principal.is_administrator or held in (Role.STEWARD, Role.ADMIN)) and principal.may("catalog", "write")


_owner, _steward = PRINCIPALS.alias("owner"), PRINCIPALS.alias("steward")
_PERSON: Final = ("id", "first_name", "last_name", "email")
_SHOWN: Final = sa.select(
    _v.name.label("version_name"),
    _v.id.label("version_id"),
    _w.is_versioning_enabled,
    _w.description,
    _w.id,
    _w.name,
    *(_owner.c[name].label(f"owner_{name}") for name in _PERSON),
    *(_steward.c[name].label(f"steward_{name}") for name in _PERSON),
).select_from(
    WORKSPACES.join(VERSIONS, (_v.workspace_id == _w.id) & _v.is_default)
    .outerjoin(_owner, _owner.c.id == _w.default_owner_id)
    .outerjoin(_steward, _steward.c.id == _w.default_steward_id)
)


def _shown(row: Any, principal: Principal) -> dict[str, Any]:
    """A workspace with the seed's keys, and those of default people where there are any."""
    workspace = {
        "defaultVersionName": row.version_name,
        "defaultVersionId": row.version_id,
        "isVersioningEnabled": row.is_versioning_enabled,
        "description": row.description,
        "canCreateEntities": _may_create(principal),
        "id": row.id,
        "name": row.name,
        "parentId": None,
    }
    for role, key in (("owner", "defaultOwnerUser"), ("steward", "defaultStewardUser")):
        if getattr(row, f"{role}_id") is not None:
            first, last = getattr(row, f"{role}_first_name"), getattr(row, f"{role}_last_name")
            workspace[key] = {
                "firstname": first,
                "lastname": last,
                "fullname": f"{first} {last}".strip(),
                "email": getattr(row, f"{role}_email"),
                "userId": getattr(row, f"{role}_id"),
            }
    return workspace


def list_all(tx: Tx, principal: Principal, name: str | None) -> dict[str, list[dict[str, Any]]]:
    """``{organizations, projects}``, oldest first; nothing groups workspaces here, so there are no organizations."""
    query = _SHOWN.order_by(_w.created_at, _w.id)
    if name is not None:
        query = query.where(_w.name == name.replace("\x00", ""))
    return {"organizations": [], "projects": [_shown(row, principal) for row in tx.all(query)]}


def _read(tx: Tx, workspace_id: str) -> Any:
    row = tx.one(_SHOWN.where(_w.id == paths.uuid_or_missing(workspace_id, "workspace")))
    if row is None:
        raise NotFound(f"workspace {workspace_id!r} does not exist; GET /workspaces lists them")
    return row


def page_versions(tx: Tx, workspace_id: str, query: PageQuery, address: Address) -> Raw:
    """Versions of a workspace in the order of their names.

    Raises:
        NotFound: no such workspace.
    """
    workspace = _read(tx, workspace_id)
    origin = VERSIONS.alias("origin")
    here = _v.workspace_id == workspace.id
    rows_query = (
        sa.select(_v.id, _v.name, _v.is_default, origin.c.id.label("origin_id"), origin.c.name.label("origin_name"))
        .select_from(VERSIONS.outerjoin(origin, origin.c.id == _v.origin_version_id))
        .where(here)
        .order_by(_v.name)
        .limit(query.limit)
    )
    seek = query.seek()
    rows_query = rows_query.where(_v.name > seek.path) if seek.path is not None else rows_query.offset(seek.offset)
    rows = tx.all(rows_query)
    results = [
        {
            "workspaceName": workspace.name,
            "versionName": row.name,
            "originVersionId": row.origin_id,
            "originVersionName": row.origin_name,
            "isDefaultVersion": row.is_default,
            "versionId": row.id,
        }
        for row in rows
    ]
    total = int(tx.scalar(sa.select(sa.func.count()).select_from(VERSIONS).where(here)))
    last = (rows[-1].name, rows[-1].id) if rows else None
    return make_page(results, query, address, total_sum=total, last=last)


class WorkspaceDraft(Struct, frozen=True, rename="camel"):
    """Body of ``POST /workspaces``; the default people are e-mail addresses."""

    name: str
    description: str | None = None
    default_owner_user: str | None = None
    default_steward_user: str | None = None
    is_versioning_enabled: bool = False


def create(tx: Tx, principal: Principal, draft: WorkspaceDraft) -> dict[str, Any]:
    """Make a workspace with its one version.

    Raises:
        Forbidden: the token has no Admin Access.
        Conflict: there is a workspace of that name.
        Invalid: a name that is none, or an e-mail address that no user has.
    """
    require_admin_access(principal)
    paths.check_name(draft.name, longest=200)
    if draft.description is not None:
        check_value("Text", draft.description, "description")
    people: dict[str, str] = {}
    for key, email in (("owner_id", draft.default_owner_user), ("steward_id", draft.default_steward_user)):
        if email is not None:
            check_value("Text", email, key)
            found = governance_store.people_by_email(tx, [email])
            if not found:
                raise Invalid(f"no user has the e-mail address {email!r}; GET /users lists them")
            people[key] = found[email]
    tx.lock("catalog workspaces")
    if tx.scalar(sa.select(_w.id).where(_w.name == draft.name)) is not None:
        raise Conflict(f"name: there is a workspace {draft.name!r} already", field="name")
    workspace_id, _ = _insert(
        tx,
        principal,
        name=draft.name,
        description=draft.description,
        is_versioning_enabled=draft.is_versioning_enabled,
        **people,
    )
    return _shown(_read(tx, workspace_id), principal)
