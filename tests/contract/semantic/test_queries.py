"""What a query may say and how its values look. Source: contracts/semantic.md, 2.1 and 6."""

import pytest

from tests.contract.semantic.conftest import Sky

ROWS: dict[str, tuple[str, list[dict[str, object]]]] = {
    "values": (
        "SELECT flight_id, fare, flight_date, is_charter, delay_min FROM timbr.flight WHERE flight_id = 6",
        [{"flight_id": 6, "fare": 15.0, "flight_date": "2026-02-03", "is_charter": 1, "delay_min": None}],
    ),
    "timestamp": (
        "SELECT CAST('2026-02-02 13:05:00' AS TIMESTAMP) AS t FROM timbr.airport LIMIT 1",
        [{"t": "2026-02-02 13:05:00.000000"}],
    ),
    "boolean expressions": (
        "SELECT 1 = 1 AS yes, 1 = 2 AS no FROM timbr.airport LIMIT 1",
        [{"yes": 1, "no": 0}],
    ),
    "names as written": (
        "SELECT CITY, a.Country FROM timbr.airport A WHERE AIRPORT_CODE = 'FRA'",
        [{"CITY": "Frankfurt", "Country": "Germany"}],
    ),
    "expression without an alias": ("SELECT COUNT(*) FROM timbr.flight", [{"COUNT(*)": 6}]),
    "path as a name": (
        "SELECT `departs_from[airport].city` FROM dtimbr.flight WHERE flight_id = 1",
        [{"departs_from[airport].city": "Frankfurt"}],
    ),
    "double quotes": (
        'SELECT "departs_from[airport].city" AS c FROM dtimbr.flight WHERE flight_id = 1',
        [{"c": "Frankfurt"}],
    ),
    "alias before a path": (
        "SELECT f.`departs_from[airport].city` AS c FROM dtimbr.flight AS f WHERE f.flight_id = 1",
        [{"c": "Frankfurt"}],
    ),
    "path in a string is no path": (
        "SELECT '`departs_from[airport].city`' AS c FROM dtimbr.flight WHERE flight_id = 1",
        [{"c": "`departs_from[airport].city`"}],
    ),
    "comments": (
        "-- LLM: which city; why\n/* `x[y].z` ; */ SELECT city -- no, `a[b].c`\nFROM timbr.airport "
        "WHERE airport_code = 'FRA';",
        [{"city": "Frankfurt"}],
    ),
    "quotes in strings": ("SELECT 'it''s; \"x\"' AS c FROM timbr.airport LIMIT 1", [{"c": "it's; \"x\""}]),
    "concept without a schema": ("SELECT COUNT(*) AS n FROM flight", [{"n": 6}]),
    "join of concepts": (
        "SELECT f.flight_no, a.city FROM timbr.flight f JOIN timbr.airport a ON f.origin_code = a.airport_code "
        "WHERE f.flight_id = 1",
        [{"flight_no": "KIT101", "city": "Frankfurt"}],
    ),
    "join using": (
        "SELECT carrier_code, COUNT(*) AS n FROM timbr.carrier JOIN (SELECT operator_code AS carrier_code "
        "FROM timbr.flight) f USING (carrier_code) GROUP BY carrier_code ORDER BY n DESC, carrier_code LIMIT 1",
        [{"carrier_code": "KIT", "n": 3}],
    ),
    "CTE": (
        "WITH Late AS (SELECT flight_no AS No, `departs_from[airport].city` AS city FROM dtimbr.delayed_flight) "
        "SELECT no, CITY FROM late WHERE city = 'Munich'",
        [{"no": "KIT102", "CITY": "Munich"}],
    ),
    "window": (
        "SELECT flight_no, ROW_NUMBER() OVER (ORDER BY fare DESC) AS r FROM timbr.flight ORDER BY r LIMIT 1",
        [{"flight_no": "KIT301", "r": 1}],
    ),
    "set operation": (
        "SELECT city AS c FROM timbr.airport WHERE airport_code = 'FRA' UNION ALL "
        "SELECT first_name FROM timbr.crew WHERE crew_id = 12 ORDER BY c",
        [{"c": "Cy"}, {"c": "Frankfurt"}],
    ),
    "correlated path": (
        "SELECT airport_code FROM timbr.airport a WHERE EXISTS (SELECT 1 FROM dtimbr.flight f "
        "WHERE f.`arrives_at[airport].city` = a.city AND f.`departs_from[airport].country` = 'USA')",
        [{"airport_code": "FRA"}],
    ),
    "having on a path": (
        "SELECT `departs_from[airport].country` AS c, COUNT(*) AS n FROM dtimbr.flight "
        "GROUP BY `departs_from[airport].country` HAVING COUNT(*) > 1 ORDER BY `departs_from[airport].country`",
        [{"c": "Germany", "n": 2}, {"c": "Portugal", "n": 2}],
    ),
    "order by an alias that hides a property": (
        "SELECT flight_id, -delay_min AS delay_min FROM timbr.flight WHERE delay_min > 15 ORDER BY delay_min LIMIT 1",
        [{"flight_id": 5, "delay_min": -90}],
    ),
    "many-to-many through a narrowed target": (
        "SELECT DISTINCT `works_on[delayed_flight].flight_no` AS f FROM dtimbr.crew WHERE first_name = 'Ben'",
        [{"f": "KIT102"}],
    ),
    "relationship property through a narrowed target": (
        "SELECT first_name, `works_on[very_delayed_flight]_hours` AS h FROM dtimbr.crew ORDER BY first_name",
        [{"first_name": "Ana", "h": 0.75}, {"first_name": "Ben", "h": None}, {"first_name": "Cy", "h": None}],
    ),
    "unnamed steps of the declared depth": (
        "SELECT COUNT(`owns[carrier*].carrier_code`) AS n FROM dtimbr.carrier WHERE carrier_code = 'NAV'",
        [{"n": 3}],
    ),
    "one step without a star": (
        "SELECT `owns[carrier].carrier_code` AS c FROM dtimbr.carrier WHERE carrier_code = 'NAV'",
        [{"c": "KIT"}],
    ),
    "star in a subquery": (
        "SELECT COUNT(*) AS n FROM (SELECT * FROM dtimbr.flight) explainable_query WHERE 1=0",
        [{"n": 0}],
    ),
    "measure without an aggregate": ("SELECT measure.flight_count AS n FROM dtimbr.flight", [{"n": 6}]),
    "cube without GROUP BY": (
        "SELECT carrier, `measure.flight_count` AS n FROM vtimbr.flight_cube ORDER BY n DESC, carrier LIMIT 1",
        [{"carrier": "Kite Air", "n": 3}],
    ),
    "child properties through the root": (
        "SELECT COUNT(vessel) AS v, COUNT(flight_no) AS f FROM etimbr.thing", [{"v": 2, "f": 6}],
    ),
    "system table in any case": (
        "SELECT concept FROM timbr.SYS_CONCEPTS WHERE concept LIKE 'very%'", [{"concept": "very_delayed_flight"}],
    ),
    "date in the dialect": ("SELECT YEAR(flight_date) AS y FROM timbr.flight WHERE flight_id = 1", [{"y": 2026}]),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "rows"), ROWS.values(), ids=ROWS.keys())
