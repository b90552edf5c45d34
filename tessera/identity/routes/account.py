"""Signing in and out of the console, and one's own account."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from tessera.identity import people, sessions, tokens, views
from tessera.identity.forms import SESSION_COOKIE
from tessera.identity.identity import Identity
from tessera.identity.passwords import check_new_password
from tessera.kernel.access import PUBLIC, SIGNED_IN, Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Invalid
from tessera.kernel.http import Request, Response, get, json_response, post

Text = Annotated[str, Meta(min_length=1, max_length=1024)]


class SignInBody(Struct, frozen=True, forbid_unknown_fields=True):
    """E-mail, user name or desktop log-in, and the password."""

    login: Text
    password: Text


class PasswordBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The present password and the new one."""

    old_password: Text
    password: Text


async def sign_in(body: SignInBody, request: Request, identity: Identity, db: Database) -> Response:
    """Start a session: its secret goes into a cookie that scripts cannot read; the answer says who signed in."""
    # Nobody may sign a stranger's browser in to an account of their own choice.
    sessions.check_same_site(request, needs_header=False)
    address = request.client_address
    principal = await identity.sign_in(body.login, body.password, address=address, package="identity")
    agent = request.headers.get("user-agent", "")
    secret = await db.write(sessions.start_session, principal, address=address, user_agent=agent)
    response = json_response(_me(principal, identity))
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(sessions.LONGEST.total_seconds()),
        httponly=True,
        secure=request.origin.startswith("https://"),
        samesite="lax",
    )
    response.headers["cache-control"] = "no-store"
    return response


async def sign_out(request: Request, db: Database, principal: Principal | None) -> Response:
    """End the session of this browser; without one there is nothing to end."""
    secret = request.cookies.get(SESSION_COOKIE)
    if principal is not None and secret is not None and principal.credential == "session":
        await db.write(sessions.end_session, secret, by=principal)
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


async def read_me(principal: Principal, identity: Identity) -> dict[str, Any]:
    """Who the credential stands for, and what it may do."""
    return _me(principal, identity)


async def change_password(
    body: PasswordBody, request: Request, principal: Principal, identity: Identity, db: Database
) -> Response:
    """Set a new password; every session of the account ends, this one too."""
    check_new_password(body.password)
    right = await identity.check_password(
        principal, body.old_password, address=request.client_address, package="identity"
    )
    if not right:
        raise Invalid("oldPassword is not the present password", field="oldPassword")
    hashed = await identity.hash_password(body.password)
    await db.write(people.set_password, principal.id, hashed, by=principal)
    return Response(status_code=204)


async def read_session(principal: Principal | None, identity: Identity) -> dict[str, Any]:
    """Whether the caller is signed in: ``{"me": ...}``, or ``{"me": null}``. A page asks before it shows anything."""
    return {"me": None if principal is None else _me(principal, identity)}


async def read_home(principal: Principal, db: Database) -> dict[str, Any]:
    """What the console's first page shows, in one call."""
    return await db.read(views.home, principal)


def _me(principal: Principal, identity: Identity) -> dict[str, Any]:
    return {
        "id": principal.id,
        "kind": principal.kind,
        "username": principal.username,
        "email": principal.email,
        "fullName": principal.full_name,
        "roles": principal.roles,
        "isAdministrator": principal.is_administrator,
        "credential": principal.credential,
        "scopes": None if principal.scopes is None else sorted(principal.scopes),
        "defaultScopes": sorted(tokens.default_scopes(principal)),
        "signedTokensSurviveRestart": identity.keys.is_lasting,
    }


ROUTES = [
    post("/sign-in", sign_in, least=PUBLIC, errors=(400, 401, 429), summary="Sign in"),
    post("/sign-out", sign_out, least=PUBLIC, status=204, summary="Sign out"),
    get("/session", read_session, least=PUBLIC, summary="Am I signed in?"),
    get("/me", read_me, least=SIGNED_IN, summary="Who I am"),
    post("/me/password", change_password, least=SIGNED_IN, status=204, errors=(400, 429), summary="Change my password"),
    get("/home", read_home, least=SIGNED_IN, summary="The first page"),
]
