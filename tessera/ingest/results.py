"""Answers of queries, page by page: each query runs once, and its pages wait in files for whoever asked.

Source: contracts/ingest.md, 4.2 (states), 4.3 (grid) and 4.4 (paging).
"""

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct
from sqlglot import exp

from tessera.ingest.column_types import type_word
from tessera.kernel.errors import Invalid, NotFound, Problem
from tessera.kernel.http import to_json
from tessera.kernel.log import logger
from tessera.settings import Settings
from tessera.warehouse import Cancel, Column, JsonForm, Limits, Warehouse

KIND: Final = "upsolver_query_response"
PAGE_ROWS: Final = 10_000
PAGE_BYTES: Final = 8 << 20
HOLD_SECONDS: Final = 1.0
"""How long a request waits for a page before it is told to ask again. Source: contract, 4.2."""
LIFE_SECONDS: Final = 15 * 60
"""How long a result waits to be read. Source: contract, 4.2."""
QUERY_SECONDS: Final = 300.0
_FORM: Final = JsonForm(rows="arrays", timestamps="blank_millis")
_CLAZZ: Final = {
    "BIGINT": "NumberColumnType",
    "DOUBLE": "DoubleColumnType",
    "BOOLEAN": "BooleanColumnType",
    "TIMESTAMP": "TimeColumnType",
    "DATE": "DateColumnType",
    "RECORD": "JSONStringColumnType",
    "ARRAY": "StringArrayColumnType",
}
_log = logger("ingest")


class Answer(Struct, frozen=True):
    """What goes on the wire."""

    body: bytes
    status: int = 200


class _Owner(Struct, frozen=True):
    principal_id: str


class Running:
    """A query at work in this process. ``ready`` is raised with each page and at the end."""

    def __init__(self, query_id: str, owner: str) -> None:
        self.query_id = query_id
        self.owner = owner
        self.cancel = Cancel()
        self.first: bytes | None = None
        self.pages = 0
        self.is_done = False
        self.error: Problem | None = None
        self.ready = asyncio.Event()


_RUNNING: Final[dict[str, Running]] = {}
"""Queries of this process by id: a cache, what it knows that lasts is in the files."""


def clazz(stored: str) -> str:
    """The grid's word for a column type. Source: contract, 4.3."""
    word = type_word(stored)
    if word.startswith("DECIMAL"):
        return "DoubleColumnType"
    return _CLAZZ.get(word, "StringColumnType")


def message(text: str) -> dict[str, Any]:
    """The answer of a statement without rows."""
    return {"status": "Success", "kind": KIND, "message": text}


