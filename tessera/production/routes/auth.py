"""Signing in and out, refresh, passwords; the second factors answer as for accounts that have none.

Source: contracts/production.md, 1.3 to 1.8
"""

from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import Struct

from tessera.identity import Bearer, Cookie, Identity, SignInRefused, check_new_password, set_password
from tessera.kernel.access import PUBLIC, Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Forbidden, Invalid
from tessera.kernel.http import Request, Response, decode_json, get, json_response, post, put
from tessera.production import sign_in
from tessera.production.access import ANYONE

ACCESS_COOKIE: Final = "access_token_cookie"
REFRESH_COOKIE: Final = "refresh_token_cookie"
REFRESH_PATH: Final = "/production/auth/refresh-token"
COOKIE_SECONDS: Final = 31_540_000
_REFRESH_FORMS: Final = (Cookie(REFRESH_COOKIE, purpose="refresh"), Bearer(purpose="refresh"))
_TAGS: Final = ("authentication",)


class Login(Struct):
    """What a sign-in is asked with; factors that are not used are null."""

    email: str | None = None
    password: str | None = None
    totp: str | None = None
    email_otp: str | None = None
    recovery_code: str | None = None
    fido_authentication_response: Any = None


class NewPassword(Struct):
    """A password twice, with the one before."""

    old_password: str
    password: str
    password_2: str


class PasswordReset(Struct):
    """A password twice, with the token that was mailed."""

    email: str
    token: str
    password: str
    password2: str


class EmailCode(Struct):
    """A code that was mailed."""

    email_otp: str


class Email(Struct):
    """The address of an account."""

    email: str


async def login(request: Request, db: Database, identity: Identity) -> Response:
    """Sign in with an e-mail, or a desktop log-in, and a password. JSON, a form or the query string."""
    asked = await _asked(request)
    if not isinstance(asked.get("email"), str) or not asked["email"]:
        raise _missing("email")
    password = asked.get("password")
    try:
        done = await identity.production_login(
            asked["email"], password if isinstance(password, str) else "", address=request.client_address
        )
    except SignInRefused as refused:
        return _refused(refused)
    if not sign_in.has_role(done.principal):
        return json_response({"login": False, "message": "this account has no role in the tracker"}, 400)
    browser = sign_in.is_browser(request.headers.get("user-agent", ""))
    shown = await db.write(sign_in.signed_in, done.principal, request.client_address, "web" if browser else "script")
    tokens = {"access_token": done.access_token, "refresh_token": done.refresh_token}
    answer = json_response({"login": True, **tokens, **shown})
    if browser:
        _set_cookie(answer, request, ACCESS_COOKIE, done.access_token, "/")
        _set_cookie(answer, request, REFRESH_COOKIE, done.refresh_token, REFRESH_PATH)
    return answer


async def _asked(request: Request) -> dict[str, Any]:
    content = await request.bounded_body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    asked: dict[str, Any] = dict(request.query_params)
    if kind == "application/x-www-form-urlencoded":
        asked |= dict(parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True))
    elif kind == "multipart/form-data":
        form = await request.form()
        asked |= {name: value for name, value in form.items() if isinstance(value, str)}
    elif content.strip():
        body = decode_json(content)
        if not isinstance(body, dict):
            raise Invalid("the body has to be a JSON object", code="json")
        asked |= body
    return asked


def _missing(field: str) -> Invalid:
    return Invalid(f"{field} is missing", field=field, code="shape")


def _refused(refused: SignInRefused) -> Response:
    if refused.reason == "inactive":
        body = {"error": True, "login": False, "unactive": True, "message": refused.message}
        return json_response(body, 401)
    if refused.reason == "locked":
        # The key's spelling is the reference's; clients look for it.
        body = {"error": True, "login": False, "too_many_failed_login_attemps": True, "message": refused.message}
        return json_response(body, 400, refused.headers)
    return json_response({"login": False, "message": refused.message}, 400)


def _set_cookie(answer: Response, request: Request, name: str, value: str, path: str) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=COOKIE_SECONDS,
        path=path,
        httponly=True,
        samesite="lax",
        secure=request.origin.startswith("https:"),
    )


async def logout(request: Request, identity: Identity, principal: Principal) -> Response:
    """End the access and the refresh token of this log-in."""
    _person_only(principal)
    await identity.production_logout(principal)
    answer = json_response({"logout": True})
    if sign_in.is_browser(request.headers.get("user-agent", "")):
        answer.delete_cookie(ACCESS_COOKIE, path="/", httponly=True, samesite="lax")
        answer.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH, httponly=True, samesite="lax")
    return answer


