"""Problems in identity's own envelope: ``{"error": {"kind", "message", "field"}}``."""

import re

from tessera.kernel.errors import Problem
from tessera.kernel.http import Request, Response, json_response


def render_problem(problem: Problem, request: Request) -> Response:
    """The answer for a problem; ``kind`` is its name in snake_case, for a refused sign-in the reason's own word."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(problem).__name__).lower()
    body = {"kind": kind, "message": problem.message, "field": problem.field, **problem.details}
    if problem.code is not None:
        body["code"] = problem.code
    response = json_response({"error": body}, problem.status)
    if problem.status == 401:
        response.headers["www-authenticate"] = "Bearer"
    return response
