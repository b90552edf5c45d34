"""Seed 002: the tracker's routes, each called with curl as the seed prints it; the names are the seed's own words."""

import json
import subprocess
from typing import Any

import pytest

from tests.serving import Served, unique

DATA = "--data"
NOWHERE = "00000000-0000-4000-8000-000000000000"


class Tracker:
    """curl with the seed's one header, and rows to put into its paths."""

    def __init__(self, server: Served) -> None:
        self.base = server.base("production")
        status, body = self.curl("POST", "/auth/login", None, self.login(server.admin))
        assert status == 200, body
        # Value example: Bearer xxxxx.yyyyy.zzzzz
        self.api_key = f"Bearer {json.loads(body)['access_token']}"
        self.user = json.loads(body)["user"]

    @staticmethod
    def login(person: Any) -> dict[str, str]:
        return {"email": person.email, "password": person.password}

    def curl(self, method: str, path: str, api_key: str | None = "", body: Any = None) -> tuple[int, str]:
        """``curl --request METHOD URL --header "Authorization: $API_KEY"``; a body goes along where there is one."""
        command = ["curl", "--silent", "--write-out", "\n%{http_code}", "--request", method, self.base + path]
        if api_key is not None:
            command += ["--header", f"Authorization: {api_key or self.api_key}"]
        if body is not None:
            command += ["--header", "Content-Type: application/json", DATA, json.dumps(body)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), answer

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        got, answer = self.curl(method, path, "", body)
        assert got == status, answer
        return json.loads(answer) if answer else None

    def make(self, path: str, **body: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("POST", f"/data/{path}", body, status=201)
        return found

    def project(self) -> dict[str, Any]:
        return self.make("projects", name=unique("Film"))

    def asset(self, project: dict[str, Any] | None = None) -> dict[str, Any]:
        kind = self.ask("GET", "/data/entity-types?name=Prop")[0]
        home = project or self.project()
        path = f"projects/{home['id']}/asset-types/{kind['id']}/assets/new"
        return self.make(path, name=unique("Lamp"))

    def task(self) -> dict[str, Any]:
        kind = self.ask("GET", "/data/task-types?name=Modeling")[0]
        return self.make("tasks", entity_id=self.asset()["id"], task_type_id=kind["id"])


@pytest.fixture
def tracker(server: Served) -> Tracker:
    return Tracker(server)


# -- Authentication ----------------------------------------------------------------------------------------------------


def test_log_in_user_by_creating_and_registering_auth_tokens(tracker: Tracker, server: Served) -> None:
    status, body = tracker.curl("POST", "/auth/login", None, Tracker.login(server.admin))
    answer = json.loads(body)
    assert status == 200
    assert answer["login"] is True
    assert answer["access_token"].count(".") == 2
    assert answer["refresh_token"].count(".") == 2
    assert answer["user"]["email"] == server.admin.email
    assert answer["organisation"]["type"] == "Organisation"


def test_if_no_user_match_given_email_it_looks_in_matching_the_desktop_id(tracker: Tracker, server: Served) -> None:
    person = server.person(production="user")
    desktop_login = unique("desk")
    tracker.ask("PUT", f"/data/persons/{person.id}", {"desktop_login": desktop_login})
    status, body = tracker.curl("POST", "/auth/login", None, {"email": desktop_login, "password": person.password})
    assert (status, json.loads(body)["user"]["id"]) == (200, person.id)


def test_login_as_printed_without_a_body_names_what_is_missing(tracker: Tracker) -> None:
    status, body = tracker.curl("POST", "/auth/login")
    assert status == 400
    assert json.loads(body)["data"]["errors"][0]["field"] == "email"


def test_reset_password_with_a_wrong_or_expired_token(tracker: Tracker, server: Served) -> None:
    new = {
        "email": server.admin.email,
        "token": "x" * 64,
        "password": "another password",
        "password2": "another password",
    }
    status, body = tracker.curl("PUT", "/auth/reset-password", None, new)
    assert (status, json.loads(body)["error"]) == (400, True)
    assert tracker.curl("PUT", "/auth/reset-password")[0] == 400
    assert tracker.curl("POST", "/auth/login", None, Tracker.login(server.admin))[0] == 200


def test_a_token_is_sent_by_email_to_the_user_whoever_asks(tracker: Tracker, server: Served) -> None:
    known, unknown = (
        tracker.curl("POST", "/auth/reset-password", None, {"email": email})
        for email in (server.admin.email, f"{unique('nobody')}@studio.example")
    )
    assert known == unknown
    assert known[0] == 200


def test_otp_by_email_sent(tracker: Tracker) -> None:
    status, body = tracker.curl("GET", "/auth/email-otp?email=someone@studio.example")
    assert (status, json.loads(body)) == (200, {"success": True})
    assert tracker.curl("GET", "/auth/email-otp")[0] == 400


def test_otp_by_email_enabled_only_with_a_code_that_was_sent(tracker: Tracker) -> None:
    status, body = tracker.curl("POST", "/auth/email-otp", "", {"email_otp": "000000"})
    assert (status, json.loads(body)["wrong_OTP"]) == (400, True)
    assert tracker.curl("POST", "/auth/email-otp")[0] == 400
    assert tracker.curl("POST", "/auth/email-otp", None)[0] == 401


def test_new_recovery_codes_need_a_second_factor(tracker: Tracker) -> None:
    status, body = tracker.curl("PUT", "/auth/recovery-codes")
    assert (status, json.loads(body)["error"]) == (400, True)


def test_fido_of_an_account_without_a_key(tracker: Tracker) -> None:
    status, body = tracker.curl("GET", "/auth/fido?email=someone@studio.example")
    assert (status, json.loads(body)["error"]) == (400, True)
    assert tracker.curl("GET", "/auth/fido")[0] == 400


def test_redirect_to_the_saml_idp_wrong_parameter_while_none_is_set_up(tracker: Tracker) -> None:
    status, body = tracker.curl("GET", "/auth/saml/login")
    assert status == 400
    assert isinstance(json.loads(body)["error"], str)


# -- asset types, entity links, edits ----------------------------------------------------------------------------------


def test_get_an_asset_type(tracker: Tracker) -> None:
    prop = tracker.ask("GET", "/data/entity-types?name=Prop")[0]
    answer = tracker.ask("GET", f"/data/asset-types/{prop['id']}")
    assert (answer["name"], answer["type"], answer["task_types"]) == ("Prop", "AssetType", [])
    shot = tracker.ask("GET", "/data/entity-types?name=Shot")[0]
    assert tracker.curl("GET", f"/data/asset-types/{shot['id']}")[0] == 404


def test_all_asset_types_for_given_project(tracker: Tracker) -> None:
    project = tracker.project()
    asset = tracker.asset(project)
    (kind,) = tracker.ask("GET", f"/data/projects/{project['id']}/asset-types")
    assert (kind["id"], kind["type"]) == (asset["entity_type_id"], "AssetType")


def test_delete_given_entity_link(tracker: Tracker) -> None:
    project = tracker.project()
    user, used = tracker.asset(project), tracker.asset(project)
    link = tracker.make("entity-links/", entity_in_id=user["id"], entity_out_id=used["id"], nb_occurences=2)
    assert tracker.ask("GET", f"/data/entities/{user['id']}")["nb_entities_out"] == 1
    path = f"/data/projects/{project['id']}/entity-links/{link['id']}"
    assert tracker.ask("DELETE", path)["id"] == link["id"]
    assert tracker.curl("DELETE", path)[0] == 404
    assert tracker.ask("GET", f"/data/entities/{user['id']}")["nb_entities_out"] == 0


def test_data_versions_of_given_edit(tracker: Tracker) -> None:
    project = tracker.project()
    edit = tracker.make(f"projects/{project['id']}/edits", name="Cut")
    assert tracker.ask("GET", f"/data/edits/{edit['id']}/versions") == []
    assert tracker.curl("GET", f"/data/edits/{NOWHERE}/versions")[0] == 404


# -- generic routes ----------------------------------------------------------------------------------------------------

LISTS = [
    *(
        "/data/persons",
        "/data/entities",
        "/data/task-types",
        "/data/attachment-files",
        "/data/comments",
        "/data/time-spents/",
    ),
    *(
        "/data/day-offs/",
        "/data/custom-actions/",
        "/data/asset-instances/",
        "/data/subscriptions/",
        "/data/plugins",
    ),
]


@pytest.mark.parametrize("path", LISTS)
def test_retrieve_all_entries_for_given_model(tracker: Tracker, path: str) -> None:
    assert isinstance(tracker.ask("GET", path), list)
    assert tracker.ask("GET", path.rstrip("/")) == tracker.ask("GET", path.rstrip("/") + "/")
    assert tracker.curl("GET", path, None)[0] == 401


def test_filters_can_be_specified_in_the_query_string(tracker: Tracker) -> None:
    project = tracker.project()
    asset, other = tracker.asset(project), tracker.asset(project)
    found = tracker.ask("GET", f"/data/entities?project_id={project['id']}&name={asset['name']}")
    assert [each["id"] for each in found] == [asset["id"]]
    among = tracker.ask("GET", f'/data/entities?id=%5B"{asset["id"]}","{other["id"]}"%5D')
    assert {each["id"] for each in among} == {asset["id"], other["id"]}
    assert tracker.ask("GET", f"/data/persons?email={tracker.user['email']}")[0]["id"] == tracker.user["id"]
    assert tracker.curl("GET", "/data/task-types?department_id=x")[0] == 400


def made_for(tracker: Tracker, path: str) -> dict[str, Any]:
    """A row of the model under ``path``."""
    match path:
        case "persons":
            return tracker.make(path, first_name="Grace", last_name="Hopper", email=f"{unique('g')}@studio.example")
        case "task-types":
            return tracker.make(path, name=unique("Type"))
        case "file-status" | "studios":
            return tracker.make(path, name=unique("Row"), color="#112233")
        case "output-types":
            return tracker.make(path, name=unique("Out"), short_name="out")
        case "preview-files":
            return tracker.make(path, task_id=tracker.task()["id"])
        case "working-files":
            return tracker.make(path, name="main", revision=1, task_id=tracker.task()["id"])
        case "news":
            return tracker.make(path, author_id=tracker.user["id"], task_id=tracker.task()["id"])
        case "subscriptions":
            return tracker.make(path, person_id=tracker.user["id"], task_id=tracker.task()["id"])
        case "preview-background-files":
            return tracker.make(path, name=unique("Back"))
        case "plugins":
            names = {"name": "Plugin", "version": "1.0.0", "maintainer_name": "Us", "license": "Apache-2.0"}
            return tracker.make(path, plugin_id=unique("plugin"), **names)
    raise AssertionError(path)


READ = [
    *("persons", "task-types", "file-status", "output-types", "preview-files"),
    *(
        "news",
        "preview-background-files",
        "plugins",
    ),
]


@pytest.mark.parametrize("path", READ)
def test_get_one_instance(tracker: Tracker, path: str) -> None:
    row = made_for(tracker, path)
    answer = tracker.ask("GET", f"/data/{path}/{row['id']}")
    assert answer == row
    assert tracker.curl("GET", f"/data/{path}/{NOWHERE}")[0] == 404
    assert tracker.curl("GET", f"/data/{path}/instance_id")[0] == 400


CREATED = {
    "project-status": {"name": "Later", "color": "#112233"},
    "day-offs/": {"date": "2031-05-01", "end_date": "2031-05-02"},
    "search-filter-groups/": {"list_type": "asset", "name": "Mine", "color": "#112233"},
}


@pytest.mark.parametrize("path", CREATED)
def test_create_a_model_with_data_given_in_the_request_body(tracker: Tracker, path: str) -> None:
    body = dict(CREATED[path])
    if path == "project-status":
        body["name"] = unique("S")[:20]
    if path == "day-offs/":
        body["person_id"] = made_for(tracker, "persons")["id"]
    row = tracker.ask("POST", f"/data/{path}", body, status=201)
    assert {name: row[name] for name in body} == body
    assert tracker.ask("GET", f"/data/{path.rstrip('/')}/{row['id']}") == row


@pytest.mark.parametrize("path", [*CREATED, "entity-links/"])
def test_the_model_performs_the_validation_automatically_when_instantiated(tracker: Tracker, path: str) -> None:
    assert tracker.curl("POST", f"/data/{path}")[0] == 400
    status, body = tracker.curl("POST", f"/data/{path}", "", {"no_such_column": 1})
    assert status == 400
    assert set(json.loads(body)) == {"message"}


CHANGED = {
    "file-status": {"name": "file status"},
    "working-files": {"comment": "a new comment"},
    "subscriptions": {"entity_id": None},
    "studios": {"archived": True},
}


@pytest.mark.parametrize("path", CHANGED)
def test_update_a_model_with_data_given_in_the_request_body(tracker: Tracker, path: str) -> None:
    row, body = made_for(tracker, path), dict(CHANGED[path])
    if "name" in body:
        body["name"] = unique("File")
    answer = tracker.ask("PUT", f"/data/{path}/{row['id']}", body)
    assert {name: answer[name] for name in body} == body
    assert tracker.ask("GET", f"/data/{path}/{row['id']}?relations=false") == answer
    assert tracker.curl("PUT", f"/data/{path}/{row['id']}")[0] == 400
    assert tracker.curl("PUT", f"/data/{path}/{NOWHERE}", "", body)[0] == 404


@pytest.mark.parametrize("path", ["working-files", "preview-background-files"])
def test_model_deleted_and_instance_non_existant(tracker: Tracker, path: str) -> None:
    row = made_for(tracker, path)
    assert tracker.curl("DELETE", f"/data/{path}/{row['id']}") == (204, "")
    assert tracker.curl("DELETE", f"/data/{path}/{row['id']}")[0] == 404


def test_statement_or_integrity_error(tracker: Tracker) -> None:
    background = made_for(tracker, "preview-background-files")
    project = tracker.project()
    tracker.ask("PUT", f"/data/projects/{project['id']}", {"default_preview_background_file_id": background["id"]})
    status, body = tracker.curl("DELETE", f"/data/preview-background-files/{background['id']}")
    assert status == 400
    assert set(json.loads(body)) == {"message"}
    assert tracker.ask("GET", f"/data/preview-background-files/{background['id']}") == background
