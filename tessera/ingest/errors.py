"""Problems in the envelope of Upsolver's API. Source: contracts/ingest.md, 2.6."""

from typing import Any

from tessera.kernel.errors import Conflict, Forbidden, Problem, Unauthenticated
from tessera.kernel.http import Request, Response, json_response


def render_problem(problem: Problem, request: Request) -> Response:
    """403 for every refused credential (clients know no 401), 400 for every refused statement."""
    if isinstance(problem, Unauthenticated):
        return json_response({"message": problem.message}, 403)
    if isinstance(problem, Forbidden):
        return json_response({"clazz": "ForbiddenException", "detailMessage": problem.message}, 403)
    body: dict[str, Any] = {"message": problem.message, **problem.details}
    return json_response(body, 400 if isinstance(problem, Conflict) else problem.status)


def answer_headers(request: Request) -> dict[str, str]:
    """The id by which clients name a request in their own messages. Source: contracts/ingest.md, 1."""
    return {"x-api-requestid": request.id}
