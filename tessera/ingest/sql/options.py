"""Which options each statement knows, and how their values are read. Source: contracts/ingest.md, 5.3-5.6."""

import difflib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Final

from msgspec import Struct

from tessera.ingest.sql.cursor import Cursor
from tessera.ingest.sql.lexer import Kind, place
from tessera.ingest.sql.statements import ContentType, Deduplication, Given, Moment, Options, Value
from tessera.kernel.errors import Invalid

UNITS: Final = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}


class Form(Enum):
    """How an option's value is written."""

    TEXT = auto()
    BOOL = auto()
    INT = auto()
    DURATION = auto()
    MOMENT = auto()
    NAMES = auto()
    TEXTS = auto()
    EXPRESSIONS = auto()
    CONTENT_TYPE = auto()
    DEDUPLICATION = auto()
    WORD = auto()
    COLUMN_DURATIONS = auto()


class Option(Struct, frozen=True):
    """One option. ``idle``: accepted, means nothing here, and the answer says so. ``secret``: never shown again."""

    name: str
    form: Form
    editable: bool = False
    idle: bool = False
    secret: bool = False
    words: tuple[str, ...] = ()


Table = dict[str, Option]


def _table(*options: Option) -> Table:
    return {option.name: option for option in options}


def _o(
    name: str, form: Form = Form.TEXT, *, e: bool = False, idle: bool = False, secret: bool = False, words: str = ""
) -> Option:
    return Option(name, form, e, idle, secret, tuple(words.split()))


_COMMENT = _o("COMMENT", e=True)
_AWS = (
    _o("AWS_ROLE", e=True),
    _o("EXTERNAL_ID", e=True),
    _o("AWS_ACCESS_KEY_ID", e=True),
    _o("AWS_SECRET_ACCESS_KEY", e=True, secret=True),
)


def _display(name: str) -> tuple[Option, Option]:
    return _o(f"{name}_DISPLAY_FILTER", Form.TEXTS, e=True), _o(f"{name}_DISPLAY_FILTERS", Form.TEXTS, e=True)


_DATABASE = _table(
    _COMMENT,
    _o("CONNECTION_STRING", e=True),
    _o("USER_NAME", e=True),
    _o("PASSWORD", e=True, secret=True),
    _o("MAX_CONCURRENT_CONNECTIONS", Form.INT, e=True),
    _o("TIMEOUT", e=True),
)
_BROKER = _table(_COMMENT, _o("URL"), _o("USER_NAME"), _o("PASSWORD", secret=True))

