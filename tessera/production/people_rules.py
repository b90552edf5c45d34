"""Rules of persons: who sees and changes what; how a change reaches identity and the tracker's own columns.

Source: contracts/production.md, 1.5, 2 (persons), 5.4
"""

import re
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import available_timezones

import sqlalchemy as sa

from tessera.identity import create_bot, create_person, delete_principal, set_role, update_person
from tessera.kernel.access import Principal
from tessera.kernel.clock import now
from tessera.kernel.db import METADATA, upsert
from tessera.kernel.errors import Forbidden, Invalid
from tessera.kernel.resources import Change, Resource, Scope, View, caller_id
from tessera.production.access import PACKAGE_NAME, Role, at_least, is_admin, role_of
from tessera.production.links import TEAM

HIDDEN: Final = frozenset(
    [
        "password",
        "login_failed_attemps",
        "last_login_failed",
        "totp_secret",
        "email_otp_secret",
        "fido_credentials",
        "otp_recovery_codes",
        "jti",
        "oidc_issuer",
        "saml_issuer",
        "oidc_subject",
        "saml_subject",
    ]
)
"""Columns of the reference that are never shown and never to be filtered by; identity keeps what of them there is."""
_OF_IDENTITY: Final = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "active": "is_active",
    "desktop_login": "desktop_login",
}
_ADMINS: Final = frozenset(
    [
        "role",
        "departments",
        "active",
        "archived",
        "is_bot",
        "is_guest",
        "studio_id",
        "last_presence",
        "ldap_uid",
        "is_generated_from_ldap",
        "daily_salary",
        "contract_type",
        "position",
        "seniority",
        "expiration_date",
        "shotgun_id",
    ]
)
"""What persons may not change about themselves."""
_CLIENT: Final = frozenset(
    ["id", "type", "first_name", "last_name", "full_name", "has_avatar", "active", "role", "is_bot"]
)
_MINIMAL: Final = _CLIENT | {"departments", "studio_id", "desktop_login"}
_FILTERS: Final = frozenset(
    [
        "id",
        "first_name",
        "last_name",
        "full_name",
        "has_avatar",
        "active",
        "departments",
        "studio_id",
        "role",
        "desktop_login",
        "email",
        "is_bot",
        "is_guest",
    ]
)
_LOCALE: Final = re.compile(r"[a-z]{2,3}(_[A-Z][a-z]{3})?(_[A-Z]{2})?")


def upper(value: Any) -> Any:
    """A country code as it is kept."""
    return (value.upper() or None) if isinstance(value, str) else value


def lower(value: Any) -> Any:
    """An e-mail as it is kept and compared; none where it is empty."""
    return (value.strip().lower() or None) if isinstance(value, str) else value


def country(code: str) -> str | None:
    """ISO 3166 alpha-2 codes have two letters; which pairs are countries changes with time."""
    return None if re.fullmatch(r"[A-Z]{2}", code) else "a country code of two letters"


def zone(name: str) -> str | None:
    """Judge the name of a time zone."""
    return None if name in available_timezones() else "the name of a time zone, such as Europe/Paris"


def locale(name: str) -> str | None:
    """Judge the name of a locale."""
    return None if _LOCALE.fullmatch(name) else "a locale, such as en_US"


# -- who sees what -----------------------------------------------------------------------------------------------------


def view(principal: Principal, verb: str) -> View | None:
    """Admins see all, managers one by one too, clients the least."""
    role = role_of(principal)
    if role is Role.ADMIN or (verb == "read" and at_least(role, Role.MANAGER)):
        return None
    if role is Role.CLIENT:
        return View("client", _CLIENT, _FILTERS)
    return View("minimal", _MINIMAL, _FILTERS)


def _mates() -> Any:
    mine, theirs = TEAM.alias("mine"), TEAM.alias("theirs")
    both = sa.select(theirs.c.person_id).join(mine, mine.c.project_id == theirs.c.project_id)
    person_id = METADATA.tables["identity_principals"].c.id
    return sa.or_(person_id == caller_id(), person_id.in_(both.where(mine.c.person_id == caller_id())))


def listed(principal: Principal, resource: Resource) -> Scope | None:
    """Clients see their team mates."""
    return Scope("mates", _mates()) if role_of(principal) is Role.CLIENT else None


readable = listed


# -- changes -----------------------------------------------------------------------------------------------------------


def check_new(change: Change) -> None:
    """Check what is unlike other fields.

    Raises:
        Invalid: an end in the past; neither bot nor e-mail.
    """
    _check_expiry(change)
    if not change.values["is_bot"] and not change.values["email"]:
        raise Invalid("email is missing", field="email")


