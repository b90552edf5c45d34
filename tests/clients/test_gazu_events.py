"""gazu's event client, unchanged, against the server's ``/socket.io``."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gazu
import pytest
import socketio

from tests.serving import Person, Served, unique, until


def signed_in(server: Served, person: Person) -> Any:
    client = gazu.client.create_client(server.base("production"), use_refresh_token=True)
    gazu.log_in(person.email, person.password, client=client)
    return client


@contextmanager
def hearing(client: Any, *names: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What gazu's own event client hears under these names."""
    heard: list[tuple[str, dict[str, Any]]] = []
    events = gazu.events.init(client=client)
    for name in names:
        gazu.events.add_listener(events, name, lambda data, name=name: heard.append((name, data)))
    try:
        yield heard
    finally:
        events.disconnect()


def test_gazu_hears_of_a_new_project_with_its_id(server: Served) -> None:
    client = signed_in(server, server.admin)
    with hearing(client, "project:new", "asset:new") as heard:
        project = gazu.project.new_project(unique("Film"), client=client)
        until(lambda: any(data.get("project_id") == project["id"] for name, data in heard if name == "project:new"))


def test_one_outside_the_team_hears_nothing_of_the_project(server: Served) -> None:
    admin = signed_in(server, server.admin)
    person = server.person(production="user")
    outsider = signed_in(server, person)
    mine, theirs = (gazu.project.new_project(unique("Film"), client=admin) for _ in range(2))
    gazu.project.add_person_to_team(mine, {"id": person.id}, client=admin)
    kind = gazu.asset.new_asset_type(unique("Props"), client=admin)
    with hearing(outsider, "asset:new") as heard:
        gazu.asset.new_asset(theirs, kind, unique("Sword"), client=admin)
        asset = gazu.asset.new_asset(mine, kind, unique("Shield"), client=admin)
        until(lambda: any(data["asset_id"] == asset["id"] for _, data in heard))
        assert {data["project_id"] for _, data in heard} == {mine["id"]}


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_token_may_come_in_the_connect_payload(server: Served, transport: str) -> None:
    person = server.person(production="user")
    client = socketio.Client(reconnection=False)
    client.connect(server.url, auth={"token": person.token}, namespaces=["/events"], transports=[transport])
    assert client.connected
    client.disconnect()


@pytest.mark.parametrize("who", ["nobody", "forged", "no role"])
def test_others_are_refused(server: Served, who: str) -> None:
    token = {"nobody": None, "forged": "x.y.z", "no role": ""}[who]
    if who == "no role":
        token = server.person(vault="dvb_user").token
    client = socketio.Client(reconnection=False)
    auth = {"token": token} if token else None
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(server.url, auth=auth, namespaces=["/events"])
    client.disconnect()


def test_a_page_of_another_site_is_refused(server: Served) -> None:
    with server.http(origin="https://elsewhere.example") as http:
        assert http.get("/socket.io/?EIO=4&transport=polling").status_code == 400
    with server.http(origin=server.url) as http:
        assert http.get("/socket.io/?EIO=4&transport=polling").status_code == 200


def test_a_revoked_token_loses_its_socket(server: Served) -> None:
    person = server.person(production="user")
    gone = threading.Event()
    client = socketio.Client(reconnection=False)
    client.on("disconnect", lambda *_: gone.set(), namespace="/events")
    client.connect(server.url, auth={"token": person.token}, namespaces=["/events"])
    with server.http("identity", person.token) as http:
        (token,) = http.get("/tokens").json()["items"]
        assert http.delete(f"/tokens/{token['id']}").status_code in (200, 204)
    assert gone.wait(25)
    client.disconnect()


def test_a_stop_ends_open_sockets_at_once(own_server: Served) -> None:
    client = signed_in(own_server, own_server.admin)
    events = gazu.events.init(client=client, reconnection=False)
    try:
        own_server.stop()
        until(lambda: not events.connected, seconds=5)
    finally:
        events.disconnect()
        own_server.start()
