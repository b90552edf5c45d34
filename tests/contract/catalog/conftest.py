"""A small client of the catalogue's API for its contract tests."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.serving import Served, unique


@dataclass
class Catalog:
    """Calls with one token against the first workspace's default version."""

    client: httpx.Client
    version_id: str
    workspace_id: str

    def ask(self, method: str, path: str, *, expect: int = 200, **options: Any) -> Any:
        """The JSON of an answer that must have this status."""
        answer = self.client.request(method, path, **options)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str, *, expect: int = 200, **parameters: Any) -> Any:
        return self.ask("GET", path, expect=expect, params=parameters)

    def make(self, route: str, parent: str | None = None, *, expect: int = 201, **payload: Any) -> Any:
        """Create an object: ``{id, location}``, or the error."""
        below = f"/{parent}" if parent else ""
        return self.ask("POST", f"/{route}/{self.version_id}{below}", expect=expect, json=payload)

    def table(self, *columns: str) -> tuple[dict[str, str], str, str, str, dict[str, str]]:
        """A source with a model, a table and columns: names and ids (source, model, table, columns by name)."""
        source = unique("db")
        source_id = self.make("sources", name=source, type="Relational")["id"]
        model_id = self.make("containers", source_id, name="ops", type="Model")["id"]
        table_id = self.make("structures", model_id, name="berth", type="Table")["id"]
        fields = {name: self.make("fields", table_id, name=name, type="Column")["id"] for name in columns}
        return {"source": source}, source_id, model_id, table_id, fields


def connect(server: Served, token: str) -> Catalog:
    client = server.http("catalog", token)
    workspace = client.get("/workspaces", params={"name": "My Workspace"}).json()["projects"][0]
    return Catalog(client, workspace["defaultVersionId"], workspace["id"])


@pytest.fixture
def catalog(server: Served) -> Catalog:
    return connect(server, server.admin.token)
