"""gazu, unchanged, against the server: what studios' scripts do first."""

from collections.abc import Iterator
from typing import Any

import gazu
import pytest
from gazu.exception import (
    AuthFailedException,
    NotAllowedException,
    NotAuthenticatedException,
    RouteNotFoundException,
)

from tests.serving import Served, unique


@pytest.fixture
def client(server: Served) -> Iterator[Any]:
    """A gazu client that an administrator has signed in."""
    made = gazu.client.create_client(server.base("production"), use_refresh_token=True)
    gazu.log_in(server.admin.email, server.admin.password, client=made)
    with made:
        yield made


@pytest.fixture
def project(client: Any) -> dict[str, Any]:
    """A new project."""
    found: dict[str, Any] = gazu.project.new_project(unique("Film"), client=client)
    return found


def test_the_host_is_up_and_valid(server: Served) -> None:
    for host in (server.base("production"), server.base("production") + "/"):
        made = gazu.client.create_client(host)
        assert gazu.client.host_is_up(made)
        assert gazu.client.host_is_valid(made)
        assert gazu.client.get_api_version(client=made)


def test_a_wrong_password_is_refused(server: Served) -> None:
    made = gazu.client.create_client(server.base("production"))
    person = server.person(production="user")
    with pytest.raises(AuthFailedException):
        gazu.log_in(person.email, "not the password", client=made)


def test_the_signed_in_person_is_known(client: Any, server: Served) -> None:
    user = gazu.client.get_current_user(client=client)
    assert (user["email"], user["role"], user["type"]) == (server.admin.email, "admin", "Person")


def test_a_refreshed_token_works_and_a_logged_out_one_does_not(server: Served) -> None:
    made = gazu.client.create_client(server.base("production"), use_refresh_token=False)
    gazu.log_in(server.admin.email, server.admin.password, client=made)
    before = made.access_token
    made.refresh_access_token()
    assert made.access_token != before
    assert gazu.project.all_project_status(client=made)
    spent = dict(made.tokens)
    gazu.log_out(client=made)
    made.tokens = spent
    with pytest.raises(NotAuthenticatedException):
        gazu.client.get("data/projects", client=made)


def test_a_project_with_assets_tasks_and_a_comment(client: Any, project: dict[str, Any]) -> None:
    kind = gazu.asset.new_asset_type(unique("Prop"), client=client)
    assert gazu.asset.new_asset_type(kind["name"], client=client)["id"] == kind["id"]
    asset = gazu.asset.new_asset(project, kind, "Lamp", "a lamp", {"size": "small"}, client=client)
    assert (asset["type"], asset["entity_type_id"], asset["data"]) == ("Asset", kind["id"], {"size": "small"})
    assert gazu.asset.new_asset(project, kind, "Lamp", client=client)["id"] == asset["id"]
    task_type = gazu.task.new_task_type(unique("Modeling"), "#123456", client=client)
    task = gazu.task.new_task(asset, task_type, client=client)
    assert (task["name"], task["project_id"], task["assignees"]) == ("main", project["id"], [])
    assert gazu.task.new_task(asset, task_type, client=client)["id"] == task["id"]
    wip = gazu.task.get_task_status_by_short_name("wip", client=client)
    comment = gazu.task.add_comment(task, wip, "on it", client=client)
    assert (comment["text"], comment["task_status"]["short_name"]) == ("on it", "wip")
    assert comment["person"]["role"] == "admin"
    (listed,) = gazu.task.all_tasks_for_project(project, client=client)
    assert (listed["id"], listed["task_status_id"]) == (task["id"], wip["id"])
    assert listed["real_start_date"] is not None
    assert [each["text"] for each in gazu.task.all_comments_for_task(task, client=client)] == ["on it"]
    full = gazu.task.get_task(task["id"], client=client)
    assert (full["entity"]["name"], full["task_type"]["id"]) == ("Lamp", task_type["id"])
    assert [each["id"] for each in gazu.asset.all_assets_for_project(project, client=client)] == [asset["id"]]
    assert [each["id"] for each in gazu.asset.all_asset_types_for_project(project, client=client)] == [kind["id"]]
    (of_asset,) = gazu.task.all_tasks_for_asset(asset, client=client)
    assert (of_asset["entity_name"], of_asset["task_status_name"]) == ("Lamp", "Work In Progress")
    (of_type,) = gazu.task.all_tasks_for_entity_and_task_type(asset, task_type, client=client)
    assert of_type["id"] == task["id"]


