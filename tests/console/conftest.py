"""A real browser against the real server, and what every screen keeps: no error, no other host, no axe violation."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from tests.serving import ROOT, Person, Served, serving

CHROMIUM = Path("/usr/bin/chromium")
BUILT = ROOT / "tessera" / "console" / "index.html"
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = re.compile(r"^Password\b")
"""The label of a required field ends with a mark."""

expect.set_options(timeout=15_000)


@dataclass
class Console:
    """One page of the console, and what went wrong in it."""

    page: Page
    server: Served
    wrong: list[str] = field(default_factory=list)
    expected: list[re.Pattern[str]] = field(default_factory=list)

    def watch(self) -> None:
        """Keep every console error, uncaught exception and request to another host."""
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"exception: {error}"))
        self.page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"console {message.type}: {message.text} at {message.location.get('url')}")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc != urlsplit(self.server.url).netloc:
            self.wrong.append(f"request to another host: {request.url}")

    def expects(self, pattern: str) -> None:
        """An error of the browser's own that this test provokes: a refusal that it asked for."""
        self.expected.append(re.compile(pattern))

    def mishaps(self) -> list[str]:
        """What went wrong and was not provoked."""
        return [one for one in self.wrong if not any(pattern.search(one) for pattern in self.expected)]

    def enter(self, person: Person | None = None) -> None:
        """A session for the person (else the administrator) without going through the form."""
        who = person or self.server.admin
        answer = self.page.context.request.post(
            f"{self.server.url}/identity/sign-in",
            data={"login": who.username, "password": who.password},
            headers={"origin": self.server.url},
        )
        assert answer.status == 200, answer.text()

    def open(self, path: str = "/") -> None:
        """Go to a page of the console by its address."""
        self.page.goto(f"{self.server.url}/console{path}")

    def profile(self, entry: str) -> None:
        """Choose an entry of the profile menu."""
        self.page.get_by_role("button", name="Profile menu").click()
        self.page.get_by_role("menuitem", name=entry).click()

    def dialog(self, title: str) -> Locator:
        """The dialogue with this title, once it stands."""
        found = self.page.get_by_role("dialog", name=title)
        expect(found).to_be_visible()
        return found

    def clipboard(self) -> str:
        """What has been copied."""
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def traces_of(self, secret: str) -> list[str]:
        """Every place of the browser where a secret still stands."""
        places: dict[str, str] = self.page.evaluate(
            """async () => ({
              page: document.documentElement.outerHTML,
              fields: [...document.querySelectorAll('input, textarea')].map((one) => one.value).join(' '),
              address: location.href,
              localStorage: JSON.stringify({...localStorage}),
              sessionStorage: JSON.stringify({...sessionStorage}),
              cookies: document.cookie,
            })"""
        )
        assert "Tessera" in places["page"]
        return [name for name, text in places.items() if secret in text]

    def settle(self) -> None:
        """Wait until nothing moves any more: a colour that is on its way has no contrast to measure."""
        self.page.evaluate(
            """() => Promise.all(document.getAnimations()
              .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
              .map((one) => one.finished.catch(() => null)))
              .then(() => null)"""
        )

    def axe(self) -> list[str]:
        """What axe-core finds in the page as it stands, by every rule it has."""
        self.settle()
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert found["testEngine"]["name"] == "axe-core"
        return [
            f"{one['id']}: {node['html'][:200]} {json.dumps(node['any'][:1])[:300]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The console is the same on each database, so one is enough here."""
    with serving(tmp_path_factory.mktemp("console"), "sqlite") as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium. Ends with the module: while it runs, no other event loop can in this process."""
    if not CHROMIUM.exists():
        pytest.skip("this machine has no chromium")
    if not BUILT.is_file():
        pytest.fail("the console is not built: run `make console`", pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser, server: Served) -> Iterator[BrowserContext]:
    """A browser profile of its own for each test."""
    made = browser.new_context(
        viewport={"width": 1280, "height": 800},
        permissions=["clipboard-read", "clipboard-write"],
        accept_downloads=True,
        reduced_motion="reduce",
    )
    yield made
    made.close()


@pytest.fixture
def console(
    context: BrowserContext, server: Served, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Console]:
    """The console in a browser; at the end nothing may have gone wrong in it."""
    found = Console(context.new_page(), server)
    found.watch()
    yield found
    with suppress(Exception):  # the picture helps to see why a test failed; it must not hide that reason
        found.page.screenshot(path=tmp_path / "last.png", full_page=True)
    assert found.mishaps() == []