CONNECTIONS: Final[dict[str, Table]] = {
    "S3": _table(
        _COMMENT,
        *_AWS,
        *_display("PATH"),
        _o("READ_ONLY", Form.BOOL, e=True),
        _o("ENCRYPTION_KMS_KEY", e=True),
        _o("ENCRYPTION_CUSTOMER_MANAGED_KEY", e=True, secret=True),
        _o("ENDPOINT_URL"),
        _o("REGION"),
        _o("PATH_STYLE", Form.BOOL),
    ),
    "KAFKA": _table(
        _COMMENT,
        _o("HOST"),
        _o("HOSTS", Form.TEXTS),
        _o("CONSUMER_PROPERTIES", e=True, secret=True),
        _o("VERSION", Form.WORD),
        _o("REQUIRE_STATIC_IP", Form.BOOL, e=True, idle=True),
        _o("SSL", Form.BOOL, e=True),
        *_display("TOPIC"),
    ),
    "KINESIS": _table(
        _COMMENT,
        *_AWS,
        _o("REGION"),
        _o("READ_ONLY", Form.BOOL),
        _o("MAX_WRITERS", Form.INT, e=True),
        *_display("STREAM"),
    ),
    "GLUE_CATALOG": _table(
        _COMMENT,
        *_AWS,
        _o("DEFAULT_STORAGE_CONNECTION", Form.WORD),
        _o("DEFAULT_STORAGE_LOCATION"),
        _o("REGION"),
        *_display("DATABASE"),
    ),
    **dict.fromkeys(("POSTGRES", "MYSQL", "MSSQL", "REDSHIFT", "SNOWFLAKE", "ELASTICSEARCH", "MONGODB"), _DATABASE),
    "LOCAL": _table(_COMMENT, _o("ROOT"), _o("READ_ONLY", Form.BOOL)),
    "NATS": _table(_COMMENT, _o("SERVERS", Form.TEXTS), _o("CREDENTIALS", secret=True), _o("STREAM")),
    "AMQP": _BROKER,
    "MQTT": _BROKER,
}
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "KINESIS": ("REGION",),
    "GLUE_CATALOG": ("DEFAULT_STORAGE_CONNECTION", "DEFAULT_STORAGE_LOCATION"),
    "LOCAL": ("ROOT",),
    "NATS": ("SERVERS",),
    "AMQP": ("URL",),
    "MQTT": ("URL",),
    **dict.fromkeys(
        ("POSTGRES", "MYSQL", "MSSQL", "REDSHIFT", "SNOWFLAKE", "ELASTICSEARCH", "MONGODB"),
        ("CONNECTION_STRING", "USER_NAME", "PASSWORD"),
    ),
}
SOURCES: Final[dict[str, Table]] = {
    "S3": _table(_o("LOCATION"), _o("BUCKET"), _o("PREFIX")),
    "LOCAL": _table(_o("LOCATION")),
    "KAFKA": _table(_o("TOPIC")),
    "NATS": _table(_o("TOPIC")),
    "KINESIS": _table(_o("STREAM")),
    "MONGODB": _table(_o("COLLECTION_INCLUDE_LIST", Form.TEXTS)),
    **{
        kind: _table(_o("TABLE_INCLUDE_LIST", Form.TEXTS), _o("COLUMN_EXCLUDE_LIST", Form.TEXTS))
        for kind in ("POSTGRES", "MYSQL", "MSSQL")
    },
}
_ANY_JOB = (
    _COMMENT,
    _o("RUN_PARALLELISM", Form.INT, e=True),
    _o("COMPUTE_CLUSTER", Form.WORD, e=True, idle=True),
    _o("END_AT", Form.MOMENT, e=True),
    _o("START_FROM", Form.MOMENT),
    _o("SKIP_ALL_VALIDATIONS", Form.BOOL),
    _o("SKIP_VALIDATIONS", Form.NAMES),
)
_INGESTION = (
    *_ANY_JOB,
    _o("COLUMN_TRANSFORMATIONS", Form.EXPRESSIONS, e=True),
    _o("EXCLUDE_COLUMNS", Form.TEXTS),
    _o("COMMIT_INTERVAL", Form.DURATION, e=True),
    _o("DEDUPLICATE_WITH", Form.DEDUPLICATION),
    _o("CONTENT_TYPE", Form.CONTENT_TYPE, e=True),
    _o("COMPRESSION", Form.WORD, words="AUTO GZIP SNAPPY LZO NONE SNAPPY_UNFRAMED KCL"),
)
_FILES = _table(
    *_INGESTION,
    _o("DATE_PATTERN"),
    _o("FILE_PATTERN"),
    _o("FILE_SUFFIX"),
    _o("INITIAL_LOAD_PATTERN"),
    _o("INITIAL_LOAD_PREFIX"),
    _o("DELETE_FILES_AFTER_LOAD", Form.BOOL),
    _o("MAX_DELAY", Form.DURATION),
    _o("SQS_QUEUE_NAME", idle=True),
    _o("SQS_KMS_KEY", idle=True),
)
_STREAM = _table(
    *_INGESTION,
    _o("READER_SHARDS", Form.INT, e=True),
    _o("STORE_RAW_DATA", Form.BOOL),
    _o("CONSUMER_PROPERTIES", e=True, secret=True),
)
_CDC = _table(
    *_INGESTION,
    _o("SKIP_SNAPSHOTS", Form.BOOL),
    _o("SNAPSHOT_PARALLELISM", Form.INT),
    _o("PUBLICATION_NAME"),
    _o("HEARTBEAT_TABLE"),
    _o("PARSE_JSON_COLUMNS", Form.BOOL),
    _o("DDL_FILTERS", Form.TEXTS),
)
COPY_JOBS: Final[dict[str, Table]] = {
    "S3": _FILES,
    "LOCAL": _FILES,
    "KAFKA": _STREAM,
    "NATS": _STREAM,
    "KINESIS": _STREAM,
    "POSTGRES": _CDC,
    "MYSQL": _CDC,
    "MSSQL": _CDC,
    "MONGODB": _CDC,
}
TRANSFORMATION: Final = _table(
    *_ANY_JOB,
    _o("RUN_INTERVAL", Form.DURATION),
    _o("ADD_MISSING_COLUMNS", Form.BOOL),
    _o("AGGREGATION_PARALLELISM", Form.INT, e=True),
)
ANY_COPY_JOB: Final[Table] = {name: option for table in COPY_JOBS.values() for name, option in table.items()}
ANY_JOB: Final[Table] = ANY_COPY_JOB | TRANSFORMATION
TABLE: Final = _table(
    _COMMENT,
    _o("GLOBALLY_UNIQUE_KEYS", Form.BOOL),
    _o("STORAGE_CONNECTION", Form.WORD, idle=True),
    _o("STORAGE_LOCATION", idle=True),
    _o("COMPUTE_CLUSTER", Form.WORD, e=True, idle=True),
    _o("COMPRESSION", Form.WORD, e=True, idle=True, words="SNAPPY GZIP"),
    _o("COMPACTION_PROCESSES", Form.INT, e=True, idle=True),
    _o("DISABLE_COMPACTION", Form.BOOL, e=True, idle=True),
    _o("RETENTION_DATE_PARTITION", Form.WORD),
    _o("TABLE_DATA_RETENTION", Form.DURATION, e=True),
    _o("COLUMN_DATA_RETENTION", Form.COLUMN_DURATIONS, e=True),
)
DROP_TABLE: Final = _table(_o("DELETE_DATA", Form.BOOL), _o("COMPUTE_CLUSTER", Form.WORD, idle=True))
VIEW: Final = _table(
    _o("STORAGE_CONNECTION", Form.WORD, idle=True),
    _o("STORAGE_LOCATION", idle=True),
    _o("MAX_TIME_TRAVEL_DURATION", Form.DURATION, e=True),
    _o("COMPUTE_CLUSTER", Form.WORD, e=True, idle=True),
)
_CONTENT = _table(
    _o("TYPE", Form.WORD),
    _o("INFER_TYPES", Form.BOOL),
    _o("HEADER", Form.TEXTS),
    _o("HEADER_LINE"),
    _o("DELIMITER"),
    _o("QUOTE_ESCAPE_CHAR"),
    _o("NULL_VALUE"),
    _o("MAX_COLUMNS", Form.INT),
    _o("ALLOW_DUPLICATE_HEADERS", Form.BOOL),
    _o("SPLIT_ROOT_ARRAY", Form.BOOL),
    _o("STORE_JSON_AS_STRING", Form.BOOL),
)
CONTENT_TYPES: Final = [
    "AUTO",
    "CSV",
    "JSON",
    "PARQUET",
    "TSV",
    "AVRO",
    "AVRO_SCHEMA_REGISTRY",
    "FIXED_WIDTH",
    "REGEX",
    "SPLIT_LINES",
    "ORC",
    "XML",
]
READABLE: Final = ("AUTO", "CSV", "TSV", "JSON", "PARQUET")


