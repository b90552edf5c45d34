"""The few kinds of problem that a rule may raise. How they look on the wire is each package's own matter."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

Reason = Literal["missing", "malformed", "signature", "expired", "revoked", "kind"]


class Problem(Exception):
    """Something the caller can mend, or has to wait for.

    Args:
        message: what was wrong, where, and what would be right; shown to the caller.
        field: the name of the field or parameter at fault, as the caller spelled it.
        code: a word for programs, where a contract names one.
        details: further members for the envelope, where a contract names them.
        status: the HTTP status, where a contract wants another than the kind's own.
    """

    default_status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code
        self.details: Mapping[str, Any] = details or {}
        self.status = status or self.default_status

    @property
    def headers(self) -> dict[str, str]:
        """Headers that the answer has to carry."""
        return {}


class Unauthenticated(Problem):
    """No credential, or one that opens nothing. ``reason`` lets a package choose its documented body."""

    default_status = 401

    def __init__(
        self, message: str = "sign in, or send a token", *, reason: Reason = "missing", code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.reason: Reason = reason


class Forbidden(Problem):
    """The caller is known but may not do this."""

    default_status = 403


class NotFound(Problem):
    """No such thing, or none that this caller may know of."""

    default_status = 404


class MethodNotAllowed(Problem):
    """The path exists, but not for this method."""

    default_status = 405

    def __init__(self, method: str, allow: list[str]) -> None:
        super().__init__(f"{method} is not possible here; allowed: {', '.join(allow)}")
        self.allow = allow

    @property
    def headers(self) -> dict[str, str]:
        return {"allow": ", ".join(self.allow)}


class Conflict(Problem):
    """The request is well-formed, but the present state refuses it."""

    default_status = 409


class TooLarge(Problem):
    """The body is over the route's limit."""

    default_status = 413


class UnsupportedMedia(Problem):
    """The body's content type is not one that the route reads."""

    default_status = 415


class Invalid(Problem):
    """A value breaks a rule; ``field`` names it."""

    default_status = 400


class _WaitAndRetry(Problem):
    def __init__(self, message: str, *, retry_after_seconds: int = 1, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        return {"retry-after": str(self.retry_after_seconds)}


class TooMany(_WaitAndRetry):
    """Too many attempts or requests; later it may go through."""

    default_status = 429


class Unavailable(_WaitAndRetry):
    """Something that the server needs is away or busy."""

    default_status = 503


class Broken(Problem):
    """A defect of ours. The text says nothing of the inside; the log has the stack under the request id."""

    default_status = 500

    def __init__(self, request_id: str) -> None:
        super().__init__(f"the server failed on this request; its log has the reason under request id {request_id}")
