"""Log-in, renewToken, health and who is calling.

Source: contracts/vault.md, 1.1, 1.2 and 3.2
"""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlglot import exp

from tessera.identity import Bearer, Identity, VaultToken
from tessera.kernel.access import PUBLIC, Principal
from tessera.kernel.errors import Invalid, Problem, Unauthenticated
from tessera.kernel.http import Request, get, post
from tessera.vault.groups_model import READ, rights_of
from tessera.warehouse import Limits, Warehouse

CREDENTIALS: Final = (Bearer(),)
_CHECK_SECONDS: Final = 5.0
"""How long the health check waits for the warehouse."""

Word = Annotated[str, Meta(min_length=1, max_length=1024)]


class LogIn(Struct, frozen=True):
    """The body of the log-in call."""

    username: Word
    password: Word


class Token(Struct, frozen=True):
    """A token, and for a standard user the seconds that it lasts."""

    token: str
    token_timeout: int | UnsetType = UNSET


class Me(Struct, frozen=True):
    """Who is calling. ``exp`` is null where the credential has no end."""

    username: str
    role: str | None
    exp: int | None
    rights: list[str]


async def log_in(body: LogIn, identity: Identity, request: Request) -> Token:
    """Exchange user name and password for a token, which goes with each later request."""
    if "\0" in body.username + body.password:
        raise Invalid("username and password must not have U+0000 in them")
    made = await identity.vault_login(body.username, body.password, address=request.client_address)
    return _shown(made)


async def renew_token(identity: Identity, request: Request, principal: Principal) -> Token:
    """A token like the caller's, which must still be good, with its end moved on."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(reason="kind")
    return _shown(await identity.vault_renew(token.strip(), principal))


def _shown(made: VaultToken) -> Token:
    return Token(made.token, UNSET if made.token_timeout is None else made.token_timeout)


async def me(principal: Principal) -> Me:
    """Who is calling, and what that user may do."""
    role = principal.role("vault")
    return Me(principal.username, role, principal.claims.get("exp"), rights_of(role or ""))


async def health() -> dict[str, str]:
    """The API answers."""
    return {"status": "ok"}


async def check_connection(warehouse: Warehouse) -> dict[str, Any]:
    """Whether the API and the processing database answer."""

    def ask() -> None:
        with warehouse.reading(limits=Limits(seconds=_CHECK_SECONDS)) as reader:
            reader.scalar(exp.select(exp.Literal.number(1)))

    reached: dict[str, Any] = {"error": False, "message": "Connection Successful"}
    try:
        await warehouse.run(ask)
    except Problem as problem:
        reached = {"error": True, "message": problem.message}
    error = bool(reached["error"])
    word = "The processing database does not answer" if error else "OK"
    result = {"error": error, "user_message": word, "technical_message": reached["message"] if error else "OK"}
    return {"result": result, "fdb_connection_result": reached}


ROUTES: Final = [
    post("/rpc/login", log_in, least=PUBLIC, errors=(400, 403, 429)),
    post("/login", log_in, least=PUBLIC, errors=(400, 403, 429)),
    *(
        verb(path, renew_token, least=READ, reads=True, errors=(401,))
        for verb in (post, get)
        for path in ("/rpc/renewToken", "/renewToken")
    ),
    post("/rpc/checkConnection", check_connection, least=READ, reads=True),
    get("/rpc/checkConnection", check_connection, least=READ),
    get("/health", health, least=PUBLIC),
    get("/me", me, least=READ),
]
