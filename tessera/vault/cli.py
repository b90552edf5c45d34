"""The commands `tessera vault ...` and `tessera sql`: the vault's users, with or without a running server.

Source: contracts/vault.md, 1.4
"""

import sys
from typing import Annotated

from cyclopts import App, Parameter

from tessera.identity.cli import hash_now, open_database, read_password
from tessera.kernel.errors import Invalid
from tessera.vault import users
from tessera.vault.users import PASSWORD_LENGTH, NewUser

vault = App(name="vault", help="Users of the vault: technical users, groups, passwords, tokens.")
sql = App(name="sql", help="Run SELECT dvb_core.f_create_user(...), the one statement that makes a user.")

DataDir = Annotated[str | None, Parameter(help="Folder of the embedded databases and files.")]
PasswordStdin = Annotated[bool, Parameter(help="Read the password from standard input, up to the first line break.")]
Group = Annotated[str, Parameter(help="dvb_admin, dvb_user, dvb_user_readonly or dvb_operations.")]


@vault.command(name="create-user")
def create_user(
    name: str,
    *,
    group: Group,
    password_stdin: PasswordStdin,
    email: str = "",
    text: Annotated[str, Parameter(help="What the user is for.")] = "",
    db_user: Annotated[str, Parameter(help="The user of the database that it stands for.")] = "",
    non_expiring_token: Annotated[bool, Parameter(help="Its log-in gives one token without an end.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Make a technical user: a role for a program."""
    users.check_group(group)
    password = _password(password_stdin)
    user = NewUser(name, email or None, password, group, text or None, db_user or None, non_expiring_token)
    _create(user, data_dir)


@vault.command(name="alter-user")
def alter_user(
    name: str,
    *,
    group: Group | None = None,
    email: str | None = None,
    text: str | None = None,
    db_user: str | None = None,
    enable: Annotated[bool, Parameter(help="Let a disabled user in again.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Change a user's group, e-mail, text or database user. After a change of group its tokens are dead."""
    with open_database(data_dir) as db:
        changes = {"usergroup": group, "email": email, "user_text": text, "pg_user": db_user}
        db.write_now(users.alter, name, by=None, is_active=True if enable else None, **changes)


@vault.command(name="disable-user")
def disable_user(name: str, *, data_dir: DataDir = None) -> None:
    """Let a user in no more; its tokens are dead at once."""
    with open_database(data_dir) as db:
        db.write_now(users.alter, name, by=None, is_active=False)


@vault.command(name="list-users")
def list_users(*, data_dir: DataDir = None) -> None:
    """Show everyone with a group: name, group, state, e-mail, whether the token ends, text."""
    with open_database(data_dir) as db:
        for user in db.read_now(users.list_users):
            state = "active" if user.is_active else "disabled"
            token = "non-expiring" if user.non_expiring_token else "expiring"
            print("\t".join((user.username, user.usergroup or "-", state, user.email or "-", token, user.user_text)))


@vault.command(name="set-password")
def set_password(name: str, *, password_stdin: PasswordStdin, data_dir: DataDir = None) -> None:
    """Set a new password."""
    hashed = hash_now(_password(password_stdin))
    with open_database(data_dir) as db:
        db.write_now(users.change_password, name, hashed, by=None)


@vault.command(name="revoke-tokens")
def revoke_tokens(name: str, *, data_dir: DataDir = None) -> None:
    """End all tokens of a user, the one without an end too."""
    with open_database(data_dir) as db:
        db.write_now(users.revoke_tokens, name, by=None)


@sql.default
def run_statement(
    statement: Annotated[str | None, Parameter(help="The statement; without it, standard input is read.")] = None,
    *,
    data_dir: DataDir = None,
) -> None:
    """Run ``SELECT dvb_core.f_create_user('name', 'e-mail', 'password', 'group', 'text', NULL, TRUE)``.

    Arguments may be given by name: ``non_expiring_token => TRUE``. From input the password stays out of the list of
    processes.
    """
    text = sys.stdin.read() if statement is None else statement
    user = users.parse_create_user(text)
    users.check_group(user.usergroup)
    _create(user, data_dir)


def _create(user: NewUser, data_dir: str | None) -> None:
    from tessera.identity import check_new_password

    check_new_password(user.password, minimum=PASSWORD_LENGTH)
    hashed = hash_now(user.password)
    with open_database(data_dir) as db:
        print(db.write_now(users.create, user, hashed, by=None))


def _password(password_stdin: bool) -> str:
    if not password_stdin:
        raise Invalid("give --password-stdin and the password on standard input")
    return read_password(minimum=PASSWORD_LENGTH)
