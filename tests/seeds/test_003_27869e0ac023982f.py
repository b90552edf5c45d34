"""Seed 003, sentence by sentence: the test's docstring is the seed's text, its body what a client sees."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.semantic.conftest import Sky, sky
from tests.serving import API_AUTH_SALT, ROOT, Person, serving

__all__ = ["sky"]
NESTABLE = (
    "SELECT entity_id, is_charter, flight_no AS FlightNo, `departs_from[airport].entity_id`, "
    "`departs_from[airport].city` FROM dtimbr.flight WHERE flight_id = 4"
)


@pytest.fixture
def bearer(sky: Sky) -> str:
    """Steps to get a Timbr-api token, 1: Create an authorization bearer token by following and running the python
    script provided with the installation of the Timbr API Service."""
    done = subprocess.run(
        [sys.executable, "scripts/make_bearer.py", sky.reader.username],
        cwd=ROOT,
        env={**os.environ, "API_AUTH_SALT": API_AUTH_SALT},
        input=sky.reader.password,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip().removeprefix("Authorization: ")


def test_get_token_posts_the_bearer_and_gets_a_token(sky: Sky, bearer: str) -> None:
    """2. Post a request using the authorization bearer token with the following headers to /timbr/api/get_token.
    Response code: 200. Response body: {"data": ["tk_ab...6af3"], "status": "success"}"""
    assert bearer.startswith("Bearer gAAAA")
    with sky.server.http("semantic") as client:
        answer = client.post(
            "/timbr/api/get_token", headers={"Content-Type": "application/json", "Authorization": bearer}
        )
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"data", "status"}
    assert body["status"] == "success"
    [token] = body["data"]
    assert token.startswith("tk_")
    with sky.server.http("semantic", None, **{"x-api-key": token}) as client:
        asked = client.post("/timbr/api/query/", json={"ontology_name": "sky", "query": "SELECT 1 AS one FROM airport"})
    assert asked.json() == {"status": "success", "data": [{"one": 1}] * 5}


def test_the_bearer_is_a_base64_username_password_combination_encrypted_with_the_salt(sky: Sky, bearer: str) -> None:
    """The authorization bearer of a base64 username/password combination encrypted with the salt as defined in the
    API_AUTH_SALT environment variable of the timbr-api service."""
    made = sky.server.cli("semantic", "make-bearer", "--username", sky.reader.username, stdin=sky.reader.password)
    for one in (bearer, made.stdout.strip().removeprefix("Authorization: ")):
        with sky.server.http("semantic") as client:
            assert client.post("/timbr/api/get_token", headers={"Authorization": one}).status_code == 200
    other = subprocess.run(
        [sys.executable, "scripts/make_bearer.py", sky.reader.username],
        cwd=ROOT, env={**os.environ, "API_AUTH_SALT": "another"}, input=sky.reader.password, capture_output=True,
        text=True, check=True,
    ).stdout.strip().removeprefix("Authorization: ")  # fmt: skip
    with sky.server.http("semantic") as client:
        answer = client.post("/timbr/api/get_token", headers={"Authorization": other})
    assert answer.status_code == 401
    assert answer.json()["status"] == "error"
    assert answer.json()["data"].startswith("401 Unauthorized")


def test_the_token_of_the_page_is_the_x_api_key_of_the_requests(sky: Sky) -> None:
    """1. Login to the timbr-platform endpoint. 2. Access the endpoint /timbr/get_timbr_user_token/. 3. Save the value
    of the token to be used as the x-api-key of the requests."""
    with sky.server.http("identity", origin=sky.server.url) as browser:
        signed = browser.post("/sign-in", json={"login": sky.reader.email, "password": sky.reader.password})
        assert signed.status_code == 200
        token = browser.get(f"{sky.server.base('semantic')}/timbr/get_timbr_user_token/").text
    assert token.startswith("tk_")
    with sky.server.http("semantic", None, **{"x-api-key": token}) as client:
        assert "sky" in client.get("/timbr/api/get_ontologies/").json()["data"]


def test_the_page_without_a_session_shows_no_token(sky: Sky) -> None:
    """Login to the timbr-platform endpoint comes first."""
    with sky.server.http("semantic") as client:
        assert client.get("/timbr/get_timbr_user_token/").status_code == 401
        page = client.get("/timbr/get_timbr_user_token/", headers={"accept": "text/html"})
    assert page.status_code == 302
    assert page.headers["location"].startswith("/console/")


def test_any_call_requires_the_headers_except_get_token(sky: Sky) -> None:
    """Any call for the API requires the following headers in the REQUEST header except for the get_token API call:
    x-api-key - The token value for a user received from the Timbr-platform (Not needed if JWT token is configured)."""
    body = {"ontology_name": "sky", "query": NESTABLE}
    with sky.server.http("semantic") as client:
        for answer in (
            client.post("/timbr/api/query/", json=body),
            client.get("/timbr/api/get_ontologies/"),
            client.post("/timbr/api/query/", json=body, headers={"x-api-key": "tk_" + "0" * 64}),
        ):
            assert answer.status_code == 401
            assert answer.json()["status"] == "error"


@pytest.fixture(scope="module")
def with_jwt(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Person]]:
    """A server on which JWT authentication is configured."""
    environment = {
        "ENABLE_TOKEN": "true",
        "JWT_DEFAULT_KEY": "an-issuers-shared-secret-of-forty-characters-or-more",
        "JWT_DEFAULT_ALGORITHM": "HS256",
    }
    with serving(tmp_path_factory.mktemp(f"jwt-{database}"), database, **environment) as served:
        yield served, served.person(semantic="query")


@pytest.mark.parametrize("claim", ["email"])
def test_x_jwt_token_authenticates_by_username_or_email(with_jwt: tuple[Any, Person], claim: str) -> None:
    """x-jwt-token - The JWT access token value used to authenticate by username or email in the Timbr-Platform."""
    import time

    from joserfc import jwt
    from joserfc.jwk import OctKey

    served, person = with_jwt
    key = OctKey.import_key("an-issuers-shared-secret-of-forty-characters-or-more")
    token = jwt.encode({"alg": "HS256"}, {claim: person.email, "exp": int(time.time()) + 60}, key)
    with served.http("semantic") as client:
        asked = client.get("/timbr/api/get_ontologies/", headers={"x-jwt-token": token})
        assert asked.status_code == 200
        late = jwt.encode({"alg": "HS256"}, {claim: person.email, "exp": int(time.time()) - 600}, key)
        assert client.get("/timbr/api/get_ontologies/", headers={"x-jwt-token": late}).status_code == 401
        other = OctKey.import_key("some-other-shared-secret-of-forty-characters-or-more")
        forged = jwt.encode({"alg": "HS256"}, {claim: person.email, "exp": int(time.time()) + 60}, other)
        assert client.get("/timbr/api/get_ontologies/", headers={"x-jwt-token": forged}).status_code == 401


def ask(sky: Sky, **headers: str) -> dict[str, Any]:
    with sky.http(None, **headers) as client:
        answer = client.post("/timbr/api/query/", json={"ontology_name": "sky", "query": NESTABLE})
    assert answer.status_code == 200
    row: dict[str, Any] = answer.json()["data"][0]
    return row


FORMATTED = {"nested": "true", "api-nested-format-properties": "true"}


def test_nested(sky: Sky) -> None:
    """When this flag is set to true and the query contains the entity_id of the concept and relationships, relationship
    data will be presented as a nested objects in the JSON response instead of presenting the relationships as another
    key-value pair in the query results."""
    assert ask(sky)["departs_from[airport].city"] == "New York"
    assert ask(sky, nested="false") == ask(sky)
    row = ask(sky, nested="true")
    assert row["departs_from[airport]"] == [{"entity_id": "JFK", "city": "New York"}]
    assert "departs_from[airport].city" not in row


def test_api_nested_format_properties(sky: Sky) -> None:
    """When this flag is set to true, the format of properties will be available using the formatting tags of properties
    in the ontology."""
    assert ask(sky, **FORMATTED)["departs_from[airport]"] == [{"entity_id": "JFK", "cityName": "New York"}]


def test_api_nested_case_sensitivity(sky: Sky) -> None:
    """... columns will appear as they do in the SQL query or view (they will be case sensitive)."""
    assert "flightno" in ask(sky, **FORMATTED)
    assert "FlightNo" in ask(sky, **FORMATTED, **{"api-nested-case-sensitivity": "true"})
    assert ask(sky, **{"api-nested-case-sensitivity": "true"}) == ask(sky)


def test_api_nested_format_booleans(sky: Sky) -> None:
    """... boolean values will be returned as a string of true or false instead of 1 or 0."""
    assert ask(sky)["is_charter"] == 1
    assert ask(sky, **FORMATTED)["is_charter"] == 1
    assert ask(sky, **FORMATTED, **{"api-nested-format-booleans": "true"})["is_charter"] == "true"
    assert ask(sky, **{"nested": "true", "api-nested-format-booleans": "true"})["is_charter"] == 1


def test_api_nested_ignore_entity_id(sky: Sky) -> None:
    """... the response will not include the entity_id property as part of the query results."""
    row = ask(sky, **FORMATTED, **{"api-nested-ignore-entity-id": "true"})
    assert "entity_id" not in row
    assert row["departs_from[airport]"] == [{"cityName": "New York"}]
    assert ask(sky, nested="true", **{"api-nested-ignore-entity-id": "true"})["entity_id"] == "4"


def test_api_nested_minimize_relationships(sky: Sky) -> None:
    """... only the relationship names will be presented without the target concepts."""
    row = ask(sky, **FORMATTED, **{"api-nested-minimize-relationships": "true"})
    assert row["departs_from"] == [{"entity_id": "JFK", "cityName": "New York"}]
    assert "departs_from[airport]" in ask(sky, nested="true", **{"api-nested-minimize-relationships": "true"})


def test_the_script_is_shipped() -> None:
    """... the python script provided with the installation of the Timbr API Service."""
    assert Path(ROOT, "scripts", "make_bearer.py").is_file()
