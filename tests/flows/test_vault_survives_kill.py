"""A server that is killed at random moments of a load and started again: the same rows as without."""

import random
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlglot import exp

from tessera.vault import trees
from tessera.warehouse import Table, open_warehouse, value
from tests.contract.vault.calls import ENDED, Vault
from tests.serving import Served, serving

ROWS = 60_000
KILLS = 12
NUMBERS = Table("landing", "kill_flights")


def land(server: Served, *, changed: bool) -> None:
    """A table as ingest would have landed it. The embedded warehouse has one owner, so the server is down meanwhile."""
    url = server.environment.get("TESSERA_WAREHOUSE_URL") or f"duckdb://{server.data_dir / 'warehouse.duckdb'}"
    warehouse = open_warehouse(url)
    numbers = exp.Table(this=exp.Anonymous(this="generate_series", expressions=[value(1), value(ROWS)]))
    numbers.set("alias", exp.TableAlias(this=exp.to_identifier("g"), columns=[exp.to_identifier("n")]))
    number = exp.column("n", table="g")
    text = exp.cast(number, "text")
    amount = exp.Mod(this=number.copy(), expression=value(7 if changed else 5))
    query = exp.select(
        trees.aliased(text, "flight"),
        trees.aliased(exp.cast(exp.Mod(this=number.copy(), expression=value(1000)), "text"), "plane"),
        trees.aliased(exp.cast(amount, "bigint"), "delay"),
    ).from_(numbers)
    with warehouse.writing(NUMBERS) as writer:
        writer.execute(trees.drop(NUMBERS))
        writer.execute(trees.create_table_as(NUMBERS, query))
    warehouse.close()


def model() -> dict[str, Any]:
    table = "ops_r_flights"
    return {
        "systems": [{"system_id": "ops", "source_type_id": "ingest_output"}],
        "staging_tables": [{"staging_table_id": table, "system_id": "ops", "source_table_name": NUMBERS.name}],
        "hubs": [{"hub_id": "h_flight"}, {"hub_id": "h_plane"}],
        "hub_loads": [
            {"hub_id": "h_flight", "staging_table_id": table, "columns": ["flight"]},
            {"hub_id": "h_plane", "staging_table_id": table, "columns": ["plane"]},
        ],
        "links": [{"link_id": "l_flight_t_plane", "hubs": ["h_flight", "h_plane"]}],
        "link_loads": [{"link_id": "l_flight_t_plane", "staging_table_id": table}],
        "satellites": [
            {"satellite_id": "s_flight", "parent": "h_flight", "staging_table_id": table, "columns": ["delay"]}
        ],
        "outputs": [
            {"output_id": "flight", "source": "h_flight", "materialisation": "table"},
            {"output_id": "flown", "kind": "fact", "source": "l_flight_t_plane"},
        ],
    }


def counts(server: Served) -> dict[str, int]:
    """Rows of every table of the vault and the mart, but the batch that stands staged."""
    server.stop()
    url = server.environment.get("TESSERA_WAREHOUSE_URL") or f"duckdb://{server.data_dir / 'warehouse.duckdb'}"
    warehouse = open_warehouse(url)
    found = {}
    for schema in ("vault", "mart"):
        for info in warehouse.tables(schema):
            with warehouse.reading() as reader:
                query = exp.select(trees.counted()).from_(info.table.expression())
                found[str(info.table)] = int(reader.scalar(query))
    warehouse.close()
    server.start()
    return found


def start_run(server: Served) -> str:
    return str(Vault(server, server.admin.token).post("/jobs/ops_j_default/runs", {}, expect=202)["run_id"])


def finish(server: Served, run_id: str) -> dict[str, Any]:
    return Vault(server, server.admin.token).finished(run_id, seconds=120)


def disturb(server: Served, run_id: str, kills: int, rng: random.Random) -> int:
    """Kill and start again, at random moments, until the run has ended; returns how often it was killed on the way."""
    done = 0
    while done < kills:
        time.sleep(rng.uniform(0.0, 0.6))
        with httpx.Client(
            base_url=server.base("vault"), headers={"authorization": f"Bearer {server.admin.token}"}
        ) as c:
            if c.get(f"/runs/{run_id}").json()["load_state"] in ENDED:
                return done
        server.kill()
        server.start()
        done += 1
    return done


def undisturbed(tmp_path: Path, database: str) -> dict[str, int]:
    with serving(tmp_path / "calm", database) as server:
        for changed in (False, True):
            server.stop()
            land(server, changed=changed)
            server.start()
            Vault(server, server.admin.token).ask("PUT", "/model", json=model())
            assert finish(server, start_run(server))["load_state"] == "succeeded"
        return counts(server)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1])
def test_killed_at_random_moments_a_load_leaves_the_same_rows(database: str, tmp_path: Path, seed: int) -> None:
    expected = undisturbed(tmp_path, database)
    rng = random.Random(seed)
    killed = 0
    with serving(tmp_path / "killed", database) as server:
        for changed in (False, True):
            server.stop()
            land(server, changed=changed)
            server.start()
            Vault(server, server.admin.token).ask("PUT", "/model", json=model())
            run_id = start_run(server)
            killed += disturb(server, run_id, KILLS // 2, rng)
            assert finish(server, run_id)["load_state"] == "succeeded"
        assert Vault(server, server.admin.token).post("/tests/runs")["passed"] is True
        assert counts(server) == expected
    assert killed > 0


def test_a_landed_table_is_staged_loaded_and_loaded_again_without_a_new_row(database: str, tmp_path: Path) -> None:
    with serving(tmp_path / "data", database) as server:
        server.stop()
        land(server, changed=False)
        server.start()
        vault = Vault(server, server.admin.token)
        vault.ask("PUT", "/model", json=model())
        first = finish(server, start_run(server))
        assert first["load_state"] == "succeeded", first
        assert sum(one["rows_inserted"] for one in first["loads"]) == 3 * ROWS + 1000
        again = finish(server, start_run(server))
        assert sum(one["rows_inserted"] for one in again["loads"]) == 0
        assert vault.post("/tests/runs")["passed"] is True
        told = vault.client.post("/staging-tables/ops_r_flights/loads", json={"rows": []})
        assert told.status_code == 400
        staged = vault.post("/staging-tables/ops_r_flights/loads", {}, expect=202)
        assert vault.finished(staged["run_id"])["load_state"] == "succeeded"
        assert vault.get("/logs/staging-loads")["items"][0]["rows_read"] == ROWS
