"""Inputs: data sources of the REST API, each read by a COPY job into a table of schema ``inputs``.

Source: contracts/ingest.md, 3.1 to 3.5. This server reads files of a folder or bucket; other kinds are refused by name.
"""

import fnmatch
import re
from typing import Any, Final

import msgspec
from msgspec import Struct, UnsetType

from tessera.ingest import connections_store, jobs, tables
from tessera.ingest import inputs_store as store
from tessera.ingest import ledger_store as ledger
from tessera.ingest.connections import quoted
from tessera.ingest.execution import Desk
from tessera.ingest.model import PACKAGE, JobState
from tessera.ingest.organizations_store import people, read_organization
from tessera.ingest.sql import options as known
from tessera.ingest.sql.statements import Copy, CreateJob, CreateTable, DropJob, TableName
from tessera.ingest.wire import DisplayDraft, display
from tessera.kernel import events
from tessera.kernel.db import Tx
from tessera.kernel.errors import Invalid, NotFound

SCHEMA: Final = "inputs"
_OTHER_KINDS: Final = (
    "QuickS3StorageInputRequest",
    "AzureBlobStorageInputRequest",
    "GoogleCloudStorageInputRequest",
    "S3OverSQSInputRequest",
    "QuickKafkaInputRequest",
    "KafkaInputRequest",
    "QuickKinesisInputRequest",
    "KinesisInputRequest",
    "KinesisHttpInputRequest",
    "HttpInputRequest",
    "PlatformEventsInputRequest",
)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CLOUD_STORAGE: Final = "CloudStorageInputRequest"


class Matcher(Struct, frozen=True):
    """Which files. Source: contract, 3.4."""

    clazz: str
    prefix: str = ""
    suffix: str = ""
    pattern: str = ""


class CloudStorageDraft(Struct, frozen=True, rename="camel"):
    """``CloudStorageInputRequest``. Environments and storages of the original choose nothing here, but are kept."""

    display_data: DisplayDraft
    content_type: dict[str, Any]
    source_storage: str
    date_pattern: str
    file_match_pattern: Matcher
    interval: int
    prefix: str = ""
    start_execution_from: str | None = None
    end_execution_at: str | None = None
    compression: dict[str, Any] | None = None
    soft_retention: bool = False
    retention: int | None = None
    workspaces: list[str] = []


class Operation(Struct, frozen=True):
    """A change of an input; ``clazz`` picks it. Source: contract, 3.5."""

    clazz: str
    name: str | UnsetType = msgspec.UNSET
    description: str | UnsetType = msgspec.UNSET


def create(desk: Desk, body: dict[str, Any]) -> dict[str, Any]:
    """Make an input, its table and its job; the answer to send.

    Raises:
        Invalid: the shape is wrong (the message names the field), or the kind is not read here.
    """
    clazz = body.get("clazz")
    if clazz != CLOUD_STORAGE:
        if clazz in _OTHER_KINDS:
            raise Invalid(f"inputs of kind {clazz} are not available on this server", field="clazz")
        raise Invalid(f"clazz must name a kind of input, such as {CLOUD_STORAGE}; got {clazz!r}", field="clazz")
    try:
        draft = msgspec.convert(body, CloudStorageDraft)
    except msgspec.ValidationError as error:
        raise Invalid(f"the input is not complete: {error}") from None
    name = draft.display_data.name
    if not 1 <= len(name) <= 255:
        raise Invalid(f"displayData.name has 1 to 255 characters; got {len(name)}", field="displayData.name")
    known_id = _UUID.fullmatch(draft.source_storage) is not None
    connection = desk.db.read_now(connections_store.find_by_id, draft.source_storage) if known_id else None
    if connection is None or connection.kind not in jobs.FILE_SOURCES:
        told = f"sourceStorage must be the id of an S3 or LOCAL connection; got {draft.source_storage!r}"
        raise Invalid(told, field="sourceStorage")
    table = TableName(SCHEMA, table_name(name))
    statement = CreateJob(
        name=f"input {name}",
        sync=False,
        options=known.read_again(_job_options(draft), known.COPY_JOBS[connection.kind], "an input"),
        body=Copy(
            connection.kind,
            connection.name,
            known.read_again({"LOCATION": quoted(draft.prefix)}, known.SOURCES[connection.kind], "an input"),
            table,
        ),
    )
    jobs.check(statement, connection, desk.kernel)
    tables.create(desk.db, desk.warehouse, desk.principal, CreateTable(table, [], [], [], {}))
    input_id = desk.db.write_now(_insert, desk, statement, body)
    return read(desk, input_id)


