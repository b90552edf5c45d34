"""What `production` keeps: the tracker's models and their tables of pairs. Empty tables: instant at any size.

Written out of the declarations (`tessera/production`), as they were at this revision.
"""

import sqlalchemy as sa
from alembic import op

from tessera.kernel.columns import Day, Document, Flag, Id, Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "production_background_file",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("archived", Flag),
        sa.Column("is_default", Flag),
        sa.Column("original_name", sa.String(250)),
        sa.Column("extension", sa.String(6)),
        sa.Column("file_size", sa.BigInteger()),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_background_file"),
    )
    op.create_table(
        "production_chat",
        sa.Column("id", Id, nullable=False),
        sa.Column("object_id", Id, nullable=False),
        sa.Column("object_type", sa.String(80), nullable=False),
        sa.Column("last_message", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_chat"),
    )
    op.create_index("ix_production_chat_object_id", "production_chat", ["object_id"])
    op.create_table(
        "production_custom_action",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("url", sa.String(400)),
        sa.Column("entity_type", sa.String(40)),
        sa.Column("is_ajax", Flag),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_custom_action"),
    )
    op.create_table(
        "production_department",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("color", sa.String(7), nullable=False),
        sa.Column("archived", Flag),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_department"),
        sa.UniqueConstraint("name", name="uq_production_department_name"),
    )
    op.create_table(
        "production_entity_type",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(30), nullable=False),
        sa.Column("short_name", sa.String(20)),
        sa.Column("description", sa.Text()),
        sa.Column("archived", Flag),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_entity_type"),
        sa.UniqueConstraint("name", name="uq_production_entity_type_name"),
    )
    op.create_table(
        "production_file_status",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("color", sa.String(7), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_file_status"),
        sa.UniqueConstraint("name", name="uq_production_file_status_name"),
    )
    op.create_table(
        "production_hardware_item",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("short_name", sa.String(20), nullable=False),
        sa.Column("archived", Flag),
        sa.Column("monthly_cost", sa.Integer()),
        sa.Column("inventory_amount", sa.Integer()),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_hardware_item"),
        sa.UniqueConstraint("name", name="uq_production_hardware_item_name"),
    )
    op.create_table(
        "production_organisation",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("hours_by_day", sa.Double(), nullable=False),
        sa.Column("has_avatar", Flag),
        sa.Column("use_original_file_name", Flag),
        sa.Column("timesheets_locked", Flag),
        sa.Column("format_duration_in_hours", Flag),
        sa.Column("hd_by_default", Flag),
        sa.Column("dark_theme_by_default", Flag),
        sa.Column("chat_token_slack", sa.String(80)),
        sa.Column("chat_webhook_mattermost", sa.String(80)),
        sa.Column("chat_token_discord", sa.String(80)),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_organisation"),
        sa.UniqueConstraint("name", name="uq_production_organisation_name"),
    )
    op.create_table(
        "production_output_type",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("short_name", sa.String(20), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_output_type"),
        sa.UniqueConstraint("name", name="uq_production_output_type_name"),
    )
    op.create_table(
        "production_plugin",
        sa.Column("id", Id, nullable=False),
        sa.Column("plugin_id", sa.String(80), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("version", sa.String(50), nullable=False),
        sa.Column("maintainer_name", sa.String(200), nullable=False),
        sa.Column("maintainer_email", sa.Text()),
        sa.Column("website", sa.Text()),
        sa.Column("license", sa.String(80), nullable=False),
        sa.Column("revision", sa.String(12)),
        sa.Column("frontend_project_enabled", Flag),
        sa.Column("frontend_studio_enabled", Flag),
        sa.Column("icon", sa.String(255)),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_plugin"),
        sa.UniqueConstraint("plugin_id", name="uq_production_plugin_plugin_id"),
    )
    op.create_table(
        "production_project_status",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("color", sa.String(7), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_project_status"),
        sa.UniqueConstraint("name", name="uq_production_project_status_name"),
    )
    op.create_table(
        "production_software",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("short_name", sa.String(20), nullable=False),
        sa.Column("file_extension", sa.String(20), nullable=False),
        sa.Column("archived", Flag),
        sa.Column("version", sa.String(20)),
        sa.Column("secondary_extensions", Document),
        sa.Column("monthly_cost", sa.Integer()),
        sa.Column("inventory_amount", sa.Integer()),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_software"),
        sa.UniqueConstraint("name", name="uq_production_software_name"),
    )
    op.create_table(
        "production_studio",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("color", sa.String(7), nullable=False),
        sa.Column("archived", Flag),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_studio"),
        sa.UniqueConstraint("name", name="uq_production_studio_name"),
    )
    op.create_table(
        "production_task_status",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("archived", Flag),
        sa.Column("is_done", Flag),
        sa.Column("is_retake", Flag),
        sa.Column("is_feedback_request", Flag),
        sa.Column("is_default", Flag),
        sa.Column("is_wip", Flag),
        sa.Column("for_concept", Flag),
        sa.Column("short_name", sa.String(10), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("color", sa.String(7), nullable=False),
        sa.Column("priority", sa.Integer()),
        sa.Column("is_artist_allowed", Flag),
        sa.Column("is_client_allowed", Flag),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_task_status"),
        sa.UniqueConstraint("short_name", name="uq_production_task_status_short_name"),
    )
    op.create_table(
        "production_chat_message",
        sa.Column("id", Id, nullable=False),
        sa.Column("chat_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_chat_message"),
        sa.ForeignKeyConstraint(["chat_id"], ["production_chat.id"], name="fk_production_chat_message_chat_id"),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_chat_message_person_id"),
    )
    op.create_index("ix_production_chat_message_chat_id", "production_chat_message", ["chat_id"])
    op.create_index("ix_production_chat_message_person_id", "production_chat_message", ["person_id"])
    op.create_table(
        "production_chat_participant",
        sa.Column("chat_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("chat_id", "person_id", name="pk_production_chat_participant"),
        sa.ForeignKeyConstraint(
            ["chat_id"], ["production_chat.id"], name="fk_production_chat_participant_chat_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_principals.id"], name="fk_production_chat_participant_person_id"
        ),
    )
    op.create_index("ix_production_chat_participant_person_id", "production_chat_participant", ["person_id"])
    op.create_table(
        "production_day_off",
        sa.Column("id", Id, nullable=False),
        sa.Column("date", Day, nullable=False),
        sa.Column("end_date", Day, nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("person_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_day_off"),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_day_off_person_id"),
        sa.UniqueConstraint("person_id", "date", name="uq_production_day_off_1"),
    )
    op.create_index("ix_production_day_off_person_id", "production_day_off", ["person_id"])
    op.create_table(
        "production_department_link",
        sa.Column("person_id", Id, nullable=False),
        sa.Column("department_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "department_id", name="pk_production_department_link"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["production_department.id"], name="fk_production_department_link_department_id"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["identity_principals.id"],
            name="fk_production_department_link_person_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_production_department_link_department_id", "production_department_link", ["department_id"])
    op.create_table(
        "production_desktop_login_log",
        sa.Column("id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("date", Instant, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_desktop_login_log"),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["identity_principals.id"],
            name="fk_production_desktop_login_log_person_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_production_desktop_login_log_person_id", "production_desktop_login_log", ["person_id"])
    op.create_table(
        "production_login_log",
        sa.Column("id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("ip_address", sa.String(64)),
        sa.Column("origin", sa.String(40)),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_login_log"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_principals.id"], name="fk_production_login_log_person_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_production_login_log_person_id", "production_login_log", ["person_id"])
    op.create_table(
        "production_project",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("code", sa.String(80)),
        sa.Column("description", sa.Text()),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("man_days", sa.Integer()),
        sa.Column("file_tree", Document),
        sa.Column("data", Document),
        sa.Column("has_avatar", Flag),
        sa.Column("fps", sa.String(10)),
        sa.Column("ratio", sa.String(10)),
        sa.Column("resolution", sa.String(12)),
        sa.Column("production_type", sa.String(20)),
        sa.Column("production_style", sa.String(40), nullable=False),
        sa.Column("max_retakes", sa.Integer()),
        sa.Column("is_clients_isolated", Flag),
        sa.Column("is_preview_download_allowed", Flag),
        sa.Column("is_set_preview_automated", Flag),
        sa.Column("is_publish_default_for_artists", Flag),
        sa.Column("is_single_preview_per_revision", Flag),
        sa.Column("is_frame_in_numbering", Flag),
        sa.Column("is_client_stats_visible", Flag),
        sa.Column("is_client_task_list_visible", Flag),
        sa.Column("is_client_task_panel_visible", Flag),
        sa.Column("homepage", sa.String(80)),
        sa.Column("revision_padding", sa.Integer(), nullable=False),
        sa.Column("hd_bitrate_compression", sa.Integer()),
        sa.Column("ld_bitrate_compression", sa.Integer()),
        sa.Column("default_preview_background_file_id", Id),
        sa.Column("is_bot_collaboration_enabled", Flag),
        sa.Column("start_date", Day),
        sa.Column("end_date", Day),
        sa.Column("nb_episodes", sa.Integer()),
        sa.Column("episode_span", sa.Integer()),
        sa.Column("project_status_id", Id),
        sa.Column("from_schedule_version_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_project"),
        sa.ForeignKeyConstraint(
            ["default_preview_background_file_id"],
            ["production_background_file.id"],
            name="fk_production_project_default_preview_background_file_id",
        ),
        sa.ForeignKeyConstraint(
            ["project_status_id"], ["production_project_status.id"], name="fk_production_project_project_status_id"
        ),
        sa.UniqueConstraint("name", name="uq_production_project_name"),
    )
    op.create_index(
        "ix_production_project_default_preview_background_file_id",
        "production_project",
        ["default_preview_background_file_id"],
    )
    op.create_index(
        "ix_production_project_from_schedule_version_id", "production_project", ["from_schedule_version_id"]
    )
    op.create_index("ix_production_project_project_status_id", "production_project", ["project_status_id"])
    op.create_table(
        "production_salary_scale",
        sa.Column("id", Id, nullable=False),
        sa.Column("department_id", Id, nullable=False),
        sa.Column("position", sa.String(40)),
        sa.Column("seniority", sa.String(40)),
        sa.Column("salary", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_salary_scale"),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["production_department.id"],
            name="fk_production_salary_scale_department_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("department_id", "position", "seniority", name="uq_production_salary_scale_1"),
    )
    op.create_index("ix_production_salary_scale_department_id", "production_salary_scale", ["department_id"])
    op.create_table(
        "production_task_type",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("short_name", sa.String(20)),
        sa.Column("description", sa.Text()),
        sa.Column("color", sa.String(7)),
        sa.Column("priority", sa.Integer()),
        sa.Column("for_entity", sa.String(30)),
        sa.Column("allow_timelog", Flag),
        sa.Column("archived", Flag),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("department_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_task_type"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["production_department.id"], name="fk_production_task_type_department_id"
        ),
        sa.UniqueConstraint("name", "for_entity", "department_id", name="uq_production_task_type_1"),
    )
    op.create_index("ix_production_task_type_department_id", "production_task_type", ["department_id"])
    op.create_table(
        "production_template",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("fps", sa.String(10)),
        sa.Column("ratio", sa.String(10)),
        sa.Column("resolution", sa.String(12)),
        sa.Column("production_type", sa.String(20)),
        sa.Column("production_style", sa.String(40), nullable=False),
        sa.Column("max_retakes", sa.Integer()),
        sa.Column("is_clients_isolated", Flag),
        sa.Column("is_preview_download_allowed", Flag),
        sa.Column("is_set_preview_automated", Flag),
        sa.Column("is_publish_default_for_artists", Flag),
        sa.Column("is_single_preview_per_revision", Flag),
        sa.Column("is_frame_in_numbering", Flag),
        sa.Column("is_client_stats_visible", Flag),
        sa.Column("is_client_task_list_visible", Flag),
        sa.Column("is_client_task_panel_visible", Flag),
        sa.Column("homepage", sa.String(80)),
        sa.Column("revision_padding", sa.Integer(), nullable=False),
        sa.Column("hd_bitrate_compression", sa.Integer()),
        sa.Column("ld_bitrate_compression", sa.Integer()),
        sa.Column("default_preview_background_file_id", Id),
        sa.Column("file_tree", Document),
        sa.Column("data", Document),
        sa.Column("metadata_descriptors", Document),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_template"),
        sa.ForeignKeyConstraint(
            ["default_preview_background_file_id"],
            ["production_background_file.id"],
            name="fk_production_template_default_preview_background_file_id",
        ),
        sa.UniqueConstraint("name", name="uq_production_template_name"),
    )
    op.create_index(
        "ix_production_template_default_preview_background_file_id",
        "production_template",
        ["default_preview_background_file_id"],
    )
    op.create_table(
        "production_api_event",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("user_id", Id),
        sa.Column("project_id", Id),
        sa.Column("data", Document),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_api_event"),
        sa.ForeignKeyConstraint(["project_id"], ["production_project.id"], name="fk_production_api_event_project_id"),
        sa.ForeignKeyConstraint(["user_id"], ["identity_principals.id"], name="fk_production_api_event_user_id"),
    )
    op.create_index("ix_production_api_event_project_id", "production_api_event", ["project_id"])
    op.create_index("ix_production_api_event_user_id", "production_api_event", ["user_id"])
    op.create_table(
        "production_budget",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("currency", sa.String(3)),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_budget"),
        sa.ForeignKeyConstraint(["project_id"], ["production_project.id"], name="fk_production_budget_project_id"),
    )
    op.create_index("ix_production_budget_project_id", "production_budget", ["project_id"])
    op.create_table(
        "production_descriptor",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("entity_type", sa.String(60), nullable=False),
        sa.Column("task_type_id", Id),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("data_type", sa.String(40)),
        sa.Column("field_name", sa.String(120), nullable=False),
        sa.Column("choices", Document),
        sa.Column("for_client", Flag),
        sa.Column("position", sa.Integer()),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_descriptor"),
        sa.ForeignKeyConstraint(["project_id"], ["production_project.id"], name="fk_production_descriptor_project_id"),
        sa.ForeignKeyConstraint(
            ["task_type_id"], ["production_task_type.id"], name="fk_production_descriptor_task_type_id"
        ),
    )
    op.create_index("ix_production_descriptor_project_id", "production_descriptor", ["project_id"])
    op.create_index("ix_production_descriptor_task_type_id", "production_descriptor", ["task_type_id"])
    op.create_table(
        "production_entity",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("code", sa.String(160)),
        sa.Column("description", sa.Text()),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("canceled", Flag),
        sa.Column("nb_frames", sa.Integer()),
        sa.Column("nb_entities_out", sa.Integer()),
        sa.Column("is_casting_standby", Flag),
        sa.Column("is_shared", Flag, nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("entity_type_id", Id, nullable=False),
        sa.Column("parent_id", Id),
        sa.Column("source_id", Id),
        sa.Column("preview_file_id", Id),
        sa.Column("data", Document),
        sa.Column("ready_for", Id),
        sa.Column("created_by", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_entity"),
        sa.ForeignKeyConstraint(["created_by"], ["identity_principals.id"], name="fk_production_entity_created_by"),
        sa.ForeignKeyConstraint(
            ["entity_type_id"], ["production_entity_type.id"], name="fk_production_entity_entity_type_id"
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["production_entity.id"], name="fk_production_entity_parent_id"),
        sa.ForeignKeyConstraint(["project_id"], ["production_project.id"], name="fk_production_entity_project_id"),
        sa.ForeignKeyConstraint(["ready_for"], ["production_task_type.id"], name="fk_production_entity_ready_for"),
        sa.ForeignKeyConstraint(["source_id"], ["production_entity.id"], name="fk_production_entity_source_id"),
        sa.UniqueConstraint("name", "project_id", "entity_type_id", "parent_id", name="uq_production_entity_1"),
    )
    op.create_index("ix_production_entity_created_by", "production_entity", ["created_by"])
    op.create_index("ix_production_entity_entity_type_id", "production_entity", ["entity_type_id"])
    op.create_index("ix_production_entity_parent_id", "production_entity", ["parent_id"])
    op.create_index("ix_production_entity_preview_file_id", "production_entity", ["preview_file_id"])
    op.create_index("ix_production_entity_project_id", "production_entity", ["project_id"])
    op.create_index("ix_production_entity_ready_for", "production_entity", ["ready_for"])
    op.create_index("ix_production_entity_source_id", "production_entity", ["source_id"])
    op.create_table(
        "production_milestone",
        sa.Column("id", Id, nullable=False),
        sa.Column("date", Day),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("project_id", Id),
        sa.Column("task_type_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_milestone"),
        sa.ForeignKeyConstraint(["project_id"], ["production_project.id"], name="fk_production_milestone_project_id"),
        sa.ForeignKeyConstraint(
            ["task_type_id"], ["production_task_type.id"], name="fk_production_milestone_task_type_id"
        ),
    )
    op.create_index("ix_production_milestone_project_id", "production_milestone", ["project_id"])
    op.create_index("ix_production_milestone_task_type_id", "production_milestone", ["task_type_id"])
    op.create_table(
        "production_person",
        sa.Column("id", Id, nullable=False),
        sa.Column("phone", sa.String(30)),
        sa.Column("country", sa.String(2)),
        sa.Column("contract_type", sa.String(40)),
        sa.Column("archived", Flag),
        sa.Column("use_12_hour_clock", Flag),
        sa.Column("notifications_enabled", Flag),
        sa.Column("notifications_slack_enabled", Flag),
        sa.Column("notifications_mattermost_enabled", Flag),
        sa.Column("notifications_discord_enabled", Flag),
        sa.Column("is_generated_from_ldap", Flag),
        sa.Column("last_presence", Day),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("timezone", sa.String(40)),
        sa.Column("locale", sa.String(10)),
        sa.Column("display_date_format", sa.String(40)),
        sa.Column("data", Document),
        sa.Column("position", sa.String(40)),
        sa.Column("seniority", sa.String(40)),
        sa.Column("daily_salary", sa.Integer()),
        sa.Column("has_avatar", Flag),
        sa.Column("notifications_slack_userid", sa.String(60)),
        sa.Column("notifications_mattermost_userid", sa.String(60)),
        sa.Column("notifications_discord_userid", sa.String(60)),
        sa.Column("is_guest", Flag),
        sa.Column("preview_project_id", Id),
        sa.Column("preview_opened_at", Instant),
        sa.Column("preview_open_until", Instant),
        sa.Column("ldap_uid", sa.String(60)),
        sa.Column("studio_id", Id),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_person"),
        sa.ForeignKeyConstraint(["id"], ["identity_principals.id"], name="fk_production_person_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["preview_project_id"], ["production_project.id"], name="fk_production_person_preview_project_id"
        ),
        sa.ForeignKeyConstraint(["studio_id"], ["production_studio.id"], name="fk_production_person_studio_id"),
        sa.UniqueConstraint("ldap_uid", name="uq_production_person_ldap_uid"),
        sa.UniqueConstraint("preview_project_id", name="uq_production_person_preview_project_id"),
        sa.UniqueConstraint("shotgun_id", name="uq_production_person_shotgun_id"),
    )
    op.create_table(
        "production_project_asset_type_link",
        sa.Column("project_id", Id, nullable=False),
        sa.Column("asset_type_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "asset_type_id", name="pk_production_project_asset_type_link"),
        sa.ForeignKeyConstraint(
            ["asset_type_id"], ["production_entity_type.id"], name="fk_production_project_asset_type_link_asset_type_id"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["production_project.id"],
            name="fk_production_project_asset_type_link_project_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_production_project_asset_type_link_asset_type_id", "production_project_asset_type_link", ["asset_type_id"]
    )
    op.create_table(
        "production_project_background",
        sa.Column("project_id", Id, nullable=False),
        sa.Column("preview_background_file_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "preview_background_file_id", name="pk_production_project_background"),
        sa.ForeignKeyConstraint(
            ["preview_background_file_id"],
            ["production_background_file.id"],
            name="fk_production_project_background_preview_background_file_id",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["production_project.id"],
            name="fk_production_project_background_project_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_production_project_background_preview_background_file_id",
        "production_project_background",
        ["preview_background_file_id"],
    )
    op.create_table(
        "production_project_person_link",
        sa.Column("project_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("role", sa.String(20)),
        sa.PrimaryKeyConstraint("project_id", "person_id", name="pk_production_project_person_link"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_principals.id"], name="fk_production_project_person_link_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["production_project.id"],
            name="fk_production_project_person_link_project_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_production_project_person_link_person_id", "production_project_person_link", ["person_id"])
    op.create_table(
        "production_project_task_status_link",
        sa.Column("project_id", Id, nullable=False),
        sa.Column("task_status_id", Id, nullable=False),
        sa.Column("priority", sa.Integer()),
        sa.Column("roles_for_board", Document),
        sa.Column("is_client_allowed", Flag),
        sa.PrimaryKeyConstraint("project_id", "task_status_id", name="pk_production_project_task_status_link"),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["production_project.id"],
            name="fk_production_project_task_status_link_project_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_status_id"],
            ["production_task_status.id"],
            name="fk_production_project_task_status_link_task_status_id",
        ),
    )
    op.create_index(
        "ix_production_project_task_status_link_task_status_id",
        "production_project_task_status_link",
        ["task_status_id"],
    )
    op.create_table(
        "production_project_task_type_link",
        sa.Column("project_id", Id, nullable=False),
        sa.Column("task_type_id", Id, nullable=False),
        sa.Column("priority", sa.Integer()),
        sa.Column("hd_bitrate_compression", sa.Integer()),
        sa.Column("ld_bitrate_compression", sa.Integer()),
        sa.Column("is_client_visible", Flag, server_default=sa.true()),
        sa.PrimaryKeyConstraint("project_id", "task_type_id", name="pk_production_project_task_type_link"),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["production_project.id"],
            name="fk_production_project_task_type_link_project_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_type_id"], ["production_task_type.id"], name="fk_production_project_task_type_link_task_type_id"
        ),
    )
    op.create_index(
        "ix_production_project_task_type_link_task_type_id", "production_project_task_type_link", ["task_type_id"]
    )
    op.create_table(
        "production_schedule_item",
        sa.Column("id", Id, nullable=False),
        sa.Column("start_date", Day),
        sa.Column("end_date", Day),
        sa.Column("man_days", sa.Integer()),
        sa.Column("project_id", Id),
        sa.Column("task_type_id", Id),
        sa.Column("object_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_schedule_item"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["production_project.id"], name="fk_production_schedule_item_project_id"
        ),
        sa.ForeignKeyConstraint(
            ["task_type_id"], ["production_task_type.id"], name="fk_production_schedule_item_task_type_id"
        ),
        sa.UniqueConstraint("project_id", "task_type_id", "object_id", name="uq_production_schedule_item_1"),
    )
    op.create_index("ix_production_schedule_item_object_id", "production_schedule_item", ["object_id"])
    op.create_index("ix_production_schedule_item_project_id", "production_schedule_item", ["project_id"])
    op.create_index("ix_production_schedule_item_task_type_id", "production_schedule_item", ["task_type_id"])
    op.create_table(
        "production_schedule_version",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("production_schedule_from", Id),
        sa.Column("locked", Flag),
        sa.Column("canceled", Flag),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_schedule_version"),
        sa.ForeignKeyConstraint(
            ["production_schedule_from"],
            ["production_schedule_version.id"],
            name="fk_production_schedule_version_production_schedule_from",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["production_project.id"],
            name="fk_production_schedule_version_project_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("name", "project_id", name="uq_production_schedule_version_1"),
    )
    op.create_index(
        "ix_production_schedule_version_production_schedule_from",
        "production_schedule_version",
        ["production_schedule_from"],
    )
    op.create_index("ix_production_schedule_version_project_id", "production_schedule_version", ["project_id"])
    op.create_table(
        "production_search_filter_group",
        sa.Column("id", Id, nullable=False),
        sa.Column("list_type", sa.String(80), nullable=False),
        sa.Column("entity_type", sa.String(80)),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("color", sa.String(8), nullable=False),
        sa.Column("is_shared", Flag, nullable=False),
        sa.Column("person_id", Id),
        sa.Column("project_id", Id),
        sa.Column("department_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_search_filter_group"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["production_department.id"], name="fk_production_search_filter_group_department_id"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_principals.id"], name="fk_production_search_filter_group_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["production_project.id"], name="fk_production_search_filter_group_project_id"
        ),
    )
    op.create_index(
        "ix_production_search_filter_group_department_id", "production_search_filter_group", ["department_id"]
    )
    op.create_index("ix_production_search_filter_group_person_id", "production_search_filter_group", ["person_id"])
    op.create_index("ix_production_search_filter_group_project_id", "production_search_filter_group", ["project_id"])
    op.create_table(
        "production_status_automation",
        sa.Column("id", Id, nullable=False),
        sa.Column("entity_type", sa.String(40)),
        sa.Column("in_task_type_id", Id),
        sa.Column("in_task_status_id", Id),
        sa.Column("out_field_type", sa.String(40), nullable=False),
        sa.Column("out_task_type_id", Id),
        sa.Column("out_task_status_id", Id),
        sa.Column("import_last_revision", Flag),
        sa.Column("archived", Flag),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_status_automation"),
        sa.ForeignKeyConstraint(
            ["in_task_status_id"],
            ["production_task_status.id"],
            name="fk_production_status_automation_in_task_status_id",
        ),
        sa.ForeignKeyConstraint(
            ["in_task_type_id"], ["production_task_type.id"], name="fk_production_status_automation_in_task_type_id"
        ),
        sa.ForeignKeyConstraint(
            ["out_task_status_id"],
            ["production_task_status.id"],
            name="fk_production_status_automation_out_task_status_id",
        ),
        sa.ForeignKeyConstraint(
            ["out_task_type_id"], ["production_task_type.id"], name="fk_production_status_automation_out_task_type_id"
        ),
    )
    op.create_index(
        "ix_production_status_automation_in_task_status_id", "production_status_automation", ["in_task_status_id"]
    )
    op.create_index(
        "ix_production_status_automation_in_task_type_id", "production_status_automation", ["in_task_type_id"]
    )
    op.create_index(
        "ix_production_status_automation_out_task_status_id", "production_status_automation", ["out_task_status_id"]
    )
    op.create_index(
        "ix_production_status_automation_out_task_type_id", "production_status_automation", ["out_task_type_id"]
    )
    op.create_table(
        "production_task_type_asset_type_link",
        sa.Column("asset_type_id", Id, nullable=False),
        sa.Column("task_type_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("asset_type_id", "task_type_id", name="pk_production_task_type_asset_type_link"),
        sa.ForeignKeyConstraint(
            ["asset_type_id"],
            ["production_entity_type.id"],
            name="fk_production_task_type_asset_type_link_asset_type_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_type_id"], ["production_task_type.id"], name="fk_production_task_type_asset_type_link_task_type_id"
        ),
    )
    op.create_index(
        "ix_production_task_type_asset_type_link_task_type_id", "production_task_type_asset_type_link", ["task_type_id"]
    )
    op.create_table(
        "production_template_asset_type_link",
        sa.Column("project_template_id", Id, nullable=False),
        sa.Column("asset_type_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("project_template_id", "asset_type_id", name="pk_production_template_asset_type_link"),
        sa.ForeignKeyConstraint(
            ["asset_type_id"],
            ["production_entity_type.id"],
            name="fk_production_template_asset_type_link_asset_type_id",
        ),
        sa.ForeignKeyConstraint(
            ["project_template_id"],
            ["production_template.id"],
            name="fk_production_template_asset_type_link_project_template_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_production_template_asset_type_link_asset_type_id", "production_template_asset_type_link", ["asset_type_id"]
    )
    op.create_table(
        "production_template_background",
        sa.Column("project_template_id", Id, nullable=False),
        sa.Column("preview_background_file_id", Id, nullable=False),
        sa.PrimaryKeyConstraint(
            "project_template_id", "preview_background_file_id", name="pk_production_template_background"
        ),
        sa.ForeignKeyConstraint(
            ["preview_background_file_id"],
            ["production_background_file.id"],
            name="fk_production_template_background_preview_background_file_id",
        ),
        sa.ForeignKeyConstraint(
            ["project_template_id"],
            ["production_template.id"],
            name="fk_production_template_background_project_template_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_production_template_background_preview_background_file_id",
        "production_template_background",
        ["preview_background_file_id"],
    )
    op.create_table(
        "production_template_task_status_link",
        sa.Column("project_template_id", Id, nullable=False),
        sa.Column("task_status_id", Id, nullable=False),
        sa.Column("priority", sa.Integer()),
        sa.Column("roles_for_board", Document),
        sa.Column("is_client_allowed", Flag),
        sa.PrimaryKeyConstraint(
            "project_template_id", "task_status_id", name="pk_production_template_task_status_link"
        ),
        sa.ForeignKeyConstraint(
            ["project_template_id"],
            ["production_template.id"],
            name="fk_production_template_task_status_link_project_template_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_status_id"],
            ["production_task_status.id"],
            name="fk_production_template_task_status_link_task_status_id",
        ),
    )
    op.create_index(
        "ix_production_template_task_status_link_task_status_id",
        "production_template_task_status_link",
        ["task_status_id"],
    )
    op.create_table(
        "production_template_task_type_link",
        sa.Column("project_template_id", Id, nullable=False),
        sa.Column("task_type_id", Id, nullable=False),
        sa.Column("priority", sa.Integer()),
        sa.Column("hd_bitrate_compression", sa.Integer()),
        sa.Column("ld_bitrate_compression", sa.Integer()),
        sa.Column("is_client_visible", Flag, server_default=sa.true()),
        sa.PrimaryKeyConstraint("project_template_id", "task_type_id", name="pk_production_template_task_type_link"),
        sa.ForeignKeyConstraint(
            ["project_template_id"],
            ["production_template.id"],
            name="fk_production_template_task_type_link_project_template_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_type_id"], ["production_task_type.id"], name="fk_production_template_task_type_link_task_type_id"
        ),
    )
    op.create_index(
        "ix_production_template_task_type_link_task_type_id", "production_template_task_type_link", ["task_type_id"]
    )
    op.create_table(
        "production_asset_instance",
        sa.Column("id", Id, nullable=False),
        sa.Column("asset_id", Id, nullable=False),
        sa.Column("name", sa.String(80)),
        sa.Column("number", sa.Integer()),
        sa.Column("description", sa.String(200)),
        sa.Column("active", Flag),
        sa.Column("data", Document),
        sa.Column("scene_id", Id),
        sa.Column("target_asset_id", Id),
        sa.Column("entity_id", Id),
        sa.Column("entity_type_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_asset_instance"),
        sa.ForeignKeyConstraint(["asset_id"], ["production_entity.id"], name="fk_production_asset_instance_asset_id"),
        sa.ForeignKeyConstraint(["entity_id"], ["production_entity.id"], name="fk_production_asset_instance_entity_id"),
        sa.ForeignKeyConstraint(
            ["entity_type_id"], ["production_entity_type.id"], name="fk_production_asset_instance_entity_type_id"
        ),
        sa.ForeignKeyConstraint(["scene_id"], ["production_entity.id"], name="fk_production_asset_instance_scene_id"),
        sa.ForeignKeyConstraint(
            ["target_asset_id"], ["production_entity.id"], name="fk_production_asset_instance_target_asset_id"
        ),
        sa.UniqueConstraint("asset_id", "target_asset_id", "scene_id", "number", name="uq_production_asset_instance_1"),
    )
    op.create_index("ix_production_asset_instance_asset_id", "production_asset_instance", ["asset_id"])
    op.create_index("ix_production_asset_instance_entity_id", "production_asset_instance", ["entity_id"])
    op.create_index("ix_production_asset_instance_entity_type_id", "production_asset_instance", ["entity_type_id"])
    op.create_index("ix_production_asset_instance_scene_id", "production_asset_instance", ["scene_id"])
    op.create_index("ix_production_asset_instance_target_asset_id", "production_asset_instance", ["target_asset_id"])
    op.create_table(
        "production_budget_entry",
        sa.Column("id", Id, nullable=False),
        sa.Column("budget_id", Id, nullable=False),
        sa.Column("department_id", Id, nullable=False),
        sa.Column("person_id", Id),
        sa.Column("start_date", Day, nullable=False),
        sa.Column("months_duration", sa.Integer(), nullable=False),
        sa.Column("daily_salary", sa.Double(), nullable=False),
        sa.Column("position", sa.String(40)),
        sa.Column("seniority", sa.String(40)),
        sa.Column("exceptions", Document),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_budget_entry"),
        sa.ForeignKeyConstraint(["budget_id"], ["production_budget.id"], name="fk_production_budget_entry_budget_id"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["production_department.id"], name="fk_production_budget_entry_department_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_budget_entry_person_id"),
    )
    op.create_index("ix_production_budget_entry_budget_id", "production_budget_entry", ["budget_id"])
    op.create_index("ix_production_budget_entry_department_id", "production_budget_entry", ["department_id"])
    op.create_index("ix_production_budget_entry_person_id", "production_budget_entry", ["person_id"])
    op.create_table(
        "production_descriptor_department_link",
        sa.Column("metadata_descriptor_id", Id, nullable=False),
        sa.Column("department_id", Id, nullable=False),
        sa.PrimaryKeyConstraint(
            "metadata_descriptor_id", "department_id", name="pk_production_descriptor_department_link"
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["production_department.id"],
            name="fk_production_descriptor_department_link_department_id",
        ),
        sa.ForeignKeyConstraint(
            ["metadata_descriptor_id"],
            ["production_descriptor.id"],
            name="fk_production_descriptor_department_link_metadata_descriptor_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_production_descriptor_department_link_department_id",
        "production_descriptor_department_link",
        ["department_id"],
    )
    op.create_table(
        "production_entity_concept_link",
        sa.Column("entity_in_id", Id, nullable=False),
        sa.Column("entity_out_id", Id, nullable=False),
        sa.Column("created_at", Instant),
        sa.PrimaryKeyConstraint("entity_in_id", "entity_out_id", name="pk_production_entity_concept_link"),
        sa.ForeignKeyConstraint(
            ["entity_in_id"],
            ["production_entity.id"],
            name="fk_production_entity_concept_link_entity_in_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["entity_out_id"],
            ["production_entity.id"],
            name="fk_production_entity_concept_link_entity_out_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_production_entity_concept_link_entity_out_id", "production_entity_concept_link", ["entity_out_id"]
    )
    op.create_table(
        "production_entity_link",
        sa.Column("id", Id, nullable=False),
        sa.Column("entity_in_id", Id, nullable=False),
        sa.Column("entity_out_id", Id, nullable=False),
        sa.Column("data", Document),
        sa.Column("nb_occurences", sa.Integer()),
        sa.Column("label", sa.String(80)),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_entity_link"),
        sa.ForeignKeyConstraint(
            ["entity_in_id"], ["production_entity.id"], name="fk_production_entity_link_entity_in_id"
        ),
        sa.ForeignKeyConstraint(
            ["entity_out_id"], ["production_entity.id"], name="fk_production_entity_link_entity_out_id"
        ),
        sa.UniqueConstraint("entity_in_id", "entity_out_id", name="uq_production_entity_link_1"),
    )
    op.create_index("ix_production_entity_link_entity_in_id", "production_entity_link", ["entity_in_id"])
    op.create_index("ix_production_entity_link_entity_out_id", "production_entity_link", ["entity_out_id"])
    op.create_table(
        "production_entity_version",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("data", Document),
        sa.Column("entity_id", Id),
        sa.Column("person_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_entity_version"),
        sa.ForeignKeyConstraint(["entity_id"], ["production_entity.id"], name="fk_production_entity_version_entity_id"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_principals.id"], name="fk_production_entity_version_person_id"
        ),
    )
    op.create_index("ix_production_entity_version_entity_id", "production_entity_version", ["entity_id"])
    op.create_index("ix_production_entity_version_person_id", "production_entity_version", ["person_id"])
    op.create_table(
        "production_playlist",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("shots", Document),
        sa.Column("project_id", Id),
        sa.Column("episode_id", Id),
        sa.Column("task_type_id", Id),
        sa.Column("for_client", Flag),
        sa.Column("is_for_all", Flag),
        sa.Column("for_entity", sa.String(40)),
        sa.Column("created_by", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_playlist"),
        sa.ForeignKeyConstraint(["created_by"], ["identity_principals.id"], name="fk_production_playlist_created_by"),
        sa.ForeignKeyConstraint(["episode_id"], ["production_entity.id"], name="fk_production_playlist_episode_id"),
        sa.ForeignKeyConstraint(["project_id"], ["production_project.id"], name="fk_production_playlist_project_id"),
        sa.ForeignKeyConstraint(
            ["task_type_id"], ["production_task_type.id"], name="fk_production_playlist_task_type_id"
        ),
        sa.UniqueConstraint("name", "project_id", "episode_id", name="uq_production_playlist_1"),
    )
    op.create_index("ix_production_playlist_created_by", "production_playlist", ["created_by"])
    op.create_index("ix_production_playlist_episode_id", "production_playlist", ["episode_id"])
    op.create_index("ix_production_playlist_project_id", "production_playlist", ["project_id"])
    op.create_index("ix_production_playlist_task_type_id", "production_playlist", ["task_type_id"])
    op.create_table(
        "production_project_automation_link",
        sa.Column("project_id", Id, nullable=False),
        sa.Column("status_automation_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "status_automation_id", name="pk_production_project_automation_link"),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["production_project.id"],
            name="fk_production_project_automation_link_project_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["status_automation_id"],
            ["production_status_automation.id"],
            name="fk_production_project_automation_link_status_automation_id",
        ),
    )
    op.create_index(
        "ix_production_project_automation_link_status_automation_id",
        "production_project_automation_link",
        ["status_automation_id"],
    )
    op.create_table(
        "production_search_filter",
        sa.Column("id", Id, nullable=False),
        sa.Column("list_type", sa.String(80), nullable=False),
        sa.Column("entity_type", sa.String(80)),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("search_query", sa.String(500), nullable=False),
        sa.Column("is_shared", Flag, nullable=False),
        sa.Column("department_id", Id),
        sa.Column("search_filter_group_id", Id),
        sa.Column("person_id", Id),
        sa.Column("project_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_search_filter"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["production_department.id"], name="fk_production_search_filter_department_id"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_principals.id"], name="fk_production_search_filter_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["production_project.id"], name="fk_production_search_filter_project_id"
        ),
        sa.ForeignKeyConstraint(
            ["search_filter_group_id"],
            ["production_search_filter_group.id"],
            name="fk_production_search_filter_search_filter_group_id",
        ),
    )
    op.create_index("ix_production_search_filter_department_id", "production_search_filter", ["department_id"])
    op.create_index("ix_production_search_filter_person_id", "production_search_filter", ["person_id"])
    op.create_index("ix_production_search_filter_project_id", "production_search_filter", ["project_id"])
    op.create_index(
        "ix_production_search_filter_search_filter_group_id", "production_search_filter", ["search_filter_group_id"]
    )
    op.create_table(
        "production_task",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("priority", sa.Integer()),
        sa.Column("difficulty", sa.Integer(), nullable=False),
        sa.Column("duration", sa.Double()),
        sa.Column("estimation", sa.Double()),
        sa.Column("completion_rate", sa.Integer()),
        sa.Column("sort_order", sa.Integer()),
        sa.Column("nb_assets_ready", sa.Integer()),
        sa.Column("nb_drawings", sa.Integer()),
        sa.Column("retake_count", sa.Integer()),
        sa.Column("start_date", Instant),
        sa.Column("due_date", Instant),
        sa.Column("real_start_date", Instant),
        sa.Column("end_date", Instant),
        sa.Column("done_date", Instant),
        sa.Column("last_comment_date", Instant),
        sa.Column("data", Document),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("last_preview_file_id", Id),
        sa.Column("project_id", Id),
        sa.Column("task_type_id", Id),
        sa.Column("task_status_id", Id),
        sa.Column("entity_id", Id),
        sa.Column("assigner_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_task"),
        sa.ForeignKeyConstraint(["assigner_id"], ["identity_principals.id"], name="fk_production_task_assigner_id"),
        sa.ForeignKeyConstraint(["entity_id"], ["production_entity.id"], name="fk_production_task_entity_id"),
        sa.ForeignKeyConstraint(["project_id"], ["production_project.id"], name="fk_production_task_project_id"),
        sa.ForeignKeyConstraint(
            ["task_status_id"], ["production_task_status.id"], name="fk_production_task_task_status_id"
        ),
        sa.ForeignKeyConstraint(["task_type_id"], ["production_task_type.id"], name="fk_production_task_task_type_id"),
        sa.UniqueConstraint("name", "project_id", "task_type_id", "entity_id", name="uq_production_task_1"),
        sa.CheckConstraint("difficulty BETWEEN 1 AND 5", name=op.f("ck_production_task_difficulty")),
    )
    op.create_index("ix_production_task_assigner_id", "production_task", ["assigner_id"])
    op.create_index("ix_production_task_entity_id", "production_task", ["entity_id"])
    op.create_index("ix_production_task_last_preview_file_id", "production_task", ["last_preview_file_id"])
    op.create_index("ix_production_task_project_id", "production_task", ["project_id"])
    op.create_index("ix_production_task_task_status_id", "production_task", ["task_status_id"])
    op.create_index("ix_production_task_task_type_id", "production_task", ["task_type_id"])
    op.create_table(
        "production_template_automation_link",
        sa.Column("project_template_id", Id, nullable=False),
        sa.Column("status_automation_id", Id, nullable=False),
        sa.PrimaryKeyConstraint(
            "project_template_id", "status_automation_id", name="pk_production_template_automation_link"
        ),
        sa.ForeignKeyConstraint(
            ["project_template_id"],
            ["production_template.id"],
            name="fk_production_template_automation_link_project_template_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["status_automation_id"],
            ["production_status_automation.id"],
            name="fk_production_template_automation_link_status_automation_id",
        ),
    )
    op.create_index(
        "ix_production_template_automation_link_status_automation_id",
        "production_template_automation_link",
        ["status_automation_id"],
    )
    op.create_table(
        "production_asset_instance_link",
        sa.Column("entity_id", Id, nullable=False),
        sa.Column("asset_instance_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("entity_id", "asset_instance_id", name="pk_production_asset_instance_link"),
        sa.ForeignKeyConstraint(
            ["asset_instance_id"],
            ["production_asset_instance.id"],
            name="fk_production_asset_instance_link_asset_instance_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["entity_id"],
            ["production_entity.id"],
            name="fk_production_asset_instance_link_entity_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_production_asset_instance_link_asset_instance_id", "production_asset_instance_link", ["asset_instance_id"]
    )
    op.create_table(
        "production_build_job",
        sa.Column("id", Id, nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("job_type", sa.String(40), nullable=False),
        sa.Column("ended_at", Instant),
        sa.Column("message", sa.Text()),
        sa.Column("playlist_id", Id, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_build_job"),
        sa.ForeignKeyConstraint(
            ["playlist_id"], ["production_playlist.id"], name="fk_production_build_job_playlist_id"
        ),
    )
    op.create_index("ix_production_build_job_playlist_id", "production_build_job", ["playlist_id"])
    op.create_table(
        "production_playlist_share_link",
        sa.Column("id", Id, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("playlist_id", Id, nullable=False),
        sa.Column("created_by", Id, nullable=False),
        sa.Column("expiration_date", Instant),
        sa.Column("is_active", Flag, nullable=False),
        sa.Column("can_comment", Flag, nullable=False),
        sa.Column("password", sa.String(255)),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_playlist_share_link"),
        sa.ForeignKeyConstraint(
            ["created_by"], ["identity_principals.id"], name="fk_production_playlist_share_link_created_by"
        ),
        sa.ForeignKeyConstraint(
            ["playlist_id"], ["production_playlist.id"], name="fk_production_playlist_share_link_playlist_id"
        ),
        sa.UniqueConstraint("token", name="uq_production_playlist_share_link_token"),
    )
    op.create_index("ix_production_playlist_share_link_created_by", "production_playlist_share_link", ["created_by"])
    op.create_index("ix_production_playlist_share_link_playlist_id", "production_playlist_share_link", ["playlist_id"])
    op.create_table(
        "production_scheduled_task",
        sa.Column("id", Id, nullable=False),
        sa.Column("production_schedule_version_id", Id, nullable=False),
        sa.Column("task_id", Id, nullable=False),
        sa.Column("start_date", Instant),
        sa.Column("due_date", Instant),
        sa.Column("estimation", sa.Double()),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_scheduled_task"),
        sa.ForeignKeyConstraint(
            ["production_schedule_version_id"],
            ["production_schedule_version.id"],
            name="fk_production_scheduled_task_production_schedule_version_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["production_task.id"], name="fk_production_scheduled_task_task_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("production_schedule_version_id", "task_id", name="uq_production_scheduled_task_1"),
    )
    op.create_index(
        "ix_production_scheduled_task_production_schedule_version_id",
        "production_scheduled_task",
        ["production_schedule_version_id"],
    )
    op.create_index("ix_production_scheduled_task_task_id", "production_scheduled_task", ["task_id"])
    op.create_table(
        "production_subscription",
        sa.Column("id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("task_id", Id),
        sa.Column("entity_id", Id),
        sa.Column("task_type_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_subscription"),
        sa.ForeignKeyConstraint(["entity_id"], ["production_entity.id"], name="fk_production_subscription_entity_id"),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_subscription_person_id"),
        sa.ForeignKeyConstraint(["task_id"], ["production_task.id"], name="fk_production_subscription_task_id"),
        sa.ForeignKeyConstraint(
            ["task_type_id"], ["production_task_type.id"], name="fk_production_subscription_task_type_id"
        ),
        sa.UniqueConstraint("person_id", "task_id", name="uq_production_subscription_1"),
        sa.UniqueConstraint("person_id", "task_type_id", "entity_id", name="uq_production_subscription_2"),
    )
    op.create_index("ix_production_subscription_entity_id", "production_subscription", ["entity_id"])
    op.create_index("ix_production_subscription_person_id", "production_subscription", ["person_id"])
    op.create_index("ix_production_subscription_task_id", "production_subscription", ["task_id"])
    op.create_index("ix_production_subscription_task_type_id", "production_subscription", ["task_type_id"])
    op.create_table(
        "production_task_person_link",
        sa.Column("task_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "person_id", name="pk_production_task_person_link"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_principals.id"], name="fk_production_task_person_link_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["production_task.id"], name="fk_production_task_person_link_task_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_production_task_person_link_person_id", "production_task_person_link", ["person_id"])
    op.create_table(
        "production_time_spent",
        sa.Column("id", Id, nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("date", Day, nullable=False),
        sa.Column("task_id", Id),
        sa.Column("person_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_time_spent"),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_time_spent_person_id"),
        sa.ForeignKeyConstraint(["task_id"], ["production_task.id"], name="fk_production_time_spent_task_id"),
        sa.UniqueConstraint("person_id", "task_id", "date", name="uq_production_time_spent_1"),
    )
    op.create_index("ix_production_time_spent_person_id", "production_time_spent", ["person_id"])
    op.create_index("ix_production_time_spent_task_id", "production_time_spent", ["task_id"])
    op.create_table(
        "production_working_file",
        sa.Column("id", Id, nullable=False),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("name", sa.String(250)),
        sa.Column("description", sa.Text()),
        sa.Column("comment", sa.Text()),
        sa.Column("revision", sa.Integer()),
        sa.Column("size", sa.Integer()),
        sa.Column("checksum", sa.Integer()),
        sa.Column("path", sa.String(400)),
        sa.Column("data", Document),
        sa.Column("validation_status", sa.String(40), nullable=False),
        sa.Column("task_id", Id),
        sa.Column("entity_id", Id),
        sa.Column("person_id", Id),
        sa.Column("software_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_working_file"),
        sa.ForeignKeyConstraint(["entity_id"], ["production_entity.id"], name="fk_production_working_file_entity_id"),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_working_file_person_id"),
        sa.ForeignKeyConstraint(
            ["software_id"], ["production_software.id"], name="fk_production_working_file_software_id"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["production_task.id"], name="fk_production_working_file_task_id"),
        sa.UniqueConstraint("name", "task_id", "entity_id", "revision", name="uq_production_working_file_1"),
    )
    op.create_index("ix_production_working_file_entity_id", "production_working_file", ["entity_id"])
    op.create_index("ix_production_working_file_person_id", "production_working_file", ["person_id"])
    op.create_index("ix_production_working_file_software_id", "production_working_file", ["software_id"])
    op.create_index("ix_production_working_file_task_id", "production_working_file", ["task_id"])
    op.create_table(
        "production_output_file",
        sa.Column("id", Id, nullable=False),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("size", sa.Integer()),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("canceled", Flag, nullable=False),
        sa.Column("checksum", sa.String(32)),
        sa.Column("description", sa.Text()),
        sa.Column("comment", sa.Text()),
        sa.Column("extension", sa.String(10)),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("representation", sa.String(20)),
        sa.Column("nb_elements", sa.Integer()),
        sa.Column("source", sa.String(40)),
        sa.Column("path", sa.String(400)),
        sa.Column("data", Document),
        sa.Column("quality", sa.String(40)),
        sa.Column("file_status_id", Id, nullable=False),
        sa.Column("entity_id", Id),
        sa.Column("temporal_entity_id", Id),
        sa.Column("asset_instance_id", Id),
        sa.Column("output_type_id", Id),
        sa.Column("task_type_id", Id),
        sa.Column("person_id", Id),
        sa.Column("source_file_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_output_file"),
        sa.ForeignKeyConstraint(
            ["asset_instance_id"], ["production_asset_instance.id"], name="fk_production_output_file_asset_instance_id"
        ),
        sa.ForeignKeyConstraint(["entity_id"], ["production_entity.id"], name="fk_production_output_file_entity_id"),
        sa.ForeignKeyConstraint(
            ["file_status_id"], ["production_file_status.id"], name="fk_production_output_file_file_status_id"
        ),
        sa.ForeignKeyConstraint(
            ["output_type_id"], ["production_output_type.id"], name="fk_production_output_file_output_type_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_output_file_person_id"),
        sa.ForeignKeyConstraint(
            ["source_file_id"], ["production_working_file.id"], name="fk_production_output_file_source_file_id"
        ),
        sa.ForeignKeyConstraint(
            ["task_type_id"], ["production_task_type.id"], name="fk_production_output_file_task_type_id"
        ),
        sa.ForeignKeyConstraint(
            ["temporal_entity_id"], ["production_entity.id"], name="fk_production_output_file_temporal_entity_id"
        ),
        sa.UniqueConstraint(
            "name",
            "entity_id",
            "asset_instance_id",
            "output_type_id",
            "task_type_id",
            "temporal_entity_id",
            "representation",
            "revision",
            name="uq_production_output_file_1",
        ),
    )
    op.create_index("ix_production_output_file_asset_instance_id", "production_output_file", ["asset_instance_id"])
    op.create_index("ix_production_output_file_entity_id", "production_output_file", ["entity_id"])
    op.create_index("ix_production_output_file_file_status_id", "production_output_file", ["file_status_id"])
    op.create_index("ix_production_output_file_output_type_id", "production_output_file", ["output_type_id"])
    op.create_index("ix_production_output_file_person_id", "production_output_file", ["person_id"])
    op.create_index("ix_production_output_file_source_file_id", "production_output_file", ["source_file_id"])
    op.create_index("ix_production_output_file_task_type_id", "production_output_file", ["task_type_id"])
    op.create_index("ix_production_output_file_temporal_entity_id", "production_output_file", ["temporal_entity_id"])
    op.create_table(
        "production_scheduled_person_link",
        sa.Column("task_link_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("task_link_id", "person_id", name="pk_production_scheduled_person_link"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_principals.id"], name="fk_production_scheduled_person_link_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["task_link_id"],
            ["production_scheduled_task.id"],
            name="fk_production_scheduled_person_link_task_link_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_production_scheduled_person_link_person_id", "production_scheduled_person_link", ["person_id"])
    op.create_table(
        "production_preview_file",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(250)),
        sa.Column("original_name", sa.String(250)),
        sa.Column("revision", sa.Integer()),
        sa.Column("position", sa.Integer()),
        sa.Column("extension", sa.String(6)),
        sa.Column("description", sa.Text()),
        sa.Column("path", sa.String(400)),
        sa.Column("source", sa.String(40)),
        sa.Column("file_size", sa.BigInteger()),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("validation_status", sa.String(40), nullable=False),
        sa.Column("annotations", Document),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("duration", sa.Double()),
        sa.Column("data", Document),
        sa.Column("token_in", sa.Integer()),
        sa.Column("token_out", sa.Integer()),
        sa.Column("task_id", Id),
        sa.Column("person_id", Id),
        sa.Column("source_file_id", Id),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("is_movie", Flag),
        sa.Column("url", sa.String(600)),
        sa.Column("uploaded_movie_url", sa.String(600)),
        sa.Column("uploaded_movie_name", sa.String(150)),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_preview_file"),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_preview_file_person_id"),
        sa.ForeignKeyConstraint(
            ["source_file_id"], ["production_output_file.id"], name="fk_production_preview_file_source_file_id"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["production_task.id"], name="fk_production_preview_file_task_id"),
        sa.UniqueConstraint("name", "task_id", "revision", name="uq_production_preview_file_1"),
        sa.UniqueConstraint("shotgun_id", name="uq_production_preview_file_shotgun_id"),
    )
    op.create_index("ix_production_preview_file_person_id", "production_preview_file", ["person_id"])
    op.create_index("ix_production_preview_file_source_file_id", "production_preview_file", ["source_file_id"])
    op.create_index("ix_production_preview_file_task_id", "production_preview_file", ["task_id"])
    op.create_table(
        "production_comment",
        sa.Column("id", Id, nullable=False),
        sa.Column("shotgun_id", sa.Integer()),
        sa.Column("object_id", Id, nullable=False),
        sa.Column("object_type", sa.String(80), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("data", Document),
        sa.Column("replies", Document),
        sa.Column("checklist", Document),
        sa.Column("pinned", Flag),
        sa.Column("for_client", Flag),
        sa.Column("links", Document),
        sa.Column("task_status_id", Id),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("editor_id", Id),
        sa.Column("preview_file_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_comment"),
        sa.ForeignKeyConstraint(["editor_id"], ["identity_principals.id"], name="fk_production_comment_editor_id"),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_comment_person_id"),
        sa.ForeignKeyConstraint(
            ["preview_file_id"],
            ["production_preview_file.id"],
            name="fk_production_comment_preview_file_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["task_status_id"], ["production_task_status.id"], name="fk_production_comment_task_status_id"
        ),
    )
    op.create_index("ix_production_comment_editor_id", "production_comment", ["editor_id"])
    op.create_index("ix_production_comment_object_id", "production_comment", ["object_id"])
    op.create_index("ix_production_comment_person_id", "production_comment", ["person_id"])
    op.create_index("ix_production_comment_preview_file_id", "production_comment", ["preview_file_id"])
    op.create_index("ix_production_comment_task_status_id", "production_comment", ["task_status_id"])
    op.create_table(
        "production_attachment_file",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(250)),
        sa.Column("size", sa.BigInteger()),
        sa.Column("extension", sa.String(6)),
        sa.Column("mimetype", sa.String(255)),
        sa.Column("comment_id", Id),
        sa.Column("reply_id", Id),
        sa.Column("chat_message_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_attachment_file"),
        sa.ForeignKeyConstraint(
            ["chat_message_id"], ["production_chat_message.id"], name="fk_production_attachment_file_chat_message_id"
        ),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["production_comment.id"], name="fk_production_attachment_file_comment_id"
        ),
    )
    op.create_index("ix_production_attachment_file_chat_message_id", "production_attachment_file", ["chat_message_id"])
    op.create_index("ix_production_attachment_file_comment_id", "production_attachment_file", ["comment_id"])
    op.create_index("ix_production_attachment_file_reply_id", "production_attachment_file", ["reply_id"])
    op.create_table(
        "production_comment_acknoledgments",
        sa.Column("comment", Id, nullable=False),
        sa.Column("person", Id, nullable=False),
        sa.PrimaryKeyConstraint("comment", "person", name="pk_production_comment_acknoledgments"),
        sa.ForeignKeyConstraint(
            ["comment"],
            ["production_comment.id"],
            name="fk_production_comment_acknoledgments_comment",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["identity_principals.id"], name="fk_production_comment_acknoledgments_person"
        ),
    )
    op.create_index("ix_production_comment_acknoledgments_person", "production_comment_acknoledgments", ["person"])
    op.create_table(
        "production_comment_department_mentions",
        sa.Column("comment", Id, nullable=False),
        sa.Column("department", Id, nullable=False),
        sa.PrimaryKeyConstraint("comment", "department", name="pk_production_comment_department_mentions"),
        sa.ForeignKeyConstraint(
            ["comment"],
            ["production_comment.id"],
            name="fk_production_comment_department_mentions_comment",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["department"], ["production_department.id"], name="fk_production_comment_department_mentions_department"
        ),
    )
    op.create_index(
        "ix_production_comment_department_mentions_department", "production_comment_department_mentions", ["department"]
    )
    op.create_table(
        "production_comment_mentions",
        sa.Column("comment", Id, nullable=False),
        sa.Column("person", Id, nullable=False),
        sa.PrimaryKeyConstraint("comment", "person", name="pk_production_comment_mentions"),
        sa.ForeignKeyConstraint(
            ["comment"], ["production_comment.id"], name="fk_production_comment_mentions_comment", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person"], ["identity_principals.id"], name="fk_production_comment_mentions_person"),
    )
    op.create_index("ix_production_comment_mentions_person", "production_comment_mentions", ["person"])
    op.create_table(
        "production_comment_preview_link",
        sa.Column("comment", Id, nullable=False),
        sa.Column("preview_file", Id, nullable=False),
        sa.PrimaryKeyConstraint("comment", "preview_file", name="pk_production_comment_preview_link"),
        sa.ForeignKeyConstraint(
            ["comment"],
            ["production_comment.id"],
            name="fk_production_comment_preview_link_comment",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["preview_file"],
            ["production_preview_file.id"],
            name="fk_production_comment_preview_link_preview_file",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_production_comment_preview_link_preview_file", "production_comment_preview_link", ["preview_file"]
    )
    op.create_table(
        "production_news",
        sa.Column("id", Id, nullable=False),
        sa.Column("change", Flag, nullable=False),
        sa.Column("author_id", Id, nullable=False),
        sa.Column("comment_id", Id),
        sa.Column("task_id", Id, nullable=False),
        sa.Column("preview_file_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_news"),
        sa.ForeignKeyConstraint(["author_id"], ["identity_principals.id"], name="fk_production_news_author_id"),
        sa.ForeignKeyConstraint(["comment_id"], ["production_comment.id"], name="fk_production_news_comment_id"),
        sa.ForeignKeyConstraint(
            ["preview_file_id"], ["production_preview_file.id"], name="fk_production_news_preview_file_id"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["production_task.id"], name="fk_production_news_task_id"),
    )
    op.create_index("ix_production_news_author_id", "production_news", ["author_id"])
    op.create_index("ix_production_news_comment_id", "production_news", ["comment_id"])
    op.create_index("ix_production_news_preview_file_id", "production_news", ["preview_file_id"])
    op.create_index("ix_production_news_task_id", "production_news", ["task_id"])
    op.create_table(
        "production_notification",
        sa.Column("id", Id, nullable=False),
        sa.Column("read", Flag, nullable=False),
        sa.Column("change", Flag, nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("author_id", Id, nullable=False),
        sa.Column("comment_id", Id),
        sa.Column("task_id", Id),
        sa.Column("playlist_id", Id),
        sa.Column("reply_id", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_production_notification"),
        sa.ForeignKeyConstraint(["author_id"], ["identity_principals.id"], name="fk_production_notification_author_id"),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["production_comment.id"], name="fk_production_notification_comment_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["identity_principals.id"], name="fk_production_notification_person_id"),
        sa.ForeignKeyConstraint(
            ["playlist_id"], ["production_playlist.id"], name="fk_production_notification_playlist_id"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["production_task.id"], name="fk_production_notification_task_id"),
        sa.UniqueConstraint(
            "person_id",
            "author_id",
            "comment_id",
            "reply_id",
            "playlist_id",
            "type",
            name="uq_production_notification_1",
        ),
    )
    op.create_index("ix_production_notification_author_id", "production_notification", ["author_id"])
    op.create_index("ix_production_notification_comment_id", "production_notification", ["comment_id"])
    op.create_index("ix_production_notification_person_id", "production_notification", ["person_id"])
    op.create_index("ix_production_notification_playlist_id", "production_notification", ["playlist_id"])
    op.create_index("ix_production_notification_reply_id", "production_notification", ["reply_id"])
    op.create_index("ix_production_notification_task_id", "production_notification", ["task_id"])
