"""Chapter 2: credentials, tokens, statuses of refusals."""

import httpx
import pytest

from tests.contract.ingest.conftest import Caller, caller
from tests.serving import Served, unique


def headers_of(server: Served, **roles: str) -> dict[str, str]:
    person = server.person(**roles)
    return {"x-api-email": person.email, "x-api-password": person.password}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "nonsense"},
        {"authorization": "tsa_" + "0" * 64},
        {"authorization": "eyJhbGciOiJIUzUxMiJ9.e30.AAAA"},
        {"x-api-email": "nobody@example.test", "x-api-password": "wrong"},
        {"x-api-email": "nobody@example.test"},
    ],
    ids=["none", "nonsense", "unknown token", "tampered", "wrong password", "half a pair"],
)
def test_a_credential_that_opens_nothing_is_403_and_never_401(server: Served, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/inputs/"), ("POST", "/api-tokens"), ("POST", "/query"), ("GET", "/users")):
        answer = httpx.request(method, server.base("ingest") + path, headers=headers)
        assert answer.status_code == 403
        assert answer.headers["x-api-requestid"]
        assert list(answer.json()) == ["message"]


def test_header_names_are_read_in_any_case_and_a_trailing_slash_is_optional(server: Served) -> None:
    person = server.person(ingest="admin")
    headers = {"X-Api-Email": person.email, "X-API-PASSWORD": person.password}
    body = {"displayData": {"name": unique("token"), "description": ""}}
    for path in ("/api-tokens", "/api-tokens/", "//api-tokens/"):
        answer = httpx.post(server.base("ingest") + path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text


def test_the_token_wins_over_the_password_pair_and_bearer_is_allowed(server: Served, editor: Caller) -> None:
    wrong = {"x-api-email": "nobody@example.test", "x-api-password": "wrong"}
    for authorization in (editor.token, f"Bearer {editor.token}"):
        answer = httpx.get(f"{server.base('ingest')}/inputs", headers=wrong | {"authorization": authorization})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"displayData": {}}', "name"),
        ("{}", "displayData"),
        ('{"displayData": {"name": 5}}', "displayData.name"),
        ('{"displayData": {"name": ""}}', "displayData.name"),
        ('{"displayData": {"name": "%s"}}' % ("x" * 256), "displayData.name"),
        ("[1]", "object"),
        ("not json", "JSON"),
        ('{"displayData": ', "JSON"),
    ],
    ids=["no name", "no displayData", "a number", "empty", "too long", "a list", "no json", "cut"],
)
def test_a_bad_body_is_400_and_the_message_names_the_field(
    server: Served, admin: Caller, body: str, field: str
) -> None:
    before = len(admin.client.get("/api-tokens").json())
    answer = admin.client.post("/api-tokens", content=body)
    assert answer.status_code == 400
    assert field in answer.json()["message"]
    assert len(admin.client.get("/api-tokens").json()) == before


def test_tokens_are_for_the_role_admin(server: Served) -> None:
    body = {"displayData": {"name": "x"}}
    for role in ("viewer", "editor"):
        answer = httpx.post(f"{server.base('ingest')}/api-tokens", json=body, headers=headers_of(server, ingest=role))
        assert answer.status_code == 403
        assert answer.json()["clazz"] == "ForbiddenException"
        assert "admin" in answer.json()["detailMessage"]
    answer = httpx.post(f"{server.base('ingest')}/api-tokens", json=body, headers=headers_of(server, vault="dvb_user"))
    assert answer.status_code == 403


def test_an_api_token_is_for_ingest_alone(server: Served, admin: Caller) -> None:
    secret = admin.client.post("/api-tokens", json={"displayData": {"name": unique("t")}}).json()["apiToken"]
    assert httpx.get(f"{server.base('ingest')}/inputs/", headers={"authorization": secret}).status_code == 200
    assert (
        httpx.get(f"{server.base('identity')}/people", headers={"authorization": f"Bearer {secret}"}).status_code == 403
    )


