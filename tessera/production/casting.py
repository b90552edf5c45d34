"""Links between entities by the routes of a project.

Source: contracts/production.md, 6.6
"""

from collections.abc import Mapping

import sqlalchemy as sa

from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.db import Id, Tx
from tessera.kernel.errors import NotFound
from tessera.kernel.projection import Form, Value
from tessera.kernel.resource_queries import Within, answer_of, read_list
from tessera.production.access import PACKAGE_NAME, require_manager
from tessera.production.entities import ENTITY, ENTITY_LINK
from tessera.production.entity_rules import count_casting

_L = ENTITY_LINK.sa_table
_MICROSECONDS = Value("created_at", _L.c.created_at, Form.INSTANT_MICROS)


def list_links(tx: Tx, principal: Principal, project_id: str, asked: Mapping[str, str]) -> bytes:
    """All links inside a project; with ``page`` in an envelope.

    Raises:
        Forbidden: not a manager.
    """
    require_manager(tx, principal, project_id)
    own = sa.select(ENTITY.sa_table.c.id).where(ENTITY.sa_table.c.project_id == sa.bindparam("in_project", None, Id))
    query = {name: asked[name] for name in ("page", "limit") if name in asked}
    part = Within("links of a project", _L.c.entity_in_id.in_(own), {"in_project": project_id}, more=(_MICROSECONDS,))
    return read_list(tx, ENTITY_LINK, principal, query, part)


def remove_link(tx: Tx, principal: Principal, project_id: str, link_id: str) -> bytes:
    """Delete a link between two entities of a project, and answer it.

    Raises:
        NotFound: no such link in this project.
        Forbidden: not a manager.
    """
    require_manager(tx, principal, project_id)
    entity = ENTITY.sa_table
    row = tx.one(
        sa.select(_L.c.entity_in_id)
        .join(entity, entity.c.id == _L.c.entity_in_id)
        .where(_L.c.id == link_id, entity.c.project_id == project_id)
    )
    if row is None:
        raise NotFound(f"there is no EntityLink with the id {link_id} in this project")
    answer = answer_of(tx, ENTITY_LINK, link_id, within=Within("one", sa.true(), more=(_MICROSECONDS,)))
    tx.execute(_L.delete().where(_L.c.id == link_id))
    count_casting(tx, row.entity_in_id)
    data = {"entity_link_id": link_id, "project_id": project_id}
    events.record(tx, "entity-link:delete", package=PACKAGE_NAME, by=principal, of=link_id, data=data)
    return answer
