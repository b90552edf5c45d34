"""Refusals of the log-in, of tokens and of roles, each with its whole body."""

import base64
import json
from typing import Any

import pytest

from tests.serving import Served, unique


def body(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "details": None, "hint": None}


def test_a_refused_log_in_never_tells_why(server: Served) -> None:
    person = server.person(vault="dvb_user")
    outsider = server.person(catalog="Reader")
    disabled = unique("off")
    password = "a-long-password"
    server.cli("vault", "create-user", disabled, "--group", "dvb_user", "--password-stdin", stdin=password)
    server.cli("vault", "disable-user", disabled)
    attempts = [
        (person.username, "wrong-password"),
        (unique("nobody"), "whatever"),
        (disabled, password),
        (outsider.username, outsider.password),
    ]
    with server.http("vault") as client:
        for username, given in attempts:
            answer = client.post("/rpc/login", json={"username": username, "password": given})
            assert answer.status_code == 403
            assert answer.json() == body("28P01", "invalid user or password")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b'{"username": "a"}',
        b'{"password": "a"}',
        b'{"username": 1, "password": "a"}',
        b'{"username": "", "password": "a"}',
        b'{"username": "a", "password": ""}',
        b'{"username": "a\\u0000", "password": "b"}',
        json.dumps({"username": "a" * 1025, "password": "b"}).encode(),
    ],
)
def test_a_malformed_log_in_is_refused(server: Served, sent: bytes) -> None:
    with server.http("vault") as client:
        answer = client.post("/rpc/login", content=sent, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "message", "details", "hint"}


def test_many_failures_are_slowed_down(server: Served) -> None:
    person = server.person(vault="dvb_user")
    with server.http("vault") as client:
        seen = [
            client.post("/rpc/login", json={"username": person.username, "password": "wrong"}).status_code
            for _ in range(11)
        ]
        answer = client.post("/rpc/login", json={"username": person.username, "password": person.password})
    assert set(seen) == {403, 429}
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["code"] == "too_many"


def forged(token: str) -> list[str]:
    header, claims, signature = token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    other = base64.urlsafe_b64encode(b'{"role":"dvb_admin","username":"root"}').rstrip(b"=").decode()
    return [
        f"{none}.{claims}.",
        f"{none}.{claims}.{signature}",
        f"{header}.{other}.{signature}",
        f"{header}.{claims}.{'A' * len(signature)}",
        f"{header}.{claims}",
        "x",
    ]


def test_a_forged_token_opens_nothing(server: Served) -> None:
    person = server.person(vault="dvb_user")
    with server.http("vault") as client:
        sent = {"username": person.username, "password": person.password}
        token = client.post("/rpc/login", json=sent).json()["token"]
        for one in forged(token):
            answer = client.get("/me", headers={"authorization": f"Bearer {one}"})
            assert answer.status_code == 401, one
            assert answer.json()["code"] == "PGRST301"
            assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token", error_description="JWT')


ROLE_CASES = [
    ("GET", "/hubs", {"dvb_user_readonly", "dvb_operations", "dvb_user", "dvb_admin"}),
    ("PUT", "/hubs/h_x_{n}", {"dvb_user", "dvb_admin"}),
    ("POST", "/jobs/none/runs", {"dvb_operations", "dvb_user", "dvb_admin"}),
    ("GET", "/users", {"dvb_admin"}),
    ("POST", "/rpc/checkConnection", {"dvb_user_readonly", "dvb_operations", "dvb_user", "dvb_admin"}),
]


@pytest.mark.parametrize("group", ["dvb_user_readonly", "dvb_operations", "dvb_user", "dvb_admin"])
def test_each_group_may_do_what_its_line_says(server: Served, group: str) -> None:
    person = server.person(vault=group)
    with server.http("vault", person.token) as client:
        for method, path, groups in ROLE_CASES:
            answer = client.request(method, path.format(n=unique("n")), json=None if method == "GET" else {})
            if group in groups:
                assert answer.status_code in (200, 201, 404), (path, answer.text)
            else:
                assert answer.status_code == 403, (path, answer.text)
                assert answer.json()["code"] == "42501"


def test_health_needs_no_token_and_check_connection_does(server: Served) -> None:
    with server.http("vault") as client:
        assert client.get("/health").json() == {"status": "ok"}
        assert client.post("/rpc/checkConnection", json={}).status_code == 401
    with server.http("vault", server.admin.token) as client:
        assert client.post("/rpc/checkConnection", json={}).json() == {
            "result": {"error": False, "user_message": "OK", "technical_message": "OK"},
            "fdb_connection_result": {"error": False, "message": "Connection Successful"},
        }


def test_users_are_administered_over_rest(server: Served) -> None:
    name = unique("svc")
    sent = {"username": name, "email": None, "password": "a-long-password", "usergroup": "dvb_operations"}
    with server.http("vault", server.admin.token) as client:
        assert client.post("/users", json={**sent, "password": "short"}).status_code == 400
        made = client.post("/users", json={**sent, "non_expiring_token": True})
        assert made.status_code == 201, made.text
        assert "password" not in made.json()
        assert client.post("/users", json=sent).status_code == 409
        assert client.patch(f"/users/{name}", json={"usergroup": "dvb_user"}).json()["usergroup"] == "dvb_user"
        assert client.patch(f"/users/{name}", json={"usergroup": "boss"}).status_code == 400
        log_in = {"username": name, "password": "a-long-password"}
        assert client.post("/rpc/login", json=log_in).json().keys() == {"token"}
        assert client.delete(f"/users/{name}").status_code == 204
        assert client.post("/rpc/login", json=log_in).status_code == 403


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE x",
        "SELECT 1",
        "SELECT dvb_core.f_create_user('a', NULL, 'long-password-1', 'dvb_user'); DROP TABLE x",
        "SELECT dvb_core.f_create_user((SELECT 'a'), NULL, 'long-password-1', 'dvb_user')",
        "SELECT dvb_core.f_create_user('a' || 'b', NULL, 'long-password-1', 'dvb_user')",
        "SELECT other.f_create_user('a', NULL, 'long-password-1', 'dvb_user')",
        "SELECT dvb_core.f_create_user('a', NULL, 'long-password-1', 'no_group')",
        "SELECT dvb_core.f_create_user('a', NULL, 'short', 'dvb_user')",
        "SELECT dvb_core.f_create_user(nothing => 'a')",
        "SELECT dvb_core.f_create_user('a', NULL, 'long-password-1', 'dvb_user', 'x', NULL, TRUE, 1)",
    ],
)
def test_tessera_sql_runs_nothing_but_its_one_form(server: Served, statement: str) -> None:
    done = server.cli("sql", statement, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("tessera: ")
    assert "long-password-1" not in done.stderr
