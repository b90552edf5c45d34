"""Links and the lineage that they draw; the warehouse describing itself (contract sections 14 and 22)."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tessera.kernel import events
from tessera.kernel.db import Database, Tx
from tests.contract.catalog.conftest import Catalog
from tests.serving import Served, unique, until


@pytest.fixture
def term(catalog: Catalog) -> str:
    universe = catalog.make("properties", catalog.workspace_id, name=unique("Port"), type="Universe")["id"]
    return str(catalog.make("properties", universe, name="Berth length", type="BusinessTerm")["id"])


def shown(catalog: Catalog, object_id: str) -> Any:
    return catalog.get(f"/links/{catalog.version_id}/{object_id}")


def test_a_link_shows_at_each_end_under_its_own_name(catalog: Catalog, term: str) -> None:
    *_, fields = catalog.table("length_m")
    body = {"toId": term, "type": "Implements"}
    made = catalog.ask("POST", f"/links/{catalog.version_id}/{fields['length_m']}", json=body, expect=201)
    here = {
        "linkType": "Implements",
        "toId": term,
        "name": "Berth length",
        "module": "glossary",
        "type": "BusinessTerm",
    }
    assert made == here
    assert shown(catalog, fields["length_m"]) == [here]
    assert shown(catalog, term) == [
        {
            "linkType": "IsImplementedBy",
            "toId": fields["length_m"],
            "name": "length_m",
            "module": "catalog",
            "type": "Column",
        }
    ]


def test_lists_carry_links_with_the_far_ends_paths(catalog: Catalog, term: str) -> None:
    names, source_id, *_, fields = catalog.table("length_m")
    link = {"toId": fields["length_m"], "type": "IsImplementedBy"}
    catalog.ask("POST", f"/links/{catalog.version_id}/{term}", json=link, expect=201)
    query = {"versionId": catalog.version_id, "parentId": source_id, "includeLinks": "true"}
    end = catalog.get("/fields", **query)["results"][0]["links"]["Implements"][0]
    assert end["id"] == term
    assert end["path"].endswith("\\Berth length")
    assert end["typePath"] == "\\Universe\\BusinessTerm"
    assert end["location"] == f"properties/{catalog.version_id}/{term}"
    back = catalog.get(f"/properties/{catalog.version_id}/{term}")["links"]["IsImplementedBy"][0]
    assert back["path"] == f"\\{names['source']}\\ops\\berth\\length_m"


def test_links_by_path_each_sent_from_both_ends_are_made_once(catalog: Catalog) -> None:
    universe = unique("Port")
    universe_id = catalog.make("properties", catalog.workspace_id, name=universe, type="Universe")["id"]
    catalog.make("properties", universe_id, name="Length", type="Concept")
    names, *_ = catalog.table("length_m")
    field = (f"\\{names['source']}\\ops\\berth\\length_m", "\\Relational\\Model\\Table\\Column")
    concept = (f"\\{universe}\\Length", "\\Universe\\Concept")

    def row(start: tuple[str, str], word: str, end: tuple[str, str]) -> dict[str, str]:
        return {"fromPath": start[0], "fromType": start[1], "linkType": word, "toPath": end[0], "toType": end[1]}

    body = [row(field, "Implements", concept), row(concept, "IsImplementedBy", field)]
    path = f"/links/bulktree/{catalog.version_id}"
    counts = {"total": 2, "created": 1, "updated": 0, "deleted": 0, "unchanged": 1}
    assert catalog.ask("POST", path, json=body, expect=201) == counts
    assert catalog.ask("POST", path, json=body, expect=201) == {**counts, "created": 0, "unchanged": 2}
    missing = row(("\\nowhere", "\\NoSql"), "IsLinkedTo", concept)
    other = row(concept, "IsLinkedTo", field)
    error = catalog.ask("POST", path, json=[other, missing], expect=400)["error"]
    assert "nowhere" in error["message"]
    assert (
        len(
            shown(
                catalog,
                catalog.get("/properties", versionId=catalog.version_id, parentId=universe_id)["results"][0]["id"],
            )
        )
        == 1
    )


@pytest.mark.parametrize(
    ("type_", "to"), [("Implements", "field"), ("NoSuchLink", "term"), ("Uses", "term"), ("Implements", "nobody")]
)
def test_a_link_that_cannot_be_is_refused(type_: str, to: str, catalog: Catalog, term: str) -> None:
    *_, fields = catalog.table("a", "b")
    ends = {"field": fields["b"], "term": term, "nobody": "00000000-0000-4000-8000-000000000000"}
    body = {"toId": ends[to], "type": type_}
    catalog.ask("POST", f"/links/{catalog.version_id}/{fields['a']}", json=body, expect=400)
    assert shown(catalog, fields["a"]) == []


def test_links_by_id_and_their_removal_from_either_end(catalog: Catalog, term: str) -> None:
    *_, fields = catalog.table("a", "b")
    body = [{"fromId": fields[name], "toId": term, "type": "Implements"} for name in ("a", "b")]
    assert catalog.ask("POST", f"/links/bulk/{catalog.version_id}", json=body, expect=201)["created"] == 2
    one = f"/links/{catalog.version_id}/{term}/IsImplementedBy/{fields['a']}"
    assert catalog.ask("DELETE", one) == {}
    catalog.ask("DELETE", one, expect=404)
    assert [link["toId"] for link in shown(catalog, term)] == [fields["b"]]


def test_deleting_an_object_deletes_its_links(catalog: Catalog, term: str) -> None:
    _, source_id, *_, fields = catalog.table("a")
    body = {"toId": term, "type": "Implements"}
    catalog.ask("POST", f"/links/{catalog.version_id}/{fields['a']}", json=body, expect=201)
    catalog.ask("DELETE", f"/sources/{catalog.version_id}/{source_id}")
    assert shown(catalog, term) == []


# -- the warehouse ---------------------------------------------------------------------------------------------------


@pytest.fixture
def metadata(server: Served) -> Iterator[Database]:
    """The server's own metadata database, beside the server."""
    url = server.environment.get("TESSERA_DATABASE_URL") or f"sqlite:///{server.data_dir / 'tessera.sqlite3'}"
    db = Database(url)
    yield db
    db.close()


