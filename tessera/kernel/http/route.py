"""A route as a row of data, and a package as a table of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from tessera.kernel.access import Least
from tessera.kernel.errors import Problem
from tessera.kernel.http.request import Request

Handler = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a contract.

    Args:
        path: below the package's base; ``{name}`` is a segment, ``{name}.png`` one with a suffix, ``{name:rest}`` all
            that follows.
        handler: a coroutine function. Path parameters are given by name, ``body`` decoded into its annotation (bytes:
            as sent), ``query`` into its struct, ``request`` and ``principal`` as they are, services by their type.
        least: who may call.
        body_limit: bytes; None: the server's setting.
        errors: statuses that the contract documents, for the API reference.
    """

    method: str
    path: str
    handler: Handler
    least: Least
    status: int = 200
    summary: str | None = None
    errors: Sequence[int] = ()
    body_limit: int | None = None
    tags: Sequence[str] = ()
    reads: bool | None = None
    """Whether a read scope is enough; None: by the method."""
    documented: Callable[[], Mapping[str, Any]] | None = None
    """Types of ``body``, ``query`` and ``return`` for the API reference, where the handler's own say less."""

    @property
    def only_reads(self) -> bool:
        return self.method in ("GET", "HEAD") if self.reads is None else self.reads


@dataclass(frozen=True, slots=True)
class Alias:
    """A second place for some of a package's routes, forced by a client."""

    prefix: str
    paths: Sequence[str]
    """Route paths that answer there too."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package's table of routes, and how it answers.

    Args:
        name: the room's name; roles and scopes go by it.
        base: where it is mounted, such as ``/vault``.
        problem: makes the documented status and body of a problem.
        credentials: the forms of credential that this system's clients send (identity reads them).
        answer_headers: headers that every answer carries.
        wants_json_type: a JSON body without a JSON content type is refused with 415.
        job_kinds, consumers: what the package runs in the background (``kernel.jobs``, ``kernel.events``).
        audience: which of its events a principal may hear (``kernel.sse.Audience``); None: all, with any role in it.
        on_start: coroutine functions called with services by type before the first request.
    """

    name: str
    base: str
    title: str
    routes: Sequence[Route]
    problem: Callable[[Problem, Request], Response]
    credentials: Sequence[Any] = ()
    aliases: Sequence[Alias] = ()
    answer_headers: Callable[[Request], Mapping[str, str]] | None = None
    wants_json_type: bool = False
    job_kinds: Sequence[Any] = ()
    consumers: Sequence[Any] = ()
    audience: Any = None
    on_start: Sequence[Callable[..., Awaitable[None]]] = ()
    description: str = ""
    version: str = field(default="1")


def _maker(method: str) -> Callable[..., Route]:
    def make(path: str, handler: Handler, *, least: Least, **options: Any) -> Route:
        return Route(method, path, handler, least, **options)

    make.__name__ = method.lower()
    make.__doc__ = f"A row of the table for {method}; see ``Route``."
    return make


get = _maker("GET")
post = _maker("POST")
put = _maker("PUT")
patch = _maker("PATCH")
delete = _maker("DELETE")
head = _maker("HEAD")
