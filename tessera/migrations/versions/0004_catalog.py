"""What the catalogue keeps: workspaces, objects, who answers for them, tags, links. Empty tables: instant."""

import sqlalchemy as sa
from alembic import op

from tessera.kernel.columns import Document, Flag, Id, Instant

revision = "0004"
down_revision = "0003"

_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "catalog_workspaces",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("is_versioning_enabled", Flag, nullable=False),
        sa.Column("default_owner_id", Id, nullable=True),
        sa.Column("default_steward_id", Id, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_workspaces"),
        sa.ForeignKeyConstraint(
            ["default_owner_id"],
            ["identity_principals.id"],
            name="fk_catalog_workspaces_default_owner_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["default_steward_id"],
            ["identity_principals.id"],
            name="fk_catalog_workspaces_default_steward_id",
            ondelete="SET NULL",
        ),
        sa.UniqueConstraint("name", name="uq_catalog_workspaces_name"),
    )
    op.create_table(
        "catalog_versions",
        sa.Column("id", Id, nullable=False),
        sa.Column("workspace_id", Id, nullable=False),
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("is_default", Flag, nullable=False),
        sa.Column("origin_version_id", Id, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_versions"),
        sa.ForeignKeyConstraint(
            ["origin_version_id"], ["catalog_versions.id"], name="fk_catalog_versions_origin_version_id"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["catalog_workspaces.id"], name="fk_catalog_versions_workspace_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("workspace_id", "name", name="uq_catalog_versions_name"),
    )
    op.create_table(
        "catalog_objects",
        sa.Column("id", Id, nullable=False),
        sa.Column("version_id", Id, nullable=False),
        sa.Column("parent_id", Id, nullable=True),
        sa.Column("ancestors", sa.Text, nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("data_type", sa.String(20), nullable=False),
        sa.Column("type", sa.String(30), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("technical_name", _SORTED, nullable=False),
        sa.Column("path", _SORTED, nullable=False),
        sa.Column("type_path", sa.Text, nullable=False),
        sa.Column("functional_path", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("attributes", Document, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_objects"),
        sa.ForeignKeyConstraint(["parent_id"], ["catalog_objects.id"], name="fk_catalog_objects_parent_id"),
        sa.ForeignKeyConstraint(["version_id"], ["catalog_versions.id"], name="fk_catalog_objects_version_id"),
        sa.UniqueConstraint("parent_id", "technical_name", "type", name="uq_catalog_objects_sibling"),
    )
    op.create_index("ix_catalog_objects_order", "catalog_objects", ["version_id", "data_type", "path", "id"])
    op.create_index(
        "uq_catalog_objects_root",
        "catalog_objects",
        ["version_id", "technical_name", "type"],
        unique=True,
        sqlite_where=sa.text("parent_id IS NULL"),
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_table(
        "catalog_responsibilities",
        sa.Column("object_id", Id, nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("principal_id", Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("object_id", "role", "principal_id", name="pk_catalog_responsibilities"),
        sa.ForeignKeyConstraint(
            ["object_id"], ["catalog_objects.id"], name="fk_catalog_responsibilities_object_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["identity_principals.id"],
            name="fk_catalog_responsibilities_principal_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_catalog_responsibilities_principal", "catalog_responsibilities", ["principal_id", "role"])
    op.create_table(
        "catalog_tags",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("color", sa.String(20), nullable=False),
        sa.Column("keywords", Document, nullable=False),
        sa.Column("is_active", Flag, nullable=False),
        sa.Column("is_user_suggestion_enabled", Flag, nullable=False),
        sa.Column("is_native", Flag, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_tags"),
        sa.UniqueConstraint("name", name="uq_catalog_tags_name"),
    )
    op.create_table(
        "catalog_object_tags",
        sa.Column("object_id", Id, nullable=False),
        sa.Column("tag_id", Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("object_id", "tag_id", name="pk_catalog_object_tags"),
        sa.ForeignKeyConstraint(
            ["object_id"], ["catalog_objects.id"], name="fk_catalog_object_tags_object_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["catalog_tags.id"], name="fk_catalog_object_tags_tag_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_catalog_object_tags_tag", "catalog_object_tags", ["tag_id"])
    op.create_table(
        "catalog_links",
        sa.Column("from_id", Id, nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("to_id", Id, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("from_id", "type", "to_id", name="pk_catalog_links"),
        sa.ForeignKeyConstraint(
            ["from_id"], ["catalog_objects.id"], name="fk_catalog_links_from_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["to_id"], ["catalog_objects.id"], name="fk_catalog_links_to_id", ondelete="CASCADE"),
    )
    op.create_index("ix_catalog_links_to", "catalog_links", ["to_id", "type", "from_id"])
    op.create_table(
        "catalog_profiles",
        sa.Column("principal_id", Id, nullable=False),
        sa.Column("title", sa.Text, nullable=True),
        sa.Column("service", sa.Text, nullable=True),
        sa.Column("role", sa.Text, nullable=True),
        sa.Column("external_id", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("principal_id", name="pk_catalog_profiles"),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["identity_principals.id"], name="fk_catalog_profiles_principal_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "catalog_attributes",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("data_type", sa.String(20), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("format", sa.String(20), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("default_value", Document, nullable=True),
        sa.Column("choices", Document, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_catalog_attributes"),
        sa.UniqueConstraint("number", name="uq_catalog_attributes_number"),
        sa.UniqueConstraint("data_type", "name", name="uq_catalog_attributes_name"),
    )