def read_options(cursor: Cursor, table: Table, what: str) -> Options:
    """Options side by side, in any order, until something that is no ``name =``.

    Raises:
        Invalid: an unknown option (the nearest known one is named), one given twice, or a value of another form.
    """
    options: Options = {}
    while cursor.peek().kind in (Kind.WORD, Kind.QUOTED) and cursor.is_symbol("=", 1):
        name, value = read_option(cursor, table, what)
        if name in options:
            raise Invalid(f"option {name} is given twice", field=name)
        options[name] = value
    return options


def read_set_options(cursor: Cursor, table: Table, what: str) -> Options:
    """``SET`` options of an ALTER; none at all is allowed. Source: contract, 4.6 (a bare ALTER is a no-op).

    Raises:
        Invalid: an option that ALTER may not change.
    """
    options: Options = {}
    while cursor.accept("SET"):
        name, value = read_option(cursor, table, what)
        if not table[name].editable:
            editable = ", ".join(sorted(option.name for option in table.values() if option.editable))
            raise Invalid(f"option {name} of {what} cannot be changed; these can: {editable}", field=name)
        options[name] = value
    return options


def read_option(cursor: Cursor, table: Table, what: str) -> tuple[str, Given]:
    """One ``name = value``."""
    token = cursor.peek()
    name = cursor.name("the name of an option").upper()
    option = table.get(name)
    if option is None:
        near = difflib.get_close_matches(name, table, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(table))}"
        raise Invalid(f"{place(cursor.sql, token.start)}: {what} has no option {name}{hint}", field=name)
    cursor.expect_symbol("=")
    start = cursor.peek().start
    value = _value(cursor, option)
    return name, Given(value, cursor.sql[start : cursor.tokens[cursor.at - 1].end])


def read_again(texts: Mapping[str, str], table: Table, what: str) -> Options:
    """Options from the texts that were kept of them."""
    return dict(read_option(Cursor(f"{name} = {text}"), table, what) for name, text in texts.items())


