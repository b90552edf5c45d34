"""Builds the application out of its rooms; the only module that knows every package."""

import asyncio
import fcntl
import html
import inspect
import socket
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from tessera import __version__
from tessera.catalog.routes import PACKAGE as CATALOG
from tessera.identity import (
    ROLE_WORDS,
    BasicToken,
    Cookie,
    Identity,
    JwtHeader,
    PasswordHeaders,
    RawAuthorization,
    TokenHeader,
)
from tessera.identity.routes import PACKAGE as IDENTITY
from tessera.ingest.routes import PACKAGE as INGEST
from tessera.kernel import memory, metrics, schema
from tessera.kernel.access import PUBLIC, Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import NotFound, Unavailable
from tessera.kernel.http import Package, Request, Server, get, json_response, openapi, plain_problem, static
from tessera.kernel.jobs import Jobs
from tessera.kernel.jobs_runner import JobRunner
from tessera.kernel.log import logger
from tessera.kernel.realtime import Events
from tessera.production.routes import PACKAGE as PRODUCTION
from tessera.semantic.routes import PACKAGE as SEMANTIC
from tessera.settings import Settings
from tessera.vault.routes import PACKAGE as VAULT
from tessera.warehouse import Warehouse, open_warehouse

PACKAGES: Final[tuple[Package, ...]] = (IDENTITY, PRODUCTION, CATALOG, SEMANTIC, INGEST, VAULT)
SOCKET_PACKAGES: Final = frozenset({"production"})
"""Packages whose clients hear of events over Socket.IO."""

CONSOLE: Final = Path(__file__).parent / "console"
_log = logger("app")


class App:
    """The whole of Tessera as one ASGI application with a beginning and an end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.db = Database(settings.metadata_url)
        self.warehouse = open_warehouse(
            settings.warehouse_address,
            memory_limit_mb=settings.warehouse_memory_mb,
            threads=settings.warehouse_threads,
            workers=settings.warehouse_workers,
            connections=settings.warehouse_workers + settings.job_threads + 2,
        )
        self.identity = Identity(self.db, settings)
        self.jobs = Jobs(kind for package in PACKAGES for kind in package.job_kinds)
        self.events = Events(
            self.db,
            self._authenticate_any,
            packages=[*ROLE_WORDS, IDENTITY.name],
            socket_packages=SOCKET_PACKAGES,
            origins=[*settings.cors_origins, *([settings.public_url.rstrip("/")] if settings.public_url else [])],
            consumers=[consumer for package in PACKAGES for consumer in package.consumers],
            audiences={package.name: package.audience for package in PACKAGES if package.audience is not None},
        )
        self.services: dict[type, Any] = {
            Settings: settings,
            Database: self.db,
            Warehouse: self.warehouse,
            Identity: self.identity,
            Jobs: self.jobs,
            Events: self.events,
        }
        self._runner: JobRunner | None = None
        self._releasing: asyncio.Future[None] | None = None
        self._lock_file: Any = None
        self._server = Server(
            [package if settings.root_aliases else replace(package, aliases=()) for package in PACKAGES],
            self.services,
            authenticate=self.identity.authenticate,
            plain=self._plain(),
            mounts={"/events": self.events.sse, "/socket.io": self.events.socket.app},
            body_limit=settings.body_limit_bytes,
            cors_origins=settings.cors_origins,
            trusted_proxies=settings.trusted_proxies,
            public_url=settings.public_url,
            log_requests=settings.log_requests,
        )

    async def _authenticate_any(self, request: Request) -> Principal:
        """For what lies outside every package: the forms of all of them."""
        return await self.identity.authenticate(request, ANY_CREDENTIALS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._server(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:
            _log.exception("start failed")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> None:
        """Begin background work. The schema is at its newest revision already (``serve`` sees to it)."""
        self.db.start()
        for package in PACKAGES:
            for begin in package.on_start:
                await call_with(begin, self.services)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.events.start)
        if self.settings.job_threads:
            self._runner = JobRunner(self.db, self.jobs, self.services, threads=self.settings.job_threads)
            await loop.run_in_executor(None, self._runner.start)

    def begin_stop(self) -> None:
        """Let go of what would keep the web server waiting: clients' event streams, and jobs, which go back at once."""
        self.events.end_streams()
        if self._runner is not None and self._releasing is None:
            self._releasing = asyncio.get_running_loop().run_in_executor(None, self._runner.stop)

    async def stop(self) -> None:
        """End background work, then close what was opened."""
        self.begin_stop()
        if self._releasing is not None:
            await self._releasing
        await self.identity.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.events.stop)
        await loop.run_in_executor(None, self.warehouse.close)
        await loop.run_in_executor(None, self.db.close)

    # -- what lies outside every package -----------------------------------------------------------------------------

    def _plain(self) -> Package:
        return Package(
            name="server",
            base="",
            title="Server",
            problem=plain_problem,
            routes=[
                get("/", self._to_console, least=PUBLIC),
                get("/console", self._console, least=PUBLIC),
                get("/console/{path:rest}", self._console_path, least=PUBLIC),
                get("/healthz", self._health, least=PUBLIC),
                get("/readyz", self._ready, least=PUBLIC),
                get("/metrics", self._metrics, least=PUBLIC),
                get("/docs", self._documents, least=PUBLIC),
                get("/docs/{package}", self._document_page, least=PUBLIC),
                get("/docs/{package}/openapi.json", self._document, least=PUBLIC),
            ],
        )

    async def _to_console(self) -> Response:
        return RedirectResponse("/console/")

    async def _console(self, request: Request) -> Response:
        return static.serve(CONSOLE, "", request)

    async def _console_path(self, path: str, request: Request) -> Response:
        return static.serve(CONSOLE, path, request)

    async def _health(self) -> dict[str, str]:
        """The process answers."""
        return {"status": "ok", "version": __version__}

    async def _ready(self) -> Response:
        """All that a request may need answers too."""
        state = {"metadata": True, "warehouse": True}
        try:
            await self.db.read(_touch)
        except Unavailable:
            state["metadata"] = False
        try:
            # Not through `run`: long queries of others must not make the server look dead.
            await asyncio.get_running_loop().run_in_executor(None, self.warehouse.schemas)
        except Unavailable:
            state["warehouse"] = False
        return json_response({"ready": all(state.values()), **state}, 200 if all(state.values()) else 503)

    async def _metrics(self) -> Response:
        content, kind = metrics.exposition()
        return Response(content, media_type=kind)

    async def _documents(self) -> Response:
        rows = "".join(
            f'<li><a href="/docs/{package.name}">{html.escape(package.title)}</a> <code>{package.base}</code> '
            f'(<a href="/docs/{package.name}/openapi.json">OpenAPI</a>)</li>'
            for package in PACKAGES
        )
        return _page("API reference", f"<h1>API reference</h1><ul>{rows}</ul>")

    async def _document_page(self, package: str) -> Response:
        found = _package(package)
        page = CONSOLE / "docs" / "index.html"
        if not page.is_file():
            raise NotFound(f"the reader is not built; the document is at /docs/{found.name}/openapi.json")
        return FileResponse(page, headers={"content-security-policy": static.POLICY, "cache-control": "no-cache"})

    async def _document(self, package: str, request: Request) -> dict[str, Any]:
        found = _package(package)
        return openapi.document(found, request.origin + found.base, SECURITY)


