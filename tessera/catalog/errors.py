"""Problems in DataGalaxy's envelope: ``{"error": {"message", "status"}}``, and never a 403.

Source: contracts/catalog.md, 6.
"""

from typing import Final

from starlette.responses import Response

from tessera.kernel.errors import Conflict, Forbidden, MethodNotAllowed, Problem, Unauthenticated
from tessera.kernel.http import Request, json_response

_TOKEN_TEXTS: Final = {
    "missing": "a bearer token is required",
    "malformed": "the bearer token is not one that this server knows",
    "signature": "the bearer token is not one that this server knows",
    "expired": "the bearer token has expired",
    "revoked": "the bearer token has been revoked",
    "kind": "this kind of token does not open this route",
}


def render(problem: Problem, request: Request) -> Response:
    """The documented status and body. Clients know 400, 401, 404, 429, 500 and 501; what else there is, is rare."""
    status, message = problem.status, problem.message
    if isinstance(problem, Unauthenticated):
        message = _TOKEN_TEXTS.get(problem.reason, message)
    elif isinstance(problem, Forbidden):
        status, message = 401, _insufficient(problem)
    elif isinstance(problem, MethodNotAllowed):
        status = 501
    elif isinstance(problem, Conflict):
        status = 400
    return json_response({"error": {"message": message, "status": status}}, status)


def _insufficient(problem: Forbidden) -> str:
    """A role or scope that is too low; integration tokens get more by Admin Access, so the message says so."""
    if problem.code == "role" and problem.message.startswith("this needs one of the roles Admin in"):
        return f"insufficient token: this needs a token with Admin Access ({problem.message})"
    return f"insufficient token: {problem.message}"
