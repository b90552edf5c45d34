"""People, technical users, integrations and the matrix of roles: for administrators."""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from tessera.identity import people, views
from tessera.identity.identity import Identity
from tessera.identity.passwords import check_new_password
from tessera.identity.roles import ROLE_WORDS
from tessera.kernel.access import SIGNED_IN, Principal
from tessera.kernel.db import Database
from tessera.kernel.http import Response, UUIDText, delete, get, patch, post, put
from tessera.kernel.tx import Tx

# No package has such a role word: administrators pass every list, others none.
ADMINISTRATOR: Final = frozenset({"administrator"})
# Contract vault 1.4: technical users keep their passwords in files, so they can be longer.
TECHNICAL_PASSWORD_CHARACTERS: Final = 12
Limit = Annotated[int, Meta(ge=1, le=views.PAGE_LIMIT)]


class PeopleQuery(Struct, frozen=True, rename="camel"):
    """Which principals, from where on."""

    search: str = ""
    is_active: bool | None = None
    after: str | None = None
    limit: Limit = views.PAGE_LIMIT


class PersonDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A new person; without a password nobody can sign in as it yet."""

    email: str
    username: str | None = None
    first_name: str = ""
    last_name: str = ""
    desktop_login: str | None = None
    password: str | None = None
    roles: dict[str, str] = {}
    is_administrator: bool = False


class TechnicalDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A new technical user: a role for a program."""

    username: str
    password: str
    email: str | None = None
    roles: dict[str, str] = {}
    non_expiring_token: bool = False
    note: str = ""


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What changes of a principal; what is left out stays. A role of null is taken away."""

    email: str | UnsetType | None = UNSET
    username: str | UnsetType = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    desktop_login: str | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    is_administrator: bool | UnsetType = UNSET
    note: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    roles: dict[str, str | None] | UnsetType = UNSET


class RoleBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One role, or null for none."""

    role: str | None


async def _page(db: Database, query: PeopleQuery, kinds: tuple[str, ...]) -> dict[str, Any]:
    items, total = await db.read(
        views.page,
        kinds=kinds,
        search=query.search,
        is_active=query.is_active,
        after=query.after,
        limit=query.limit,
    )
    return {"items": items, "total": total, "next": items[-1].username if len(items) == query.limit else None}


async def page_people(db: Database, query: PeopleQuery) -> dict[str, Any]:
    """People by user name."""
    return await _page(db, query, ("person",))


async def page_technical_users(db: Database, query: PeopleQuery, identity: Identity) -> dict[str, Any]:
    """Technical users by user name, and whether their tokens survive a restart of the server."""
    return await _page(db, query, ("technical",)) | {"signedTokensSurviveRestart": identity.keys.is_lasting}


async def read_person(db: Database, principal_id: UUIDText) -> views.PrincipalView:
    """One person."""
    return await db.read(views.view, principal_id, kinds=("person",))


async def read_technical_user(db: Database, principal_id: UUIDText) -> views.PrincipalView:
    """One technical user."""
    return await db.read(views.view, principal_id, kinds=("technical",))


async def create_person(
    db: Database, identity: Identity, principal: Principal, body: PersonDraft
) -> views.PrincipalView:
    """Make a person."""
    hashed = None
    if body.password is not None:
        check_new_password(body.password)
        hashed = await identity.hash_password(body.password)
    return await db.write(_create_person, body, hashed, principal)


def _create_person(tx: Tx, body: PersonDraft, hashed: str | None, by: Principal) -> views.PrincipalView:
    principal_id = people.create_person(
        tx,
        email=body.email,
        username=body.username,
        first_name=body.first_name,
        last_name=body.last_name,
        desktop_login=body.desktop_login,
        password_hash=hashed,
        roles=body.roles,
        is_administrator=body.is_administrator,
        by=by,
    )
    return views.view(tx, principal_id)


async def create_technical_user(
    db: Database, identity: Identity, principal: Principal, body: TechnicalDraft
) -> views.PrincipalView:
    """Make a technical user."""
    check_new_password(body.password, minimum=TECHNICAL_PASSWORD_CHARACTERS)
    hashed = await identity.hash_password(body.password)
    return await db.write(_create_technical_user, body, hashed, principal)


def _create_technical_user(tx: Tx, body: TechnicalDraft, hashed: str, by: Principal) -> views.PrincipalView:
    principal_id = people.create_technical_user(
        tx,
        username=body.username,
        email=body.email,
        password_hash=hashed,
        roles=body.roles,
        non_expiring_token=body.non_expiring_token,
        note=body.note,
        by=by,
    )
    return views.view(tx, principal_id)


async def update_person(
    db: Database, identity: Identity, principal: Principal, principal_id: UUIDText, body: Change
) -> views.PrincipalView:
    """Change a person."""
    return await _update(db, identity, principal, principal_id, body, kind="person")


