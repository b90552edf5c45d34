"""``GET /events`` of a real server: who hears what, from where on, and how a stream ends."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tessera.kernel import events
from tessera.kernel.db import Database
from tests.serving import Served, serving, unique, until


class Listener:
    """A client of the stream in a thread of its own."""

    def __init__(self, server: Served, token: str | None, params: Any = None, **headers: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.ids: list[int] = []
        self.comments = 0
        self.has_ended = threading.Event()
        self._client = httpx.Client(base_url=server.url, timeout=httpx.Timeout(30))
        sent = {**headers} | ({"authorization": f"Bearer {token}"} if token else {})
        request = self._client.build_request("GET", "/events", params=params, headers=sent)
        self._response = self._client.send(request, stream=True)
        assert self._response.status_code == 200, self._response.read()
        assert self._response.headers["content-type"].startswith("text/event-stream")
        self._lines = self._response.iter_lines()
        assert next(self._lines).startswith("retry:"), "the first bytes come at once: the client knows it is in"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    self.ids.append(int(value))
                elif name == "data":
                    self.events.append(json.loads(value))
                elif line.startswith(":"):
                    self.comments += 1
        except httpx.HTTPError:
            pass
        self.has_ended.set()

    def names(self) -> list[str]:
        return [event["name"] for event in self.events]

    def close(self) -> None:
        self._response.close()
        self._client.close()


@contextmanager
def listening(server: Served, token: str | None, params: Any = None, **headers: str) -> Iterator[Listener]:
    listener = Listener(server, token, params, **headers)
    try:
        yield listener
    finally:
        listener.close()


@contextmanager
def database_of(server: Served) -> Iterator[Database]:
    """The server's own database, opened beside it as the command line does."""
    url = server.environment.get("TESSERA_DATABASE_URL") or f"sqlite:///{server.data_dir / 'tessera.sqlite3'}"
    db = Database(url)
    yield db
    db.close()


@pytest.fixture
def db(server: Served) -> Iterator[Database]:
    with database_of(server) as db:
        yield db


def record(db: Database, name: str, package: str = "vault", **data: Any) -> None:
    db.write_now(events.record, name, package=package, data=data)


def test_an_event_arrives_as_one_message(server: Served, db: Database) -> None:
    name = unique("vault.hub")
    with listening(server, server.admin.token, {"name": name}) as listener:
        event_id = db.write_now(
            events.record, name, package="vault", of="hub 1", by=server.admin.id, data={"text": "ä\nb"}
        )
        until(lambda: listener.events)
        (event,) = listener.events
        assert listener.ids == [event["seq"]]
    assert len(event.pop("at")) == 27
    assert event == {
        "seq": listener.ids[0],
        "id": event_id,
        "name": name,
        "package": "vault",
        "objectId": "hub 1",
        "actorId": server.admin.id,
        "data": {"text": "ä\nb"},
    }


def test_what_the_server_itself_does_arrives_within_a_moment(server: Served) -> None:
    with listening(server, server.admin.token, {"package": "identity"}) as listener:
        person = server.person(vault="dvb_user")
        began = time.monotonic()
        until(lambda: any(event["objectId"] == person.id for event in listener.events))
        assert time.monotonic() - began < 0.5, "a nudge, not the poll of a second"


def test_a_principal_hears_only_of_packages_in_which_it_has_a_role(server: Served, db: Database) -> None:
    name = unique("x")
    person = server.person(vault="dvb_user")
    with listening(server, person.token, {"name": name}) as listener, listening(server, server.admin.token) as all_:
        for package in ("catalog", "identity", "vault"):
            record(db, name, package)
        until(lambda: all_.names().count(name) == 3)
        until(lambda: listener.events)
        assert [event["package"] for event in listener.events] == ["vault"]


def test_a_token_hears_only_of_packages_in_its_scopes(server: Served, db: Database) -> None:
    name = unique("x")
    person = server.person(vault="dvb_user", catalog="Reader")
    token = server.mint(person.email, person.password, scopes=["catalog:read"])
    with listening(server, token, {"name": name}) as listener:
        record(db, name, "vault")
        record(db, name, "catalog")
        until(lambda: listener.events)
        assert [event["package"] for event in listener.events] == ["catalog"]


