"""What the first start fills in, so that a studio can begin.

Source: contracts/production.md, 6.1 (First start)
"""

from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel.db import Tx
from tessera.kernel.resource_changes import insert_row
from tessera.kernel.resources import resource_of
from tessera.production.studio_store import TECHNICAL_TYPES

_ASSET_TYPES: Final = ("Character", "Prop", "Environment", "FX")
_DEPARTMENTS: Final = {
    "Modeling": "#78909C",
    "Animation": "#009688",
    "FX": "#D81B60",
    "Compositing": "#FF5252",
    "Concept": "#8D6E63",
    "Layout": "#7CB342",
}
_TASK_TYPES: Final = (
    ("Asset", "Concept", "Concept"),
    ("Asset", "Modeling", "Modeling"),
    ("Asset", "Shading", "Modeling"),
    ("Asset", "Rigging", "Animation"),
    ("Shot", "Storyboard", "Concept"),
    ("Shot", "Layout", "Layout"),
    ("Shot", "Animation", "Animation"),
    ("Shot", "Lighting", "Compositing"),
    ("Shot", "FX", "FX"),
    ("Shot", "Rendering", "Compositing"),
    ("Shot", "Compositing", "Compositing"),
    ("Edit", "Edit", "Compositing"),
    ("Concept", "Concept", "Concept"),
)
_STATUSES: Final[tuple[dict[str, Any], ...]] = (
    {"name": "Todo", "short_name": "todo", "color": "#F5F5F5", "is_default": True},
    {"name": "Ready To Start", "short_name": "ready", "color": "#FBC02D"},
    {"name": "Work In Progress", "short_name": "wip", "color": "#3273DC", "is_wip": True},
    {"name": "Waiting For Approval", "short_name": "wfa", "color": "#AB26FF", "is_feedback_request": True},
    {"name": "Retake", "short_name": "retake", "color": "#FF3860", "is_retake": True},
    {"name": "Done", "short_name": "done", "color": "#22D160", "is_done": True, "is_artist_allowed": False},
    {"name": "Neutral", "short_name": "neutral", "color": "#CCCCCC", "is_default": True, "for_concept": True},
    {"name": "Approved", "short_name": "approved", "color": "#66BB6A", "for_concept": True},
    {"name": "Rejected", "short_name": "rejected", "color": "#E81123", "for_concept": True},
)


def fill(tx: Tx) -> None:
    """Make the first rows, once: an organisation is the sign that they were made."""
    tx.lock("production first start")
    organisation = resource_of("production_organisation")
    if tx.scalar(sa.select(organisation.sa_table.c.id).limit(1)) is not None:
        return
    insert_row(tx, organisation, name="Kitsu")
    for name, color in (("Open", "#00B242"), ("Closed", "#FF3860")):
        insert_row(tx, resource_of("production_project_status"), name=name, color=color)
    for name in (*_ASSET_TYPES, *TECHNICAL_TYPES):
        insert_row(tx, resource_of("production_entity_type"), name=name)
    for number, status in enumerate(_STATUSES, 1):
        insert_row(tx, resource_of("production_task_status"), priority=number, **status)
    departments = {
        name: insert_row(tx, resource_of("production_department"), name=name, color=color)
        for name, color in _DEPARTMENTS.items()
    }
    for number, (kind, name, department) in enumerate(_TASK_TYPES, 1):
        owner = departments[department]
        values = {"department_id": owner["id"], "color": owner["color"], "priority": number}
        insert_row(tx, resource_of("production_task_type"), name=name, for_entity=kind, **values)
