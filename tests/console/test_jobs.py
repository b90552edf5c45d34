"""Jobs appear by themselves; a job's page says the outcome first, then the figures and the log."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.conftest import Console
from tests.contract.ingest.conftest import Caller, caller
from tests.contract.ingest.test_copy import lines, put
from tests.serving import Served


@pytest.fixture
def editor(server: Served) -> Caller:
    return caller(server, "editor")


def begin(editor: Caller, content: str) -> tuple[str, str, Path]:
    """A small COPY job over one file: its name, its table and its folder."""
    connection, folder = editor.folder()
    put(folder, "a.jsonl", content)
    table = editor.table()
    return editor.copy(connection, table), table, folder


def test_a_job_appears_in_the_list_without_a_reload_and_shows_its_figures(console: Console, editor: Caller) -> None:
    page = console.page
    console.enter()
    console.open("/jobs")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.evaluate("window.notReloaded = true")
    name, _, folder = begin(editor, lines({"n": 1}, {"n": 2}, {"n": 3}))
    row = page.get_by_role("row", name=name)
    expect(row).to_be_visible()
    expect(row).to_contain_text("ingest")
    expect(row).to_contain_text("running")
    expect(row.get_by_role("cell", name="3", exact=True)).to_be_visible()
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("Runs since")).to_be_visible()
    expect(page.get_by_role("region", name="Log of the job")).to_be_visible()
    put(folder, "b.jsonl", lines({"n": 4}, {"n": 5}))
    expect(page.get_by_label("Rows written")).to_have_text("Rows written5")
    editor.told(f"DROP JOB {name}")
    expect(page.get_by_text("Cancelled. What was committed before stays.")).to_be_visible()
    assert page.evaluate("window.notReloaded") is True


def test_cancel_and_try_again_from_the_page(console: Console, editor: Caller, server: Served) -> None:
    page = console.page
    name, _, _ = begin(editor, lines({"n": 1}))
    console.enter()
    console.open("/jobs?state=running")
    page.get_by_role("row", name=name).get_by_role("link").click()
    page.get_by_role("button", name="Cancel job", exact=True).click()
    expect(page.get_by_text("Cancelled.")).to_be_visible()
    job = page.url.rsplit("/", 1)[1]
    with server.http("identity", server.admin.token) as client:
        assert client.get(f"/jobs/{job}").json()["state"] == "cancelled"
    page.get_by_role("button", name="Try again", exact=True).click()
    expect(page.get_by_text("Runs since")).to_be_visible()
    page.get_by_role("button", name="Cancel job", exact=True).click()
    expect(page.get_by_text("Cancelled.")).to_be_visible()
