"""Jobs: create, change, pause, resume, drop, show. What a job does while it runs: ``copying``.

Source: contracts/ingest.md, 5.4, 6.10 and 6.11.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from tessera.ingest import connections_store
from tessera.ingest import jobs_store as store
from tessera.ingest import ledger_store as ledger
from tessera.ingest.connections import name_of, quoted
from tessera.ingest.connections import read as read_connection
from tessera.ingest.date_patterns import DatePattern
from tessera.ingest.expressions import predicate, transformation
from tessera.ingest.model import PACKAGE, JobState
from tessera.ingest.secrets import MASK, seal, unseal
from tessera.ingest.sources import LocalSource, s3_source
from tessera.ingest.sql import options as known
from tessera.ingest.sql.statements import (
    CATALOG,
    AlterJob,
    ContentType,
    Copy,
    CreateJob,
    DropJob,
    Moment,
    Options,
    TableName,
)
from tessera.ingest.tables import place, read_declared
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import instant, now
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Invalid, NotFound
from tessera.kernel.jobs import Jobs, read_job
from tessera.settings import Settings
from tessera.warehouse import Warehouse

COPY_KIND: Final = "ingest.copy"
"""The kernel's kind of job that runs a COPY job."""
FILE_SOURCES: Final = ("LOCAL", "S3")
_DAY: Final = 86_400
_DENSE_COMPRESSIONS: Final = ("AUTO", "GZIP", "SNAPPY", "NONE")


class Kernel(Struct, frozen=True):
    """What rules about jobs need beside the transaction."""

    jobs: Jobs
    settings: Settings
    dialect: str


def check(statement: CreateJob, connection: connections_store.Connection, kernel: Kernel) -> None:
    """What has to be looked up or computed outside the database's transaction.

    Raises:
        Invalid: an option that does not fit, an expression that is not allowed, a LOCATION that is not there.
    """
    body = statement.body
    if not isinstance(body, Copy):
        raise Invalid("jobs that INSERT or MERGE are not available on this server; COPY FROM jobs are", field="sql")
    if body.kind and body.kind != connection.kind:
        raise Invalid(f"connection {connection.name} is of kind {connection.kind}, not {body.kind}", field="connection")
    if connection.kind not in FILE_SOURCES:
        raise Invalid(f"jobs that read from {connection.kind} are not available on this server", field="connection")
    _check_options(connection.kind, statement.options)
    location = _location(connection.kind, body.source_options)
    if connection.kind == "LOCAL":
        root = str(known.value_of(read_options(connection.options, "LOCAL"), "ROOT"))
        LocalSource(root, location, kernel.settings.ingest_local_folders)
    else:
        s3_source({}, location)
    for expectation in body.expectations:
        predicate(expectation.predicate, kernel.dialect)
    transformations = known.value_of(statement.options, "COLUMN_TRANSFORMATIONS")
    if isinstance(transformations, dict):
        for name, text in transformations.items():
            transformation(name, text, kernel.dialect)
    if known.value_of(statement.options, "DELETE_FILES_AFTER_LOAD") is True and _is_read_only(connection):
        raise Invalid(
            f"connection {connection.name} is READ_ONLY, so no job may delete its files",
            field="DELETE_FILES_AFTER_LOAD",
        )


def read_options(texts: Mapping[str, str], kind: str) -> Options:
    """A connection's options from their texts."""
    return known.read_again(texts, known.CONNECTIONS[kind], "a connection")


def _is_read_only(connection: connections_store.Connection) -> bool:
    return known.value_of(read_options(connection.options, connection.kind), "READ_ONLY") is True


def _location(kind: str, source_options: Options) -> str:
    location = known.value_of(source_options, "LOCATION")
    bucket, prefix = known.value_of(source_options, "BUCKET"), known.value_of(source_options, "PREFIX")
    if isinstance(bucket, str) and location is None:
        return f"s3://{bucket}/{str(prefix or '').strip('/')}"
    if not isinstance(location, str):
        raise Invalid(f"COPY FROM {kind} needs LOCATION = '…'", field="LOCATION")
    return location


