"""The tracker on the wire: its table of routes, its credentials and its envelope.

Source: contracts/production.md
"""

from typing import Final

from tessera.identity import Bearer, Cookie
from tessera.kernel.db import Database
from tessera.kernel.http import Package
from tessera.kernel.resource_routes import routes_of
from tessera.production import errors, first_start
from tessera.production.access import PACKAGE_NAME
from tessera.production.audience import heard
from tessera.production.resources import RESOURCES
from tessera.production.routes import auth, entities, persons, projects, system, tasks, user

CREDENTIALS: Final = (Cookie(auth.ACCESS_COOKIE), Bearer())


async def make_first_rows(db: Database) -> None:
    """At the first start there are statuses, types and departments to work with."""
    await db.write(first_start.fill)


PACKAGE: Final = Package(
    name=PACKAGE_NAME,
    base="/production",
    title="Production",
    description="Projects, assets, shots, tasks, comments, previews and time of a studio.",
    routes=[
        *system.ROUTES,
        *auth.ROUTES,
        *persons.ROUTES,
        *projects.ROUTES,
        *entities.ROUTES,
        *tasks.ROUTES,
        *user.ROUTES,
        *(route for resource in RESOURCES for route in routes_of(resource)),
    ],
    problem=errors.render,
    credentials=CREDENTIALS,
    wants_json_type=True,
    audience=heard,
    on_start=(make_first_rows,),
)
