"""The commands `tessera admin`, `tessera user` and `tessera token`: they open the metadata database themselves.

They work with or without a running server on the same data; what they change counts in the server from the next request
on. Whoever may run them owns the machine, so no credential is asked.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from cyclopts import App, Parameter

from tessera.identity import people, principals, tokens, views
from tessera.identity.passwords import Passwords, check_new_password
from tessera.identity.roles import ROLE_WORDS
from tessera.kernel import schema
from tessera.kernel.db import Database
from tessera.kernel.errors import Invalid, NotFound
from tessera.kernel.tx import Tx
from tessera.settings import load

P = ParamSpec("P")
T = TypeVar("T")

admin = App(name="admin", help="Administrators of the whole installation.")
user = App(name="user", help="People and technical users.")
token = App(name="token", help="Opaque tokens.")

DataDir = Annotated[str | None, Parameter(help="Folder of the embedded databases and files.")]
PasswordStdin = Annotated[bool, Parameter(help="Read the password from standard input, up to the first line break.")]
Roles = Annotated[list[str] | None, Parameter(help="A role, as PACKAGE=ROLE; may be given several times.")]


@contextmanager
def open_database(data_dir: str | None = None) -> Iterator[Database]:
    """The metadata database of this installation at its newest revision; other rooms' commands use it too."""
    db = Database(load(data_dir=data_dir).metadata_url)
    try:
        schema.migrate(db)
        yield db
    finally:
        db.close()


def read_password(*, minimum: int) -> str:
    """The first line of standard input, as a new password.

    Raises:
        Invalid: it is too short or too long.
    """
    password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    check_new_password(password, minimum=minimum)
    return password


def hash_now(password: str) -> str:
    """Hash a password in a command."""
    passwords = Passwords()
    try:
        return passwords.hash_now(password)
    finally:
        passwords.close()


@admin.command(name="create")
def create_administrator(*, email: str, username: str, password_stdin: PasswordStdin, data_dir: DataDir = None) -> None:
    """Make an administrator, who has the most powerful role in every package."""
    hashed = hash_now(_given_password(password_stdin, minimum=8))
    made = _write(
        data_dir,
        people.create_person,
        email=email,
        username=username,
        password_hash=hashed,
        is_administrator=True,
        by=None,
    )
    print(made)


@user.command(name="create")
def create_user(
    username: str,
    *,
    password_stdin: PasswordStdin,
    email: str | None = None,
    role: Roles = None,
    technical: Annotated[bool, Parameter(help="A role for a program instead of a person.")] = False,
    non_expiring_token: Annotated[
        bool, Parameter(help="Technical users: vault's log-in gives one token for good.")
    ] = False,
    first_name: str = "",
    last_name: str = "",
    note: str = "",
    data_dir: DataDir = None,
) -> None:
    """Make a person, or with --technical a technical user."""
    if non_expiring_token and not technical:
        raise Invalid("--non-expiring-token is for technical users: give --technical too")
    hashed = hash_now(_given_password(password_stdin, minimum=12 if technical else 8))
    roles = _roles(role)
    if technical:
        made = _write(
            data_dir,
            people.create_technical_user,
            username=username,
            email=email,
            password_hash=hashed,
            roles=roles,
            non_expiring_token=non_expiring_token,
            note=note,
            by=None,
        )
    else:
        made = _write(
            data_dir,
            people.create_person,
            username=username,
            email=email,
            first_name=first_name,
            last_name=last_name,
            password_hash=hashed,
            roles=roles,
            by=None,
        )
    print(made)


@user.command(name="list")
def list_users(*, search: str = "", data_dir: DataDir = None) -> None:
    """Show people and technical users: user name, kind, state, e-mail, roles."""
    with open_database(data_dir) as db:
        after: str | None = None
        while True:
            items, _ = db.read_now(views.page, kinds=("person", "technical"), search=search, after=after)
            for item in items:
                state = "active" if item.is_active else "disabled"
                rights = (
                    "administrator" if item.is_administrator else " ".join(f"{k}={v}" for k, v in item.roles.items())
                )
                print(f"{item.username}\t{item.kind}\t{state}\t{item.email or '-'}\t{rights or '-'}")
            if len(items) < views.PAGE_LIMIT:
                return
            after = items[-1].username