def test_filters_by_package_and_by_the_beginning_of_the_name(server: Served, db: Database) -> None:
    word = unique("w")
    params = [("package", "vault,catalog"), ("name", f"{word}.hub."), ("name", f"{word}.link")]
    with listening(server, server.admin.token, params) as listener:
        record(db, f"{word}.hub.created", "vault")
        record(db, f"{word}.hub.created", "ingest")
        record(db, f"{word}.hubs", "vault")
        record(db, f"{word}.link.created", "catalog")
        record(db, f"{word.upper()}.HUB.created", "vault")
        record(db, f"{word}.hub.end", "vault")
        until(lambda: f"{word}.hub.end" in listener.names())
        assert listener.names() == [f"{word}.hub.created", f"{word}.link.created", f"{word}.hub.end"]


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_client_goes_on_where_it_stopped(server: Served, db: Database, how: str) -> None:
    name = unique("x")
    with listening(server, server.admin.token, {"name": name}) as listener:
        for number in range(3):
            record(db, name, n=number)
        until(lambda: len(listener.events) == 3)
        place = str(listener.ids[1])
    for number in range(3, 10):
        record(db, name, n=number)
    params = {"name": name} | ({"after": place} if how == "query" else {})
    headers = {"last-event-id": place} if how == "header" else {}
    with listening(server, server.admin.token, params, **headers) as listener:
        record(db, name, n=10)
        until(lambda: len(listener.events) == 9)
        assert [event["data"]["n"] for event in listener.events] == list(range(2, 11))


@pytest.mark.parametrize(
    ("params", "headers", "status", "field"),
    [
        ({"package": "kitchen"}, {}, 400, "package"),
        ({"package": "catalog"}, {}, 403, None),
        ({"after": "-1"}, {}, 400, "after"),
        ({}, {"last-event-id": "x"}, 400, "Last-Event-ID"),
    ],
    ids=["no such package", "no role there", "no such place", "no such id"],
)
def test_what_cannot_be_is_refused(
    server: Served, params: dict[str, str], headers: dict[str, str], status: int, field: str | None
) -> None:
    person = server.person(vault="dvb_user")
    with server.http("", person.token, **headers) as http:
        answer = http.get("/events", params=params)
    assert answer.status_code == status
    assert answer.json()["error"]["field"] == field


def test_without_a_credential_nothing_is_heard(server: Served) -> None:
    with server.http() as http:
        assert http.get("/events").status_code == 401
        assert http.get("/events", headers={"authorization": "Bearer nonsense"}).status_code == 401
        assert http.post("/events").status_code == 405


@pytest.mark.parametrize("form", ["raw", "api key", "basic", "cookie", "session"])
def test_any_credential_opens_it(server: Served, form: str) -> None:

    token = server.admin.token
    basic = base64.b64encode(f"token:{token}".encode()).decode()
    headers = {
        "raw": {"authorization": token},
        "api key": {"x-api-key": token},
        "basic": {"authorization": f"Basic {basic}"},
        "cookie": {"cookie": f"access_token_cookie={token}"},
        "session": {},
    }[form]
    if form == "session":
        with server.http("identity", origin=server.url) as http:
            answer = http.post("/sign-in", json={"login": server.admin.username, "password": server.admin.password})
            headers = {"cookie": "; ".join(f"{name}={value}" for name, value in answer.cookies.items())}
    with listening(server, None, None, **headers):
        pass


def test_a_revoked_token_ends_its_stream_and_a_beat_keeps_others(server: Served) -> None:
    person = server.person(vault="dvb_user")
    with listening(server, person.token) as listener, listening(server, server.admin.token) as other:
        with server.http("identity", person.token) as http:
            (token,) = [one for one in http.get("/tokens").json()["items"] if not one.get("revokedAt")]
            assert http.delete(f"/tokens/{token['id']}").status_code in (200, 204)
        assert listener.has_ended.wait(25)
        until(lambda: other.comments)
        assert not other.has_ended.is_set()


def test_a_stop_of_the_server_ends_streams_at_once(database: str, tmp_path: Any) -> None:
    with serving(tmp_path / "data", database) as own:
        with listening(own, own.admin.token) as listener:
            began = time.monotonic()
            own.stop()
            assert time.monotonic() - began < 4
            assert listener.has_ended.wait(2)
        own.start()
