"""Sections 2, 6 and 7: teams and roles inside a project, tasks and their comments, merging, what others hear."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.serving import Person, Served, unique


@pytest.fixture
def admin(server: Served) -> Iterator[httpx.Client]:
    with server.http("production", server.admin.token) as client:
        yield client


class Film:
    """A project with a team of every role, an asset and a task."""

    def __init__(self, server: Served, admin: httpx.Client) -> None:
        self.admin = admin
        self.server = server
        self.project = ask(admin, "POST", "/data/projects", 201, name=unique("Film"))
        self.path = f"/data/projects/{self.project['id']}"
        kinds = ask(admin, "GET", "/data/entity-types?name=Prop")
        types = ask(admin, "GET", "/data/task-types?name=Modeling")
        self.asset = ask(admin, "POST", f"{self.path}/asset-types/{kinds[0]['id']}/assets/new", 201, name="Lamp")
        self.task = ask(admin, "POST", "/data/tasks", 201, entity_id=self.asset["id"], task_type_id=types[0]["id"])
        self.statuses = {each["short_name"]: each["id"] for each in ask(admin, "GET", "/data/task-status")}

    def member(self, role: str, project_role: str | None = None) -> "tuple[Person, httpx.Client]":
        person = self.server.person(production=role)
        ask(self.admin, "POST", f"{self.path}/team", 201, person_id=person.id, role=project_role)
        return person, self.server.http("production", person.token)

    def comment(self, client: httpx.Client, status: str, code: int = 201, **more: Any) -> dict[str, Any]:
        body = {"task_status_id": self.statuses[status], "comment": unique("text"), **more}
        found: dict[str, Any] = ask(client, "POST", f"/actions/tasks/{self.task['id']}/comment", code, **body)
        return found

    def read_task(self) -> dict[str, Any]:
        found: dict[str, Any] = ask(self.admin, "GET", f"/data/tasks/{self.task['id']}")
        return found


def ask(client: httpx.Client, method: str, path: str, status: int = 200, /, **body: Any) -> Any:
    answer = client.request(method, path, json=body if method in ("POST", "PUT") else None)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


@pytest.fixture
def film(server: Served, admin: httpx.Client) -> Film:
    return Film(server, admin)


def test_a_task_made_with_the_least_has_project_and_default_status(film: Film) -> None:
    assert film.task["name"] == "main"
    assert film.task["project_id"] == film.project["id"]
    assert film.task["task_status_id"] == film.statuses["todo"]


def test_a_role_in_the_project_overrides_the_persons_own(film: Film) -> None:
    _, artist = film.member("user")
    ask(artist, "PUT", film.path, 403, description="mine")
    _, promoted = film.member("user", "manager")
    assert ask(promoted, "PUT", film.path, description="ours")["description"] == "ours"
    _, demoted = film.member("manager", "user")
    ask(demoted, "PUT", film.path, 403, description="mine")
    assert ask(film.admin, "GET", film.path)["description"] == "ours"
    ask(film.admin, "POST", f"{film.path}/team", 400, person_id=film.server.person(production="user").id, role="admin")


def test_members_read_and_strangers_do_not(film: Film) -> None:
    _, artist = film.member("user")
    stranger = film.server.http("production", film.server.person(production="manager").token)
    for path in (
        film.path,
        f"{film.path}/tasks",
        f"{film.path}/assets",
        f"/data/tasks/{film.task['id']}",
        f"/data/entities/{film.asset['id']}",
        f"/data/assets/{film.asset['id']}",
        f"/data/tasks/{film.task['id']}/comments",
    ):
        assert artist.get(path).status_code == 200, path
        assert stranger.get(path).status_code == 403, path
    film_ids = {film.task["id"], film.asset["id"], film.project["id"]}
    for path in ("/data/tasks", "/data/entities", "/data/projects"):
        ids = {each["id"] for each in ask(stranger, "GET", path)}
        assert not ids & film_ids
        assert {each["id"] for each in ask(artist, "GET", path)} & {
            film.task["id"],
            film.asset["id"],
            film.project["id"],
        }


def test_a_vendor_sees_what_is_assigned_to_him(film: Film) -> None:
    vendor, client = film.member("vendor")
    assert ask(client, "GET", "/data/tasks") == []
    ask(client, "GET", f"/data/entities/{film.asset['id']}", 403)
    ask(film.admin, "PUT", f"/actions/persons/{vendor.id}/assign", task_ids=[film.task["id"]])
    assert [each["id"] for each in ask(client, "GET", "/data/tasks")] == [film.task["id"]]
    assert ask(client, "GET", f"/data/entities/{film.asset['id']}")["id"] == film.asset["id"]


def test_only_who_has_to_do_with_a_task_comments_on_it(film: Film) -> None:
    artist, client = film.member("user")
    assert film.comment(client, "wip", 403)["error"] is True
    ask(film.admin, "PUT", f"/actions/tasks/{film.task['id']}/assign", person_id=artist.id)
    film.comment(client, "wip")
    assert film.comment(client, "done", 403)["error"] is True
    assert film.read_task()["task_status_id"] == film.statuses["wip"]


def test_what_a_new_status_does_to_its_task(film: Film) -> None:
    film.comment(film.admin, "wip")
    task = film.read_task()
    assert task["real_start_date"] == task["last_comment_date"]
    film.comment(film.admin, "wfa")
    assert film.read_task()["end_date"] is not None
    film.comment(film.admin, "retake")
    task = film.read_task()
    assert (task["retake_count"], task["end_date"], task["done_date"]) == (1, None, None)
    last = film.comment(film.admin, "done")
    assert film.read_task()["done_date"] is not None
    ask(film.admin, "DELETE", f"/data/comments/{last['id']}", 204)
    task = film.read_task()
    assert (task["task_status_id"], task["retake_count"], task["done_date"]) == (film.statuses["retake"], 1, None)
    texts = ask(film.admin, "GET", f"/data/tasks/{film.task['id']}/comments")
    assert [each["task_status"]["short_name"] for each in texts] == ["retake", "wfa", "wip"]


def test_retakes_have_a_cap(film: Film) -> None:
    ask(film.admin, "PUT", film.path, max_retakes=1)
    film.comment(film.admin, "retake")
    film.comment(film.admin, "wip")
    assert film.comment(film.admin, "retake", 400)["error"] is True
    assert film.read_task()["task_status_id"] == film.statuses["wip"]


def test_data_is_merged_key_by_key(film: Film) -> None:
    for path in (f"/data/entities/{film.asset['id']}", f"/data/tasks/{film.task['id']}"):
        ask(film.admin, "PUT", path, data={"a": 1, "b": {"c": 2}})
        assert ask(film.admin, "PUT", path, data={"a": 3})["data"] == {"a": 3, "b": {"c": 2}}


def test_no_entity_takes_the_place_of_another(film: Film) -> None:
    kind = film.asset["entity_type_id"]
    other = ask(film.admin, "POST", f"{film.path}/asset-types/{kind}/assets/new", 201, name="Cup")
    refused = ask(film.admin, "PUT", f"/data/entities/{other['id']}", 400, name="Lamp")
    assert (refused["error"], refused["data"]) == (True, None)
    assert ask(film.admin, "GET", f"/data/entities/{other['id']}")["name"] == "Cup"


def test_an_asset_with_tasks_is_cancelled_before_it_is_deleted(film: Film) -> None:
    one = f"/data/assets/{film.asset['id']}"
    ask(film.admin, "DELETE", one, 204)
    assert ask(film.admin, "GET", one)["canceled"] is True
    ask(film.admin, "DELETE", f"{one}?force=true", 204)
    ask(film.admin, "GET", one, 404)
    ask(film.admin, "GET", f"/data/tasks/{film.task['id']}", 404)


def test_one_default_status_and_a_type_in_use(film: Film) -> None:
    name = unique("s")
    body = {"name": name, "short_name": name[-10:], "color": "#000000", "is_default": True}
    made = ask(film.admin, "POST", "/data/task-status", 201, **body)
    assert ask(film.admin, "GET", f"/data/task-status/{film.statuses['todo']}")["is_default"] is False
    ask(film.admin, "PUT", f"/data/task-status/{film.statuses['todo']}", is_default=True)
    assert ask(film.admin, "GET", f"/data/task-status/{made['id']}")["is_default"] is False
    refused = ask(film.admin, "DELETE", f"/data/task-types/{film.task['task_type_id']}", 400)
    assert set(refused) == {"message"}


def test_open_projects_leave_their_lists_when_they_are_closed(film: Film) -> None:
    _, artist = film.member("user")
    assert film.project["id"] in {each["id"] for each in ask(artist, "GET", "/data/projects/open")}
    ask(film.admin, "DELETE", film.path, 400)
    (closed,) = ask(film.admin, "GET", "/data/project-status?name=Closed")
    ask(film.admin, "PUT", film.path, project_status_id=closed["id"])
    assert film.project["id"] not in {each["id"] for each in ask(artist, "GET", "/data/projects/open")}
    assert ask(artist, "GET", film.path)["project_status_name"] == "Closed"
    ask(film.admin, "DELETE", film.path, 400)
    ask(film.admin, "DELETE", f"{film.path}?force=true", 204)


def test_persons_show_less_to_others_and_change_little_of_themselves(film: Film) -> None:
    artist, client = film.member("user")
    (seen,) = [each for each in ask(client, "GET", "/data/persons") if each["id"] == film.server.admin.id]
    assert {"email", "daily_salary", "phone"}.isdisjoint(seen)
    assert {"id", "full_name", "departments", "desktop_login"} <= set(seen)
    assert client.get("/data/persons?phone=1").status_code == 400
    changed = ask(client, "PUT", f"/data/persons/{artist.id}", phone="1234", role="admin", active=False)
    full = ask(film.admin, "GET", f"/data/persons/{artist.id}")
    assert changed["id"] == artist.id
    assert (full["phone"], full["role"], full["active"]) == ("1234", "user", True)
    ask(client, "PUT", f"/data/persons/{film.server.admin.id}", 403, phone="1")


def test_a_days_off_overlap_nothing(film: Film) -> None:
    artist, client = film.member("user")
    ask(client, "POST", "/data/day-offs", 201, date="2031-03-01", end_date="2031-03-05")
    ask(client, "POST", "/data/day-offs", 400, date="2031-03-05", end_date="2031-03-06")
    ask(client, "POST", "/data/day-offs", 400, date="2031-04-02", end_date="2031-04-01")
    ask(client, "POST", "/data/day-offs", 403, date="2031-05-01", end_date="2031-05-01", person_id=film.server.admin.id)
    assert len(ask(film.admin, "GET", f"/data/day-offs?person_id={artist.id}")) == 1


def test_logged_times_add_up(film: Film) -> None:
    person = film.server.admin.id
    first = {"duration": 60, "date": "2031-03-01", "task_id": film.task["id"], "person_id": person}
    made = ask(film.admin, "POST", "/data/time-spents", 201, **first)
    ask(film.admin, "POST", "/data/time-spents", 201, **{**first, "date": "2031-03-02", "duration": 30})
    assert film.read_task()["duration"] == 90
    ask(film.admin, "DELETE", f"/data/time-spents/{made['id']}", 204)
    assert film.read_task()["duration"] == 30


def test_the_context_of_the_first_page(film: Film) -> None:
    artist, client = film.member("user", "supervisor")
    context = ask(client, "GET", "/data/user/context")
    assert context["project_roles"] == {film.project["id"]: "supervisor"}
    assert [each["id"] for each in context["projects"]] == [film.project["id"]]
    assert {"Todo", "Done"} <= {each["name"] for each in context["task_status"]}
    assert "user_limit" not in context
    assert artist.id in {each["id"] for each in context["persons"]}


def heard(server: Served, token: str, last: str) -> list[tuple[str, Any]]:
    """Names and projects of the events that a token hears, up to that of the object ``last``."""
    found = []
    query = {"package": "production", "after": 0}
    with server.http("", token) as client, client.stream("GET", "/events", params=query) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line[6:])
                found.append((event["name"], event["data"].get("project_id")))
                if event["objectId"] == last:
                    break
    return found


def test_who_is_not_of_a_project_does_not_hear_of_it(film: Film) -> None:
    member, _ = film.member("user")
    stranger = film.server.person(production="user")
    last = ask(film.admin, "POST", "/data/studios", 201, name=unique("Last"), color="#000000")["id"]
    here = film.project["id"]
    assert ("task:new", here) in heard(film.server, member.token, last)
    assert here not in {project for _, project in heard(film.server, stranger.token, last)}
