"""Signing in and out, the base-URL dialogues, the API reference, and "show me the call"."""

import json
import os
import subprocess

import httpx
import pytest
from playwright.sync_api import expect

from tests.console.conftest import PASSWORD, Console
from tests.serving import BASES, Served, unique

PACKAGES = ["catalog", "ingest", "semantic", "vault", "production", "identity"]


def run_curl(text: str, token: str) -> tuple[int, str]:
    """Run a curl line as a person would who pasted it into a shell: status and body."""
    assert text.startswith("curl ")
    done = subprocess.run(
        ["bash", "-c", text + " --silent --show-error --write-out '\\n%{http_code}'"],
        env={**os.environ, "TESSERA_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def test_sign_in_with_the_wrong_and_the_right_password_and_sign_out(console: Console, server: Served) -> None:
    page, person = console.page, server.person(catalog="Reader")
    console.expects(r"status of 401 .*/identity/sign-in")
    console.open("/jobs")
    page.get_by_label("E-mail or user name").fill(person.email)
    page.get_by_label(PASSWORD).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail or user name")).to_have_value(person.email)
    page.get_by_label(PASSWORD).fill(person.password)
    page.get_by_label(PASSWORD).press("Enter")
    # The address that was asked for is the page one gets.
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    session = next(one for one in page.context.cookies() if one["httpOnly"])
    cookies = {session["name"]: session["value"]}
    assert httpx.get(f"{server.url}/identity/me", cookies=cookies).json()["id"] == person.id
    assert console.traces_of(person.password) == []
    assert console.traces_of(session["value"]) == []
    console.profile("Sign out")
    expect(page.get_by_role("heading", name="Sign in to Tessera")).to_be_visible()
    assert httpx.get(f"{server.url}/identity/me", cookies=cookies).status_code == 401


def test_a_session_that_ended_leads_to_the_sign_in_page(console: Console, server: Served) -> None:
    console.expects("status of 401")
    console.enter(server.person(catalog="Reader"))
    console.open()
    expect(console.page.get_by_role("heading", name="Home")).to_be_visible()
    console.page.context.clear_cookies()
    console.page.get_by_role("link", name="Jobs", exact=True).click()
    expect(console.page.get_by_role("heading", name="Sign in to Tessera")).to_be_visible()


def test_datagalaxy_api_shows_the_base_url_without_scheme(console: Console, server: Served) -> None:
    console.enter()
    console.open()
    console.profile("DataGalaxy API")
    dialog = console.dialog("DataGalaxy API")
    base = dialog.get_by_label("API base URL", exact=True).inner_text()
    assert base == server.url.removeprefix("http://") + "/catalog/v2"
    dialog.get_by_role("button", name="Copy the API base URL").click()
    expect(dialog.get_by_role("button", name="Copied the API base URL")).to_be_visible()
    assert console.clipboard() == base
    answer = httpx.get(f"http://{base}/workspaces", headers={"authorization": f"Bearer {server.admin.token}"})
    assert answer.status_code == 200
    assert answer.json()["projects"]
    console.page.keyboard.press("Escape")
    expect(console.page.get_by_role("dialog")).to_have_count(0)


def test_all_apis_has_a_row_for_each_package_whose_first_call_runs(console: Console, server: Served) -> None:
    console.enter()
    console.open()
    console.profile("All APIs")
    dialog = console.dialog("All APIs")
    served = httpx.get(f"{server.url}/docs").text
    here = [name for name in PACKAGES if f"/docs/{name}" in served]
    assert {"catalog", "ingest", "identity"} <= set(here)
    expect(dialog.get_by_role("row")).to_have_count(1 + len(PACKAGES))
    for name in here:
        row = dialog.get_by_role("row").filter(has=console.page.get_by_role("rowheader", name=name))
        expect(row).to_contain_text(server.base(name))
        expect(row.get_by_role("link", name=f"/docs/{name}")).to_be_visible()
        row.get_by_role("button", name=f"Copy the base URL of {name}").click()
        expect(row.get_by_role("button", name=f"Copied the base URL of {name}")).to_be_visible()
        assert console.clipboard() == server.url.removeprefix("http://") + BASES[name]
        row.get_by_role("button", name=f"Copy the first call of {name} as curl").click()
        expect(row.get_by_role("button", name=f"Copied the first call of {name} as curl")).to_be_visible()
        status, body = run_curl(console.clipboard(), server.admin.token)
        assert status == 200, body
        assert json.loads(body) is not None


SCREENS = [
    "/",
    "/jobs",
    "/account/api-tokens",
    "/administration/integration?tab=tokens",
    "/administration/tokens",
    "/ingest/api-tokens",
    "/vault/technical-users",
]


@pytest.mark.parametrize("path", SCREENS)
def test_each_call_that_a_screen_shows_runs_as_curl_and_gives_the_same(
    console: Console, server: Served, path: str
) -> None:
    page, person = console.page, server.person(administrator=True)
    console.enter(person)
    with page.expect_response(lambda answer: answer.url.startswith(server.url + "/identity/session")):
        console.open(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Loading…")).to_have_count(0)
    page.get_by_role("button", name="Calls", exact=True).click()
    shown = page.get_by_role("region", name="List of calls").get_by_role("button", name="GET")
    expect(shown.first).to_be_visible()
    lines = dict.fromkeys(shown.all_inner_texts())
    assert len(lines) >= 1
    for line in lines:
        if line == "GET /identity/session":
            continue  # it says who the *browser* is
        shown.filter(has_text=line).first.click()
        curl = page.get_by_label("Call as curl")
        expect(curl).to_contain_text(line.removeprefix("GET "))
        status, body = run_curl(curl.inner_text(), person.token)
        assert status == 200, (line, body)
        mine = page.context.request.get(server.url + line.removeprefix("GET "))
        assert alike(json.loads(body)) == alike(mine.json()), line


def alike(answer: object) -> object:
    """An answer without what using a token changes."""
    if isinstance(answer, list):
        return [alike(one) for one in answer]
    if isinstance(answer, dict):
        moving = {"lastUsedAt", "lastUsedTime"}
        return {name: alike(value) for name, value in answer.items() if name not in moving}
    return answer


def test_a_form_shows_its_call_while_it_is_filled_in_and_that_call_runs(console: Console, server: Served) -> None:
    page, person, name = console.page, server.person(administrator=True), unique("it's")
    console.enter(person)
    console.open("/account/api-tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Show the call of: New personal token").click()
    text = page.get_by_label("Call as curl").inner_text()
    assert "$TESSERA_TOKEN" in text
    status, body = run_curl(text, person.token)
    assert status == 201, body
    assert json.loads(body)["name"] == name


def test_the_call_panel_opens_by_key_but_not_while_one_types(console: Console) -> None:
    page = console.page
    console.enter()
    console.open("/administration/tokens")
    search = page.get_by_label("Search")
    search.click()
    page.keyboard.type("~?")
    expect(search).to_have_value("~?")
    expect(page.get_by_role("region", name="Calls", exact=True)).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    search.blur()
    page.keyboard.press("~")
    expect(page.get_by_role("region", name="Calls", exact=True)).to_be_visible()
    page.keyboard.press("~")
    expect(page.get_by_role("region", name="Calls", exact=True)).to_have_count(0)
    page.keyboard.press("?")
    console.dialog("Keyboard")


@pytest.mark.parametrize("name", ["identity", "catalog", "ingest", "production"])
def test_the_api_reference_is_drawn_without_a_network(console: Console, server: Served, name: str) -> None:
    page = console.page
    page.goto(f"{server.url}/docs/{name}")
    title = httpx.get(f"{server.url}/docs/{name}/openapi.json").json()["info"]["title"]
    expect(page.get_by_role("heading", name=title).first).to_be_visible()
    expect(page.get_by_role("link", name=f"/docs/{name}/openapi.json")).to_be_visible()


def test_the_page_of_all_references_leads_to_each(console: Console, server: Served) -> None:
    console.page.goto(f"{server.url}/docs")
    console.page.get_by_role("link", name="catalog").click()
    expect(console.page).to_have_url(f"{server.url}/docs/catalog")


def test_an_address_without_a_page_says_so(console: Console) -> None:
    console.enter()
    console.open("/nothing/here")
    expect(console.page.get_by_role("heading", name="Nothing is here")).to_be_visible()
    console.page.get_by_role("link", name="Go to Home").click()
    expect(console.page.get_by_role("heading", name="Home")).to_be_visible()
