"""``/socket.io``: events for Socket.IO clients, in namespace ``/events``, each under its own name.

An event ``production.project:new`` of package ``production`` goes out as ``project:new``; the payload is the event's
data. A client gets the events of those packages in which its principal has a role. It is authenticated when it
connects (header, cookie, or ``{"token": ...}`` as the connect payload) and again every 15 seconds.

Source: contracts/production.md, 7.1.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import socketio
from starlette.types import Message

from tessera.kernel.access import Principal
from tessera.kernel.errors import Problem
from tessera.kernel.events import Event
from tessera.kernel.http import Request
from tessera.kernel.log import logger
from tessera.kernel.sse import Audience, Authenticate, heard_by, visible_packages
from tessera.kernel.stream import Stream, StreamEnded, Subscription

NAMESPACE: Final = "/events"
RECHECK_SECONDS: Final = 15.0
MAX_WAITING: Final = 5_000
"""Packets that may wait for one client; one that takes nothing is cut off."""
_log = logger("socket_events")


async def _no_body() -> Message:
    return {"type": "http.disconnect"}


class _Client:
    def __init__(self, request: Request, principal: Principal) -> None:
        self.request = request
        self.principal = principal


class SocketEvents:
    """The Socket.IO server; ``app`` is its ASGI application.

    Args:
        packages: whose events go out here (those with clients that speak Socket.IO).
        origins: other origins whose pages may connect.
    """

    def __init__(
        self,
        stream: Stream,
        authenticate: Authenticate,
        *,
        packages: Collection[str],
        audiences: Mapping[str, Audience] | None = None,
        origins: Collection[str] = (),
        recheck_seconds: float = RECHECK_SECONDS,
    ) -> None:
        self._stream = stream
        self._authenticate = authenticate
        self._packages = frozenset(packages)
        self._audiences = {name: rule for name, rule in (audiences or {}).items() if name in self._packages}
        self._origins = frozenset(origins)
        self._recheck_seconds = recheck_seconds
        self._clients: dict[str, _Client] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._starting = asyncio.Lock()
        self._server = socketio.AsyncServer(
            async_mode="asgi", logger=False, engineio_logger=False, cors_allowed_origins=self._is_allowed
        )
        # gazu's client joins the default namespace too, for its connection errors; nothing is sent there.
        self._server.on("connect", self._joined_default, namespace="/")
        self._server.on("connect", self._joined, namespace=NAMESPACE)
        self._server.on("disconnect", self._left, namespace=NAMESPACE)
        self.app = socketio.ASGIApp(self._server, socketio_path="socket.io")

    def _is_allowed(self, origin: str | None, environ: Mapping[str, Any]) -> bool:
        """A browser sends cookies to a socket that any page opens, so the page's origin has to be ours or named."""
        if origin is None:
            return True
        return origin in self._origins or urlsplit(origin).netloc == environ.get("HTTP_HOST")

    async def _joined_default(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        await self._admit(environ, auth)

    async def _joined(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        self._clients[sid] = await self._admit(environ, auth)
        async with self._starting:
            # Before the client hears that it is connected, so that it misses nothing from then on.
            if self._is_idle("pump"):
                subscription = await self._stream.subscribe()
                self._tasks["pump"] = asyncio.create_task(self._pump(subscription))
            if self._is_idle("recheck"):
                self._tasks["recheck"] = asyncio.create_task(self._recheck())

    def _is_idle(self, name: str) -> bool:
        running = self._tasks.get(name)
        return running is None or running.done()

    async def _left(self, sid: str, reason: Any = None) -> None:
        self._clients.pop(sid, None)

    async def _admit(self, environ: dict[str, Any], auth: Any) -> _Client:
        scope = dict(environ["asgi.scope"], type="http", method="GET")
        token = auth.get("token") if isinstance(auth, dict) else None
        if isinstance(token, str) and token:
            scope["headers"] = [
                *((name, value) for name, value in scope["headers"] if name not in (b"authorization", b"cookie")),
                (b"authorization", f"Bearer {token}".encode("latin-1", "replace")),
            ]
        request = Request(scope, _no_body)
        try:
            principal = await self._authenticate(request)
        except Problem as problem:
            raise socketio.exceptions.ConnectionRefusedError(problem.message) from problem
        if not visible_packages(principal, self._packages):
            raise socketio.exceptions.ConnectionRefusedError("the caller has no role in any package with events here")
        return _Client(request, principal)

    async def _pump(self, subscription: Subscription) -> None:
        try:
            while self._clients:
                for event in await subscription.next(self._recheck_seconds, packages=self._packages):
                    await self._emit(event)
        except StreamEnded:
            await self._server.shutdown()
        finally:
            subscription.close()

    async def _emit(self, event: Event) -> None:
        name = event.name.removeprefix(f"{event.package}.")
        for sid, client in list(self._clients.items()):
            if not visible_packages(client.principal, (event.package,)):
                continue
            if not await heard_by(self._stream, client.principal, [event], self._audiences):
                continue
            if self._waiting(sid) > MAX_WAITING:
                _log.warning("socket client cut off: it takes no events", principal=client.principal.id)
                await self._cut(sid)
                continue
            await self._server.emit(name, event.data, to=sid, namespace=NAMESPACE)

    def _waiting(self, sid: str) -> int:
        connection = self._server.eio.sockets.get(self._server.manager.eio_sid_from_sid(sid, NAMESPACE))
        return connection.queue.qsize() if connection is not None else 0

    async def _cut(self, sid: str) -> None:
        """End the connection, not the namespace: the client then connects again, with a fresh token if it has one."""
        self._clients.pop(sid, None)
        connection = self._server.manager.eio_sid_from_sid(sid, NAMESPACE)
        if connection is not None:
            await self._server.eio.disconnect(connection)

    async def _recheck(self) -> None:
        while self._clients:
            await asyncio.sleep(self._recheck_seconds)
            for sid, client in list(self._clients.items()):
                try:
                    client.principal = await self._authenticate(client.request)
                except Problem:
                    await self._cut(sid)
