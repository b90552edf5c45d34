"""The ASGI application: match, authenticate, check, decode, call, encode; problems in the package's own envelope."""

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Raw
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tessera.kernel import access
from tessera.kernel.access import PUBLIC, Principal
from tessera.kernel.errors import Broken, Invalid, MethodNotAllowed, NotFound, Problem, Unauthenticated
from tessera.kernel.http.binding import Bound, Services
from tessera.kernel.http.request import JSON_TYPE, Request, json_response, to_json
from tessera.kernel.http.route import Package, Route
from tessera.kernel.http.trie import Trie, split
from tessera.kernel.log import logger
from tessera.kernel.metrics import observe_request

Authenticate = Callable[[Request, Sequence[Any]], Awaitable[Principal]]

SAFETY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
)
_API_POLICY: Final = b"frame-ancestors 'self'"
_LONGEST_PATH: Final = 8192
_log = logger("http")


class _Endpoint:
    __slots__ = ("allowed", "bound", "package", "public", "reads")

    def __init__(self, package: Package, bound: Bound) -> None:
        self.package = package
        self.bound = bound
        self.public = bound.route.least is PUBLIC
        self.allowed = access.roles_from(bound.route.least)
        self.reads = bound.route.only_reads


class Server:
    """All packages behind one port.

    Args:
        packages: their tables of routes.
        services: what handlers get by type.
        authenticate: the one way in; reads the forms of credential that the package lists.
        mounts: other ASGI applications by path prefix (Socket.IO), asked first.
        plain: the package that answers for paths outside every base (health, console, documents).
    """

    def __init__(
        self,
        packages: Sequence[Package],
        services: Services,
        *,
        authenticate: Authenticate,
        plain: Package,
        mounts: Mapping[str, ASGIApp] | None = None,
        body_limit: int = 100_000_000,
        cors_origins: Sequence[str] = (),
        trusted_proxies: Sequence[str] = (),
        public_url: str = "",
        log_requests: bool = True,
    ) -> None:
        self._authenticate = authenticate
        self._plain = plain
        self._mounts = dict(mounts or {})
        self._cors = frozenset(cors_origins)
        self._proxies = frozenset(trusted_proxies)
        self._public_url = public_url
        self._log_requests = log_requests
        self._trie: Trie[_Endpoint] = Trie()
        self._bases: list[tuple[str, Package]] = []
        self.packages = tuple(packages)
        for package in (*packages, plain):
            self._bases.append((package.base, package))
            for route in package.routes:
                self._add(package, route, services, body_limit)
        self._bases.sort(key=lambda one: -len(one[0]))

    def _add(self, package: Package, route: Route, services: Services, body_limit: int) -> None:
        limits: dict[str, Any] = {"body_limit": body_limit, "wants_json_type": package.wants_json_type}
        bound = Bound(route, services, base=package.base, **limits)
        endpoint = _Endpoint(package, bound)
        self._trie.add(route.method, package.base + route.path, endpoint)
        for alias in package.aliases:
            if route.path in alias.paths:
                self._trie.add(route.method, alias.prefix + route.path, endpoint)

    def package_of(self, path: str) -> Package:
        """Whose envelope a path without a route is answered in."""
        clean = "/" + "/".join(split(path))
        for base, package in self._bases:
            if base and (clean == base or clean.startswith(base + "/")):
                return package
        for package in self.packages:
            for alias in package.aliases:
                if any(clean == alias.prefix + p or clean.startswith(alias.prefix + p + "/") for p in alias.paths):
                    return package
        return self._plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        for prefix, application in self._mounts.items():
            if path == prefix or path.startswith(prefix + "/"):
                await application(scope, receive, send)
                return
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 4404})
            return
        await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        request = Request(scope, receive, send)
        request.id = uuid.uuid4().hex
        request.trusted_proxies = self._proxies
        request.public_url = self._public_url
        label = "unmatched"
        package = self._plain
        try:
            endpoint, parameters = self._match(scope, request)
            if endpoint is None:
                package = self.package_of(scope["path"])
                response = Response(status_code=204, headers={"allow": parameters["allow"]})
            else:
                package = endpoint.package
                label = endpoint.bound.label
                response = await self._call(endpoint, request, parameters)
        except Problem as problem:
            if label == "unmatched":
                package = self.package_of(scope["path"])
            response = self._render(package, problem, request)
        except ClientDisconnect:
            return
        except Exception:  # noqa: BLE001 - the outermost edge
            _log.exception("unhandled", request_id=request.id, route=label, method=scope["method"])
            response = self._render(package, Broken(request.id), request)
        self._finish(package, request, response)
        try:
            await response(scope, receive, send)
        finally:
            seconds = time.perf_counter() - began
            observe_request(label, scope["method"], response.status_code, seconds)
            if self._log_requests:
                _log.info(
                    "request",
                    request_id=request.id,
                    method=scope["method"],
                    route=label,
                    status=response.status_code,
                    ms=round(seconds * 1000, 2),
                    by=request.principal.id if request.principal else None,
                )

    def _match(self, scope: Scope, request: Request) -> tuple[_Endpoint | None, dict[str, str]]:
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        if len(raw) > _LONGEST_PATH:
            raise Invalid("the path is too long", status=414)
        path = raw.decode("latin-1")
        method: str = scope["method"]
        found = self._trie.find(path, method)
        if isinstance(found, list) and method == "HEAD" and "GET" in found:
            found = self._trie.find(path, "GET")
        if found is None:
            raise NotFound(f"there is nothing at {scope['path'][:200]}")
        if isinstance(found, list):
            allowed = sorted({*found, "OPTIONS", *(["HEAD"] if "GET" in found else [])})
            if method == "OPTIONS":
                return None, {"allow": ", ".join(allowed)}
            raise MethodNotAllowed(method, allowed)
        endpoint, parameters = found
        request.body_limit = endpoint.bound.body_limit
        request.package = endpoint.package.name
        return endpoint, parameters

    async def _call(self, endpoint: _Endpoint, request: Request, parameters: dict[str, str]) -> Response:
        bound = endpoint.bound
        if not endpoint.public:
            request.principal = await self._authenticate(request, endpoint.package.credentials)
            access.check(request.principal, endpoint.package.name, endpoint.allowed, reads=endpoint.reads)
        elif bound.takes_principal:
            try:
                request.principal = await self._authenticate(request, endpoint.package.credentials)
            except Unauthenticated:
                if not bound.optional_principal:
                    raise
        result = await bound.call(request, parameters)
        if isinstance(result, Response):
            return result
        if result is None and bound.route.status in (204, 304):
            return Response(status_code=bound.route.status)
        body = bytes(result) if isinstance(result, Raw) else to_json(result)
        return Response(body, bound.route.status, None, JSON_TYPE)

    def _render(self, package: Package, problem: Problem, request: Request) -> Response:
        response = package.problem(problem, request)
        for name, value in problem.headers.items():
            response.headers.setdefault(name, value)
        return response

    def _finish(self, package: Package, request: Request, response: Response) -> None:
        headers = response.raw_headers
        headers.extend(SAFETY_HEADERS)
        headers.append((b"x-request-id", request.id.encode()))
        if not any(name == b"content-security-policy" for name, _ in headers):
            headers.append((b"content-security-policy", _API_POLICY))
        if package.answer_headers is not None:
            for name, value in package.answer_headers(request).items():
                headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
        if self._cors:
            origin = request.headers.get("origin", "")
            if origin in self._cors:
                headers += [
                    (b"access-control-allow-origin", origin.encode("latin-1")),
                    (b"access-control-allow-credentials", b"true"),
                    (b"vary", b"Origin"),
                ]
                if request.method == "OPTIONS":
                    wanted = request.headers.get("access-control-request-headers", "")
                    headers += [
                        (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
                        (b"access-control-allow-headers", wanted.encode("latin-1")),
                        (b"access-control-max-age", b"600"),
                    ]


def plain_problem(problem: Problem, request: Request) -> Response:
    """The envelope outside every package: ``{"error": {"kind", "message", "field", "request_id"}}``."""
    body = {
        "error": {
            "kind": type(problem).__name__,
            "message": problem.message,
            "field": problem.field,
            "request_id": request.id,
        }
    }
    return json_response(body, problem.status)
