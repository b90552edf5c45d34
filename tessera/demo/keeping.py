"""Step of the demo: what landed gains history in the vault and is delivered to `mart`."""

import time
from typing import Any, Final

from tessera.demo.show import Caller, DemoFailed, progress

SYSTEM: Final = "nyc"
FLIGHTS, PLANES = f"{SYSTEM}_r_flights", f"{SYSTEM}_r_planes"
MODEL: Final[dict[str, Any]] = {
    "systems": [{"system_id": SYSTEM, "source_type_id": "ingest_output"}],
    "staging_tables": [
        {"staging_table_id": FLIGHTS, "system_id": SYSTEM, "source_table_name": "flights"},
        {"staging_table_id": PLANES, "system_id": SYSTEM, "source_table_name": "planes"},
    ],
    "hubs": [{"hub_id": "h_flight"}, {"hub_id": "h_plane"}],
    "hub_loads": [
        {"hub_id": "h_flight", "staging_table_id": FLIGHTS, "columns": ["time_hour", "carrier", "flight", "origin"]},
        {"hub_id": "h_plane", "staging_table_id": FLIGHTS, "columns": ["tailnum"]},
        {"hub_id": "h_plane", "staging_table_id": PLANES, "columns": ["tailnum"]},
    ],
    "links": [{"link_id": "l_flight_t_plane", "hubs": ["h_flight", "h_plane"]}],
    "link_loads": [{"link_id": "l_flight_t_plane", "staging_table_id": FLIGHTS}],
    "satellites": [
        {
            "satellite_id": "s_flight",
            "parent": "h_flight",
            "staging_table_id": FLIGHTS,
            "columns": ["carrier", "flight", "origin", "dest", "tailnum", "time_hour", "dep_delay", "arr_delay"],
        },
        {
            "satellite_id": "s_plane",
            "parent": "h_plane",
            "staging_table_id": PLANES,
            "columns": ["tailnum", "manufacturer", "model", "seats"],
        },
    ],
    "outputs": [
        {"output_id": "flight", "source": "h_flight", "materialisation": "table"},
        {"output_id": "plane", "source": "h_plane", "materialisation": "table"},
        {"output_id": "flown", "kind": "fact", "source": "l_flight_t_plane"},
    ],
}
RUN_SECONDS: Final = 120


def keep(caller: Caller) -> None:
    """Put the model, run its job, and wait for the end.

    Raises:
        DemoFailed: the run failed.
    """
    caller.call("PUT", "/vault/model", MODEL)
    started = caller.call("POST", f"/vault/jobs/{SYSTEM}_j_default/runs", {})
    deadline = time.monotonic() + RUN_SECONDS
    while True:
        run = caller.call("GET", f"/vault/runs/{started['run_id']}", quiet=True)
        ended = run["load_state"] in ("succeeded", "failed", "cancelled")
        loads = [one for one in run["loads"] if one["load_state"] == "succeeded"]
        written = ", ".join(f"{one['object_id']} +{one['rows_inserted'] or 0:,}" for one in loads)
        progress(f"{run['load_state']}: {written}", last=ended)
        if run["load_state"] == "succeeded":
            return
        if ended or time.monotonic() > deadline:
            raise DemoFailed(f"the vault's run is {run['load_state']}: {run['load_result']}")
        time.sleep(0.3)
