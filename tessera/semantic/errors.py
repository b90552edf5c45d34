"""Problems in the envelope that every client of this package reads.

Source: contracts/semantic.md, 2.1 (Errors)
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

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
from tessera.kernel.http import Request, json_response
from tessera.warehouse import QueryCancelled, QueryFailed, QueryTimeout, SqlRefused

_TYPES: Final[tuple[tuple[type[Problem], str], ...]] = (
    (SqlRefused, "SqlRefused"),
    (QueryFailed, "ExecutionError"),
    (QueryTimeout, "TimeoutError"),
    (QueryCancelled, "CancelledError"),
    (Unauthenticated, "AuthenticationError"),
    (Forbidden, "PermissionError"),
    (NotFound, "NotFoundError"),
    (MethodNotAllowed, "MethodNotAllowedError"),
    (Conflict, "ConflictError"),
    (TooLarge, "TooLargeError"),
    (TooMany, "RateLimitError"),
    (Unavailable, "UnavailableError"),
    (UnsupportedMedia, "UnsupportedMediaError"),
    (Invalid, "InvalidRequestError"),
)
UNAUTHORIZED: Final = "401 Unauthorized: "
"""How the text of a refused sign-in begins: langchain-timbr 6.4 looks for it in the body, not at the status."""


def error_type(problem: Problem) -> str:
    """The word for `error_type`."""
    return next((word for kind, word in _TYPES if isinstance(problem, kind)), "InternalError")


def status_of(problem: Problem) -> int:
    """The contract's status: a time-out is 504, all else the kind's own."""
    return 504 if isinstance(problem, QueryTimeout) else problem.status


def body_of(problem: Problem) -> dict[str, str]:
    """The envelope."""
    message = problem.message
    if status_of(problem) == 401:
        message = UNAUTHORIZED + message
    return {"status": "error", "data": message, "error": message, "error_type": error_type(problem)}


def render(problem: Problem, request: Request) -> Response:
    """The documented status and body."""
    return json_response(body_of(problem), status_of(problem))
