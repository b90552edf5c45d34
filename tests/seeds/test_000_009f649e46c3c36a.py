"""Seed 000, "Third Party Integration - API": each of its sentences against a real server."""

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import ROOT, Person, Served, serving, unique

PASSWORD = "SuperPassword"


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def log_in(server: Served, username: str, password: str, path: str = "/rpc/login") -> httpx.Response:
    with server.http("vault") as client:
        return client.post(path, json={"username": username, "password": password})


def status_with(server: Served, token: str | None) -> int:
    with server.http("vault", token) as client:
        return client.get("/me").status_code


@pytest.fixture
def standard(server: Served) -> Person:
    return server.person(vault="dvb_user")


def technical(server: Served, name: str, password: str = PASSWORD, group: str = "dvb_operations") -> None:
    arguments = f"'{name}', '{name}@example.org', '{password}', '{group}', 'scheduler', NULL, TRUE"
    server.cli("sql", f"SELECT dvb_core.f_create_user({arguments})")


class TestUsingAStandardUser:
    @pytest.mark.parametrize("path", ["/rpc/login", "/login"])
    def test_login_to_the_datavault_builder_just_as_you_do_with_the_user_interface(
        self, server: Served, standard: Person, path: str
    ) -> None:
        answer = log_in(server, standard.username, standard.password, path)
        assert answer.status_code == 200
        assert answer.json().keys() == {"token", "token_timeout"}
        assert answer.json()["token_timeout"] == 300

    def test_an_authentication_token_needs_to_be_sent_with_each_and_every_request(
        self, server: Served, standard: Person
    ) -> None:
        token = log_in(server, standard.username, standard.password).json()["token"]
        assert status_with(server, token) == 200
        assert status_with(server, None) == 401

    def test_the_token_names_role_and_user_and_its_end(self, server: Served, standard: Person) -> None:
        token = log_in(server, standard.username, standard.password).json()["token"]
        found = claims(token)
        assert list(found) == ["role", "username", "exp"]
        assert found["role"] == "dvb_user"
        assert found["username"] == standard.username
        assert abs(found["exp"] - time.time() - 300) < 30

    @pytest.mark.parametrize("path", ["/rpc/renewToken", "/renewToken"])
    @pytest.mark.parametrize("method", ["POST", "GET"])
    def test_make_sure_to_call_renew_token_before_the_login_expires(
        self, server: Served, standard: Person, path: str, method: str
    ) -> None:
        token = log_in(server, standard.username, standard.password).json()["token"]
        with server.http("vault", token) as client:
            answer = client.request(method, path, **({"json": {}} if method == "POST" else {}))
        assert answer.status_code == 200
        assert answer.json()["token_timeout"] == 300
        assert claims(answer.json()["token"])["exp"] >= claims(token)["exp"]
        assert status_with(server, answer.json()["token"]) == 200
        assert status_with(server, token) == 200


def test_this_tokens_timeout_after_a_certain_while(database: str, tmp_path: Path) -> None:
    with serving(tmp_path / "data", database, TESSERA_VAULT_TOKEN_SECONDS="10") as server:
        person = server.person(vault="dvb_user")
        answer = log_in(server, person.username, person.password).json()
        assert answer["token_timeout"] == 10
        token = answer["token"]
        deadline = time.monotonic() + 20
        while status_with(server, token) == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        with server.http("vault", token) as client:
            for refused in (client.get("/me"), client.post("/rpc/renewToken", json={})):
                assert refused.status_code == 401
                assert refused.json() == {
                    "code": "PGRST301",
                    "message": "JWT expired",
                    "details": None,
                    "hint": None,
                }
                wanted = 'Bearer error="invalid_token", error_description="JWT expired"'
                assert refused.headers["www-authenticate"] == wanted


class TestUsingATechnicalUser:
    def test_create_by_calling_the_function_dvb_core_f_create_user_in_the_command_line(self, server: Served) -> None:
        name = unique("technical")
        technical(server, name)
        answer = log_in(server, name, PASSWORD)
        assert answer.status_code == 200
        assert answer.json().keys() == {"token"}
        assert list(claims(answer.json()["token"])) == ["role", "username"]

    def test_the_parameter_non_expiring_token_by_name(self, server: Served) -> None:
        name = unique("technical")
        server.cli(
            "sql",
            stdin=f"""SELECT dvb_core.f_create_user(username => '{name}', email => NULL, password => '{PASSWORD}',
                usergroup => 'dvb_operations', non_expiring_token => TRUE);""",
        )
        assert log_in(server, name, PASSWORD).json().keys() == {"token"}

    def test_without_non_expiring_token_the_token_expires(self, server: Served) -> None:
        name = unique("technical")
        server.cli("sql", f"SELECT dvb_core.f_create_user('{name}', NULL, '{PASSWORD}', 'dvb_user', 'x', NULL)")
        assert log_in(server, name, PASSWORD).json()["token_timeout"] == 300

    def test_the_command_line_makes_the_same_user(self, server: Served) -> None:
        name = unique("technical")
        options = ("--email", "svc@example.org", "--group", "dvb_operations", "--password-stdin")
        server.cli("vault", "create-user", name, *options, "--non-expiring-token", stdin=PASSWORD + "\n")
        assert log_in(server, name, PASSWORD).json().keys() == {"token"}
        assert (
            f"{name}\tdvb_operations\tactive\tsvc@example.org\tnon-expiring" in server.cli("vault", "list-users").stdout
        )

    def test_this_token_can_be_used_in_any_rest_call_without_requiring_a_fresh_login(self, server: Served) -> None:
        name = unique("technical")
        technical(server, name)
        token = log_in(server, name, PASSWORD).json()["token"]
        with server.http("vault", token) as client:
            assert client.get("/me").json() == {
                "username": name,
                "role": "dvb_operations",
                "exp": None,
                "rights": ["read", "operate"],
            }
            assert client.post("/rpc/checkConnection", json={}).json()["result"]["error"] is False
            assert client.post("/rpc/renewToken", json={}).json() == {"token": token}

    def test_the_token_is_the_same_string_at_each_login(self, server: Served) -> None:
        name = unique("technical")
        technical(server, name)
        first = log_in(server, name, PASSWORD).json()["token"]
        assert log_in(server, name, PASSWORD).json()["token"] == first

    def test_revoked_disabled_or_moved_its_token_is_dead(self, server: Served) -> None:
        for command in (("revoke-tokens",), ("disable-user",), ("alter-user", "--group", "dvb_user_readonly")):
            name = unique("technical")
            technical(server, name)
            token = log_in(server, name, PASSWORD).json()["token"]
            assert status_with(server, token) == 200
            server.cli("vault", command[0], name, *command[1:])
            assert status_with(server, token) == 401

    def test_after_revoke_tokens_a_fresh_login_gives_a_new_string(self, server: Served) -> None:
        name = unique("technical")
        technical(server, name)
        token = log_in(server, name, PASSWORD).json()["token"]
        server.cli("vault", "revoke-tokens", name)
        fresh = log_in(server, name, PASSWORD).json()["token"]
        assert fresh != token
        assert status_with(server, fresh) == 200


