"""Declarations: task types, statuses, tasks, time and days off.

Source: contracts/production.md, 4, Tasks and time
"""

from typing import Final

from tessera.kernel.resources import (
    ONCE,
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
from tessera.production import task_rules as rules
from tessera.production import time_rules
from tessera.production.access import ANYONE, LOOKUP, NOT_VENDOR, Role, by_task
from tessera.production.declare import colour, model, person, shotgun_id, table_name, title, to
from tessera.production.links import PRINCIPAL

TASK_TYPE: Final = model(
    "task_type",
    "task-types",
    "TaskType",
    LOOKUP,
    title(40),
    text("short_name", max_length=20),
    text("description"),
    colour(default="#FFFFFF"),
    integer("priority", default=1),
    text("for_entity", max_length=30, default="Asset"),
    flag("allow_timelog", default=True),
    flag("archived", default=False),
    shotgun_id(),
    to("department_id", "department"),
    unique=(("name", "for_entity", "department_id"),),
    on_create=(rules.refuse_taken_type,),
    on_update=(rules.refuse_taken_type,),
    on_delete=(rules.free_task_type,),
)
TASK_STATUS: Final = model(
    "task_status",
    "task-status",
    "TaskStatus",
    LOOKUP,
    title(40),
    *(
        flag(name, default=False)
        for name in ("archived", "is_done", "is_retake", "is_feedback_request", "is_default", "is_wip", "for_concept")
    ),
    text("short_name", nullable=False, max_length=10, unique=True),
    text("description"),
    colour(nullable=False),
    integer("priority", default=1),
    flag("is_artist_allowed", default=True),
    flag("is_client_allowed", default=True),
    shotgun_id(),
    created=(rules.keep_one_default,),
    updated=(rules.keep_one_default,),
)
TASK: Final = model(
    "task",
    "tasks",
    "Task",
    Verbs(ANYONE, ANYONE, ANYONE, ANYONE, ANYONE),
    title(80, default="main"),
    text("description"),
    integer("priority", default=0),
    integer("difficulty", nullable=False, default=3),
    real("duration", default=0.0),
    real("estimation", default=0.0),
    *(integer(name, default=0) for name in ("completion_rate", "sort_order", "nb_assets_ready", "nb_drawings")),
    integer("retake_count", default=0),
    *(
        instant(name)
        for name in ("start_date", "due_date", "real_start_date", "end_date", "done_date", "last_comment_date")
    ),
    document("data"),
    shotgun_id(),
    reference("last_preview_file_id", None),
    to("project_id", "project", written=ONCE),
    to("task_type_id", "task_type"),
    to("task_status_id", "task_status"),
    to("entity_id", "entity"),
    person("assigner_id"),
    unique=(("name", "project_id", "task_type_id", "entity_id"),),
    checks={"difficulty": "difficulty BETWEEN 1 AND 5"},
    relations=(Links("assignees", table_name("task_person_link"), "task_id", "person_id", PRINCIPAL),),
    listed=by_task(task="id", project="project_id", only_open=True),
    readable=by_task(task="id", project="project_id"),
    on_create=(rules.complete, rules.by_manager),
    created=(rules.assigned,),
    on_update=(rules.by_manager_or_supervisor, rules.merge_data),
    updated=(rules.assigned,),
    on_delete=(rules.by_manager, rules.clear_the_way),
)
TIME_SPENT: Final = model(
    "time_spent",
    "time-spents",
    "TimeSpent",
    Verbs(Role.ADMIN, Role.ADMIN, Role.ADMIN, Role.ADMIN, ANYONE),
    real("duration", nullable=False),
    day("date", nullable=False),
    to("task_id", "task"),
    person("person_id"),
    unique=(("person_id", "task_id", "date"),),
    created=(time_rules.add_up,),
    updated=(time_rules.add_up,),
    on_delete=(time_rules.by_self_or_manager,),
    deleted=(time_rules.add_up,),
)
DAY_OFF: Final = model(
    "day_off",
    "day-offs",
    "DayOff",
    Verbs(Role.ADMIN, ANYONE, ANYONE, ANYONE, ANYONE),
    day("date", nullable=False),
    day("end_date", nullable=False),
    text("description"),
    person("person_id"),
    unique=(("person_id", "date"),),
    readable=time_rules.own_days_off,
    on_create=(time_rules.by_self, time_rules.check_range),
    created=(time_rules.clear_times,),
    on_update=(time_rules.by_self, time_rules.check_range),
    updated=(time_rules.clear_times,),
    on_delete=(time_rules.by_self,),
)
STATUS_AUTOMATION: Final = model(
    "status_automation",
    "status-automations",
    "StatusAutomation",
    Verbs(NOT_VENDOR, Role.ADMIN, Role.ADMIN, Role.ADMIN, Role.ADMIN),
    text("entity_type", max_length=40, default="asset"),
    to("in_task_type_id", "task_type"),
    to("in_task_status_id", "task_status"),
    choice("out_field_type", "status", "ready_for", nullable=False, default="status"),
    to("out_task_type_id", "task_type"),
    to("out_task_status_id", "task_status"),
    flag("import_last_revision", default=False),
    flag("archived", default=False),
)

RESOURCES: Final = (TASK_TYPE, TASK_STATUS, TASK, TIME_SPENT, DAY_OFF, STATUS_AUTOMATION)
