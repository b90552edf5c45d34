"""Opaque tokens: made once, scoped, listed, rotated and revoked from the next request on."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.serving import Person, Served, unique, until


def make(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/tokens", json={"kind": "personal", "name": unique("t")} | body)


def made(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = make(client, **body)
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


def who(server: Served, token: str) -> httpx.Response:
    with server.http("identity", token) as client:
        return client.get("/me")


def runner(server: Served) -> Person:
    """Somebody who runs the vault and nothing else."""
    return server.person(vault="dvb_admin", catalog="Reader")


def test_a_token_is_told_once_with_all_that_belongs_to_it(server: Served) -> None:
    person = server.person(vault="dvb_user")
    with server.http("identity", person.token) as client:
        token = made(client, name="Night load", description="from cron", scopes=["vault:read"])
        assert re.fullmatch(r"tsp_[0-9a-f]{64}", token["token"])
        assert token["prefix"] == token["token"][:10]
        again = client.get(f"/tokens/{token['id']}").json()
    assert again == {key: value for key, value in token.items() if key != "token"}
    assert (again["name"], again["description"], again["scopes"]) == ("Night load", "from cron", ["vault:read"])
    assert again["owner"]["id"] == again["createdBy"]["id"] == person.id
    assert (again["state"], again["lastUsedAt"], again["expiresAt"], again["revokedAt"]) == ("active", None, None, None)


def test_by_default_a_token_reaches_all_packages_in_which_its_owner_has_a_role(server: Served) -> None:
    person = server.person(vault="dvb_user", catalog="Steward")
    with server.http("identity", person.token) as client:
        assert made(client)["scopes"] == ["catalog:admin", "identity:admin", "vault:admin"]


def test_a_revoked_token_opens_nothing_from_the_next_request_on(server: Served) -> None:
    person = server.person()
    with server.http("identity", person.token) as client:
        token = made(client)
        for _ in range(3):
            assert who(server, token["token"]).status_code == 200
        assert client.delete(f"/tokens/{token['id']}").status_code == 204
        assert who(server, token["token"]).status_code == 401
        assert client.delete(f"/tokens/{token['id']}").status_code == 404
        ended = client.get("/tokens", params={"withEnded": "true"}).json()["items"]
    assert [item["state"] for item in ended if item["id"] == token["id"]] == ["revoked"]


def test_the_command_line_revokes_for_the_running_server(server: Served) -> None:
    person = server.person()
    with server.http("identity", person.token) as client:
        token = made(client)
    assert who(server, token["token"]).status_code == 200
    server.cli("token", "revoke", token["id"])
    assert who(server, token["token"]).status_code == 401


def test_an_expired_token_opens_nothing(server: Served) -> None:
    person = server.person()
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    with server.http("identity", person.token) as client:
        token = made(client, expiresAt=soon.isoformat())
    assert who(server, token["token"]).status_code == 200
    until(lambda: datetime.now(UTC) > soon, every=0.1)
    assert who(server, token["token"]).status_code == 401


def test_rotation_gives_a_new_secret_and_ends_the_old_one(server: Served) -> None:
    person = server.person(vault="dvb_user")
    with server.http("identity", person.token) as client:
        old = made(client, scopes=["identity:read", "vault:read"])
        answer = client.post(f"/tokens/{old['id']}/rotate")
        assert answer.status_code == 201
        new = answer.json()
    assert (new["name"], new["scopes"]) == (old["name"], old["scopes"])
    assert who(server, old["token"]).status_code == 401
    assert who(server, new["token"]).status_code == 200


def test_several_tokens_end_at_once_or_none(server: Served) -> None:
    person = server.person()
    with server.http("identity", person.token) as client:
        first, second = made(client), made(client)
        bad = client.post("/tokens/revoke", json={"ids": [first["id"], "00000000-0000-4000-8000-000000000000"]})
        assert bad.status_code == 404
        assert who(server, first["token"]).status_code == 200
        assert client.post("/tokens/revoke", json={"ids": [first["id"], second["id"]]}).status_code == 204
    assert {who(server, token["token"]).status_code for token in (first, second)} == {401}


def test_the_last_use_is_written_beside_the_request(server: Served) -> None:
    person = server.person()
    with server.http("identity", person.token) as client:
        token = made(client)
        assert who(server, token["token"]).status_code == 200
        used = until(lambda: client.get(f"/tokens/{token['id']}").json()["lastUsedAt"])
        who(server, token["token"])
        assert client.get(f"/tokens/{token['id']}").json()["lastUsedAt"] == used


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"scopes": ["vault"]}, "scopes"),
        ({"scopes": ["nothing:read"]}, "scopes"),
        ({"scopes": ["vault:own"]}, "scopes"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "2999-01-01T00:00:00"}, "expiresAt"),
        ({"kind": "semantic"}, "kind"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_token_is_refused_with_its_field(server: Served, body: dict[str, Any], field: str) -> None:
    with server.http("identity", server.person().token) as client:
        answer = make(client, **body)
        left = client.get("/tokens").json()["items"]
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert len(left) == 1


def test_a_read_scope_reads_and_does_not_write(server: Served) -> None:
    with server.http("identity", server.person().token) as client:
        token = made(client, scopes=["identity:read"])["token"]
    with server.http("identity", token) as reader:
        assert reader.get("/tokens").status_code == 200
        answer = make(reader)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope")


def test_a_token_of_one_package_does_not_reach_another(server: Served) -> None:
    with server.http("identity", server.admin.token) as client:
        token = made(client, scopes=["vault:admin"])["token"]
    assert who(server, token).status_code == 403


def test_a_token_makes_none_that_reaches_further_than_itself(server: Served) -> None:
    with server.http("identity", server.admin.token) as client:
        narrow = made(client, scopes=["identity:write", "vault:read"])["token"]
    with server.http("identity", narrow) as client:
        for scopes in (["vault:write"], ["catalog:read"], ["identity:admin"], None):
            answer = make(client, scopes=scopes)
            assert (answer.status_code, answer.json()["error"]["field"]) == (403, "scopes")
        integration = make(client, kind="integration", scopes=["catalog:read"])
        assert integration.status_code == 403
        assert made(client, scopes=["vault:read"])["scopes"] == ["vault:read"]


def test_a_scope_gives_no_role(server: Served) -> None:
    person = server.person(vault="dvb_user_readonly")
    wide = server.mint(person.email, person.password, scopes=["identity:admin", "vault:admin", "catalog:admin"])
    with server.http("identity", wide) as client:
        assert client.get("/me").json()["roles"] == {"vault": "dvb_user_readonly"}
        assert client.get("/people").status_code == 403


def test_nobody_makes_a_token_for_somebody_else(server: Served) -> None:
    victim = server.person(catalog="Admin")
    for caller in (runner(server).token, server.admin.token):
        with server.http("identity", caller) as client:
            assert make(client, ownerId=victim.id).status_code == 403


def test_an_administrator_makes_one_for_a_technical_user(server: Served) -> None:
    body = {"username": unique("svc"), "password": "p" * 12, "roles": {"vault": "dvb_operations"}}
    with server.http("identity", server.admin.token) as client:
        technical = client.post("/technical-users", json=body).json()
        token = made(client, ownerId=technical["id"], scopes=["vault:admin", "identity:read"])
    assert who(server, token["token"]).json()["id"] == technical["id"]


def test_an_integration_belongs_to_nobody_and_outlives_its_maker(server: Served) -> None:
    maker = server.person(administrator=True)
    with server.http("identity", maker.token) as client:
        token = made(
            client, kind="integration", name="Nightly", scopes=["catalog:admin", "identity:read"], adminAccess=True
        )
    assert token["token"].startswith("tsi_")
    assert (token["owner"]["kind"], token["owner"]["name"], token["adminAccess"]) == ("integration", "Nightly", True)
    with server.http("identity", server.admin.token) as client:
        assert client.delete(f"/principals/{maker.id}").status_code == 204
    me = who(server, token["token"]).json()
    assert (me["kind"], me["roles"]) == ("integration", {"catalog": "Admin"})


def test_who_runs_a_package_makes_integrations_for_it_alone(server: Served) -> None:
    with server.http("identity", runner(server).token) as client:
        assert made(client, kind="integration", scopes=["vault:read"])["owner"]["kind"] == "integration"
        for body in ({"scopes": ["catalog:read"]}, {"roles": {"catalog": "Admin"}, "scopes": ["vault:read"]}):
            assert make(client, kind="integration", **body).status_code == 403


def test_admin_access_is_given_by_administrators_of_the_catalog_alone(server: Served) -> None:
    with server.http("identity", runner(server).token) as client:
        refused = make(client, adminAccess=True)
        plain = made(client)
        raised = client.patch(f"/tokens/{plain['id']}", json={"adminAccess": True})
    assert (refused.status_code, refused.json()["error"]["field"]) == (403, "adminAccess")
    assert (raised.status_code, raised.json()["error"]["field"]) == (403, "adminAccess")
    steward = server.person(catalog="Admin")
    with server.http("identity") as client:
        headers = {"x-tessera-csrf": "1"}
        client.post("/sign-in", json={"login": steward.email, "password": steward.password})
        answer = client.post("/tokens", json={"kind": "personal", "name": "n", "adminAccess": True}, headers=headers)
    assert answer.json()["adminAccess"] is True


def test_a_renamed_token_works_on(server: Served) -> None:
    with server.http("identity", server.person().token) as client:
        token = made(client)
        assert client.patch(f"/tokens/{token['id']}", json={"name": "New name"}).json()["name"] == "New name"
        assert client.patch(f"/tokens/{token['id']}", json={"scopes": ["vault:admin"]}).status_code == 400
    assert who(server, token["token"]).status_code == 200


def test_other_peoples_tokens_are_not_there(server: Served) -> None:
    with server.http("identity", server.person().token) as client:
        token = made(client)
    with server.http("identity", runner(server).token) as other:
        assert other.get(f"/tokens/{token['id']}").status_code == 404
        assert other.patch(f"/tokens/{token['id']}", json={"name": "x"}).status_code == 404
        assert other.post(f"/tokens/{token['id']}/rotate").status_code == 404
        assert other.delete(f"/tokens/{token['id']}").status_code == 404
        assert other.get("/tokens", params={"all": "true"}).status_code == 403
        assert token["id"] not in other.get("/tokens").text
    assert who(server, token["token"]).status_code == 200


def test_administrators_find_everybodys_tokens(server: Served) -> None:
    person = server.person()
    name = unique("50% off_")
    with server.http("identity", person.token) as client:
        token = made(client, name=name)
    with server.http("identity", server.admin.token) as admin:
        for search in (name.upper(), token["prefix"], person.email, person.username):
            found = admin.get("/tokens", params={"all": "true", "search": search}).json()["items"]
            assert token["id"] in [item["id"] for item in found]
        nothing = admin.get("/tokens", params={"all": "true", "search": name.replace("%", "_")}).json()["items"]
        assert nothing == []
        pages, after = [], None
        while True:
            page = admin.get("/tokens", params={"all": "true", "limit": 2} | ({"after": after} if after else {})).json()
            pages += [item["id"] for item in page["items"]]
            after = page["next"]
            if after is None or len(pages) > 10:
                break
        assert len(pages) == len(set(pages))
        assert admin.delete(f"/tokens/{token['id']}").status_code == 204


def test_a_token_ends_with_its_owner(server: Served) -> None:
    person = server.person()
    assert who(server, person.token).status_code == 200
    server.cli("user", "disable", person.username)
    assert who(server, person.token).status_code == 401


def test_a_changed_role_counts_for_a_token_already_seen(server: Served) -> None:
    person = server.person(vault="dvb_user")
    assert who(server, person.token).json()["roles"] == {"vault": "dvb_user"}
    server.cli("user", "set-role", person.username, "vault", "dvb_admin")
    assert who(server, person.token).json()["roles"] == {"vault": "dvb_admin"}


@pytest.mark.parametrize("token", ["tsp_" + "0" * 64, "tk_" + "f" * 64, "x", "%00", "a" * 9000])
def test_a_token_that_nobody_made_opens_nothing(server: Served, token: str) -> None:
    assert who(server, token).status_code == 401
