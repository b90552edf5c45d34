"""The HTTP routes of ingest, in the order of its contract, and the package that they make."""

from tessera.identity import PasswordHeaders, RawAuthorization
from tessera.ingest.errors import answer_headers, render_problem
from tessera.ingest.kernel_jobs import CONSUMER, KIND
from tessera.ingest.ledger_store import create_all
from tessera.ingest.model import PACKAGE as NAME
from tessera.ingest.routes import inputs, query, tokens
from tessera.kernel.http import Alias, Package
from tessera.warehouse import Warehouse


async def prepare_warehouse(warehouse: Warehouse) -> None:
    """Make the tables that ingest keeps beside the data."""
    await warehouse.run(create_all, warehouse)


PACKAGE = Package(
    name=NAME,
    base="/ingest",
    title="Ingest",
    description="Connections, inputs and SQL jobs that bring data in, exactly once. Speaks the API of Upsolver.",
    routes=[*tokens.ROUTES, *inputs.ROUTES, *query.ROUTES],
    problem=render_problem,
    credentials=(RawAuthorization(), PasswordHeaders("x-api-email", "x-api-password")),
    answer_headers=answer_headers,
    # upsolver-cli throws the path of its base URL away, so these answer at the host's root too.
    aliases=(
        Alias(
            "",
            (
                "/query",
                "/query/{query_id}",
                "/query/{query_id}/{number}",
                "/environments/local-api",
                "/api-tokens",
                "/api-tokens/{token_id}",
            ),
        ),
    ),
    job_kinds=(KIND,),
    consumers=(CONSUMER,),
    on_start=(prepare_warehouse,),
)
