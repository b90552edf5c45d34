"""The vault on the wire: its table of routes, its credentials and its envelope.

Source: contracts/vault.md
"""

from typing import Final

from tessera.kernel.http import Package
from tessera.vault.errors import render_problem
from tessera.vault.groups_model import PACKAGE_NAME
from tessera.vault.routes import data, loading, modelling, sign_in, users
from tessera.vault.runs import JOB_KINDS

PACKAGE: Final = Package(
    name=PACKAGE_NAME,
    base="/vault",
    title="Vault",
    description="Data Vault 2.0: staging tables, hubs, links, satellites, their loads and what they deliver.",
    routes=[*sign_in.ROUTES, *modelling.ROUTES, *loading.ROUTES, *data.ROUTES, *users.ROUTES],
    problem=render_problem,
    credentials=sign_in.CREDENTIALS,
    job_kinds=JOB_KINDS,
)
