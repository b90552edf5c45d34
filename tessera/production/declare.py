"""How the tracker declares a model: prefix of tables, package of events, words that several models share."""

from typing import Any, Final

from tessera.kernel.resources import Events, Field, Resource, Verbs, integer, reference, text
from tessera.production.access import PACKAGE_NAME
from tessera.production.links import PRINCIPAL

STYLES: Final = [
    "2d",
    "2dpaper",
    "3d",
    "2d3d",
    "ar",
    "vfx",
    "stop-motion",
    "motion-design",
    "archviz",
    "commercial",
    "catalog",
    "immersive",
    "nft",
    "video-game",
    "vr",
]
POSITIONS: Final = ("supervisor", "lead", "artist")
SENIORITIES: Final = ("senior", "mid", "junior")
ROLES: Final = ("user", "admin", "supervisor", "manager", "client", "vendor")
VALIDATIONS: Final = ("validated", "rejected", "neutral")


def table_name(model: str) -> str:
    """The table of a model, such as ``task``."""
    return f"production_{model}"


def model(name: str, path: str, wire: Any, verbs: Verbs, *fields: Field, event: str = "", **more: Any) -> Resource:
    """A model whose event names and keys follow from its name (``task_type`` -> ``task-type:new``, ``task_type_id``).

    Args:
        event: the first half of the event's name, where it is another.

    Source: contracts/production.md, 5.5
    """
    carries = ("project_id",) if any(each.name == "project_id" for each in fields) else ()
    verbs_of_events = more.pop("event_verbs", {})
    events = Events(PACKAGE_NAME, event or name.replace("_", "-"), f"{name}_id", carries, **verbs_of_events)
    more.setdefault("events", events)
    table = more.pop("table", table_name(name))
    return Resource(path=path, table=table, wire=wire, fields=fields, verbs=verbs, **more)


def person(name: str, **options: Any) -> Field:
    """A reference to a person."""
    return reference(name, PRINCIPAL, **options)


def to(name: str, target: str, **options: Any) -> Field:
    """A reference to a row of another model of the tracker."""
    return reference(name, table_name(target), **options)


def title(length: int, **options: Any) -> Field:
    """The ``name`` that must be given."""
    return text("name", nullable=False, max_length=length, **options)


def colour(**options: Any) -> Field:
    """A colour such as ``#999999``; its form is not checked, as clients send empty ones."""
    return text("color", max_length=7, **options)


def shotgun_id(**options: Any) -> Field:
    """Id of the same thing in another tracker that data once came from."""
    return integer("shotgun_id", **options)
