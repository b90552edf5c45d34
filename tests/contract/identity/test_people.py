"""People, technical users and roles: who may change what, and that nobody rises above the own rights."""

from typing import Any

import httpx
import pytest

from tests.serving import Person, Served, unique


def admin(server: Served) -> httpx.Client:
    return server.http("identity", server.admin.token)


def draft(**more: Any) -> dict[str, Any]:
    name = unique("d")
    return {"email": f"{name}@example.test", "username": name, "firstName": "Ines", "lastName": "Maas"} | more


def test_a_person_is_read_as_it_was_made(server: Served) -> None:
    body = draft(roles={"vault": "dvb_user"}, desktopLogin="ines", password="a long password")
    with admin(server) as client:
        made = client.post("/people", json=body)
        assert made.status_code == 201
        person = client.get(f"/people/{made.json()['id']}").json()
        listed = client.get("/people", params={"search": body["username"]}).json()
    assert person == made.json()
    assert listed["items"] == [person]
    assert listed["total"] == 1
    assert person["fullName"] == "Ines Maas"
    assert {key: person[key] for key in body if key != "password"} == {k: v for k, v in body.items() if k != "password"}
    assert (person["isActive"], person["isAdministrator"], person["hasPassword"]) == (True, False, True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no mail"}, "email"),
        ({"username": "a b"}, "username"),
        ({"username": "someone@else.test"}, "username"),
        ({"password": "short"}, "password"),
        ({"roles": {"vault": "king"}}, "roles"),
        ({"roles": {"tracker": "admin"}}, "roles"),
        ({"firstName": "x" * 256}, "first_name"),
        ({"isAdministrator": "yes"}, "isAdministrator"),
        ({"passwordHash": "x"}, "passwordHash"),
    ],
)
def test_a_malformed_person_is_refused_with_its_field(server: Served, change: dict[str, Any], field: str) -> None:
    body = draft() | change
    with admin(server) as client:
        answer = client.post("/people", json=body)
        left = client.get("/people", params={"search": draft()["username"]}).json()["total"]
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert left == 0


def test_an_email_and_a_user_name_belong_to_one_person(server: Served) -> None:
    person = server.person()
    with admin(server) as client:
        same_mail = client.post("/people", json=draft(email=person.email.upper()))
        same_name = client.post("/people", json=draft(username=person.username.upper()))
        other = client.post("/people", json=draft()).json()
        moved = client.patch(f"/people/{other['id']}", json={"email": person.email})
    assert (same_mail.status_code, same_mail.json()["error"]["field"]) == (409, "email")
    assert (same_name.status_code, same_name.json()["error"]["field"]) == (409, "username")
    assert (moved.status_code, moved.json()["error"]["field"]) == (409, "email")


def test_a_change_leaves_alone_what_it_does_not_name(server: Served) -> None:
    with admin(server) as client:
        person = client.post("/people", json=draft(roles={"vault": "dvb_user", "catalog": "Reader"})).json()
        changed = client.patch(f"/people/{person['id']}", json={"firstName": "Ida", "roles": {"catalog": None}}).json()
    assert changed == person | {
        "firstName": "Ida",
        "fullName": "Ida Maas",
        "roles": {"vault": "dvb_user"},
        "updatedAt": changed["updatedAt"],
    }


def test_a_refused_change_changes_nothing(server: Served) -> None:
    with admin(server) as client:
        person = client.post("/people", json=draft()).json()
        answer = client.patch(f"/people/{person['id']}", json={"firstName": "Ida", "roles": {"vault": "king"}})
        assert answer.status_code == 400
        assert client.get(f"/people/{person['id']}").json() == person


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/people"),
        ("POST", "/people"),
        ("GET", "/people/{id}"),
        ("PATCH", "/people/{id}"),
        ("GET", "/technical-users"),
        ("POST", "/technical-users"),
        ("PATCH", "/technical-users/{id}"),
        ("POST", "/principals/{id}/revoke-tokens"),
        ("DELETE", "/principals/{id}"),
        ("GET", "/roles"),
        ("GET", "/audit"),
    ],
)
def test_administration_is_for_administrators(server: Served, method: str, path: str) -> None:
    person = server.person(vault="dvb_admin", catalog="Admin", production="admin", ingest="admin", semantic="admin")
    with server.http("identity", person.token) as client:
        body = {"firstName": "Evil", "isAdministrator": True} if method in ("POST", "PATCH") else None
        assert client.request(method, path.format(id=person.id), json=body).status_code == 403
    with server.http("identity") as client:
        assert client.request(method, path.format(id=person.id)).status_code == 401
    with admin(server) as client:
        assert client.get(f"/people/{person.id}").json()["isAdministrator"] is False


