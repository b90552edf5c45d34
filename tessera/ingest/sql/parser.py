"""From the text of one statement to its meaning. Source: contracts/ingest.md, 5.2 (grammar) and 4.6 (dbt's shapes)."""

from collections.abc import Callable
from typing import Final

from tessera.ingest.sql import options as known
from tessera.ingest.sql.cursor import Cursor
from tessera.ingest.sql.lexer import Kind
from tessera.ingest.sql.statements import (
    CATALOG,
    DEFAULT_SCHEMA,
    AlterConnection,
    AlterJob,
    AlterTable,
    AlterView,
    Column,
    Comment,
    Copy,
    CreateConnection,
    CreateJob,
    CreateReplication,
    CreateTable,
    CreateView,
    Describe,
    DropConnection,
    DropJob,
    DropTable,
    DropView,
    Expectation,
    Insert,
    Merge,
    Options,
    PauseJob,
    ResumeJob,
    Select,
    ShowCreate,
    ShowList,
    Statement,
    TableName,
)
from tessera.kernel.errors import Invalid

TYPES: Final = {
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
    "BIGINT": "BIGINT",
    "LONG": "BIGINT",
    "INT": "BIGINT",
    "INTEGER": "BIGINT",
    "DOUBLE": "DOUBLE",
    "FLOAT": "DOUBLE",
    "STRING": "STRING",
    "VARCHAR": "STRING",
    "BOOLEAN": "BOOLEAN",
    "DECIMAL": "DECIMAL",
}
"""The column types of CREATE TABLE, and the usual other words for them. Source: contract, 5.6."""
_FIRST_WORDS: Final = "CREATE, ALTER, DROP, PAUSE, RESUME, SELECT, WITH, SHOW, DESCRIBE, COMMENT"
_TARGET_KINDS: Final = ("SNOWFLAKE", "REDSHIFT", "POSTGRES", "S3", "ELASTICSEARCH")


def parse(sql: str) -> Statement:
    """The one statement in ``sql``.

    Raises:
        Invalid: the text is empty, is no statement of this SQL, or is more than one; the message says where.
    """
    cursor = Cursor(sql)
    first = cursor.peek()
    if first.kind is Kind.END or cursor.is_symbol(";"):
        raise Invalid("the statement is empty", field="sql")
    if first.upper in ("SELECT", "WITH") or cursor.is_symbol("("):
        text = cursor.text_until()
        cursor.done()
        return Select(text)
    readers: dict[str, Callable[[Cursor], Statement]] = {
        "CREATE": _create,
        "ALTER": _alter,
        "DROP": _drop,
        "PAUSE": lambda rest: PauseJob(_job_name(rest)),
        "RESUME": lambda rest: ResumeJob(_job_name(rest)),
        "SHOW": _show,
        "DESCRIBE": lambda rest: Describe(table_name(rest)),
        "DESC": lambda rest: Describe(table_name(rest)),
        "COMMENT": _comment,
    }
    read = readers.get(first.upper)
    if read is None:
        cursor.refuse(f"a statement ({_FIRST_WORDS})")
    cursor.take()
    statement = read(cursor)
    cursor.done()
    return statement


def table_name(cursor: Cursor) -> TableName:
    """A table's name in up to three parts. Names of tables and schemas do not tell upper from lower case."""
    start = cursor.peek()
    parts = [cursor.name("the name of a table")]
    while cursor.accept_symbol("."):
        parts.append(cursor.name("a name after the dot"))
    if len(parts) > 3:
        cursor.refuse("a table's name in at most three parts (catalog.schema.table)", start)
    catalog, schema, name = [CATALOG, DEFAULT_SCHEMA][: 3 - len(parts)] + parts
    return TableName(schema.lower(), name.lower(), catalog)


def _job_name(cursor: Cursor) -> str:
    cursor.expect("JOB")
    return cursor.name("the name of a job")


def _if_not_exists(cursor: Cursor) -> bool:
    return cursor.accept("IF", "NOT", "EXISTS")


