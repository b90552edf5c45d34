"""Bulk writes under one parent, and the items of processings (contract sections 9.2 and 13)."""

from typing import Any

import pytest

from tests.contract.catalog.conftest import Catalog
from tests.serving import unique


def counts(total: int, created: int = 0, updated: int = 0) -> dict[str, int]:
    unchanged = total - created - updated
    return {"total": total, "created": created, "updated": updated, "deleted": 0, "unchanged": unchanged}


def test_fields_are_made_and_changed_in_bulk(catalog: Catalog) -> None:
    _, _, _, table_id, _ = catalog.table("a")
    path = f"/fields/bulk/{catalog.version_id}/{table_id}"
    body = [{"name": name, "type": "Column", "columnDataType": "Integer"} for name in ("b", "c")]
    assert catalog.ask("POST", path, json=body, expect=201) == counts(2, created=2)
    catalog.ask("POST", path, json=[{"name": "d", "type": "Column"}, body[0]], expect=400)
    upsert = [{"name": "d", "type": "Column"}, {**body[0], "upsert": True}]
    assert catalog.ask("POST", path, json=upsert, expect=201) == counts(2, created=1)
    change = [{"name": "a", "summary": "first"}, {"name": "b", "columnDataType": "Integer"}]
    assert catalog.ask("PUT", path, json=change) == counts(2, updated=1)
    catalog.ask("PUT", path, json=[{"name": "a", "summary": "lost"}, {"name": "nobody"}], expect=400)
    listed = catalog.get("/fields", versionId=catalog.version_id, parentId=table_id, includeAttributes="true")
    assert [(each["name"], each["attributes"]["summary"]) for each in listed["results"]] == [
        ("a", "first"),
        ("b", ""),
        ("c", ""),
        ("d", ""),
    ]


def test_sources_are_made_and_changed_in_bulk_up_to_a_hundred(catalog: Catalog) -> None:
    path, names = f"/sources/bulk/{catalog.version_id}", [unique("bulk") for _ in range(3)]
    body: list[dict[str, Any]] = [{"name": name, "type": "NoSql", "tags": ["CRM"]} for name in names]
    assert catalog.ask("POST", path, json=body, expect=201) == counts(3, created=3)
    change = [{"technicalName": name, "status": "Validated", "name": f"New {name}"} for name in names]
    assert catalog.ask("PUT", path, json=change) == counts(3, updated=3)
    found = catalog.get("/sources", versionId=catalog.version_id, technicalName=names[0], includeAttributes="true")
    assert (found["results"][0]["name"], found["results"][0]["attributes"]["tags"]) == (f"New {names[0]}", ["CRM"])
    many = [{"name": f"{names[0]} {number}", "type": "NoSql"} for number in range(101)]
    catalog.ask("POST", path, json=many, expect=400)


def test_containers_and_structures_in_bulk_keep_to_what_may_stand_there(catalog: Catalog) -> None:
    _, source_id, model_id, *_ = catalog.table()
    models = [{"name": "m2", "type": "Model"}, {"name": "m3", "type": "Directory"}]
    catalog.ask("POST", f"/containers/bulk/{catalog.version_id}/{source_id}", json=models, expect=400)
    assert catalog.get("/containers", versionId=catalog.version_id, parentId=source_id)["total_sum"] == 1
    tables = [{"name": "t2", "type": "Table"}, {"name": "v2", "type": "View"}]
    path = f"/structures/bulk/{catalog.version_id}/{model_id}"
    assert catalog.ask("POST", path, json=tables, expect=201) == counts(2, created=2)


@pytest.fixture
def processing(catalog: Catalog) -> str:
    flow = catalog.make("dataProcessing", catalog.workspace_id, name=unique("Nightly"), type="DataFlow")["id"]
    return str(catalog.make("dataProcessing", flow, name="Load", type="DataProcessing")["id"])


