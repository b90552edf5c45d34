"""The client that the vendor's own OpenAPI file generates (PyPI: kensu-datagalaxy-client), unchanged."""

import json
import warnings
from typing import Any

import pytest

from tests.serving import Served, unique

with warnings.catch_warnings():
    # It is of 2023, and its strings have escapes that newer Pythons warn of.
    warnings.simplefilter("ignore")
    import kensu_datagalaxy_client as datagalaxy
    from kensu_datagalaxy_client.rest import ApiException

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def client(server: Served) -> Any:
    configuration = datagalaxy.Configuration()
    configuration.host = server.base("catalog")
    made = datagalaxy.ApiClient(configuration, "Authorization", f"Bearer {server.admin.token}")
    yield made
    # It has a finaliser of its own for its pool of threads, which waits for ever in some interpreters.
    made.pool.close()


def raw(call: Any, *arguments: Any, **options: Any) -> Any:
    """The answer as bytes, decoded here: this client's models refuse the nulls that seed and documentation show."""
    return json.loads(call(*arguments, _preload_content=False, **options).data)


@pytest.fixture
def version_id(client: Any) -> str:
    projects = raw(datagalaxy.WorkspacesApi(client).get_workspaces)["projects"]
    return str(next(each for each in projects if each["name"] == "My Workspace")["defaultVersionId"])


def test_the_seeds_four_steps(client: Any, version_id: str, server: Served) -> None:
    people = raw(datagalaxy.UsersApi(client).get_candidates, "owner", version_id, limit=5000)
    assert server.admin.email in [person["email"] for person in people["results"]]
    body = {"name": unique("Generated"), "type": "NoSql", "owners": [server.admin.email], "tags": ["GDPR"]}
    location = datagalaxy.SourcesApi(client).create_sources(body, version_id)
    read = datagalaxy.SourcesApi(client).get_source(version_id, location.id)
    assert (read.name, read.type) == (body["name"], "NoSql")


def test_an_object_is_listed_changed_and_deleted(client: Any, version_id: str) -> None:
    api = datagalaxy.SourcesApi(client)
    name = unique("Generated")
    made = api.create_sources({"name": name, "type": "Relational"}, version_id)
    listed = raw(api.get_sources_list, version_id, technical_name=name, include_attributes=True)
    assert (listed["total_sum"], listed["next_page"]) == (1, None)
    assert listed["results"][0]["attributes"]["technicalName"] == name
    api.update_source({"summary": "changed"}, version_id, made.id)
    tree = {"name": name, "type": "Relational", "children": [{"name": "ops", "type": "Model"}]}
    counts = api.create_sources_bulk_tree(tree, version_id)
    assert (counts.total, counts.created, counts.unchanged) == (2, 1, 1)
    api.delete_source(version_id, made.id)
    with pytest.raises(ApiException) as refused:
        api.get_source(version_id, made.id)
    assert refused.value.status == 404


def test_an_error_reaches_the_client_with_its_message(client: Any, version_id: str) -> None:
    with pytest.raises(ApiException) as refused:
        datagalaxy.SourcesApi(client).create_sources({"name": "x", "type": "Spreadsheet"}, version_id)
    assert refused.value.status == 400
    assert b"Spreadsheet" in refused.value.body
