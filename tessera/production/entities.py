"""Declarations: entity types, entities (assets, shots, sequences, episodes, ...) and what links them.

Source: contracts/production.md, 4, Entities and casting
"""

from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel.db import METADATA
from tessera.kernel.resources import (
    NEVER,
    ONCE,
    Events,
    Links,
    Verbs,
    choice,
    document,
    flag,
    integer,
    reference,
    text,
)
from tessera.production import entity_rules as rules
from tessera.production.access import ADMINS_ONLY, ANYONE, LOOKUP, PACKAGE_NAME, Role, by_task
from tessera.production.declare import model, person, shotgun_id, table_name, title, to


def _type_of_entity() -> Any:
    """The word for an entity's kind: an asset's is ``Asset``, whatever its asset type is called."""
    kinds, entity = METADATA.tables[table_name("entity_type")], METADATA.tables[table_name("entity")]
    words = [
        (kinds.c.name == sa.literal_column(f"'{word}'"), sa.literal_column(f"'{word}'", sa.Text))
        for word in rules.TECHNICAL_TYPES
    ]
    word = sa.case(*words, else_=sa.literal_column("'Asset'", sa.Text))
    return sa.select(word).where(kinds.c.id == entity.c.entity_type_id).correlate(entity).scalar_subquery()


ENTITY_TYPE: Final = model(
    "entity_type",
    "entity-types",
    "EntityType",
    LOOKUP,
    title(30, unique=True),
    text("short_name", max_length=20),
    text("description"),
    flag("archived", default=False),
    relations=(
        Links(
            "task_types",
            table_name("task_type_asset_type_link"),
            "asset_type_id",
            "task_type_id",
            table_name("task_type"),
        ),
    ),
    events=Events(PACKAGE_NAME, "asset-type", "asset_type_id"),
    on_create=(rules.refuse_taken_name,),
    on_update=(rules.refuse_taken_name,),
    created=(rules.also_as_entity_type("new"),),
    updated=(rules.also_as_entity_type("update"),),
    deleted=(rules.also_as_entity_type("delete"),),
    answer_links=frozenset({"task_types"}),
)
ENTITY: Final = model(
    "entity",
    "entities",
    _type_of_entity,
    Verbs(ANYONE, ANYONE, ANYONE, ANYONE, ANYONE),
    title(160),
    text("code", max_length=160),
    text("description"),
    shotgun_id(written=ONCE),
    flag("canceled", default=False),
    integer("nb_frames"),
    integer("nb_entities_out", default=0),
    flag("is_casting_standby", default=False),
    flag("is_shared", nullable=False, default=False),
    choice("status", "standby", "running", "complete", "canceled", nullable=False, default="running"),
    to("project_id", "project", nullable=False, written=ONCE),
    to("entity_type_id", "entity_type", nullable=False),
    to("parent_id", "entity"),
    to("source_id", "entity", clean=rules.null_text),
    # No foreign key: preview files belong to tasks, and those to entities; a cycle could not be created in one go.
    reference("preview_file_id", None),
    document("data"),
    to("ready_for", "task_type"),
    person("created_by", written=ONCE),
    unique=(("name", "project_id", "entity_type_id", "parent_id"),),
    relations=(
        Links("entities_out", table_name("entity_link"), "entity_in_id", "entity_out_id", table_name("entity"), NEVER),
        Links("entities_in", table_name("entity_link"), "entity_out_id", "entity_in_id", table_name("entity"), NEVER),
        Links(
            "entity_concept_links",
            table_name("entity_concept_link"),
            "entity_in_id",
            "entity_out_id",
            table_name("entity"),
        ),
        Links(
            "instance_casting",
            table_name("asset_instance_link"),
            "entity_id",
            "asset_instance_id",
            table_name("asset_instance"),
            ONCE,
        ),
    ),
    events=None,
    listed=by_task(entity="id", project="project_id", only_open=True),
    readable=by_task(entity="id", project="project_id"),
    on_create=(rules.by_manager, rules.complete),
    created=(rules.say("new"),),
    on_update=(rules.by_manager_or_creator, rules.merge_data, rules.refuse_duplicate, rules.keep_version),
    updated=(rules.say("update"),),
    on_delete=(rules.by_manager_or_creator, rules.clear_the_way),
    deleted=(rules.say("delete"),),
)
ENTITY_LINK: Final = model(
    "entity_link",
    "entity-links",
    "EntityLink",
    ADMINS_ONLY,
    to("entity_in_id", "entity", nullable=False),
    to("entity_out_id", "entity", nullable=False),
    document("data"),
    integer("nb_occurences", default=1),
    text("label", max_length=80, default=""),
    unique=(("entity_in_id", "entity_out_id"),),
    created=(rules.recount,),
    updated=(rules.recount,),
    deleted=(rules.recount,),
)
ASSET_INSTANCE: Final = model(
    "asset_instance",
    "asset-instances",
    "AssetInstance",
    Verbs(Role.ADMIN, ANYONE, Role.ADMIN, ANYONE, Role.ADMIN),
    to("asset_id", "entity", nullable=False),
    text("name", max_length=80),
    integer("number", written=ONCE),
    text("description", max_length=200),
    flag("active", default=True),
    document("data"),
    to("scene_id", "entity"),
    to("target_asset_id", "entity"),
    to("entity_id", "entity"),
    to("entity_type_id", "entity_type"),
    unique=(("asset_id", "target_asset_id", "scene_id", "number"),),
    relations=(
        Links(
            "shots",
            table_name("asset_instance_link"),
            "asset_instance_id",
            "entity_id",
            table_name("entity"),
        ),
    ),
    readable=by_task(entity="asset_id"),
    on_create=(rules.number_instance,),
    on_update=(rules.instance_by_team,),
)
ENTITY_VERSION: Final = model(
    "entity_version",
    "entity-versions",
    "EntityVersion",
    Verbs(None, None, None, None, None),
    title(160, written=NEVER),
    document("data", written=NEVER),
    to("entity_id", "entity", written=NEVER),
    person("person_id", written=NEVER),
    events=None,
)

RESOURCES: Final = (ENTITY_TYPE, ENTITY, ENTITY_LINK, ASSET_INSTANCE, ENTITY_VERSION)
