"""Every setting: its type, unit, default and one sentence. `docs/reference/settings.md` is made from this file.

A setting comes from the environment (``TESSERA_`` + its name in capitals), else from ``tessera.toml`` (in the data
folder, or the file that ``TESSERA_CONFIG`` names), else from its default here.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

DATA_DIR = "tessera-data"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may set. All of it is read once, at start."""

    # -- where things are
    data_dir: Annotated[str, Meta(description="Folder of the embedded databases, files and locks.")] = DATA_DIR
    host: Annotated[str, Meta(description="Address to listen on; 127.0.0.1 is this machine alone.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8080
    public_url: Annotated[
        str, Meta(description="Address that clients use, where a proxy stands in front; empty: as each request says.")
    ] = ""
    database_url: Annotated[
        str, Meta(description="Metadata database: `postgresql://...`; empty: SQLite in `data_dir`.")
    ] = ""
    warehouse_url: Annotated[str, Meta(description="Warehouse: `postgresql://...`; empty: DuckDB in `data_dir`.")] = ""
    warehouse_memory_mb: Annotated[
        int,
        Meta(ge=128, description="Memory in MiB that the embedded warehouse may hold before it spills to `data_dir`."),
    ] = 1024
    warehouse_threads: Annotated[int, Meta(ge=1, le=256, description="Threads of the embedded warehouse.")] = 2
    warehouse_workers: Annotated[
        int, Meta(ge=1, le=64, description="Warehouse queries of requests that run at once; more wait their turn.")
    ] = 4

    # -- the server
    log_level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$", description="Least level logged.")] = "info"
    log_requests: Annotated[bool, Meta(description="One log line a request.")] = True
    body_limit_bytes: Annotated[
        int, Meta(ge=1024, description="Largest request body in bytes, where a route has no limit of its own.")
    ] = 100_000_000
    cors_origins: Annotated[
        list[str],
        Meta(description="Origins whose pages may call the API with credentials, such as `https://kitsu.example`."),
    ] = msgspec.field(default_factory=list)
    trusted_proxies: Annotated[
        list[str], Meta(description="Addresses of proxies whose `X-Forwarded-*` headers are believed.")
    ] = msgspec.field(default_factory=list)
    root_aliases: Annotated[
        bool, Meta(description="Answer ingest's `/query`, `/api-tokens` and `/environments/local-api` at the root too.")
    ] = True
    # -- ingest
    ingest_local_folders: Annotated[
        list[str], Meta(description="Folders that LOCAL connections may read, with all below them; empty: none.")
    ] = msgspec.field(default_factory=list)
    ingest_s3_endpoint: Annotated[
        str, Meta(description="Address of the object store for S3 connections without ENDPOINT_URL; empty: Amazon's.")
    ] = ""

    # -- semantic
    api_auth_salt: Annotated[
        str,
        Meta(description="Salt of the bearers that get_token takes; `API_AUTH_SALT` is read too. Empty: it is off."),
    ] = ""
    api_auth_max_age_seconds: Annotated[
        int, Meta(ge=0, description="Oldest bearer that get_token takes, in seconds since it was made; 0: any.")
    ] = 0
    api_auth_try_pbkdf2: Annotated[
        bool, Meta(description="Try keys made of the salt by PBKDF2 too; costs about a second a sign-in.")
    ] = False
    semantic_row_limit: Annotated[
        int, Meta(ge=1, description="Rows of a semantic query without the header `results-limit`.")
    ] = 5000
    semantic_row_limit_most: Annotated[
        int, Meta(ge=1, description="Most rows that the header `results-limit` may ask for.")
    ] = 1_000_000
    semantic_query_seconds: Annotated[
        int, Meta(ge=1, description="Longest run of a semantic query, in seconds; afterwards it answers 504.")
    ] = 60
    semantic_async_query_seconds: Annotated[
        int, Meta(ge=1, description="Longest run of an asynchronous semantic query, in seconds.")
    ] = 3600
    async_result_ttl: Annotated[
        int, Meta(ge=1, description="How long the result of an asynchronous query waits to be fetched, in seconds.")
    ] = 3600

    # -- jobs
    job_threads: Annotated[int, Meta(ge=0, le=64, description="Jobs that this process runs at once; 0: none.")] = 4

    # -- sign-in; `jwt_secret` itself is a file or `JWT_SECRET`, never a setting (see docs/reference)
    jwt_algorithm: Annotated[
        str, Meta(pattern="^(HS512|HS256)$", description="Signs the vault's tokens; both are accepted.")
    ] = "HS512"
    vault_token_seconds: Annotated[
        int, Meta(ge=10, le=86_400, description="Life of a vault log-in's token in seconds (`token_timeout`).")
    ] = 300
    vault_session_seconds: Annotated[
        int, Meta(ge=60, description="How long after its log-in a vault token can be renewed, in seconds.")
    ] = 43_200
    access_token_seconds: Annotated[int, Meta(ge=60, description="Life of the tracker's access token in seconds.")] = (
        604_800
    )
    refresh_token_seconds: Annotated[
        int, Meta(ge=60, description="Life of the tracker's refresh token in seconds.")
    ] = 1_296_000

    def path(self, *parts: str) -> Path:
        """A path below the data folder."""
        return Path(self.data_dir, *parts)

    @property
    def warehouse_address(self) -> str:
        """URL of the warehouse's engine."""
        return self.warehouse_url or f"duckdb://{self.path('warehouse.duckdb').absolute()}"

    @property
    def metadata_url(self) -> str:
        """SQLAlchemy's form of the metadata database's address."""
        return self.database_url or f"sqlite:///{self.path('tessera.sqlite3').absolute()}"


class BadSetting(Exception):
    """A setting that can not be used; the text names it, its source and what would be right."""


def load(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from, in this order: ``given`` (those not None), environment, ``tessera.toml``, defaults.

    Raises:
        BadSetting: an unknown name, or a value of the wrong type or out of range.
    """
    environment = os.environ if environment is None else environment
    chosen = {name: value for name, value in given.items() if value is not None}
    data_dir = str(chosen.get("data_dir") or environment.get("TESSERA_DATA_DIR") or DATA_DIR)
    file = Path(environment.get("TESSERA_CONFIG") or Path(data_dir, "tessera.toml"))
    values: dict[str, Any] = {}
    if file.is_file():
        try:
            values |= tomllib.loads(file.read_text())
        except tomllib.TOMLDecodeError as error:
            raise BadSetting(f"{file}: {error}") from error
    elif environment.get("TESSERA_CONFIG"):
        raise BadSetting(f"TESSERA_CONFIG names {file}, which is not there")
    for field in msgspec.structs.fields(Settings):
        text = environment.get(f"TESSERA_{field.name.upper()}")
        if text is not None:
            values[field.name] = _from_text(text, field.type)
    values |= chosen
    values["data_dir"] = data_dir
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$.")
        name = where.rstrip("`")
        raise BadSetting(f"setting {name or text}: {text}") from error


def _from_text(text: str, kind: Any) -> Any:
    if "list" in str(kind):
        return [part.strip() for part in text.split(",") if part.strip()]
    if "dict" in str(kind):
        return msgspec.json.decode(text or "{}")
    return text
