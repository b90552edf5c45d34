"""Tables of pairs: which rows of the tracker belong to which. The first column's row owns the pair.

A pair goes with the row that owns it; the other row cannot go while pairs name it, unless it owns them too.

Source: contracts/production.md, 4, Join tables
"""

from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel.db import METADATA, Document, Flag, Id, Instant

PRINCIPAL: Final = "identity_principals"
"""Where people are; the tracker's own columns about them are in ``production_person``."""
BOARD_ROLES: Final = ("user", "admin", "supervisor", "manager", "vendor")


def _pairs(name: str, own: tuple[str, str], other: tuple[str, str], *more: Any, both_own: bool = False) -> sa.Table:
    return sa.Table(
        f"production_{name}",
        METADATA,
        sa.Column(own[0], Id, sa.ForeignKey(f"{own[1]}.id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            other[0],
            Id,
            sa.ForeignKey(f"{other[1]}.id", ondelete="CASCADE" if both_own else None),
            primary_key=True,
            index=True,
        ),
        *more,
    )


def _task_type_settings() -> tuple[Any, ...]:
    return (
        sa.Column("priority", sa.Integer),
        sa.Column("hd_bitrate_compression", sa.Integer),
        sa.Column("ld_bitrate_compression", sa.Integer),
        sa.Column("is_client_visible", Flag, server_default=sa.true()),
    )


def _task_status_settings() -> tuple[Any, ...]:
    return (
        sa.Column("priority", sa.Integer),
        # Null stands for ``BOARD_ROLES``.
        sa.Column("roles_for_board", Document),
        sa.Column("is_client_allowed", Flag),
    )


_project = ("project_id", "production_project")
_template = ("project_template_id", "production_template")
_task_type = ("task_type_id", "production_task_type")
_task_status = ("task_status_id", "production_task_status")
_asset_type = ("asset_type_id", "production_entity_type")
_automation = ("status_automation_id", "production_status_automation")
_background = ("preview_background_file_id", "production_background_file")
_person = ("person_id", PRINCIPAL)
_department = ("department_id", "production_department")
_comment = ("comment", "production_comment")

DEPARTMENTS: Final = _pairs("department_link", _person, _department)
TEAM: Final = _pairs(
    "project_person_link", _project, _person, sa.Column("shotgun_id", sa.Integer), sa.Column("role", sa.String(20))
)
PROJECT_TASK_TYPES: Final = _pairs("project_task_type_link", _project, _task_type, *_task_type_settings())
PROJECT_TASK_STATUSES: Final = _pairs("project_task_status_link", _project, _task_status, *_task_status_settings())
PROJECT_ASSET_TYPES: Final = _pairs("project_asset_type_link", _project, _asset_type)
PROJECT_AUTOMATIONS: Final = _pairs("project_automation_link", _project, _automation)
PROJECT_BACKGROUNDS: Final = _pairs("project_background", _project, _background)
TEMPLATE_TASK_TYPES: Final = _pairs("template_task_type_link", _template, _task_type, *_task_type_settings())
TEMPLATE_TASK_STATUSES: Final = _pairs("template_task_status_link", _template, _task_status, *_task_status_settings())
TEMPLATE_ASSET_TYPES: Final = _pairs("template_asset_type_link", _template, _asset_type)
TEMPLATE_AUTOMATIONS: Final = _pairs("template_automation_link", _template, _automation)
TEMPLATE_BACKGROUNDS: Final = _pairs("template_background", _template, _background)
ASSIGNEES: Final = _pairs("task_person_link", ("task_id", "production_task"), _person)
TYPE_TASK_TYPES: Final = _pairs("task_type_asset_type_link", _asset_type, _task_type)
INSTANCES: Final = _pairs(
    "asset_instance_link",
    ("entity_id", "production_entity"),
    ("asset_instance_id", "production_asset_instance"),
    both_own=True,
)
CONCEPTS: Final = _pairs(
    "entity_concept_link",
    ("entity_in_id", "production_entity"),
    ("entity_out_id", "production_entity"),
    sa.Column("created_at", Instant),
    both_own=True,
)
COMMENT_PREVIEWS: Final = _pairs(
    "comment_preview_link", _comment, ("preview_file", "production_preview_file"), both_own=True
)
MENTIONS: Final = _pairs("comment_mentions", _comment, ("person", PRINCIPAL))
DEPARTMENT_MENTIONS: Final = _pairs("comment_department_mentions", _comment, ("department", "production_department"))
ACKNOWLEDGEMENTS: Final = _pairs("comment_acknoledgments", _comment, ("person", PRINCIPAL))
DESCRIPTOR_DEPARTMENTS: Final = _pairs(
    "descriptor_department_link", ("metadata_descriptor_id", "production_descriptor"), _department
)
PARTICIPANTS: Final = _pairs("chat_participant", ("chat_id", "production_chat"), _person)
SCHEDULED_ASSIGNEES: Final = _pairs(
    "scheduled_person_link",
    ("task_link_id", "production_scheduled_task"),
    _person,
)
