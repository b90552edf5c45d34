"""Rules of entities: who writes them, how their data is merged, what a change of a shot leaves behind.

Source: contracts/production.md, 2, 5.4, 6.2 to 6.4, 7.2
"""

from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant, moment, now
from tessera.kernel.db import METADATA, Tx
from tessera.kernel.errors import Forbidden, Invalid
from tessera.kernel.resource_changes import insert_row
from tessera.kernel.resources import Change, Hook, resource_of
from tessera.production.access import PACKAGE_NAME, Role, at_least, require_manager, require_team
from tessera.production.links import DESCRIPTOR_DEPARTMENTS
from tessera.production.planning_rules import supervises
from tessera.production.studio_rules import refuse_taken_name
from tessera.production.studio_store import TECHNICAL_TYPES

__all__ = [
    "TECHNICAL_TYPES",
    "also_as_entity_type",
    "by_manager",
    "by_manager_or_creator",
    "clear_the_way",
    "complete",
    "count_casting",
    "instance_by_team",
    "keep_version",
    "merge_data",
    "null_text",
    "number_instance",
    "record_entity",
    "recount",
    "refuse_duplicate",
    "refuse_taken_name",
    "remove_entity",
    "say",
]

_EVENT_KINDS: Final = {name: name.lower() for name in TECHNICAL_TYPES} | {"ConceptFolder": "concept-folder"}
_VERSION_GOES_ON: Final = timedelta(seconds=60)
_VERSION_LASTS: Final = timedelta(minutes=5)
_VERSIONED: Final = ("frame_in", "frame_out")


def null_text(value: Any) -> Any:
    """Clients send the text "null" to take an asset out of its episode."""
    return None if value == "null" else value


def by_manager(change: Change) -> None:
    """Let managers of the project and admins create.

    Raises:
        Forbidden: somebody else.
    """
    if change.values["project_id"] is not None:
        require_manager(change.tx, change.principal, change.values["project_id"])


def by_manager_or_creator(change: Change) -> None:
    """Let managers, the entity's creator and admins change it; supervisors the data of their departments.

    Raises:
        Forbidden: somebody else.
    """
    role = require_team(change.tx, change.principal, change.row["project_id"])
    if at_least(role, Role.MANAGER) or change.row["created_by"] == change.principal.id:
        return
    if role is Role.SUPERVISOR and set(change.values) == {"data"} and not change.links:
        change.values["data"] = _of_own_departments(change)
        return
    raise Forbidden("only a manager of this project's team, the creator or an admin may do this")


def _of_own_departments(change: Change) -> dict[str, Any]:
    descriptors = METADATA.tables["production_descriptor"]
    rows = change.tx.all(
        sa.select(descriptors.c.field_name, DESCRIPTOR_DEPARTMENTS.c.department_id)
        .join(DESCRIPTOR_DEPARTMENTS, DESCRIPTOR_DEPARTMENTS.c.metadata_descriptor_id == descriptors.c.id)
        .where(descriptors.c.project_id == change.row["project_id"])
    )
    mine = {row.field_name for row in rows if supervises(change, row.department_id)}
    return {key: value for key, value in (change.values["data"] or {}).items() if key in mine}


def complete(change: Change) -> None:
    """The caller is the creator."""
    if change.values["created_by"] is None:
        change.values["created_by"] = change.principal.id


def merge_data(change: Change) -> None:
    """A change of ``data`` adds and replaces keys; keys that it does not name stay."""
    given = change.values.get("data")
    if isinstance(given, dict) and isinstance(change.row["data"], dict):
        change.values["data"] = {**change.row["data"], **given}


def refuse_duplicate(change: Change) -> None:
    """No second entity of the same name, project, type and parent; no parent is a parent too.

    Raises:
        Invalid: there would be one.
    """
    names = ("name", "project_id", "entity_type_id", "parent_id")
    if all(change.after(name) == change.row[name] for name in names):
        return
    entity = change.resource.sa_table
    same = [entity.c[name].is_not_distinct_from(change.after(name)) for name in names]
    if change.tx.scalar(sa.select(entity.c.id).where(*same, entity.c.id != change.id).limit(1)) is not None:
        raise Invalid(f"there is an entity named {change.after('name')!r} of this type here already", field="name")


