"""Who may act: people, technical users, integrations, their roles, sign-in and every token; no domain of any package.

The public module of the room. In a package's routes:

``CREDENTIALS``
    A tuple of the forms in which its clients send a credential, in order of precedence. The console's own session
    (cookie and header) is understood in every package and is not listed::

        production  (Cookie("access_token_cookie"), Bearer())
        catalog     (Bearer(),)
        semantic    (JwtHeader("x-jwt-token"), TokenHeader("x-api-key"), Bearer(), BasicToken())
        ingest      (RawAuthorization(), PasswordHeaders("x-api-email", "x-api-password"))
        vault       (Bearer(),)

``Identity``
    The service that handlers get by its type: sign-in, log-ins of production and vault, exchange, keys. A package calls
    ``authenticate`` itself only where a refresh token is wanted: ``(Cookie("refresh_token_cookie", purpose="refresh"),
    Bearer(purpose="refresh"))``.

``SignInRefused.reason``
    ``unknown_or_wrong``, ``inactive`` (the password was right), ``locked`` (``retry_after_seconds`` is set), and of
    ``vault_login`` alone ``no_role`` (no group). Each package renders it as its contract says.

Functions on a transaction: ``await db.write(create_person, email=..., by=principal)``. ``by`` is the acting principal;
None is the command line. Tables to join a package's profiles with, 1:1 by id: ``PRINCIPALS``, ``ROLES``.

``ROLE_WORDS[package]`` are the words of a role from least to most powerful. Semantic's are those of its grants.
"""

from tessera.identity.forms import (
    BasicToken,
    Bearer,
    Cookie,
    JwtHeader,
    PasswordHeaders,
    RawAuthorization,
    TokenHeader,
)
from tessera.identity.identity import Identity, ProductionLogin, VaultToken
from tessera.identity.model import PRINCIPALS, ROLES
from tessera.identity.passwords import check_new_password
from tessera.identity.people import (
    create_bot,
    create_person,
    create_technical_user,
    delete_principal,
    revoke_signed_tokens,
    set_password,
    set_role,
    update_person,
)
from tessera.identity.principals import find_by_id, find_by_login, find_by_username, to_principal
from tessera.identity.roles import ROLE_WORDS
from tessera.identity.sign_in import SignInRefused
from tessera.identity.tokens import (
    TokenRecord,
    create_integration_token,
    create_semantic_key,
    create_token,
    find_token,
    full_scopes,
    list_tokens,
    read_token,
    revoke_token,
    rotate_token,
    update_token,
)

__all__ = [
    "PRINCIPALS",
    "ROLES",
    "ROLE_WORDS",
    "BasicToken",
    "Bearer",
    "Cookie",
    "Identity",
    "JwtHeader",
    "PasswordHeaders",
    "ProductionLogin",
    "RawAuthorization",
    "SignInRefused",
    "TokenHeader",
    "TokenRecord",
    "VaultToken",
    "check_new_password",
    "create_bot",
    "create_integration_token",
    "create_person",
    "create_semantic_key",
    "create_technical_user",
    "create_token",
    "delete_principal",
    "find_by_id",
    "find_by_login",
    "find_by_username",
    "find_token",
    "full_scopes",
    "list_tokens",
    "read_token",
    "revoke_signed_tokens",
    "revoke_token",
    "rotate_token",
    "set_password",
    "set_role",
    "to_principal",
    "update_person",
    "update_token",
]