def _create(cursor: Cursor) -> Statement:
    cursor.accept("ICEBERG")
    if cursor.accept("TABLE"):
        return _create_table(cursor)
    if cursor.accept("REPLICATION", "JOB"):
        name = cursor.name("the name of a job")
        cursor.text_until()
        return CreateReplication(name)
    sync = cursor.accept("SYNC")
    if not sync:
        cursor.accept("ASYNC")
    if cursor.accept("JOB"):
        return _create_job(cursor, sync)
    if cursor.accept("MATERIALIZED", "VIEW"):
        return _create_view(cursor, sync)
    if cursor.peek().upper not in known.CONNECTIONS:
        cursor.refuse(f"TABLE, [SYNC] JOB, MATERIALIZED VIEW or a kind of connection ({', '.join(known.CONNECTIONS)})")
    kind = cursor.take().upper
    cursor.expect("CONNECTION")
    exists = _if_not_exists(cursor)
    name = cursor.name("the name of a connection")
    options = known.read_options(cursor, known.CONNECTIONS[kind], f"a {kind} connection")
    missing = [option for option in known.REQUIRED.get(kind, ()) if option not in options]
    if kind == "KAFKA" and not ({"HOST", "HOSTS"} & options.keys()):
        missing = ["HOSTS"]
    if missing and cursor.peek().kind is Kind.END:
        raise Invalid(f"a {kind} connection needs the option {missing[0]} = …", field=missing[0])
    return CreateConnection(kind, name, options, exists)


def _names(cursor: Cursor, what: str) -> list[str]:
    """Names with commas, in brackets or bare. Source: contract, 4.6 (dbt leaves the brackets out)."""
    bracket = cursor.accept_symbol("(")
    names = [cursor.path(what)]
    while cursor.accept_symbol(","):
        names.append(cursor.path(what))
    if bracket:
        cursor.expect_symbol(")")
    return names


def _create_table(cursor: Cursor) -> CreateTable:
    exists = _if_not_exists(cursor)
    table = table_name(cursor)
    columns: list[Column] = []
    if cursor.accept_symbol("("):
        while not cursor.accept_symbol(")"):
            columns.append(_column(cursor))
            if not cursor.is_symbol(")"):
                cursor.expect_symbol(",")
    partition_by: list[str] = []
    primary_key: list[str] = []
    options: Options = {}
    while True:
        if cursor.accept("PARTITIONED", "BY") or cursor.accept("PARTITION", "BY"):
            partition_by = _names(cursor, "a partition column")
        elif cursor.accept("PRIMARY", "KEY"):
            primary_key = _names(cursor, "a key column")
        else:
            more = known.read_options(cursor, known.TABLE, "a table")
            if not more:
                break
            options |= more
    seen: set[str] = set()
    for column in columns:
        if column.name.lower() in seen:
            raise Invalid(
                f"column {column.name} is declared twice (names do not tell upper from lower case)", field=column.name
            )
        seen.add(column.name.lower())
    return CreateTable(table, columns, partition_by, primary_key, options, exists)


def _column(cursor: Cursor) -> Column:
    name = cursor.name("the name of a column")
    if name.startswith("$"):
        cursor.refuse("a name that does not begin with $ (those are system columns)", cursor.tokens[cursor.at - 1])
    kind = TYPES[cursor.one_of(TYPES, "a type")]
    if kind != "DECIMAL":
        return Column(name, kind)
    precision, scale = 38, 0
    if cursor.accept_symbol("("):
        precision = _digits(cursor)
        scale = _digits(cursor) if cursor.accept_symbol(",") else 0
        cursor.expect_symbol(")")
    if not (1 <= precision <= 38 and scale <= precision):
        raise Invalid(
            f"DECIMAL({precision}, {scale}): the precision is 1 to 38, the scale at most the precision", field=name
        )
    return Column(name, f"DECIMAL({precision}, {scale})")


def _digits(cursor: Cursor) -> int:
    if cursor.peek().kind is not Kind.NUMBER or not cursor.peek().text.isdigit():
        cursor.refuse("a whole number")
    return int(cursor.take().text)


def _create_job(cursor: Cursor, sync: bool) -> CreateJob:
    exists = _if_not_exists(cursor)
    name = cursor.name("the name of a job")
    # The options' table depends on what follows AS, so the kind of job is looked up first and the cursor set back.
    begin = cursor.at
    table, what = _options_of_job(cursor)
    cursor.at = begin
    options = known.read_options(cursor, table, what)
    cursor.expect("AS")
    body: Copy | Insert | Merge
    match cursor.one_of(("COPY", "INSERT", "MERGE"), "what the job does"):
        case "COPY":
            body = _copy(cursor)
        case "INSERT":
            body = _insert(cursor)
        case _:
            body = _merge(cursor)
    names = [expectation.name for expectation in body.expectations]
    for expectation in names:
        if names.count(expectation) > 1:
            raise Invalid(f"expectation {expectation} is there twice; names are unique in a job", field=expectation)
    return CreateJob(name, sync, options, body, exists)


