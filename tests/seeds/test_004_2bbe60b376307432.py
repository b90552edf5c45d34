"""Seed 004: the REST page, its calls as it prints them, with the seed's own words."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.serving import Person, Served

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BODY = """{
"displayData": {
"name": "Data Sources Bot API Token",
"description": "API Token used by the bot
to create Data Sources"
}
}"""


def curl(*arguments: str) -> tuple[int, str]:
    command = ["curl", "--silent", "--write-out", "\n%{http_code}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.fixture
def person(server: Served) -> Person:
    return server.person(ingest="admin")


def create_token(server: Served, person: Person) -> tuple[int, str]:
    """The seed's example request, with our host, e-mail and password."""
    return curl(
        *("--request", "POST", "--url", f"{server.base('ingest')}/api-tokens/"),
        *("--header", "content-type: application/json"),
        *("--header", f"x-api-email: {person.email}"),
        *("--header", f"x-api-password: {person.password}"),
        *("--data", BODY),
    )


@pytest.fixture
def created(server: Served, person: Person) -> dict[str, Any]:
    status, body = create_token(server, person)
    assert status == 200, body
    return dict(json.loads(body))


def test_create_an_api_token_using_a_post_request(created: dict[str, Any], person: Person) -> None:
    assert list(created) == ["id", "organizationId", "displayData", "apiToken", "createdBy"]
    assert UUID.fullmatch(created["id"])
    assert UUID.fullmatch(created["organizationId"])
    shown = created["displayData"]
    assert list(shown) == ["name", "description", "statusMessage", "statusType", "creationTime", "createdBy"]
    assert shown["name"] == "Data Sources Bot API Token"
    assert shown["description"] == "API Token used by the bot\nto create Data Sources"
    assert (shown["statusMessage"], shown["statusType"]) == ("ok", "ok")
    assert TIME.fullmatch(shown["creationTime"])
    assert shown["createdBy"] == f"Test {person.username} ({person.email})"
    assert re.fullmatch(r"[A-Za-z0-9_-]{32,}", created["apiToken"])
    assert created["createdBy"] == person.email


def test_include_the_token_in_the_api_request_authorization_header(server: Served, created: dict[str, Any]) -> None:
    status, body = curl(
        *("--request", "GET", "--url", f"{server.base('ingest')}/inputs/"),
        *("--header", f"authorization: {created['apiToken']}"),
    )
    assert status == 200
    assert isinstance(json.loads(body), list)


def test_you_will_not_be_able_to_retrieve_this_token_again(server: Served, created: dict[str, Any]) -> None:
    secret = created["apiToken"]
    authorization = ("--header", f"authorization: {secret}")
    for path in ("/api-tokens", f"/api-tokens/{created['id']}", "/users", "/inputs/"):
        status, body = curl("--url", server.base("ingest") + path, *authorization)
        assert status == 200
        assert secret not in body
    _, body = curl("--url", f"{server.base('ingest')}/api-tokens/{created['id']}", *authorization)
    record = json.loads(body)
    assert "apiToken" not in record
    assert record["displayData"] == created["displayData"]
    assert secret.startswith(record["tokenPrefix"])
    assert secret not in server.log()
    stored = [file for file in server.data_dir.rglob("*") if file.is_file() and "sqlite" in file.name]
    assert not [file for file in stored if secret.encode() in file.read_bytes()]


def test_delete_an_api_token(server: Served, person: Person, created: dict[str, Any]) -> None:
    """The page lists the tokens; the trash icon next to one deletes it."""
    password = ("--header", f"x-api-email: {person.email}", "--header", f"x-api-password: {person.password}")
    listing = f"{server.base('ingest')}/api-tokens/"
    _, body = curl("--url", listing, *password)
    assert created["id"] in [record["id"] for record in json.loads(body)]
    trash = ("--request", "DELETE", "--url", f"{listing}{created['id']}")
    assert curl(*trash, *password) == (204, "")
    status, _ = curl("--url", f"{server.base('ingest')}/inputs/", "--header", f"authorization: {created['apiToken']}")
    assert status == 403
    _, body = curl("--url", listing, *password)
    assert created["id"] not in [record["id"] for record in json.loads(body)]
    status, body = curl(*trash, *password)
    assert (status, json.loads(body)) == (404, {"message": f"no token {created['id']}"})


def test_the_page_needs_a_name_only(server: Served, person: Person) -> None:
    """Name this API token, then click Generate: nothing else is asked for."""
    status, body = curl(
        *("--request", "POST", "--url", f"{server.base('ingest')}/api-tokens"),
        *("--header", f"x-api-email: {person.email}", "--header", f"x-api-password: {person.password}"),
        *("--data", '{"displayData": {"name": "Just a name"}}'),
    )
    assert status == 200, body
    assert json.loads(body)["displayData"]["description"] == ""
