"""The vault's users: the technical user of the seed, groups, and the one SQL statement that makes a user.

People and technical users are identity's; only the database user, which no other package knows, is kept here.
Source: contracts/vault.md, 1.4 and 3.10
"""

from typing import Annotated, Any, Final

import sqlglot
from msgspec import Meta, Struct, convert
from msgspec import ValidationError as ShapeError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tessera.identity import (
    ROLE_WORDS,
    create_technical_user,
    find_by_username,
    revoke_signed_tokens,
    set_password,
    set_role,
    update_person,
)
from tessera.kernel.access import Principal
from tessera.kernel.errors import Invalid, NotFound
from tessera.kernel.tx import Tx
from tessera.vault import users_store as store
from tessera.vault.groups_model import PACKAGE_NAME

PASSWORD_LENGTH: Final = 12
"""Least characters of a user's password."""
_LONGEST_STATEMENT: Final = 20_000

Short = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=10_000)]


class NewUser(Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of ``f_create_user``, in the function's own order."""

    username: Short
    email: Annotated[str, Meta(max_length=320)] | None
    password: Annotated[str, Meta(min_length=1, max_length=1024)]
    usergroup: Short
    user_text: Text | None = None
    pg_user: Annotated[str, Meta(max_length=63)] | None = None
    non_expiring_token: bool | None = False


class ShownUser(Struct, frozen=True):
    """A user as the administration routes show it."""

    username: str
    email: str | None
    usergroup: str | None
    user_text: str
    pg_user: str | None
    kind: str
    is_active: bool
    non_expiring_token: bool


def create(tx: Tx, user: NewUser, password_hash: str, *, by: Principal | None) -> str:
    """Make a technical user with a group; returns its id. Hash the password before.

    Raises:
        Invalid: an unknown group, a malformed name.
        Conflict: the name is taken.
        Forbidden: ``by`` may not give the group.
    """
    check_group(user.usergroup)
    made = create_technical_user(
        tx,
        username=user.username,
        email=user.email or None,
        password_hash=password_hash,
        roles={PACKAGE_NAME: group_word(user.usergroup)},
        non_expiring_token=bool(user.non_expiring_token),
        note=user.user_text or "",
        by=by,
    )
    if user.pg_user:
        store.put_database_user(tx, made, user.pg_user)
    return made


def alter(
    tx: Tx,
    username: str,
    *,
    by: Principal | None,
    email: str | None = None,
    usergroup: str | None = None,
    user_text: str | None = None,
    pg_user: str | None = None,
    is_active: bool | None = None,
) -> None:
    """Change what is given. A user that moves to another group has to log in again.

    Raises:
        NotFound: there is no such user of the vault.
        Invalid: an unknown group.
        Forbidden: the user has rights that ``by`` has not.
    """
    user_id = id_of(tx, username)
    if usergroup is not None:
        check_group(usergroup)
        set_role(tx, user_id, PACKAGE_NAME, group_word(usergroup), by=by)
    changes: dict[str, Any] = {}
    if email is not None:
        changes["email"] = email
    if user_text is not None:
        changes["note"] = user_text
    if is_active is not None:
        changes["is_active"] = is_active
    if changes:
        update_person(tx, user_id, by=by, **changes)
    if pg_user is not None:
        store.put_database_user(tx, user_id, pg_user or None)


def change_password(tx: Tx, username: str, password_hash: str, *, by: Principal | None) -> None:
    """Replace a user's password.

    Raises:
        NotFound: there is no such user.
        Forbidden: the user has rights that ``by`` has not.
    """
    set_password(tx, id_of(tx, username), password_hash, by=by)


def revoke_tokens(tx: Tx, username: str, *, by: Principal | None) -> None:
    """End all tokens of a user, the one without an end too.

    Raises:
        NotFound: there is no such user.
        Forbidden: the user has rights that ``by`` has not.
    """
    revoke_signed_tokens(tx, id_of(tx, username), by=by)


def read(tx: Tx, username: str) -> ShownUser:
    """One user.

    Raises:
        NotFound: there is no such user of the vault.
    """
    found = list_users(tx, username=username)
    if not found:
        raise NotFound(f"there is no user {username}")
    return found[0]


def list_users(tx: Tx, *, username: str | None = None) -> list[ShownUser]:
    """Everyone with a group in the vault, by name."""
    return [ShownUser(**row._mapping) for row in store.page(tx, username=username)]


def id_of(tx: Tx, username: str) -> str:
    """The principal's id.

    Raises:
        NotFound: there is no user of that name.
    """
    row = find_by_username(tx, username)
    if row is None:
        raise NotFound(f"there is no user {username}")
    return str(row.id)


def check_group(word: str) -> None:
    """Refuse words that are no group.

    Raises:
        Invalid: with the words that would be right.
    """
    groups = (*ROLE_WORDS[PACKAGE_NAME], "dvb_dev")
    if word not in groups:
        raise Invalid(f"usergroup must be one of {', '.join(groups)}; got {word[:80]!r}", field="usergroup")


def group_word(word: str) -> str:
    """``dvb_dev``, which stands in one old example only, is read as ``dvb_user``."""
    return "dvb_user" if word == "dvb_dev" else word


def parse_create_user(statement: str) -> NewUser:
    """Read ``SELECT dvb_core.f_create_user(...)``: literals only, positional or ``name => value``.

    The statement is parsed, never run. Source: contracts/vault.md, 1.4

    Raises:
        Invalid: another statement, an unknown or doubled argument, or something that is no literal.
    """
    if len(statement) > _LONGEST_STATEMENT or "\0" in statement:
        raise Invalid("the statement is too long, or has U+0000 in it", code="42601")
    try:
        parsed = sqlglot.parse(statement, dialect="postgres")
    except (SqlglotError, RecursionError) as error:
        raise Invalid(f"the statement cannot be read: {str(error).splitlines()[0]}", code="42601") from None
    trees = [tree for tree in parsed if tree is not None]
    called = _the_call(trees[0]) if len(trees) == 1 else None
    if called is None:
        raise Invalid(
            "this command runs one form of statement only: SELECT dvb_core.f_create_user('name', 'e-mail', 'password', "
            "'group', 'text', NULL, TRUE)",
            code="42601",
        )
    names = NewUser.__struct_fields__
    given: dict[str, Any] = {}
    for place, argument in enumerate(called.expressions):
        name, value = _named(argument, names[place] if place < len(names) else None, seen_named=len(given) != place)
        if name not in names:
            raise Invalid(f"f_create_user has no argument {name!r}; it has {', '.join(names)}", field=name)
        if name in given:
            raise Invalid(f"argument {name} is given twice", field=name)
        given[name] = value
    given.setdefault("email", None)
    try:
        return convert(given, NewUser)
    except ShapeError as error:
        raise Invalid(f"f_create_user: {error}", code="22023") from None


def _the_call(tree: exp.Expr) -> exp.Anonymous | None:
    """The call, if the statement is nothing but it."""
    if not isinstance(tree, exp.Select):
        return None
    if any(value for name, value in tree.args.items() if name not in ("expressions", "kind", "hint")):
        return None
    if len(tree.expressions) != 1:
        return None
    dotted = tree.expressions[0]
    if not isinstance(dotted, exp.Dot) or not isinstance(dotted.expression, exp.Anonymous):
        return None
    if dotted.this.name.lower() != "dvb_core" or dotted.expression.name.lower() != "f_create_user":
        return None
    return dotted.expression


def _named(argument: exp.Expr, name: str | None, *, seen_named: bool) -> tuple[str, Any]:
    if isinstance(argument, exp.Kwarg | exp.PropertyEQ):
        return argument.this.name.lower(), _literal(argument.expression)
    if name is None:
        raise Invalid("f_create_user takes at most seven arguments", code="42601")
    if seen_named:
        raise Invalid("a positional argument cannot follow a named one", code="42601")
    return name, _literal(argument)


def _literal(value: exp.Expr) -> Any:
    if isinstance(value, exp.Literal) and value.is_string:
        return value.this
    if isinstance(value, exp.Null):
        return None
    if isinstance(value, exp.Boolean):
        return bool(value.this)
    raise Invalid(f"an argument must be a text, NULL, TRUE or FALSE; got {value.sql()[:80]}", code="42601")
