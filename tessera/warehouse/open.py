"""Which engine a URL means. A further engine (Spark Connect, `sc://`) is one more entry in `_ENGINES`."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from tessera.kernel.errors import Invalid
from tessera.warehouse.types import Engine, EngineSettings
from tessera.warehouse.warehouse import Warehouse


def _duckdb(url: str, settings: EngineSettings) -> Engine:
    # Imported on use, here and below: an engine's driver costs start-up time and memory for nothing.
    from tessera.warehouse.duckdb_engine import DuckDBEngine

    return DuckDBEngine(url.removeprefix("duckdb://"), settings)


def _postgres(url: str, settings: EngineSettings) -> Engine:
    from tessera.warehouse.postgres_engine import PostgresEngine

    return PostgresEngine(url, settings)


_ENGINES: dict[str, Callable[[str, EngineSettings], Engine]] = {
    "duckdb": _duckdb,
    "postgresql": _postgres,
    "postgres": _postgres,
}


def open_warehouse(
    url: str,
    *,
    memory_limit_mb: int = 1024,
    threads: int = 2,
    workers: int = 4,
    connections: int = 8,
    temp_dir: str | None = None,
) -> Warehouse:
    """Open the warehouse at `duckdb:///absolute/path.duckdb` or `postgresql://…`; makes the file and the schemas.

    Args:
        memory_limit_mb: what the embedded engine may hold in memory before it spills to `temp_dir`; `work_mem` of a
            session on PostgreSQL is derived from it.
        threads: the embedded engine's threads.
        workers: threads for `Warehouse.run`.
        connections: most sessions on PostgreSQL.

    Raises:
        Invalid: no engine for the URL's scheme.
        Unavailable: the file is held by another process, or the server does not answer.
    """
    scheme = urlsplit(url).scheme
    opener = _ENGINES.get(scheme)
    if opener is None:
        raise Invalid(f'no engine for "{scheme}://"; a warehouse URL starts with one of: {", ".join(sorted(_ENGINES))}')
    settings = EngineSettings(
        memory_limit_mb=memory_limit_mb, threads=threads, connections=connections, temp_dir=temp_dir
    )
    return Warehouse(opener(url, settings), workers=workers)
