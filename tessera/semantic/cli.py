"""The commands `tessera semantic …`: making the bearer that `get_token` takes."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from cyclopts import App, Parameter

from tessera.kernel.errors import Invalid
from tessera.semantic.bearer import make_bearer
from tessera.settings import load

semantic = App(name="semantic", help="The SQL ontology: making bearers for get_token.")


@semantic.command(name="make-bearer")
def make_bearer_command(
    *,
    username: Annotated[str, Parameter(help="User name or e-mail.")],
    data_dir: Annotated[str | None, Parameter(help="Folder with the server's tessera.toml, for the salt.")] = None,
) -> None:
    """Print `Authorization: Bearer …` for get_token. The password is read from standard input."""
    salt = load(data_dir=data_dir).api_auth_salt or os.environ.get("API_AUTH_SALT", "")
    if not salt:
        raise Invalid("API_AUTH_SALT is not set: set it to the salt of the server (setting api_auth_salt)")
    if sys.stdin.isatty():
        import getpass

        password = getpass.getpass("Password: ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    print(f"Authorization: Bearer {make_bearer(username, password, salt)}")
