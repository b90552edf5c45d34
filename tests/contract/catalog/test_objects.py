"""Objects: types and parents, paths, create, upsert, change, delete, list (contract sections 7 to 9)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.contract.catalog.conftest import Catalog, connect
from tests.serving import Served, unique


def test_an_object_shows_its_path_in_names_types_and_display_names(catalog: Catalog) -> None:
    source = unique("harbour")
    source_id = catalog.make("sources", name="Harbour", technicalName=source, type="Relational")["id"]
    model_id = catalog.make("containers", source_id, name="Operations", technicalName="ops", type="Model")["id"]
    table_id = catalog.make("structures", model_id, name="berth", type="Table")["id"]
    made = catalog.make("fields", table_id, name="berth_id", type="Column", columnDataType="Integer")
    field = catalog.get(f"/{made['location']}")
    assert field["path"] == f"\\{source}\\ops\\berth\\berth_id"
    assert field["typePath"] == "\\Relational\\Model\\Table\\Column"
    assert field["functionalPath"] == "\\Harbour\\Operations\\berth\\berth_id"
    assert field["location"] == made["location"] == f"fields/{catalog.version_id}/{made['id']}"
    assert field["parent"] == {
        "id": table_id,
        "name": "berth",
        "technicalName": "berth",
        "type": "Table",
        "dataType": "Structure",
    }
    assert field["attributes"]["columnDataType"] == "Integer"
    assert field["attributes"]["logicalParentData"]["parentList"] == [source_id, model_id]
    assert catalog.get(f"/sources/{catalog.version_id}/{source_id}")["childrenCount"] == 3


@pytest.mark.parametrize("form", ["{id}", "{workspace}:{id}"])
def test_an_object_id_is_taken_plain_and_composite(form: str, catalog: Catalog) -> None:
    made = catalog.make("sources", name=unique(), type="NoSql")
    object_id = form.format(id=made["id"], workspace=catalog.workspace_id)
    assert catalog.get(f"/sources/{catalog.version_id}/{object_id}")["id"] == made["id"]
    assert catalog.make("containers", object_id, name="inside", type="Model")["id"]


@pytest.mark.parametrize(
    "object_id",
    ["not-an-id", "00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000000:{id}", "x:{id}"],
)
def test_an_unknown_object_is_not_found(object_id: str, catalog: Catalog) -> None:
    made = catalog.make("sources", name=unique(), type="NoSql")
    path = f"/sources/{catalog.version_id}/{object_id.format(id=made['id'])}"
    error = catalog.get(path, expect=404)["error"]
    assert error["status"] == 404


@pytest.mark.parametrize("version_id", ["v1", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_version_is_not_found(version_id: str, catalog: Catalog) -> None:
    assert catalog.get("/sources", versionId=version_id, expect=404)["error"]["status"] == 404
    assert catalog.ask("POST", f"/sources/{version_id}", json={"name": "x", "type": "NoSql"}, expect=404)


ALLOWED = [
    ("Relational", "containers", "Model"),
    ("Relational", "structures", "Table"),
    ("NonRelational", "containers", "Directory"),
    ("NonRelational", "structures", "File"),
    ("NoSql", "structures", "Document"),
    ("TagBase", "containers", "Equipment"),
    ("TagBase", "structures", "Tag"),
]
REFUSED = [
    ("Relational", "containers", "Directory"),
    ("Relational", "fields", "Column"),
    ("NonRelational", "structures", "Table"),
    ("TagBase", "structures", "File"),
    ("NoSql", "containers", "Equipment"),
]


@pytest.mark.parametrize(("above", "route", "type_"), ALLOWED)
def test_a_type_stands_where_it_may(above: str, route: str, type_: str, catalog: Catalog) -> None:
    parent = catalog.make("sources", name=unique(), type=above)["id"]
    assert catalog.make(route, parent, name="x", type=type_)["id"]


@pytest.mark.parametrize(("above", "route", "type_"), REFUSED)
def test_a_type_is_refused_where_it_may_not_stand(above: str, route: str, type_: str, catalog: Catalog) -> None:
    parent = catalog.make("sources", name=unique(), type=above)["id"]
    error = catalog.make(route, parent, name="x", type=type_, expect=400)["error"]
    assert type_ in error["message"]
    assert catalog.get(f"/sources/{catalog.version_id}/{parent}")["childrenCount"] == 0


def test_types_are_told_with_what_they_hold_and_how_they_link(catalog: Catalog) -> None:
    entries = {entry["type"]: entry for entry in catalog.get("/sources/types")}
    assert list(entries) == ["Relational", "NonRelational", "NoSql", "TagBase"]
    assert {"Model", "Table", "View"} <= set(entries["Relational"]["compatibleChildren"])
    links = {link["type"]: link["targets"] for link in entries["Relational"]["links"]}
    assert {"Concept", "BusinessTerm"} <= set(links["Implements"])
    for route in ("containers", "structures", "fields", "properties", "dataProcessing", "usages"):
        assert catalog.get(f"/{route}/types")


def test_without_upsert_an_existing_object_is_not_overwritten(catalog: Catalog) -> None:
    name = unique()
    first = catalog.make("sources", name=name, type="NoSql", summary="kept")
    error = catalog.make("sources", name=name, type="NoSql", summary="lost", expect=400)["error"]
    assert name in error["message"]
    assert catalog.get(f"/{first['location']}")["attributes"]["summary"] == "kept"


def test_two_siblings_may_share_a_technical_name_if_their_types_differ(catalog: Catalog) -> None:
    _, source_id, model_id, table_id, _ = catalog.table("a", "b")
    view_id = catalog.make("structures", model_id, name="berth", type="View")["id"]
    catalog.make("fields", view_id, name="v", type="Column")
    listed = catalog.get("/fields", versionId=catalog.version_id, parentId=table_id)
    assert [each["name"] for each in listed["results"]] == ["a", "b"]
    assert catalog.get(f"/structures/{catalog.version_id}/{table_id}")["childrenCount"] == 2
    catalog.ask("DELETE", f"/structures/{catalog.version_id}/{table_id}")
    assert catalog.get("/fields", versionId=catalog.version_id, parentId=source_id)["total_sum"] == 1


def test_an_upsert_changes_what_is_sent_and_leaves_the_rest(server: Served, catalog: Catalog) -> None:
    owner = server.person(catalog="Steward")
    name = unique()
    first = catalog.make("sources", name=name, type="NoSql", owners=[owner.email], tags=["GDPR"], code="A1")
    again = catalog.make("sources", name=name, type="NoSql", status="Validated", upsert=True)
    assert again == first
    attributes = catalog.get(f"/{first['location']}")["attributes"]
    assert attributes["status"] == "Validated"
    assert (attributes["owners"], attributes["tags"], attributes["code"]) == ([owner.email], ["GDPR"], "A1")


def test_of_eight_upserts_at_once_of_one_technical_name_one_object_comes(server: Served, catalog: Catalog) -> None:
    name = unique("race")

    def upsert(number: int) -> tuple[int, Any]:
        with server.http("catalog", server.admin.token) as client:
            body = {"name": name, "type": "NoSql", "summary": str(number), "upsert": True}
            answer = client.post(f"/sources/{catalog.version_id}", json=body)
            return answer.status_code, answer.json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(upsert, range(8)))
    assert {status for status, _ in answers} == {201}
    assert len({body["id"] for _, body in answers}) == 1
    assert catalog.get("/sources", versionId=catalog.version_id, name=name)["total_sum"] == 1


def test_put_changes_what_is_sent_and_null_clears(catalog: Catalog) -> None:
    made = catalog.make("sources", name=unique(), type="NoSql", summary="s", description="d", tags=["GDPR"], code="A1")
    path = f"/{made['location']}"
    assert catalog.ask("PUT", path, json={"summary": None, "tags": [], "code": "", "status": "Obsolete"}) == made
    attributes = catalog.get(path)["attributes"]
    assert (attributes["summary"], attributes["tags"], attributes["status"]) == ("", [], "Obsolete")
    assert "code" not in attributes
    assert attributes["description"] == "d"
    assert attributes["lastModificationTime"] > attributes["creationTime"]


def test_a_new_display_name_reaches_the_paths_below(catalog: Catalog) -> None:
    names, source_id, _, _, fields = catalog.table("berth_id")
    catalog.ask("PUT", f"/sources/{catalog.version_id}/{source_id}", json={"name": "New \\ name"})
    field = catalog.get(f"/fields/{catalog.version_id}/{fields['berth_id']}")
    assert field["functionalPath"] == "\\New / name\\ops\\berth\\berth_id"
    assert field["path"] == f"\\{names['source']}\\ops\\berth\\berth_id"


@pytest.mark.parametrize(
    "change", [{"type": "Relational"}, {"technicalName": "other"}, {"name": ""}, {"status": 3}, []]
)
def test_put_refuses_what_cannot_be(change: Any, catalog: Catalog) -> None:
    made = catalog.make("sources", name=unique(), type="NoSql")
    before = catalog.get(f"/{made['location']}")
    catalog.ask("PUT", f"/{made['location']}", json=change, expect=400)
    assert catalog.get(f"/{made['location']}") == before


def test_delete_takes_all_below_and_answers_with_a_body(catalog: Catalog) -> None:
    _, source_id, _, table_id, fields = catalog.table("a")
    assert catalog.ask("DELETE", f"/sources/{catalog.version_id}/{source_id}") == {}
    catalog.get(f"/structures/{catalog.version_id}/{table_id}", expect=404)
    catalog.get(f"/fields/{catalog.version_id}/{fields['a']}", expect=404)


def test_bulk_delete_counts_the_children_and_passes_over_unknown_ids(catalog: Catalog) -> None:
    _, source_id, *_ = catalog.table("a", "b")
    other = catalog.make("sources", name=unique(), type="NoSql")["id"]
    ids = [source_id, f"{catalog.workspace_id}:{other}", "00000000-0000-4000-8000-000000000000", "nonsense"]
    assert catalog.ask("DELETE", f"/sources/bulk/{catalog.version_id}", json=ids) == {"totalDeleted": 6}


def test_a_read_object_may_be_posted_back_whole(catalog: Catalog) -> None:
    made = catalog.make("sources", name=unique(), type="NoSql", summary="s", tags=["CRM"])
    read = catalog.get(f"/{made['location']}")
    again = catalog.ask(
        "POST", f"/sources/{catalog.version_id}", json={**read, "technicalName": unique("copy")}, expect=201
    )
    assert again["id"] != made["id"]
    attributes = catalog.get(f"/{again['location']}")["attributes"]
    assert (attributes["summary"], attributes["tags"]) == ("s", ["CRM"])


def test_unknown_keys_are_ignored_and_named_in_a_header(catalog: Catalog) -> None:
    body = {"name": unique(), "type": "NoSql", "colour of the cover": "blue", "päth": 1}
    answer = catalog.client.post(f"/sources/{catalog.version_id}", json=body)
    assert answer.status_code == 201
    assert answer.headers["x-ignored-keys"] == "colour of the cover, p%C3%A4th"


def test_the_body_is_json_whatever_its_content_type_says(catalog: Catalog) -> None:
    for headers in ({}, {"content-type": "text/plain"}):
        content = f'{{"name": "{unique()}", "type": "NoSql"}}'
        answer = catalog.client.post(f"/sources/{catalog.version_id}", content=content, headers=headers)
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'"text"', b"null", b'{"name": "a\\u0000b", "type": "NoSql"}'])
def test_a_body_that_is_no_object_is_refused(content: bytes, catalog: Catalog) -> None:
    answer = catalog.client.post(f"/sources/{catalog.version_id}", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == 400


@pytest.mark.parametrize(
    "payload",
    [
        {"name": "x" * 1001},
        {"name": 7},
        {"technicalName": "a\\b"},
        {"owners": "not a list"},
        {"tags": [1]},
        {"description": {"html": "x"}},
        {"startDate": "tomorrow"},
        {"isIndexed": "yes"},
        {"size": "big"},
        {"externalUrl": {"name": "x", "url": "javascript:alert(1)"}},
        {"columnDataType": "Text"},
    ],
    ids=str,
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(payload: dict[str, Any], catalog: Catalog) -> None:
    name = unique("bad")
    body = {"name": name, "type": "NoSql", "summary": name, **payload}
    error = catalog.make("sources", expect=400, **body)["error"]
    assert next(iter(payload)) in error["message"]
    assert catalog.get("/sources", versionId=catalog.version_id, name=name)["total_sum"] == 0


# -- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_pages_by_an_absolute_address_that_keeps_the_query(server: Served, catalog: Catalog) -> None:
    _, source_id, *_ = catalog.table("a", "b", "c", "d", "e")
    query = {"versionId": catalog.version_id, "parentId": source_id, "limit": "2", "includeLinks": "true", "X": "a b"}
    page = catalog.get("/fields", **query)
    assert (page["pages"], page["total"], page["total_sum"]) == (3, 2, 5)
    names = [each["name"] for each in page["results"]]
    url = page["next_page"]
    assert url.startswith(f"{server.base('catalog')}/fields?")
    kept = dict(parse_qsl(urlsplit(url).query))
    assert {key: kept[key] for key in query} == query
    assert kept["page"] == "2"
    while url is not None:
        # Nothing but the Authorization header, as clients fetch it.
        page = httpx.get(url, headers={"authorization": f"Bearer {server.admin.token}"}).json()
        assert all(each["links"] == {} for each in page["results"])
        names += [each["name"] for each in page["results"]]
        url = page["next_page"]
    assert names == ["a", "b", "c", "d", "e"]
    assert page["total"] == 1


def test_pages_by_number_alone_are_the_same_pages(catalog: Catalog) -> None:
    _, source_id, *_ = catalog.table("a", "b", "c")
    query = {"versionId": catalog.version_id, "parentId": source_id, "limit": 2}
    second = catalog.get("/fields", page=2, **query)
    assert [each["name"] for each in second["results"]] == ["c"]
    assert second["next_page"] is None
    beyond = catalog.get("/fields", page=9, **query)
    assert (beyond["results"], beyond["total"], beyond["total_sum"], beyond["next_page"]) == ([], 0, 3, None)


@pytest.mark.parametrize("host", ["catalog.example.org", "catalog.example.org:8443"])
def test_the_next_page_is_at_the_host_that_the_client_used(host: str, catalog: Catalog) -> None:
    _, source_id, *_ = catalog.table("a", "b")
    parameters = {"versionId": catalog.version_id, "parentId": source_id, "limit": "1"}
    page = catalog.ask("GET", "/fields", params=parameters, headers={"host": host})
    assert page["next_page"].startswith(f"http://{host}/catalog/v2/fields?")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 5001}, {"limit": "x"}, {"page": 0}, {"maxDepth": -1}])
def test_a_parameter_out_of_range_is_refused(query: dict[str, Any], catalog: Catalog) -> None:
    error = catalog.get("/sources", versionId=catalog.version_id, expect=400, **query)["error"]
    assert next(iter(query)) in error["message"]


def test_the_version_is_required(catalog: Catalog) -> None:
    assert "versionId" in catalog.get("/sources", expect=400)["error"]["message"]


def test_parameters_that_clients_get_wrong_are_ignored(catalog: Catalog) -> None:
    catalog.get("/sources", versionId=catalog.version_id, Limit="2500", parentId="undefined", nonsense="1")


def test_depth_zero_gives_the_direct_children(catalog: Catalog) -> None:
    _, source_id, model_id, table_id, _ = catalog.table("a")
    query = {"versionId": catalog.version_id, "maxDepth": 0}
    assert [each["id"] for each in catalog.get("/structures", parentId=model_id, **query)["results"]] == [table_id]
    assert catalog.get("/structures", parentId=source_id, **query)["results"] == []
    assert catalog.get("/structures", parentId=source_id, maxDepth=1, versionId=catalog.version_id)["total_sum"] == 1


def test_lists_filter_by_name_technical_name_and_type(catalog: Catalog) -> None:
    _, source_id, model_id, table_id, _ = catalog.table("a")
    catalog.make("structures", model_id, name="Arrivals", technicalName="arr", type="View")
    query = {"versionId": catalog.version_id, "parentId": source_id}
    assert [each["id"] for each in catalog.get("/structures", name="berth", **query)["results"]] == [table_id]
    assert catalog.get("/structures", technicalName="arr", **query)["results"][0]["name"] == "Arrivals"
    assert catalog.get("/structures", type="View", **query)["total_sum"] == 1
    assert catalog.get("/structures", type="File", **query)["total_sum"] == 0


def test_optional_parts_are_there_exactly_when_asked_for(catalog: Catalog) -> None:
    _, source_id, *_ = catalog.table("a")
    query = {"versionId": catalog.version_id, "parentId": source_id}
    plain = catalog.get("/fields", **query)["results"][0]
    assert not {"attributes", "links", "accessData"} & set(plain)
    asked = {"includeAttributes": "true", "includeLinks": "true", "includeAccessData": "true"}
    full = catalog.get("/fields", **query, **asked)["results"][0]
    assert full["links"] == {}
    assert full["attributes"]["technicalName"] == "a"
    assert full["accessData"]["hasWriteAccess"] is True


# -- who may ---------------------------------------------------------------------------------------------------------


def test_a_reader_reads_and_is_refused_to_write_with_401(server: Served, catalog: Catalog) -> None:
    reader = connect(server, server.person(catalog="Reader").token)
    made = catalog.make("sources", name=unique(), type="NoSql")
    shown = reader.get(f"/{made['location']}")
    assert shown["id"] == made["id"]
    name = unique("forbidden")
    error = reader.make("sources", name=name, type="NoSql", expect=401)["error"]
    assert error["status"] == 401
    reader.ask("PUT", f"/{made['location']}", json={"summary": "x"}, expect=401)
    reader.ask("DELETE", f"/{made['location']}", expect=401)
    assert catalog.get("/sources", versionId=catalog.version_id, name=name)["total_sum"] == 0
    workspace = reader.get("/workspaces")["projects"][0]
    assert workspace["canCreateEntities"] is False


def test_a_token_without_a_role_in_the_catalogue_opens_nothing(server: Served) -> None:
    stranger = server.person(vault="dvb_user")
    with server.http("catalog", stranger.token) as client:
        answer = client.get("/workspaces")
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, 401)


@pytest.mark.parametrize("token", ["nonsense", "tsi_" + "0" * 64, "a.b.c"])
def test_an_unknown_token_is_refused(token: str, server: Served) -> None:
    with server.http("catalog", token) as client:
        answer = client.get("/workspaces")
    assert answer.status_code == 401
    assert set(answer.json()["error"]) == {"message", "status"}


def test_unknown_paths_and_verbs_have_the_envelope_too(catalog: Catalog) -> None:
    assert catalog.get("/nothing", expect=404)["error"]["status"] == 404
    assert catalog.ask("DELETE", "/workspaces", expect=501)["error"]["status"] == 501


def test_every_answer_says_how_many_requests_are_left(catalog: Catalog) -> None:
    for path in ("/workspaces", "/nothing"):
        assert int(catalog.client.get(path).headers["x-ratelimit-remaining"]) > 0
