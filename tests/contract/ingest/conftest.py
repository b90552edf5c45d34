"""What ingest's tests share: a caller with a token, statements, and folders of files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import Served, unique, until

Ask = Callable[[str], Any]


@dataclass
class Caller:
    """A person with a role in ingest, and an API token."""

    server: Served
    token: str
    client: httpx.Client

    def send(self, sql: str) -> httpx.Response:
        """POST /query."""
        return self.client.post("/query", json={"sql": sql})

    def answer(self, sql: str) -> dict[str, Any]:
        """The answer of a statement, polled until it is there."""
        response = self.send(sql)
        while response.status_code in (201, 202):
            response = self.client.get("/" + response.json()["current"])
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        assert found["status"] == "Success"
        assert found["kind"] == "upsolver_query_response"
        return found

    def told(self, sql: str) -> str:
        """The message of a statement without rows."""
        return str(self.answer(sql)["message"])

    def grid(self, sql: str) -> dict[str, Any]:
        """The grid of a query of one page."""
        result = self.answer(sql)["result"]
        assert "next" not in result
        return dict(result["grid"])

    def rows(self, sql: str) -> list[list[Any]]:
        """The rows of a query of one page."""
        return list(self.grid(sql)["data"])

    def refused(self, sql: str) -> str:
        """The message of a refusal."""
        response = self.send(sql)
        while response.status_code in (201, 202):
            response = self.client.get("/" + response.json()["current"])
        assert response.status_code == 400, response.text
        return str(response.json()["message"])

    def folder(self) -> tuple[str, Path]:
        """A LOCAL connection over a folder of its own: its name, and the folder."""
        name = unique("conn")
        folder = self.server.drop / name
        folder.mkdir()
        self.told(f"CREATE LOCAL CONNECTION {name} ROOT = '{folder}'")
        return name, folder

    def table(self, columns: str = "") -> str:
        """A new table in schema landing."""
        name = unique("t")
        self.told(f"CREATE TABLE {name} ({columns})")
        return name

    def copy(self, connection: str, table: str, options: str = "", expectations: str = "") -> str:
        """A COPY job over the whole of a connection: its name."""
        name = unique("job")
        self.told(
            f"CREATE JOB {name} {options} AS COPY FROM LOCAL {connection} LOCATION = '' INTO {table} {expectations}"
        )
        return name

    def until_loaded(self, job: str, files: int) -> dict[str, Any]:
        """Wait until the job has seen so many files; its counts."""

        def counts() -> dict[str, Any] | None:
            grid = self.grid(f"SELECT * FROM system.monitoring.jobs WHERE job_name = '{job}'")
            row = dict(zip([one["name"] for one in grid["columns"]], grid["data"][0], strict=True))
            return row if row["files_read"] + row["failed_files"] >= files else None

        found = until(counts, seconds=30, every=0.1)
        assert found is not None
        read = found["rows_read"]
        kept = found["rows_written"] + found["rows_dropped"] + found["rows_deduplicated"] + found["parse_errors"]
        assert read == kept, found
        return found


def caller(server: Served, role: str) -> Caller:
    """A new person with this role, and its token."""
    person = server.person(ingest=role)
    client = httpx.Client(base_url=server.base("ingest"), headers={"authorization": person.token}, timeout=60)
    return Caller(server, person.token, client)


@pytest.fixture
def editor(server: Served) -> Caller:
    return caller(server, "editor")


@pytest.fixture
def viewer(server: Served) -> Caller:
    return caller(server, "viewer")


@pytest.fixture
def admin(server: Served) -> Caller:
    return caller(server, "admin")
