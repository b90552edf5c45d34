"""Public and system routes.

Source: contracts/production.md, 1.1, 1.9
"""

from typing import Any, Final

import sqlalchemy as sa

from tessera.kernel.access import PUBLIC
from tessera.kernel.db import Database, Prepared, Tx
from tessera.kernel.errors import Unavailable
from tessera.kernel.http import get

API_NAME: Final = "Zou"
"""What clients expect to talk to."""
API_VERSION: Final = "1.0.97"
"""The release of the reference whose routes these are; clients compare it."""
_TOUCH: Final = Prepared(sa.select(sa.literal_column("1")))


async def read_api() -> dict[str, str]:
    """Name and version of the API; ``HEAD`` tells that the server is up."""
    return {"api": API_NAME, "version": API_VERSION}


async def read_status(db: Database) -> dict[str, Any]:
    """Which parts of the server work."""
    try:
        await db.read(_touch)
        is_up = True
    except Unavailable:
        is_up = False
    # Events, jobs and search live in the database; there is no store of keys and values besides it.
    return {
        "name": API_NAME,
        "version": API_VERSION,
        "database-up": is_up,
        "key-value-store-up": is_up,
        "event-stream-up": is_up,
        "job-queue-up": is_up,
        "indexer-up": False,
    }


def _touch(tx: Tx) -> None:
    tx.run(_TOUCH)


async def read_config() -> dict[str, Any]:
    """What a client adapts itself to before anybody has signed in."""
    return {
        "is_self_hosted": True,
        "crisp_token": "",
        "dark_theme_by_default": False,
        "indexer_configured": False,
        "saml_enabled": False,
        "saml_idp_name": "",
        "oidc_enabled": False,
        "oidc_idp_name": "",
        "default_locale": "en_US",
        "default_timezone": "Europe/Paris",
        "enforce_2fa": False,
        "movie_highdef_bitrate": 28,
        "movie_lowdef_bitrate": 6,
        "preview_accounts_enabled": False,
    }


ROUTES: Final = [
    get("/", read_api, least=PUBLIC, tags=("system",)),
    get("/status", read_status, least=PUBLIC, tags=("system",)),
    get("/config", read_config, least=PUBLIC, tags=("system",)),
]
