"""Declaration of the person: identity's principal joined with the tracker's own columns, one to one, never copied.

Who has a role in the tracker, and every administrator, is a person of it; nobody else is seen here.

Source: contracts/production.md, 4, Person
"""

from typing import Any, Final

import sqlalchemy as sa

from tessera.identity import PRINCIPALS, ROLES
from tessera.kernel.db import METADATA, Id, Instant
from tessera.kernel.projection import Form, Value
from tessera.kernel.resources import (
    ONCE,
    Field,
    Links,
    Storage,
    Verbs,
    choice,
    column_type,
    day,
    document,
    flag,
    instant,
    integer,
    text,
)
from tessera.production import people_rules as rules
from tessera.production.access import ANYONE, PACKAGE_NAME, Role
from tessera.production.declare import POSITIONS, SENIORITIES, model, to
from tessera.production.declare import ROLES as ROLE_WORDS
from tessera.production.links import PRINCIPAL

_NEVER: Final[frozenset[str]] = frozenset()

_PROFILE_FIELDS: Final[tuple[Field, ...]] = (
    text("phone", max_length=30),
    text("country", max_length=2, clean=rules.upper, check=rules.country),
    choice(
        "contract_type",
        *("open-ended", "fixed-term", "short-term", "freelance", "apprentice", "internship"),
        nullable=False,
        default="open-ended",
    ),
    *(
        flag(name, default=False)
        for name in (
            "archived",
            "use_12_hour_clock",
            "notifications_enabled",
            "notifications_slack_enabled",
            "notifications_mattermost_enabled",
            "notifications_discord_enabled",
            "is_generated_from_ldap",
        )
    ),
    day("last_presence"),
    integer("shotgun_id", unique=True),
    text("timezone", max_length=40, default="Europe/Paris", check=rules.zone),
    text("locale", max_length=10, default="en_US", check=rules.locale),
    choice("display_date_format", "YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY", default="YYYY-MM-DD"),
    document("data"),
    choice("position", *POSITIONS, default="artist"),
    choice("seniority", *SENIORITIES, default="mid"),
    integer("daily_salary", default=0),
    flag("has_avatar", default=False),
    *(text(f"notifications_{name}_userid", max_length=60) for name in ("slack", "mattermost", "discord")),
    flag("is_guest", nullable=False, default=False),
    to("preview_project_id", "project", written=_NEVER, unique=True),
    instant("preview_opened_at", written=_NEVER),
    instant("preview_open_until", written=_NEVER),
    text("ldap_uid", max_length=60, unique=True),
    to("studio_id", "studio"),
)
PROFILES: Final = sa.Table(
    "production_person",
    METADATA,
    sa.Column("id", Id, sa.ForeignKey(f"{PRINCIPAL}.id", ondelete="CASCADE"), primary_key=True),
    *(
        sa.Column(
            each.name,
            column_type(each),
            *([sa.ForeignKey(f"{each.references}.id")] if each.references else []),
            unique=each.unique or None,
        )
        for each in _PROFILE_FIELDS
    ),
    sa.Column("updated_at", Instant, nullable=False),
)
_ROLE: Final = ROLES.alias("production_role")
_NO: Final = PRINCIPALS.c.id.is_(None)
"""False, as an expression that both databases take anywhere."""
_DEFAULTS: Final = {each.name: each.default for each in _PROFILE_FIELDS if each.default is not None}
_CHANGED: Final = sa.case(
    (PROFILES.c.updated_at > PRINCIPALS.c.updated_at, PROFILES.c.updated_at), else_=PRINCIPALS.c.updated_at
)
_COLUMNS: Final[dict[str, Any]] = {
    "id": PRINCIPALS.c.id,
    "first_name": PRINCIPALS.c.first_name,
    "last_name": PRINCIPALS.c.last_name,
    "email": PRINCIPALS.c.email,
    "active": PRINCIPALS.c.is_active,
    "desktop_login": PRINCIPALS.c.desktop_login,
    "role": sa.case((PRINCIPALS.c.is_administrator, sa.literal_column("'admin'", sa.String)), else_=_ROLE.c.role),
    "is_bot": PRINCIPALS.c.kind == sa.literal_column("'bot'"),
    "expiration_date": PRINCIPALS.c.bot_expires_on,
    # The second factors are identity's; until it keeps them, nobody has one.
    "totp_enabled": _NO,
    "email_otp_enabled": _NO,
    "fido_enabled": _NO,
    "preferred_two_factor_authentication": sa.null(),
    "created_at": PRINCIPALS.c.created_at,
    "updated_at": sa.type_coerce(_CHANGED, Instant),
}


def _column(name: str) -> Any:
    known = _COLUMNS.get(name)
    if known is not None:
        return known
    column = PROFILES.c[name]
    if name not in _DEFAULTS:
        return column
    default = _DEFAULTS[name]
    if isinstance(default, bool):
        return sa.type_coerce(sa.func.coalesce(column, sa.true() if default else sa.false()), column.type)
    shown = f"'{default}'" if isinstance(default, str) else str(default)
    return sa.type_coerce(sa.func.coalesce(column, sa.literal_column(shown)), column.type)


def _source() -> Any:
    role = (_ROLE.c.principal_id == PRINCIPALS.c.id) & (_ROLE.c.package == sa.literal_column(f"'{PACKAGE_NAME}'"))
    return PRINCIPALS.outerjoin(PROFILES, PROFILES.c.id == PRINCIPALS.c.id).outerjoin(_ROLE, role)


def _computed() -> tuple[Value, ...]:
    blank: Any = sa.literal_column("' '")
    name = PRINCIPALS.c.first_name.op("||")(blank).op("||")(PRINCIPALS.c.last_name)
    return (Value("full_name", sa.func.trim(name), Form.TEXT),)


PERSON: Final = model(
    "person",
    "persons",
    "Person",
    Verbs(ANYONE, ANYONE, None, None, Role.ADMIN),
    text("first_name", nullable=False, max_length=80),
    text("last_name", nullable=False, max_length=80),
    text("email", max_length=320, clean=rules.lower),
    flag("active", default=True),
    text("desktop_login", max_length=80),
    choice("role", *ROLE_WORDS, nullable=False, default="user"),
    flag("is_bot", nullable=False, default=False, written=ONCE),
    day("expiration_date"),
    flag("totp_enabled", default=False, written=_NEVER),
    flag("email_otp_enabled", default=False, written=_NEVER),
    flag("fido_enabled", default=False, written=_NEVER),
    choice("preferred_two_factor_authentication", "totp", "email_otp", "fido", written=_NEVER),
    *_PROFILE_FIELDS,
    relations=(
        Links("departments", "production_department_link", "person_id", "department_id", "production_department"),
    ),
    computed=_computed,
    storage=Storage(
        _source,
        _column,
        rules.insert,
        rules.update,
        rules.remove,
        condition=lambda: sa.or_(PRINCIPALS.c.is_administrator, _ROLE.c.role.is_not(None)),
    ),
    alike=frozenset(),
    accepts=frozenset({"password"}),
    unfilterable=rules.HIDDEN,
    listed=rules.listed,
    readable=rules.readable,
    view=rules.view,
    on_create=(rules.check_new,),
    on_update=(rules.check_change,),
    on_delete=(rules.clear_the_way,),
    answer_links=frozenset({"departments"}),
)

RESOURCES: Final = (PERSON,)
