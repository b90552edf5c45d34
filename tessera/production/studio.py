"""Declarations: the studio's lookup tables and its organisation.

Source: contracts/production.md, 4, People and studio, Files and tools
"""

from typing import Final

from tessera.kernel.resources import Verbs, choice, document, flag, integer, real, text
from tessera.production import studio_rules as rules
from tessera.production.access import ADMINS_ONLY, LOOKUP, NOT_VENDOR, Role
from tessera.production.declare import POSITIONS, SENIORITIES, colour, model, title, to

ORGANISATION: Final = model(
    "organisation",
    "organisations",
    "Organisation",
    LOOKUP,
    title(80, unique=True),
    real("hours_by_day", nullable=False, default=8.0),
    flag("has_avatar", default=False),
    *(
        flag(name, default=False)
        for name in (
            "use_original_file_name",
            "timesheets_locked",
            "format_duration_in_hours",
            "hd_by_default",
            "dark_theme_by_default",
        )
    ),
    *(text(name, max_length=80) for name in rules.CHAT_SECRETS),
    view=rules.organisation_view,
)
DEPARTMENT: Final = model(
    "department",
    "departments",
    "Department",
    LOOKUP,
    title(80, unique=True),
    colour(nullable=False),
    flag("archived", default=False),
)
STUDIO: Final = model(
    "studio",
    "studios",
    "Studio",
    LOOKUP,
    title(80, unique=True),
    colour(nullable=False),
    flag("archived", default=False),
)
SALARY_SCALE: Final = model(
    "salary_scale",
    "salary-scales",
    "SalaryScale",
    ADMINS_ONLY,
    to("department_id", "department", nullable=False, on_delete="cascade", written=frozenset({"create"})),
    choice("position", *POSITIONS, default="artist"),
    choice("seniority", *SENIORITIES, default="mid"),
    integer("salary", nullable=False, default=0),
    unique=(("department_id", "position", "seniority"),),
    on_create=(rules.refuse_salary_scale,),
)
FILE_STATUS: Final = model(
    "file_status", "file-status", "FileStatus", LOOKUP, title(40, unique=True), colour(nullable=False)
)
OUTPUT_TYPE: Final = model(
    "output_type",
    "output-types",
    "OutputType",
    LOOKUP,
    title(40, unique=True),
    text("short_name", nullable=False, max_length=20),
)
SOFTWARE: Final = model(
    "software",
    "softwares",
    "Software",
    LOOKUP,
    title(40, unique=True),
    text("short_name", nullable=False, max_length=20),
    text("file_extension", nullable=False, max_length=20),
    flag("archived", default=False),
    text("version", max_length=20),
    document("secondary_extensions"),
    integer("monthly_cost", default=0),
    integer("inventory_amount", default=0),
)
HARDWARE_ITEM: Final = model(
    "hardware_item",
    "hardware-items",
    "HardwareItem",
    ADMINS_ONLY,
    title(40, unique=True),
    text("short_name", nullable=False, max_length=20),
    flag("archived", default=False),
    integer("monthly_cost", default=0),
    integer("inventory_amount", default=0),
)
BACKGROUND_FILE: Final = model(
    "preview_background_file",
    "preview-background-files",
    "PreviewBackgroundFile",
    LOOKUP,
    title(40),
    flag("archived", default=False),
    flag("is_default", default=False),
    text("original_name", max_length=250),
    text("extension", max_length=6),
    rules.size("file_size", default=0),
    table="production_background_file",
    on_create=(rules.refuse_taken_name,),
    on_update=(rules.refuse_taken_name,),
    created=(rules.keep_one_default,),
    updated=(rules.keep_one_default,),
)
CUSTOM_ACTION: Final = model(
    "custom_action",
    "custom-actions",
    "CustomAction",
    Verbs(NOT_VENDOR, Role.ADMIN, Role.ADMIN, Role.ADMIN, Role.ADMIN),
    title(80),
    text("url", max_length=400),
    text("entity_type", max_length=40, default="all"),
    flag("is_ajax", default=False),
)
PLUGIN: Final = model(
    "plugin",
    "plugins",
    "Plugin",
    ADMINS_ONLY,
    text("plugin_id", nullable=False, max_length=80, unique=True),
    title(80),
    text("description"),
    text("version", nullable=False, max_length=50),
    text("maintainer_name", nullable=False, max_length=200),
    text("maintainer_email"),
    text("website"),
    text("license", nullable=False, max_length=80),
    text("revision", max_length=12),
    flag("frontend_project_enabled", default=False),
    flag("frontend_studio_enabled", default=False),
    text("icon", max_length=255),
    # Its own id has the name that its row's id would have in events.
)

RESOURCES: Final = (
    ORGANISATION,
    DEPARTMENT,
    STUDIO,
    SALARY_SCALE,
    FILE_STATUS,
    OUTPUT_TYPE,
    SOFTWARE,
    HARDWARE_ITEM,
    BACKGROUND_FILE,
    CUSTOM_ACTION,
    PLUGIN,
)