def location_of(kind: str, texts: Mapping[str, str]) -> str:
    """LOCATION of a stored job."""
    return _location(kind, known.read_again(texts, known.SOURCES[kind], "a source"))


def _check_options(kind: str, options: Options) -> None:
    if "START_FROM" in options and "DATE_PATTERN" not in options:
        moment = known.value_of(options, "START_FROM")
        if not (isinstance(moment, Moment) and moment.word == "BEGINNING"):
            raise Invalid("START_FROM needs DATE_PATTERN: without it the files carry no time", field="START_FROM")
    pattern = known.value_of(options, "DATE_PATTERN")
    if isinstance(pattern, str):
        DatePattern(pattern)
    for name in ("FILE_PATTERN", "INITIAL_LOAD_PATTERN"):
        text = known.value_of(options, name)
        if isinstance(text, str):
            try:
                re.compile(text)
            except re.error as error:
                raise Invalid(f"{name} is no regular expression: {error}", field=name) from None
    interval = known.value_of(options, "COMMIT_INTERVAL")
    if isinstance(interval, timedelta) and _DAY % int(interval.total_seconds()):
        raise Invalid("COMMIT_INTERVAL must divide a day", field="COMMIT_INTERVAL")
    content = known.value_of(options, "CONTENT_TYPE")
    if isinstance(content, ContentType):
        if content.kind not in known.READABLE:
            readable = ", ".join(known.READABLE)
            raise Invalid(
                f"CONTENT_TYPE {content.kind} is not available on this server; these are: {readable}",
                field="CONTENT_TYPE",
            )
        if content.store_json_as_string:
            raise Invalid("STORE_JSON_AS_STRING is not available on this server", field="STORE_JSON_AS_STRING")
    compression = known.value_of(options, "COMPRESSION")
    if compression is not None and compression not in _DENSE_COMPRESSIONS:
        raise Invalid(f"COMPRESSION {compression} is not available on this server", field="COMPRESSION")


def create(tx: Tx, principal: Principal, statement: CreateJob, kernel: Kernel) -> str:
    """Add a job and start it; the message to show.

    Raises:
        Invalid: the name is taken, or connection or table do not exist.
    """
    tx.lock("ingest jobs")
    if store.find(tx, statement.name) is not None:
        if statement.if_not_exists:
            return f"Job {statement.name} already exists"
        raise Invalid(f"job {statement.name} already exists", field="name")
    body = statement.body
    assert isinstance(body, Copy)
    connection = read_connection(tx, body.connection)
    target = place(body.into)
    declared = read_declared(tx, body.into)
    if declared.primary_key:
        raise Invalid(
            f"table {body.into} has a primary key; COPY FROM jobs write into tables without one", field="INTO"
        )
    table = known.COPY_JOBS[connection.kind]
    shown, secret = _split(statement.options, table)
    job_id = store.insert(
        tx,
        name=statement.name,
        job_type="ingestion",
        is_sync=statement.sync,
        options=shown,
        secrets=seal(kernel.settings, secret),
        connection_id=connection.id,
        source_options={name: given.text for name, given in body.source_options.items()},
        query=None,
        target_schema=target.schema,
        target_name=target.name,
        state=JobState.RUNNING,
        generation=1,
        start_at=now(),
        created_by=principal.id,
    )
    for expectation in body.expectations:
        store.add_expectation(tx, job_id, expectation.name, expectation.predicate, expectation.action)
    _start(tx, kernel.jobs, job_id, statement.name, 1, principal.id)
    _record(tx, "created", job_id, principal.id, name=statement.name, target=str(body.into))
    idle = known.idle_notes(statement.options, table)
    note = f" (accepted, but without a meaning on this server: {', '.join(idle)})" if idle else ""
    return f"Job {statement.name} was created{note}"


def _split(options: Options, table: known.Table) -> tuple[dict[str, str], dict[str, str]]:
    shown = {name: given.text for name, given in options.items() if not table[name].secret}
    return shown, {name: given.text for name, given in options.items() if table[name].secret}