def test_a_query_gives_these_rows(sky: Sky, sql: str, rows: list[dict[str, object]]) -> None:
    found = sky.rows(sql)
    assert found == rows
    assert [list(row) for row in found] == [list(row) for row in rows]


def test_select_star_lists_entity_columns_and_properties_but_no_paths(sky: Sky) -> None:
    row = sky.rows("SELECT * FROM dtimbr.airport WHERE airport_code = 'FRA'")[0]
    assert list(row) == [
        "entity_id", "entity_type", "entity_label", "airport_code", "city", "country", "elevation_m"
    ]  # fmt: skip
    assert row["entity_label"] == "Frankfurt FRA"


def test_the_user_name_names_its_column(sky: Sky) -> None:
    name = sky.reader.username
    assert sky.rows("SELECT timbr_username() FROM timbr.airport LIMIT 1") == [{name: name}]
    assert sky.rows("SELECT timbr_username() AS me FROM timbr.airport LIMIT 1") == [{"me": name}]
    other = sky.sql("SELECT timbr_username() AS me FROM timbr.airport LIMIT 1", person=sky.editor)
    assert other.json() == [{"me": sky.editor.username}]


def test_the_limit_cuts_after_the_order_and_says_so(sky: Sky) -> None:
    sql = "SELECT flight_id FROM timbr.flight ORDER BY flight_id DESC"
    answer = sky.sql(sql, **{"results-limit": "2"})
    assert answer.json() == [{"flight_id": 6}, {"flight_id": 5}]
    assert answer.headers["x-results-truncated"] == "true"
    assert "x-results-truncated" not in sky.sql(sql, **{"results-limit": "6"}).headers
    assert sky.sql(sql, **{"results-limit": "many"}).status_code == 400


