"""What a sign-in to the tracker shows and leaves behind; identity decides who may.

Source: contracts/production.md, 1.4
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Raw

from tessera.kernel.access import Principal
from tessera.kernel.db import Tx
from tessera.kernel.resource_changes import insert_row
from tessera.kernel.resource_queries import Within, answer_of, read_list
from tessera.kernel.resources import resource_of
from tessera.production.access import PACKAGE_NAME

_BROWSERS: Final = ("Chrome/", "CriOS/", "Edg/", "Edge/", "Firefox/", "FxiOS/", "Safari/", "OPR/", "Opera/", "Vivaldi/")


def is_browser(user_agent: str) -> bool:
    """Whether cookies are of use: scripts read their tokens from the body."""
    return user_agent.startswith(("Mozilla/", "Opera/")) and any(name in user_agent for name in _BROWSERS)


def has_role(principal: Principal) -> bool:
    """Whether the tracker knows this principal as a person."""
    return principal.is_administrator or principal.role(PACKAGE_NAME) is not None


def session(tx: Tx, principal: Principal) -> dict[str, Raw]:
    """The caller as a person, and the organisation."""
    resource = resource_of("production_organisation")
    # There is one; should somebody have made more, the first start's is the studio's.
    oldest = Within("oldest", sa.true(), order=(resource.column("created_at"), resource.column("id")))
    organisations = msgspec.json.decode(read_list(tx, resource, principal, {}, oldest), type=list[Raw])
    user = answer_of(tx, resource_of("production_person"), principal.id, frozenset({"departments"}))
    return {"user": Raw(user), "organisation": organisations[0] if organisations else Raw(b"null")}


def signed_in(tx: Tx, principal: Principal, address: str, origin: str) -> Mapping[str, Any]:
    """Log the sign-in and show who came."""
    insert_row(tx, resource_of("production_login_log"), person_id=principal.id, ip_address=address, origin=origin)
    return session(tx, principal)
