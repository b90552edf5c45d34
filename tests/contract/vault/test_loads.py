"""Staging, runs and what they leave in the tables, over REST."""

import threading
import uuid
from typing import Any

from tests.contract.vault.calls import Vault, order
from tests.unit.vault import reference


def stage(vault: Vault, table: str, rows: list[dict[str, Any]], **body: Any) -> dict[str, Any]:
    staged: dict[str, Any] = vault.post(f"/staging-tables/{table}/loads", {"rows": rows, **body}, expect=202)
    return staged


def test_pushed_rows_become_history_and_a_mart(vault: Vault) -> None:
    names = vault.make()
    staged = stage(vault, names["table"], [order("O1"), order("O2", "2", "Bob"), order("O3", None)])
    assert staged["mode"] == "full"
    assert staged["rows_read"] == 3
    assert len(staged["load_time"]) == 26
    assert vault.get(f"/runs/{staged['run_id']}")["load_state"] == "succeeded"
    run = vault.run(names["system"], staging_load_ids=[staged["staging_load_id"]])
    assert run["load_state"] == "succeeded", run
    assert {one["object_id"]: one["rows_inserted"] for one in run["loads"]} == {
        f"{names['customer']}_s_{names['table']}": 2,
        f"{names['order']}_s_{names['table']}": 3,
        f"{names['link']}_s_{names['table']}": 3,
        names["satellite"]: 2,
        names["link_satellite"]: 3,
    }
    hub = vault.rows(names["customer"], canonical="true")
    assert {(row["bk"], row["h"], row["src"]) for row in hub} == {
        (key, reference.digest(key), names["table"]) for key in ("EU|1", "EU|2")
    }
    assert {row["lt"] for row in hub} == {staged["load_time"]}
    link = vault.rows(names["link"], canonical="true")
    assert {row["h"] for row in link} == {
        reference.digest(reference.encode(parts)) for parts in (["O1", "EU|1"], ["O2", "EU|2"], ["O3", None])
    }
    sales = vault.get(f"/outputs/{vault.word}_sales/rows")
    assert len(sales["rows"]) == 3
    customers = vault.get(f"/outputs/{vault.word}_customer/rows")
    assert [row[customers["columns"].index("name")] for row in customers["rows"]].count("Bob") == 1
    assert vault.post("/tests/runs")["passed"] is True


def test_the_second_run_inserts_no_row(vault: Vault) -> None:
    names = vault.make()
    rows = [order(f"O{number}", str(number % 3)) for number in range(20)]
    for expected in (True, False, False):
        stage(vault, names["table"], rows)
        run = vault.run(names["system"])
        assert run["load_state"] == "succeeded"
        assert any(one["rows_inserted"] for one in run["loads"]) is expected
        for one in run["loads"]:
            parts = ("rows_inserted", "rows_unchanged", "rows_duplicate", "rows_null_key", "rows_rejected")
            assert one["rows_read"] == sum(one[part] for part in parts)


def test_a_changed_state_is_a_new_row_and_the_mart_shows_it(vault: Vault) -> None:
    names = vault.make()
    for name in ("Ann", "Anna", "Ann"):
        stage(vault, names["table"], [order("O1", name=name)])
        assert vault.run(names["system"])["load_state"] == "succeeded"
    history = vault.rows(names["satellite"], canonical="true")
    assert [row["name"] for row in sorted(history, key=lambda row: row["lt"])] == ["Ann", "Anna", "Ann"]
    assert len(vault.get(f"/outputs/{vault.word}_customer/rows")["rows"]) == 1


def test_an_idempotency_key_starts_one_run(vault: Vault) -> None:
    names = vault.make()
    stage(vault, names["table"], [order("O1")])
    headers = {"idempotency-key": str(uuid.uuid4())}
    path = f"/jobs/{names['system']}_j_default/runs"
    ids = {vault.client.post(path, json={}, headers=headers).json()["run_id"] for _ in range(3)}
    assert len(ids) == 1


