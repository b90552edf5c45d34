"""Section 1: signing in and out, tokens, cookies, and the body of every refusal."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.serving import JWT_SECRET, Person, Served, unique

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"


@pytest.fixture
def anyone(server: Served) -> Iterator[httpx.Client]:
    with server.http("production") as client:
        yield client


@pytest.fixture
def artist(server: Served) -> Person:
    return server.person(production="user")


def sign_in(client: httpx.Client, person: Person, **headers: str) -> httpx.Response:
    body = {"email": person.email, "password": person.password}
    return client.post("/auth/login", json=body, headers=headers)


def with_token(client: httpx.Client, token: str, path: str = "/auth/authenticated") -> httpx.Response:
    return client.get(path, headers={"authorization": f"Bearer {token}"})


def test_the_answer_of_a_log_in(anyone: httpx.Client, artist: Person) -> None:
    answer = sign_in(anyone, artist).json()
    assert set(answer) == {"login", "access_token", "refresh_token", "user", "organisation"}
    assert (answer["user"]["id"], answer["user"]["departments"]) == (artist.id, [])
    assert answer["user"]["full_name"].startswith("Test ")
    assert not {"password", "jti", "totp_secret"} & set(answer["user"])
    assert not [name for name in answer["organisation"] if name.startswith("chat_")]


def test_a_second_organisation_does_not_disturb(anyone: httpx.Client, server: Served) -> None:
    with server.http("production", server.admin.token) as admin:
        admin.post("/data/organisations", json={"name": unique("Other")})
    assert sign_in(anyone, server.admin).json()["organisation"]["name"] == "Kitsu"


def test_admins_see_the_secrets_of_the_organisation(anyone: httpx.Client, server: Served) -> None:
    assert "chat_token_slack" in sign_in(anyone, server.admin).json()["organisation"]


@pytest.mark.parametrize("form", ["json", "form", "query"])
def test_a_log_in_is_json_a_form_or_a_query(anyone: httpx.Client, artist: Person, form: str) -> None:
    values = {"email": artist.email.upper(), "password": artist.password}
    sent: dict[str, Any] = {"json": {"json": values}, "form": {"data": values}, "query": {"params": values}}[form]
    assert anyone.post("/auth/login", **sent).json()["login"] is True


@pytest.mark.parametrize("body", [{}, {"email": ""}, {"email": None, "password": "x"}])
def test_an_e_mail_is_required(anyone: httpx.Client, body: dict[str, Any]) -> None:
    answer = anyone.post("/auth/login", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"] is True
    assert answer.json()["data"]["errors"][0]["field"] == "email"


def test_unknown_and_wrong_have_the_same_answer(anyone: httpx.Client, artist: Person) -> None:
    wrong = anyone.post("/auth/login", json={"email": artist.email, "password": "not this one"})
    unknown = anyone.post("/auth/login", json={"email": f"{unique('x')}@studio.example", "password": "not this one"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert wrong.status_code == 400
    assert wrong.json()["login"] is False
    assert set(wrong.json()) == {"login", "message"}


def test_five_failures_lock(anyone: httpx.Client, artist: Person) -> None:
    for _ in range(5):
        assert anyone.post("/auth/login", json={"email": artist.email, "password": "wrong one"}).status_code == 400
    answer = sign_in(anyone, artist)
    assert answer.status_code == 400
    locked = {"error": True, "login": False, "too_many_failed_login_attemps": True}
    assert {name: answer.json()[name] for name in locked} == locked


def test_an_inactive_account_is_told_after_the_right_password_and_its_token_ends(
    anyone: httpx.Client, artist: Person, server: Served
) -> None:
    token = sign_in(anyone, artist).json()["access_token"]
    with server.http("production", server.admin.token) as admin:
        assert admin.put(f"/data/persons/{artist.id}", json={"active": False}).json()["active"] is False
    ended = with_token(anyone, token)
    assert (ended.status_code, ended.json()) == (401, {"msg": "Token has been revoked"})
    answer = sign_in(anyone, artist)
    assert answer.status_code == 401
    assert (answer.json()["unactive"], answer.json()["login"]) == (True, False)


def test_who_has_no_role_here_does_not_come_in(anyone: httpx.Client, server: Served) -> None:
    answer = sign_in(anyone, server.person(vault="dvb_user"))
    assert (answer.status_code, answer.json()["login"]) == (400, False)


def signed(claims: dict[str, Any], secret: str = JWT_SECRET) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))


def test_the_body_of_every_token_failure(anyone: httpx.Client, artist: Person) -> None:
    tokens = sign_in(anyone, artist).json()
    claims: dict[str, Any] = jwt.decode(tokens["access_token"], OctKey.import_key(JWT_SECRET)).claims
    assert claims["exp"] - claims["iat"] == 7 * 86_400
    assert (claims["type"], claims["identity_type"], claims["sub"]) == ("access", "person", artist.id)
    missing = anyone.get("/auth/authenticated")
    assert missing.status_code == 401
    assert missing.json()["msg"].startswith("Missing JWT in cookies or headers")
    expired = with_token(anyone, signed({**claims, "exp": claims["iat"] - 10}))
    assert (expired.status_code, expired.json()) == (401, {"error": True, "message": "Signature has expired"})
    malformed = with_token(anyone, "no-token-at-all")
    assert malformed.status_code == 422
    assert set(malformed.json()) == {"msg"}
    forged = with_token(anyone, signed(claims, "another secret of enough characters to be taken as a key" * 2))
    assert (forged.status_code, forged.json()) == (422, {"msg": "Signature verification failed"})
    refresh = with_token(anyone, tokens["refresh_token"])
    assert (refresh.status_code, refresh.json()) == (422, {"msg": "Only non-refresh tokens are allowed"})
    access = with_token(anyone, tokens["access_token"], "/auth/refresh-token")
    assert (access.status_code, access.json()) == (422, {"msg": "Only refresh tokens are allowed"})


def test_refresh_and_log_out(anyone: httpx.Client, artist: Person) -> None:
    tokens = sign_in(anyone, artist).json()
    fresh = with_token(anyone, tokens["refresh_token"], "/auth/refresh-token")
    assert set(fresh.json()) == {"access_token"}
    assert with_token(anyone, fresh.json()["access_token"]).json()["user"]["id"] == artist.id
    left = with_token(anyone, tokens["access_token"], "/auth/logout")
    assert (left.status_code, left.json()) == (200, {"logout": True})
    for token, path in (
        (tokens["access_token"], "/auth/authenticated"),
        (tokens["refresh_token"], "/auth/refresh-token"),
    ):
        ended = with_token(anyone, token, path)
        assert (ended.status_code, ended.json()) == (401, {"msg": "Token has been revoked"})


def test_authenticated_shows_the_person(anyone: httpx.Client, artist: Person) -> None:
    answer = with_token(anyone, sign_in(anyone, artist).json()["access_token"]).json()
    assert set(answer) == {"authenticated", "user", "organisation"}
    assert (answer["authenticated"], answer["user"]["fido_devices"]) == (True, [])


def test_browsers_get_cookies_and_scripts_do_not(anyone: httpx.Client, artist: Person) -> None:
    assert "set-cookie" not in sign_in(anyone, artist).headers
    answer = sign_in(anyone, artist, **{"user-agent": BROWSER})
    cookies = {each.split("=")[0]: each for each in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {"access_token_cookie", "refresh_token_cookie"}
    assert "Path=/;" in cookies["access_token_cookie"] + ";"
    assert "Path=/production/auth/refresh-token" in cookies["refresh_token_cookie"]
    for cookie in cookies.values():
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert "Max-Age=31540000" in cookie
    by_cookie = anyone.get("/auth/authenticated", headers={"user-agent": BROWSER})
    assert by_cookie.json()["user"]["id"] == artist.id
    refreshed = anyone.get("/auth/refresh-token", headers={"user-agent": BROWSER})
    assert refreshed.json() == {"refresh": True}
    anyone.get("/auth/logout", headers={"user-agent": BROWSER})
    assert anyone.get("/auth/authenticated").status_code == 401


def test_a_password_is_changed_with_the_one_before(anyone: httpx.Client, artist: Person) -> None:
    token = sign_in(anyone, artist).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    new = unique("a-long-password")

    def change(old: str, first: str, second: str) -> httpx.Response:
        body = {"old_password": old, "password": first, "password_2": second}
        return anyone.post("/auth/change-password", json=body, headers=headers)

    assert change("wrong one", new, new).status_code == 400
    assert change(artist.password, new, new + "x").status_code == 400
    assert change(artist.password, "short", "short").status_code == 400
    assert change(artist.password, new, new).json() == {"success": True}
    assert sign_in(anyone, artist).status_code == 400
    assert anyone.post("/auth/login", json={"email": artist.email, "password": new}).json()["login"] is True


def test_a_bots_token_is_shown_once_and_does_not_open_what_is_for_persons(anyone: httpx.Client, server: Served) -> None:
    with server.http("production", server.admin.token) as admin:
        body = {"first_name": "Robo", "last_name": unique("Bot"), "is_bot": True, "role": "manager"}
        bot = admin.post("/data/persons", json=body).json()
        assert "access_token" not in admin.get(f"/data/persons/{bot['id']}").json()
    assert with_token(anyone, bot["access_token"], "/data/departments").status_code == 200
    refused = with_token(anyone, bot["access_token"], "/auth/logout")
    assert (refused.status_code, refused.json()["error"]) == (403, True)


def test_public_routes_and_headers(anyone: httpx.Client, server: Served) -> None:
    for path in ("", "/"):
        assert httpx.head(server.base("production") + path).status_code == 200
    assert anyone.get("/").json()["api"] == "Zou"
    status = anyone.get("/status").json()
    assert {
        "name",
        "version",
        "database-up",
        "key-value-store-up",
        "event-stream-up",
        "job-queue-up",
        "indexer-up",
    } == set(status)
    assert status["database-up"] is True
    config = anyone.get("/config")
    assert (config.json()["movie_highdef_bitrate"], config.json()["saml_enabled"]) == (28, False)
    headers = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "content-security-policy": "frame-ancestors 'self'",
        "referrer-policy": "strict-origin-when-cross-origin",
    }
    assert {name: config.headers[name] for name in headers} == headers


def test_unknown_routes_and_wrong_methods(anyone: httpx.Client) -> None:
    for answer, status in ((anyone.get("/data/no-such"), 404), (anyone.delete("/data/departments"), 405)):
        assert answer.status_code == status
        assert answer.json()["error"] is True
        assert isinstance(answer.json()["message"], str)
