"""The audit trail: what identity's events say, for administrators."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from tessera.identity import views
from tessera.identity.routes.people import ADMINISTRATOR
from tessera.kernel.clock import instant, moment
from tessera.kernel.db import Database
from tessera.kernel.errors import Invalid
from tessera.kernel.http import get


class AuditQuery(Struct, frozen=True, rename="camel"):
    """Which entries; ``before`` is the ``seq`` of the last one of the page before."""

    package: str = "identity"
    actor_id: str | None = None
    object_id: str | None = None
    name: str = ""
    since: str | None = None
    until: str | None = None
    before: int | None = None
    limit: Annotated[int, Meta(ge=1, le=views.PAGE_LIMIT)] = views.PAGE_LIMIT


async def page_audit(db: Database, query: AuditQuery) -> dict[str, Any]:
    """What happened, newest first."""
    if query.actor_id is not None and len(query.actor_id) != 36:
        raise Invalid(f"actorId must be the id of a principal; got {query.actor_id[:80]!r}", field="actorId")
    items = await db.read(
        views.page_audit,
        package=query.package,
        actor_id=query.actor_id,
        object_id=query.object_id,
        name=query.name,
        since=_instant(query.since, "since"),
        until=_instant(query.until, "until"),
        before=query.before,
        limit=query.limit,
    )
    return {"items": items, "next": items[-1].seq if len(items) == query.limit else None}


def _instant(text: str | None, field: str) -> str | None:
    if text is None:
        return None
    try:
        return instant(moment(text))
    except ValueError as error:
        raise Invalid(f"{field} must be an instant with a time zone; got {text[:40]!r}", field=field) from error


ROUTES = [get("/audit", page_audit, least=ADMINISTRATOR, errors=(400,), summary="Audit trail")]