ANY_CREDENTIALS: Final = (
    BasicToken(),
    RawAuthorization(),
    JwtHeader("x-jwt-token"),
    TokenHeader("x-api-key"),
    Cookie("access_token_cookie"),
    PasswordHeaders(),
)
"""Every form of every package, in an order in which none takes another's header for its own and malformed."""
SECURITY: Final[Mapping[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A log-in's token or an opaque token."},
}


def _package(name: str) -> Package:
    for package in PACKAGES:
        if package.name == name:
            return package
    raise NotFound(f"there is no package {name[:50]!r}; there are {', '.join(one.name for one in PACKAGES)}")


def _page(title: str, body: str) -> Response:
    text = '<!doctype html><html lang="en"><meta charset="utf-8">'
    text += '<link rel="icon" href="/console/tessera.svg" type="image/svg+xml">'
    text += f"<title>{title} - Tessera</title><main>{body}</main>"
    return HTMLResponse(text, headers={"content-security-policy": static.POLICY})


def _touch(tx: Any) -> None:
    tx.connection.exec_driver_sql("SELECT 1")


async def call_with(function: Callable[..., Awaitable[None]], services: Mapping[type, Any]) -> None:
    """Call a start hook with the services that its annotations ask for."""
    hints = typing.get_type_hints(function)
    await function(**{name: services[hints[name]] for name in inspect.signature(function).parameters})


class DataFolderInUse(Exception):
    """Another server process has the embedded databases open."""


def claim_data_dir(settings: Settings) -> Any:
    """Hold the data folder for this process, for as long as the returned file stays open.

    Raises:
        DataFolderInUse: another server holds it. Embedded databases have one writing process.
    """
    folder = settings.path()
    folder.mkdir(parents=True, exist_ok=True)
    file = settings.path("tessera.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DataFolderInUse(
            f"another Tessera serves from {folder}; stop it, or use another --data-dir "
            "(with PostgreSQL for both databases, several may run)"
        ) from None
    return file


class _WebServer(uvicorn.Server):
    application: App

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it, but open streams end first: it waits for them otherwise."""
        self.application.begin_stop()
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Migrate, then serve until a signal."""
    memory.keep()
    embedded = not (settings.database_url and settings.warehouse_url)
    lock = claim_data_dir(settings) if embedded else None
    app = App(settings)
    before, after = schema.migrate(app.db)
    if before != after:
        _log.info("migrated", before=before, after=after)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # `Request.client_address` knows which proxies are trusted
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
        backlog=2048,
    )
    server = _WebServer(config)
    server.application = app
    bound = config.bind_socket()
    host, port = bound.getsockname()[:2]
    _log.info("serving", url=f"http://{host}:{port}", data_dir=settings.data_dir, database=app.db.dialect)
    server.run(sockets=[bound])
    if lock is not None:
        lock.close()
