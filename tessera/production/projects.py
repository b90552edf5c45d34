"""Declarations: projects and what plans them.

Source: contracts/production.md, 4, Projects and planning
"""

from typing import Final

from tessera.kernel.resources import (
    ONCE,
    Field,
    Links,
    Verbs,
    choice,
    day,
    document,
    flag,
    instant,
    integer,
    real,
    reference,
    text,
)
from tessera.production import planning_rules
from tessera.production import project_rules as rules
from tessera.production.access import ADMINS_ONLY, ANYONE, LOOKUP, NOT_VENDOR, Role, own_open_projects, own_projects
from tessera.production.declare import (
    POSITIONS,
    SENIORITIES,
    STYLES,
    colour,
    model,
    person,
    shotgun_id,
    table_name,
    title,
    to,
)
from tessera.production.links import PRINCIPAL

_MANAGED: Final = Verbs(Role.ADMIN, NOT_VENDOR, ANYONE, ANYONE, ANYONE)
"""Who may write is asked of the project's team."""


def _settings() -> tuple[Field, ...]:
    """What a project and a template of projects have in common."""
    return (
        text("fps", max_length=10, default="25"),
        text("ratio", max_length=10, default="16:9"),
        text("resolution", max_length=12, default="1920x1080", check=rules.resolution),
        text("production_type", max_length=20, default="short"),
        choice("production_style", *STYLES, nullable=False, default="2d3d"),
        integer("max_retakes", default=0),
        *(
            flag(name, default=False)
            for name in (
                "is_clients_isolated",
                "is_preview_download_allowed",
                "is_set_preview_automated",
                "is_publish_default_for_artists",
                "is_single_preview_per_revision",
                "is_frame_in_numbering",
            )
        ),
        *(
            flag(name, default=True)
            for name in ("is_client_stats_visible", "is_client_task_list_visible", "is_client_task_panel_visible")
        ),
        text("homepage", max_length=80, default="assets"),
        integer("revision_padding", nullable=False, default=0),
        integer("hd_bitrate_compression", check=rules.bitrate),
        integer("ld_bitrate_compression", check=rules.bitrate),
        to("default_preview_background_file_id", "background_file"),
    )


def _linked(prefix: str, own: str) -> tuple[Links, ...]:
    """The lists that a project and a template of projects have in common."""
    return tuple(
        Links(name, table_name(f"{prefix}_{table}"), own, other, table_name(target))
        for name, table, other, target in (
            ("asset_types", "asset_type_link", "asset_type_id", "entity_type"),
            ("task_statuses", "task_status_link", "task_status_id", "task_status"),
            ("task_types", "task_type_link", "task_type_id", "task_type"),
            ("status_automations", "automation_link", "status_automation_id", "status_automation"),
            ("preview_background_files", "background", "preview_background_file_id", "background_file"),
        )
    )