def _start(tx: Tx, jobs: Jobs, job_id: str, name: str, generation: int, by: str | None) -> None:
    args = {"jobId": job_id, "generation": generation}
    title = f"Ingest: {name}"
    kernel_id = jobs.enqueue(tx, COPY_KIND, args, package=PACKAGE, by=by, title=title, key=f"{job_id}:{generation}")
    store.note(tx, job_id, kernel_job_id=kernel_id)


def read(tx: Tx, name: str) -> store.JobRecord:
    """A job by its name.

    Raises:
        Invalid: there is none.
    """
    found = store.find(tx, name)
    if found is None:
        raise Invalid(f"there is no job {name}", field="job")
    return found


def alter(tx: Tx, principal: Principal, statement: AlterJob, kernel: Kernel) -> str:
    """Change options, or add or drop an expectation, from the next unit of work on; a bare ALTER JOB is a no-op.

    Raises:
        Invalid: there is no such job, an option that it does not have, or an expectation that does not fit.
    """
    found = read(tx, statement.name)
    if statement.add is not None:
        predicate(statement.add.predicate, kernel.dialect)
        if any(one.name.lower() == statement.add.name.lower() for one in store.expectations(tx, found.id)):
            raise Invalid(f"job {found.name} has an expectation {statement.add.name} already", field="expectation")
        store.add_expectation(tx, found.id, statement.add.name, statement.add.predicate, statement.add.action)
    if statement.drop is not None and not store.drop_expectation(tx, found.id, statement.drop):
        raise Invalid(f"job {found.name} has no expectation {statement.drop}", field="expectation")
    if statement.options:
        table = _table_of(tx, found)
        unknown = sorted(set(statement.options) - set(table))
        if unknown:
            raise Invalid(f"job {found.name} has no option {unknown[0]}", field=unknown[0])
        _check_options("", {**_typed(found.options, table), **statement.options})
        shown, secret = _split(statement.options, table)
        secrets = seal(kernel.settings, unseal(kernel.settings, found.secrets) | secret)
        store.update(tx, found.id, options=found.options | shown, secrets=secrets, updated_by=principal.id)
    if statement.add or statement.drop or statement.options:
        _record(tx, "updated", found.id, principal.id, name=found.name)
    return f"Job {found.name} was altered"


def _table_of(tx: Tx, job: store.JobRecord) -> known.Table:
    connection = connections_store.find_by_id(tx, job.connection_id) if job.connection_id else None
    return known.COPY_JOBS[connection.kind] if connection else known.TRANSFORMATION


def _typed(texts: Mapping[str, str], table: known.Table) -> Options:
    return known.read_again(texts, table, "a job")


def pause(tx: Tx, principal: Principal, name: str, kernel: Kernel) -> str:
    """Stop before the next unit of work, and keep the position.

    Raises:
        Invalid: there is no such job, or it has completed.
    """
    found = read(tx, name)
    if found.state == JobState.PAUSED:
        return f"Job {found.name} is paused already"
    if found.state == JobState.COMPLETED:
        raise Invalid(f"job {found.name} has completed; there is nothing to pause", field="job")
    store.update(tx, found.id, state=JobState.PAUSED, updated_by=principal.id)
    cancel_run(tx, found, kernel.jobs, principal)
    _record(tx, "paused", found.id, principal.id, name=found.name)
    return f"Job {found.name} was paused"


def resume(tx: Tx, principal: Principal, name: str, kernel: Kernel) -> str:
    """Go on from the position; failed files are tried again.

    Raises:
        Invalid: there is no such job, or it has completed.
    """
    found = read(tx, name)
    if found.state == JobState.COMPLETED:
        raise Invalid(f"job {found.name} has completed; nothing is left to do", field="job")
    cancel_run(tx, found, kernel.jobs, principal)
    generation = found.generation + 1
    store.update(tx, found.id, state=JobState.RUNNING, generation=generation, updated_by=principal.id)
    _start(tx, kernel.jobs, found.id, found.name, generation, principal.id)
    _record(tx, "resumed", found.id, principal.id, name=found.name)
    return f"Job {found.name} was resumed"


