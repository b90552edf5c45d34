"""The model over REST: systems, staging tables, hubs, links, satellites, their loads, outputs, jobs; whole bundles.

Source: contracts/vault.md, 3.1, 3.3 to 3.7 and 3.9
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from sqlglot import exp

from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Invalid
from tessera.kernel.http import Request, Response, Route, delete, get, json_response, patch, put
from tessera.kernel.http.binding import decode_json
from tessera.vault import catalogue, delivery, publishing, removal, shapes, wiring
from tessera.vault import objects_store as store
from tessera.vault.catalogue import Stored, source_of
from tessera.vault.groups_model import MODEL, READ
from tessera.vault.model import KINDS, Model, Output, StagingTable
from tessera.warehouse import Column, Table, Warehouse
from tessera.warehouse.render import render

PATHS: Final = {
    "systems": "/systems",
    "staging_tables": "/staging-tables",
    "hubs": "/hubs",
    "hub_loads": "/hub-loads",
    "links": "/links",
    "link_loads": "/link-loads",
    "satellites": "/satellites",
    "outputs": "/outputs",
    "jobs": "/jobs",
}


class Page(Struct, frozen=True):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    after: str | None = None
    q: str = ""


class Change(Struct, frozen=True):
    """How a change is meant."""

    dry_run: bool = False
    cascade: bool = False


class ModelForm(Struct, frozen=True):
    """In which form the model is shown."""

    format: str = "bundle"


class Bundle(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole model, or a part of one."""

    systems: list[Any] = []
    staging_tables: list[Any] = []
    hubs: list[Any] = []
    hub_loads: list[Any] = []
    links: list[Any] = []
    link_loads: list[Any] = []
    satellites: list[Any] = []
    outputs: list[Any] = []
    jobs: list[Any] = []


def _routes_of(kind: str, path: str) -> list[Route]:
    shape = KINDS[kind]

    async def page(db: Database, query: Page) -> dict[str, Any]:
        """Objects of this kind by id."""
        rows = await db.read(store.page, kind, after=query.after, search=query.q, limit=query.limit + 1)
        shown = rows[: query.limit]
        return {"items": [row.body for row in shown], "next": shown[-1].id if len(rows) > query.limit else None}

    async def read(object_id: str, db: Database) -> Response:
        """One object; its ``ETag`` is for ``If-Match``."""
        return _answer(await db.read(catalogue.read, kind, object_id))

    async def replace(
        object_id: str,
        body: Any,
        db: Database,
        warehouse: Warehouse,
        request: Request,
        principal: Principal,
        query: Change,
    ) -> Response:
        """Create the object, or replace it whole. ``?dry_run=true`` answers what it would do."""
        return await _put(kind, object_id, body, db, warehouse, request, principal, query.dry_run)

    replace.__annotations__["body"] = shape

    async def change(
        object_id: str,
        body: dict[str, Any],
        db: Database,
        warehouse: Warehouse,
        request: Request,
        principal: Principal,
        query: Change,
    ) -> Response:
        """Change the members that are given."""
        known = await db.read(catalogue.read, kind, object_id)
        merged = decode_json(msgspec.json.encode({**msgspec.to_builtins(known.value), **body}), shape)
        return await _put(kind, object_id, merged, db, warehouse, request, principal, query.dry_run, known.revision)

    async def remove(
        object_id: str, db: Database, warehouse: Warehouse, principal: Principal, query: Change
    ) -> Response:
        """Delete the object and its table; 409 with the dependents, unless ``?cascade=true``."""
        options: dict[str, Any] = {"by": principal, "cascade": query.cascade}
        if query.dry_run:
            doomed = await db.read(catalogue.delete, kind, object_id, dry=True, **options)
            found = await warehouse.run(removal.statements, warehouse, doomed)
            return json_response(_dry(doomed, [tree for _, tree in found], warehouse))
        doomed = await db.write(catalogue.delete, kind, object_id, **options)
        await warehouse.run(removal.remove, warehouse, doomed)
        return Response(status_code=204)

    one = f"{path}/{{object_id}}"
    return [
        get(path, page, least=READ),
        get(one, read, least=READ, errors=(404,)),
        put(one, replace, least=MODEL, errors=(400, 409, 412)),
        patch(one, change, least=MODEL, errors=(400, 404, 409, 412)),
        delete(one, remove, least=MODEL, status=204, errors=(404, 409)),
    ]


