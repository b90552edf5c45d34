"""Every kind of problem, its status and envelope, on both routes; hostile SQL; nothing changes after a refusal.

Source: contracts/semantic.md, 2.1 and 11.
"""

import pytest

from tests.contract.semantic.conftest import Sky
from tests.serving import unique

HOSTILE = {
    "file function": "SELECT * FROM read_csv('/etc/passwd')",
    "file as a table": "SELECT * FROM '/etc/passwd'",
    "file in a scalar": "SELECT content FROM read_text('/etc/passwd')",
    "glob": "SELECT * FROM glob('/*')",
    "text run as SQL": "SELECT * FROM query('SELECT 1')",
    "table by its text": "SELECT * FROM query_table('p_flight')",
    "settings table": "SELECT * FROM duckdb_settings()",
    "setting": "SELECT current_setting('memory_limit')",
    "environment": "SELECT getenv('HOME')",
    "catalogue": "SELECT * FROM information_schema.tables",
    "catalogue of postgres": "SELECT * FROM pg_catalog.pg_user",
    "sqlite_master": "SELECT * FROM sqlite_master",
    "physical table": "SELECT * FROM landing.p_flight",
    "physical table in a subquery": "SELECT (SELECT MAX(fare) FROM landing.p_flight) FROM timbr.airport",
    "physical table in a CTE": "WITH x AS (SELECT * FROM landing.p_flight) SELECT * FROM x",
    "physical table in a lateral": "SELECT * FROM timbr.airport a, LATERAL (SELECT * FROM landing.p_flight) f",
    "physical table in a condition": "SELECT 1 FROM timbr.flight WHERE EXISTS (SELECT 1 FROM landing.p_flight)",
    "physical table in a parenthesis": "SELECT * FROM (timbr.airport a JOIN landing.p_flight f ON TRUE)",
    "stacked": "SELECT 1 FROM timbr.airport; DROP TABLE landing.p_flight",
    "stacked definitions": "DROP VIEW IF EXISTS nothing; SELECT 1",
    "insert": "INSERT INTO landing.p_flight SELECT 1",
    "delete": "DELETE FROM timbr.flight",
    "attach": "ATTACH '/tmp/x.db' AS x",
    "copy": "COPY landing.p_flight TO '/tmp/x'",
    "set": "SET memory_limit = '1GB'",
    "pragma": "PRAGMA database_list",
    "install": "INSTALL httpfs",
    "call": "CALL pragma_version()",
    "select into": "SELECT * INTO x FROM timbr.flight",
    "server file on postgres": "SELECT pg_read_file('/etc/passwd') FROM timbr.flight",
    "sleep": "SELECT pg_sleep(10) FROM timbr.flight",
    "huge series": "SELECT COUNT(*) FROM range(100000000000)",
    "create table": "CREATE TABLE x AS SELECT 1",
    "explain analyze of a write": "EXPLAIN DELETE FROM timbr.flight",
}