def table_name(name: str) -> str:
    """The name made an identifier. Source: contract, 3.1, last paragraph."""
    plain = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "input"
    return plain if not plain[0].isdigit() else f"_{plain}"


def _job_options(draft: CloudStorageDraft) -> dict[str, str]:
    """The request's fields as options of a COPY job."""
    texts: dict[str, str] = {"CONTENT_TYPE": _content_type(draft.content_type)}
    if draft.date_pattern:
        texts["DATE_PATTERN"] = quoted(draft.date_pattern)
    pattern = _file_pattern(draft.file_match_pattern)
    if pattern:
        texts["FILE_PATTERN"] = quoted(pattern)
    if draft.start_execution_from is not None:
        texts["START_FROM"] = f"TIMESTAMP {quoted(draft.start_execution_from)}"
    if draft.end_execution_at is not None:
        texts["END_AT"] = f"TIMESTAMP {quoted(draft.end_execution_at)}"
    return texts


def _file_pattern(matcher: Matcher) -> str:
    match matcher.clazz:
        case "AllMatcher":
            return ""
        case "StartsWithMatcher":
            return re.escape(matcher.prefix) + ".*"
        case "EndsWithMatcher":
            return ".*" + re.escape(matcher.suffix)
        case "RegexMatcher":
            return matcher.pattern
        case "GlobMatcher":
            return fnmatch.translate(matcher.pattern)
    raise Invalid(
        "fileMatchPattern.clazz must be AllMatcher, StartsWithMatcher, EndsWithMatcher, RegexMatcher or GlobMatcher; "
        f"got {matcher.clazz!r}",
        field="fileMatchPattern.clazz",
    )


def _content_type(given: dict[str, Any]) -> str:
    """A content type of the REST API as one of the SQL. Both ``clazz`` and ``type`` name it. Source: contract, 3.3."""
    clazz = given.get("clazz", given.get("type"))
    kinds = {
        "AutoDetectContentType": "AUTO",
        "JsonContentType": "JSON",
        "CsvContentType": "CSV",
        "TsvContentType": "TSV",
        "ParquetContentType": "PARQUET",
    }
    kind = kinds.get(str(clazz))
    if kind is None:
        raise Invalid(
            f"contentType {clazz!r} is not read on this server; these are: {', '.join(kinds)}", field="contentType"
        )
    parts = [f"TYPE = {kind}"]
    if kind == "JSON" and isinstance(given.get("splitRootArray"), bool):
        parts.append(f"SPLIT_ROOT_ARRAY = {given['splitRootArray']}")
    if kind in ("CSV", "TSV"):
        parts.append(f"INFER_TYPES = {given.get('inferTypes') is True}")
        header = given.get("header")
        if isinstance(header, str) and header:
            parts.append(f"HEADER_LINE = {quoted(header)}")
        if kind == "CSV" and isinstance(given.get("delimiter"), str):
            parts.append(f"DELIMITER = {quoted(given['delimiter'])}")
        if isinstance(given.get("nullValue"), str):
            parts.append(f"NULL_VALUE = {quoted(given['nullValue'])}")
    return f"({' '.join(parts)})"


def _insert(tx: Tx, desk: Desk, statement: CreateJob, body: dict[str, Any]) -> str:
    jobs.create(tx, desk.principal, statement, desk.kernel)
    job = jobs.read(tx, statement.name)
    name = str(body["displayData"]["name"])
    input_id = store.insert(tx, clazz=CLOUD_STORAGE, name=name, body=body, job_id=job.id, by=desk.principal.id)
    events.record(
        tx,
        "ingest.input.created",
        package=PACKAGE,
        by=desk.principal,
        of=input_id,
        data={"name": name, "clazz": CLOUD_STORAGE},
    )
    return input_id