@user.command(name="disable")
def disable_user(username: str, *, data_dir: DataDir = None) -> None:
    """Deactivate an account: its tokens and sessions end at once."""
    _write(data_dir, _change, username, lambda tx, found: people.update_person(tx, found, is_active=False, by=None))


@user.command(name="enable")
def enable_user(username: str, *, data_dir: DataDir = None) -> None:
    """Activate an account again."""
    _write(data_dir, _change, username, lambda tx, found: people.update_person(tx, found, is_active=True, by=None))


@user.command(name="set-role")
def set_role(
    username: str,
    package: str,
    role: Annotated[str, Parameter(help="A role word of the package, or `none`.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Give an account its one role in a package, or take it away with `none`."""
    word = None if role == "none" else role
    _write(data_dir, _change, username, lambda tx, found: people.set_role(tx, found, package, word, by=None))


@user.command(name="set-password")
def set_password(username: str, *, password_stdin: PasswordStdin, data_dir: DataDir = None) -> None:
    """Set a new password; the account's console sessions end."""
    hashed = hash_now(_given_password(password_stdin, minimum=8))
    _write(data_dir, _change, username, lambda tx, found: people.set_password(tx, found, hashed, by=None))


@user.command(name="revoke-tokens")
def revoke_tokens(username: str, *, data_dir: DataDir = None) -> None:
    """End all signed tokens of an account; its next log-in gives a new string."""
    _write(data_dir, _change, username, lambda tx, found: people.revoke_signed_tokens(tx, found, by=None))


@token.command(name="create")
def create_token(
    username: str,
    name: str,
    *,
    description: str = "",
    scope: Annotated[
        list[str] | None, Parameter(help="PACKAGE:read, :write or :admin; none: all of its packages.")
    ] = None,
    expires_at: Annotated[str | None, Parameter(help="An instant such as 2027-01-31T00:00:00Z; none: no end.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a token of a person or technical user and print its secret, this once."""
    made = _write(data_dir, _create_token, username, name, description, scope, expires_at)
    print(made)


@token.command(name="list")
def list_tokens(*, search: str = "", with_ended: bool = False, data_dir: DataDir = None) -> None:
    """Show tokens: id, beginning, state, kind, owner, name, scopes."""
    with open_database(data_dir) as db:
        after: str | None = None
        while True:
            records = db.read_now(tokens.list_tokens, search=search, with_ended=with_ended, after=after)
            for record in records:
                words = (record.id, record.prefix, record.state, record.kind, record.owner_name, record.name)
                print("\t".join((*words, " ".join(record.scopes))))
            if len(records) < views.PAGE_LIMIT:
                return
            after = records[-1].id


@token.command(name="revoke")
def revoke_token(token_id: str, *, data_dir: DataDir = None) -> None:
    """End a token from the next request on."""
    _write(data_dir, tokens.revoke_token, token_id, by=None)


def _given_password(password_stdin: bool, *, minimum: int) -> str:
    if not password_stdin:
        raise Invalid("give --password-stdin and the password on standard input")
    return read_password(minimum=minimum)


def _roles(words: list[str] | None) -> dict[str, str]:
    roles = {}
    for word in words or []:
        package, found, role = word.partition("=")
        if not found or package not in ROLE_WORDS:
            raise Invalid(f"--role must be PACKAGE=ROLE with PACKAGE one of {', '.join(ROLE_WORDS)}; got {word!r}")
        roles[package] = role
    return roles


def _write(data_dir: str | None, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    with open_database(data_dir) as db:
        return db.write_now(function, *args, **kwargs)


def _change(tx: Tx, username: str, change: Callable[[Tx, str], Any]) -> None:
    row = principals.find_by_username(tx, username)
    if row is None:
        raise NotFound(f"there is no user {username}")
    change(tx, row.id)


def _create_token(
    tx: Tx, username: str, name: str, description: str, scopes: list[str] | None, expires_at: str | None
) -> str:
    row = principals.find_by_username(tx, username)
    if row is None:
        raise NotFound(f"there is no user {username}")
    _, secret = tokens.create_token(
        tx,
        owner=principals.to_principal(tx, row),
        kind="personal",
        name=name,
        description=description,
        scopes=None if scopes is None else frozenset(scopes),
        expires_at=expires_at,
        by=None,
    )
    return secret