@pytest.mark.parametrize("sql", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_sql_is_refused_and_changes_nothing(sky: Sky, sql: str) -> None:
    before = sky.rows("SELECT COUNT(*) AS n, SUM(fare) AS s FROM timbr.flight")
    for person in (sky.reader, sky.editor):
        answer = sky.sql(sql, person=person)
        assert answer.status_code in (400, 403), answer.text
        body = answer.json()
        assert set(body) == {"status", "data", "error", "error_type"}
        assert body["status"] == "error"
        assert body["data"] == body["error"] != ""
        assert "Traceback" not in answer.text
    assert sky.rows("SELECT COUNT(*) AS n, SUM(fare) AS s FROM timbr.flight") == before


MAPPINGS = {
    "file": "SELECT code AS airport_code FROM read_csv('/etc/passwd')",
    "catalogue": "SELECT table_name AS airport_code FROM information_schema.tables",
    "metadata table": "SELECT email AS airport_code FROM public.identity_principals",
    "another's marker": "SELECT name AS airport_code FROM tessera.locks",
    "unknown table": "SELECT code AS airport_code FROM nowhere",
    "unknown column": "SELECT nothing AS airport_code FROM p_airport",
    "stacked": "SELECT code AS airport_code FROM p_airport; DELETE FROM p_airport",
    "write": "DELETE FROM p_airport",
    "no property": "SELECT code AS planet FROM p_airport",
}


@pytest.mark.parametrize("query", MAPPINGS.values(), ids=MAPPINGS.keys())
def test_the_sql_of_a_mapping_passes_the_same_check(sky: Sky, query: str) -> None:
    before = sky.rows("SHOW VERSION")
    answer = sky.define(f"CREATE OR REPLACE MAPPING map_bad INTO (airport) AS {query}")
    assert answer.status_code in (400, 403), answer.text
    assert sky.rows("SHOW VERSION") == before
    assert not sky.rows("SELECT * FROM timbr.sys_concept_mappings WHERE mapping_name = 'map_bad'")


NAMES = {
    "concept": ("SELECT * FROM timbr.planet", "planet"),
    "property": ("SELECT planet FROM timbr.flight", "planet"),
    "qualified": ("SELECT f.planet FROM timbr.flight f", "planet"),
    "alias": ("SELECT x.city FROM timbr.airport a", "x"),
    "relationship": ("SELECT `lands_on[airport].city` FROM dtimbr.flight", "lands_on"),
    "target": ("SELECT `departs_from[crew].first_name` FROM dtimbr.flight", "crew"),
    "end of a path": ("SELECT `departs_from[airport].planet` FROM dtimbr.flight", "planet"),
    "measure": ("SELECT SUM(`measure.planet`) FROM dtimbr.flight", "planet"),
    "view": ("SELECT * FROM vtimbr.planet", "planet"),
    "path in timbr": ("SELECT `departs_from[airport].city` FROM timbr.flight", "dtimbr"),
    "ambiguous": ("SELECT entity_id FROM timbr.flight a, timbr.airport b", "entity_id"),
    "level without steps": ("SELECT `owns[carrier]_transitivity_level` FROM dtimbr.carrier", "transitivity_level"),
    "too many steps": ("SELECT `owns[carrier*99].founded` FROM dtimbr.carrier", "20"),
    "syntax": ("SELECT FROM WHERE", "line 1"),
    "unfinished string": ("SELECT 'abc", "line 1"),
    "distinct measure": ("SELECT COUNT(DISTINCT `measure.total_fare`) FROM dtimbr.flight", "DISTINCT"),
    "datasource": ("SELECT 1 FROM timbr.flight", "elsewhere"),
}


@pytest.mark.parametrize(("sql", "named"), NAMES.values(), ids=NAMES.keys())
def test_a_mistake_is_400_and_named(sky: Sky, sql: str, named: str) -> None:
    suffix = "?datasource=elsewhere" if named == "elsewhere" else ""
    with sky.http() as client:
        answer = client.post(f"/timbr/openapi/ontology/sky/query{suffix}", content=sql)
    assert answer.status_code == 400, answer.text
    assert named in answer.json()["error"]


BODIES = {
    "no JSON": (b"{", 400),
    "no object": (b"[]", 400),
    "no query": (b'{"ontology_name": "sky"}', 400),
    "no ontology": (b'{"query": "SELECT 1 FROM timbr.flight"}', 400),
    "another type": (b'{"ontology_name": 1, "query": "SELECT 1 FROM timbr.flight"}', 400),
    "empty query": (b'{"ontology_name": "sky", "query": " -- nothing"}', 400),
    "unknown ontology": (b'{"ontology_name": "nowhere", "query": "SELECT 1 FROM timbr.flight"}', 404),
    "too long": (b'{"ontology_name": "sky", "query": "SELECT ' + b"1," * 600_000 + b'1"}', 413),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES.keys())
def test_a_bad_body_has_the_documented_status(sky: Sky, body: bytes, status: int) -> None:
    with sky.http() as client:
        answer = client.post("/timbr/api/query", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == "error"


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "tk_" + "0" * 64}, {"x-api-key": ""}, {"x-jwt-token": "a.b.c"}])
def test_no_token_and_a_wrong_one_are_401(sky: Sky, headers: dict[str, str]) -> None:
    with sky.server.http("semantic", None, **headers) as client:
        answer = client.post("/timbr/openapi/ontology/sky/query", content="SELECT 1 FROM timbr.flight")
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("401 Unauthorized: ")
    assert answer.json()["error_type"] == "AuthenticationError"