def check_change(change: Change) -> None:
    """Let admins change everybody, and everybody some of themselves.

    Raises:
        Forbidden: somebody else.
        Invalid: an end in the past.
    """
    if not is_admin(change.principal):
        if change.principal.id != change.id:
            raise Forbidden("only admins change other persons")
        for name in _ADMINS:
            change.values.pop(name, None)
            change.links.pop(name, None)
    if change.values.get("role") == change.row["role"]:
        # An administrator's role reads "admin" without being one that was given.
        del change.values["role"]
    _check_expiry(change)


def _check_expiry(change: Change) -> None:
    until = change.values.get("expiration_date")
    if until and until != change.row.get("expiration_date") and until < datetime.now(UTC).date().isoformat():
        raise Invalid(f"expiration_date must not be in the past; got {until}", field="expiration_date")


def insert(change: Change) -> None:
    """Make the principal, then the tracker's columns."""
    values = change.values
    names: dict[str, Any] = {
        "email": values["email"],
        "first_name": values["first_name"],
        "last_name": values["last_name"],
        "roles": {PACKAGE_NAME: values["role"]},
        "principal_id": values["id"],
        "by": change.principal,
    }
    if values["is_bot"]:
        create_bot(change.tx, **names)
    else:
        secret = change.body.get("password")
        create_person(
            change.tx,
            **names,
            desktop_login=values["desktop_login"],
            is_active=values["active"] is not False,
            password_hash=secret if isinstance(secret, PasswordHash) else None,
        )
    _keep(change)


def update(change: Change) -> None:
    """Change the principal, then the tracker's columns."""
    given = {theirs: change.values[ours] for ours, theirs in _OF_IDENTITY.items() if ours in change.values}
    if "is_active" in given:
        given["is_active"] = given["is_active"] is not False
    if given:
        update_person(change.tx, change.id, by=change.principal, **given)
    if "role" in change.values:
        set_role(change.tx, change.id, PACKAGE_NAME, change.values["role"], by=change.principal)
    _keep(change)


def remove(change: Change) -> None:
    """Delete the principal; the tracker's columns go with it."""
    delete_principal(change.tx, change.id, by=change.principal)


def _keep(change: Change) -> None:
    profiles = METADATA.tables["production_person"]
    own = {
        name: value for name, value in change.values.items() if name in profiles.c and name not in ("id", "created_at")
    }
    change.tx.execute(upsert(change.tx, profiles, {**own, "id": change.id, "updated_at": now()}, ["id"]))


class PasswordHash(str):
    """A password that was hashed already: what a client sends is never one."""

    __slots__ = ()


def clear_the_way(change: Change) -> None:
    """With ``force``, take the person out of everything that would keep him.

    Source: contracts/production.md, 5.2
    """
    if not change.force:
        return
    tx, person_id = change.tx, change.id
    table = METADATA.tables
    comments = table["production_comment"]
    written = sa.select(comments.c.id).where(comments.c.person_id == person_id)
    for name, column in (
        ("production_news", "comment_id"),
        ("production_notification", "comment_id"),
        ("production_attachment_file", "comment_id"),
    ):
        tx.execute(table[name].delete().where(table[name].c[column].in_(written)))
    for name, columns in _GOES_WITH_THE_PERSON.items():
        for column in columns:
            tx.execute(table[name].delete().where(table[name].c[column] == person_id))
    for name, column in _LOSES_THE_PERSON:
        tx.execute(table[name].update().where(table[name].c[column] == person_id).values({column: None}))


_GOES_WITH_THE_PERSON: Final = {
    "production_comment_acknoledgments": ("person",),
    "production_comment_mentions": ("person",),
    "production_notification": ("person_id", "author_id"),
    "production_news": ("author_id",),
    "production_comment": ("person_id",),
    "production_api_event": ("user_id",),
    "production_search_filter": ("person_id",),
    "production_search_filter_group": ("person_id",),
    "production_login_log": ("person_id",),
    "production_desktop_login_log": ("person_id",),
    "production_subscription": ("person_id",),
    "production_time_spent": ("person_id",),
    "production_project_person_link": ("person_id",),
    "production_task_person_link": ("person_id",),
    "production_department_link": ("person_id",),
}
_LOSES_THE_PERSON: Final = (
    ("production_preview_file", "person_id"),
    ("production_working_file", "person_id"),
    ("production_output_file", "person_id"),
    ("production_task", "assigner_id"),
    ("production_entity", "created_by"),
    ("production_comment", "editor_id"),
)
