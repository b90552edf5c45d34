"""Rules of the studio's lookup tables.

Source: contracts/production.md, 5.4
"""

from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel.access import Principal
from tessera.kernel.db import Tx
from tessera.kernel.errors import Invalid
from tessera.kernel.resources import Change, Field, View, big_integer
from tessera.production.access import is_admin

CHAT_SECRETS: Final = ("chat_token_slack", "chat_webhook_mattermost", "chat_token_discord")
_MASKED: Final = View(
    "masked",
    frozenset(
        {
            "id",
            "name",
            "hours_by_day",
            "has_avatar",
            "use_original_file_name",
            "timesheets_locked",
            "format_duration_in_hours",
            "hd_by_default",
            "dark_theme_by_default",
            "created_at",
            "updated_at",
            "type",
        }
    ),
)


def organisation_view(principal: Principal, verb: str) -> View | None:
    """The secrets of chats are for admins."""
    return None if is_admin(principal) else _MASKED


def size(name: str, **options: Any) -> Field:
    """A number of bytes."""
    field: Field = big_integer(name, **options)
    return field


def refuse_salary_scale(change: Change) -> None:
    """Rows are made by the list route, one for each department, position and seniority.

    Raises:
        Invalid: always.
    """
    raise Invalid("salary scales are made by the server; change the salary of an existing one")


def refuse_taken_name(change: Change) -> None:
    """Names are compared without regard to case.

    Raises:
        Invalid: another row has the name.
    """
    name = change.values.get("name")
    if name is None or name == change.row.get("name"):
        return
    if taken(change, name):
        raise Invalid(f"{change.resource.path} has one named {name!r} already", field="name")


def taken(change: Change, name: str) -> bool:
    """Whether another row of this lookup table has the name, in any case."""
    table = change.resource.sa_table
    others = change.tx.all(sa.select(table.c.name).where(table.c.id != change.id))
    # Compared here: SQLite's lower() knows ASCII letters only, and these tables are small.
    return name.casefold() in {other.name.casefold() for other in others}


def keep_one_default(change: Change) -> None:
    """Setting ``is_default`` takes it from the others."""
    if change.values.get("is_default"):
        clear_defaults(change.tx, change.resource.sa_table, change.id)


def clear_defaults(tx: Tx, table: sa.Table, kept: str, *conditions: Any) -> None:
    """Take ``is_default`` from all rows but one."""
    others = table.update().where(table.c.is_default.is_(True), table.c.id != kept, *conditions)
    tx.execute(others.values(is_default=False))