def keep_version(change: Change) -> None:
    """A shot whose name or frames change leaves a version with the pair that it had.

    Further changes by the same person within a minute, at most five minutes after the first, belong to that version.

    Source: contracts/production.md, 6.4 and 8 (the previous pair is stored)
    """
    kinds = METADATA.tables["production_entity_type"]
    old, new = change.row["data"] or {}, change.after("data") or {}
    is_renamed = "name" in change.values and change.values["name"] != change.row["name"]
    is_recut = "data" in change.values and any(old.get(key) != new.get(key) for key in _VERSIONED)
    if not (is_renamed or is_recut):
        return
    kind = change.tx.scalar(sa.select(kinds.c.name).where(kinds.c.id == change.row["entity_type_id"]))
    if kind != "Shot":
        return
    version = METADATA.tables["production_entity_version"]
    last = change.tx.one(
        sa.select(version).where(version.c.entity_id == change.id).order_by(version.c.created_at.desc()).limit(1)
    )
    at = moment(now())
    goes_on = (
        last is not None
        and last.person_id == change.principal.id
        and last.updated_at >= instant(at - _VERSION_GOES_ON)
        and last.created_at >= instant(at - _VERSION_LASTS)
    )
    if goes_on and last is not None:
        change.tx.execute(version.update().where(version.c.id == last.id).values(updated_at=instant(at)))
        return
    kept = {"name": change.row["name"], "data": old, "entity_id": change.id, "person_id": change.principal.id}
    insert_row(change.tx, resource_of("production_entity_version"), **kept)


def clear_the_way(change: Change) -> None:
    """With ``force``, tasks and everything else that hangs on the entity goes first."""
    if change.force:
        remove_dependants(change.tx, change.id)


def remove_entity(tx: Tx, principal: Principal, entity_id: str) -> None:
    """Delete an entity with everything that hangs on it, with its event."""
    entity = METADATA.tables["production_entity"]
    row = tx.one(sa.select(entity).where(entity.c.id == entity_id))
    if row is not None:
        remove_dependants(tx, entity_id)
        tx.execute(entity.delete().where(entity.c.id == entity_id))
        record_entity(tx, principal, "delete", entity_id, row.entity_type_id, row.project_id)


def remove_dependants(tx: Tx, entity_id: str) -> None:
    """Tasks, versions, links, files of an entity; its children lose their parent."""
    from_tasks = METADATA.tables
    entity, tasks = from_tasks["production_entity"], from_tasks["production_task"]
    remove_tasks(tx, sa.select(tasks.c.id).where(tasks.c.entity_id == entity_id))
    for name, columns in (
        ("production_entity_version", ("entity_id",)),
        ("production_entity_link", ("entity_in_id", "entity_out_id")),
        ("production_subscription", ("entity_id",)),
        ("production_output_file", ("entity_id", "temporal_entity_id")),
        ("production_working_file", ("entity_id",)),
        ("production_asset_instance", ("asset_id", "scene_id", "target_asset_id", "entity_id")),
    ):
        table = METADATA.tables[name]
        for column in columns:
            tx.execute(table.delete().where(table.c[column] == entity_id))
    for column in ("parent_id", "source_id"):
        tx.execute(entity.update().where(entity.c[column] == entity_id).values({column: None}))


def remove_tasks(tx: Tx, tasks: Any) -> None:
    """Tasks (a SELECT of ids) and everything that hangs on them.

    Source: contracts/production.md, 5.2
    """
    table = METADATA.tables
    ids = [row[0] for row in tx.all(tasks)]
    if not ids:
        return
    comments = sa.select(table["production_comment"].c.id).where(table["production_comment"].c.object_id.in_(ids))
    previews = table["production_preview_file"]
    preview_ids = sa.select(previews.c.id).where(previews.c.task_id.in_(ids))
    by_comment = ("production_notification", "production_news", "production_attachment_file")
    for name in by_comment:
        tx.execute(table[name].delete().where(table[name].c.comment_id.in_(comments)))
    for name in ("production_notification", "production_news", "production_subscription", "production_time_spent"):
        tx.execute(table[name].delete().where(table[name].c.task_id.in_(ids)))
    comment, entity = table["production_comment"], table["production_entity"]
    tx.execute(comment.delete().where(comment.c.object_id.in_(ids)))
    tx.execute(entity.update().where(entity.c.preview_file_id.in_(preview_ids)).values(preview_file_id=None))
    tx.execute(previews.delete().where(previews.c.task_id.in_(ids)))
    working = table["production_working_file"]
    tx.execute(working.update().where(working.c.task_id.in_(ids)).values(task_id=None))
    tx.execute(table["production_task"].delete().where(table["production_task"].c.id.in_(ids)))


