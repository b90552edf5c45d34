"""Problems in the vault's envelope, which is PostgREST's: ``{"code", "message", "details", "hint"}``.

Source: contracts/vault.md, 1.1, 2.3 and 3.1
"""

from typing import Any, Final

from tessera.identity import SignInRefused
from tessera.kernel.errors import (
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)
from tessera.kernel.http import Request, Response, json_response

_CODES: Final[dict[type[Problem], str]] = {
    Unauthenticated: "PGRST301",
    Forbidden: "42501",
    NotFound: "not_found",
    Invalid: "invalid",
    Conflict: "conflict",
    MethodNotAllowed: "method_not_allowed",
    TooLarge: "too_large",
    UnsupportedMedia: "unsupported_media",
    TooMany: "too_many",
    Unavailable: "unavailable",
}
_TOKEN_TEXTS: Final = {
    "missing": "JWT missing: log in at /rpc/login and send the token as Authorization: Bearer",
    "malformed": "JWT malformed",
    "signature": "JWT signature does not match",
    "expired": "JWT expired",
    "revoked": "JWT revoked: the user is gone, disabled or moved to another group",
    "kind": "this token opens nothing here",
}


def render_problem(problem: Problem, request: Request) -> Response:
    """The answer for a problem. A refused log-in never tells why, but when to try again."""
    details: Any = dict(problem.details) or None
    if isinstance(problem, SignInRefused):
        if problem.reason == "locked":
            return _answer("too_many", "too many failed log-ins: wait before the next one", 429)
        return _answer("28P01", "invalid user or password", 403)
    if isinstance(problem, Unauthenticated):
        message = _TOKEN_TEXTS[problem.reason]
        response = _answer("PGRST301", message, 401)
        said = message.split(":")[0]
        response.headers["www-authenticate"] = f'Bearer error="invalid_token", error_description="{said}"'
        return response
    kinds = (kind for kind in type(problem).__mro__ if kind in _CODES)
    known = _CODES.get(next(kinds, Problem), "XX000")
    code = known if isinstance(problem, Forbidden) else problem.code or known
    hint = f"see the field {problem.field}" if problem.field else None
    if problem.details and "dependents" in problem.details:
        body = {"code": code, "message": problem.message, "details": None, "hint": hint, **problem.details}
        return json_response(body, problem.status)
    return _answer(code, problem.message, problem.status, details, hint)


def _answer(code: str, message: str, status: int, details: Any = None, hint: str | None = None) -> Response:
    return json_response({"code": code, "message": message, "details": details, "hint": hint}, status)