def announce(metadata: Database, **data: Any) -> None:
    def record(tx: Tx) -> None:
        events.record(tx, "warehouse.table.written", package="warehouse", data=data)

    asyncio.run(metadata.write(record))


def warehouse_table(catalog: Catalog, schema: str, table: str) -> Any:
    query = {"versionId": catalog.version_id, "technicalName": table}
    found = catalog.get("/structures", **query)["results"]
    return next((each for each in found if each["path"] == f"\\Tessera warehouse\\{schema}\\{table}"), None)


def test_a_table_that_the_platform_writes_appears_by_itself_with_lineage(catalog: Catalog, metadata: Database) -> None:
    landed, hub = unique("flights"), unique("hub")
    columns = [{"name": "carrier", "type": "VARCHAR"}, {"name": "delay", "type": "BIGINT"}]
    announce(metadata, schema="landing", table=landed, columns=columns)
    vault_table = {
        "schema": "vault",
        "table": hub,
        "columns": [{"name": "carrier_key", "type": "VARCHAR"}],
        "inputs": [{"schema": "landing", "table": landed}],
        "lineage": [{"from": ["landing", landed, "carrier"], "to": "carrier_key"}],
    }
    announce(metadata, **vault_table)
    table = until(lambda: warehouse_table(catalog, "vault", hub))
    source = warehouse_table(catalog, "landing", landed)
    fields = catalog.get("/fields", versionId=catalog.version_id, parentId=source["id"], includeAttributes="true")
    assert [(each["name"], each["attributes"]["columnDataType"]) for each in fields["results"]] == [
        ("carrier", "VariableString"),
        ("delay", "Integer"),
    ]
    lineage = catalog.get(f"/lineage/{catalog.version_id}/{table['id']}", direction="upstream")
    assert source["id"] in {node["id"] for node in lineage["nodes"]}
    assert {edge["to"] for edge in lineage["edges"]} >= {table["id"]}
    key = catalog.get("/fields", versionId=catalog.version_id, parentId=table["id"])["results"][0]
    columns_above = catalog.get(f"/lineage/{catalog.version_id}/{key['id']}", direction="upstream", depth=1)
    reached = {node["path"] for node in columns_above["nodes"] if node["dataType"] == "Field"}
    assert reached == {key["path"], f"\\Tessera warehouse\\landing\\{landed}\\carrier"}
    below = catalog.get(f"/lineage/{catalog.version_id}/{source['id']}", direction="downstream")
    assert table["id"] in {node["id"] for node in below["nodes"]}


def test_the_same_table_again_changes_nothing_that_people_wrote(catalog: Catalog, metadata: Database) -> None:
    name, second = unique("again"), unique("later")
    written = {"schema": "landing", "table": name, "columns": [{"name": "a", "type": "DATE"}]}
    announce(metadata, **written)
    table = until(lambda: warehouse_table(catalog, "landing", name))
    path = f"/structures/{catalog.version_id}/{table['id']}"
    catalog.ask("PUT", path, json={"name": "Arrivals", "summary": "by people", "tags": ["CRM"]})
    before = catalog.get(path)
    announce(metadata, **written)
    announce(metadata, schema="landing", table=second)
    until(lambda: warehouse_table(catalog, "landing", second))
    assert catalog.get(path) == before


def test_a_malformed_event_holds_up_nobody(catalog: Catalog, metadata: Database) -> None:
    name = unique("after")
    announce(metadata, schema="landing", columns="nonsense")
    announce(metadata, schema="landing", table=name)
    assert until(lambda: warehouse_table(catalog, "landing", name))