class TestJwtSecret:
    def test_with_the_secret_the_token_is_stable_even_when_restarting(self, database: str, tmp_path: Path) -> None:
        secret = tmp_path / "jwt_secret.txt"
        secret.write_text("s" * 64 + "\n")
        with serving(tmp_path / "data", database, TESSERA_JWT_SECRET_FILE=str(secret)) as server:
            technical(server, "technical_username")
            token = log_in(server, "technical_username", PASSWORD).json()["token"]
            server.restart()
            assert status_with(server, token) == 200
            assert log_in(server, "technical_username", PASSWORD).json()["token"] == token

            # "It is recommended to still expire this tokens after a while ... change the jwt_secret ... and restart"
            secret.write_text("t" * 64)
            server.restart()
            assert status_with(server, token) == 401
            changed = log_in(server, "technical_username", PASSWORD).json()["token"]
            assert changed != token
            assert status_with(server, changed) == 200

            # Rotation without downtime: the first line signs, both verify.
            secret.write_text("u" * 64 + "\n" + "t" * 64 + "\n")
            server.restart()
            assert status_with(server, changed) == 200
            rotated = log_in(server, "technical_username", PASSWORD).json()["token"]
            assert rotated != changed
            assert status_with(server, rotated) == 200

    def test_by_default_it_is_assigned_randomly_on_each_api_start(self, database: str, tmp_path: Path) -> None:
        with serving(tmp_path / "data", database, JWT_SECRET="") as server:
            assert "jwt_secret" in server.log()
            technical(server, "technical_username")
            token = log_in(server, "technical_username", PASSWORD).json()["token"]
            server.restart()
            assert status_with(server, token) == 401
            assert log_in(server, "technical_username", PASSWORD).json()["token"] != token

    @pytest.mark.parametrize("length", [0, 1, 63])
    def test_it_has_to_be_at_least_64_characters_long(self, tmp_path: Path, length: int) -> None:
        secret = tmp_path / "jwt_secret.txt"
        secret.write_text("s" * length + "\n")
        server = Served(tmp_path / "data", "sqlite", {"TESSERA_JWT_SECRET_FILE": str(secret)})
        with pytest.raises(AssertionError, match=r"ended with 2") as ended:
            server.start()
        server.kill()
        assert "jwt_secret" in str(ended.value)
        assert str(length) in str(ended.value)
        assert "sss" not in str(ended.value)

    def test_64_characters_are_enough(self, tmp_path: Path) -> None:
        secret = tmp_path / "jwt_secret.txt"
        secret.write_text("s" * 64)
        server = Served(tmp_path / "data", "sqlite", {"TESSERA_JWT_SECRET_FILE": str(secret)})
        server.start()
        server.stop()


class TestDockerCompose:
    @pytest.fixture
    def compose(self) -> str:
        return (ROOT / "deploy" / "docker-compose.yml").read_text()

    def test_the_api_has_a_docker_secret_called_jwt_secret(self, compose: str) -> None:
        services = compose.split("\nservices:\n")[1].split("\nsecrets:\n")[0]
        api = re.split(r"^  \w+:\n", services, flags=re.MULTILINE)[1]
        assert services.startswith("  api:\n")
        assert re.search(r"^    secrets:\n      - jwt_secret\n", api, re.MULTILINE)

    def test_the_secret_part_assigns_the_file(self, compose: str) -> None:
        part = compose.split("\nsecrets:\n")[1]
        assert part.startswith("  jwt_secret:\n    file: secrets/jwt_secret.txt\n")

    def test_the_lines_stand_as_the_seed_prints_them(self) -> None:
        text = (ROOT / "deploy" / "docker-compose.yml").read_text()
        assert re.search(r"^ +- jwt_secret$", text, re.MULTILINE)
        assert re.search(r"^ +file: secrets/jwt_secret.txt$", text, re.MULTILINE)

    def test_no_secret_is_in_the_repository(self) -> None:
        assert "secrets/" in (ROOT / "deploy" / ".gitignore").read_text()
