"""`tessera admin|user|token`, with a running server on the same data and without one."""

import json
import subprocess

import pytest

from tests.serving import Served, unique


def lines(done: "subprocess.CompletedProcess[str]", word: str) -> list[list[str]]:
    return [line.split("\t") for line in done.stdout.splitlines() if word in line]


def test_an_administrator_is_made_beside_the_running_server(server: Served) -> None:
    name = unique("boss")
    server.cli(
        "admin",
        "create",
        "--email",
        f"{name}@example.test",
        "--username",
        name,
        "--password-stdin",
        stdin="long password\n",
    )
    token = server.mint(name, "long password")
    with server.http("identity", token) as client:
        assert client.get("/me").json()["isAdministrator"] is True


@pytest.mark.parametrize(
    ("arguments", "password", "said"),
    [
        (
            ("--email", "x@example.test", "--username", "root", "--password-stdin"),
            "long password",
            "username root is taken",
        ),
        (("--email", "no", "--username", "n", "--password-stdin"), "long password", "email must look like"),
        (("--email", "y@example.test", "--username", "n", "--password-stdin"), "short", "at least 8 characters"),
        (("--email", "y@example.test", "--username", "n", "--password-stdin"), "", "at least 8 characters"),
    ],
)
def test_a_bad_administrator_is_refused_in_one_line(
    server: Served, arguments: tuple[str, ...], password: str, said: str
) -> None:
    done = server.cli("admin", "create", *arguments, stdin=password, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_user_is_made_listed_disabled_and_enabled(server: Served) -> None:
    name = unique("u")
    server.cli("user", "create", name, "--password-stdin", "--role", "vault=dvb_user", stdin="long password")
    assert lines(server.cli("user", "list"), name) == [[name, "person", "active", "-", "vault=dvb_user"]]
    server.cli("user", "set-role", name, "vault", "dvb_operations")
    server.cli("user", "disable", name)
    assert lines(server.cli("user", "list", "--search", name), name) == [
        [name, "person", "disabled", "-", "vault=dvb_operations"]
    ]
    server.cli("user", "enable", name)
    server.cli("user", "set-role", name, "vault", "none")
    assert lines(server.cli("user", "list"), name) == [[name, "person", "active", "-", "-"]]


def test_an_unknown_user_or_role_is_named(server: Served) -> None:
    unknown = server.cli("user", "disable", "nobody", check=False)
    assert (unknown.returncode, "there is no user nobody" in unknown.stderr) == (1, True)
    role = server.cli("user", "set-role", "root", "vault", "king", check=False)
    assert (role.returncode, "must be one of dvb_user_readonly" in role.stderr) == (1, True)


def test_a_token_made_on_the_command_line_opens_the_running_server(server: Served) -> None:
    person = server.person(vault="dvb_user")
    secret = server.cli("token", "create", person.username, "cron", "--scope", "identity:read").stdout.strip()
    with server.http("identity", secret) as client:
        assert client.get("/me").json()["id"] == person.id
    [[token_id, prefix, state, kind, *_]] = [
        row for row in lines(server.cli("token", "list", "--search", person.username), "cron") if row[5] == "cron"
    ]
    assert (prefix, state, kind) == (secret[:10], "active", "personal")
    server.cli("token", "revoke", token_id)
    with server.http("identity", secret) as client:
        assert client.get("/me").status_code == 401


def test_a_new_password_counts_at_once(server: Served) -> None:
    person = server.person()
    server.cli("user", "set-password", person.username, "--password-stdin", stdin="quite another one")
    with server.http("identity") as client:
        for password, status in ((person.password, 401), ("quite another one", 200)):
            answer = client.post("/sign-in", json={"login": person.email, "password": password})
            assert answer.status_code == status, json.dumps(answer.json())