def cancel_run(tx: Tx, job: store.JobRecord, jobs: Jobs, principal: Principal | None) -> None:
    """End the kernel's job that runs it, if one does."""
    if job.kernel_job_id is not None and is_active(tx, job.kernel_job_id):
        jobs.cancel(tx, job.kernel_job_id, by=principal)


def is_active(tx: Tx, kernel_job_id: str) -> bool:
    """Whether the kernel's job is queued or running."""
    try:
        return read_job(tx, kernel_job_id).state in ("queued", "running")
    except NotFound:
        return False


def drop(db: Database, warehouse: Warehouse, principal: Principal, statement: DropJob, jobs: Jobs) -> str:
    """Forget a job and its position; its rows stay. Source: contract, 6.11.

    Raises:
        Invalid: there is none.
    """

    def forget(tx: Tx) -> store.JobRecord | None:
        found = store.find(tx, statement.name)
        if found is None:
            if statement.if_exists:
                return None
            raise Invalid(f"there is no job {statement.name}", field="job")
        cancel_run(tx, found, jobs, principal)
        store.remove(tx, found.id)
        _record(tx, "deleted", found.id, principal.id, name=found.name)
        return found

    found = db.write_now(forget)
    if found is None:
        return f"Job {statement.name} does not exist"
    ledger.forget_job(warehouse, found.id)
    return f"Job {found.name} was dropped"


def comment(tx: Tx, principal: Principal, name: str, text: str) -> str:
    """COMMENT ON JOB."""
    found = read(tx, name)
    store.update(tx, found.id, options=found.options | {"COMMENT": quoted(text)}, updated_by=principal.id)
    return f"Job {found.name} was altered"


def create_statement(tx: Tx, job: store.JobRecord, secret_names: list[str]) -> str:
    """The statement that would make the job, secrets masked."""
    lines = [f"CREATE {'SYNC ' if job.is_sync else ''}JOB {name_of(job.name)}"]
    lines += [f"    {name} = {text}" for name, text in (job.options | dict.fromkeys(secret_names, MASK)).items()]
    connection = connections_store.find_by_id(tx, job.connection_id) if job.connection_id else None
    assert connection is not None
    lines.append(f"AS COPY FROM {connection.kind} {name_of(connection.name)}")
    lines += [f"    {name} = {text}" for name, text in job.source_options.items()]
    target = TableName(job.target_schema, job.target_name)
    lines.append(f"INTO {CATALOG}.{name_of(target.schema)}.{name_of(target.name)}")
    lines += [
        f"    WITH EXPECTATION {name_of(one.name)} EXPECT {one.predicate} ON VIOLATION {one.action}"
        for one in store.expectations(tx, job.id)
    ]
    return "\n".join(lines) + ";"


def _record(tx: Tx, what: str, job_id: str, by: str | None, **data: Any) -> None:
    events.record(tx, f"ingest.job.{what}", package=PACKAGE, by=by, of=job_id, data=data)


def excluder(globs: list[str]) -> Callable[[str], bool]:
    """Whether a column is among EXCLUDE_COLUMNS; ``*`` stands for any text, case does not matter."""
    if not globs:
        return lambda name: False
    parts = ["".join(".*" if letter == "*" else re.escape(letter) for letter in glob.lower()) for glob in globs]
    pattern = re.compile("|".join(f"(?:{part})" for part in parts), re.DOTALL)
    return lambda name: pattern.fullmatch(name.lower()) is not None


def end_of(options: Options, created_at: str) -> str | None:
    """END_AT as an instant; NOW is when the job was made."""
    moment = known.value_of(options, "END_AT")
    if not isinstance(moment, Moment):
        return None
    return created_at if moment.at is None else instant(moment.at)


def start_of(options: Options, created_at: str) -> str | None:
    """START_FROM as an instant; None is the beginning."""
    moment = known.value_of(options, "START_FROM")
    if not isinstance(moment, Moment) or moment.word == "BEGINNING":
        return None
    return created_at if moment.at is None else instant(moment.at)
