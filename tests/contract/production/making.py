"""Makes rows of any declared model through its own routes, with nothing but what the declaration demands."""

from typing import Any

import httpx

from tessera.kernel.resources import Field, Kind, Resource, resource_of
from tests.serving import unique

SPECIAL: dict[str, dict[str, Any]] = {
    "persons": {"email": lambda: f"{unique('p')}@studio.example"},
    "metadata-descriptors": {"entity_type": lambda: "Asset", "field_name": None},
    "day-offs": {"date": lambda: "2031-05-01", "end_date": lambda: "2031-05-02", "person_id": "production_person"},
    "tasks": {"task_type_id": "production_task_type", "entity_id": "production_entity"},
    "working-files": {"entity_id": "production_entity"},
    "output-files": {"entity_id": "production_entity"},
    "milestones": {"project_id": "production_project"},
    "playlists": {"project_id": "production_project"},
    "schedule-items": {"project_id": "production_project"},
    "preview-files": {"task_id": "production_task"},
    "time-spents": {"task_id": "production_task"},
}
"""What a model's rules demand besides its columns: values, or the table of a row to refer to."""


def value_of(client: httpx.Client, field: Field) -> Any:
    """A value that the field takes."""
    match field.kind:
        case Kind.REFERENCE:
            return person(client) if field.references == "identity_principals" else reference(client, field)
        case Kind.TEXT:
            return unique(field.name[:2])[: field.max_length or 40]
        case Kind.INTEGER | Kind.BIG:
            return 1
        case Kind.REAL:
            return 60.0
        case Kind.FLAG:
            return True
        case Kind.DAY:
            return "2031-05-01"
        case Kind.INSTANT:
            return "2031-05-01T10:00:00"
        case Kind.CHOICE:
            return field.choices[0]
        case Kind.DOCUMENT:
            return {"key": [1, "two", None]}


def reference(client: httpx.Client, field: Field) -> str:
    if field.references is None:
        return "00000000-0000-4000-8000-00000000000a"
    return str(make(client, resource_of(field.references))["id"])


def person(client: httpx.Client) -> str:
    return str(make(client, resource_of("production_person"))["id"])


def draft(client: httpx.Client, resource: Resource) -> dict[str, Any]:
    """The least body that creates a row."""
    body = {
        each.wire_name: value_of(client, each)
        for each in resource.fields
        if (each.required or (each.unique and not each.nullable)) and "create" in each.written
    }
    for name, value in SPECIAL.get(resource.path, {}).items():
        if value is None:
            body.pop(name, None)
        elif isinstance(value, str):
            body[name] = str(make(client, resource_of(value))["id"])
        else:
            body[name] = value()
    return body


def make(client: httpx.Client, resource: Resource) -> dict[str, Any]:
    """A new row."""
    answer = client.post(f"/data/{resource.path}", json=draft(client, resource))
    assert answer.status_code == 201, (resource.path, answer.text)
    found: dict[str, Any] = answer.json()
    return found
