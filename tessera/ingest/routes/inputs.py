"""Inputs, connections and jobs over REST. Source: contracts/ingest.md, 3.1, 3.5 and 3.6."""

from typing import Any

from tessera.ingest import connections_store, inputs, jobs_store
from tessera.ingest.execution import Desk
from tessera.ingest.lenient import read_body
from tessera.ingest.model import Role
from tessera.ingest.organizations_store import people, read_organization
from tessera.ingest.sql.options import CONNECTIONS, read_again, value_of
from tessera.ingest.wire import display, millis
from tessera.kernel.access import Principal
from tessera.kernel.db import Database, Tx
from tessera.kernel.http import UUIDText, delete, get, patch, post
from tessera.kernel.jobs import Jobs
from tessera.settings import Settings
from tessera.warehouse import Warehouse


async def list_inputs(
    db: Database, warehouse: Warehouse, jobs: Jobs, settings: Settings, principal: Principal
) -> list[dict[str, Any]]:
    """All inputs."""
    return await warehouse.run(inputs.listing, Desk(db, warehouse, jobs, settings, principal))


async def read_input(
    db: Database, warehouse: Warehouse, jobs: Jobs, settings: Settings, principal: Principal, input_id: UUIDText
) -> dict[str, Any]:
    """One input."""
    return await warehouse.run(inputs.read, Desk(db, warehouse, jobs, settings, principal), input_id)


async def create_input(
    db: Database, warehouse: Warehouse, jobs: Jobs, settings: Settings, principal: Principal, body: bytes
) -> dict[str, Any]:
    """Make an input; ``clazz`` picks the kind."""
    draft = read_body(body, dict[str, Any])
    return await warehouse.run(inputs.create, Desk(db, warehouse, jobs, settings, principal), draft)


async def change_input(
    db: Database,
    warehouse: Warehouse,
    jobs: Jobs,
    settings: Settings,
    principal: Principal,
    input_id: UUIDText,
    body: bytes,
) -> dict[str, Any]:
    """Do one operation on an input; ``clazz`` picks it."""
    operation = read_body(body, inputs.Operation)
    return await warehouse.run(inputs.change, Desk(db, warehouse, jobs, settings, principal), input_id, operation)


async def delete_input(
    db: Database, warehouse: Warehouse, jobs: Jobs, settings: Settings, principal: Principal, input_id: UUIDText
) -> None:
    """Archive an input."""
    await warehouse.run(inputs.delete, Desk(db, warehouse, jobs, settings, principal), input_id)


def _connections(tx: Tx) -> list[dict[str, Any]]:
    organization = read_organization(tx)
    records = connections_store.every(tx)
    named = people(tx, [one.created_by for one in records])
    return [
        {
            "id": one.id,
            "organizationId": organization.id,
            "extraOrganizationIds": [],
            "workspaces": [],
            "connection": {
                "clazz": f"{one.kind.title().replace('_', '')}Connection",
                "displayData": display(one.name, _comment(one), one.created_at, named[one.created_by].full),
            },
        }
        for one in records
    ]


def _comment(connection: connections_store.Connection) -> str:
    texts = {name: text for name, text in connection.options.items() if name == "COMMENT"}
    return str(value_of(read_again(texts, CONNECTIONS[connection.kind], "a connection"), "COMMENT") or "")


async def list_connections(db: Database) -> list[dict[str, Any]]:
    """All connections, without secrets."""
    return await db.read(_connections)


def _jobs(tx: Tx) -> dict[str, Any]:
    records = jobs_store.every(tx)
    named = people(tx, [one.created_by for one in records])
    kinds = {one.id: one.kind for one in connections_store.every(tx)}
    return {
        "jobs": [
            {
                "connector": kinds.get(one.connection_id or "", ""),
                "name": one.name,
                "description": "",
                "status": one.state,
                "delay": 0,
                "errorsLastDay": 0 if one.last_error is None else 1,
                "creationTime": millis(one.created_at),
                "createdBy": named[one.created_by].full,
                "createdByEmail": named[one.created_by].email,
                "wizards": [],
            }
            for one in records
        ]
    }


async def list_jobs(db: Database) -> dict[str, Any]:
    """All jobs."""
    return await db.read(_jobs)


ROUTES = [
    get("/inputs", list_inputs, least=Role.VIEWER, errors=(403,)),
    post("/inputs", create_input, least=Role.EDITOR, errors=(400, 403)),
    get("/inputs/{input_id}", read_input, least=Role.VIEWER, errors=(403, 404)),
    patch("/inputs/{input_id}", change_input, least=Role.EDITOR, errors=(400, 403, 404)),
    # Every documented curl of a change says POST, although the signature says PATCH.
    post("/inputs/{input_id}", change_input, least=Role.EDITOR, errors=(400, 403, 404)),
    delete("/inputs/{input_id}", delete_input, least=Role.EDITOR, status=204, errors=(403, 404)),
    post("/api/v1/data-source", create_input, least=Role.EDITOR, errors=(400, 403)),
    patch("/api/v1/data-source/{input_id}", change_input, least=Role.EDITOR, errors=(400, 403, 404)),
    get("/connections", list_connections, least=Role.VIEWER, errors=(403,)),
    get("/jobs", list_jobs, least=Role.VIEWER, errors=(403,)),
]
