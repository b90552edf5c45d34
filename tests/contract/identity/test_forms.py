"""Every form of credential on the wire, through the kernel's own server with a package that takes them all."""

import asyncio
import base64
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tessera import identity as rooms
from tessera.identity import (
    BasicToken,
    Bearer,
    Cookie,
    Identity,
    JwtHeader,
    PasswordHeaders,
    RawAuthorization,
    TokenHeader,
    create_person,
    create_technical_user,
    create_token,
    find_by_username,
    full_scopes,
    revoke_token,
    to_principal,
)
from tessera.kernel.access import SIGNED_IN, Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Problem, Unauthenticated
from tessera.kernel.http import Package, Request, Response, Server, get, json_response, plain_problem, post
from tessera.settings import Settings
from tests.databases import migrated
from tests.forging import claims_of, forge
from tests.serving import unique

SECRET = "forms-" * 12
PASSWORD = "a long enough password"
FORMS: dict[str, tuple[Any, ...]] = {
    "production": (Cookie("access_token_cookie"), Bearer()),
    "catalog": (Bearer(),),
    "semantic": (JwtHeader("x-jwt-token"), TokenHeader("x-api-key"), Bearer(), BasicToken()),
    "ingest": (RawAuthorization(), PasswordHeaders("x-api-email", "x-api-password")),
    "vault": (Bearer(),),
}
REFRESH = (Cookie("refresh_token_cookie", purpose="refresh"), Bearer(purpose="refresh"))


async def who(principal: Principal) -> dict[str, Any]:
    return {"id": principal.id, "credential": principal.credential, "role": principal.roles}


def problem(raised: Problem, request: Request) -> Response:
    return json_response({"reason": getattr(raised, "reason", None), "message": raised.message}, raised.status)


class World:
    """A database, an identity and a server in this process."""

    def __init__(self, db: Database) -> None:
        self.db = db
        os.environ["JWT_SECRET"] = SECRET
        self.settings = Settings(vault_token_seconds=60)
        self.identity = Identity(db, self.settings)
        del os.environ["JWT_SECRET"]
        services = {Identity: self.identity, Database: db}
        routes = [get("/who", who, least=SIGNED_IN), post("/who", who, least=SIGNED_IN)]
        packages = [Package(name, f"/{name}", name, routes, problem, forms) for name, forms in FORMS.items()]
        packages.append(Package("refresh", "/refresh", "refresh", routes, problem, REFRESH))
        plain = Package("plain", "", "plain", [], plain_problem)
        self.server = Server(
            packages, services, authenticate=self.identity.authenticate, plain=plain, log_requests=False
        )
        self.username = unique("f")
        self.email = f"{self.username}@example.test"
        self.roles = {
            "production": "user",
            "catalog": "Reader",
            "semantic": "query",
            "ingest": "viewer",
            "vault": "dvb_user",
        }
        hashed = asyncio.run(self.identity.hash_password(PASSWORD))
        self.id = db.write_now(
            create_person, email=self.email, username=self.username, password_hash=hashed, roles=self.roles, by=None
        )

    def principal(self) -> Principal:
        return self.db.read_now(lambda tx: to_principal(tx, find_by_username(tx, self.username)))  # type: ignore[arg-type]

    def opaque(self, *packages: str) -> str:
        options: dict[str, Any] = {"kind": "personal", "name": "n", "scopes": full_scopes(packages)}
        return self.db.write_now(create_token, owner=self.principal(), by=None, **options)[1]

    def ask(self, package: str, headers: dict[str, str], method: str = "GET") -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.server, client=("192.0.2.7", 1))  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, f"/{package}/who", headers=headers)

        return asyncio.run(call())

    def reason(self, package: str, headers: dict[str, str]) -> str:
        answer = self.ask(package, headers)
        assert answer.status_code == 401, answer.text
        return str(answer.json()["reason"])


