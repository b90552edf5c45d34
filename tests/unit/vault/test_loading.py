"""Loads on both engines: what they insert, what they leave alone, and the invariants that must hold afterwards."""

import itertools
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp

from tessera.kernel.errors import Conflict
from tessera.vault import checks, delivery, markers, wiring
from tessera.vault.loading import Loaded, Options, run_load
from tessera.vault.model import KINDS, Hub, HubLoad, Link, LinkLoad, Model, Output, Satellite, StagingTable, System
from tessera.vault.model import output_table as delivered
from tessera.vault.staging import stage
from tessera.vault.validation import checked
from tessera.warehouse import Table, Warehouse, open_warehouse
from tests.serving import POSTGRES, has_postgres, postgres_database
from tests.unit.vault import reference

_times = itertools.count(1)


class Vault:
    """A model and its warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.model = Model()
        markers.prepare(warehouse)

    def add(self, *objects: Any) -> None:
        for one in objects:
            kind = next(kind for kind, shape in KINDS.items() if isinstance(one, shape))
            fitting = checked(self.model, one)
            self.model.of(kind)[getattr(fitting, _ID[kind])] = fitting

    def push(self, table: str, rows: list[dict[str, Any]], *, mode: str = "full", time: str | None = None) -> str:
        load_id = secrets.token_hex(8)
        staging = self.model.staging_tables[table]
        stage(
            self.warehouse,
            self.model,
            staging,
            staging_load_id=load_id,
            load_time=time or f"2026-01-01 00:00:00.{next(_times):06d}",
            mode=mode,
            rows=rows,
        )
        return load_id

    def load(self, table: str, staging_load_id: str, **options: Any) -> dict[str, Loaded]:
        chosen = Options(**options) if options else Options(force=True)
        return {
            wiring.load_id_of(load): run_load(self.warehouse, self.model, load, staging_load_id, chosen)
            for part in wiring.loads_from(self.model, table)
            for load in part
        }

    def both(self, table: str, rows: list[dict[str, Any]], **options: Any) -> dict[str, Loaded]:
        return self.load(table, self.push(table, rows, **options))

    def rows(self, schema: str, name: str, *columns: str) -> list[tuple[Any, ...]]:
        query = exp.select(*(exp.column(one, quoted=True) for one in columns)).from_(Table(schema, name).expression())
        with self.warehouse.reading() as reader:
            return sorted(reader.rows(query), key=repr)

    def state(self) -> dict[str, int]:
        found = {}
        for info in self.warehouse.tables("vault"):
            if info.kind == "table" and not info.table.name.startswith("st_"):
                with self.warehouse.reading() as reader:
                    found[info.table.name] = int(
                        reader.scalar(exp.select(exp.Count(this=exp.Star())).from_(info.table.expression()))
                    )
        return found

    def check(self) -> None:
        with self.warehouse.reading() as reader:
            tables = {info.table for info in self.warehouse.tables("vault")}
            failed = [one for one in checks.run(reader, self.model, tables, self.warehouse.dialect) if not one.passed]
        assert failed == []


_ID = {
    "systems": "system_id",
    "staging_tables": "staging_table_id",
    "hubs": "hub_id",
    "hub_loads": "hub_load_id",
    "links": "link_id",
    "link_loads": "link_load_id",
    "satellites": "satellite_id",
    "outputs": "output_id",
}


@pytest.fixture(params=["duckdb", "postgres"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vault]:
    if request.param == "duckdb":
        warehouse = open_warehouse(f"duckdb:///{tmp_path}/w.duckdb")
        yield Vault(warehouse)
        warehouse.close()
        return
    if not has_postgres():
        pytest.skip("this machine has no PostgreSQL")
    with postgres_database() as name:
        warehouse = open_warehouse(f"{POSTGRES}/{name}")
        yield Vault(warehouse)
        warehouse.close()


def customers(vault: Vault, **satellite: Any) -> None:
    vault.add(
        System(system_id="crm", source_type_id="push"),
        StagingTable(
            staging_table_id="crm_r_customer",
            system_id="crm",
            columns=[("country", "TEXT"), ("number", "TEXT"), ("name", "TEXT"), ("credit", "DECIMAL(10,2)")],
        ),
        Hub(hub_id="h_customer"),
        HubLoad(
            hub_load_id="h_customer_s_crm_r_customer",
            hub_id="h_customer",
            staging_table_id="crm_r_customer",
            columns=["country", "number"],
        ),
        Satellite(
            satellite_id="s_customer",
            parent="h_customer",
            staging_table_id="crm_r_customer",
            columns=["name", "credit"],
            **satellite,
        ),
    )


def orders(vault: Vault) -> None:
    vault.add(
        System(system_id="erp", source_type_id="push"),
        StagingTable(
            staging_table_id="erp_r_order",
            system_id="erp",
            columns=[("orderno", "TEXT"), ("country", "TEXT"), ("number", "TEXT"), ("line", "BIGINT"), ("qty", "INT")],
            mode_default="delta",
        ),
        Hub(hub_id="h_customer"),
        Hub(hub_id="h_order"),
        HubLoad(hub_load_id="hl_o", hub_id="h_order", staging_table_id="erp_r_order", columns=["orderno"]),
        HubLoad(hub_load_id="hl_c", hub_id="h_customer", staging_table_id="erp_r_order", columns=["country", "number"]),
        Link(
            link_id="l_order_t_customer", hubs=["h_order", "h_customer"], child_keys=["line"], link_type="many_to_one"
        ),
        LinkLoad(link_load_id="ll_oc", link_id="l_order_t_customer", staging_table_id="erp_r_order"),
        Satellite(
            satellite_id="ls_order", parent="l_order_t_customer", staging_table_id="erp_r_order", columns=["qty"]
        ),
    )


def customer(number: str | None, name: str | None, country: str | None = "EU", credit: Any = "1.00") -> dict[str, Any]:
    return {"country": country, "number": number, "name": name, "credit": credit}


def test_the_same_batch_again_inserts_nothing(vault: Vault) -> None:
    customers(vault)
    rows = [customer("1", "Ann"), customer("2", "Bob"), customer("2", "Bob"), customer(None, "ghost", None)]
    first = vault.both("crm_r_customer", rows)
    hub = first["h_customer_s_crm_r_customer"].counts
    assert (hub.rows_read, hub.rows_inserted, hub.rows_duplicate, hub.rows_null_key) == (4, 2, 1, 1)
    satellite = first["s_customer"].counts
    assert (satellite.rows_read, satellite.rows_inserted, satellite.rows_duplicate) == (4, 2, 1)
    before = vault.state()
    again = vault.both("crm_r_customer", rows)
    assert [one.counts.rows_inserted for one in again.values()] == [0, 0]
    assert vault.state() == before
    vault.check()


def test_every_row_of_a_batch_is_accounted_for(vault: Vault) -> None:
    customers(vault)
    vault.both("crm_r_customer", [customer("1", "Ann")])
    done = vault.both(
        "crm_r_customer", [customer("1", "Ann"), customer("3", "C"), customer("3", "C"), customer("", "x", "")]
    )
    for one in done.values():
        counts = one.counts
        parts = (
            counts.rows_inserted
            + counts.rows_unchanged
            + counts.rows_duplicate
            + counts.rows_null_key
            + counts.rows_rejected
        )
        assert counts.rows_read == parts
        assert counts.rows_unchanged == 1


def test_a_load_of_a_batch_that_is_done_is_not_done_again(vault: Vault) -> None:
    customers(vault)
    batch = vault.push("crm_r_customer", [customer("1", "Ann")])
    assert all(one.is_new for one in vault.load("crm_r_customer", batch).values())
    assert not any(one.is_new for one in vault.load("crm_r_customer", batch).values())


def test_a_state_that_comes_back_is_stored_again(vault: Vault) -> None:
    customers(vault)
    for name in ("A", "B", "A", "A"):
        vault.both("crm_r_customer", [customer("1", name)])
    names = [row[0] for row in vault.rows("vault", "s_customer_h", "name", "customer_lth") if row[0]]
    assert sorted(names) == ["A", "A", "B"]
    assert vault.rows("vault", "s_customer_c", "name")[0] == ("A",)
    vault.check()


def test_keys_and_hashes_are_those_of_the_reference(vault: Vault) -> None:
    customers(vault)
    pairs = [("EU", "A|B"), ("EU|A", "B"), ("EU", None), ("EU", "\\N"), (" EU ", "é"), ("EU", "a\\")]
    vault.both("crm_r_customer", [customer(number, "x", country) for country, number in pairs])
    expected = sorted(
        (key, reference.digest(key))
        for key in (reference.business_key([reference.key_part(one) for one in pair]) for pair in pairs)
        if key is not None
    )
    found = vault.rows("vault", "h_customer", "customer_bk", "customer_h")
    stored = sorted((bk, str(h).replace("-", "")) for bk, h in found if bk is not None)
    assert stored == expected
    vault.check()


def test_rows_of_one_key_that_differ_are_refused_and_nothing_is_written(vault: Vault) -> None:
    customers(vault)
    batch = vault.push("crm_r_customer", [customer("1", "Ann"), customer("1", "Anna"), customer("2", "Bob")])
    with pytest.raises(Conflict) as refused:
        vault.load("crm_r_customer", batch)
    assert refused.value.code == "batch_conflict"
    assert refused.value.details["keys"] == [reference.digest("EU|1")]
    assert "s_customer_h" not in vault.state()


def test_last_row_takes_the_last_version_even_if_it_is_the_stored_one(vault: Vault) -> None:
    customers(vault, conflict_policy="last_row")
    vault.both("crm_r_customer", [customer("1", "A")])
    done = vault.both("crm_r_customer", [customer("1", "B"), customer("1", "A")])
    assert done["s_customer"].counts.rows_inserted == 0
    vault.both("crm_r_customer", [customer("1", "A"), customer("1", "B")])
    assert vault.rows("vault", "s_customer_c", "name")[0] == ("B",)
    vault.check()


def test_versions_in_a_batch_are_ranked_and_follow_by_a_microsecond(vault: Vault) -> None:
    customers(vault, order_by=["credit"])
    vault.both("crm_r_customer", [customer("1", "A", credit="1.00")])
    rows = [customer("1", name, credit=credit) for name, credit in (("C", "3"), ("A", "1"), ("B", "2"), ("B", "2"))]
    done = vault.both("crm_r_customer", rows, time="2026-02-01 00:00:00.000000")
    assert done["s_customer"].counts.rows_inserted == 2
    assert done["s_customer"].counts.rows_duplicate == 1
    found = vault.rows("vault", "s_customer_h", "customer_lth", "name")
    assert [(time.microsecond, name) for time, name in found if time.month == 2] == [(1, "B"), (2, "C")]
    vault.check()


def test_links_carry_their_participants_and_unknown_ones_are_the_zero_key(vault: Vault) -> None:
    orders(vault)
    rows: list[dict[str, Any]] = [
        {"orderno": "O1", "country": "EU", "number": "12", "line": 3, "qty": 5},
        {"orderno": "O1", "country": None, "number": None, "line": 4, "qty": 6},
        {"orderno": None, "country": None, "number": None, "line": 5, "qty": 7},
    ]
    done = vault.both("erp_r_order", rows, mode="delta")
    assert done["ll_oc"].counts.rows_inserted == 2
    assert done["ll_oc"].counts.rows_null_key == 1
    found = vault.rows("vault", "l_order_t_customer", "order_t_customer_h", "order_h", "customer_h", "line")
    stored = {str(row[0]).replace("-", ""): row for row in found}
    assert reference.digest(r"O1|EU\|12|3") in stored
    unknown = stored[reference.digest(r"O1|\N|4")]
    assert str(unknown[2]) == "00000000-0000-0000-0000-000000000000"
    vault.check()


def test_a_full_batch_ends_what_it_does_not_name_and_a_delta_batch_does_not(vault: Vault) -> None:
    customers(vault)
    vault.both("crm_r_customer", [customer("1", "A"), customer("2", "B")])
    vault.both("crm_r_customer", [customer("3", "C")], mode="delta")
    tracked = "h_customer_s_crm_r_customer_w_trkf"
    assert [row[0] for row in vault.rows("vault", tracked, "present")] == [True, True, True]
    vault.both("crm_r_customer", [customer("1", "A"), customer("2", "B")])
    rows = vault.rows("vault", tracked, "present", "cause")
    assert rows.count((False, "absent")) == 1
    vault.both("crm_r_customer", [customer("1", "A"), customer("2", "B"), customer("3", "C")])
    assert vault.rows("vault", tracked, "present", "cause").count((True, "seen")) == 4
    vault.check()


def test_a_full_batch_that_would_end_most_keys_is_refused(vault: Vault) -> None:
    customers(vault)
    vault.both("crm_r_customer", [customer(str(number), "x") for number in range(10)])
    batch = vault.push("crm_r_customer", [customer("1", "x")])
    with pytest.raises(Conflict) as refused:
        vault.load("crm_r_customer", batch, max_delete_ratio=0.5)
    assert refused.value.code == "suspicious_delete"
    assert vault.load("crm_r_customer", batch, force=True)["h_customer_s_crm_r_customer"].counts.rows_closed == 9


def test_a_driver_that_a_delta_names_ends_its_other_relations(vault: Vault) -> None:
    orders(vault)
    line: dict[str, Any] = {"line": 1, "qty": 1, "country": "EU"}
    vault.both("erp_r_order", [{"orderno": "O1", "number": "1", **line}, {"orderno": "O2", "number": "1", **line}])
    vault.both("erp_r_order", [{"orderno": "O1", "number": "2", **line}], mode="delta")
    rows = vault.rows("vault", "ll_oc_w_trkf", "present", "cause")
    assert rows.count((False, "driving")) == 1
    assert rows.count((True, "seen")) == 3
    vault.check()


def test_a_multi_active_set_is_stored_whole_when_it_changes(vault: Vault) -> None:
    vault.add(
        System(system_id="crm", source_type_id="push"),
        StagingTable(
            staging_table_id="crm_r_phone",
            system_id="crm",
            columns=[("number", "TEXT"), ("kind", "TEXT"), ("phone", "TEXT")],
        ),
        Hub(hub_id="h_customer"),
        HubLoad(hub_load_id="hl", hub_id="h_customer", staging_table_id="crm_r_phone", columns=["number"]),
        Satellite(
            satellite_id="s_phone",
            parent="h_customer",
            staging_table_id="crm_r_phone",
            columns=["phone"],
            multi_active_keys=["kind"],
        ),
    )

    def phones(**numbers: str) -> list[dict[str, Any]]:
        return [{"number": "1", "kind": kind, "phone": number} for kind, number in numbers.items()]

    batch: list[dict[str, Any]] = [
        {"number": "1", "kind": "home", "phone": "1"},
        {"number": "1", "kind": None, "phone": "2"},
    ]
    assert vault.both("crm_r_phone", batch)["s_phone"].counts.rows_inserted == 2
    digests = {str(row[0]).replace("-", "") for row in vault.rows("vault", "s_phone_h", "phone_gd")}
    assert "6b9cad3dc67636dae88a3e4c31d8e025" in digests
    assert vault.both("crm_r_phone", batch[::-1])["s_phone"].counts.rows_inserted == 0
    assert vault.both("crm_r_phone", phones(home="1", work="2"))["s_phone"].counts.rows_inserted == 2
    assert vault.both("crm_r_phone", phones(home="1"))["s_phone"].counts.rows_inserted == 1
    assert vault.rows("vault", "s_phone_c", "kind", "phone")[0] == ("home", "1")
    vault.check()


def test_a_batch_below_the_last_load_time_or_changed_at_the_same_one_is_refused(vault: Vault) -> None:
    customers(vault)
    noon = "2026-03-01 12:00:00.000000"
    vault.both("crm_r_customer", [customer("1", "A"), customer("2", "B")], time=noon)
    with pytest.raises(Conflict) as late:
        vault.push("crm_r_customer", [customer("1", "Z")], time="2026-03-01 11:59:59.999000")
    assert late.value.code == "late_batch"
    with pytest.raises(Conflict) as changed:
        vault.push("crm_r_customer", [customer("1", "Z"), customer("2", "B")], time=noon)
    assert changed.value.code == "batch_changed"
    again = vault.both("crm_r_customer", [customer("2", "B"), customer("1", "A")], time=noon)
    assert [one.counts.rows_inserted for one in again.values()] == [0, 0]
    vault.check()


def test_four_at_once_insert_each_row_once(vault: Vault) -> None:
    customers(vault)
    batch = vault.push("crm_r_customer", [customer(str(number), "x") for number in range(500)])
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: vault.load("crm_r_customer", batch), range(4)))
    for load_id in ("h_customer_s_crm_r_customer", "s_customer"):
        assert sorted(one[load_id].is_new for one in done) == [False, False, False, True]
    assert vault.state()["h_customer"] == 501
    vault.check()


def test_a_column_may_be_added_to_a_satellite_and_old_rows_stay_unchanged(vault: Vault) -> None:
    customers(vault)
    vault.both("crm_r_customer", [customer("1", "A", credit=None)])
    wider = Satellite(
        satellite_id="s_customer",
        parent="h_customer",
        staging_table_id="crm_r_customer",
        columns=["name", "credit", "country"],
    )
    vault.model.satellites["s_customer"] = checked(vault.model, wider)  # type: ignore[assignment]
    done = vault.both("crm_r_customer", [customer("1", "A", credit=None)])
    assert done["s_customer"].counts.rows_inserted == 1
    assert ("A", "EU") in vault.rows("vault", "s_customer_h", "name", "country")
    vault.check()


def test_outputs_show_what_is_present_and_how_it_became(vault: Vault) -> None:
    customers(vault)
    vault.add(
        Output(output_id="customer", source="h_customer"),
        Output(output_id="customer_all", source="h_customer", include_deleted=True, materialisation="table"),
        Output(output_id="customer_history", source="h_customer", history="historised", include_deleted=True),
    )
    vault.both("crm_r_customer", [customer("1", "A"), customer("2", "B")])
    vault.both("crm_r_customer", [customer("1", "A2")])
    for output in vault.model.outputs.values():
        delivery.deliver(vault.warehouse, vault.model, output)
    assert vault.rows("mart", delivered("customer").name, "customer_bk", "name") == [("EU|1", "A2")]
    assert [row[0] for row in vault.rows("mart", "customer_all", "name")] == ["A2", "B"]
    history = vault.rows("mart", "customer_history", "customer_bk", "name", "is_current")
    assert history == [("EU|1", "A", False), ("EU|1", "A2", True), ("EU|2", "B", True)]


def test_a_fact_shows_its_dimensions_keys(vault: Vault) -> None:
    orders(vault)
    vault.add(Output(output_id="sales", kind="fact", source="l_order_t_customer"))
    vault.both("erp_r_order", [{"orderno": "O1", "country": "EU", "number": "1", "line": 1, "qty": 5}])
    delivery.deliver(vault.warehouse, vault.model, vault.model.outputs["sales"])
    assert vault.rows("mart", "sales", "order_bk", "customer_bk", "line", "qty") == [("O1", "EU|1", 1, 5)]
