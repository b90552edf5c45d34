"""The model over REST: what is accepted, what is refused, and what a refusal leaves behind."""

from typing import Any

import pytest

from tests.contract.vault.calls import Vault
from tests.serving import Served


def test_a_whole_model_in_its_shortest_form_is_put_and_read_again(vault: Vault) -> None:
    names = vault.make()
    assert vault.get(f"/hubs/{names['customer']}")["key_options"] == {
        "trim": True,
        "case": "preserve",
        "empty_is_null": True,
    }
    load = vault.get(f"/hub-loads/{names['customer']}_s_{names['table']}")
    assert load["columns"] == ["country", "number"]
    assert load["tracking"] == "auto"
    bundle = vault.get("/model")
    assert names["link"] in [one["link_id"] for one in bundle["links"]]
    assert vault.get(f"/jobs/{names['system']}_j_default")["job_type"] == "auto"
    plan = vault.get(f"/jobs/{names['system']}_j_default/plan")["stages"]
    assert plan[0] == [names["table"]]
    assert len(plan) == 5
    # The same again changes nothing.
    vault.ask("PUT", "/model", json=vault.bundle())


def test_a_bundle_with_one_wrong_object_puts_none(vault: Vault) -> None:
    bundle = vault.bundle()
    bundle["satellites"][0]["columns"] = ["no_such_column"]
    refused = vault.ask("PUT", "/model", json=bundle, expect=400)
    assert "no_such_column" in refused["message"]
    vault.get(f"/hubs/{vault.names()['customer']}", expect=404)


def test_etag_and_if_match_keep_two_editors_apart(vault: Vault) -> None:
    hub = vault.names()["customer"]
    made = vault.client.put(f"/hubs/{hub}", json={})
    assert made.status_code == 201
    assert made.headers["etag"] == '"1"'
    changed = vault.client.patch(f"/hubs/{hub}", json={"hub_comment": "x"}, headers={"if-match": '"1"'})
    assert changed.status_code == 200
    assert changed.headers["etag"] == '"2"'
    late = vault.client.patch(f"/hubs/{hub}", json={"hub_comment": "y"}, headers={"if-match": '"1"'})
    assert late.status_code == 412
    assert vault.get(f"/hubs/{hub}")["hub_comment"] == "x"


def test_dry_run_tells_the_ddl_and_changes_nothing(vault: Vault) -> None:
    hub = vault.names()["customer"]
    told = vault.put(f"/hubs/{hub}", {}, expect=200, dry_run="true")
    assert told["ddl"][0].startswith("CREATE TABLE IF NOT EXISTS")
    assert hub in told["ddl"][0]
    vault.get(f"/hubs/{hub}", expect=404)


def test_what_others_depend_on_is_deleted_only_with_them(vault: Vault) -> None:
    names = vault.make()
    path = f"/hubs/{names['customer']}"
    refused = vault.ask("DELETE", path, expect=409)
    assert refused["code"] == "dependents"
    ids = {one["object_id"] for one in refused["dependents"]}
    assert {names["link"], names["satellite"], names["link_satellite"]} <= ids
    vault.get(path)
    told = vault.ask("DELETE", path, params={"dry_run": "true", "cascade": "true"})
    assert {one["object_id"] for one in told["affected"]} == ids | {names["customer"]}
    vault.get(path)
    vault.ask("DELETE", path, params={"cascade": "true"}, expect=204)
    vault.get(f"/satellites/{names['satellite']}", expect=404)
    vault.get(f"/hubs/{names['order']}")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("/hubs/customer", {}, "hub_id"),
    ("/hubs/h_Upper", {}, "hub_id"),
    ("/hubs/h_x", {"hub_id": "h_y"}, "hub_id"),
    ("/hubs/h_x", {"colour": "red"}, "colour"),
    ("/hubs/h_x", {"key_options": {"case": "upper"}}, "key_options"),
    ("/systems/x", {"source_type_id": "oracle"}, "source_type_id"),
    ("/staging-tables/x_r_y", {"system_id": "no_such_system", "columns": [["a", "TEXT"]]}, "system_id"),
    ("/links/l_x", {"hubs": ["h_no_such"]}, "hubs"),
    ("/links/l_x", {"hubs": []}, "hubs"),
    ("/satellites/s_x", {"parent": "h_no_such", "staging_table_id": "x", "columns": ["a"]}, "parent"),
    ("/outputs/x", {"source": "h_no_such"}, "source"),
]


@pytest.mark.parametrize(("path", "body", "field"), REFUSED)
def test_what_does_not_fit_is_refused_with_its_field(vault: Vault, path: str, body: dict[str, Any], field: str) -> None:
    refused = vault.put(path, body, expect=400)
    assert refused.keys() == {"code", "message", "details", "hint"}
    assert field in f"{refused['message']} {refused['hint']}"


def test_floating_point_is_refused_as_a_key(vault: Vault) -> None:
    names = vault.make()
    table = f"{names['system']}_r_float"
    vault.put(f"/staging-tables/{table}", {"system_id": names["system"], "columns": [["x", "DOUBLE"]]})
    body = {"hub_id": names["customer"], "staging_table_id": table, "columns": ["x"]}
    assert "DOUBLE" in vault.put(f"/hub-loads/hl_{table}", body, expect=400)["message"]


def test_what_has_been_loaded_keeps_its_keys(vault: Vault) -> None:
    names = vault.make()
    vault.post(f"/staging-tables/{names['table']}/loads", {"rows": []}, expect=202)
    assert vault.run(names["system"])["load_state"] == "succeeded"
    refused = vault.put(f"/hubs/{names['customer']}", {"key_options": {"case": "ascii_upper"}}, expect=409)
    assert refused["code"] == "needs_rehash"


def test_lists_are_paged_by_id(vault: Vault) -> None:
    hubs = [f"h_{vault.word}_{letter}" for letter in "abc"]
    for hub in hubs:
        vault.put(f"/hubs/{hub}", {})
    first = vault.get("/hubs", limit=2, q=vault.word)
    assert [one["hub_id"] for one in first["items"]] == hubs[:2]
    second = vault.get("/hubs", limit=2, q=vault.word, after=first["next"])
    assert [one["hub_id"] for one in second["items"]] == hubs[2:]
    assert second["next"] is None


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_malformed_body_is_refused(server: Served, sent: bytes) -> None:
    with server.http("vault", server.admin.token) as client:
        for path in ("/hubs/h_malformed", "/model"):
            answer = client.put(path, content=sent, headers={"content-type": "application/json"})
            assert answer.status_code == 400, (path, answer.text)
        assert client.get("/hubs/h_malformed").status_code == 404
