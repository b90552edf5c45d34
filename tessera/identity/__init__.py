"""Who may act: people, technical users, integrations, their roles, sign-in and every token; no domain of any package.

The public module of the room. A package uses, in its routes:

``CREDENTIALS``
    A tuple of the forms in which its clients send a credential, in order of precedence. The console's own session
    (cookie + request header) is understood in every package and is not listed::

        production  (Cookie("access_token_cookie"), Bearer())
        catalog     (Bearer(),)
        semantic    (JwtHeader("x-jwt-token", tenant="x-jwt-tenant-id"), TokenHeader("x-api-key"), Bearer(), BasicToken())
        ingest      (RawAuthorization(), PasswordHeaders("x-api-email", "x-api-password"))
        vault       (Bearer(),)

``Identity`` (a service, injected by type)
    =============================================================== ==================================================
    ``await authenticate(request, forms) -> Principal``             the kernel calls it; a package only for its refresh
                                                                    route: ``(Cookie("refresh_token_cookie",
                                                                    purpose="refresh"), Bearer(purpose="refresh"))``
    ``await sign_in(login, password, *, address, package)``         -> Principal; raises SignInRefused
    ``await production_login(email, password, *, address)``         -> ProductionLogin(principal, access_token,
                                                                    refresh_token); raises SignInRefused
    ``production_refresh(principal) -> str``                        new access token; the principal came by a refresh
                                                                    token; its claims carry the jti
    ``await production_logout(principal)``                          ends access and refresh token of that log-in
    ``await vault_login(username, password, *, address)``           -> VaultToken(token, token_timeout | None)
    ``await vault_renew(request_token, principal)``                 -> VaultToken; raises Unauthenticated when the
                                                                    session is older than its bound
    ``catalog_exchange(principal) -> str``                          access token of one hour that acts as the
                                                                    integration or personal token of the caller
    ``await semantic_key(principal) -> str``                        a new ``tk_...``; at most twenty from this route
    ``await hash_password(password) -> str``                        argon2id in the pool; pass the result to people.*
    ``await check_password(principal_id, password, address=)``      -> bool, counted by the throttle (change-password)
    ``session_is_signed_in`` etc.                                   see ``sessions``
    =============================================================== ==================================================

``SignInRefused.reason``: ``unknown_or_wrong``, ``inactive`` (the password was right), ``locked`` (``retry_after_seconds``
is set), ``no_role`` (only vault_login: the account has no group there).

Functions on a transaction (``db.write(create_person, ...)``); ``by`` is the acting principal, None = the command line:

people
    ``create_person``, ``update_person``, ``set_role``, ``set_password``, ``create_technical_user``,
    ``create_integration``, ``create_bot``, ``revoke_signed_tokens``, ``delete_principal``, ``read_principal``,
    ``find_principal``, ``PRINCIPALS`` and ``ROLES`` (the tables, to join with a package's own profile table 1:1 by id)
tokens
    ``create_token``, ``list_tokens``, ``read_token``, ``update_token``, ``revoke_token``, ``rotate_token``
roles
    ``ROLE_WORDS[package]`` from least to most powerful; ``Principal.role(package)`` is one of these words or None

Semantic's words are the words of its grants: access, query, edit, admin.
"""
