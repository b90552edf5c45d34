"""Every screen and dialogue, light and dark: axe finds nothing, nothing is logged, nothing comes from elsewhere."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.conftest import PASSWORD, Console
from tests.serving import unique

Act = Callable[[Console], None]


def _nothing(console: Console) -> None:
    pass


def _menu(console: Console) -> None:
    console.page.get_by_role("button", name="Profile menu").click()
    expect(console.page.get_by_role("menu")).to_be_visible()


def _choose(entry: str) -> Act:
    def act(console: Console) -> None:
        console.profile(entry)
        console.dialog(entry)

    return act


def _secret(console: Console) -> None:
    _form(console)
    console.page.get_by_label("Name").fill(unique("look"))
    console.page.get_by_role("button", name="Create token", exact=True).click()
    console.dialog("Your new token")


def _form(console: Console) -> None:
    console.page.get_by_role("button", name="New token").click()
    console.dialog("New personal token")


def _calls(console: Console) -> None:
    console.page.get_by_role("button", name="Calls", exact=True).click()
    console.page.get_by_role("region", name="List of calls").get_by_role("button").first.click()
    expect(console.page.get_by_label("Call as curl")).to_be_visible()


def _revoke(console: Console) -> None:
    console.page.get_by_role("button", name="Revoke").first.click()
    console.dialog("Revoke token")


SCREENS: dict[str, tuple[str, Act]] = {
    "home": ("/", _nothing),
    "profile menu": ("/", _menu),
    "DataGalaxy API": ("/", _choose("DataGalaxy API")),
    "All APIs": ("/", _choose("All APIs")),
    "keyboard": ("/", _choose("Keyboard")),
    "calls": ("/", _calls),
    "jobs": ("/jobs", _nothing),
    "my tokens": ("/account/api-tokens", _nothing),
    "token form": ("/account/api-tokens", _form),
    "secret": ("/account/api-tokens", _secret),
    "administration": ("/administration", _nothing),
    "integration": ("/administration/integration", _nothing),
    "integration tokens": ("/administration/integration?tab=tokens", _nothing),
    "all tokens": ("/administration/tokens", _nothing),
    "revoke": ("/administration/tokens", _revoke),
    "ingest tokens": ("/ingest/api-tokens", _nothing),
    "user token": ("/semantic/user-token", _nothing),
    "technical users": ("/vault/technical-users", _nothing),
    "nothing here": ("/nothing/here", _nothing),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(console: Console, screen: str, scheme: str) -> None:
    path, act = SCREENS[screen]
    console.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    console.enter()
    console.open(path)
    expect(console.page.get_by_role("heading", level=1)).to_be_visible()
    expect(console.page.get_by_text("Loading…")).to_have_count(0)
    expect(console.page.locator("[aria-busy=true]")).to_have_count(0)
    expect(console.page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
    act(console)
    found = console.axe()
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_sign_in_page_and_its_refusal(console: Console, scheme: str) -> None:
    console.expects(r"status of 401 .*/identity/sign-in")
    console.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    console.open()
    expect(console.page.get_by_role("heading", level=1)).to_be_visible()
    found = console.axe()
    assert found == [], "\n".join(found)
    console.page.get_by_label("E-mail or user name").fill(unique("nobody"))
    console.page.get_by_label(PASSWORD).fill("wrong")
    console.page.get_by_role("button", name="Sign in").click()
    expect(console.page.get_by_role("alert")).to_be_visible()
    found = console.axe()
    assert found == [], "\n".join(found)


def test_readable_on_a_narrow_screen(console: Console) -> None:
    page = console.page
    page.set_viewport_size({"width": 390, "height": 800})
    console.enter()
    for path in ("/", "/jobs", "/account/api-tokens", "/administration/tokens"):
        console.open(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.get_by_role("button", name="Rooms").click()
    page.get_by_role("link", name="Home", exact=True).click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_the_choice_of_appearance_stays(console: Console) -> None:
    page = console.page
    console.enter()
    console.open()
    page.get_by_role("button", name="Profile menu").click()
    page.get_by_role("menuitem", name="Appearance: as the system").click()
    page.get_by_role("menuitem", name="Appearance: light").click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
