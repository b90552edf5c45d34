"""Step of the demo: the work on the data is tracked in production."""

from typing import Any, Final

from tessera.demo.show import Caller

PROJECT: Final = "NYC flights 2013"
ASSETS: Final = ("flights", "planes", "airports", "airlines", "weather")


def track(caller: Caller) -> dict[str, Any]:
    """A project with an asset for each table, a task on each, and a comment; what is there already stays."""
    status = _status(caller)
    project = _ensure(caller, "projects", {"name": PROJECT, "production_type": "short"})
    kind = _ensure(caller, "entity-types", {"name": "Table"})
    task_type = _ensure(caller, "task-types", {"name": "Describe", "for_entity": "Asset", "color": "#1971c2"})
    done = 0
    for name in ASSETS:
        filters = {"name": name, "project_id": project["id"], "entity_type_id": kind["id"]}
        asset = _ensure(caller, "entities", filters)
        task = _ensure(
            caller,
            "tasks",
            {"name": "main", "project_id": project["id"], "entity_id": asset["id"], "task_type_id": task_type["id"]},
            extra={"task_status_id": status["id"]},
        )
        if name == ASSETS[0] and not caller.call("GET", f"/production/data/tasks/{task['id']}/comments", quiet=True):
            comment = {"task_status_id": status["id"], "comment": "336,776 rows landed, none lost."}
            caller.call("POST", f"/production/actions/tasks/{task['id']}/comment", comment)
        done += 1
    return {"project": project["name"], "tasks": done}


def _status(caller: Caller) -> dict[str, Any]:
    statuses = caller.call("GET", "/production/data/task-status", quiet=True)
    defaults = [one for one in statuses if one.get("is_default")]
    if defaults:
        return dict(defaults[0])
    body = {"name": "Todo", "short_name": "todo", "color": "#868e96", "is_default": True}
    return _ensure(caller, "task-status", {"name": "Todo"}, extra=body)


def _ensure(caller: Caller, path: str, key: dict[str, Any], extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """The row with these values, made if it is missing."""
    found = caller.call("GET", f"/production/data/{path}", quiet=True)
    for row in found:
        if all(row.get(name) == value for name, value in key.items()):
            return dict(row)
    return dict(caller.call("POST", f"/production/data/{path}", key | (extra or {})))
