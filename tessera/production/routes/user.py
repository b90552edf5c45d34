"""What is the caller's own.

Source: contracts/production.md, 6.15
"""

from typing import Final

from tessera.kernel.access import Principal
from tessera.kernel.db import Database
from tessera.kernel.errors import Forbidden
from tessera.kernel.http import Response, Route, get
from tessera.production import context
from tessera.production.access import ANYONE
from tessera.production.routes.entities import reply


async def read_context(db: Database, principal: Principal) -> Response:
    """Everything that a client needs for its first page."""
    if principal.kind == "bot":
        raise Forbidden("this is for persons; a bot's token does not open it")
    return reply(await db.read(context.read_context, principal))


ROUTES: Final[list[Route]] = [
    get("/data/user/context", read_context, least=ANYONE, errors=(401, 403, 422), tags=("user",)),
]