def test_unknown_token_ids_are_404(admin: Caller) -> None:
    for token_id in ("12345678-1234-1234-1234-1234567890ab", "nonsense"):
        for method in ("GET", "DELETE"):
            answer = admin.client.request(method, f"/api-tokens/{token_id}")
            assert answer.status_code == 404
            assert list(answer.json()) == ["message"]


def test_who_the_caller_is(server: Served) -> None:
    person = server.person(ingest="viewer")
    headers = {"x-api-email": person.email, "x-api-password": person.password}
    answer = httpx.get(f"{server.base('ingest')}/users", headers=headers).json()
    assert answer["user"]["email"] == person.email
    assert answer["currentOrganization"] == answer["organizations"][0]
    assert answer["organizations"][0]["displayData"]["name"]


def test_discovery_and_root_aliases(server: Served, editor: Caller) -> None:
    headers = {"authorization": editor.token}
    for base in (server.url, server.base("ingest")):
        found = httpx.get(f"{base}/environments/local-api", headers=headers).json()
        assert found == {"dnsInfo": {"name": server.url}}
        answer = httpx.post(f"{base}/query", json={"sql": "SELECT 1 AS one"}, headers=headers).json()
        while answer["status"] == "Pending":
            answer = httpx.get(f"{base}/{answer['current'].lstrip('/')}", headers=headers).json()
        assert answer["result"]["grid"]["data"] == [[1]]
        assert httpx.post(f"{base}/api-tokens", json={}, headers=headers).status_code == 403
    answer = httpx.post(f"{server.url}/query", json={"sql": "SELECT 1"})
    assert (answer.status_code, list(answer.json())) == (403, ["message"])


def test_every_answer_has_a_request_id_of_its_own(server: Served, editor: Caller) -> None:
    answers = [
        editor.client.get("/inputs"),
        editor.client.get("/nothing"),
        editor.client.put("/query"),
        editor.send("x"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 405, 400]
    assert len({answer.headers["x-api-requestid"] for answer in answers}) == 4


def test_a_viewer_may_look_and_change_nothing(server: Served, viewer: Caller, editor: Caller) -> None:
    table = editor.table("a BIGINT")
    assert viewer.rows(f"SELECT a FROM {table}") == []
    for sql in (f"DROP TABLE {table}", "CREATE TABLE x ()", "CREATE LOCAL CONNECTION c ROOT = '/tmp'", "DROP JOB j"):
        answer = viewer.send(sql)
        assert answer.status_code == 403
        assert "editor" in answer.json()["detailMessage"]
    assert viewer.client.post("/inputs", json={}).status_code == 403
    assert editor.rows(f"SELECT a FROM {table}") == []


def test_a_token_with_a_read_scope_reads_only(server: Served) -> None:
    person = server.person(ingest="editor")
    secret = server.mint(person.email, person.password, scopes=["ingest:read"])
    client = httpx.Client(base_url=server.base("ingest"), headers={"authorization": secret})
    assert client.post("/query", json={"sql": "SELECT 1"}).status_code == 200
    answer = client.post("/query", json={"sql": f"CREATE TABLE {unique('t')} ()"})
    assert answer.status_code == 403
    assert "ingest:write" in answer.json()["detailMessage"]


def test_results_belong_to_the_one_who_asked(server: Served) -> None:
    one, other = caller(server, "viewer"), caller(server, "admin")
    answer = one.send("SELECT a.x FROM (SELECT 1 AS x) a, system.information_schema.tables t").json()
    assert answer["status"] == "Success"
    paged = one.send(LONG)
    assert paged.status_code == 200, paged.text
    following = paged.json()["result"]["next"]
    assert other.client.get("/" + following).status_code == 404
    assert one.client.get("/" + following).status_code == 200


LONG = "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 10001) SELECT x FROM n"
