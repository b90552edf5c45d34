"""The console's sign-in: the session's cookie, what a browser must prove, locks, and what nobody can find out."""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.serving import Served, unique

CSRF = {"x-tessera-csrf": "1"}


@contextlib.contextmanager
def browser(server: Served, login: str, password: str) -> Iterator[httpx.Client]:
    with server.http("identity", origin=server.url) as client:
        assert client.post("/sign-in", json={"login": login, "password": password}).status_code == 200
        yield client


def attempt(server: Served, login: str, password: str) -> httpx.Response:
    with server.http("identity") as client:
        return client.post("/sign-in", json={"login": login, "password": password})


@pytest.mark.parametrize("name", ["email", "username"])
def test_a_person_signs_in_by_email_or_user_name_in_any_case(server: Served, name: str) -> None:
    person = server.person(vault="dvb_user")
    answer = attempt(server, getattr(person, name).upper(), person.password)
    assert answer.status_code == 200
    assert answer.json()["id"] == person.id
    assert answer.json()["roles"] == {"vault": "dvb_user"}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(server: Served) -> None:
    person = server.person()
    cookie = attempt(server, person.email, person.password).headers["set-cookie"]
    name, _, rest = cookie.partition("=")
    assert name == "tessera_session"
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in rest.split(";")}
    assert "Secure" not in rest


def test_over_https_the_cookie_is_secure(own_server: Served) -> None:
    own_server.environment["TESSERA_TRUSTED_PROXIES"] = "127.0.0.1"
    own_server.restart()
    with own_server.http("identity", **{"x-forwarded-proto": "https"}) as client:
        body = {"login": own_server.admin.email, "password": own_server.admin.password}
        answer = client.post("/sign-in", json=body)
    assert "; Secure" in answer.headers["set-cookie"]


def test_the_session_opens_every_route_until_sign_out(server: Served) -> None:
    person = server.person()
    with browser(server, person.email, person.password) as client:
        secret = client.cookies["tessera_session"]
        assert client.get("/me").json()["credential"] == "session"
        assert client.post("/sign-out", headers=CSRF).status_code == 204
        assert "tessera_session" not in client.cookies
    with server.http("identity", cookie=f"tessera_session={secret}") as stolen:
        assert stolen.get("/me").status_code == 401


def test_a_made_up_session_opens_nothing(server: Served) -> None:
    with server.http("identity", cookie="tessera_session=guess") as client:
        answer = client.get("/me")
    assert answer.status_code == 401
    assert answer.json()["error"]["kind"] == "unauthenticated"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": "https://evil.example"} | CSRF, 403),
        ({"origin": "null"} | CSRF, 403),
        ({"sec-fetch-site": "cross-site"} | CSRF, 403),
        ({"sec-fetch-site": "same-site"} | CSRF, 403),
        ({"sec-fetch-site": "same-origin"} | CSRF, 201),
        (CSRF, 201),
    ],
    ids=["no-header", "other-origin", "null-origin", "cross-site", "same-site", "same-origin", "header-alone"],
)
def test_another_site_cannot_use_the_session(server: Served, headers: dict[str, str], status: int) -> None:
    person = server.person()
    name = unique("token")
    with server.http("identity") as client:
        client.post("/sign-in", json={"login": person.email, "password": person.password})
        answer = client.post("/tokens", json={"kind": "personal", "name": name}, headers=headers)
        assert answer.status_code == status, answer.text
        made = [item["name"] for item in client.get("/tokens").json()["items"]]
    assert (name in made) is (status == 201)


def test_another_site_cannot_sign_a_browser_in(server: Served) -> None:
    person = server.person()
    with server.http("identity", origin="https://evil.example") as client:
        answer = client.post("/sign-in", json={"login": person.email, "password": person.password})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_no_answer_tells_whether_an_account_exists(server: Served) -> None:
    person = server.person()
    known = [attempt(server, person.email, "wrong password") for _ in range(7)]
    unknown_name = f"{unique('nobody')}@example.test"
    unknown = [attempt(server, unknown_name, "wrong password") for _ in range(7)]
    assert [answer.status_code for answer in known] == [401] * 5 + [429] * 2
    assert [answer.status_code for answer in unknown] == [answer.status_code for answer in known]
    assert [answer.content for answer in unknown] == [answer.content for answer in known]
    for answer in (known[-1], unknown[-1]):
        assert 50 <= int(answer.headers["retry-after"]) <= 61


def test_a_known_and_an_unknown_name_take_the_same_time(server: Served) -> None:
    def median(login: str) -> float:
        times = []
        for _ in range(4):
            began = time.perf_counter()
            attempt(server, login, "wrong password")
            times.append(time.perf_counter() - began)
        return sorted(times)[1]

    person = server.person()
    # One costs an argon2 hash more than the other if the unknown one is answered at once: 50 ms of at most some 10.
    assert median(person.email) == pytest.approx(median(f"{unique('nobody')}@example.test"), rel=0.6)


