"""Rules of the catalogue's tokens, all kept by identity: renewing an integration token, making one with Admin Access.

Source: contracts/catalog.md, 2.
"""

import sqlalchemy as sa

from tessera.identity.model import TOKENS
from tessera.identity.tokens import TokenRecord, create_integration_token, digest_of, rotate_token
from tessera.kernel.access import Principal
from tessera.kernel.db import Tx
from tessera.kernel.errors import Invalid, NotFound


def create_integration(
    tx: Tx, *, name: str, admin_access: bool = False, expires_at: str | None = None, by: Principal | None
) -> tuple[TokenRecord, str]:
    """Make an integration token of the catalogue; its value is returned this once.

    Raises:
        Invalid: no name, or an expiry that is none.
        Forbidden: ``by`` is no administrator of the catalogue.
    """
    return create_integration_token(
        tx,
        name=name,
        roles={"catalog": "Admin"},
        admin_access=admin_access,
        expires_at=expires_at,
        origin="catalog",
        by=by,
    )


def regenerate(tx: Tx, principal: Principal, secret: str | None) -> str:
    """A new value for an integration token; the old one, and access tokens exchanged for it, end with this commit.

    Args:
        secret: the old value; None means the token that the caller came with.

    Raises:
        Invalid: neither is an integration token.
        NotFound: no such token, or none that the caller may govern.
    """
    if secret is None:
        token_id = principal.token_id
        if token_id is None or principal.kind != "integration":
            raise Invalid(
                "integrationToken: required; the caller's own is no integration token", field="integrationToken"
            )
    else:
        known = sa.select(TOKENS.c.id).where(TOKENS.c.digest == digest_of(secret), TOKENS.c.kind == "integration")
        token_id = tx.scalar(known)
        if token_id is None:
            raise NotFound("integrationToken: there is no such integration token", field="integrationToken")
    try:
        return rotate_token(tx, token_id, by=principal)[1]
    except NotFound:
        # Not the message of identity, which would repeat the token's id.
        raise NotFound("integrationToken: there is no such integration token", field="integrationToken") from None
