"""Persons where the generic routes are not enough: their passwords are hashed, and bots get a token once.

Source: contracts/production.md, 1.5, 5.4
"""

from typing import Any, Final

import msgspec

from tessera.identity import Identity, check_new_password
from tessera.kernel.access import Principal
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Invalid
from tessera.kernel.http import Response, Route, post, put
from tessera.kernel.resource_changes import create, update
from tessera.kernel.resource_routes import members, shapes
from tessera.kernel.resource_values import path_id
from tessera.production.access import ANYONE, Role
from tessera.production.people import PERSON
from tessera.production.people_rules import PasswordHash
from tessera.production.routes.entities import reply

_TAGS: Final = ("persons",)


async def create_person(db: Database, identity: Identity, principal: Principal, body: Any) -> Response:
    """Create a person. A bot's answer has its token, once."""
    given = dict(members(body))
    password = given.pop("password", None)
    if password is not None:
        if not isinstance(password, str):
            raise Invalid("password must be a text", field="password", code="format")
        check_new_password(password)
        given["password"] = PasswordHash(await identity.hash_password(password))
    return reply(await db.write(_create, identity, principal, given), 201)


def _create(tx: Tx, identity: Identity, principal: Principal, given: dict[str, Any]) -> bytes:
    answer = create(tx, PERSON, principal, given)
    return _with_token(tx, identity, principal, answer) if given.get("is_bot") is True else answer


async def update_person(
    db: Database, identity: Identity, principal: Principal, instance_id: str, body: Any
) -> Response:
    """Change a person. A bot whose end of life changes gets a new token, in the answer, once."""
    return reply(await db.write(_update, identity, principal, path_id(instance_id), dict(members(body))))


def _update(tx: Tx, identity: Identity, principal: Principal, person_id: str, given: dict[str, Any]) -> bytes:
    answer = update(tx, PERSON, principal, person_id, given)
    if "expiration_date" in given and msgspec.json.decode(answer)["is_bot"]:
        return _with_token(tx, identity, principal, answer)
    return answer


def _with_token(tx: Tx, identity: Identity, principal: Principal, answer: bytes) -> bytes:
    bot = msgspec.json.decode(answer)
    token = identity.make_bot_token(tx, bot["id"], expires_on=bot["expiration_date"], by=principal)
    return msgspec.json.encode({**bot, "access_token": token})


ROUTES: Final[list[Route]] = [
    post(
        "/data/persons",
        create_person,
        least=Role.ADMIN,
        status=201,
        errors=(400, 401, 403, 422),
        tags=_TAGS,
        documented=lambda: shapes(PERSON, "create"),
    ),
    put(
        "/data/persons/{instance_id}",
        update_person,
        least=ANYONE,
        errors=(400, 401, 403, 404, 422),
        tags=_TAGS,
        documented=lambda: shapes(PERSON, "update"),
    ),
]