def test_the_right_password_does_not_open_a_locked_account(server: Served) -> None:
    person = server.person()
    for _ in range(5):
        attempt(server, person.email, "wrong password")
    answer = attempt(server, person.email, person.password)
    assert answer.status_code == 429
    assert answer.json()["error"] == {
        "kind": "sign_in_refused",
        "code": "locked",
        "field": None,
        "message": "too many failed attempts: wait before the next one",
    }


def test_a_lock_holds_under_each_name_of_the_account_and_does_not_tell_that_they_are_one(server: Served) -> None:
    person = server.person()
    for _ in range(5):
        attempt(server, person.email, "wrong password")
    right, wrong = attempt(server, person.username, person.password), attempt(server, person.username, "wrong")
    nobody = attempt(server, unique("nobody"), "wrong")
    assert right.status_code == wrong.status_code == nobody.status_code == 401
    assert right.content == wrong.content == nobody.content


def test_a_success_forgets_the_failures_before_it(server: Served) -> None:
    person = server.person()
    for _ in range(3):
        for _ in range(4):
            assert attempt(server, person.email, "wrong password").status_code == 401
        assert attempt(server, person.email, person.password).status_code == 200


def test_guesses_that_come_at_once_are_counted_one_by_one(server: Served) -> None:
    person = server.person()
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda _: attempt(server, person.email, "wrong password").status_code, range(12)))
    assert sorted(statuses) == [401] * 5 + [429] * 7


def test_the_right_password_many_times_at_once_locks_nobody(server: Served) -> None:
    person = server.person()
    with ThreadPoolExecutor(12) as pool:
        statuses = set(pool.map(lambda _: attempt(server, person.email, person.password).status_code, range(12)))
    assert statuses == {200}


def test_a_lock_survives_a_restart(own_server: Served) -> None:
    person = own_server.person()
    for _ in range(5):
        attempt(own_server, person.email, "wrong password")
    own_server.restart()
    assert attempt(own_server, person.email, person.password).status_code == 429


def test_only_who_knows_the_password_learns_that_an_account_is_disabled(server: Served) -> None:
    person = server.person()
    server.cli("user", "disable", person.username)
    right, wrong = attempt(server, person.email, person.password), attempt(server, person.email, "wrong password")
    assert (right.status_code, right.json()["error"]["code"]) == (401, "inactive")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "unknown_or_wrong")


@pytest.mark.parametrize(
    "body",
    [
        {"login": "a"},
        {"login": "", "password": "x"},
        {"login": "a", "password": 5},
        {"login": "a" * 1025, "password": "x"},
        {"login": "a", "password": "x", "more": 1},
        [],
    ],
)
def test_a_malformed_body_is_refused_with_its_field(server: Served, body: object) -> None:
    with server.http("identity") as client:
        answer = client.post("/sign-in", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["kind"] == "invalid"


@pytest.mark.parametrize("login", ["a\0b", "' OR 1=1 --", "%", "\u202e", "x" * 1024])
def test_a_strange_name_is_an_unknown_name(server: Served, login: str) -> None:
    assert attempt(server, login, "wrong password").json()["error"]["code"] == "unknown_or_wrong"


def test_a_changed_password_opens_and_ends_the_sessions(server: Served) -> None:
    person = server.person()
    new = "another long password"
    with browser(server, person.email, person.password) as client:
        wrong = client.post("/me/password", json={"oldPassword": "no", "password": new}, headers=CSRF)
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "oldPassword")
        short = client.post("/me/password", json={"oldPassword": person.password, "password": "short"}, headers=CSRF)
        assert (short.status_code, short.json()["error"]["field"]) == (400, "password")
        done = client.post("/me/password", json={"oldPassword": person.password, "password": new}, headers=CSRF)
        assert done.status_code == 204
        assert client.get("/me").status_code == 401
    assert attempt(server, person.email, person.password).status_code == 401
    assert attempt(server, person.email, new).status_code == 200


def test_secrets_are_neither_in_the_log_nor_in_the_events(server: Served) -> None:
    person = server.person()
    with browser(server, person.email, person.password) as client:
        session = client.cookies["tessera_session"]
        made = client.post("/tokens", json={"kind": "personal", "name": "n"}, headers=CSRF).json()
        listed = client.get("/tokens").text
    with server.http("identity", server.admin.token) as admin:
        audit = admin.get("/audit").text
        people = admin.get("/people").text
    for secret in (person.password, session, made["token"], hashlib.sha256(made["token"].encode()).hexdigest()):
        for text in (server.log(), listed, audit, people):
            assert secret not in text
    assert "argon2" not in people + audit