def test_four_runs_at_once_insert_each_row_once(vault: Vault) -> None:
    names = vault.make()
    staged = stage(vault, names["table"], [order(f"O{number}", str(number)) for number in range(200)])
    found: list[dict[str, Any]] = []

    def work() -> None:
        found.append(vault.run(names["system"], staging_load_ids=[staged["staging_load_id"]]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run["load_state"] for run in found] == ["succeeded"] * 4
    assert len(vault.rows(names["customer"], canonical="true")) == 200
    assert vault.post("/tests/runs")["passed"] is True


def test_the_same_load_time_with_other_rows_and_an_earlier_one_are_refused(vault: Vault) -> None:
    names = vault.make()
    path = f"/staging-tables/{names['table']}/loads"
    stage(vault, names["table"], [order("O1")], load_time="2040-01-02T00:00:00")
    changed = vault.post(path, {"rows": [order("O2")], "load_time": "2040-01-02T00:00:00"}, expect=409)
    assert changed["code"] == "batch_changed"
    late = vault.post(path, {"rows": [order("O2")], "load_time": "2040-01-01T00:00:00"}, expect=409)
    assert late["code"] == "late_batch"
    assert vault.get(f"/staging-tables/{names['table']}/rows")["rows"][0][0] == "O1"


def test_rows_that_do_not_fit_are_refused_and_the_batch_stays(vault: Vault) -> None:
    names = vault.make()
    stage(vault, names["table"], [order("O1")])
    path = f"/staging-tables/{names['table']}/loads"
    for body in (
        {"rows": [{"nothing": 1}]},
        {"rows": [order("O2", qty="much")]},
        {"rows": "x"},
        {"rows": [1]},
        {},
        {"rows": [], "mode": "some"},
        {"rows": [], "load_time": "yesterday"},
    ):
        refused = vault.post(path, body, expect=400)
        assert refused.keys() == {"code", "message", "details", "hint"}
    assert [row[0] for row in vault.get(f"/staging-tables/{names['table']}/rows")["rows"]] == ["O1"]
    vault.post("/staging-tables/no_such_table/loads", {"rows": []}, expect=404)


def test_a_failed_load_says_why_and_leaves_nothing(vault: Vault) -> None:
    names = vault.make()
    stage(vault, names["table"], [order("O1", name="Ann"), order("O2", name="Anna")])
    run = vault.run(names["system"])
    assert run["load_state"] == "failed"
    assert "rows of one key differ" in run["load_result"]
    failed = [one for one in run["loads"] if one["load_state"] == "failed"]
    assert [one["object_id"] for one in failed] == [names["satellite"]]
    assert vault.rows(names["satellite"], canonical="true") == []


def test_the_event_stream_tells_what_was_written_and_from_what(vault: Vault) -> None:
    names = vault.make()
    stage(vault, names["table"], [order("O1")])
    assert vault.run(names["system"])["load_state"] == "succeeded"
    shown = {one["name"] for one in vault.get("/tables")["items"]}
    assert {f"vault.{names['customer']}", f"mart.{vault.word}_sales"} <= shown


def test_unknown_runs_jobs_and_tables_are_not_found(vault: Vault) -> None:
    vault.get(f"/runs/{uuid.uuid4()}", expect=404)
    vault.get("/runs/x", expect=404)
    vault.post("/jobs/no_such_job/runs", {}, expect=404)
    vault.get("/tables/no_such_table/rows", expect=404)
    vault.get("/tables/tessera._dvb_load_done/rows", expect=404)
    vault.get("/tables/information_schema.tables/rows", expect=404)
    vault.get("/outputs/no_such_output/rows", expect=404)


def test_a_preview_has_at_most_600_rows(vault: Vault) -> None:
    names = vault.make()
    stage(vault, names["table"], [order(f"O{number}") for number in range(700)])
    path = f"/staging-tables/{names['table']}/rows"
    assert len(vault.get(path, limit=600)["rows"]) == 600
    vault.get(path, limit=601, expect=400)
    assert len(vault.get(path, limit=600, offset=600)["rows"]) == 100