def listing(desk: Desk) -> list[dict[str, Any]]:
    """All inputs as the API shows them."""
    return _shown(desk, desk.db.read_now(store.every))


def read(desk: Desk, input_id: str) -> dict[str, Any]:
    """One input as the API shows it.

    Raises:
        NotFound: there is none.
    """
    return _shown(desk, [desk.db.read_now(_read, input_id)])[0]


def _read(tx: Tx, input_id: str) -> store.InputRecord:
    found = store.find(tx, input_id)
    if found is None:
        raise NotFound(f"there is no input {input_id}")
    return found


def _shown(desk: Desk, records: list[store.InputRecord]) -> list[dict[str, Any]]:
    def names(tx: Tx) -> tuple[str, dict[str | None, Any]]:
        return read_organization(tx).id, people(tx, [one.created_by for one in records])

    organization_id, named = desk.db.read_now(names)
    with desk.warehouse.reading() as reader:
        sums = {row["job_id"]: row for row in ledger.totals(reader)} if records else {}
    shown = []
    for one in records:
        content = dict(one.body.get("contentType") or {})
        content.setdefault("clazz", content.pop("type", None))
        row = sums.get(one.job_id or "", {})
        failed = one.last_error is not None
        draft = one.body["displayData"]
        shown.append(
            {
                **one.body,
                "id": one.id,
                "organizationId": organization_id,
                "running": one.job_state == JobState.RUNNING,
                "contentType": content,
                "displayData": display(
                    one.name,
                    draft.get("description") or "",
                    one.created_at,
                    named[one.created_by].full,
                    status="error" if failed else "ok",
                    message=one.last_error if one.last_error is not None else "ok",
                ),
                "statistics": {
                    "handledItems": int(row.get("rows_written") or 0),
                    "handledBytes": int(row.get("bytes_read") or 0),
                    "failedItems": int(row.get("parse_errors") or 0),
                    "ingestDelaySeconds": 0,
                    "parseDelaySeconds": 0,
                },
            }
        )
    return shown


def change(desk: Desk, input_id: str, operation: Operation) -> dict[str, Any]:
    """Do one operation of PATCH; the input as it is then.

    Raises:
        NotFound: there is no such input.
        Invalid: an operation that is not known here, or one without its field.
    """

    def apply(tx: Tx) -> None:
        found = _read(tx, input_id)
        name, body = found.name, dict(found.body)
        match operation.clazz:
            case "Rename" if isinstance(operation.name, str) and 1 <= len(operation.name) <= 255:
                name = operation.name
            case "UpdateDescription" if isinstance(operation.description, str):
                body["displayData"] = body["displayData"] | {"description": operation.description}
            case "Stop" if found.job_name is not None:
                jobs.pause(tx, desk.principal, found.job_name, desk.kernel)
            case "Start" if found.job_name is not None:
                jobs.resume(tx, desk.principal, found.job_name, desk.kernel)
            case "Rename":
                raise Invalid("Rename needs name, of 1 to 255 characters", field="name")
            case "UpdateDescription":
                raise Invalid("UpdateDescription needs description", field="description")
            case _:
                raise Invalid(
                    f"clazz must be Rename, UpdateDescription, Stop or Start; got {operation.clazz!r}", field="clazz"
                )
        store.update(tx, input_id, name=name, body=body)
        data = {"operation": operation.clazz}
        events.record(tx, "ingest.input.updated", package=PACKAGE, by=desk.principal, of=input_id, data=data)

    desk.db.write_now(apply)
    return read(desk, input_id)


def delete(desk: Desk, input_id: str) -> None:
    """Archive an input: its job ends, its table and rows stay.

    Raises:
        NotFound: there is none.
    """
    found = desk.db.read_now(_read, input_id)

    def forget(tx: Tx) -> None:
        store.remove(tx, input_id)
        events.record(
            tx, "ingest.input.deleted", package=PACKAGE, by=desk.principal, of=input_id, data={"name": found.name}
        )

    desk.db.write_now(forget)
    if found.job_name is not None:
        jobs.drop(desk.db, desk.warehouse, desk.principal, DropJob(found.job_name, if_exists=True), desk.jobs)