PROJECT_STATUS: Final = model(
    "project_status", "project-status", "ProjectStatus", LOOKUP, title(20, unique=True), colour(nullable=False)
)
PROJECT: Final = model(
    "project",
    "projects",
    "Project",
    # A single project is read with more around it, by a route of its own.
    Verbs(ANYONE, None, Role.ADMIN, ANYONE, Role.ADMIN),
    title(80, unique=True),
    text("code", max_length=80),
    text("description"),
    shotgun_id(),
    integer("man_days"),
    document("file_tree"),
    document("data"),
    flag("has_avatar", default=False),
    *_settings(),
    flag("is_bot_collaboration_enabled", default=False),
    day("start_date"),
    day("end_date"),
    integer("nb_episodes", default=0),
    integer("episode_span", default=0),
    to("project_status_id", "project_status"),
    # No foreign key: versions refer to projects already, and a cycle could not be created in one go.
    reference("from_schedule_version_id", None),
    relations=(
        Links("team", table_name("project_person_link"), "project_id", "person_id", PRINCIPAL, written=ONCE),
        *_linked("project", "project_id"),
    ),
    listed=own_open_projects("id"),
    readable=own_projects("id"),
    on_create=(rules.complete, rules.check_bitrates),
    created=(rules.begin_episodes,),
    on_update=(rules.by_manager, rules.check_bitrates),
    updated=(rules.begin_episodes,),
    on_delete=(rules.only_when_closed,),
)
PROJECT_TEMPLATE: Final = model(
    "project_template",
    "project-templates",
    "ProjectTemplate",
    Verbs(Role.MANAGER, Role.MANAGER, Role.ADMIN, Role.ADMIN, Role.ADMIN),
    title(80, unique=True),
    text("description"),
    *_settings(),
    document("file_tree"),
    document("data"),
    document("metadata_descriptors", default=list),
    table="production_template",
    relations=_linked("template", "project_template_id"),
    on_create=(rules.check_bitrates,),
    on_update=(rules.check_bitrates,),
)
METADATA_DESCRIPTOR: Final = model(
    "metadata_descriptor",
    "metadata-descriptors",
    "MetadataDescriptor",
    Verbs(ANYONE, Role.ADMIN, Role.ADMIN, Role.ADMIN, Role.ADMIN),
    to("project_id", "project", nullable=False, written=ONCE),
    text("entity_type", nullable=False, max_length=60),
    to("task_type_id", "task_type"),
    title(120),
    choice(
        "data_type",
        *["string", "number", "list", "taglist", "boolean", "checklist", "date", "url", "textarea", "person"],
    ),
    text("field_name", nullable=False, max_length=120),
    document("choices"),
    flag("for_client", default=False),
    integer("position"),
    table="production_descriptor",
    relations=(
        Links(
            "departments",
            table_name("descriptor_department_link"),
            "metadata_descriptor_id",
            "department_id",
            table_name("department"),
        ),
    ),
    listed=own_open_projects("project_id"),
    on_create=(planning_rules.complete_descriptor,),
    on_update=(planning_rules.complete_descriptor,),
    answer_links=frozenset({"departments"}),
)
MILESTONE: Final = model(
    "milestone",
    "milestones",
    "Milestone",
    _MANAGED,
    day("date"),
    title(40),
    to("project_id", "project", written=ONCE),
    to("task_type_id", "task_type"),
    readable=own_projects("project_id"),
    on_create=(planning_rules.by_manager,),
    on_update=(planning_rules.by_manager,),
    on_delete=(planning_rules.by_manager,),
)
SCHEDULE_ITEM: Final = model(
    "schedule_item",
    "schedule-items",
    "ScheduleItem",
    Verbs(Role.ADMIN, Role.ADMIN, ANYONE, ANYONE, ANYONE),
    day("start_date"),
    day("end_date"),
    integer("man_days"),
    to("project_id", "project", written=ONCE),
    to("task_type_id", "task_type"),
    reference("object_id", None),
    unique=(("project_id", "task_type_id", "object_id"),),
    on_create=(planning_rules.by_manager,),
    on_update=(planning_rules.by_manager_or_supervisor,),
    on_delete=(planning_rules.by_manager,),
)
SCHEDULE_VERSION: Final = model(
    "production_schedule_version",
    "production-schedule-versions",
    "ProductionScheduleVersion",
    Verbs(ANYONE, Role.USER, ANYONE, ANYONE, ANYONE),
    title(80),
    to("project_id", "project", nullable=False, on_delete="cascade", written=ONCE),
    to("production_schedule_from", "schedule_version", on_delete="set null"),
    flag("locked", default=False),
    flag("canceled", default=False),
    table="production_schedule_version",
    unique=(("name", "project_id"),),
    listed=planning_rules.schedules_listed,
    readable=own_projects("project_id"),
    on_create=(planning_rules.by_manager,),
    on_update=(planning_rules.by_manager,),
    on_delete=(planning_rules.by_manager,),
)
SCHEDULED_TASK: Final = model(
    "production_schedule_version_task_link",
    "production-schedule-version-task-links",
    "ProductionScheduleVersionTaskLink",
    Verbs(Role.ADMIN, Role.USER, ANYONE, ANYONE, ANYONE),
    to("production_schedule_version_id", "schedule_version", nullable=False, on_delete="cascade", written=ONCE),
    to("task_id", "task", nullable=False, on_delete="cascade", written=ONCE),
    instant("start_date"),
    instant("due_date"),
    real("estimation", default=0.0),
    table="production_scheduled_task",
    unique=(("production_schedule_version_id", "task_id"),),
    relations=(Links("assignees", table_name("scheduled_person_link"), "task_link_id", "person_id", PRINCIPAL),),
    readable=planning_rules.scheduled_readable,
    on_create=(planning_rules.by_manager_of_unlocked,),
    on_update=(planning_rules.by_manager_of_unlocked,),
    on_delete=(planning_rules.by_manager_of_unlocked,),
)
BUDGET: Final = model(
    "budget",
    "budgets",
    "Budget",
    ADMINS_ONLY,
    to("project_id", "project", written=ONCE),
    integer("revision", nullable=False, default=1, written=ONCE),
    text("name", nullable=False, max_length=255),
    text("currency", max_length=3),
    event_verbs={"created": "create"},
    on_create=(planning_rules.number_revision,),
)
BUDGET_ENTRY: Final = model(
    "budget_entry",
    "budget-entries",
    "BudgetEntry",
    ADMINS_ONLY,
    to("budget_id", "budget", nullable=False, written=ONCE),
    to("department_id", "department", nullable=False),
    person("person_id"),
    day("start_date", nullable=False),
    integer("months_duration", nullable=False),
    real("daily_salary", nullable=False),
    choice("position", *POSITIONS, default="artist"),
    choice("seniority", *SENIORITIES, default="mid"),
    document("exceptions", clean=planning_rules.exceptions),
    event_verbs={"created": "create"},
)

RESOURCES: Final = (
    PROJECT_STATUS,
    PROJECT,
    PROJECT_TEMPLATE,
    METADATA_DESCRIPTOR,
    MILESTONE,
    SCHEDULE_ITEM,
    SCHEDULE_VERSION,
    SCHEDULED_TASK,
    BUDGET,
    BUDGET_ENTRY,
)
