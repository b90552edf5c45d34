"""A small client of the vault's API for its contract tests."""

from typing import Any

import httpx

from tests.serving import Served, unique, until

ENDED = ("succeeded", "failed", "cancelled")


class Vault:
    """Calls with one token; every object under names of its own."""

    def __init__(self, server: Served, token: str) -> None:
        self.client: httpx.Client = server.http("vault", token)
        self.word = unique("v").lower()

    def ask(self, method: str, path: str, *, expect: int = 200, **options: Any) -> Any:
        """The JSON of an answer that must have this status."""
        answer = self.client.request(method, path, **options)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, *, expect: int = 200, **parameters: Any) -> Any:
        return self.ask("GET", path, expect=expect, params=parameters)

    def put(self, path: str, body: dict[str, Any], *, expect: int = 201, **parameters: Any) -> Any:
        return self.ask("PUT", path, expect=expect, json=body, params=parameters)

    def post(self, path: str, body: Any = None, *, expect: int = 200) -> Any:
        return self.ask("POST", path, expect=expect, json={} if body is None else body)

    def finished(self, run_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """The run, once it has ended."""

        def ended() -> dict[str, Any]:
            run: dict[str, Any] = self.get(f"/runs/{run_id}")
            return run if run["load_state"] in ENDED else {}

        return until(ended, seconds=seconds)

    def run(self, system: str, **body: Any) -> dict[str, Any]:
        """Run a system's own job and wait for its end."""
        return self.finished(self.post(f"/jobs/{system}_j_default/runs", body, expect=202)["run_id"])

    def rows(self, table: str, **parameters: Any) -> list[dict[str, Any]]:
        """Rows of a table as objects, ghost rows left out."""
        page = self.get(f"/tables/{table}/rows", limit=600, **parameters)
        found = [dict(zip(page["columns"], row, strict=True)) for row in page["rows"]]
        return [row for row in found if row.get("h") != "0" * 32]

    # -- a small model of customers and orders, whose rows are pushed -------------------------------------------------

    def names(self) -> dict[str, str]:
        """Ids of the model, by what they stand for."""
        w = self.word
        return {
            "system": f"{w}",
            "table": f"{w}_r_order",
            "customer": f"h_{w}_customer",
            "order": f"h_{w}_order",
            "link": f"l_{w}_order_t_customer",
            "satellite": f"s_{w}_customer",
            "link_satellite": f"ls_{w}_order",
        }

    def bundle(self) -> dict[str, Any]:
        """The model in its shortest form."""
        n = self.names()
        return {
            "systems": [{"system_id": n["system"], "system_name": "Shop", "source_type_id": "push"}],
            "staging_tables": [
                {
                    "staging_table_id": n["table"],
                    "system_id": n["system"],
                    "columns": [
                        ["orderno", "TEXT"],
                        ["country", "TEXT"],
                        ["number", "TEXT"],
                        ["name", "TEXT"],
                        ["qty", "DECIMAL(10,2)"],
                    ],
                }
            ],
            "hubs": [{"hub_id": n["customer"]}, {"hub_id": n["order"]}],
            "hub_loads": [
                {"hub_id": n["customer"], "staging_table_id": n["table"], "columns": ["country", "number"]},
                {"hub_id": n["order"], "staging_table_id": n["table"], "columns": ["orderno"]},
            ],
            "links": [{"link_id": n["link"], "hubs": [n["order"], n["customer"]]}],
            "link_loads": [{"link_id": n["link"], "staging_table_id": n["table"]}],
            "satellites": [
                {
                    "satellite_id": n["satellite"],
                    "parent": n["customer"],
                    "staging_table_id": n["table"],
                    "columns": ["name"],
                },
                {
                    "satellite_id": n["link_satellite"],
                    "parent": n["link"],
                    "staging_table_id": n["table"],
                    "columns": ["qty"],
                },
            ],
            "outputs": [
                {"output_id": f"{self.word}_customer", "source": n["customer"]},
                {
                    "output_id": f"{self.word}_sales",
                    "kind": "fact",
                    "source": n["link"],
                    "materialisation": "table",
                },
            ],
        }

    def make(self) -> dict[str, str]:
        """Put the model; returns its ids."""
        self.ask("PUT", "/model", json=self.bundle())
        return self.names()


def order(number: str, customer: str | None = "1", name: str = "Ann", qty: Any = "1.50") -> dict[str, Any]:
    """A row of the staging table."""
    country = None if customer is None else "EU"
    return {"orderno": number, "country": country, "number": customer, "name": name, "qty": qty}