async def refresh(request: Request, identity: Identity) -> Response:
    """A new access token for a refresh token; browsers get it as a cookie."""
    principal = await identity.authenticate(request, _REFRESH_FORMS)
    token = identity.production_refresh(principal)
    if not sign_in.is_browser(request.headers.get("user-agent", "")):
        return json_response({"access_token": token})
    answer = json_response({"refresh": True})
    _set_cookie(answer, request, ACCESS_COOKIE, token, "/")
    return answer


async def authenticated(db: Database, principal: Principal) -> Response:
    """Who the token stands for."""
    shown = await db.read(sign_in.session, principal)
    user = bytes(shown["user"])[:-1] + b',"fido_devices":[]}'
    organisation = bytes(shown["organisation"])
    content = b'{"authenticated":true,"user":' + user + b',"organisation":' + organisation + b"}"
    return Response(content, media_type="application/json")


def _person_only(principal: Principal) -> None:
    if principal.kind == "bot":
        raise Forbidden("this is for persons; a bot's token does not open it")


async def change_password(
    request: Request, db: Database, identity: Identity, principal: Principal, body: NewPassword
) -> dict[str, bool]:
    """Change the own password; wrong tries count as failed sign-ins."""
    _person_only(principal)
    if body.password != body.password_2:
        raise Invalid("the two passwords differ", field="password_2")
    check_new_password(body.password)
    address = request.client_address
    if not await identity.check_password(principal, body.old_password, address=address, package="production"):
        raise Invalid("the old password is wrong", field="old_password")
    hashed = await identity.hash_password(body.password)
    await db.write(set_password, principal.id, hashed, by=principal)
    return {"success": True}


async def ask_reset(body: Email) -> dict[str, str]:
    """Ask for a link to set a new password. The answer is the same whoever the address belongs to."""
    return {"success": "if an account has this address, a message with a link is on its way"}


async def reset_password(body: PasswordReset) -> None:
    """Set a new password with a token that was mailed."""
    if body.password != body.password2:
        raise Invalid("the two passwords differ", field="password2")
    check_new_password(body.password)
    raise Invalid("the token is wrong or has expired", field="token")


async def ask_email_code(query: Email) -> dict[str, bool]:
    """Ask for a code by e-mail. The answer is the same whoever the address belongs to."""
    return {"success": True}


async def enable_email_codes(principal: Principal, body: EmailCode) -> Response:
    """Finish the set-up of codes by e-mail with the code that its first step has mailed."""
    _person_only(principal)
    return _wrong_code("this code was not sent, or is no longer good: begin the set-up anew")


async def new_recovery_codes(principal: Principal) -> None:
    """New recovery codes, for an account with a second factor."""
    _person_only(principal)
    raise Invalid("this account has no second factor, so it has no recovery codes")


async def ask_fido(query: Email) -> Response:
    """A challenge for a security key, for an account that has one."""
    return json_response({"error": True, "message": "no security key is enrolled for this account"}, 400)


async def saml_login() -> Response:
    """To the identity provider, where one is set up."""
    return json_response({"error": "single sign-on with SAML is not set up on this server"}, 400)


def _wrong_code(message: str) -> Response:
    return json_response({"error": True, "message": message, "wrong_OTP": True}, 400)


_REFUSALS: Final = (400, 401, 403, 422)

ROUTES: Final = [
    post("/auth/login", login, least=PUBLIC, errors=(400, 401), tags=_TAGS, documented=lambda: {"body": Login}),
    get("/auth/logout", logout, least=ANYONE, errors=(401, 403, 422), tags=_TAGS),
    get("/auth/refresh-token", refresh, least=PUBLIC, errors=(401, 422), tags=_TAGS),
    get("/auth/authenticated", authenticated, least=ANYONE, errors=(401, 422), tags=_TAGS),
    post("/auth/change-password", change_password, least=ANYONE, errors=_REFUSALS, tags=_TAGS),
    post("/auth/reset-password", ask_reset, least=PUBLIC, errors=(400,), tags=_TAGS),
    put("/auth/reset-password", reset_password, least=PUBLIC, errors=(400,), tags=_TAGS),
    get("/auth/email-otp", ask_email_code, least=PUBLIC, errors=(400,), tags=_TAGS),
    post("/auth/email-otp", enable_email_codes, least=ANYONE, errors=_REFUSALS, tags=_TAGS),
    put("/auth/recovery-codes", new_recovery_codes, least=ANYONE, errors=_REFUSALS, tags=_TAGS),
    get("/auth/fido", ask_fido, least=PUBLIC, errors=(400,), tags=_TAGS),
    get("/auth/saml/login", saml_login, least=PUBLIC, errors=(400,), tags=_TAGS),
]
