"""pytimbr-api, unchanged, against a real server. Source: contracts/semantic.md, 13."""

from urllib.parse import urlsplit

import pytest
from pytimbr_api import timbr_http_connector as timbr

from tests.contract.semantic.conftest import Sky, sky
from tests.serving import until

__all__ = ["sky"]
QUERY = "SELECT entity_id, `departs_from[airport].city` FROM dtimbr.flight WHERE flight_id = 4"


def test_run_query_gives_rows(sky: Sky) -> None:
    rows = timbr.run_query(
        sky.server.base("semantic"), "sky", sky.reader.token, "SELECT COUNT(*) AS n FROM timbr.flight"
    )
    assert rows == [{"n": 6}]


def test_run_query_nests_and_takes_additional_headers(sky: Sky) -> None:
    rows = timbr.run_query(
        sky.server.base("semantic"), "sky", sky.reader.token, QUERY, nested="true", datasource="local",
        additional_headers={"api_nested_format_properties": "true", "results_limit": "10"},
    )  # fmt: skip
    assert rows == [{"entity_id": "4", "departs_from[airport]": [{"cityName": "New York"}]}]


def test_an_error_is_raised_with_its_text(sky: Sky) -> None:
    with pytest.raises(Exception, match="planet"):
        timbr.run_query(sky.server.base("semantic"), "sky", sky.reader.token, "SELECT * FROM timbr.planet")
    with pytest.raises(Exception, match="401 Unauthorized"):
        timbr.run_query(sky.server.base("semantic"), "sky", "tk_none", QUERY)


def test_an_asynchronous_query_is_polled_and_fetched_once(sky: Sky) -> None:
    base, token = sky.server.base("semantic"), sky.reader.token
    submitted = timbr.run_query(base, "sky", token, QUERY, nested="true", is_async=True)
    assert submitted["async"] is True
    done = until(lambda: _unless_running(timbr.get_async_result(base, submitted["response_id"], token)))
    assert done == {
        "status": "completed",
        "response": [{"entity_id": "4", "departs_from[airport]": [{"city": "New York"}]}],
        "original_status_code": 200,
    }
    with pytest.raises(Exception, match="expired or already fetched"):
        timbr.get_async_result(base, submitted["response_id"], token)


def test_an_asynchronous_query_that_fails_tells_why(sky: Sky) -> None:
    base, token = sky.server.base("semantic"), sky.reader.token
    submitted = timbr.run_query(base, "sky", token, "SELECT nothing FROM timbr.flight", is_async=True)
    done = until(lambda: _unless_running(timbr.get_async_result(base, submitted["response_id"], token)))
    assert done["status"] == "error"
    assert "nothing" in done["error"]


def _unless_running(result: dict[str, object]) -> dict[str, object] | None:
    return None if result["status"] == "running" else result


def test_the_older_functions_work(sky: Sky) -> None:
    url = urlsplit(sky.server.base("semantic"))
    # These build their own base URL out of host and port; the path of ours goes where they put the port.
    port = f"{url.port}{url.path}"
    query = "SELECT airport_code FROM timbr.airport WHERE airport_code = 'FRA'"
    rows = [{"airport_code": "FRA"}]
    assert timbr.simpleQueryExecution(sky.server.base("semantic"), "sky", sky.reader.token, query) == rows
    assert timbr.advancedQueryExecute(url.hostname, port, "sky", sky.reader.token, query, enabled_ssl=False) == rows
    envelope = timbr.executeQuery(url.hostname, port, "sky", sky.reader.token, query, enabled_ssl=False)
    assert envelope == {"status": "success", "data": rows}
