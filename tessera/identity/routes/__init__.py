"""The table of identity's own API, for the console and for scripts."""

from tessera.identity.errors import render_problem
from tessera.identity.forms import Bearer
from tessera.identity.routes import account, audit, jobs, people, tokens
from tessera.kernel.http import Package

PACKAGE = Package(
    name="identity",
    base="/identity",
    title="Identity",
    description="People, technical users, roles, sign-in and every token; jobs and the audit trail of all packages.",
    routes=[*account.ROUTES, *people.ROUTES, *tokens.ROUTES, *audit.ROUTES, *jobs.ROUTES],
    problem=render_problem,
    credentials=(Bearer(),),
)
