"""The SQL ontology on the wire: its table of routes, its credentials and its envelope.

Source: contracts/semantic.md
"""

from typing import Final

from tessera.identity import BasicToken, Bearer, JwtHeader, TokenHeader
from tessera.kernel.http import Package
from tessera.semantic import errors
from tessera.semantic.async_queries import JOB_KINDS
from tessera.semantic.routes import api, openapi

CREDENTIALS: Final = (JwtHeader("x-jwt-token"), TokenHeader("x-api-key"), Bearer(), BasicToken())

PACKAGE: Final = Package(
    name="semantic",
    base="/semantic",
    title="Semantic",
    description="Ask in business terms: concepts and relationships in SQL, flat or nested JSON out.",
    routes=[*api.ROUTES, *openapi.ROUTES],
    problem=errors.render,
    credentials=CREDENTIALS,
    job_kinds=JOB_KINDS,
)
