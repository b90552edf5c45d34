"""``GET /events``: the stream of events as server-sent events, an ASGI application beside the packages' routes.

Each message is one event: ``id:`` its seq, ``data:`` one line of JSON with seq, id, name, package, objectId, actorId,
at, data. Messages carry no ``event:`` line, so that one ``onmessage`` gets them all. Query: ``package=`` and
``name=`` (a prefix), each repeatable or with commas; ``after=`` a seq for clients that cannot send ``Last-Event-ID``.
Without a place the stream begins with what happens next. A comment line every 15 seconds keeps proxies awake, and the
credential is judged again then: a revoked token's stream ends.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from tessera.kernel.access import Principal
from tessera.kernel.db import Tx
from tessera.kernel.errors import Forbidden, Invalid, MethodNotAllowed, Problem
from tessera.kernel.events import Event
from tessera.kernel.http import Request, plain_problem
from tessera.kernel.log import logger
from tessera.kernel.stream import Stream, StreamEnded, Subscription

Authenticate = Callable[[Request], Awaitable[Principal]]
"""Identity's one way in; raises ``Unauthenticated``."""
Audience = Callable[[Tx, Principal, Sequence[Event]], Sequence[Event]]
"""A package's own rule: which of its events this principal may see."""

HEARTBEAT_SECONDS: Final = 15.0
SEND_SECONDS: Final = 30.0
"""A client that takes nothing for so long is cut off; it comes back with its ``Last-Event-ID``."""
_encode = msgspec.json.Encoder().encode
_log = logger("sse")


def visible_packages(principal: Principal, packages: Collection[str]) -> frozenset[str]:
    """The packages of which this principal may hear."""
    return frozenset(
        package
        for package in packages
        if (principal.is_administrator or principal.role(package) is not None) and principal.may(package, "read")
    )


async def heard_by(
    stream: Stream, principal: Principal, events: Sequence[Event], audiences: Mapping[str, Audience]
) -> list[Event]:
    """The events that the packages' own rules let this principal see, in their order."""
    asked = {event.package for event in events} & audiences.keys()
    if not asked or principal.is_administrator:
        return list(events)
    seen: set[int] = {event.seq for event in events if event.package not in asked}
    for package in asked:
        own = [event for event in events if event.package == package]
        seen |= {event.seq for event in await stream.db.read(audiences[package], principal, own)}
    return [event for event in events if event.seq in seen]


class SseApp:
    """The ASGI application.

    Args:
        packages: every package whose events there are.
        audiences: a package's own rule for single events, where it has one.
    """

    def __init__(
        self,
        stream: Stream,
        authenticate: Authenticate,
        *,
        packages: Collection[str],
        audiences: Mapping[str, Audience] | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._stream = stream
        self._authenticate = authenticate
        self._packages = frozenset(packages)
        self._audiences = audiences or {}
        self._heartbeat_seconds = heartbeat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        request.id = uuid.uuid4().hex
        try:
            if request.method != "GET":
                raise MethodNotAllowed(request.method, ["GET"])
            principal = await self._authenticate(request)
            packages = self._chosen(request, principal)
            after = _place(request)
        except Problem as problem:
            response = plain_problem(problem, request)
            response.headers.update(problem.headers)
            await response(scope, receive, send)
            return
        subscription = await self._stream.subscribe(after)
        try:
            await _Sending(self, request, principal, packages, subscription, send).run(receive)
        finally:
            subscription.close()

    def _chosen(self, request: Request, principal: Principal) -> frozenset[str]:
        may = visible_packages(principal, self._packages)
        asked = frozenset(_words(request, "package"))
        if unknown := asked - self._packages:
            known = ", ".join(sorted(self._packages))
            raise Invalid(f"package must be among {known}; got {min(unknown)!r}", field="package")
        if asked - may:
            raise Forbidden(f"the caller has no role in {min(asked - may)}")
        return asked or may


class _Sending:
    """One open stream."""

    def __init__(
        self,
        app: SseApp,
        request: Request,
        principal: Principal,
        packages: frozenset[str],
        subscription: Subscription,
        send: Send,
    ) -> None:
        self.app = app
        self.request = request
        self.principal = principal
        self.packages = packages
        self.names = _words(request, "name")
        self.subscription = subscription
        self.send = send
        self.is_gone = False

    async def run(self, receive: Receive) -> None:
        watching = asyncio.create_task(self._watch(receive))
        try:
            headers = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ]
            await self.send({"type": "http.response.start", "status": 200, "headers": headers})
            with contextlib.suppress(StreamEnded, TimeoutError, OSError, Problem):
                await self._body()
            if not self.is_gone:
                with contextlib.suppress(TimeoutError, OSError):
                    await self._send(b"", more=False)
        finally:
            watching.cancel()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        self.subscription.wake()

    async def _body(self) -> None:
        await self._send(b"retry: 2000\n\n")
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + self.app._heartbeat_seconds
        while not self.is_gone:
            events = await self.subscription.next(
                max(beat_at - loop.time(), 0.0), packages=self.packages, names=self.names
            )
            if self.is_gone:
                return
            if events:
                events = await heard_by(self.app._stream, self.principal, events, self.app._audiences)
                await self._send(b"".join(b"id: %d\ndata: %b\n\n" % (event.seq, _encode(event)) for event in events))
            if loop.time() >= beat_at:
                self.principal = await self.app._authenticate(self.request)
                self.packages &= visible_packages(self.principal, self.packages)
                await self._send(b": still here\n\n")
                beat_at = loop.time() + self.app._heartbeat_seconds

    async def _send(self, body: bytes, *, more: bool = True) -> None:
        message = {"type": "http.response.body", "body": body, "more_body": more}
        if body or not more:
            await asyncio.wait_for(self.send(message), SEND_SECONDS)


def _words(request: Request, name: str) -> tuple[str, ...]:
    return tuple(word for value in request.query_params.getlist(name) for word in value.split(",") if word)


def _place(request: Request) -> int | None:
    field = "Last-Event-ID" if "last-event-id" in request.headers else "after"
    text = request.headers.get("last-event-id") or request.query_params.get("after")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(f"{field} must be the id of an event of this stream; got {text[:40]!r}", field=field)
    return int(text)
