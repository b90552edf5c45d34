"""What each form finds in a request: the credential, nothing, or something that cannot be one."""

import base64
from collections.abc import Mapping

import pytest
from msgspec import Struct

from tessera.identity.forms import (
    BasicToken,
    Bearer,
    Cookie,
    Form,
    JwtHeader,
    Malformed,
    PasswordHeaders,
    PasswordPair,
    RawAuthorization,
    SessionCookie,
    SessionSecret,
    Token,
    TokenHeader,
)


class Sent(Struct):
    headers: Mapping[str, str] = {}
    cookies: Mapping[str, str] = {}


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


RAW, BASIC, KEY = RawAuthorization(), BasicToken(), TokenHeader("x-api-key")
PAIR = PasswordHeaders("x-api-email", "x-api-password")


@pytest.mark.parametrize(
    ("form", "headers", "found"),
    [
        (Bearer(), {"authorization": "Bearer abc"}, "abc"),
        (Bearer(), {"authorization": "bearer   abc "}, "abc"),
        (Bearer(), {"authorization": "abc"}, Malformed()),
        (Bearer(), {"authorization": "Bearer "}, Malformed()),
        (Bearer(), {"authorization": "Bearer a b"}, Malformed()),
        (Bearer(), {"authorization": "Bearer " + "a" * 9000}, Malformed()),
        (Bearer(), {"authorization": basic("token:tk_1")}, None),
        (Bearer(), {}, None),
        (RAW, {"authorization": "abc"}, "abc"),
        (RAW, {"authorization": "Bearer abc"}, "abc"),
        (RAW, {"authorization": "Basic abc"}, Malformed()),
        (RAW, {"authorization": ""}, Malformed()),
        (RAW, {}, None),
        (KEY, {"x-api-key": "tk_1"}, "tk_1"),
        (KEY, {"authorization": "tk_1"}, None),
        (BASIC, {"authorization": basic("token:tk_1")}, "tk_1"),
        (BASIC, {"authorization": basic("token:a:b")}, "a:b"),
        (BASIC, {"authorization": basic("root:tk_1")}, Malformed()),
        (BASIC, {"authorization": "Basic %%%"}, Malformed()),
        (BASIC, {"authorization": "Bearer abc"}, None),
        (PAIR, {"x-api-email": "a@x.test"}, Malformed()),
        (PAIR, {"x-api-password": "p"}, Malformed()),
        (PAIR, {"x-api-email": "a@x.test", "x-api-password": "p" * 1025}, Malformed()),
        (PAIR, {"x-api-email": "a@x.test", "x-api-password": "p"}, PasswordPair("a@x.test", "p")),
        (PAIR, {}, None),
        (JwtHeader("x-jwt-token"), {"x-jwt-token": "opaque"}, Malformed()),
        (JwtHeader("x-jwt-token"), {}, None),
    ],
)
def test_a_form_finds_its_own_credential_alone(form: Form, headers: dict[str, str], found: object) -> None:
    result = form.find(Sent(headers=headers))
    assert (result.text if isinstance(result, Token) else result) == found


def test_a_cookie_remembers_that_a_browser_sent_it() -> None:
    found = Cookie("access_token_cookie").find(Sent(cookies={"access_token_cookie": "a.b.c"}))
    assert isinstance(found, Token)
    assert (found.text, found.from_cookie, found.purpose) == ("a.b.c", True, "access")


def test_a_refresh_form_asks_for_a_refresh_token() -> None:
    for found in (
        Cookie("r", purpose="refresh").find(Sent(cookies={"r": "a.b.c"})),
        Bearer(purpose="refresh").find(Sent(headers={"authorization": "Bearer a.b.c"})),
    ):
        assert isinstance(found, Token)
        assert found.purpose == "refresh"


def test_a_jwt_header_brings_what_stands_beside_it() -> None:
    sent = {"x-jwt-token": "a.b.c", "x-jwt-tenant-id": "acme", "x-jwt-issuer": "i", "x-jwt-client-id": "c"}
    found = JwtHeader("x-jwt-token").find(Sent(headers=sent | {"x-jwt-nonce": "n"}))
    assert isinstance(found, Token)
    assert found.foreign is not None
    assert (found.foreign.tenant, found.foreign.issuer, found.foreign.audience, found.foreign.nonce) == (
        "acme",
        "i",
        "c",
        "n",
    )


def test_the_session_is_read_from_its_cookie() -> None:
    assert SessionCookie().find(Sent(cookies={"tessera_session": "s"})) == SessionSecret("s")
    assert SessionCookie().find(Sent(cookies={"tessera_session": "s" * 200})) == Malformed()
    assert SessionCookie().find(Sent()) is None
