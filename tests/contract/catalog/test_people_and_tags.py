"""Workspaces, people, licences, tags and tokens (contract sections 2, 5, 11, 15 and 17)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.contract.catalog.conftest import Catalog, connect
from tests.serving import Served, unique, until

USER_KEYS = ["userId", "licenseLevel", "firstName", "lastName", "email", "licenseId", "title", "service", "role"]


def integration(server: Served, *, admin_access: bool = False, scopes: Any = ("catalog:admin",)) -> str:
    body = {"kind": "integration", "name": unique("integration"), "scopes": [*scopes], "adminAccess": admin_access}
    with server.http("identity", server.admin.token) as client:
        answer = client.post("/tokens", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


# -- people ----------------------------------------------------------------------------------------------------------


def test_a_user_is_made_and_given_another_licence(server: Served) -> None:
    catalog = connect(server, integration(server, admin_access=True))
    email = f"{unique('ines')}@port.example"
    body = {"email": email, "firstname": "Ines", "lastname": "Varga", "licenseId": 4, "title": "Ms"}
    user = catalog.ask("POST", "/users", json=body, expect=201)
    assert list(user) == USER_KEYS
    assert (user["licenseLevel"], user["title"], user["service"]) == ("Reader", "Ms", None)
    changed = catalog.ask("PUT", f"/users/{user['userId']}", json={"licenseId": 2, "lastname": "Vargas"})
    assert changed == {**user, "licenseLevel": "Steward", "licenseId": 2, "lastName": "Vargas"}
    assert catalog.get(f"/users/{catalog.version_id}", email=email)["results"] == [changed]
    without = catalog.ask("PUT", f"/users/{user['userId']}", json={"licenseId": None})
    assert (without["licenseLevel"], without["licenseId"]) == (None, None)
    assert catalog.get(f"/users/{catalog.version_id}", email=email)["total_sum"] == 0
    assert catalog.get("/users", email=email.upper())["results"] == [without]


def test_a_user_may_have_no_licence(server: Served, catalog: Catalog) -> None:
    user = catalog.ask("POST", "/users", json={"email": f"{unique('u')}@port.example"}, expect=201)
    assert (user["licenseLevel"], user["firstName"]) == (None, "")


@pytest.mark.parametrize(
    "body", [{}, {"email": "nonsense"}, {"email": 1}, {"email": "a@b.example", "licenseId": 99}], ids=str
)
def test_a_user_that_cannot_be_is_refused(body: dict[str, Any], catalog: Catalog) -> None:
    before = catalog.get("/users")["total_sum"]
    catalog.ask("POST", "/users", json=body, expect=400)
    assert catalog.get("/users")["total_sum"] == before


def test_the_same_address_twice_is_refused(server: Served, catalog: Catalog) -> None:
    catalog.ask("POST", "/users", json={"email": server.admin.email}, expect=400)


@pytest.mark.parametrize("level", ["Reader", "Explorer", "Steward"])
def test_managing_users_needs_the_admin_licence_or_admin_access(level: str, server: Served, catalog: Catalog) -> None:
    person = server.person(catalog=level)
    for token in (person.token, integration(server)):
        other = connect(server, token)
        error = other.ask("POST", "/users", json={"email": f"{unique('u')}@x.example"}, expect=401)["error"]
        assert "Admin Access" in error["message"]
        other.ask("PUT", f"/users/{person.id}", json={"licenseId": 1}, expect=401)
    assert catalog.get("/users", userId=person.id)["results"][0]["licenseLevel"] == level


def test_a_catalogue_administrator_cannot_take_over_somebody_with_other_rights(server: Served) -> None:
    admin, other = server.person(catalog="Admin"), server.person(vault="dvb_admin")
    catalog = connect(server, admin.token)
    catalog.ask("PUT", f"/users/{other.id}", json={"email": f"{unique('mine')}@x.example"}, expect=401)


def test_people_are_paged_and_filtered(server: Served, catalog: Catalog) -> None:
    emails = {server.person(catalog="Steward").email for _ in range(3)}
    url, seen = f"{server.base('catalog')}/users/{catalog.version_id}?module=catalog&limit=1", set()
    while url:
        page = catalog.client.get(url).json()
        assert page["total"] == len(page["results"]) == 1
        seen.update(user["email"] for user in page["results"])
        url = page["next_page"]
    assert emails <= seen
    catalog.get(f"/users/{catalog.version_id}", role="steward")
    catalog.get(f"/users/{catalog.version_id}", module="kitchen", expect=400)
    catalog.get("/users/00000000-0000-4000-8000-000000000000", module="catalog", expect=404)


# -- tags ------------------------------------------------------------------------------------------------------------


def tag_named(catalog: Catalog, name: str) -> Any:
    return next((tag for tag in catalog.get("/tags", limit=5000)["results"] if tag["name"] == name), None)


def test_tags_are_made_changed_and_counted(catalog: Catalog) -> None:
    one, two = unique("Reefer"), unique("Bulk")
    body = [{"label": one, "color": "aqua", "description": "cooled"}, {"name": two}]
    counts = {"total": 2, "created": 2, "updated": 0, "deleted": 0, "unchanged": 0}
    assert catalog.ask("POST", "/tags", json=body, expect=201) == counts
    body[1]["description"] = "loose"
    again = {**counts, "created": 0, "updated": 1, "unchanged": 1}
    assert catalog.ask("POST", "/tags", json=body, expect=201) == again
    tag = tag_named(catalog, one)
    assert (tag["label"], tag["color"], tag["description"], tag["isNative"]) == (one, "aqua", "cooled", False)


def test_a_renamed_tag_stays_on_its_objects_and_a_deleted_one_goes(catalog: Catalog) -> None:
    old, new = unique("old"), unique("new")
    catalog.ask("POST", "/tags", json={"label": old}, expect=201)
    made = catalog.make("sources", name=unique(), type="NoSql", tags=[old, "GDPR"])
    assert catalog.ask("PUT", f"/tags/{old}", json={"label": new})["name"] == new
    assert catalog.get(f"/{made['location']}")["attributes"]["tags"] == [new, "GDPR"]
    assert catalog.ask("DELETE", f"/tags/{new}") == {}
    assert catalog.get(f"/{made['location']}")["attributes"]["tags"] == ["GDPR"]
    catalog.ask("DELETE", f"/tags/{new}", expect=404)
    catalog.ask("PUT", f"/tags/{old}", json={"label": "x"}, expect=404)


@pytest.mark.parametrize(
    "body",
    [
        [{}],
        ["GDPR"],
        "GDPR",
        [{"label": ""}],
        [{"label": "x" * 201}],
        [{"label": "x", "color": "mauve"}],
        [{"label": 1}],
    ],
    ids=str,
)
def test_a_tag_that_cannot_be_is_refused_and_none_is_made(body: Any, catalog: Catalog) -> None:
    good = unique("good")
    sent = [{"label": good}, *body] if isinstance(body, list) else body
    catalog.ask("POST", "/tags", json=sent, expect=400)
    assert tag_named(catalog, good) is None


def test_tags_page_by_name(catalog: Catalog) -> None:
    catalog.ask("POST", "/tags", json=[{"label": unique("page")} for _ in range(3)], expect=201)
    names: list[str] = []
    page = catalog.get("/tags", limit=2, isActive="true")
    while True:
        names += [tag["name"] for tag in page["results"]]
        if page["next_page"] is None:
            break
        page = catalog.client.get(page["next_page"]).json()
    assert names == sorted(names)
    assert len(names) == page["total_sum"] == len(set(names))


# -- workspaces ------------------------------------------------------------------------------------------------------


def test_a_workspace_with_default_people_gives_them_to_its_objects(server: Served, catalog: Catalog) -> None:
    owner, steward = server.person(catalog="Steward"), server.person(catalog="Steward")
    name = unique("Harbour")
    body = {"name": name, "defaultOwnerUser": owner.email, "defaultStewardUser": steward.email}
    made = catalog.ask("POST", "/workspaces", json=body, expect=201)
    assert made["defaultOwnerUser"]["email"] == owner.email
    assert (made["isVersioningEnabled"], made["defaultVersionName"]) == (False, "v1")
    versions = catalog.get(f"/workspaces/{made['id']}/versions", limit=5000)["results"]
    assert versions == [
        {
            "workspaceName": name,
            "versionName": "v1",
            "originVersionId": None,
            "originVersionName": None,
            "isDefaultVersion": True,
            "versionId": made["defaultVersionId"],
        }
    ]
    catalog.ask("POST", "/workspaces", json=body, expect=400)
    other = Catalog(catalog.client, made["defaultVersionId"], made["id"])
    attributes = other.get(f"/{other.make('sources', name='s', type='NoSql')['location']}")["attributes"]
    assert (attributes["owners"], attributes["stewards"]) == ([owner.email], [steward.email])
    assert catalog.get("/workspaces", name=name)["projects"] == [made]


def test_objects_of_one_workspace_are_not_seen_in_another(catalog: Catalog) -> None:
    made = catalog.ask("POST", "/workspaces", json={"name": unique("other")}, expect=201)
    source = catalog.make("sources", name=unique(), type="NoSql")["id"]
    catalog.get(f"/sources/{made['defaultVersionId']}/{source}", expect=404)
    catalog.get(f"/sources/{catalog.version_id}/{made['id']}:{source}", expect=404)


def test_making_a_workspace_needs_admin_access(server: Served) -> None:
    other = connect(server, integration(server))
    other.ask("POST", "/workspaces", json={"name": unique()}, expect=401)


# -- tokens ----------------------------------------------------------------------------------------------------------


def test_an_integration_token_is_exchanged_for_an_access_token_that_acts_as_it(server: Served) -> None:
    token = integration(server)
    catalog = connect(server, token)
    access = catalog.get("/credentials")["accessToken"]
    assert access != token
    other = connect(server, access)
    assert other.make("sources", name=unique(), type="NoSql")["id"]
    other.ask("POST", "/users", json={"email": f"{unique('u')}@x.example"}, expect=401)


def test_a_personal_token_is_exchanged_too(server: Served) -> None:
    reader = connect(server, server.person(catalog="Reader").token)
    other = connect(server, reader.get("/credentials")["accessToken"])
    other.make("sources", name=unique(), type="NoSql", expect=401)


def test_a_regenerated_token_replaces_the_old_one_and_what_was_exchanged_for_it(server: Served) -> None:
    token = integration(server)
    access = connect(server, token).get("/credentials")["accessToken"]
    new = connect(server, token).get("/credentials/regenerate", integrationToken=token)["integrationToken"]
    assert new != token
    for old in (token, access):
        with server.http("catalog", old) as client:
            assert client.get("/workspaces").status_code == 401
    assert connect(server, new).get("/workspaces")["projects"]


def test_somebody_elses_integration_token_is_not_regenerated(server: Served) -> None:
    token = integration(server)
    steward = connect(server, server.person(catalog="Steward").token)
    error = steward.get("/credentials/regenerate", integrationToken=token, expect=404)["error"]
    assert token not in error["message"]
    assert connect(server, token).get("/workspaces")["projects"]


def test_a_token_that_may_only_read_does_not_write(server: Served, catalog: Catalog) -> None:
    reading = connect(server, integration(server, scopes=("catalog:read",)))
    name = unique("scoped")
    reading.make("sources", name=name, type="NoSql", expect=401)
    assert catalog.get("/sources", versionId=catalog.version_id, name=name)["total_sum"] == 0
    reading.get("/credentials/regenerate", expect=401)


def test_a_revoked_token_is_refused_from_the_next_request_on(server: Served) -> None:
    body = {"kind": "integration", "name": unique("integration"), "scopes": ["catalog:admin"]}
    with server.http("identity", server.admin.token) as client:
        made = client.post("/tokens", json=body).json()
        catalog = connect(server, made["token"])
        assert client.delete(f"/tokens/{made['id']}").status_code < 300
    assert httpx.get(f"{server.base('catalog')}/workspaces", headers=catalog.client.headers).status_code == 401


def test_an_expired_token_is_refused(server: Served) -> None:
    end = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    body = {"kind": "integration", "name": unique("short"), "scopes": ["catalog:admin"], "expiresAt": end}
    with server.http("identity", server.admin.token) as client:
        token = client.post("/tokens", json=body).json()["token"]
    with server.http("catalog", token) as client:
        assert client.get("/workspaces").status_code == 200
        until(lambda: client.get("/workspaces").status_code == 401)
        assert client.get("/workspaces").json() == {"error": {"message": "the bearer token has expired", "status": 401}}


def test_a_tampered_access_token_is_refused(server: Served) -> None:
    head, claims, signature = connect(server, integration(server)).get("/credentials")["accessToken"].split(".")
    for broken in (f"{head}.{claims}A.{signature}", f"{head}.{claims}.{signature[::-1]}", f"{head}.{claims}."):
        with server.http("catalog", broken) as client:
            assert client.get("/workspaces").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sources?versionId={v}&name=%00"),
        ("GET", "/sources?versionId={v}&maxDepth=99999999999999999999"),
        ("GET", "/sources?versionId={v}&cursor=nonsense"),
        ("GET", "/fields?versionId={v}&parentId=undefined"),
        ("GET", "/users?email=%00"),
        ("GET", "/users?userId=x"),
        ("GET", "/users?page=99999999999999999999"),
        ("GET", "/tags?color=%00"),
        ("PUT", "/tags/%00"),
        ("GET", "/workspaces?name=%00"),
        ("GET", "/workspaces/%00/versions"),
        ("GET", "/sources/%00/%00"),
        ("GET", "/links/{v}/%00"),
        ("DELETE", "/links/{v}/x/y/z"),
        ("GET", "/attributes?dataType=%00"),
        ("GET", "/attributes/values?dataType=field&attributeKey=%00"),
        ("DELETE", "/attributes/field/%00"),
        ("GET", "/lineage/{v}/x?depth=0"),
        ("GET", "/credentials/regenerate?integrationToken=%00"),
        ("GET", "/dataProcessingItem"),
    ],
)
def test_a_hostile_parameter_never_breaks_the_server(method: str, path: str, catalog: Catalog) -> None:
    answer = catalog.client.request(method, path.format(v=catalog.version_id), json={} if method == "PUT" else None)
    assert answer.status_code in (200, 400, 404), answer.text
    if answer.status_code != 200:
        assert answer.json()["error"]["status"] == answer.status_code


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "\\ud83d\\ude00 ä \\u200b"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/sources/{v}", '{{"name": "n{t}", "type": "NoSql", "upsert": true}}'),
        ("POST", "/sources/{v}", '{{"name": "hostile", "type": "NoSql", "upsert": true, "summary": "{t}"}}'),
        ("POST", "/sources/{v}", '{{"name": "hostile", "type": "NoSql", "upsert": true, "owners": ["{t}"]}}'),
        ("POST", "/sources/{v}", '{{"name": "hostile", "type": "NoSql", "upsert": true, "tags": ["{t}"]}}'),
        ("POST", "/sources/{v}", '{{"name": "hostile", "type": "{t}", "{t}": 1}}'),
        ("POST", "/sources/bulktree/{v}", '{{"name": "h{t}", "type": "NoSql", "children": []}}'),
        (
            "POST",
            "/links/bulktree/{v}",
            '[{{"fromPath": "\\\\{t}", "fromType": "x", "toPath": "\\\\a", "toType": "y"}}]',
        ),
        ("POST", "/tags", '[{{"label": "tag {t}", "description": "{t}"}}]'),
        ("POST", "/users", '{{"email": "{t}@x.example", "title": "{t}"}}'),
        ("POST", "/workspaces", '{{"name": "{t}", "description": "{t}", "defaultOwnerUser": "{t}"}}'),
        ("POST", "/attributes/field", '{{"name": "{t}", "format": "Text", "defaultValue": "{t}"}}'),
    ],
)
def test_a_hostile_text_never_breaks_the_server(method: str, path: str, body: str, text: str, catalog: Catalog) -> None:
    content = body.format(t=text)
    answer = catalog.client.request(method, path.format(v=catalog.version_id), content=content)
    assert answer.status_code in (201, 400), answer.text
    if text != "\\ud83d\\ude00 ä \\u200b":
        assert answer.status_code == 400
