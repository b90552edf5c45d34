"""Section 5: list, get, create, update, delete of every declared model, from its declaration."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tessera.kernel.resources import Kind, Resource
from tessera.production.resources import RESOURCES
from tests.contract.production.making import draft, make
from tests.serving import Served, unique

SERVED = [each for each in RESOURCES if each.verbs.list is not None]
MADE = [each for each in SERVED if each.path != "salary-scales"]
NOWHERE = "00000000-0000-4000-8000-000000000000"
every_model = pytest.mark.parametrize("model", MADE, ids=lambda each: each.path)


@pytest.fixture
def admin(server: Served) -> Iterator[httpx.Client]:
    with server.http("production", server.admin.token) as client:
        yield client


def refused(answer: httpx.Response, status: int = 400) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert isinstance(body["message"], str)
    return body


@every_model
def test_a_created_row_is_read_listed_changed_and_deleted(admin: httpx.Client, model: Resource) -> None:
    body = draft(admin, model)
    created = admin.post(f"/data/{model.path}", json=body)
    assert created.status_code == 201, created.text
    row = created.json()
    assert {name: row[name] for name in body} == body
    one = f"/data/{model.path}/{row['id']}"
    read = admin.get(one).json()
    assert {name: read[name] for name in row} == row
    relations = {each.name for each in model.relations}
    assert relations <= set(row)
    (listed,) = admin.get(f"/data/{model.path}", params={"id": row["id"]}).json()
    assert {name: value for name, value in row.items() if name not in relations} == listed
    (related,) = admin.get(f"/data/{model.path}", params={"id": row["id"], "relations": "true"}).json()
    assert related == row
    changed = admin.put(one, json={"no_such_column": 1, "id": NOWHERE, "created_at": "2001-01-01T00:00:00"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["id"] == row["id"]
    assert changed.json()["created_at"] == row["created_at"]
    assert relations & set(changed.json()) == model.answer_links
    if model.path == "projects":
        closed = admin.get("/data/project-status", params={"name": "Closed"}).json()[0]
        admin.put(one, json={"project_status_id": closed["id"]})
    gone = admin.delete(one)
    assert (gone.status_code, gone.content) == (204, b""), gone.text
    refused(admin.get(one), 404)
    refused(admin.delete(one), 404)


@every_model
def test_each_writable_column_takes_a_value(admin: httpx.Client, model: Resource) -> None:
    row = make(admin, model)
    plain = {
        Kind.FLAG: True,
        Kind.INTEGER: 3,
        Kind.BIG: 2**40,
        Kind.REAL: 1.5,
        Kind.DOCUMENT: {"a": [1, None, "ü"]},
        Kind.INSTANT: "2031-05-06T07:08:09",
    }
    special = {"hd_bitrate_compression", "ld_bitrate_compression", "shots", "annotations", "exceptions", "locked"}
    for field in model.fields:
        if field.kind in plain and "update" in field.written and field.name not in special:
            answer = admin.put(f"/data/{model.path}/{row['id']}", json={field.wire_name: plain[field.kind]})
            assert answer.status_code == 200, (field.name, answer.text)
            assert answer.json()[field.wire_name] == plain[field.kind], field.name


@every_model
def test_bad_bodies_are_refused_and_change_nothing(admin: httpx.Client, model: Resource) -> None:
    path = f"/data/{model.path}"
    before = {each["id"] for each in admin.get(path).json()}
    body = draft(admin, model)
    made = {each["id"] for each in admin.get(path).json()} - before
    assert set(refused(admin.post(path, json={**body, "no_such_column": 1}))) == {"message"}
    for field in model.fields:
        if field.required and "create" in field.written and field.name in body:
            less = {name: value for name, value in body.items() if name != field.wire_name}
            if model.path not in ("tasks", "metadata-descriptors", "comments", "day-offs", "persons"):
                assert set(refused(admin.post(path, json=less))) == {"message"}, field.name
        if field.kind is Kind.TEXT and field.max_length and not field.check and "create" in field.written:
            long = {**body, field.wire_name: "x" * (field.max_length + 1)}
            refused(admin.post(path, json=long))
        if field.kind in (Kind.INTEGER, Kind.REAL, Kind.INSTANT, Kind.DAY) and "create" in field.written:
            assert set(refused(admin.post(path, json={**body, field.wire_name: "x"}))) == {"message"}
    assert {each["id"] for each in admin.get(path).json()} - before == made


@every_model
def test_bodies_that_are_no_objects(admin: httpx.Client, model: Resource) -> None:
    path = f"/data/{model.path}"
    json_type = {"content-type": "application/json"}
    for content in (b"", b"null", b"[]", b"{", b"\xff"):
        assert refused(admin.post(path, content=content, headers=json_type))["error"] is True
    assert refused(admin.post(path, content=b"{}", headers={"content-type": "text/plain"}), 415)["error"] is True


@every_model
def test_ids_that_are_none_and_ids_of_nothing(admin: httpx.Client, model: Resource) -> None:
    for method in ("GET", "PUT", "DELETE"):
        body = {} if method == "PUT" else None
        bad = refused(admin.request(method, f"/data/{model.path}/no-id", json=body))
        assert (bad["error"], bad["data"]) == (True, None)
        refused(admin.request(method, f"/data/{model.path}/{NOWHERE}", json=body), 404)
    row = make(admin, model)
    upper = admin.get(f"/data/{model.path}/{row['id'].upper()}")
    assert upper.json()["id"] == row["id"]


@every_model
def test_who_has_no_token_or_too_low_a_role_changes_nothing(
    admin: httpx.Client, model: Resource, server: Served, vendor: httpx.Client
) -> None:
    row, path = make(admin, model), f"/data/{model.path}"
    with server.http("production") as nobody:
        for method, where in (
            ("GET", path),
            ("POST", path),
            *((verb, f"{path}/{row['id']}") for verb in ("GET", "PUT", "DELETE")),
        ):
            answer = nobody.request(method, where, json={} if method in ("POST", "PUT") else None)
            assert answer.status_code == 401, (method, where)
            assert set(answer.json()) == {"msg"}
    for method, where in (("POST", path), ("PUT", f"{path}/{row['id']}"), ("DELETE", f"{path}/{row['id']}")):
        body = {**draft(admin, model)} if method == "POST" else {"name": "taken over"} if method == "PUT" else None
        answer = vendor.request(method, where, json=body)
        assert answer.status_code == 403, (method, where, answer.text)
        assert answer.json()["error"] is True
    assert admin.get(f"{path}/{row['id']}").status_code == 200


@pytest.fixture
def vendor(server: Served) -> Iterator[httpx.Client]:
    person = server.person(production="vendor")
    with server.http("production", person.token) as client:
        yield client


# -- lists (5.1) -------------------------------------------------------------------------------------------------------


@pytest.fixture
def departments(admin: httpx.Client) -> list[dict[str, Any]]:
    """Three departments with a name of their own."""
    word = unique("Dept")
    return [
        admin.post("/data/departments", json={"name": f"{word} {number}", "color": "#aabbcc"}).json()
        for number in range(3)
    ]


def test_pages_come_in_an_envelope_with_the_newest_change_first(
    admin: httpx.Client, departments: list[dict[str, Any]]
) -> None:
    admin.put(f"/data/departments/{departments[0]['id']}", json={"archived": True})
    word = departments[0]["name"].split(" ")[0]
    first = admin.get("/data/departments", params={"name": f"{word}%", "page": 1, "limit": 2}).json()
    assert {name: value for name, value in first.items() if name != "data"} == {
        "total": 3,
        "nb_pages": 2,
        "limit": 2,
        "offset": 0,
        "page": 1,
    }
    assert [each["id"] for each in first["data"]] == [departments[0]["id"], departments[2]["id"]]
    second = admin.get("/data/departments", params={"name": f"{word}%", "page": 2, "limit": 2}).json()
    assert [each["id"] for each in second["data"]] == [departments[1]["id"]]
    assert second["offset"] == 2
    for page in (0, 9):
        assert admin.get("/data/departments", params={"page": page}).json()["data"] == []
    assert admin.get("/data/departments", params={"page": 1, "limit": 0}).json()["limit"] == 100


@pytest.mark.parametrize(
    "query", ["page=x", "page=-1", "page=1&limit=-1", "id=x", "archived=maybe", "id=%5B", "id=%5B1%5D"]
)
def test_a_query_that_cannot_be_read_is_refused(admin: httpx.Client, query: str) -> None:
    assert refused(admin.get(f"/data/departments?{query}"))["error"] is True


def test_fields_keep_these_and_id_and_type(admin: httpx.Client, departments: list[dict[str, Any]]) -> None:
    query = {"id": departments[0]["id"], "fields": "name,no_such"}
    (row,) = admin.get("/data/departments", params=query).json()
    assert set(row) == {"id", "type", "name"}
    (row,) = admin.get("/data/departments", params={**query, "page": 1}).json()["data"]
    assert set(row) == {"id", "type", "name"}


def test_a_name_is_a_pattern_without_case_and_never_a_list(
    admin: httpx.Client, departments: list[dict[str, Any]]
) -> None:
    name = departments[1]["name"]
    assert [each["id"] for each in admin.get("/data/departments", params={"name": name.upper()}).json()] == [
        departments[1]["id"]
    ]
    assert len(admin.get("/data/departments", params={"name": f"{name[:-1]}_"}).json()) == 3
    assert admin.get("/data/departments", params={"name": f'["{name}"]'}).json() == []
    assert admin.get("/data/departments", params={"name": "' OR 1=1 --"}).json() == []


def test_other_columns_are_equalities_lists_and_flags_in_many_words(
    admin: httpx.Client, departments: list[dict[str, Any]]
) -> None:
    ids = [each["id"] for each in departments]
    admin.put(f"/data/departments/{ids[0]}", json={"archived": True})
    listed = admin.get("/data/departments", params={"id": f'["{ids[0]}", "{ids[1]}"]'}).json()
    assert {each["id"] for each in listed} == set(ids[:2])
    for word, wanted in (("y", ids[:1]), ("TRUE", ids[:1]), ("1", ids[:1]), ("off", ids[1:]), ("n", ids[1:])):
        found = admin.get("/data/departments", params={"archived": word}).json()
        assert [each["id"] for each in found if each["id"] in ids] == wanted
    assert admin.get("/data/departments", params={"id": "[]"}).json() == []
    unknown = admin.get("/data/departments", params={"id": ids[0], "no_such_key": "x"}).json()
    assert [each["id"] for each in unknown] == ids[:1]


def test_a_relation_is_a_filter(admin: httpx.Client, departments: list[dict[str, Any]]) -> None:
    department = departments[0]["id"]
    body = {
        "first_name": "A",
        "last_name": "B",
        "email": f"{unique('a')}@studio.example",
        "departments": [department, NOWHERE],
    }
    person = admin.post("/data/persons", json=body).json()
    assert person["departments"] == [department]
    found = admin.get("/data/persons", params={"departments": department}).json()
    assert [each["id"] for each in found] == [person["id"]]
    assert refused(admin.get("/data/persons?departments=x"))["error"] is True


def test_relation_lists_replace(admin: httpx.Client, departments: list[dict[str, Any]]) -> None:
    first, second = departments[0]["id"], departments[1]["id"]
    body = {"first_name": "A", "last_name": "B", "email": f"{unique('a')}@studio.example", "departments": [first]}
    person = admin.post("/data/persons", json=body).json()
    assert admin.put(f"/data/persons/{person['id']}", json={"departments": [second]}).json()["departments"] == [second]
    assert admin.get(f"/data/persons/{person['id']}").json()["departments"] == [second]
    assert "departments" not in admin.get(f"/data/persons/{person['id']}?relations=false").json()
    refused(admin.put(f"/data/persons/{person['id']}", json={"departments": ["x"]}))


def test_a_unique_key_and_a_missing_target_and_a_condition(
    admin: httpx.Client, departments: list[dict[str, Any]]
) -> None:
    same = {"name": departments[0]["name"], "color": "#000000"}
    assert set(refused(admin.post("/data/departments", json=same))) == {"message"}
    nowhere = {"name": unique("T"), "department_id": NOWHERE}
    assert set(refused(admin.post("/data/task-types", json=nowhere))) == {"message"}
    task = make(admin, next(each for each in RESOURCES if each.path == "tasks"))
    assert set(refused(admin.put(f"/data/tasks/{task['id']}", json={"difficulty": 9}))) == {"message"}
    assert admin.get(f"/data/tasks/{task['id']}").json()["difficulty"] == 3


def test_what_is_referred_to_stays(admin: httpx.Client, departments: list[dict[str, Any]]) -> None:
    department = departments[0]["id"]
    admin.post("/data/task-types", json={"name": unique("T"), "department_id": department})
    assert set(refused(admin.delete(f"/data/departments/{department}"))) == {"message"}
    assert admin.get(f"/data/departments/{department}").status_code == 200


def test_every_creation_update_and_removal_is_told(admin: httpx.Client, server: Served) -> None:
    row = admin.post("/data/studios", json={"name": unique("Studio"), "color": "#000000"}).json()
    admin.put(f"/data/studios/{row['id']}", json={"archived": True})
    admin.delete(f"/data/studios/{row['id']}")
    assert events_of(server, row["id"]) == [
        ("studio:new", {"studio_id": row["id"]}),
        ("studio:update", {"studio_id": row["id"]}),
        ("studio:delete", {"studio_id": row["id"]}),
    ]
    refused(admin.post("/data/studios", json={"name": unique("Studio")}))


def events_of(server: Served, object_id: str) -> list[tuple[str, dict[str, Any]]]:
    """What was told of an object up to its removal, in order, as the stream of events says it."""
    found: list[tuple[str, dict[str, Any]]] = []
    with (
        server.http("", server.admin.token) as client,
        client.stream("GET", "/events", params={"package": "production", "name": "studio:", "after": 0}) as stream,
    ):
        for line in stream.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line[6:])
                if event["objectId"] == object_id:
                    found.append((event["name"], event["data"]))
                    if event["name"].endswith(":delete"):
                        return found
    return found
