"""A server whose warehouse holds the tables of `sky`, with that ontology defined through the API."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tessera.warehouse import open_warehouse
from tests.serving import Person, Served, serving
from tests.unit.semantic.sky import ONTOLOGY, make_tables


@dataclass
class Sky:
    """The server, and who asks."""

    server: Served
    editor: Person
    reader: Person

    def http(self, person: Person | None = None, **headers: str) -> httpx.Client:
        """A client with the person's key in `x-api-key`, as this system's clients send it."""
        return self.server.http("semantic", None, **{"x-api-key": (person or self.reader).token, **headers})

    def sql(self, sql: str, *, person: Person | None = None, ontology: str = "sky", **headers: str) -> httpx.Response:
        """POST the SQL to the route that pytimbr-api uses."""
        with self.http(person, **headers) as client:
            return client.post(
                f"/timbr/openapi/ontology/{ontology}/query",
                content=sql.encode(),
                headers={"content-type": "application/text"},
            )

    def rows(self, sql: str, **headers: str) -> list[dict[str, Any]]:
        """The rows of a query that must succeed."""
        answer = self.sql(sql, **headers)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows

    def define(self, sql: str) -> httpx.Response:
        """Send definitions as the editor."""
        return self.sql(sql, person=self.editor)


@pytest.fixture(scope="session")
def sky(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sky]:
    """The ontology of the contract."""
    with serving(tmp_path_factory.mktemp(f"sky-{database}"), database) as served:
        land(served)
        made = Sky(served, served.person(semantic="edit"), served.person(semantic="query"))
        answer = made.sql(ONTOLOGY, person=made.editor, ontology="system_db")
        assert (answer.status_code, answer.json()) == (200, []), answer.text
        yield made


def land(served: Served) -> None:
    """Put the tables into the server's warehouse, of which an embedded one has one owner at a time."""
    served.stop()
    url = served.environment.get("TESSERA_WAREHOUSE_URL") or f"duckdb://{served.data_dir / 'warehouse.duckdb'}"
    warehouse = open_warehouse(url)
    make_tables(warehouse)
    warehouse.close()
    served.start()
