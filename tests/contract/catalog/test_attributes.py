"""Custom attributes and the values of lists (contract section 10)."""

from typing import Any

import pytest

from tests.contract.catalog.conftest import Catalog
from tests.serving import unique

KEYS = {
    "name",
    "attributeKey",
    "format",
    "dataType",
    "description",
    "defaultValue",
    "isCustom",
    "isMandatory",
    "isEditable",
}
DATA_TYPES = ["source", "container", "structure", "field", "property", "dataprocessing", "usage"]


def attribute(catalog: Catalog, data_type: str, format_: str, **more: Any) -> Any:
    body = {"name": unique("Trust grade"), "format": format_, "description": "", **more}
    return catalog.ask("POST", f"/attributes/{data_type}", json=body, expect=201)


def test_common_attributes_are_identical_in_every_list(catalog: Catalog) -> None:
    attribute(catalog, "common", "Text")
    lists = [catalog.get("/attributes", dataType=word) for word in DATA_TYPES]
    commons = [[each for each in listed if each["dataType"] == "Common"] for listed in lists]
    assert all(common == commons[0] for common in commons)
    keys = {each["attributeKey"] for each in commons[0]}
    assert {"status", "owners", "stewards", "Domains", "summary", "description"} <= keys
    assert all(set(each) >= KEYS for listed in lists for each in listed)
    assert "columnDataType" in {each["attributeKey"] for each in lists[3]}


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("Text", "gold", 1),
        ("Number", 10, "ten"),
        ("Boolean", True, "true"),
        ("Date", "2026-03-01", "tomorrow"),
        ("HtmlLink", {"name": "wiki", "url": "https://wiki.example"}, 1),
        ("MultiValueList", ["a", "b"], "a"),
        ("PersonReference", ["a@b.example"], "a@b.example"),
    ],
)
def test_a_custom_attribute_is_written_and_read_under_its_name(
    format_: str, good: Any, bad: Any, catalog: Catalog
) -> None:
    made = attribute(catalog, "source", format_)
    source = catalog.make("sources", name=unique(), type="NoSql", **{made["name"]: good})
    path = f"/{source['location']}"
    assert catalog.get(path)["attributes"][made["name"]] == good
    error = catalog.ask("PUT", path, json={made["name"]: bad}, expect=400)["error"]
    assert made["name"] in error["message"]
    catalog.ask("PUT", path, json={made["name"]: None})
    assert catalog.get(path)["attributes"][made["name"]] is None


def test_a_value_list_has_values_and_a_default(catalog: Catalog) -> None:
    made = attribute(catalog, "field", "ValueList")
    query = {"dataType": "field", "attributeKey": made["attributeKey"]}
    values = [{"key": "gold", "value": "gold"}, {"key": "silver", "value": "silver"}]
    assert catalog.ask("POST", "/attributes/values", params=query, json=["gold", "silver"]) == values
    assert catalog.ask("POST", "/attributes/values", params=query, json=["gold"]) == values
    assert catalog.get("/attributes/values", **query) == values
    path = f"/attributes/field/{made['attributeKey']}"
    assert catalog.ask("PUT", path, json={"defaultValue": "silver"})["defaultValue"] == "silver"
    catalog.ask("PUT", path, json={"defaultValue": "bronze"}, expect=400)
    *_, fields = catalog.table("a")
    field = f"/fields/{catalog.version_id}/{fields['a']}"
    assert catalog.get(field)["attributes"][made["name"]] == "silver"
    catalog.ask("PUT", field, json={made["name"]: "gold"})
    catalog.ask("PUT", field, json={made["name"]: "bronze"}, expect=400)
    assert catalog.get(field)["attributes"][made["name"]] == "gold"


def test_a_deleted_attribute_goes_from_every_object(catalog: Catalog) -> None:
    made, other = attribute(catalog, "source", "Text"), attribute(catalog, "source", "Text")
    source = catalog.make("sources", name=unique(), type="NoSql", **{made["name"]: "x", other["name"]: "y"}, code="C")
    path = f"/attributes/source/{made['attributeKey']}"
    assert catalog.ask("DELETE", path)["attributeKey"] == made["attributeKey"]
    attributes = catalog.get(f"/{source['location']}")["attributes"]
    assert made["name"] not in attributes
    assert made["attributeKey"] not in attributes
    assert (attributes[other["name"]], attributes["code"]) == ("y", "C")
    catalog.ask("DELETE", path, expect=404)


def test_a_read_attribute_posted_back_makes_one_with_a_new_key(catalog: Catalog) -> None:
    made = attribute(catalog, "usage", "Text")
    copy = catalog.ask("POST", "/attributes/property", json=made, expect=201)
    assert copy["attributeKey"] != made["attributeKey"]
    assert copy["dataType"] == "Property"
    catalog.ask("POST", "/attributes/usage", json=made, expect=400)


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "status", "format": "Text"}, {"name": "x", "format": "Colour"}, {"name": "", "format": "Text"}],
)
def test_an_attribute_that_cannot_be_is_refused(body: dict[str, Any], catalog: Catalog) -> None:
    catalog.ask("POST", "/attributes/field", json=body, expect=400)
    catalog.ask("POST", "/attributes/kitchen", json={"name": unique(), "format": "Text"}, expect=400)


def test_bulk_creation_is_all_or_nothing(catalog: Catalog) -> None:
    good, other = unique("bulk"), unique("bulk")
    bad = [{"name": good, "format": "Number", "dataType": "Common"}, {"name": other, "format": "Number"}]
    catalog.ask("POST", "/attributes/bulk", json=bad, expect=400)
    bad[1]["dataType"] = "Field"
    made = catalog.ask("POST", "/attributes/bulk", json=bad, expect=201)
    assert [each["dataType"] for each in made] == ["Common", "Field"]
    changed = catalog.ask("PUT", "/attributes/bulk", json=[{**made[0], "description": "years"}])
    assert changed[0]["description"] == "years"


def test_tags_are_the_values_of_domains(catalog: Catalog) -> None:
    label, query = unique("Reefer"), {"dataType": "common", "attributeKey": "Domains"}
    body = [{"label": label, "color": "aqua"}, {"label": "GDPR", "description": "not overwritten"}]
    answer = catalog.ask("POST", "/attributes/values", params=query, json=body)
    assert answer == catalog.get("/attributes/values", **query)
    tags = {each["label"]: each for each in answer}
    assert tags[label]["color"] == "aqua"
    assert tags["GDPR"]["description"] != "not overwritten"
    assert catalog.make("sources", name=unique(), type="NoSql", Domains=[label])["id"]