async def _put(
    kind: str,
    object_id: str,
    one: Any,
    db: Database,
    warehouse: Warehouse,
    request: Request,
    principal: Principal,
    dry_run: bool,
    revision: int | None = None,
) -> Response:
    wanted = _if_match(request)
    landed = await warehouse.run(_landed, warehouse, [one])
    options: dict[str, Any] = {
        "by": principal,
        "landed": landed,
        "if_match": revision if wanted is None else wanted,
    }
    if dry_run:
        stored = await db.read(catalogue.put, kind, object_id, one, dry=True, **options)
        model = await db.read(catalogue.load_model)
        model.of(kind)[object_id] = stored.value
        trees = shapes.definitions(model, object_id, warehouse.dialect) if kind in _WITH_TABLES else []
        return json_response(_dry([(kind, object_id)], trees, warehouse))
    stored = await db.write(catalogue.put, kind, object_id, one, **options)
    if isinstance(stored.value, Output):
        model = await db.read(catalogue.load_model)
        await _deliver(db, warehouse, model, stored.value)
    return _answer(stored)


_WITH_TABLES: Final = ("hubs", "links", "satellites")


async def _deliver(db: Database, warehouse: Warehouse, model: Model, output: Output) -> None:
    target = await warehouse.run(delivery.deliver, warehouse, model, output)
    columns = await warehouse.run(warehouse.columns, target)
    await db.write(publishing.output_written, columns, model, output)


def _landed(warehouse: Warehouse, objects: Iterable[Any]) -> dict[Table, list[Column]]:
    sources = {source_of(one) for one in objects if isinstance(one, StagingTable) and one.source_table_name}
    return {source: warehouse.columns(source) for source in sources}


def _if_match(request: Request) -> int | None:
    said = request.headers.get("if-match")
    if said is None or said == "*":
        return None
    text = said.strip().removeprefix("W/").strip('"')
    return int(text) if text.isdigit() and len(text) < 10 else -1


def _answer(stored: Stored) -> Response:
    headers = {"etag": f'"{stored.revision}"'}
    return json_response(stored.value, 201 if stored.is_new else 200, headers)


def _dry(objects: Iterable[tuple[str, str]], trees: Iterable[exp.Expr], warehouse: Warehouse) -> dict[str, Any]:
    return {
        "dry_run": True,
        "affected": [{"object_type": kind, "object_id": name} for kind, name in objects],
        "ddl": [render(tree, warehouse.dialect) for tree in trees],
    }


# -- the whole model -------------------------------------------------------------------------------------------------


async def read_model(db: Database, query: ModelForm) -> dict[str, Any]:
    """The whole model: ``?format=bundle`` as it can be put again, ``?format=graph`` as nodes and edges."""
    model = await db.read(catalogue.load_model)
    if query.format == "bundle":
        return {kind: list(model.of(kind).values()) for kind in KINDS}
    if query.format != "graph":
        raise Invalid(f"format must be one of bundle, graph; got {query.format[:40]!r}", field="format")
    return _graph(model)


def _graph(model: Model) -> dict[str, Any]:
    nodes = [{"id": name, "type": kind} for kind in KINDS for name in model.of(kind)]
    edges = [
        {"from": name, "to": other, "type": kind}
        for kind in KINDS
        for name, one in model.of(kind).items()
        for other_kind, other in sorted(wiring.references(one))
        if other in model.of(other_kind)
    ]
    return {"nodes": nodes, "edges": edges}


async def put_model(
    body: Bundle, db: Database, warehouse: Warehouse, principal: Principal, query: Change
) -> dict[str, Any]:
    """Put every object of a bundle, all or nothing; fields left out take defaults."""
    objects = {
        kind: [decode_json(msgspec.json.encode(_of_bundle(kind, one)), shape) for one in getattr(body, kind, ())]
        for kind, shape in KINDS.items()
    }
    landed = await warehouse.run(_landed, warehouse, [one for each in objects.values() for one in each])
    if query.dry_run:
        done = await db.read(catalogue.try_bundle, objects, landed=landed)
        return {"dry_run": True, "objects": done}
    done = await db.write(catalogue.put_bundle, objects, by=principal, landed=landed)
    model = await db.read(catalogue.load_model)
    for output_id in done.get("outputs", ()):
        await _deliver(db, warehouse, model, model.outputs[output_id])
    return {"objects": done}


def _of_bundle(kind: str, one: Any) -> Any:
    """A system in the shortest form of a bundle has no type when its staging tables name no source: rows are pushed."""
    if kind == "systems" and isinstance(one, dict) and "source_type_id" not in one:
        return {**one, "source_type_id": "push"}
    return one


ROUTES: Final = [
    *(route for kind, path in PATHS.items() for route in _routes_of(kind, path)),
    get("/model", read_model, least=READ),
    put("/model", put_model, least=MODEL, errors=(400, 409), body_limit=20_000_000),
]