def value_of(options: Options, name: str) -> Value | None:
    """The value of an option, None where it was not given."""
    given = options.get(name)
    return None if given is None else given.value


def _value(cursor: Cursor, option: Option) -> Value:
    match option.form:
        case Form.TEXT:
            return cursor.string(f"{option.name}: a text")
        case Form.WORD:
            return _word(cursor, option)
        case Form.BOOL:
            return _bool(cursor, option)
        case Form.INT:
            return _integer(cursor, option.name)
        case Form.DURATION:
            return timedelta(seconds=_duration_seconds(cursor, option.name))
        case Form.MOMENT:
            return _moment(cursor, option.name)
        case Form.NAMES:
            return _list_of(cursor, lambda: cursor.path(f"{option.name}: a name"))
        case Form.TEXTS:
            return _list_of(cursor, lambda: _text_or_name(cursor, option.name))
        case Form.EXPRESSIONS:
            return _expressions(cursor, option.name)
        case Form.CONTENT_TYPE:
            return _content_type(cursor)
        case Form.DEDUPLICATION:
            return _deduplication(cursor)
        case Form.COLUMN_DURATIONS:
            return _column_durations(cursor)


def _text_or_name(cursor: Cursor, name: str) -> str:
    if cursor.peek().kind is Kind.STRING:
        return cursor.take().text
    return cursor.path(f"{name}: a text in single quotes")


def _word(cursor: Cursor, option: Option) -> str:
    token = cursor.peek()
    if token.kind not in (Kind.WORD, Kind.QUOTED, Kind.STRING):
        cursor.refuse(f"{option.name}: a word")
    cursor.take()
    if option.words:
        if token.text.upper() not in option.words:
            cursor.refuse(f"{option.name}: one of {', '.join(option.words)}", token)
        return token.text.upper()
    return token.text


def _bool(cursor: Cursor, option: Option) -> bool:
    token = cursor.peek()
    text = token.text.upper() if token.kind in (Kind.WORD, Kind.QUOTED, Kind.STRING) else ""
    if text not in ("TRUE", "FALSE"):
        cursor.refuse(f"{option.name}: TRUE or FALSE")
    cursor.take()
    return text == "TRUE"


def _integer(cursor: Cursor, name: str) -> int:
    token = cursor.peek()
    if token.kind is not Kind.NUMBER or not token.text.isdigit():
        cursor.refuse(f"{name}: a whole number")
    cursor.take()
    return int(token.text)


def _duration_seconds(cursor: Cursor, name: str) -> int:
    token = cursor.peek()
    count = _integer(cursor, name)
    unit = cursor.peek().upper.removesuffix("S")
    if unit not in UNITS:
        cursor.refuse(f"{name}: a duration such as 5 MINUTES (SECONDS, MINUTES, HOURS, DAYS)")
    cursor.take()
    if count < 1:
        cursor.refuse(f"{name}: a duration of at least 1", token)
    return count * UNITS[unit]


def _moment(cursor: Cursor, name: str) -> Moment:
    token = cursor.peek()
    if token.upper in ("NOW", "BEGINNING"):
        cursor.take()
        if cursor.accept_symbol("("):
            cursor.expect_symbol(")")
        return Moment(token.upper)
    cursor.accept("TIMESTAMP") or cursor.accept("DATE")
    text_token = cursor.peek()
    text = cursor.string(f"{name}: NOW, BEGINNING or TIMESTAMP '2026-01-31 00:00:00'")
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        cursor.refuse(f"{name}: a timestamp such as '2026-01-31 00:00:00'", text_token)
    return Moment("AT", at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))


def _list_of(cursor: Cursor, read: Callable[[], str]) -> list[str]:
    if not cursor.accept_symbol("("):
        return [read()]
    items: list[str] = []
    while not cursor.accept_symbol(")"):
        items.append(read())
        if not cursor.is_symbol(")"):
            cursor.expect_symbol(",")
    return items


def _expressions(cursor: Cursor, name: str) -> dict[str, str]:
    cursor.expect_symbol("(")
    found: dict[str, str] = {}
    while not cursor.accept_symbol(")"):
        column = cursor.path(f"{name}: the name of a new column")
        cursor.expect_symbol("=")
        if cursor.is_symbol(")") or cursor.is_symbol(","):
            cursor.refuse(f"{name}: an expression")
        found[column] = cursor.text_until(comma=True, bracket=True)
        if not cursor.is_symbol(")"):
            cursor.expect_symbol(",")
    return found


