"""What a statement says, once read. Values of options are checked and typed; names are not looked up yet."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field

CATALOG: Final = "default_glue_catalog"
"""The name by which statements call the warehouse itself. Source: contracts/ingest.md, 5.1; design.md, Warehouse."""
DEFAULT_SCHEMA: Final = "landing"


class TableName(Struct, frozen=True):
    """A table as a statement names it, with the catalogue and the schema filled in."""

    schema: str
    name: str
    catalog: str = CATALOG

    def __str__(self) -> str:
        return f"{self.catalog}.{self.schema}.{self.name}"


class Moment(Struct, frozen=True):
    """A point in time in an option: ``NOW``, ``BEGINNING`` or a timestamp (UTC)."""

    word: str
    at: datetime | None = None


class ContentType(Struct, frozen=True):
    """How bytes become rows. ``kind`` is the SQL word: AUTO, CSV, TSV, JSON, PARQUET. Source: contract, 5.5."""

    kind: str
    infer_types: bool = False
    header: list[str] | None = None
    delimiter: str = ","
    quote: str = '"'
    null_value: str | None = None
    max_columns: int | None = None
    allow_duplicate_headers: bool = False
    split_root_array: bool = True
    store_json_as_string: bool = False


class Deduplication(Struct, frozen=True):
    """DEDUPLICATE_WITH: the first row with these columns' values within the window stays."""

    columns: list[str]
    window_seconds: int


Value = (
    str
    | int
    | bool
    | timedelta
    | Moment
    | ContentType
    | Deduplication
    | list[str]
    | dict[str, str]
    | list[tuple[str, int]]
)


class Given(Struct, frozen=True):
    """An option as given: its value, and the text it was written with (SHOW CREATE prints that, jobs keep it)."""

    value: Value
    text: str


Options = dict[str, Given]


class Column(Struct, frozen=True):
    """A declared column; ``type`` is a word of the contract (5.6), such as ``BIGINT`` or ``DECIMAL(10, 2)``."""

    name: str
    type: str


class Expectation(Struct, frozen=True):
    """A predicate that rows should meet; ``action`` is DROP or WARN."""

    name: str
    predicate: str
    action: str


class CreateConnection(Struct, frozen=True):
    kind: str
    name: str
    options: Options
    if_not_exists: bool = False


class AlterConnection(Struct, frozen=True):
    kind: str
    name: str
    options: Options


class DropConnection(Struct, frozen=True):
    name: str
    if_exists: bool = False


class CreateTable(Struct, frozen=True):
    table: TableName
    columns: list[Column]
    partition_by: list[str]
    primary_key: list[str]
    options: Options
    if_not_exists: bool = False


class AlterTable(Struct, frozen=True):
    table: TableName
    options: Options


class DropTable(Struct, frozen=True):
    table: TableName
    options: Options
    if_exists: bool = False


class Copy(Struct, frozen=True):
    kind: str
    connection: str
    source_options: Options
    into: TableName
    expectations: list[Expectation] = field(default_factory=list)


class Insert(Struct, frozen=True):
    """INSERT INTO … query. ``columns`` is the list in parentheses; None with MAP_COLUMNS_BY_NAME."""

    into: TableName
    query: str
    columns: list[str] | None = None
    by_name: bool = False
    except_columns: list[str] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)


class Merge(Struct, frozen=True):
    """MERGE INTO … USING (query). Kept as text from USING on."""

    into: TableName
    text: str
    expectations: list[Expectation] = field(default_factory=list)


class CreateJob(Struct, frozen=True):
    name: str
    sync: bool
    options: Options
    body: Copy | Insert | Merge
    if_not_exists: bool = False


class AlterJob(Struct, frozen=True):
    name: str
    options: Options
    add: Expectation | None = None
    drop: str | None = None


class PauseJob(Struct, frozen=True):
    name: str


class ResumeJob(Struct, frozen=True):
    name: str


class DropJob(Struct, frozen=True):
    name: str
    if_exists: bool = False


class CreateView(Struct, frozen=True):
    view: TableName
    sync: bool
    query: str
    options: Options


class AlterView(Struct, frozen=True):
    view: TableName
    options: Options


class DropView(Struct, frozen=True):
    """DROP MATERIALIZED VIEW; dbt-upsolver sends it for any relation. Source: contract, 4.6."""

    view: TableName
    if_exists: bool = False


class CreateReplication(Struct, frozen=True):
    name: str


class Select(Struct, frozen=True):
    sql: str


class ShowCreate(Struct, frozen=True):
    """``what`` is JOB, TABLE, CONNECTION or MATERIALIZED VIEW."""

    what: str
    name: str
    table: TableName


class ShowList(Struct, frozen=True):
    """``what`` is CONNECTIONS, TABLES, JOBS or VIEWS."""

    what: str


class Describe(Struct, frozen=True):
    table: TableName


class Comment(Struct, frozen=True):
    what: str
    name: str
    table: TableName
    text: str


Statement = (
    CreateConnection
    | AlterConnection
    | DropConnection
    | CreateTable
    | AlterTable
    | DropTable
    | CreateJob
    | AlterJob
    | PauseJob
    | ResumeJob
    | DropJob
    | CreateView
    | AlterView
    | DropView
    | CreateReplication
    | Select
    | ShowCreate
    | ShowList
    | Describe
    | Comment
)