async def update_technical_user(
    db: Database, identity: Identity, principal: Principal, principal_id: UUIDText, body: Change
) -> views.PrincipalView:
    """Change a technical user."""
    return await _update(db, identity, principal, principal_id, body, kind="technical")


async def _update(
    db: Database, identity: Identity, by: Principal, principal_id: str, body: Change, *, kind: str
) -> views.PrincipalView:
    hashed = None
    if not isinstance(body.password, UnsetType):
        check_new_password(body.password, minimum=TECHNICAL_PASSWORD_CHARACTERS if kind == "technical" else 8)
        hashed = await identity.hash_password(body.password)
    return await db.write(_change, principal_id, body, hashed, kind, by)


def _change(
    tx: Tx, principal_id: str, body: Change, hashed: str | None, kind: str, by: Principal
) -> views.PrincipalView:
    views.view(tx, principal_id, kinds=(kind,))
    people.update_person(
        tx,
        principal_id,
        by=by,
        email=body.email,
        username=body.username,
        first_name=body.first_name,
        last_name=body.last_name,
        desktop_login=body.desktop_login,
        is_active=body.is_active,
        is_administrator=body.is_administrator,
        note=body.note,
    )
    if not isinstance(body.roles, UnsetType):
        for package, role in body.roles.items():
            people.set_role(tx, principal_id, package, role, by=by)
    if hashed is not None:
        people.set_password(tx, principal_id, hashed, by=by)
    return views.view(tx, principal_id)


async def revoke_signed_tokens(db: Database, principal: Principal, principal_id: UUIDText) -> Response:
    """End every signed token of a principal; a technical user's next log-in gives a new string."""
    await db.write(people.revoke_signed_tokens, principal_id, by=principal)
    return Response(status_code=204)


async def delete_principal(db: Database, principal: Principal, principal_id: UUIDText) -> Response:
    """Delete a principal with all of its tokens. Deactivating keeps what it has done by name; prefer that."""
    await db.write(people.delete_principal, principal_id, by=principal)
    return Response(status_code=204)


async def read_roles(db: Database, query: PeopleQuery) -> dict[str, Any]:
    """Each package's role words, least powerful first, and who holds which."""
    page = await _page(db, query, ("person", "technical", "integration", "bot"))
    shown = ("id", "kind", "username", "full_name", "is_active", "is_administrator", "roles")
    names = {"full_name": "fullName", "is_active": "isActive", "is_administrator": "isAdministrator"}
    rows = [{names.get(name, name): getattr(item, name) for name in shown} for item in page["items"]]
    return {"words": ROLE_WORDS, "items": rows, "total": page["total"], "next": page["next"]}


async def set_role(
    db: Database, principal: Principal, principal_id: UUIDText, package: str, body: RoleBody
) -> views.PrincipalView:
    """Give a role in one package, or take it away; whoever holds a package's most powerful role may, for that one."""
    return await db.write(_set_role, principal_id, package, body.role, principal)


def _set_role(tx: Tx, principal_id: str, package: str, role: str | None, by: Principal) -> views.PrincipalView:
    people.set_role(tx, principal_id, package, role, by=by)
    return views.view(tx, principal_id)


ROUTES = [
    get("/people", page_people, least=ADMINISTRATOR, summary="People"),
    post("/people", create_person, least=ADMINISTRATOR, status=201, errors=(400, 403, 409), summary="Make a person"),
    get("/people/{principal_id}", read_person, least=ADMINISTRATOR, errors=(404,), summary="One person"),
    patch(
        "/people/{principal_id}", update_person, least=ADMINISTRATOR, errors=(400, 404, 409), summary="Change a person"
    ),
    get("/technical-users", page_technical_users, least=ADMINISTRATOR, summary="Technical users"),
    post(
        "/technical-users",
        create_technical_user,
        least=ADMINISTRATOR,
        status=201,
        errors=(400, 409),
        summary="Make a technical user",
    ),
    get(
        "/technical-users/{principal_id}",
        read_technical_user,
        least=ADMINISTRATOR,
        errors=(404,),
        summary="One of them",
    ),
    patch(
        "/technical-users/{principal_id}",
        update_technical_user,
        least=ADMINISTRATOR,
        errors=(400, 404, 409),
        summary="Change a technical user",
    ),
    post(
        "/principals/{principal_id}/revoke-tokens",
        revoke_signed_tokens,
        least=ADMINISTRATOR,
        status=204,
        errors=(404,),
        summary="End all signed tokens of a principal",
    ),
    delete(
        "/principals/{principal_id}",
        delete_principal,
        least=ADMINISTRATOR,
        status=204,
        errors=(403, 404, 409),
        summary="Delete a principal",
    ),
    get("/roles", read_roles, least=ADMINISTRATOR, summary="The matrix of roles"),
    put(
        "/roles/{principal_id}/{package}",
        set_role,
        least=SIGNED_IN,
        errors=(400, 403, 404),
        summary="Give or take a role",
    ),
]
