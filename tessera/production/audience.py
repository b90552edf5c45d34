"""Who hears of which of the tracker's events: but for admins, only of the projects in whose team one is.

Source: contracts/production.md, 7.1 (the reference lets ids of all projects leak)
"""

from collections.abc import Sequence

import sqlalchemy as sa

from tessera.kernel.access import Principal
from tessera.kernel.events import Event
from tessera.kernel.tx import Tx
from tessera.production.access import is_admin
from tessera.production.links import TEAM


def heard(tx: Tx, principal: Principal, events: Sequence[Event]) -> Sequence[Event]:
    """Those of ``events`` that name no project, or one that the principal can read."""
    if is_admin(principal):
        return events
    asked = {event.data["project_id"] for event in events if event.data.get("project_id")}
    mine = sa.select(TEAM.c.project_id).where(TEAM.c.person_id == principal.id, TEAM.c.project_id.in_(asked))
    readable = {row.project_id for row in tx.all(mine)} if asked else set()
    return [event for event in events if event.data.get("project_id") in (None, *readable)]
