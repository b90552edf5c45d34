"""Rules of projects.

Source: contracts/production.md, 5.2, 5.4, 6.1
"""

import re
from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel.db import METADATA, Tx
from tessera.kernel.errors import Invalid
from tessera.kernel.resource_changes import insert_row
from tessera.kernel.resources import Change, resource_of
from tessera.production.access import OPEN_NAMES, require_manager
from tessera.production.studio_store import ensure_entity_type

_RESOLUTION: Final = re.compile(r"(\d{3,4}x\d{3,4}|x\d{3,4})")
_BITRATES: Final = range(1, 29)
FIRST_EPISODE: Final = "E01"


def resolution(value: str) -> str | None:
    """Judge a size of pictures."""
    return None if _RESOLUTION.fullmatch(value) else "a size such as 1920x1080 or x1080"


def bitrate(value: int) -> str | None:
    """Judge a rate of movies."""
    return None if value in _BITRATES else "from 1 to 28 (Mbit/s)"


def check_bitrates(change: Change) -> None:
    """The low rate stays at or below the high one.

    Raises:
        Invalid: it does not.
    """
    high, low = change.after("hd_bitrate_compression"), change.after("ld_bitrate_compression")
    if high is not None and low is not None and low > high:
        raise Invalid(
            f"ld_bitrate_compression must not be above hd_bitrate_compression ({high}); got {low}",
            field="ld_bitrate_compression",
        )


def complete(change: Change) -> None:
    """A new project is open, unless it is said otherwise."""
    if change.values["project_status_id"] is None:
        change.values["project_status_id"] = ensure_status(change.tx, "Open", OPEN_NAMES)


def ensure_status(tx: Tx, name: str, names: tuple[str, ...]) -> str:
    """The id of the project status with one of these names; made where there is none."""
    status = METADATA.tables["production_project_status"]
    found: str | None = tx.scalar(sa.select(status.c.id).where(status.c.name.in_(names)).order_by(status.c.name))
    if found is not None:
        return found
    made: str = insert_row(tx, resource_of("production_project_status"), name=name, color="#000000")["id"]
    return made


def by_manager(change: Change) -> None:
    """Let managers of the project's team and admins change it.

    Raises:
        Forbidden: somebody else.
    """
    require_manager(change.tx, change.principal, change.id)


def begin_episodes(change: Change) -> None:
    """A TV show has at least one episode, and its answer names the first."""
    if change.after("production_type") != "tvshow" or "production_type" not in change.values:
        return
    change.answer["first_episode_id"] = first_episode(change.tx, change.id) or _begin(change.tx, change.id)


def _begin(tx: Tx, project_id: str) -> str:
    episode = ensure_entity_type(tx, "Episode")
    made: str = insert_row(
        tx, resource_of("production_entity"), name=FIRST_EPISODE, project_id=project_id, entity_type_id=episode
    )["id"]
    return made


def first_episode(tx: Tx, project_id: str) -> str | None:
    """The first episode of a project by name."""
    entity, kind = METADATA.tables["production_entity"], METADATA.tables["production_entity_type"]
    episodes = sa.select(entity.c.id).join(kind, kind.c.id == entity.c.entity_type_id).where(kind.c.name == "Episode")
    found: str | None = tx.scalar(episodes.where(entity.c.project_id == project_id).order_by(entity.c.name).limit(1))
    return found


def only_when_closed(change: Change) -> None:
    """A project is closed before it is deleted; with ``force`` everything in it goes first.

    Raises:
        Invalid: it is open.
    """
    status = METADATA.tables["production_project_status"]
    name = change.tx.scalar(sa.select(status.c.name).where(status.c.id == change.row["project_status_id"]))
    if name is None or name in OPEN_NAMES:
        raise Invalid("only a closed project can be deleted; set its status to Closed first")
    if change.force:
        remove_all_of(change.tx, change.id)


def remove_all_of(tx: Tx, project_id: str) -> None:
    """Everything in a project, in an order in which nothing is referred to when it goes."""
    table = {
        name.removeprefix("production_"): each
        for name, each in METADATA.tables.items()
        if name.startswith("production_")
    }
    tasks = sa.select(table["task"].c.id).where(table["task"].c.project_id == project_id)
    entities = sa.select(table["entity"].c.id).where(table["entity"].c.project_id == project_id)
    comments = sa.select(table["comment"].c.id).where(table["comment"].c.object_id.in_(tasks))
    playlists = sa.select(table["playlist"].c.id).where(table["playlist"].c.project_id == project_id)
    chats = sa.select(table["chat"].c.id).where(table["chat"].c.object_id.in_(entities))
    budgets = sa.select(table["budget"].c.id).where(table["budget"].c.project_id == project_id)
    steps: list[tuple[str, str, Any]] = [
        ("notification", "task_id", tasks),
        ("notification", "comment_id", comments),
        ("notification", "playlist_id", playlists),
        ("news", "task_id", tasks),
        ("attachment_file", "comment_id", comments),
        ("comment", "id", comments),
        ("subscription", "task_id", tasks),
        ("subscription", "entity_id", entities),
        ("time_spent", "task_id", tasks),
        ("preview_file", "task_id", tasks),
        ("output_file", "entity_id", entities),
        ("output_file", "temporal_entity_id", entities),
        ("working_file", "entity_id", entities),
        ("working_file", "task_id", tasks),
        ("playlist_share_link", "playlist_id", playlists),
        ("build_job", "playlist_id", playlists),
        ("playlist", "id", playlists),
        ("chat_message", "chat_id", chats),
        ("chat", "id", chats),
        ("asset_instance", "asset_id", entities),
        ("entity_link", "entity_in_id", entities),
        ("entity_link", "entity_out_id", entities),
        ("entity_version", "entity_id", entities),
        ("task", "project_id", None),
        ("budget_entry", "budget_id", budgets),
        ("budget", "project_id", None),
        ("milestone", "project_id", None),
        ("schedule_item", "project_id", None),
        ("schedule_version", "project_id", None),
        ("descriptor", "project_id", None),
        ("search_filter", "project_id", None),
        ("search_filter_group", "project_id", None),
        ("api_event", "project_id", None),
    ]
    for name, column, among in steps:
        rows = table[name]
        condition = rows.c[column] == project_id if among is None else rows.c[column].in_(among)
        tx.execute(rows.delete().where(condition))
    # Children and parents are of one table: the references inside it go first.
    own = table["entity"].c.project_id == project_id
    tx.execute(table["entity"].update().where(own).values(parent_id=None, source_id=None))
    tx.execute(table["entity"].delete().where(own))
