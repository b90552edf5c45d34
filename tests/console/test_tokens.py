"""The screens of tokens, as the seeds tell their steps: made, copied, used, saved, closed, ended."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Console
from tests.serving import Served, unique


def saved_file(page: Page) -> tuple[str, str]:
    """Press Download: the file's name and its text."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download", exact=True).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_text()


def copy_save_and_close(console: Console, name: str) -> str:
    """Take the secret from the dialogue by both ways, close it, and look that it has gone. Gives the secret."""
    page = console.page
    shown = console.dialog("Your new token")
    expect(shown.get_by_text("you will not be able to see this token again")).to_be_visible()
    shown.get_by_role("button", name="Copy", exact=True).click()
    expect(shown.get_by_role("button", name="Copied")).to_be_visible()
    secret = console.clipboard()
    assert len(secret) >= 20
    assert shown.get_by_label("Token", exact=True).inner_text() == secret
    file, text = saved_file(page)
    assert file == f"tessera-{name}.txt"
    assert secret in text.splitlines()
    assert f"{console.server.url}/catalog/v2" in text
    assert text.count("curl ") == 1
    shown.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Calls", exact=True).click()
    calls = page.get_by_role("region", name="List of calls")
    expect(calls.get_by_role("button").first).to_be_visible()
    # The call that made it shows its body too, without the secret.
    calls.get_by_role("button", name="POST").first.click()
    expect(page.get_by_label("Call as curl")).to_contain_text("--data")
    assert console.traces_of(secret) == []
    page.get_by_role("button", name="Close calls").click()
    page.reload()
    expect(page.get_by_role("row", name=name)).to_be_visible()
    assert console.traces_of(secret) == []
    return secret


def end_token(console: Console, verb: str, name: str) -> None:
    """The trash icon beside the token, and yes."""
    page = console.page
    page.get_by_role("button", name=f"{verb} {name}", exact=True).click()
    console.dialog(f"{verb} token").get_by_role("button", name=f"{verb} token").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("row", name=name)).to_have_count(0)


def test_an_integration_token_by_the_catalog_seeds_steps(console: Console, server: Served) -> None:
    page, name = console.page, unique("etl")
    console.enter()
    console.open()
    console.profile("Administration")
    page.get_by_role("navigation", name="Administration").get_by_role("link", name="Integration").click()
    page.get_by_role("tab", name="Tokens").click()
    page.get_by_role("button", name="+ Create").click()
    form = console.dialog("New integration token")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Admin Access").check()
    form.get_by_role("button", name="Save", exact=True).click()
    # The tab is not left by the reload in between: it has an address.
    secret = copy_save_and_close(console, name)
    with server.http("catalog", secret) as client:
        assert client.get("/workspaces").status_code == 200
        assert client.get("/workspaces").json()["projects"]
    with server.http("identity", server.admin.token) as client:
        (made,) = client.get("/tokens", params={"all": "true", "search": name}).json()["items"]
    assert (made["kind"], made["adminAccess"]) == ("integration", True)
    end_token(console, "Revoke", name)
    with server.http("catalog", secret) as client:
        assert client.get("/workspaces").status_code == 401


def test_an_api_token_by_the_ingest_seeds_steps(console: Console, server: Served) -> None:
    page, name = console.page, unique("bot")
    console.enter()
    console.open()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="API Tokens").click()
    expect(page.get_by_role("heading", name="API Tokens")).to_be_visible()
    page.get_by_role("button", name="Generate", exact=True).click()
    form = console.dialog("Generate API token")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Description").fill("used by the bot")
    form.get_by_role("button", name="Generate", exact=True).click()
    secret = copy_save_and_close(console, name)
    with server.http("ingest", authorization=secret) as client:
        assert client.get("/inputs/").status_code == 200
    expect(page.get_by_role("row", name=name)).to_contain_text("used by the bot")
    end_token(console, "Delete", name)
    with server.http("ingest", authorization=secret) as client:
        assert client.get("/inputs/").status_code == 403


def test_a_personal_token_acts_as_its_owner(console: Console, server: Served) -> None:
    page, name = console.page, unique("script")
    person = server.person(catalog="Reader")
    console.enter(person)
    console.open()
    console.profile("API tokens")
    page.get_by_role("button", name="New token").click()
    form = console.dialog("New personal token")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Create token", exact=True).click()
    secret = copy_save_and_close(console, name)
    with server.http("identity", secret) as client:
        assert client.get("/me").json()["id"] == person.id
    end_token(console, "Revoke", name)
    with server.http("identity", secret) as client:
        assert client.get("/me").status_code == 401


def test_the_dialogue_does_not_close_before_the_secret_was_taken(console: Console) -> None:
    page, name = console.page, unique("lost")
    console.enter()
    console.open("/account/api-tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create token", exact=True).click()
    shown = console.dialog("Your new token")
    page.keyboard.press("Escape")
    shown.get_by_role("button", name="Close").click()
    expect(shown.get_by_text("You have neither copied nor downloaded it.")).to_be_visible()
    shown.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="New token")).to_be_focused()


def test_a_form_says_beside_the_field_what_the_server_refused(console: Console, server: Served) -> None:
    page = console.page
    console.expects("status of 4")
    console.enter()
    console.open("/account/api-tokens")
    page.get_by_role("button", name="New token").click()
    name = page.get_by_label("Name")
    name.fill("   ")
    page.get_by_role("button", name="Create token", exact=True).click()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("dialog", name="Your new token")).to_have_count(0)


def test_an_administrator_finds_and_revokes_anybodys_token(console: Console, server: Served) -> None:
    page = console.page
    person = server.person(catalog="Reader")
    console.enter()
    console.open("/administration/tokens")
    page.get_by_label("Search").fill(person.username)
    rows = page.get_by_role("table", name="All tokens").get_by_role("row").filter(has_text=person.username)
    expect(rows).to_have_count(1)
    rows.get_by_role("button", name="Revoke").first.click()
    console.dialog("Revoke token").get_by_role("button", name="Revoke token").click()
    expect(rows).to_have_count(0)
    with server.http("identity", person.token) as client:
        assert client.get("/me").status_code == 401


@pytest.mark.parametrize("path", ["/administration", "/administration/integration", "/administration/tokens"])
def test_administration_is_not_shown_to_others(console: Console, server: Served, path: str) -> None:
    console.enter(server.person(catalog="Reader"))
    console.open(path)
    expect(console.page.get_by_text("This page is for administrators")).to_be_visible()
    console.page.get_by_role("button", name="Profile menu").click()
    expect(console.page.get_by_role("menuitem", name="API tokens")).to_be_visible()
    expect(console.page.get_by_role("menuitem", name="Administration")).to_have_count(0)