def test_sequences_and_shots(client: Any, project: dict[str, Any]) -> None:
    sequence = gazu.shot.new_sequence(project, "SE01", client=client)
    shot = gazu.shot.new_shot(project, sequence, "SH010", nb_frames=24, frame_in=101, frame_out=124, client=client)
    assert (shot["type"], shot["parent_id"], shot["nb_frames"]) == ("Shot", sequence["id"], 24)
    assert gazu.shot.new_shot(project, sequence, "SH010", client=client)["id"] == shot["id"]
    full = gazu.shot.get_shot(shot["id"], client=client)
    assert (full["sequence_name"], full["frame_in"], full["project_name"]) == ("SE01", 101, project["name"])
    assert [each["name"] for each in gazu.shot.all_shots_for_project(project, client=client)] == ["SH010"]
    assert [each["name"] for each in gazu.shot.all_shots_for_sequence(sequence, client=client)] == ["SH010"]
    assert [each["name"] for each in gazu.shot.all_sequences_for_project(project, client=client)] == ["SE01"]
    gazu.shot.update_shot({**shot, "name": "SH011"}, client=client)
    (version,) = gazu.client.get(f"data/shots/{shot['id']}/versions", client=client)
    assert (version["name"], version["type"]) == ("SH010", "ShotVersion")


def test_a_tv_show_has_a_first_episode(client: Any) -> None:
    show = gazu.project.new_project(unique("Show"), production_type="tvshow", client=client)
    assert show["first_episode_id"]
    (first,) = gazu.shot.all_episodes_for_project(show, client=client)
    assert (first["id"], first["name"]) == (show["first_episode_id"], "E01")
    episode = gazu.shot.new_episode(show, "E02", client=client)
    sequence = gazu.shot.new_sequence(show, "SE01", episode=episode, client=client)
    assert sequence["parent_id"] == episode["id"]
    shot = gazu.shot.new_shot(show, sequence, "SH010", client=client)
    assert gazu.shot.get_shot(shot["id"], client=client)["episode_name"] == "E02"
    assert [each["id"] for each in gazu.shot.all_shots_for_episode(episode, client=client)] == [shot["id"]]


def test_teams_assignments_and_settings(client: Any, project: dict[str, Any], server: Served) -> None:
    artist = server.person(production="user")
    prop = gazu.asset.get_asset_type_by_name("Prop", client=client)
    asset = gazu.asset.new_asset(project, prop, "Cup", client=client)
    modeling = gazu.task.get_task_type_by_name("Modeling", "Asset", client=client)
    task = gazu.task.new_task(asset, modeling, client=client)
    (assigned,) = gazu.task.assign_task(task, artist.id, client=client)
    assert assigned["assignees"] == [artist.id]
    assert [each["id"] for each in gazu.project.get_team(project, client=client)] == [artist.id]
    supervisor = server.person(production="user")
    gazu.project.add_person_to_team(project, supervisor.id, role="supervisor", client=client)
    roles = {each["id"]: each["project_role"] for each in gazu.project.get_team(project, client=client)}
    assert roles == {artist.id: None, supervisor.id: "supervisor"}
    gazu.project.add_task_type(project, modeling, 3, client=client)
    assert [each["id"] for each in gazu.task.all_task_types_for_project(project, client=client)] == [modeling["id"]]
    (opened,) = [each for each in gazu.project.all_open_projects(client=client) if each["id"] == project["id"]]
    assert opened["task_types_priority"] == {modeling["id"]: 3}


def test_what_others_may_not(client: Any, project: dict[str, Any], server: Served) -> None:
    stranger = gazu.client.create_client(server.base("production"))
    person = server.person(production="user")
    gazu.log_in(person.email, person.password, client=stranger)
    assert project["id"] not in [each["id"] for each in gazu.project.all_projects(client=stranger)]
    with pytest.raises(NotAllowedException):
        gazu.project.get_project(project["id"], client=stranger)
    with pytest.raises(NotAllowedException):
        gazu.project.new_project(unique("Film"), client=stranger)
    with pytest.raises(RouteNotFoundException):
        gazu.asset.get_asset("00000000-0000-4000-8000-000000000000", client=stranger)


def test_persons_departments_and_removal(client: Any, project: dict[str, Any]) -> None:
    department = gazu.person.new_department(unique("Dept"), "#112233", client=client)
    email = f"{unique('ada')}@studio.example"
    person = gazu.person.new_person("Ada", "Lovelace", email, departments=[department], client=client)
    assert (person["full_name"], person["departments"]) == ("Ada Lovelace", [department["id"]])
    assert gazu.person.get_person_by_email(email, client=client)["id"] == person["id"]
    changed = gazu.person.update_person({**person, "last_name": "King"}, client=client)
    assert changed["full_name"] == "Ada King"
    gazu.project.close_project(project["id"], client=client)
    gazu.project.remove_project(project["id"], force=True, client=client)
    with pytest.raises(RouteNotFoundException):
        gazu.project.get_project(project["id"], client=client)