def test_a_revoked_and_a_tampered_token_are_401_at_once(sky: Sky) -> None:
    person = sky.server.person(semantic="query")
    assert sky.sql("SELECT 1 AS one FROM timbr.flight", person=person).status_code == 200
    swapped = person.token[:-1] + ("0" if person.token[-1] != "0" else "1")
    with sky.server.http("semantic", None, **{"x-api-key": swapped}) as client:
        assert client.get("/timbr/api/get_ontologies").status_code == 401
    with sky.server.http("identity", origin=sky.server.url) as client:
        client.post("/sign-in", json={"login": person.email, "password": person.password})
        [mine] = client.get("/tokens").json()["items"]
        ended = client.delete(f"/tokens/{mine['id']}", headers={"x-tessera-csrf": "1"})
        assert ended.status_code == 204
    assert sky.sql("SELECT 1 AS one FROM timbr.flight", person=person).status_code == 401


def test_a_role_too_low_is_403(sky: Sky) -> None:
    nobody, looker = sky.server.person(vault="dvb_user"), sky.server.person(semantic="access")
    assert sky.sql("SELECT 1 FROM timbr.flight", person=nobody).status_code == 403
    assert sky.sql("SELECT 1 FROM timbr.flight", person=looker).status_code == 403
    assert sky.sql("SELECT concept FROM timbr.sys_concepts", person=looker).status_code == 200
    assert sky.sql("CREATE PROPERTY p_new string", person=sky.reader).status_code == 403
    with sky.http(sky.reader) as client:
        answer = client.post("/timbr/api/create_ontology", json={"ontology_name": unique("o")})
    assert answer.status_code == 403


def test_unknown_routes_and_methods_have_the_envelope(sky: Sky) -> None:
    with sky.http() as client:
        assert client.get("/timbr/api/nothing").json()["error_type"] == "NotFoundError"
        answer = client.get("/timbr/api/query")
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


def test_impersonation_needs_the_highest_role(sky: Sky) -> None:
    headers = {"x-api-impersonate-user": sky.editor.username}
    assert sky.sql("SELECT timbr_username() FROM timbr.airport LIMIT 1", **headers).status_code == 403
    answer = sky.sql("SELECT timbr_username() FROM timbr.airport LIMIT 1", person=sky.server.admin, **headers)
    assert answer.json() == [{sky.editor.username: sky.editor.username}]


def test_get_token_refuses_alike_whatever_is_wrong(sky: Sky) -> None:
    from tessera.semantic.bearer import make_bearer
    from tests.serving import API_AUTH_SALT

    stranger = sky.server.person(vault="dvb_user")
    bearers = [
        make_bearer(sky.reader.username, "wrong", API_AUTH_SALT),
        make_bearer(unique("nobody"), "wrong", API_AUTH_SALT),
        make_bearer(stranger.username, stranger.password, API_AUTH_SALT),
        make_bearer(sky.reader.username, sky.reader.password, "another salt"),
        "gAAAAAnonsense",
    ]
    texts = set()
    with sky.server.http("semantic") as client:
        for bearer in bearers:
            answer = client.post("/timbr/api/get_token", headers={"authorization": f"Bearer {bearer}"})
            assert answer.status_code == 401
            texts.add(answer.text)
    assert len(texts) == 1