def items_of(catalog: Catalog, processing: str, key: str = "parentId") -> Any:
    return catalog.get(
        "/dataProcessingItem", versionId=catalog.version_id, includeAttributes="true", **{key: processing}
    )


def test_an_item_is_made_changed_and_deleted_with_its_ends(catalog: Catalog, processing: str) -> None:
    *_, fields = catalog.table("a", "b", "c")
    base = f"/dataProcessingItem/{catalog.version_id}/{processing}"
    body = {"name": "feet", "type": "Formula", "inputs": [fields["a"]], "outputs": [fields["b"]], "summary": None}
    item_id = catalog.ask("POST", base, json=body, expect=201)["id"]
    for key in ("parentId", "dataProcessingId"):
        (item,) = items_of(catalog, processing, key)["results"]
        assert (item["id"], item["type"], item["summary"]) == (item_id, "Formula", "")
        assert [end["id"] for end in item["inputs"]] == [fields["a"]]
        assert [end["typePath"] for end in item["outputs"]] == ["\\Relational\\Model\\Table\\Column"]
    detail = catalog.get(f"/dataProcessing/{catalog.version_id}/{processing}")
    assert [each["id"] for each in detail["dpItems"]] == [item_id]
    change = {"type": "Calculation", "addInputs": [fields["c"]], "removeInputs": [fields["a"]], "removeOutputs": []}
    assert catalog.ask("PUT", f"{base}/{item_id}", json=change) == {"id": item_id}
    (item,) = items_of(catalog, processing)["results"]
    assert (item["type"], [end["id"] for end in item["inputs"]]) == ("AnalyticalCalculation", [fields["c"]])
    lineage = catalog.get(f"/lineage/{catalog.version_id}/{fields['b']}", direction="upstream")
    assert fields["c"] in {node["id"] for node in lineage["nodes"]}
    assert catalog.ask("DELETE", f"{base}/{item_id}") == {}
    assert items_of(catalog, processing)["total_sum"] == 0


def test_items_in_bulk_name_their_ends_by_path_and_are_upserted(catalog: Catalog, processing: str) -> None:
    names, *_ = catalog.table("a", "b")
    path = f"/dataProcessingItem/bulk/{catalog.version_id}/{processing}"
    field = {"entityPath": f"\\{names['source']}\\ops\\berth\\a", "typePath": "\\Relational\\Model\\Table\\Column"}
    body = [{"name": "one", "type": "Copy", "inputs": [field], "outputs": []}, {"name": "two", "type": "Search"}]
    assert catalog.ask("POST", path, json=body, expect=201) == counts(2, created=2)
    assert catalog.ask("POST", path, json=body, expect=201) == counts(2)
    shown = {item["name"]: item for item in items_of(catalog, processing)["results"]}
    assert (shown["two"]["type"], shown["one"]["inputs"][0]["path"]) == ("Lookup", field["entityPath"])
    body.append({"name": "three", "type": "Copy", "inputs": [{**field, "entityPath": "\\nowhere"}]})
    catalog.ask("POST", path, json=body, expect=400)
    assert items_of(catalog, processing)["total_sum"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "x", "type": "Magic"},
        {"name": "x", "type": "Copy", "inputs": "a"},
        {"name": "x", "type": "Copy", "inputs": ["00000000-0000-4000-8000-000000000000"]},
        [],
    ],
    ids=str,
)
def test_an_item_that_cannot_be_is_refused(body: Any, catalog: Catalog, processing: str) -> None:
    catalog.ask("POST", f"/dataProcessingItem/{catalog.version_id}/{processing}", json=body, expect=400)
    assert items_of(catalog, processing)["total_sum"] == 0


def test_an_item_stands_under_a_processing_alone(catalog: Catalog) -> None:
    flow = catalog.make("dataProcessing", catalog.workspace_id, name=unique("Nightly"), type="DataFlow")["id"]
    body = {"name": "x", "type": "Copy"}
    catalog.ask("POST", f"/dataProcessingItem/{catalog.version_id}/{flow}", json=body, expect=400)
