"""The mass import: trees of objects, always upserts (contract sections 9.4, 9.5 and 13)."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.catalog.conftest import Catalog
from tests.serving import Served, unique


def counts(total: int, created: int = 0, updated: int = 0) -> dict[str, int]:
    return {
        "total": total,
        "created": created,
        "updated": updated,
        "deleted": 0,
        "unchanged": total - created - updated,
    }


def send(catalog: Catalog, route: str, body: Any, *, expect: int = 201) -> Any:
    return catalog.ask("POST", f"/{route}/bulktree/{catalog.version_id}", json=body, expect=expect)


def berths(name: str, **extra: Any) -> dict[str, Any]:
    column = {"name": "berth_id", "type": "Column", "columnDataType": "Integer"}
    berth = {"name": "berth", "type": "Table", "children": [column, {"name": "length_m", "type": "Column"}]}
    call = {"name": "call", "type": "Table", "children": [{"name": "berth_id", "type": "Column"}]}
    model = {"name": "ops", "type": "Model", "children": [berth, call]}
    return {"name": "Berth database", "technicalName": name, "type": "Relational", "children": [model], **extra}


def test_an_import_makes_a_tree_and_the_same_again_changes_nothing(server: Served, catalog: Catalog) -> None:
    owner = server.person(catalog="Steward")
    tree = berths(unique("berthdb"), owners=[owner.email], tags=["CRM"], summary="Berths and calls")
    assert send(catalog, "sources", tree) == counts(7, created=7)
    assert send(catalog, "sources", tree) == counts(7)
    found = catalog.get("/sources", versionId=catalog.version_id, technicalName=tree["technicalName"])["results"][0]
    detail = catalog.get(f"/{found['location']}")
    assert detail["childrenCount"] == 6
    assert (detail["attributes"]["owners"], detail["attributes"]["tags"]) == ([owner.email], ["CRM"])


def test_what_a_later_import_does_not_send_stays(catalog: Catalog) -> None:
    name = unique("berthdb")
    send(catalog, "sources", berths(name, summary="kept", status="Validated"))
    bare = {"name": "berth", "type": "Table", "children": [{"name": "draft_m", "type": "Column"}]}
    part = {
        "name": "Berth database",
        "technicalName": name,
        "type": "Relational",
        "children": [{"name": "ops", "type": "Model", "children": [bare]}],
    }
    assert send(catalog, "sources", part) == counts(4, created=1)
    found = catalog.get("/sources", versionId=catalog.version_id, technicalName=name)["results"][0]
    detail = catalog.get(f"/{found['location']}")
    assert (detail["attributes"]["summary"], detail["attributes"]["status"]) == ("kept", "Validated")
    assert detail["childrenCount"] == 7


def test_a_renamed_source_takes_new_and_old_children_along(catalog: Catalog) -> None:
    name = unique("berthdb")
    send(catalog, "sources", berths(name))
    tree = berths(name)
    tree["name"] = "Renamed"
    tree["children"].append({"name": "new", "type": "Model"})
    assert send(catalog, "sources", tree) == counts(8, created=1, updated=1)
    source = catalog.get("/sources", versionId=catalog.version_id, technicalName=name)["results"][0]
    for route in ("containers", "fields"):
        listed = catalog.get(f"/{route}", versionId=catalog.version_id, parentId=source["id"])["results"]
        assert {each["functionalPath"].split("\\")[1] for each in listed} == {"Renamed"}


def test_nodes_may_carry_everything_that_was_read(catalog: Catalog) -> None:
    name = unique("berthdb")
    send(catalog, "sources", berths(name))
    source = catalog.get("/sources", versionId=catalog.version_id, technicalName=name)["results"][0]
    read = catalog.get(f"/{source['location']}")
    node = {**read, **read["attributes"], "children": []}
    assert send(catalog, "sources", node) == counts(1)


@pytest.mark.parametrize(
    "child",
    [
        {"name": "x", "type": "Directory"},
        {"name": "x", "type": "Column"},
        {"type": "Model"},
        {"name": "x"},
        "text",
        {"name": "x", "type": "Model", "tags": ["No such tag"]},
        {"name": "x", "type": "Model", "status": "Done"},
    ],
    ids=str,
)
def test_one_bad_node_and_nothing_of_the_tree_is_written(child: Any, catalog: Catalog) -> None:
    name = unique("berthdb")
    tree = berths(name)
    tree["children"].append(child)
    send(catalog, "sources", tree, expect=400)
    assert catalog.get("/sources", versionId=catalog.version_id, technicalName=name)["total_sum"] == 0


def test_an_import_drops_unknown_addresses(server: Served, catalog: Catalog) -> None:
    name, owner = unique("berthdb"), server.person(catalog="Steward")
    send(catalog, "sources", berths(name, owners=["stranger@elsewhere.example", owner.email]))
    found = catalog.get("/sources", versionId=catalog.version_id, technicalName=name, includeAttributes="true")[
        "results"
    ][0]
    assert found["attributes"]["owners"] == [owner.email]


def test_the_glossary_and_usages_are_imported_as_lists_of_trees(catalog: Catalog) -> None:
    port = unique("Port")
    term = {"name": "Berth length", "type": "BusinessTerm", "status": "Validated", "code": "BL"}
    tree = {"name": port, "type": "Universe", "children": [{"name": "Berth", "type": "Concept", "children": [term]}]}
    assert send(catalog, "properties", [tree]) == counts(3, created=3)
    planner = {"name": unique("planner"), "type": "Application", "children": [{"name": "Load", "type": "Dashboard"}]}
    assert send(catalog, "usages", [planner, planner]) == counts(2, created=2)
    paths = [each["path"] for each in catalog.get("/properties", versionId=catalog.version_id, limit=5000)["results"]]
    assert [path for path in paths if path.startswith(f"\\{port}")] == [
        f"\\{port}",
        f"\\{port}\\Berth",
        f"\\{port}\\Berth\\Berth length",
    ]


def test_processings_bring_their_items_and_what_flows_through_them(catalog: Catalog) -> None:
    source = unique("berthdb")
    send(catalog, "sources", berths(source))

    def end(table: str, column: str) -> dict[str, str]:
        path = f"\\{source}\\ops\\{table}\\{column}"
        return {"entityPath": path, "typePath": "\\Relational\\Model\\Table\\Column"}

    item = {"name": "berth", "type": "Search", "summary": "as is"}
    item |= {"inputs": [end("berth", "berth_id")], "outputs": [end("call", "berth_id")]}
    load = {"name": "Load calls", "type": "DataProcessing", "children": [], "dataProcessingItems": [item]}
    flow = {"name": unique("Nightly"), "type": "DataFlow", "children": [load]}
    once = counts(1, created=1)
    details = {"dataProcessings": counts(2, created=2), "dataProcessingItems": once, "inputs": once, "outputs": once}
    assert send(catalog, "dataProcessing", [flow]) == {**counts(2, created=2), "details": details}
    again = {"dataProcessings": counts(2), "dataProcessingItems": counts(1), "inputs": counts(1), "outputs": counts(1)}
    assert send(catalog, "dataProcessing", [flow]) == {**counts(2), "details": again}
    item["inputs"] = [{"entityPath": "\\nowhere", "typePath": "\\NoSql"}]
    item["name"] = "not written"
    send(catalog, "dataProcessing", [flow], expect=400)


def test_two_imports_of_one_tree_at_once_make_one_tree(server: Served, catalog: Catalog) -> None:
    tree = berths(unique("race"))

    def run(_: int) -> Any:
        with server.http("catalog", server.admin.token) as client:
            return client.post(f"/sources/bulktree/{catalog.version_id}", json=tree).json()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(run, range(4)))
    assert sorted(answer["created"] for answer in answers) == [0, 0, 0, 7]


def test_ten_thousand_objects_are_imported_in_well_under_five_seconds(catalog: Catalog) -> None:
    tables = [
        {"name": f"t{t}", "type": "Table", "children": [{"name": f"c{c}", "type": "Column"} for c in range(99)]}
        for t in range(100)
    ]
    tree = {
        "name": unique("large"),
        "type": "Relational",
        "children": [{"name": "m", "type": "Model", "children": tables}],
    }
    began = time.monotonic()
    assert send(catalog, "sources", tree) == counts(10_002, created=10_002)
    assert time.monotonic() - began < 5
    assert send(catalog, "sources", tree) == counts(10_002)
    source = catalog.get("/sources", versionId=catalog.version_id, technicalName=tree["name"])["results"][0]
    page = catalog.get("/fields", versionId=catalog.version_id, parentId=source["id"], limit=5000)
    assert (page["pages"], page["total"], page["total_sum"]) == (2, 5000, 9900)
    assert catalog.ask("DELETE", f"/sources/bulk/{catalog.version_id}", json=[source["id"]]) == {"totalDeleted": 10_002}
