"""What the headers of a request say about a query: flags, limit of rows, datasource, on whose behalf.

Source: contracts/semantic.md, 2.1 and 4
"""

from __future__ import annotations

from collections.abc import Mapping

from tessera.identity import find_by_username, to_principal
from tessera.kernel.access import Principal
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Forbidden, Invalid
from tessera.semantic.grants import Role, need
from tessera.semantic.nesting import flags_of
from tessera.semantic.queries import Asked
from tessera.settings import Settings


def asked(
    headers: Mapping[str, str],
    settings: Settings,
    ontology: str,
    sql: str,
    *,
    datasource: str | None = None,
    is_async: bool = False,
) -> Asked:
    """The request to run `sql`.

    Raises:
        Invalid: `results-limit` is no whole number.
    """
    return Asked(
        ontology=ontology,
        sql=sql,
        flags=flags_of(headers),
        limit=_limit(headers.get("results-limit"), settings),
        seconds=float(settings.semantic_async_query_seconds if is_async else settings.semantic_query_seconds),
        datasource=datasource or None,
    )


def _limit(text: str | None, settings: Settings) -> int:
    if text is None or not text.strip():
        return settings.semantic_row_limit
    number = text.strip()
    if not (number.isascii() and number.isdigit()) or len(number) > 12:
        raise Invalid(f'results-limit has to be a whole number of 0 or more; got "{text[:40]}"', field="results-limit")
    return min(int(number), settings.semantic_row_limit_most)


async def acting(db: Database, principal: Principal, headers: Mapping[str, str]) -> Principal:
    """The principal to run as: the caller, or the user that `x-api-impersonate-user` names.

    Raises:
        Forbidden: the caller is no administrator of this package, or there is no such user.
    """
    username = headers.get("x-api-impersonate-user", "").strip()
    if not username or username == principal.username:
        return principal
    need(principal, Role.ADMIN, "x-api-impersonate-user")
    found = await db.read(_find, username)
    if found is None or (found.is_administrator and not principal.is_administrator):
        # One text for an unknown user and for one above the caller.
        raise Forbidden(f'x-api-impersonate-user: the caller may not act as "{username[:80]}"', code="impersonate")
    return found


def _find(tx: Tx, username: str) -> Principal | None:
    row = find_by_username(tx, username)
    return to_principal(tx, row) if row is not None and row.is_active else None
