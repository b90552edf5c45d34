"""The catalogue on the wire: its table of routes, its credentials and its envelope.

Source: contracts/catalog.md.
"""

from typing import Final

from tessera.catalog import errors, warehouse_tables, workspaces
from tessera.catalog.routes import attributes as attribute_routes
from tessera.catalog.routes import client_space
from tessera.catalog.routes import items as item_routes
from tessera.catalog.routes import objects as object_routes
from tessera.identity import Bearer
from tessera.kernel.db import Database
from tessera.kernel.http import Package, Request

CREDENTIALS: Final = (Bearer(),)
REQUESTS_AN_HOUR: Final = 28_800
"""What the original allows; this server counts nothing, so the headers always name the whole of it."""


async def make_first_workspace(db: Database) -> None:
    """At the first start of all there is a workspace to put things into."""
    await db.write(workspaces.ensure_first)


def rate_headers(request: Request) -> dict[str, str]:
    """The headers by which clients see how much they may still ask. Source: contracts/catalog.md, 4."""
    ceiling = str(REQUESTS_AN_HOUR)
    return {"x-ratelimit-limit": ceiling, "x-ratelimit-remaining": ceiling, "x-ratelimit-reset": "3600"}


PACKAGE: Final = Package(
    name="catalog",
    base="/catalog/v2",
    title="Catalog",
    description="What data there is, what it means, and who answers for it.",
    routes=[*client_space.ROUTES, *object_routes.ROUTES, *item_routes.ROUTES, *attribute_routes.ROUTES],
    problem=errors.render,
    credentials=CREDENTIALS,
    answer_headers=rate_headers,
    consumers=(warehouse_tables.CONSUMER,),
    on_start=(make_first_workspace,),
)
