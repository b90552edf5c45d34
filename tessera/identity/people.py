"""People, technical users, integrations and bots: who exists, what may be changed about them and by whom.

Every function runs in the caller's transaction. ``by`` is the acting principal; None is the command line, which
whoever owns the machine may use.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from msgspec import UNSET, Struct, UnsetType

from tessera.identity.model import FAILURES, PRINCIPALS, RETIRED_NAMES, ROLES, SESSIONS
from tessera.identity.principals import Found, effective_roles, find_by_id, key_of, roles_of
from tessera.identity.roles import check_may_grant, may_govern
from tessera.identity.throttle import principal_subject
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import Tx, upsert
from tessera.kernel.errors import Conflict, Forbidden, Invalid, NotFound

EPOCH: Final = "identity"
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,255}")
_USERNAME = re.compile(r"[^\s\x00-\x1f]{1,255}")


class _Rights(Struct, frozen=True):
    roles: Mapping[str, str]
    is_administrator: bool


def create_person(
    tx: Tx,
    *,
    email: str | None,
    username: str | None = None,
    first_name: str = "",
    last_name: str = "",
    desktop_login: str | None = None,
    password_hash: str | None = None,
    roles: Mapping[str, str] | None = None,
    is_administrator: bool = False,
    is_active: bool = True,
    principal_id: str | None = None,
    by: Principal | None,
) -> str:
    """Make a person and return the id. Without a user name the e-mail is one; without a password nobody signs in.

    Raises:
        Conflict: the e-mail or user name belongs to somebody else (field names which).
        Invalid: a malformed e-mail or user name, or a role that its package does not know.
        Forbidden: ``by`` may not give one of the roles, or is no administrator and wants to make one.
    """
    return _create(
        tx,
        "person",
        by=by,
        principal_id=principal_id,
        username=username,
        email=email,
        signs_in_by_email=True,
        first_name=first_name,
        last_name=last_name,
        desktop_login=desktop_login,
        password_hash=password_hash,
        roles=roles or {},
        is_administrator=is_administrator,
        is_active=is_active,
    )


def create_technical_user(
    tx: Tx,
    *,
    username: str,
    password_hash: str | None,
    email: str | None = None,
    roles: Mapping[str, str] | None = None,
    non_expiring_token: bool = False,
    note: str = "",
    by: Principal | None,
) -> str:
    """Make a technical user (a role for a program) and return the id; ``non_expiring_token`` is vault's seed.

    The e-mail is where its keeper is reached; it is no log-in name, so several may share one.

    Raises:
        Conflict: the user name is taken.
        Invalid: a malformed user name or unknown role.
        Forbidden: ``by`` may not give one of the roles.

    Source: contracts/vault.md, 1.4
    """
    return _create(
        tx,
        "technical",
        by=by,
        username=username,
        email=email,
        password_hash=password_hash,
        roles=roles or {},
        non_expiring_token=non_expiring_token,
        note=note,
    )


def create_bot(
    tx: Tx,
    *,
    first_name: str,
    last_name: str,
    email: str | None = None,
    roles: Mapping[str, str] | None = None,
    principal_id: str | None = None,
    by: Principal | None,
) -> str:
    """Make a bot of the tracker and return the id. Many bots may share an e-mail; a bot never signs in.

    Raises:
        Forbidden: ``by`` may not give one of the roles.

    Source: contracts/production.md, 1.5
    """
    return _create(
        tx,
        "bot",
        by=by,
        principal_id=principal_id,
        email=email,
        first_name=first_name,
        last_name=last_name,
        roles=roles or {},
    )


def create_integration(tx: Tx, *, name: str, roles: Mapping[str, str], by: Principal | None) -> str:
    """Make an integration, which belongs to the whole installation and to no person; returns the id.

    Raises:
        Forbidden: ``by`` may not give one of the roles.

    Source: contracts/catalog.md, 2
    """
    return _create(tx, "integration", by=by, first_name=name, roles=roles)


def _create(
    tx: Tx,
    kind: str,
    *,
    by: Principal | None,
    roles: Mapping[str, str],
    principal_id: str | None = None,
    username: str | None = None,
    email: str | None = None,
    signs_in_by_email: bool = False,
    first_name: str = "",
    last_name: str = "",
    desktop_login: str | None = None,
    password_hash: str | None = None,
    is_administrator: bool = False,
    is_active: bool = True,
    non_expiring_token: bool = False,
    note: str = "",
) -> str:
    if is_administrator and by is not None and not by.is_administrator:
        raise Forbidden("only an administrator may make an administrator", field="isAdministrator")
    for package, role in roles.items():
        check_may_grant(by, package, role, None)
    principal_id = principal_id or new_id()
    email = _checked_email(email)
    username = _checked_username(username or email or f"{kind}-{principal_id[:13]}", email)
    _check_free(tx, username=username, login_email=email if signs_in_by_email else None)
    _check_text(first_name=first_name, last_name=last_name, note=note)
    at = now()
    retired = sa.select(RETIRED_NAMES.c.next_token_version).where(RETIRED_NAMES.c.username_key == key_of(username))
    tx.execute(
        PRINCIPALS.insert().values(
            id=principal_id,
            kind=kind,
            username=username,
            username_key=key_of(username),
            email=email,
            login_email=email if signs_in_by_email else None,
            first_name=first_name,
            last_name=last_name,
            desktop_login=desktop_login or None,
            is_active=is_active,
            is_administrator=is_administrator,
            password_hash=password_hash,
            non_expiring_token=non_expiring_token,
            token_version=tx.scalar(retired) or 0,
            note=note,
            created_at=at,
            updated_at=at,
        )
    )
    if roles:
        tx.execute(
            ROLES.insert(),
            [{"principal_id": principal_id, "package": package, "role": role} for package, role in roles.items()],
        )
    events.record(
        tx,
        f"identity.{kind}.created",
        package="identity",
        by=by,
        of=principal_id,
        data={"username": username, "roles": dict(roles), "is_administrator": is_administrator},
    )
    return principal_id


def update_person(
    tx: Tx,
    principal_id: str,
    *,
    by: Principal | None,
    email: str | UnsetType | None = UNSET,
    username: str | UnsetType = UNSET,
    first_name: str | UnsetType = UNSET,
    last_name: str | UnsetType = UNSET,
    desktop_login: str | UnsetType | None = UNSET,
    is_active: bool | UnsetType = UNSET,
    is_administrator: bool | UnsetType = UNSET,
    note: str | UnsetType = UNSET,
) -> None:
    """Change what is given of a principal of any kind. Whether ``by`` may reach the route at all is the route's word.

    Names by which one signs in, activity and the administrator's flag are guarded besides: who may change them could
    act as that principal, so ``by`` must hold every right that it has.

    Raises:
        NotFound: no such principal.
        Conflict: the e-mail or user name belongs to somebody else, or this is the last active administrator.
        Forbidden: the change would give ``by`` rights that it has not.
    """
    row, rights = _read(tx, principal_id)
    changes: dict[str, Any] = {}
    if not isinstance(email, UnsetType) and _checked_email(email) != row.email:
        changes["email"] = _checked_email(email)
        if row.kind == "person":
            changes["login_email"] = changes["email"]
        if row.username_key == row.email and isinstance(username, UnsetType):
            # A person made without a user name signs in with the e-mail, before and after this change.
            username = changes["email"] or f"{row.kind}-{principal_id[:13]}"
    if not isinstance(username, UnsetType) and username != row.username:
        changes["username"] = _checked_username(username, changes.get("email", row.email))
        changes["username_key"] = key_of(username)
    if not isinstance(desktop_login, UnsetType) and (desktop_login or None) != row.desktop_login:
        changes["desktop_login"] = desktop_login or None
    if not isinstance(is_active, UnsetType) and is_active != row.is_active:
        changes["is_active"] = is_active
    if not isinstance(is_administrator, UnsetType) and is_administrator != row.is_administrator:
        if by is not None and not by.is_administrator:
            raise Forbidden("only an administrator may make or unmake one", field="isAdministrator")
        changes["is_administrator"] = is_administrator
    is_self = by is not None and by.id == principal_id
    if changes and not is_self and not may_govern(by, rights):
        raise Forbidden(
            "this account has rights that the caller has not: it may not be changed so", field=_first(changes)
        )
    for name, value in (("first_name", first_name), ("last_name", last_name), ("note", note)):
        if not isinstance(value, UnsetType) and value != getattr(row, name):
            _check_text(**{name: value})
            changes[name] = value
    if not changes:
        return
    if changes.get("is_active") is False or changes.get("is_administrator") is False:
        _keep_one_administrator(tx, row)
    if changes.get("is_active") is False:
        tx.execute(sa.delete(SESSIONS).where(SESSIONS.c.principal_id == principal_id))
        if row.kind == "person":
            # Tokens from before do not come back with the account (contracts/production.md, 1.3).
            changes["token_version"] = row.token_version + 1
    _check_free(tx, username=changes.get("username"), login_email=changes.get("login_email"), other_than=principal_id)
    if "username" in changes:
        _retire_name(tx, row)
        changes["token_version"] = max(row.token_version, changes.get("token_version", 0)) + 1
    tx.execute(PRINCIPALS.update().where(PRINCIPALS.c.id == principal_id).values(**changes, updated_at=now()))
    shown = {
        name: value for name, value in changes.items() if name not in ("login_email", "username_key", "token_version")
    }
    events.record(tx, f"identity.{row.kind}.updated", package="identity", by=by, of=principal_id, data=shown)
    tx.bump(EPOCH)


def set_role(tx: Tx, principal_id: str, package: str, role: str | None, *, by: Principal | None) -> None:
    """Give a principal its one role in a package, or take it away (None).

    Raises:
        NotFound: no such principal.
        Invalid: unknown package or role.
        Forbidden: ``by`` is neither an administrator nor holds the most powerful role of that package.
    """
    _read(tx, principal_id)
    current = roles_of(tx, [principal_id])[principal_id].get(package)
    check_may_grant(by, package, role, current)
    if role == current:
        return
    here = (ROLES.c.principal_id == principal_id) & (ROLES.c.package == package)
    tx.execute(sa.delete(ROLES).where(here))
    if role is not None:
        tx.execute(ROLES.insert().values(principal_id=principal_id, package=package, role=role))
    events.record(
        tx,
        "identity.role.changed",
        package="identity",
        by=by,
        of=principal_id,
        data={"package": package, "from": current, "to": role},
    )
    tx.bump(EPOCH)


def set_password(tx: Tx, principal_id: str, password_hash: str, *, by: Principal | None) -> None:
    """Replace the password (hash it before with ``Identity.hash_password``); console sessions of the account end.

    Raises:
        NotFound: no such principal.
        Forbidden: somebody else's account, with rights that ``by`` has not.
    """
    _, rights = _read(tx, principal_id)
    if not (by is not None and by.id == principal_id) and not may_govern(by, rights):
        raise Forbidden(
            "this account has rights that the caller has not: its password may not be set", field="password"
        )
    tx.execute(
        PRINCIPALS.update().where(PRINCIPALS.c.id == principal_id).values(password_hash=password_hash, updated_at=now())
    )
    tx.execute(sa.delete(SESSIONS).where(SESSIONS.c.principal_id == principal_id))
    events.record(tx, "identity.password.changed", package="identity", by=by, of=principal_id, data={})
    tx.bump(EPOCH)


def revoke_signed_tokens(tx: Tx, principal_id: str, *, by: Principal | None) -> None:
    """End every signed token of a principal; later ones carry a version claim, so they are new strings.

    Raises:
        NotFound: no such principal.
        Forbidden: somebody else's account, with rights that ``by`` has not.

    Source: contracts/vault.md, 1.4 (`revoke-tokens`)
    """
    row, rights = _read(tx, principal_id)
    if not (by is not None and by.id == principal_id) and not may_govern(by, rights):
        raise Forbidden("this account has rights that the caller has not: its tokens may not be ended")
    changes = {"token_version": row.token_version + 1, "bot_jti": None, "updated_at": now()}
    tx.execute(PRINCIPALS.update().where(PRINCIPALS.c.id == principal_id).values(**changes))
    events.record(tx, "identity.signed_tokens.revoked", package="identity", by=by, of=principal_id, data={})
    tx.bump(EPOCH)


def set_bot_token(tx: Tx, bot_id: str, *, jti: str, expires_on: str | None, by: Principal | None) -> None:
    """Make ``jti`` the bot's only valid token; the one before ends.

    Raises:
        NotFound: no such bot.
        Forbidden: the bot has rights that ``by`` has not.

    Source: contracts/production.md, 1.3
    """
    row, rights = _read(tx, bot_id)
    if row.kind != "bot":
        raise NotFound(f"no bot {bot_id}")
    if not may_govern(by, rights):
        raise Forbidden("this bot has rights that the caller has not")
    changes = {"bot_jti": jti, "bot_expires_on": expires_on, "updated_at": now()}
    tx.execute(PRINCIPALS.update().where(PRINCIPALS.c.id == bot_id).values(**changes))
    events.record(tx, "identity.bot_token.made", package="identity", by=by, of=bot_id, data={"expires_on": expires_on})
    tx.bump(EPOCH)


def delete_principal(tx: Tx, principal_id: str, *, by: Principal | None) -> None:
    """Delete a principal with its roles, tokens and sessions. Its name may be given again, its tokens stay dead.

    Raises:
        NotFound: no such principal.
        Conflict: the last active administrator.
        Forbidden: the principal has rights that ``by`` has not, or is ``by`` itself.
    """
    row, rights = _read(tx, principal_id)
    if by is not None and by.id == principal_id:
        raise Forbidden("nobody may delete the own account")
    if not may_govern(by, rights):
        raise Forbidden("this account has rights that the caller has not: it may not be deleted")
    _keep_one_administrator(tx, row)
    _retire_name(tx, row)
    tx.execute(sa.delete(FAILURES).where(FAILURES.c.subject == principal_subject(principal_id)))
    tx.execute(sa.delete(PRINCIPALS).where(PRINCIPALS.c.id == principal_id))
    events.record(
        tx, f"identity.{row.kind}.deleted", package="identity", by=by, of=principal_id, data={"username": row.username}
    )
    tx.bump(EPOCH)


def _read(tx: Tx, principal_id: str) -> tuple[Found, _Rights]:
    row = find_by_id(tx, principal_id)
    if row is None:
        raise NotFound(f"no principal {principal_id}")
    return row, _Rights(effective_roles(row, roles_of(tx, [principal_id])[principal_id]), row.is_administrator)


def _keep_one_administrator(tx: Tx, row: Found) -> None:
    if not (row.is_administrator and row.is_active):
        return
    # Two administrators who unmake each other at once would each still see the other.
    tx.lock("identity administrators")
    others = sa.select(sa.func.count()).where(
        PRINCIPALS.c.is_administrator, PRINCIPALS.c.is_active, PRINCIPALS.c.id != row.id
    )
    if not tx.scalar(others):
        raise Conflict("this is the last active administrator: make another one first", field="isAdministrator")


def _retire_name(tx: Tx, row: Found) -> None:
    tx.execute(
        upsert(
            tx,
            RETIRED_NAMES,
            {"username_key": row.username_key, "next_token_version": row.token_version + 1},
            ["username_key"],
        )
    )


def _check_free(tx: Tx, *, username: str | None, login_email: str | None, other_than: str | None = None) -> None:
    """One name means one principal: a user name may not be somebody else's e-mail either."""
    # Without the lock two at once would both find the name free; the unique constraints are the last line.
    tx.lock("identity names")
    for value, field in ((username, "username"), (login_email, "email")):
        if value is None:
            continue
        key = key_of(value)
        taken = sa.select(PRINCIPALS.c.id).where((PRINCIPALS.c.username_key == key) | (PRINCIPALS.c.login_email == key))
        if other_than is not None:
            taken = taken.where(PRINCIPALS.c.id != other_than)
        if tx.scalar(taken.limit(1)) is not None:
            raise Conflict(f"{field} {value} is taken", field=field)


def _checked_email(email: str | None) -> str | None:
    if not email:
        return None
    email = key_of(email)
    if not _EMAIL.fullmatch(email):
        raise Invalid(f'email must look like name@example.com; got "{email}"', field="email")
    return email


def _checked_username(username: str, email: str | None) -> str:
    username = username.strip()
    if not _USERNAME.fullmatch(username):
        raise Invalid("username must have 1 to 255 characters and no blanks", field="username")
    if "@" in username and key_of(username) != email:
        # Otherwise one person's user name could be the e-mail by which another signs in.
        raise Invalid("a username with @ must be the account's own e-mail", field="username")
    return username


def _check_text(**texts: str) -> None:
    for name, text in texts.items():
        limit = 10_000 if name == "note" else 255
        if len(text) > limit or "\0" in text:
            raise Invalid(f"{name} must have at most {limit} characters and no NUL", field=name)


def _first(changes: Mapping[str, Any]) -> str:
    return next(iter(changes))