@pytest.fixture(scope="module")
def world(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with migrated(database, Path(tmp_path_factory.mktemp("forms"))) as db:
        made = World(db)
        yield made
        asyncio.run(made.identity.close())


def sent(package: str, token: str) -> list[dict[str, str]]:
    """All the ways in which the clients of a package send a token."""
    basic = base64.b64encode(f"token:{token}".encode()).decode()
    ways = {
        "production": [{"authorization": f"Bearer {token}"}, {"cookie": f"access_token_cookie={token}"}],
        "catalog": [{"authorization": f"Bearer {token}"}],
        "semantic": [{"x-api-key": token}, {"authorization": f"Bearer {token}"}, {"authorization": f"Basic {basic}"}],
        "ingest": [{"authorization": token}, {"authorization": f"Bearer {token}"}],
        "vault": [{"authorization": f"Bearer {token}"}],
    }
    return ways[package]


@pytest.mark.parametrize("package", FORMS)
@pytest.mark.parametrize("kind", ["opaque", "vault", "production"])
def test_one_credential_opens_every_package_in_its_clients_own_form(world: World, package: str, kind: str) -> None:
    if kind == "opaque":
        token = world.opaque(package)
    elif kind == "vault":
        token = asyncio.run(world.identity.vault_login(world.username, PASSWORD, address="::1")).token
    else:
        token = asyncio.run(world.identity.production_login(world.email, PASSWORD, address="::1")).access_token
    for headers in sent(package, token):
        answer = world.ask(package, headers)
        assert answer.status_code == 200, (headers, answer.text)
        credential = "opaque" if kind == "opaque" else "signed"
        assert answer.json() == {"id": world.id, "credential": credential, "role": world.roles}


def test_a_signed_token_goes_into_the_jwt_header_too(world: World) -> None:
    token = asyncio.run(world.identity.vault_login(world.username, PASSWORD, address="::1")).token
    assert world.ask("semantic", {"x-jwt-token": token, "x-jwt-tenant-id": "acme"}).status_code == 200


@pytest.mark.parametrize("package", FORMS)
def test_a_token_of_one_package_is_refused_in_the_others(world: World, package: str) -> None:
    token = world.opaque(package)
    for other in FORMS:
        statuses = {world.ask(other, headers).status_code for headers in sent(other, token)}
        assert statuses == ({200} if other == package else {403})


@pytest.mark.parametrize(("package"), FORMS)
def test_the_reasons_are_exact_in_every_package(world: World, package: str) -> None:
    claims = {"role": "dvb_user", "username": world.username}
    end = int(time.time())
    assert world.reason(package, {}) == "missing"
    for token, reason in (
        ("gibberish", "malformed"),
        ("xxxxx.yyyyy.zzzzz", "malformed"),
        (forge(claims | {"exp": end + 60}, "x" * 64), "signature"),
        (forge(claims | {"exp": end + 60}, SECRET, header={"alg": "none"}), "signature"),
        (forge(claims | {"exp": end - 60}, SECRET), "expired"),
        (forge(claims | {"exp": end + 60, "role": "dvb_admin"}, SECRET), "revoked"),
        (asyncio.run(world.identity.production_tokens(world.principal())).refresh_token, "kind"),
    ):
        for headers in sent(package, token):
            assert world.reason(package, headers) == reason, headers
    if package == "semantic":
        assert world.reason(package, {"x-jwt-token": "opaque"}) == "malformed"


def test_an_ended_opaque_token_says_so(world: World) -> None:
    token = world.opaque("vault")
    headers = {"authorization": f"Bearer {token}"}
    assert world.ask("vault", headers).status_code == 200
    tokens = world.db.read_now(rooms.list_tokens, owner_id=world.id, search=token[:10])
    world.db.write_now(revoke_token, tokens[0].id, by=None)
    assert world.reason("vault", headers) == "revoked"


def test_email_and_password_in_headers_open_ingest(world: World) -> None:
    good = {"x-api-email": world.email, "x-api-password": PASSWORD}
    assert world.ask("ingest", good).json()["credential"] == "password"
    assert world.reason("ingest", good | {"x-api-password": "wrong"}) == "signature"
    assert world.reason("ingest", {"x-api-email": world.email}) == "malformed"
    assert world.reason("catalog", good) == "missing"


def test_a_token_wins_over_the_password_pair(world: World) -> None:
    headers = {"authorization": "gibberish", "x-api-email": world.email, "x-api-password": PASSWORD}
    assert world.reason("ingest", headers) == "malformed"


def test_the_password_pair_is_throttled_like_a_sign_in(world: World) -> None:
    pair = {"x-api-email": f"{unique('nobody')}@example.test", "x-api-password": "wrong"}
    assert [world.ask("ingest", pair).status_code for _ in range(6)] == [401] * 5 + [429]


def test_the_cookie_comes_before_the_header(world: World) -> None:
    token = world.opaque("production")
    headers = {"cookie": "access_token_cookie=gibberish", "authorization": f"Bearer {token}"}
    assert world.reason("production", headers) == "malformed"


def test_another_site_cannot_use_the_trackers_cookie(world: World) -> None:
    cookie = {"cookie": f"access_token_cookie={world.opaque('production')}"}
    assert world.ask("production", cookie, "POST").status_code == 200
    assert world.ask("production", cookie | {"origin": "http://test"}, "POST").status_code == 200
    assert world.ask("production", cookie | {"origin": "http://evil.example"}, "POST").status_code == 403
    assert world.ask("production", cookie | {"origin": "http://evil.example"}, "GET").status_code == 200


def test_a_refresh_token_gives_a_new_access_token_of_the_same_log_in(world: World) -> None:
    login = asyncio.run(world.identity.production_login(world.email, PASSWORD, address="::1"))
    for headers in (
        {"authorization": f"Bearer {login.refresh_token}"},
        {"cookie": f"refresh_token_cookie={login.refresh_token}"},
    ):
        assert world.ask("refresh", headers).status_code == 200
    assert world.reason("refresh", {"authorization": f"Bearer {login.access_token}"}) == "kind"
    assert world.reason("refresh", {"authorization": f"Bearer {world.opaque('production')}"}) == "malformed"
    principal = Principal(id=world.id, username=world.username, claims=claims_of(login.refresh_token))
    renewed = claims_of(world.identity.production_refresh(principal))
    before = claims_of(login.access_token)
    assert renewed["refresh_jti"] == before["refresh_jti"]
    assert renewed["jti"] != before["jti"]
    with pytest.raises(Unauthenticated):
        world.identity.production_refresh(Principal(id=world.id, username="x", claims=before))


def test_logout_ends_access_refresh_and_what_was_refreshed(world: World) -> None:
    login = asyncio.run(world.identity.production_login(world.email, PASSWORD, address="::1"))
    other = asyncio.run(world.identity.production_login(world.email, PASSWORD, address="::1"))
    refresh = Principal(id=world.id, username="x", claims=claims_of(login.refresh_token))
    renewed = world.identity.production_refresh(refresh)
    bearer = {"authorization": f"Bearer {login.access_token}"}
    assert world.ask("vault", bearer).status_code == 200
    caller = Principal(id=world.id, username="x", claims=claims_of(login.access_token))
    asyncio.run(world.identity.production_logout(caller))
    assert world.reason("vault", bearer) == "revoked"
    assert world.reason("vault", {"authorization": f"Bearer {renewed}"}) == "revoked"
    assert world.reason("refresh", {"authorization": f"Bearer {login.refresh_token}"}) == "revoked"
    assert world.ask("vault", {"authorization": f"Bearer {other.access_token}"}).status_code == 200


def test_an_exchanged_token_acts_as_its_parent_and_ends_with_it(world: World) -> None:
    parent = world.opaque("catalog")
    principal = Principal(
        id=world.id,
        username=world.username,
        credential="opaque",
        token_id=world.db.read_now(rooms.list_tokens, owner_id=world.id)[0].id,
    )
    token = world.identity.catalog_exchange(principal)
    assert claims_of(token)["exp"] - claims_of(token)["iat"] == 3600
    bearer = {"authorization": f"Bearer {token}"}
    assert world.ask("catalog", bearer).json()["credential"] == "signed"
    assert world.ask("vault", bearer).status_code == 403
    assert principal.token_id is not None
    world.db.write_now(revoke_token, principal.token_id, by=None)
    assert world.reason("catalog", bearer) == "revoked"
    assert world.reason("catalog", {"authorization": f"Bearer {parent}"}) == "revoked"
    with pytest.raises(Unauthenticated):
        world.identity.catalog_exchange(Principal(id=world.id, username="x", credential="signed"))


def test_the_oldest_of_more_than_twenty_keys_ends(world: World) -> None:
    keys = [asyncio.run(world.identity.semantic_key(world.principal())) for _ in range(22)]
    assert len(set(keys)) == 22
    assert all(key.startswith("tk_") and len(key) == 67 for key in keys)
    statuses = [world.ask("semantic", {"x-api-key": key}).status_code for key in keys]
    assert statuses == [401] * 2 + [200] * 20


def test_a_renewed_vault_token_moves_its_end_within_the_bound(world: World) -> None:
    first = asyncio.run(world.identity.vault_login(world.username, PASSWORD, address="::1"))
    assert first.token_timeout == 60
    caller = Principal(id=world.id, username="x", roles=world.roles, claims=claims_of(first.token))
    renewed = asyncio.run(world.identity.vault_renew(first.token, caller))
    assert claims_of(renewed.token)["exp"] >= claims_of(first.token)["exp"]
    old = Identity(world.db, Settings(vault_session_seconds=60, vault_token_seconds=60), keys=world.identity.keys)
    # A token that was never noted counts from its own beginning; this one began two minutes ago.
    late = claims_of(first.token) | {"exp": int(time.time()) - 61}
    with pytest.raises(Unauthenticated) as refused:
        asyncio.run(
            old.vault_renew("never noted", Principal(id=world.id, username="x", roles=world.roles, claims=late))
        )
    assert refused.value.reason == "expired"
    asyncio.run(old.close())


def test_a_technical_users_token_is_stable_until_it_is_revoked(world: World) -> None:
    name = unique("svc")
    options: dict[str, Any] = {
        "username": name,
        "roles": {"vault": "dvb_operations"},
        "non_expiring_token": True,
        "by": None,
    }
    hashed = asyncio.run(world.identity.hash_password(PASSWORD))
    made = world.db.write_now(create_technical_user, password_hash=hashed, **options)

    def log_in() -> Any:
        return asyncio.run(world.identity.vault_login(name, PASSWORD, address="::1"))

    first = log_in()
    assert (first, first.token_timeout) == (log_in(), None)
    assert claims_of(first.token) == {"role": "dvb_operations", "username": name}
    world.db.write_now(rooms.revoke_signed_tokens, made, by=None)
    assert world.reason("vault", {"authorization": f"Bearer {first.token}"}) == "revoked"
    again = log_in()
    assert claims_of(again.token) == {"role": "dvb_operations", "username": name, "version": 1}
    assert world.ask("vault", {"authorization": f"Bearer {again.token}"}).status_code == 200
    world.db.write_now(rooms.update_person, made, is_active=False, by=None)
    assert world.reason("vault", {"authorization": f"Bearer {again.token}"}) == "revoked"


def test_a_bots_newest_token_is_its_only_one(world: World) -> None:
    bot = world.db.write_now(rooms.create_bot, first_name="R", last_name="2", roles={"production": "user"}, by=None)
    options: dict[str, Any] = {"expires_on": None, "by": None}
    first = world.db.write_now(world.identity.make_bot_token, bot, **options)
    assert world.ask("production", {"authorization": f"Bearer {first}"}).json()["id"] == bot
    second = world.db.write_now(world.identity.make_bot_token, bot, **options)
    assert world.reason("production", {"authorization": f"Bearer {first}"}) == "revoked"
    assert world.ask("production", {"authorization": f"Bearer {second}"}).status_code == 200
    past = world.db.write_now(world.identity.make_bot_token, bot, expires_on="2020-01-01", by=None)
    assert world.reason("production", {"authorization": f"Bearer {past}"}) == "expired"
