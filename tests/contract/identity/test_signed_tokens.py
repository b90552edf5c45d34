"""Signed tokens against the real server: forged, expired, moved, revoked; the secret, its rotation, its refusal."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.forging import forge
from tests.serving import JWT_SECRET, ROOT, Person, Served, unique

Claims = dict[str, Any]


def vault_claims(person: Person, role: str = "dvb_user", **more: Any) -> Claims:
    return {"role": role, "username": person.username, "exp": int(time.time()) + 60, **more}


def access_claims(person: Person, **more: Any) -> Claims:
    now = int(time.time())
    claims = {
        "fresh": False,
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
        "type": "access",
        "sub": person.id,
        "identity_type": "person",
        "refresh_jti": str(uuid.uuid4()),
    }
    return claims | more


def status(server: Served, token: str) -> int:
    with server.http("identity", token) as client:
        return client.get("/me").status_code


@pytest.mark.parametrize("algorithm", ["HS512", "HS256"])
def test_a_vault_token_brings_the_roles_of_all_packages(server: Served, algorithm: str) -> None:
    person = server.person(vault="dvb_user", catalog="Steward")
    with server.http("identity", forge(vault_claims(person), JWT_SECRET, algorithm=algorithm)) as client:
        me = client.get("/me").json()
    assert (me["id"], me["credential"], me["scopes"]) == (person.id, "signed", None)
    assert me["roles"] == {"vault": "dvb_user", "catalog": "Steward"}


def test_a_production_token_brings_the_roles_of_all_packages(server: Served) -> None:
    person = server.person(production="manager", ingest="viewer")
    with server.http("identity", forge(access_claims(person), JWT_SECRET)) as client:
        assert client.get("/me").json()["roles"] == {"production": "manager", "ingest": "viewer"}


BAD: dict[str, Callable[[Person], str]] = {
    "none": lambda p: forge(vault_claims(p), JWT_SECRET, header={"alg": "none"}),
    "none-unsigned": lambda p: forge(vault_claims(p), JWT_SECRET, header={"alg": "none"}).rpartition(".")[0] + ".",
    "none-in-capitals": lambda p: forge(vault_claims(p), JWT_SECRET, header={"alg": "None"}),
    "rs256-confusion": lambda p: forge(vault_claims(p), JWT_SECRET, header={"alg": "RS256"}),
    "hs384": lambda p: forge(vault_claims(p), JWT_SECRET, header={"alg": "HS384"}),
    "hs512-for-production": lambda p: forge(access_claims(p), JWT_SECRET, algorithm="HS512"),
    "another-secret": lambda p: forge(vault_claims(p), "x" * 64),
    "own-jwk": lambda p: forge(vault_claims(p), "x" * 64, header={"alg": "HS256", "jwk": {"kty": "oct", "k": "eA"}}),
    "kid-of-a-file": lambda p: forge(vault_claims(p), "", header={"alg": "HS256", "kid": "/dev/null"}),
    "expired": lambda p: forge(vault_claims(p, exp=int(time.time()) - 1), JWT_SECRET),
    "not-yet": lambda p: forge(access_claims(p, nbf=int(time.time()) + 100), JWT_SECRET),
    "higher-role": lambda p: forge(vault_claims(p, role="dvb_admin"), JWT_SECRET),
    "no-end-for-a-person": lambda p: forge({"role": "dvb_user", "username": p.username}, JWT_SECRET),
    "more-claims": lambda p: forge(vault_claims(p, sub="x"), JWT_SECRET),
    "another-case": lambda p: forge(vault_claims(p) | {"username": p.username.upper()}, JWT_SECRET),
    "unknown-user": lambda p: forge(vault_claims(p) | {"username": "nobody"}, JWT_SECRET),
    "nul-in-name": lambda p: forge(vault_claims(p) | {"username": "a\0"}, JWT_SECRET),
    "refresh-for-access": lambda p: forge(access_claims(p, type="refresh"), JWT_SECRET),
    "unknown-id": lambda p: forge(access_claims(p, sub=str(uuid.uuid4())), JWT_SECRET),
    "no-id": lambda p: forge(access_claims(p, sub="' OR 1=1"), JWT_SECRET),
    "as-a-bot": lambda p: forge(access_claims(p, identity_type="bot"), JWT_SECRET),
    "another-version": lambda p: forge(vault_claims(p, version=1), JWT_SECRET),
    "exchange-without-token": lambda p: forge(
        {"type": "exchange", "sub": p.id, "token": str(uuid.uuid4()), "jti": "j", "exp": int(time.time()) + 9},
        JWT_SECRET,
    ),
    "not-a-token": lambda _: "xxxxx.yyyyy.zzzzz",
    "two-words": lambda _: "a b",
    "huge": lambda _: "a" * 9000,
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_what_was_not_given_by_a_log_in_opens_nothing(server: Served, make: Callable[[Person], str]) -> None:
    person = server.person(vault="dvb_user", production="user")
    assert status(server, forge(vault_claims(person), JWT_SECRET)) == 200
    assert status(server, make(person)) == 401


def test_a_changed_role_ends_the_vaults_token_at_once(server: Served) -> None:
    person = server.person(vault="dvb_user")
    token = forge(vault_claims(person), JWT_SECRET)
    assert status(server, token) == 200
    server.cli("user", "set-role", person.username, "vault", "dvb_operations")
    assert status(server, token) == 401
    assert status(server, forge(vault_claims(person, "dvb_operations"), JWT_SECRET)) == 200


@pytest.mark.parametrize("claims", [vault_claims, access_claims], ids=["vault", "production"])
def test_disabling_ends_a_persons_tokens_and_enabling_does_not_bring_them_back(
    server: Served, claims: Callable[[Person], Claims]
) -> None:
    person = server.person(vault="dvb_user")
    token = forge(claims(person), JWT_SECRET)
    assert status(server, token) == 200
    server.cli("user", "disable", person.username)
    assert status(server, token) == 401
    server.cli("user", "enable", person.username)
    assert status(server, token) == 401


@pytest.mark.parametrize("claims", [vault_claims, access_claims], ids=["vault", "production"])
def test_revoked_tokens_end_and_later_ones_carry_a_version(server: Served, claims: Callable[[Person], Claims]) -> None:
    person = server.person(vault="dvb_user")
    made = claims(person)
    assert status(server, forge(made, JWT_SECRET)) == 200
    with server.http("identity", server.admin.token) as admin:
        assert admin.post(f"/principals/{person.id}/revoke-tokens").status_code == 204
    assert status(server, forge(made, JWT_SECRET)) == 401
    assert status(server, forge(made | {"version": 1}, JWT_SECRET)) == 200


def test_the_next_owner_of_a_name_does_not_inherit_its_tokens(server: Served) -> None:
    person = server.person(vault="dvb_user")
    token = forge(vault_claims(person), JWT_SECRET)
    with server.http("identity", server.admin.token) as admin:
        assert admin.delete(f"/principals/{person.id}").status_code == 204
        again = {"email": person.email, "username": person.username, "roles": {"vault": "dvb_user"}}
        assert admin.post("/people", json=again).status_code == 201
    assert status(server, token) == 401


def test_a_technical_users_token_without_end_is_good(server: Served) -> None:
    name = unique("svc")
    body = {"username": name, "password": "p" * 12, "roles": {"vault": "dvb_operations"}, "nonExpiringToken": True}
    with server.http("identity", server.admin.token) as admin:
        made = admin.post("/technical-users", json=body)
        assert made.status_code == 201, made.text
    assert status(server, forge({"role": "dvb_operations", "username": name}, JWT_SECRET)) == 200


def test_changing_the_secret_ends_every_signed_token(own_server: Served) -> None:
    token = forge(access_claims(own_server.admin), JWT_SECRET)
    assert status(own_server, token) == 200
    own_server.environment["JWT_SECRET"] = "n" * 64
    own_server.restart()
    assert status(own_server, token) == 401
    assert status(own_server, own_server.admin.token) == 200


def test_a_previous_secret_on_the_second_line_still_verifies(own_server: Served, tmp_path: Path) -> None:
    token = forge(access_claims(own_server.admin), JWT_SECRET)
    file = tmp_path / "jwt_secret.txt"
    file.write_text("n" * 64 + "\n" + JWT_SECRET + "\n")
    own_server.environment["TESSERA_JWT_SECRET_FILE"] = str(file)
    own_server.restart()
    assert status(own_server, token) == 200
    assert status(own_server, forge(access_claims(own_server.admin), "n" * 64)) == 200


def test_without_a_secret_the_log_says_so_once_and_a_restart_ends_tokens(own_server: Served) -> None:
    own_server.environment["JWT_SECRET"] = ""
    own_server.restart()
    said = [line for line in own_server.log().splitlines() if "jwt_secret" in line]
    assert len(said) == 1
    assert '"level":"warning"' in said[0]
    assert "will not survive a restart" in said[0]
    assert status(own_server, forge(access_claims(own_server.admin), JWT_SECRET)) == 401
    with own_server.http("identity", own_server.admin.token) as client:
        assert client.get("/me").json()["signedTokensSurviveRestart"] is False


def test_a_short_secret_keeps_the_server_from_starting(tmp_path: Path) -> None:
    file = tmp_path / "jwt_secret.txt"
    file.write_text("k" * 63 + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "tessera", "serve", "--data-dir", str(tmp_path / "data"), "--port", "0"],
        cwd=ROOT,
        env={"PATH": "", "TESSERA_JWT_SECRET_FILE": str(file)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "jwt_secret" in done.stderr
    assert "63" in done.stderr
    assert "kkkk" not in done.stderr + done.stdout
