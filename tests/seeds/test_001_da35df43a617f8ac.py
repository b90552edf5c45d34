"""Seed 001: creating a source object in the default workspace, each step with the seed's own words and curl calls."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.serving import Served, unique

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def curl(token: str, url: str, *options: str) -> tuple[int, str]:
    """Run curl as the seed prints it; the status and the body as it came."""
    headers = ["--header", f"Authorization: Bearer {token}"] if token else []
    command = ["curl", "--silent", "--write-out", "\n%{http_code}", *options, *headers, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def ask(token: str, url: str, *options: str, status: int = 200) -> Any:
    got, body = curl(token, url, *options)
    assert got == status, body
    return json.loads(body)


@pytest.fixture
def access_token(server: Served) -> str:
    """An integration token, made by a client space administrator on Administration, Integration, Tokens."""
    with server.http("identity", server.admin.token) as client:
        body = {"kind": "integration", "name": "Seed walk-through", "scopes": ["catalog:admin"]}
        answer = client.post("/tokens", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])


@pytest.fixture
def base(server: Served) -> str:
    return server.base("catalog")


@pytest.fixture
def version_id(base: str, access_token: str) -> str:
    return str(ask(access_token, f"{base}/workspaces")["projects"][0]["defaultVersionId"])


def test_every_request_must_contain_an_authorization_header_containing_an_access_token(base: str) -> None:
    for path in ("/workspaces", "/users", "/tags", "/sources"):
        status, body = curl("", f"{base}{path}")
        assert status == 401
        assert json.loads(body) == {"error": {"message": "a bearer token is required", "status": 401}}


def test_create_a_new_integration_token_with_the_admin_access_option(server: Served, base: str) -> None:
    email = f"{unique('new')}@example.com"
    data = json.dumps({"email": email, "firstname": "New", "lastname": "Colleague"})
    answers = {}
    for admin_access in (False, True):
        with server.http("identity", server.admin.token) as client:
            name = unique("integration")
            body = {"kind": "integration", "name": name, "scopes": ["catalog:admin"], "adminAccess": admin_access}
            made = client.post("/tokens", json=body)
            assert made.status_code == 201, made.text
        answers[admin_access] = curl(made.json()["token"], f"{base}/users", "--request", "POST", "--data", data)
    assert answers[False][0] == 401
    assert "Admin Access" in json.loads(answers[False][1])["error"]["message"]
    assert answers[True][0] == 201
    assert json.loads(answers[True][1])["email"] == email


def test_an_integration_token_does_not_depend_on_individual_user_access_rights(base: str, access_token: str) -> None:
    assert ask(access_token, f"{base}/workspaces")["projects"][0]["canCreateEntities"] is True


def test_note_the_api_base_url(base: str, access_token: str) -> None:
    assert ask(access_token, f"{base}/")["apiBaseUrl"] == base


def test_step_1_get_workspaces(base: str, access_token: str) -> None:
    answer = ask(access_token, f"{base}/workspaces")
    assert list(answer) == ["organizations", "projects"]
    assert answer["organizations"] == []
    workspace = next(each for each in answer["projects"] if each["name"] == "My Workspace")
    assert list(workspace) == [
        "defaultVersionName",
        "defaultVersionId",
        "isVersioningEnabled",
        "description",
        "canCreateEntities",
        "id",
        "name",
        "parentId",
    ]
    assert workspace["defaultVersionName"] == "v1"
    assert workspace["isVersioningEnabled"] is True
    assert workspace["description"] is None
    assert workspace["parentId"] is None


def test_workspace_and_workspace_version_ids_are_uuidv4_formatted_strings(base: str, access_token: str) -> None:
    workspace = ask(access_token, f"{base}/workspaces")["projects"][0]
    assert UUID4.fullmatch(workspace["id"])
    assert UUID4.fullmatch(workspace["defaultVersionId"])


def test_step_2_get_users(server: Served, base: str, access_token: str, version_id: str) -> None:
    steward = server.person(catalog="Steward")
    answer = ask(access_token, f"{base}/users/{version_id}?module=catalog&limit=5000")
    assert set(answer) == {"pages", "total", "total_sum", "next_page", "results"}
    assert answer["pages"] == 1
    assert answer["total"] == len(answer["results"]) == answer["total_sum"]
    by_email = {user["email"]: user for user in answer["results"]}
    john, jane = by_email[server.admin.email], by_email[steward.email]
    keys = ["userId", "licenseLevel", "firstName", "lastName", "email", "licenseId", "title", "service", "role"]
    assert list(john) == list(jane) == keys
    assert john["licenseLevel"] == "Admin"
    assert jane["licenseLevel"] == "Steward"
    assert isinstance(jane["licenseId"], int)
    assert (jane["title"], jane["service"], jane["role"]) == (None, None, None)
    assert (jane["userId"], jane["firstName"]) == (steward.id, "Test")


def test_step_3_get_tags(base: str, access_token: str) -> None:
    answer = ask(access_token, f"{base}/tags?limit=5000")
    assert answer["pages"] == 1
    assert answer["total"] == len(answer["results"])
    by_name = {tag["name"]: tag for tag in answer["results"]}
    assert by_name["GDPR"]["description"] == "Data covered by the General Data Protection Regulation"
    assert "description" not in by_name["CRM"]
    assert "description" not in by_name["Marketing"]


def test_step_4_create_the_source(server: Served, base: str, access_token: str, version_id: str) -> None:
    john, jane = server.person(catalog="Admin"), server.person(catalog="Steward")
    name = unique("My NoSQL source")
    source = {"name": name, "type": "NoSql", "tags": ["GDPR"], "owners": [john.email], "stewards": [jane.email]}
    answer = ask(
        access_token,
        f"{base}/sources/{version_id}",
        *("--request", "POST", "--header", "Content-Type: application/json", "--data", json.dumps(source)),
        status=201,
    )
    assert set(answer) == {"id", "location"}
    assert UUID4.fullmatch(answer["id"])
    assert answer["location"] == f"sources/{version_id}/{answer['id']}"
    read = ask(access_token, f"{base}/{answer['location']}")
    assert (read["name"], read["type"]) == (name, "NoSql")
    attributes = read["attributes"]
    assert attributes["tags"] == ["GDPR"]
    assert attributes["owners"] == [john.email]
    assert attributes["stewards"] == [jane.email]


def post(token: str, base: str, version_id: str, source: Any, status: int = 201) -> Any:
    options = ("--request", "POST", "--header", "Content-Type: application/json", "--data", json.dumps(source))
    return ask(token, f"{base}/sources/{version_id}", *options, status=status)


def test_a_source_has_the_following_properties(server: Served, base: str, access_token: str, version_id: str) -> None:
    owner = server.person(catalog="Steward")
    source = {
        "name": unique("Everything"),
        "type": "Relational",
        "status": "InRevision",
        "owners": [owner.email],
        "stewards": [owner.email],
        "tags": ["CRM", "GDPR"],
        "summary": "A brief description of the object",
        "description": "A detailed description of the object",
        "upsert": False,
        "technicalName": unique("everything"),
    }
    location = post(access_token, base, version_id, source)["location"]
    read = ask(access_token, f"{base}/{location}")
    shown = {**read["attributes"], "name": read["name"], "type": read["type"], "upsert": False}
    assert {key: shown[key] for key in source} == source


@pytest.mark.parametrize("type_", ["Relational", "NonRelational", "NoSql", "TagBase"])
def test_source_object_types_can_be_one_of(type_: str, base: str, access_token: str, version_id: str) -> None:
    location = post(access_token, base, version_id, {"name": unique(), "type": type_})["location"]
    assert ask(access_token, f"{base}/{location}")["type"] == type_


@pytest.mark.parametrize("status", ["Proposed", "InRevision", "Validated", "InValidation", "Obsolete"])
def test_the_objects_status_is_one_of_the_values(status: str, base: str, access_token: str, version_id: str) -> None:
    source = {"name": unique(), "type": "NoSql", "status": status}
    location = post(access_token, base, version_id, source)["location"]
    assert ask(access_token, f"{base}/{location}")["attributes"]["status"] == status


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": None}, "name"),
        ({"type": None}, "type"),
        ({"type": "Spreadsheet"}, "Relational, NonRelational, NoSql, TagBase"),
        ({"status": "Done"}, "Proposed, InRevision, InValidation, Validated, Obsolete"),
        ({"tags": ["No such tag"]}, "No such tag"),
        ({"owners": ["nobody@example.com"]}, "nobody@example.com"),
        ({"stewards": ["nobody@example.com"]}, "nobody@example.com"),
        ({"upsert": "yes"}, "upsert"),
    ],
    ids=str,
)
def test_what_is_not_so_is_refused_by_name_and_nothing_is_written(
    change: dict[str, Any], named: str, base: str, access_token: str, version_id: str
) -> None:
    source = {"name": unique("refused"), "type": "NoSql", "technicalName": unique("refused"), **change}
    source = {key: value for key, value in source.items() if value is not None}
    error = post(access_token, base, version_id, source, status=400)["error"]
    assert error["status"] == 400
    assert named in error["message"]
    query = f"versionId={version_id}&technicalName={source['technicalName']}"
    assert ask(access_token, f"{base}/sources?{query}")["total"] == 0


def test_if_upsert_is_true_then_update_an_existing_object_with_the_same_technical_name(
    base: str, access_token: str, version_id: str
) -> None:
    technical = unique("upserted")
    first = post(access_token, base, version_id, {"name": "First", "type": "NoSql", "technicalName": technical})
    change = {"name": "Second", "type": "NoSql", "technicalName": technical, "summary": "changed", "upsert": True}
    second = post(access_token, base, version_id, change)
    assert second == first
    read = ask(access_token, f"{base}/{first['location']}")
    assert (read["name"], read["attributes"]["summary"]) == ("Second", "changed")
    found = ask(access_token, f"{base}/sources?versionId={version_id}&technicalName={technical}")
    assert found["total_sum"] == 1


def test_live_api_responses_are_a_single_line_of_json_content(base: str, access_token: str, version_id: str) -> None:
    for path in ("/workspaces", f"/users/{version_id}?module=catalog", "/tags", f"/sources?versionId={version_id}"):
        _, body = curl(access_token, f"{base}{path}")
        assert "\n" not in body
        assert ": " not in body.split('"results"')[0]