def _content_type(cursor: Cursor) -> ContentType:
    if not cursor.accept_symbol("("):
        token = cursor.peek()
        kind = _word(cursor, _CONTENT["TYPE"]).upper()
        if kind not in CONTENT_TYPES:
            cursor.refuse(f"CONTENT_TYPE: one of {', '.join(CONTENT_TYPES)}", token)
        return ContentType(kind, delimiter="\t" if kind == "TSV" else ",")
    opening = cursor.peek()
    options: Options = {}
    while not cursor.accept_symbol(")"):
        name, value = read_option(cursor, _CONTENT, "CONTENT_TYPE")
        options[name] = value
        cursor.accept_symbol(",")
    kind = str(value_of(options, "TYPE") or "").upper()
    if kind not in CONTENT_TYPES:
        cursor.refuse(f"CONTENT_TYPE: TYPE = one of {', '.join(CONTENT_TYPES)}", opening)
    return content_type_of(kind, options)


def content_type_of(kind: str, options: Options) -> ContentType:
    """A content type from its options, checked. Source: contract, 5.5.

    Raises:
        Invalid: a delimiter or quote that is not one character; both HEADER and HEADER_LINE.
    """
    header = value_of(options, "HEADER")
    line = value_of(options, "HEADER_LINE")
    if header is not None and line is not None:
        raise Invalid("HEADER and HEADER_LINE say the same thing; give one of them", field="HEADER")
    if isinstance(line, str):
        header = [name.strip() for name in line.split("\t" if kind == "TSV" and "\t" in line else ",")]
    delimiter = "\t" if kind == "TSV" else str(value_of(options, "DELIMITER") or ",").replace("\\t", "\t")
    quote = str(value_of(options, "QUOTE_ESCAPE_CHAR") or '"')
    for name, value in (("DELIMITER", delimiter), ("QUOTE_ESCAPE_CHAR", quote)):
        if len(value) != 1 or value in "\r\n":
            raise Invalid(f"{name} must be one character; got {value!r}", field=name)
    null_value, max_columns = value_of(options, "NULL_VALUE"), value_of(options, "MAX_COLUMNS")
    return ContentType(
        kind,
        infer_types=value_of(options, "INFER_TYPES") is True,
        header=[str(name) for name in header] if isinstance(header, list) else None,
        delimiter=delimiter,
        quote=quote,
        null_value=null_value if isinstance(null_value, str) else None,
        max_columns=max_columns if isinstance(max_columns, int) else None,
        allow_duplicate_headers=value_of(options, "ALLOW_DUPLICATE_HEADERS") is True,
        split_root_array=value_of(options, "SPLIT_ROOT_ARRAY") is not False,
        store_json_as_string=value_of(options, "STORE_JSON_AS_STRING") is True,
    )


def _deduplication(cursor: Cursor) -> Deduplication:
    opening = cursor.peek()
    cursor.expect_symbol("(")
    columns: list[str] = []
    seconds = 0
    while not cursor.accept_symbol(")"):
        word = cursor.one_of(("COLUMNS", "COLUMN", "WINDOW"), "DEDUPLICATE_WITH")
        cursor.expect_symbol("=")
        if word == "WINDOW":
            seconds = _duration_seconds(cursor, "WINDOW")
        else:
            columns = _list_of(cursor, lambda: _text_or_name(cursor, "COLUMNS"))
        cursor.accept_symbol(",")
    if not columns or not seconds:
        cursor.refuse("DEDUPLICATE_WITH = (COLUMNS = (a, b), WINDOW = 4 HOURS)", opening)
    return Deduplication(columns, seconds)


def _column_durations(cursor: Cursor) -> list[tuple[str, int]]:
    cursor.expect_symbol("(")
    found: list[tuple[str, int]] = []
    while not cursor.accept_symbol(")"):
        cursor.expect_symbol("(")
        cursor.expect("COLUMN")
        cursor.expect_symbol("=")
        column = _text_or_name(cursor, "COLUMN")
        cursor.accept_symbol(",")
        cursor.expect("DURATION")
        cursor.expect_symbol("=")
        found.append((column, _duration_seconds(cursor, "DURATION")))
        cursor.expect_symbol(")")
        cursor.accept_symbol(",")
    return found


def idle_notes(options: Options, table: Table) -> list[str]:
    """The names of given options that mean nothing here. Source: contract, 5.4, last paragraph."""
    return [name for name in options if name in table and table[name].idle]