def number_instance(change: Change) -> None:
    """Instances of an asset are numbered in each container, and named by that."""
    table, values = change.resource.sa_table, change.values
    if values["number"] is None:
        same = [
            table.c[name].is_not_distinct_from(values[name]) for name in ("asset_id", "scene_id", "target_asset_id")
        ]
        change.tx.lock("production asset instances")
        values["number"] = (change.tx.scalar(sa.select(sa.func.max(table.c.number)).where(*same)) or 0) + 1
    if not values["name"]:
        entity = METADATA.tables["production_entity"]
        name = change.tx.scalar(sa.select(entity.c.name).where(entity.c.id == values["asset_id"]))
        values["name"] = f"{(name or 'Asset')[:70]}_{values['number']:04d}"


def instance_by_team(change: Change) -> None:
    """Let the team of the asset's project change an instance.

    Raises:
        Forbidden: somebody else.
    """
    entity = METADATA.tables["production_entity"]
    project = change.tx.scalar(sa.select(entity.c.project_id).where(entity.c.id == change.row["asset_id"]))
    require_team(change.tx, change.principal, project)


# -- events ------------------------------------------------------------------------------------------------------------


def say(verb: str) -> Hook:
    """The event of an entity, under the name of its kind."""

    def hook(change: Change) -> None:
        kind, project = change.after("entity_type_id"), change.after("project_id")
        record_entity(change.tx, change.principal, verb, change.id, kind, project)

    return hook


def record_entity(
    tx: Tx, principal: Principal, verb: str, entity_id: str, entity_type_id: str, project_id: str, **more: Any
) -> None:
    """Write ``asset:new``, ``shot:update``, ..."""
    kinds = METADATA.tables["production_entity_type"]
    name = tx.scalar(sa.select(kinds.c.name).where(kinds.c.id == entity_type_id))
    kind = _EVENT_KINDS.get(name, "asset")
    data = {f"{kind.replace('-', '_')}_id": entity_id, "project_id": project_id, **more}
    if kind == "asset" and verb == "new":
        data["asset_type"] = entity_type_id
    events.record(tx, f"{kind}:{verb}", package=PACKAGE_NAME, by=principal, of=entity_id, data=data)


def also_as_entity_type(verb: str) -> Hook:
    """Listeners know these rows under two names."""

    def hook(change: Change) -> None:
        data = {"entity_type_id": change.id}
        name = f"entity-type:{verb}"
        events.record(change.tx, name, package=PACKAGE_NAME, by=change.principal, of=change.id, data=data)

    return hook


def count_casting(tx: Tx, entity_id: str) -> None:
    """Keep the number of cast, not cancelled assets of an entity.

    Source: contracts/production.md, 6.6
    """
    entity, link = METADATA.tables["production_entity"], METADATA.tables["production_entity_link"]
    used = entity.alias("used")
    live = (
        sa.select(sa.func.count())
        .select_from(link.join(used, used.c.id == link.c.entity_out_id))
        .where(link.c.entity_in_id == entity_id, used.c.canceled.is_not(True))
    )
    tx.execute(entity.update().where(entity.c.id == entity_id).values(nb_entities_out=live.scalar_subquery()))


def recount(change: Change) -> None:
    """After a change of a link, count at both of the users that it had and has."""
    for entity_id in {change.row.get("entity_in_id"), change.after("entity_in_id")} - {None}:
        count_casting(change.tx, entity_id)