def put_role(server: Served, caller: Person, target: str, package: str, role: str | None) -> int:
    with server.http("identity", caller.token) as client:
        return client.put(f"/roles/{target}/{package}", json={"role": role}).status_code


def test_who_runs_a_package_gives_roles_in_it_and_in_no_other(server: Served) -> None:
    runner, other = server.person(vault="dvb_admin", catalog="Steward"), server.person(vault="dvb_user")
    assert put_role(server, runner, other.id, "vault", "dvb_operations") == 200
    assert put_role(server, runner, other.id, "vault", None) == 200
    assert put_role(server, runner, other.id, "catalog", "Reader") == 403
    assert put_role(server, runner, runner.id, "catalog", "Admin") == 403
    assert put_role(server, runner, other.id, "vault", "king") == 400
    assert put_role(server, runner, other.id, "moon", "king") == 400
    assert put_role(server, runner, "00000000-0000-4000-8000-000000000000", "vault", "dvb_user") == 404


def test_nobody_raises_the_own_role(server: Served) -> None:
    person = server.person(vault="dvb_user")
    for role in ("dvb_admin", "dvb_operations", None):
        assert put_role(server, person, person.id, "vault", role) == 403
    with server.http("identity", person.token) as client:
        assert client.get("/me").json()["roles"] == {"vault": "dvb_user"}


def test_the_trackers_admin_is_no_administrator_elsewhere(server: Served) -> None:
    person = server.person(production="admin")
    with server.http("identity", person.token) as client:
        me = client.get("/me").json()
    assert (me["isAdministrator"], me["roles"]) == (False, {"production": "admin"})


def test_the_last_administrator_stays(own_server: Served) -> None:
    person = own_server.person()
    with admin(own_server) as client:
        me = f"/people/{own_server.admin.id}"
        for change in ({"isActive": False}, {"isAdministrator": False}):
            answer = client.patch(me, json=change)
            assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "conflict")
        assert client.delete(f"/principals/{own_server.admin.id}").status_code == 403
        assert own_server.cli("user", "disable", "root", check=False).returncode == 1
        assert client.patch(f"/people/{person.id}", json={"isAdministrator": True}).status_code == 200
        assert client.patch(me, json={"isAdministrator": False}).status_code == 200
        assert client.get("/people").status_code == 403


def test_a_technical_user_is_made_and_told_apart(server: Served) -> None:
    body = {
        "username": unique("svc"),
        "password": "p" * 12,
        "roles": {"vault": "dvb_operations"},
        "nonExpiringToken": True,
    }
    with admin(server) as client:
        made = client.post("/technical-users", json=body)
        assert made.status_code == 201
        user = made.json()
        assert (user["kind"], user["nonExpiringToken"]) == ("technical", True)
        assert client.get(f"/people/{user['id']}").status_code == 404
        page = client.get("/technical-users", params={"search": body["username"]}).json()
        assert page["items"] == [user]
        assert page["signedTokensSurviveRestart"] is True
        short = client.post("/technical-users", json=body | {"username": unique("svc"), "password": "p" * 11})
        assert (short.status_code, short.json()["error"]["field"]) == (400, "password")


def test_the_matrix_has_each_packages_words(server: Served) -> None:
    person = server.person(ingest="editor")
    with admin(server) as client:
        matrix = client.get("/roles", params={"search": person.username}).json()
    assert matrix["words"]["ingest"] == ["viewer", "editor", "admin"]
    assert matrix["words"]["vault"] == ["dvb_user_readonly", "dvb_operations", "dvb_user", "dvb_admin"]
    assert [(item["id"], item["roles"]) for item in matrix["items"]] == [(person.id, {"ingest": "editor"})]


def test_the_audit_trail_tells_who_did_what(server: Served) -> None:
    person = server.person(vault="dvb_user")
    with admin(server) as client:
        client.put(f"/roles/{person.id}/vault", json={"role": "dvb_admin"})
        found = client.get("/audit", params={"objectId": person.id, "name": "identity.role"}).json()["items"]
        names = {entry["name"] for entry in client.get("/audit", params={"objectId": person.id}).json()["items"]}
        assert client.get("/audit", params={"actorId": "me"}).status_code == 400
        assert client.get("/audit", params={"since": "yesterday"}).status_code == 400
    assert [(entry["actorId"], entry["actorName"], entry["data"]) for entry in found] == [
        (server.admin.id, "root", {"package": "vault", "from": "dvb_user", "to": "dvb_admin"})
    ]
    assert names == {"identity.person.created", "identity.signed_in", "identity.role.changed"}


def test_home_is_drawn_from_what_is_there(server: Served) -> None:
    with server.http("identity", server.person().token) as client:
        home = client.get("/home").json()
    assert home["firstSteps"]["hasSecondPerson"] is True
    assert home["failedJobs"] >= 0
