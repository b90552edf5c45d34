"""Owns the catalogue's tables and what they guarantee."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from tessera.kernel.db import METADATA, Document, Flag, Id, Instant

Sorted = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in code point order on both databases: ranges over paths and the order of pages depend on it."""

SEPARATOR: Final = "\\"
"""Between the parts of a path; paths have no escaping, so no part may contain it."""

_DICTIONARY: Final = ("Source", "Container", "Structure", "Field")
_PROCESSING: Final = ("DataProcessing", "DataProcessingItem")
DATA_TYPES_TOGETHER: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(_DICTIONARY, _DICTIONARY),
        **dict.fromkeys(_PROCESSING, _PROCESSING),
        "Property": ("Property",),
        "Usage": ("Usage",),
    }
)
"""Which data types stand in the same trees."""
DATA_TYPES: Final = tuple(DATA_TYPES_TOGETHER)

WORKSPACES = sa.Table(
    "catalog_workspaces",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", Sorted, nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("is_versioning_enabled", Flag, nullable=False),
    sa.Column("default_owner_id", Id, sa.ForeignKey("identity_principals.id", ondelete="SET NULL"), nullable=True),
    sa.Column("default_steward_id", Id, sa.ForeignKey("identity_principals.id", ondelete="SET NULL"), nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.UniqueConstraint("name", name="uq_catalog_workspaces_name"),
)

VERSIONS = sa.Table(
    "catalog_versions",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("workspace_id", Id, sa.ForeignKey("catalog_workspaces.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", Sorted, nullable=False),
    sa.Column("is_default", Flag, nullable=False),
    sa.Column("origin_version_id", Id, sa.ForeignKey("catalog_versions.id"), nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("workspace_id", "name", name="uq_catalog_versions_name"),
)

OBJECTS = sa.Table(
    "catalog_objects",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("version_id", Id, sa.ForeignKey("catalog_versions.id"), nullable=False),
    sa.Column("parent_id", Id, sa.ForeignKey("catalog_objects.id"), nullable=True),
    # Ids from the root object to the parent, joined by "/": the exact sub-tree, where two siblings of different
    # types share a technical name and so a path.
    sa.Column("ancestors", sa.Text, nullable=False),
    sa.Column("depth", sa.Integer, nullable=False),
    sa.Column("data_type", sa.String(20), nullable=False),
    sa.Column("type", sa.String(30), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("technical_name", Sorted, nullable=False),
    sa.Column("path", Sorted, nullable=False),
    sa.Column("type_path", sa.Text, nullable=False),
    sa.Column("functional_path", sa.Text, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("attributes", Document, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    # One object a parent, technical name and type; for roots the partial index says the same.
    sa.UniqueConstraint("parent_id", "technical_name", "type", name="uq_catalog_objects_sibling"),
    sa.Index(
        "uq_catalog_objects_root",
        "version_id",
        "technical_name",
        "type",
        unique=True,
        sqlite_where=sa.text("parent_id IS NULL"),
        postgresql_where=sa.text("parent_id IS NULL"),
    ),
    # The order of every list, and the range of every sub-tree.
    sa.Index("ix_catalog_objects_order", "version_id", "data_type", "path", "id"),
)

RESPONSIBILITIES = sa.Table(
    "catalog_responsibilities",
    METADATA,
    sa.Column("object_id", Id, sa.ForeignKey("catalog_objects.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("role", sa.String(10), primary_key=True),
    sa.Column("principal_id", Id, sa.ForeignKey("identity_principals.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("ix_catalog_responsibilities_principal", "principal_id", "role"),
)

TAGS = sa.Table(
    "catalog_tags",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", Sorted, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("color", sa.String(20), nullable=False),
    sa.Column("keywords", Document, nullable=False),
    sa.Column("is_active", Flag, nullable=False),
    sa.Column("is_user_suggestion_enabled", Flag, nullable=False),
    sa.Column("is_native", Flag, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("name", name="uq_catalog_tags_name"),
)

OBJECT_TAGS = sa.Table(
    "catalog_object_tags",
    METADATA,
    sa.Column("object_id", Id, sa.ForeignKey("catalog_objects.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag_id", Id, sa.ForeignKey("catalog_tags.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("ix_catalog_object_tags_tag", "tag_id"),
)

LINKS = sa.Table(
    "catalog_links",
    METADATA,
    sa.Column("from_id", Id, sa.ForeignKey("catalog_objects.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("type", sa.String(40), primary_key=True),
    sa.Column("to_id", Id, sa.ForeignKey("catalog_objects.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("ix_catalog_links_to", "to_id", "type", "from_id"),
)

PROFILES = sa.Table(
    "catalog_profiles",
    METADATA,
    sa.Column("principal_id", Id, sa.ForeignKey("identity_principals.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("title", sa.Text, nullable=True),
    sa.Column("service", sa.Text, nullable=True),
    sa.Column("role", sa.Text, nullable=True),
    sa.Column("external_id", sa.Text, nullable=True),
)

CUSTOM_ATTRIBUTES = sa.Table(
    "catalog_attributes",
    METADATA,
    sa.Column("key", sa.String(60), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("data_type", sa.String(20), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("format", sa.String(20), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("default_value", Document, nullable=True),
    sa.Column("choices", Document, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("data_type", "name", name="uq_catalog_attributes_name"),
    sa.UniqueConstraint("number", name="uq_catalog_attributes_number"),
)
