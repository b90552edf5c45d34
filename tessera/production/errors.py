"""Problems in the tracker's own bodies. Clients look at the status, the keys and the flags; texts are ours but for one.

Source: contracts/production.md, 1.3 (token failures), 1.10, 5.3
"""

from typing import Any, Final

from tessera.kernel.errors import Conflict, Invalid, Problem, TooMany, Unauthenticated
from tessera.kernel.http import Request, Response, json_response

_OF_THE_DATABASE: Final = frozenset({"unknown", "duplicate", "referenced", "required", "integrity", "format"})
"""Codes of what the generic routes refuse in the words of the database: a body without ``error``."""
_TOKENS: Final[dict[str, tuple[int, dict[str, Any]]]] = {
    "missing": (401, {"msg": "Missing JWT in cookies or headers (Missing cookie; missing Authorization header)"}),
    "revoked": (401, {"msg": "Token has been revoked"}),
    # gazu refreshes its token by itself when it reads exactly this text.
    "expired": (401, {"error": True, "message": "Signature has expired"}),
    "malformed": (422, {"msg": "Not enough segments"}),
    "signature": (422, {"msg": "Signature verification failed"}),
}


def render(problem: Problem, request: Request) -> Response:
    """The documented status and body."""
    if isinstance(problem, Unauthenticated):
        status, body = _TOKENS.get(problem.reason, (422, {"msg": problem.message}))
        return json_response(body, status)
    if isinstance(problem, Invalid | Conflict | TooMany):
        status = problem.status if problem.status not in (409, 429) else 400
        if problem.code in _OF_THE_DATABASE:
            return json_response({"message": problem.message}, status)
        body = {"error": True, "message": problem.message}
        if problem.code == "shape":
            body["data"] = {"errors": [{"field": problem.field or "", "message": problem.message}]}
        elif problem.code != "json":
            body["data"] = dict(problem.details) or None
        return json_response(body, status)
    return json_response({"error": True, "message": problem.message, **problem.details}, problem.status)
