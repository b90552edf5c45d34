"""The six optional headers: their effect, and what each depends on. Source: contracts/semantic.md, 4."""

from itertools import product
from typing import Any

import pytest

from tests.contract.semantic.conftest import Sky

QUERY = """SELECT entity_id, flight_no AS FlightNo, is_charter, `departs_from[airport].entity_id`,
       `departs_from[airport].city`, `staffed_by[crew].entity_id`, `staffed_by[crew].first_name`,
       `staffed_by[crew]_role`
FROM dtimbr.flight WHERE flight_id IN (4, 5) ORDER BY flight_id, `staffed_by[crew].first_name`"""
NAMES = {
    "n": "nested",
    "p": "api-nested-format-properties",
    "c": "api-nested-case-sensitivity",
    "b": "api-nested-format-booleans",
    "i": "api-nested-ignore-entity-id",
    "m": "api-nested-minimize-relationships",
}
FLAT_FIRST = {
    "entity_id": "4", "FlightNo": "KIT301", "is_charter": 1, "departs_from[airport].entity_id": "JFK",
    "departs_from[airport].city": "New York", "staffed_by[crew].entity_id": "10", "staffed_by[crew].first_name": "Ana",
    "staffed_by[crew]_role": "first_officer",
}  # fmt: skip
FLAT_LAST = {
    "entity_id": "5", "FlightNo": "LUA202", "is_charter": 0, "departs_from[airport].entity_id": "LIS",
    "departs_from[airport].city": "Lisbon", "staffed_by[crew].entity_id": None, "staffed_by[crew].first_name": None,
    "staffed_by[crew]_role": None,
}  # fmt: skip
NESTED_FIRST = {
    "entity_id": "4", "FlightNo": "KIT301", "is_charter": 1,
    "departs_from[airport]": [{"entity_id": "JFK", "city": "New York"}],
    "staffed_by[crew]": [
        {"entity_id": "10", "first_name": "Ana", "_role": "first_officer"},
        {"entity_id": "12", "first_name": "Cy", "_role": "captain"},
    ],
}  # fmt: skip
NESTED_LAST = {
    "entity_id": "5", "FlightNo": "LUA202", "is_charter": 0,
    "departs_from[airport]": [{"entity_id": "LIS", "city": "Lisbon"}], "staffed_by[crew]": [],
}  # fmt: skip


def headers(flags: str) -> dict[str, str]:
    return {NAMES[flag]: "true" for flag in flags}


def expected_last(flags: str) -> dict[str, Any]:
    """The row of flight 5 with `nested` and `format-properties`: a product of the effects of the other four."""
    row: dict[str, Any] = {} if "i" in flags else {"entity_id": "5"}
    row["FlightNo" if "c" in flags else "flightno"] = "LUA202"
    row["is_charter"] = "false" if "b" in flags else 0
    airport = {"cityName": "Lisbon"} if "i" in flags else {"entity_id": "LIS", "cityName": "Lisbon"}
    row["departs_from" if "m" in flags else "departs_from[airport]"] = [airport]
    row["staffed_by" if "m" in flags else "staffed_by[crew]"] = []
    return row


@pytest.mark.parametrize("flags", ["", "p", "pc", "pcbim", "cbim", "m"])
def test_without_nested_the_rows_are_flat_whatever_else_is_set(sky: Sky, flags: str) -> None:
    rows = sky.rows(QUERY, **headers(flags))
    assert len(rows) == 3
    assert rows[0] == FLAT_FIRST
    assert rows[-1] == FLAT_LAST
    assert list(rows[0]) == list(FLAT_FIRST), "keys stand in the order of the select list"


@pytest.mark.parametrize("flags", ["n", "nc", "nb", "ni", "nm", "ncbim"])
def test_nested_alone_gives_objects_and_the_four_others_need_format_properties(sky: Sky, flags: str) -> None:
    assert sky.rows(QUERY, **headers(flags)) == [NESTED_FIRST, NESTED_LAST]


@pytest.mark.parametrize("flags", ["np" + "".join(some) for some in product(*[("", one) for one in "cbim"])])
def test_with_format_properties_the_others_are_independent(sky: Sky, flags: str) -> None:
    row = sky.rows(QUERY, **headers(flags))[1]
    assert row == expected_last(flags)
    assert list(row) == list(expected_last(flags))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT flight_no, `departs_from[airport].city` FROM dtimbr.flight WHERE flight_id = 4",
        "SELECT entity_id, `departs_from[airport].city` AS city FROM dtimbr.flight WHERE flight_id = 4",
        "SELECT entity_id, flight_no FROM dtimbr.flight WHERE flight_id = 4",
    ],
    ids=["no entity_id", "path with an alias", "no path"],
)
def test_nested_needs_the_entity_id_and_a_relationship_among_the_columns(sky: Sky, query: str) -> None:
    assert sky.rows(query, nested="true") == sky.rows(query)


@pytest.mark.parametrize(("value", "nests"), [("TRUE", True), ("True", True), ("1", False), ("yes", False)])
def test_a_header_is_true_in_any_case_and_false_otherwise(sky: Sky, value: str, nests: bool) -> None:
    assert (sky.rows(QUERY, nested=value) == [NESTED_FIRST, NESTED_LAST]) is nests


def test_the_envelope_route_takes_the_same_headers(sky: Sky) -> None:
    with sky.http(nested="true") as client:
        answer = client.post("/timbr/api/query/", json={"ontology_name": "sky", "query": QUERY})
    assert answer.json() == {"status": "success", "data": [NESTED_FIRST, NESTED_LAST]}


def test_two_targets_of_one_relationship_keep_their_long_keys_when_minimized(sky: Sky) -> None:
    query = (
        "SELECT entity_id, `operates[flight].flight_no`, `operates[ferry].vessel` FROM dtimbr.carrier "
        "WHERE carrier_code = 'SEA'"
    )
    row = sky.rows(query, **headers("npm"))[0]
    assert set(row) == {"entity_id", "operates[flight]", "operates[ferry]"}
    assert sorted(one["vessel"] for one in row["operates[ferry]"]) == ["Gull", "Tern"]


def test_deeper_segments_nest_in_their_element(sky: Sky) -> None:
    query = (
        "SELECT entity_id, `works_on[flight].flight_no`, `works_on[flight].departs_from[airport].city` "
        "FROM dtimbr.crew WHERE first_name = 'Cy'"
    )
    assert sky.rows(query, nested="true") == [
        {
            "entity_id": "12",
            "works_on[flight]": [{"flight_no": "KIT301", "departs_from[airport]": [{"city": "New York"}]}],
        }
    ]
