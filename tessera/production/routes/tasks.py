"""Tasks, their comments and assignments, by their own routes.

Source: contracts/production.md, 6.7, 6.8
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Invalid
from tessera.kernel.http import Request, Response, Route, UUIDText, decode_json, get, post, put
from tessera.production import task_actions, task_views
from tessera.production.access import ANYONE, NOT_VENDOR
from tessera.production.routes.entities import reply

_ERRORS: Final = (401, 403, 404, 422)
_TAGS: Final = ("tasks",)


class TaskIds(Struct):
    """Ids of tasks."""

    task_ids: list[str]


class PersonId(Struct):
    """Id of a person."""

    person_id: str


class TaskTypeIds(Struct):
    """Ids of task types; none: all of the project that fit."""

    task_type_ids: list[str] | None = None


async def list_of_project(db: Database, principal: Principal, project_id: UUIDText, query: dict[str, str]) -> Response:
    """Tasks of a project."""
    return reply(await db.read(task_views.list_of_project, principal, project_id, query))


async def task_types_of_project(db: Database, principal: Principal, project_id: UUIDText) -> Response:
    """Task types of a project."""
    return reply(await db.read(task_views.task_types_of_project, principal, project_id))


async def read_full(db: Database, principal: Principal, task_id: UUIDText) -> Response:
    """A task with everything around it."""
    return reply(await db.read(task_views.read_full, principal, task_id))


async def tasks_of_type(db: Database, principal: Principal, entity_id: UUIDText, task_type_id: UUIDText) -> Response:
    """Tasks of one type of an entity."""
    asked = {"task_type_id": task_type_id, "relations": "true"}
    return reply(await db.read(task_views.list_of_entity, principal, entity_id, asked))


async def make_tasks(db: Database, principal: Principal, entity_id: UUIDText, body: TaskTypeIds | None) -> Response:
    """Create the tasks of an entity that it does not have yet."""
    wanted = body.task_type_ids if body is not None else None
    return reply(await db.write(task_actions.make_tasks, principal, entity_id, wanted), 201)


async def list_comments(db: Database, principal: Principal, task_id: UUIDText) -> Response:
    """Comments of a task, newest first."""
    return reply(await db.read(task_views.list_comments, principal, task_id))


async def comment(request: Request, db: Database, principal: Principal, task_id: UUIDText) -> Response:
    """Comment on a task and move it to a status. JSON, or a form whose lists are JSON texts."""
    draft = await _draft(request)
    return reply(await db.write(task_actions.comment, principal, task_id, draft), 201)


async def _draft(request: Request) -> task_actions.CommentDraft:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        body: task_actions.CommentDraft = decode_json(await request.bounded_body(), task_actions.CommentDraft)
        return body
    given: dict[str, Any] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if not isinstance(value, str):
                raise Invalid("this server keeps no attachments of comments yet; send the comment without files")
            given[name] = value
    for name in ("checklist", "links"):
        if name in given:
            given[name] = decode_json(given[name].encode())
    given["for_client"] = str(given.get("for_client", "")).lower() in ("true", "1")
    try:
        return msgspec.convert(given, task_actions.CommentDraft)
    except msgspec.ValidationError as error:
        raise Invalid(str(error), code="shape") from None


async def assign_many(db: Database, principal: Principal, person_id: UUIDText, body: TaskIds) -> Response:
    """Assign a person to tasks; those that the caller may not touch are passed over."""
    return reply(await db.write(task_actions.assign, principal, person_id, body.task_ids, strict=False))


async def assign_one(db: Database, principal: Principal, task_id: UUIDText, body: PersonId) -> Response:
    """Assign a person to a task."""
    done = await db.write(task_actions.assign, principal, body.person_id, [task_id], strict=True)
    return reply(done.strip()[1:-1])


ROUTES: Final[list[Route]] = [
    get("/data/projects/{project_id}/tasks", list_of_project, least=ANYONE, errors=_ERRORS, tags=("projects",)),
    get(
        "/data/projects/{project_id}/task-types",
        task_types_of_project,
        least=ANYONE,
        errors=_ERRORS,
        tags=("projects",),
    ),
    get("/data/tasks/{task_id}/full", read_full, least=ANYONE, errors=_ERRORS, tags=_TAGS),
    get("/data/tasks/{task_id}/comments", list_comments, least=ANYONE, errors=_ERRORS, tags=_TAGS),
    get(
        "/data/entities/{entity_id}/task-types/{task_type_id}/tasks",
        tasks_of_type,
        least=ANYONE,
        errors=_ERRORS,
        tags=_TAGS,
    ),
    post(
        "/data/entities/{entity_id}/tasks", make_tasks, least=NOT_VENDOR, status=201, errors=(400, *_ERRORS), tags=_TAGS
    ),
    post(
        "/actions/tasks/{task_id}/comment",
        comment,
        least=ANYONE,
        status=201,
        errors=(400, *_ERRORS),
        tags=_TAGS,
        documented=lambda: {"body": task_actions.CommentDraft},
    ),
    put("/actions/persons/{person_id}/assign", assign_many, least=ANYONE, errors=(400, *_ERRORS), tags=_TAGS),
    put("/actions/tasks/{task_id}/assign", assign_one, least=ANYONE, errors=(400, *_ERRORS), tags=_TAGS),
]