def test_both_routes_with_and_without_a_slash(sky: Sky) -> None:
    sql = "SELECT COUNT(*) AS n FROM timbr.flight"
    with sky.http() as client:
        for path in ("/timbr/api/query", "/timbr/api/query/"):
            answer = client.post(path, json={"ontology_name": "sky", "query": sql})
            assert answer.json() == {"status": "success", "data": [{"n": 6}]}
        for path in ("/timbr/openapi/ontology/sky/query", "/timbr/openapi/ontology/sky/query/"):
            assert client.post(path, content=sql).json() == [{"n": 6}]
        assert client.post(path, json={"query": sql}).json() == [{"n": 6}]


def test_explain_has_a_plan_and_shows_physical_sql_to_editors_alone(sky: Sky) -> None:
    sql = "EXPLAIN SELECT city FROM timbr.airport"
    [row] = sky.rows(sql)
    assert list(row) == ["PLAN"]
    assert "p_airport" not in row["PLAN"]
    assert "p_airport" in sky.sql(sql, person=sky.editor).json()[0]["PLAN"]


def test_a_read_is_enough_scope_for_a_query_but_not_for_a_definition(sky: Sky) -> None:
    token = sky.server.mint(sky.editor.email, sky.editor.password, scopes=["semantic:read"])
    with sky.server.http("semantic", None, **{"x-api-key": token}) as client:
        path = "/timbr/openapi/ontology/sky/query"
        assert client.post(path, content="SELECT COUNT(*) AS n FROM timbr.flight").status_code == 200
        assert client.post(path, content="CREATE PROPERTY scope_probe string").status_code == 403


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("airport_code=FRA&_select=city", [{"city": "Frankfurt"}]),
        ("airport_code=FRA&airport_code=JFK&_select=city&_order=-city", [{"city": "New York"}, {"city": "Frankfurt"}]),
        ("elevation_m__gt=100&elevation_m__lte=114&_select=airport_code&_order=airport_code",
         [{"airport_code": "FRA"}, {"airport_code": "LIS"}]),
        ("country__ne=USA&city__like=P%25&_select=city", [{"city": "Porto"}]),
        ("airport_code__in=OPO,LIS&_select=city&_order=city&_limit=1&_offset=1", [{"city": "Porto"}]),
        ("city__isnull=true", []),
        ("city=x%27%20OR%20%271%27=%271", []),
    ],
    ids=["equal", "or", "compared", "like", "paged", "null", "quote in a value"],
)  # fmt: skip
def test_a_concept_is_read_by_filters(sky: Sky, query: str, rows: list[dict[str, object]]) -> None:
    with sky.http() as client:
        answer = client.get(f"/timbr/api/q/sky/concept/airport?{query}")
    assert answer.json() == {"status": "success", "data": rows}


def test_filters_follow_paths_and_nest(sky: Sky) -> None:
    with sky.http(nested="true") as client:
        answer = client.get(
            "/timbr/api/q/sky/concept/flight",
            params={
                "departs_from[airport].country": "USA",
                "_select": "entity_id,flight_no,departs_from[airport].city",
            },
        )
    assert answer.json()["data"] == [
        {"entity_id": "4", "flight_no": "KIT301", "departs_from[airport]": [{"city": "New York"}]}
    ]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("concept/airport?planet=1", 400),
        ("concept/airport?elevation_m=high", 400),
        ("concept/airport?_limit=-1", 400),
        ("concept/airport?city;DROP=1", 400),
        ("concept/airport?lands[airport].city=1", 400),
        ("concept/planet", 404),
        ("view/planet", 404),
        ("view/country_revenue?planet=1", 400),
        ("view/country_revenue?flights__gt=many", 400),
        ("concept/..%2F..%2Fetc", 404),
    ],
)
def test_a_bad_filter_has_the_documented_status(sky: Sky, path: str, status: int) -> None:
    with sky.http() as client:
        answer = client.get(f"/timbr/api/q/sky/{path}")
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == "error"


def test_a_view_is_read_by_filters(sky: Sky) -> None:
    with sky.http() as client:
        answer = client.get("/timbr/api/q/sky/view/country_revenue?flights__gt=1&_order=country")
    assert answer.json()["data"] == [
        {"country": "Germany", "flights": 2, "revenue": 108.5},
        {"country": "Portugal", "flights": 2, "revenue": 86.25},
    ]
