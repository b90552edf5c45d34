"""Administration of the vault's users.

Source: contracts/vault.md, 3.10
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from tessera.identity import Identity, check_new_password
from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.http import get, patch, post
from tessera.kernel.http.route import delete
from tessera.vault import users
from tessera.vault.groups_model import ADMINISTER
from tessera.vault.users import PASSWORD_LENGTH, NewUser, ShownUser


class UserChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a user; what is left out stays."""

    email: Annotated[str, Meta(max_length=320)] | None = None
    usergroup: str | None = None
    user_text: Annotated[str, Meta(max_length=10_000)] | None = None
    pg_user: Annotated[str, Meta(max_length=63)] | None = None
    is_active: bool | None = None


class NewPassword(Struct, frozen=True, forbid_unknown_fields=True):
    """A new password."""

    password: Annotated[str, Meta(max_length=1024)]


async def list_users(db: Database) -> dict[str, list[ShownUser] | None]:
    """Everyone with a group."""
    return {"items": await db.read(users.list_users), "next": None}


async def read_user(username: str, db: Database) -> ShownUser:
    """One user."""
    return await db.read(users.read, username)


async def create_user(body: NewUser, db: Database, identity: Identity, principal: Principal) -> ShownUser:
    """Make a technical user."""
    users.check_group(body.usergroup)
    check_new_password(body.password, minimum=PASSWORD_LENGTH)
    hashed = await identity.hash_password(body.password)
    await db.write(users.create, body, hashed, by=principal)
    return await db.read(users.read, body.username)


async def change_user(username: str, body: UserChange, db: Database, principal: Principal) -> ShownUser:
    """Change a user's group, e-mail, text, database user or activity."""
    changes = {name: getattr(body, name) for name in body.__struct_fields__}
    await db.write(users.alter, username, by=principal, **changes)
    return await db.read(users.read, username)


async def disable_user(username: str, db: Database, principal: Principal) -> None:
    """Let a user in no more. The account stays, so that logs keep its name."""
    await db.write(users.alter, username, by=principal, is_active=False)


async def set_password(
    username: str, body: NewPassword, db: Database, identity: Identity, principal: Principal
) -> None:
    """Set a user's password."""
    check_new_password(body.password, minimum=PASSWORD_LENGTH)
    hashed = await identity.hash_password(body.password)
    await db.write(users.change_password, username, hashed, by=principal)


async def revoke_tokens(username: str, db: Database, principal: Principal) -> None:
    """End all tokens of a user."""
    await db.write(users.revoke_tokens, username, by=principal)


ROUTES: Final = [
    get("/users", list_users, least=ADMINISTER),
    post("/users", create_user, least=ADMINISTER, status=201),
    get("/users/{username}", read_user, least=ADMINISTER),
    patch("/users/{username}", change_user, least=ADMINISTER),
    delete("/users/{username}", disable_user, least=ADMINISTER, status=204),
    post("/users/{username}/password", set_password, least=ADMINISTER, status=204),
    post("/users/{username}/revoke-tokens", revoke_tokens, least=ADMINISTER, status=204),
    post("/rpc/f_create_user", create_user, least=ADMINISTER),
]
