"""Rules of working and output files.

Source: contracts/production.md, 2, 5.4, 6.16
"""

import sqlalchemy as sa

from tessera.kernel.db import METADATA
from tessera.kernel.errors import Forbidden
from tessera.kernel.resources import Change
from tessera.production.access import Role, at_least, is_admin, require_team
from tessera.production.comment_rules import read_task, require_action
from tessera.production.links import ASSIGNEES


def by_task_action(change: Change) -> None:
    """Let who may act on the file's task change the file.

    Raises:
        Forbidden: somebody else.
    """
    if is_admin(change.principal):
        return
    if change.row["task_id"] is None:
        raise Forbidden("a working file without a task is changed by admins")
    require_action(change.tx, change.principal, read_task(change.tx, change.row["task_id"]))


def by_entity(change: Change) -> None:
    """Let managers of the project change an output file, and who has a task on its entity.

    Raises:
        Forbidden: somebody else.
    """
    if is_admin(change.principal):
        return
    entity, task = METADATA.tables["production_entity"], METADATA.tables["production_task"]
    entity_id = change.row["entity_id"]
    project = change.tx.scalar(sa.select(entity.c.project_id).where(entity.c.id == entity_id))
    if at_least(require_team(change.tx, change.principal, project), Role.MANAGER):
        return
    mine = sa.select(task.c.id).join(ASSIGNEES, ASSIGNEES.c.task_id == task.c.id)
    if change.tx.scalar(
        mine.where(task.c.entity_id == entity_id, ASSIGNEES.c.person_id == change.principal.id).limit(1)
    ):
        return
    raise Forbidden("only managers of the project's team, who has a task on the entity and admins change this file")
