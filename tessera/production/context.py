"""What a client asks for once, to draw its first page: the caller's world in one answer.

Source: contracts/production.md, 6.15 (`/data/user/context`)
"""

from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Raw

from tessera.kernel.access import Principal
from tessera.kernel.db import Id, Tx
from tessera.kernel.resource_queries import Within, read_list
from tessera.kernel.resources import Resource
from tessera.production import entity_views, project_views
from tessera.production.access import Role, is_admin, role_of
from tessera.production.feeds import NOTIFICATION, SEARCH_FILTER, SEARCH_FILTER_GROUP
from tessera.production.links import TEAM
from tessera.production.people import PERSON
from tessera.production.projects import PROJECT_STATUS
from tessera.production.studio import BACKGROUND_FILE, CUSTOM_ACTION, DEPARTMENT, PLUGIN, STUDIO
from tessera.production.tasks import STATUS_AUTOMATION, TASK_STATUS, TASK_TYPE


def read_context(tx: Tx, principal: Principal) -> bytes:
    """Lookup tables, open projects, persons, own filters and the number of unread notifications."""

    def rows(resource: Resource, **asked: str) -> Raw:
        return Raw(read_list(tx, resource, principal, asked))

    is_vendor = role_of(principal) is Role.VENDOR
    notifications = NOTIFICATION.sa_table
    unread = (notifications.c.person_id == principal.id) & notifications.c.read.is_(False)
    mine = sa.select(TEAM.c.project_id, TEAM.c.role).where(TEAM.c.person_id == principal.id, TEAM.c.role.is_not(None))
    context: dict[str, Any] = {
        "asset_types": Raw(entity_views.list_asset_types(tx, principal, {})),
        "custom_actions": [] if is_vendor else rows(CUSTOM_ACTION),
        "status_automations": [] if is_vendor else rows(STATUS_AUTOMATION),
        "departments": rows(DEPARTMENT),
        "studios": rows(STUDIO),
        "notification_count": tx.scalar(sa.select(sa.func.count()).select_from(notifications).where(unread)),
        "persons": rows(PERSON, relations="true"),
        "project_status": rows(PROJECT_STATUS),
        "project_roles": {row.project_id: row.role for row in tx.all(mine)},
        "projects": Raw(project_views.list_open(tx, principal, {})),
        "task_types": rows(TASK_TYPE),
        "task_status": rows(TASK_STATUS),
        "search_filters": _by_list(tx, principal, SEARCH_FILTER),
        "search_filter_groups": _by_list(tx, principal, SEARCH_FILTER_GROUP),
        "preview_background_files": rows(BACKGROUND_FILE),
        "plugins": rows(PLUGIN),
    }
    if is_admin(principal):
        context["user_limit"] = None  # this server sets none
    return msgspec.json.encode(context)


def _by_list(tx: Tx, principal: Principal, resource: Resource) -> dict[str, dict[str, list[Any]]]:
    """The caller's own filters, by kind of list and project."""
    own = resource.column("person_id") == sa.bindparam("owner", None, Id)
    part = Within("own", own, {"owner": principal.id}, order=(resource.column("name"),))
    found: dict[str, dict[str, list[Any]]] = {}
    for row in msgspec.json.decode(read_list(tx, resource, principal, {}, part)):
        found.setdefault(row["list_type"], {}).setdefault(row["project_id"] or "all", []).append(row)
    return found