def _options_of_job(cursor: Cursor) -> tuple[known.Table, str]:
    while cursor.peek().kind is not Kind.END:
        if (
            cursor.looks_at("AS")
            and cursor.peek(1).upper in ("COPY", "INSERT", "MERGE")
            and not cursor.is_symbol("=", 2)
        ):
            if cursor.peek(1).upper != "COPY":
                return known.TRANSFORMATION, "a transformation job"
            kind = cursor.peek(3).upper
            return known.COPY_JOBS.get(
                kind, known.ANY_COPY_JOB
            ), f"a COPY job from {kind if kind in known.COPY_JOBS else 'a connection'}"
        if cursor.is_symbol("("):
            cursor.skip_brackets()
        else:
            cursor.take()
    return known.ANY_JOB, "a job"


def _copy(cursor: Cursor) -> Copy:
    cursor.expect("FROM")
    kind = ""
    if (
        cursor.peek().upper in known.SOURCES
        and cursor.peek(1).kind in (Kind.WORD, Kind.QUOTED)
        and not cursor.is_symbol("=", 2)
    ):
        kind = cursor.take().upper
    elif (
        cursor.peek().upper in known.CONNECTIONS
        and cursor.peek(1).kind in (Kind.WORD, Kind.QUOTED)
        and not cursor.is_symbol("=", 2)
    ):
        cursor.refuse(f"a kind of connection that data comes from ({', '.join(known.SOURCES)})")
    name = cursor.name("the name of a connection")
    table = known.SOURCES[kind] if kind else {k: v for options in known.SOURCES.values() for k, v in options.items()}
    source_options = known.read_options(cursor, table, f"a source of kind {kind or 'of the connection'}")
    cursor.expect("INTO")
    into = _target(cursor)
    return Copy(kind, name, source_options, into, _expectations(cursor))


def _target(cursor: Cursor) -> TableName:
    token = cursor.peek()
    if (
        token.upper in _TARGET_KINDS
        and cursor.peek(1).kind in (Kind.WORD, Kind.QUOTED)
        and cursor.peek(1).upper not in ("WITH", "MAP_COLUMNS_BY_NAME", "SELECT", "USING", "AS")
    ):
        raise Invalid(
            f"targets of kind {token.upper} are not available on this server; write into a table", field="INTO"
        )
    return table_name(cursor)


def _expectations(cursor: Cursor) -> list[Expectation]:
    found: list[Expectation] = []
    while cursor.accept("WITH"):
        found.append(_expectation(cursor))
    return found


def _expectation(cursor: Cursor) -> Expectation:
    cursor.expect("EXPECTATION")
    name = cursor.name("the name of an expectation")
    cursor.expect("EXPECT")
    predicate = cursor.text_until(("ON", "VIOLATION"))
    if not predicate:
        cursor.refuse("a predicate")
    cursor.expect("ON", "VIOLATION")
    return Expectation(name, predicate, cursor.one_of(("DROP", "WARN"), "what happens on a violation"))


def _insert(cursor: Cursor) -> Insert:
    cursor.expect("INTO")
    into = _target(cursor)
    columns: list[str] | None = None
    by_name = False
    except_columns: list[str] = []
    if cursor.is_symbol("(") and cursor.peek(1).upper not in ("SELECT", "WITH"):
        columns = _names(cursor, "a column")
    elif cursor.accept("MAP_COLUMNS_BY_NAME"):
        by_name = True
        if cursor.accept("EXCEPT"):
            except_columns = _names(cursor, "a column")
    if cursor.looks_at("UNNEST"):
        raise Invalid("UNNEST(SELECT …) in jobs is not available on this server", field="sql")
    query = _query(cursor, ("WITH", "EXPECTATION"))
    return Insert(into, query, columns, by_name, except_columns, _expectations(cursor))