def grid(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The answer with these rows: (name, stored type) of each column."""
    shown = [{"name": name, "columnType": {"clazz": clazz(kind)}} for name, kind in columns]
    return {"status": "Success", "kind": KIND, "result": {"grid": {"columns": shown, "data": rows}}}


def _page(columns: list[Column], rows: bytes, following: str | None) -> bytes:
    shown = [{"name": one.name, "columnType": {"clazz": clazz(one.type)}} for one in columns]
    result: dict[str, Any] = {"grid": {"columns": shown, "data": Raw(rows)}}
    if following is not None:
        result["next"] = following
    return to_json({"status": "Success", "kind": KIND, "result": result})


def _pending(query_id: str, number: int, status: int) -> Answer:
    path = f"query/{query_id}" if number == 1 else f"query/{query_id}/{number}"
    return Answer(to_json({"status": "Pending", "kind": KIND, "current": path}), status)


class Desk(Struct, frozen=True):
    """Where results are kept. ``folder`` is shared by all servers on one data folder."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> "Desk":
        """The desk of this installation."""
        return cls(settings.path("ingest", "results"))

    def path(self, query_id: str, name: str) -> Path:
        return self.folder / query_id / name

    def open(self, query_id: str, owner: str) -> None:
        """Make room for a result, and clear away what is too old."""
        self.folder.mkdir(parents=True, exist_ok=True)
        limit = time.time() - LIFE_SECONDS
        for entry in os.scandir(self.folder):
            if entry.stat().st_mtime < limit and entry.name not in _RUNNING:
                shutil.rmtree(entry.path, ignore_errors=True)
        (self.folder / query_id).mkdir(mode=0o700)
        self._write(query_id, "owner", to_json(_Owner(owner)))

    def _write(self, query_id: str, name: str, content: bytes) -> None:
        path = self.path(query_id, name)
        partial = path.with_suffix(".part")
        partial.write_bytes(content)
        partial.replace(path)

    def put(self, query_id: str, number: int, content: bytes) -> None:
        """Keep a page."""
        self._write(query_id, f"{number}.json", content)

    def refuse(self, query_id: str, text: str) -> None:
        """Keep the reason for which there will be no further page."""
        self._write(query_id, "error", text.encode())

    def read(self, query_id: str, number: int, owner: str) -> Answer | None:
        """A page; None while it is not there yet.

        Raises:
            NotFound: no such query, none of this caller, or too old.
            Invalid: the query failed.
        """
        try:
            kept = msgspec.json.decode(self.path(query_id, "owner").read_bytes(), type=_Owner)
        except FileNotFoundError:
            raise NotFound("there is no such query, or its result is no longer kept") from None
        if kept.principal_id != owner:
            raise NotFound("there is no such query, or its result is no longer kept")
        try:
            return Answer(self.path(query_id, f"{number}.json").read_bytes())
        except FileNotFoundError:
            pass
        try:
            raise Invalid(self.path(query_id, "error").read_text())
        except FileNotFoundError:
            return None


def _run(warehouse: Warehouse, desk: Desk, running: Running, tree: exp.Query, told: Callable[[], None]) -> None:
    """Make all pages, in a thread. A result of one page is kept in memory alone, until somebody has to wait for it."""
    started = False

    def following(number: int) -> str:
        return f"query/{running.query_id}/{number}"

    def keep(number: int, content: bytes) -> None:
        nonlocal started
        if not started:
            desk.open(running.query_id, running.owner)
            started = True
        desk.put(running.query_id, number, content)
        running.pages = number
        told()

    with warehouse.reading(limits=Limits(seconds=QUERY_SECONDS), cancel=running.cancel) as reader:
        waiting: tuple[list[Column], bytes] | None = None
        number = 0
        for page in reader.json_pages(tree, form=_FORM, rows=PAGE_ROWS, size_bytes=PAGE_BYTES):
            if waiting is not None:
                number += 1
                keep(number, _page(*waiting, following(number + 1)))
            waiting = page.columns, bytes(page.json)
    assert waiting is not None
    last = _page(*waiting, None)
    if number == 0:
        running.first = last
    else:
        keep(number + 1, last)


async def start(warehouse: Warehouse, desk: Desk, prepare: Callable[[], exp.Query], owner: str) -> Answer:
    """Run a query; its first page, or where to ask for it."""
    loop = asyncio.get_running_loop()
    running = Running(secrets.token_urlsafe(18), owner)
    _RUNNING[running.query_id] = running

    def told() -> None:
        loop.call_soon_threadsafe(running.ready.set)

    def work() -> None:
        try:
            _run(warehouse, desk, running, prepare(), told)
        except Problem as problem:
            running.error = problem
            if running.pages:
                desk.refuse(running.query_id, problem.message)
        finally:
            running.is_done = True
            told()

    task = asyncio.ensure_future(warehouse.run(work))
    task.add_done_callback(lambda done: _ended(running, done))
    try:
        await asyncio.wait_for(running.ready.wait(), HOLD_SECONDS)
    except TimeoutError:
        return _pending(running.query_id, 1, 201)
    except asyncio.CancelledError:
        # The client went away before it knew the query's name: nobody can ask for it.
        running.cancel.cancel()
        raise
    if running.is_done and task.done() is False:
        await asyncio.wait({task})
    if running.is_done and not running.pages:
        # Told here, so nobody needs to ask again.
        _RUNNING.pop(running.query_id, None)
    answer = _from_memory(running)
    if answer is None:
        answer = await loop.run_in_executor(None, desk.read, running.query_id, 1, owner)
    return answer if answer is not None else _pending(running.query_id, 1, 201)


def _ended(running: Running, task: "asyncio.Future[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        running.error = Problem("the query failed; the server's log has the reason")
        running.is_done = True
        running.ready.set()
        _log.error("query failed", exc_info=task.exception())
    # What is only in memory may still be asked for; the time that results live bounds it.
    asyncio.get_running_loop().call_later(LIFE_SECONDS, _RUNNING.pop, running.query_id, None)


def _from_memory(running: Running) -> Answer | None:
    """The only page, or the error."""
    if running.first is not None:
        return Answer(running.first)
    if running.error is not None and not running.pages:
        raise running.error
    return None


async def page(desk: Desk, query_id: str, number: int, owner: str) -> Answer:
    """A page of a query that was started before; Pending after a second.

    Raises:
        NotFound: no such query or page, or one of another caller.
        Invalid: the query failed.
    """
    if not query_id.replace("-", "").replace("_", "").isalnum() or number < 1:
        raise NotFound("there is no such query, or its result is no longer kept")
    running = _RUNNING.get(query_id)
    if running is not None and running.owner != owner:
        raise NotFound("there is no such query, or its result is no longer kept")
    loop = asyncio.get_running_loop()
    deadline = time.monotonic() + HOLD_SECONDS
    while True:
        if running is not None:
            running.ready.clear()
            answer = _from_memory(running) if number == 1 else None
            if answer is not None:
                return answer
        if running is None or running.pages:
            answer = await loop.run_in_executor(None, desk.read, query_id, number, owner)
            if answer is not None:
                return answer
        if running is not None and running.is_done and number > running.pages:
            raise NotFound(f"the result has no page {number}")
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return _pending(query_id, number, 202)
        if running is None:
            # Another process runs it: its files are all that we see.
            await asyncio.sleep(min(0.1, remaining))
            continue
        try:
            await asyncio.wait_for(running.ready.wait(), remaining)
        except TimeoutError:
            continue


def cancel(query_id: str, owner: str) -> None:
    """End a query and forget its result.

    Raises:
        NotFound: no such query, or one of another caller.
    """
    running = _RUNNING.pop(query_id, None)
    if running is None or running.owner != owner:
        raise NotFound("there is no such query, or its result is no longer kept")
    running.cancel.cancel()