def _query(cursor: Cursor, *stop: tuple[str, ...], option: known.Table | None = None) -> str:
    if not (cursor.looks_at("SELECT") or cursor.looks_at("WITH") or cursor.is_symbol("(")):
        cursor.refuse("a query (SELECT …)")
    bracketed = cursor.is_symbol("(")
    text = cursor.text_until(*stop, option=option or {})
    return text[1:-1].strip() if bracketed and text.endswith(")") else text


def _merge(cursor: Cursor) -> Merge:
    cursor.expect("INTO")
    into = _target(cursor)
    begin = cursor.peek()
    while not cursor.looks_at("USING"):
        if cursor.peek().kind is Kind.END:
            cursor.refuse("USING (SELECT …)", begin)
        cursor.take()
    return Merge(into, cursor.text_until(("WITH", "EXPECTATION")), _expectations(cursor))


def _create_view(cursor: Cursor, sync: bool) -> CreateView:
    _if_not_exists(cursor)
    view = table_name(cursor)
    cursor.expect("AS")
    # The options come after a query that need have no brackets: the first known option's name ends the query.
    query = _query(cursor, option=known.VIEW)
    return CreateView(view, sync, query, known.read_options(cursor, known.VIEW, "a materialized view"))


def _alter(cursor: Cursor) -> Statement:
    cursor.accept("ICEBERG")
    if cursor.accept("TABLE"):
        table = table_name(cursor)
        return AlterTable(table, known.read_set_options(cursor, known.TABLE, "a table"))
    if cursor.accept("JOB"):
        name = cursor.name("the name of a job")
        if cursor.accept("ADD"):
            return AlterJob(name, {}, add=_expectation(cursor))
        if cursor.accept("DROP", "EXPECTATION"):
            return AlterJob(name, {}, drop=cursor.name("the name of an expectation"))
        return AlterJob(name, known.read_set_options(cursor, known.ANY_JOB, "a job"))
    if cursor.accept("MATERIALIZED", "VIEW"):
        view = table_name(cursor)
        return AlterView(view, known.read_set_options(cursor, known.VIEW, "a materialized view"))
    if cursor.peek().upper not in known.CONNECTIONS:
        cursor.refuse(f"TABLE, JOB, MATERIALIZED VIEW or a kind of connection ({', '.join(known.CONNECTIONS)})")
    kind = cursor.take().upper
    cursor.expect("CONNECTION")
    name = cursor.name("the name of a connection")
    return AlterConnection(kind, name, known.read_set_options(cursor, known.CONNECTIONS[kind], f"a {kind} connection"))


def _drop(cursor: Cursor) -> Statement:
    cursor.accept("ICEBERG")
    what = cursor.one_of(("TABLE", "JOB", "CONNECTION", "MATERIALIZED"), "what to drop")
    if what == "MATERIALIZED":
        cursor.expect("VIEW")
        exists = cursor.accept("IF", "EXISTS")
        return DropView(table_name(cursor), exists)
    exists = cursor.accept("IF", "EXISTS")
    if what == "TABLE":
        table = table_name(cursor)
        return DropTable(table, known.read_options(cursor, known.DROP_TABLE, "DROP TABLE"), exists)
    if what == "JOB":
        return DropJob(cursor.name("the name of a job"), exists)
    return DropConnection(cursor.name("the name of a connection"), exists)


def _show(cursor: Cursor) -> Statement:
    if not cursor.accept("CREATE"):
        return ShowList(cursor.one_of(("CONNECTIONS", "TABLES", "JOBS", "VIEWS"), "what to show"))
    what = cursor.one_of(("JOB", "TABLE", "CONNECTION", "MATERIALIZED"), "what to show")
    if what == "MATERIALIZED":
        cursor.expect("VIEW")
        what = "MATERIALIZED VIEW"
    return ShowCreate(what, *_object(cursor))


def _object(cursor: Cursor) -> tuple[str, TableName]:
    """The name that comes next, both as the name of a job or connection and as a table's."""
    plain = cursor.peek().text
    return plain, table_name(cursor)


def _comment(cursor: Cursor) -> Comment:
    cursor.expect("ON")
    what = cursor.one_of(("TABLE", "JOB", "CONNECTION"), "what the comment is on")
    name, table = _object(cursor)
    cursor.expect("IS")
    return Comment(what, name, table, cursor.string("the comment"))
