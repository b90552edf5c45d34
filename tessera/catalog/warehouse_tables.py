"""Keeps the catalogue's picture of the warehouse: each table that the platform writes appears by itself, with lineage.

Reacts to the event ``warehouse.table.written``. What people wrote (names, owners, tags, texts) is never touched,
nothing is deleted, and the same event twice changes nothing.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from tessera.catalog import import_tree, workspaces
from tessera.catalog.model import SEPARATOR
from tessera.catalog.vocabulary import PROCESSING, SOURCE
from tessera.kernel.db import Tx
from tessera.kernel.errors import Problem
from tessera.kernel.events import Consumer, Event
from tessera.kernel.log import logger

SOURCE_NAME: Final = "Tessera warehouse"
FLOW_NAME: Final = "Tessera warehouse"
_log = logger("catalog")


class Column(Struct, frozen=True):
    """A column of a written table, with the warehouse's own word for its type."""

    name: str
    type: str = ""


class Table(Struct, frozen=True):
    """A table of the warehouse."""

    schema: str
    table: str


class ColumnLineage(Struct, frozen=True, rename={"from_": "from"}):
    """From which column (schema, table, column) one column of the written table is made."""

    from_: tuple[str, str, str]
    to: str


class TableWritten(Struct, frozen=True):
    """Data of ``warehouse.table.written``. ``inputs`` are the tables that were read to write this one."""

    schema: str
    table: str
    columns: list[Column] = field(default_factory=list)
    inputs: list[Table] = field(default_factory=list)
    lineage: list[ColumnLineage] = field(default_factory=list)


_TYPES: Final = (
    (r"BOOL", "Boolean"),
    (r"TIMESTAMP", "TimeStamp"),
    (r"DATETIME", "DateTime"),
    (r"DATE", "Date"),
    (r"(U?(TINY|SMALL|BIG|HUGE)?INT|INTEGER|INT[248]|SERIAL|BIGSERIAL)", "Integer"),
    (r"(DECIMAL|NUMERIC)", "Decimal"),
    (r"(DOUBLE|FLOAT|REAL)", "Numeric"),
    (r"(BLOB|BYTEA|BINARY|VARBINARY|BIT)", "Binary"),
    (r"(TEXT|JSON|STRUCT|MAP|LIST)", "LongText"),
    (r"(CHAR|BPCHAR|CHARACTER)(?! VARYING)", "FixedString"),
)


def column_data_type(native: str) -> str:
    """The catalogue's word for a column type of the warehouse. Source: contracts/catalog.md, 10.1."""
    if native.rstrip().endswith("[]"):
        return "LongText"
    for pattern, word in _TYPES:
        if re.match(rf"{pattern}\b", native.strip(), re.IGNORECASE):
            return word
    return "VariableString"


def _segment(name: str) -> str:
    return name.replace(SEPARATOR, "/")


def table_path(schema: str, table: str) -> tuple[str, str]:
    """Path and type path of a table of the warehouse."""
    return (
        "".join(f"{SEPARATOR}{part}" for part in (SOURCE_NAME, _segment(schema), _segment(table))),
        "\\Relational\\Model\\Table",
    )


def column_path(schema: str, table: str, column: str) -> tuple[str, str]:
    """Path and type path of a column of the warehouse."""
    path, type_path = table_path(schema, table)
    return f"{path}{SEPARATOR}{_segment(column)}", f"{type_path}\\Column"


def describe_table(tx: Tx, written: TableWritten) -> None:
    """Put a table, its columns and where they come from into the default workspace. Idempotent.

    Raises:
        Invalid: a name that cannot be part of a path.
    """
    version_id = workspaces.ensure_first(tx)
    tree = _dictionary(written)
    import_tree.import_trees(tx, None, SOURCE, version_id, tree, keep_names=True)
    if written.inputs or written.lineage:
        import_tree.import_trees(tx, None, PROCESSING, version_id, _processing(written), keep_names=True)


def _dictionary(written: TableWritten) -> dict[str, Any]:
    """The tree of the written table and of all that it was read from."""
    tables: dict[tuple[str, str], dict[str, dict[str, Any]]] = {(written.schema, written.table): {}}
    for each in written.inputs:
        tables.setdefault((each.schema, each.table), {})
    for step in written.lineage:
        schema, table, column = step.from_
        tables.setdefault((schema, table), {}).setdefault(column, _column(column))
        tables[written.schema, written.table].setdefault(step.to, _column(step.to))
    for order, each_column in enumerate(written.columns, 1):
        tables[written.schema, written.table][each_column.name] = {
            **_column(each_column.name),
            "columnDataType": column_data_type(each_column.type),
            "externalTechnologyType": each_column.type,
            "order": order,
        }
    schemas: dict[str, list[dict[str, Any]]] = {}
    for (schema, table), columns in tables.items():
        node = {**_named(table), "type": "Table", "children": list(columns.values())}
        schemas.setdefault(schema, []).append(node)
    models = [{**_named(schema), "type": "Model", "children": nodes} for schema, nodes in schemas.items()]
    return {"name": SOURCE_NAME, "type": "Relational", "children": models}


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "technicalName": _segment(name)}


def _column(name: str) -> dict[str, Any]:
    return {**_named(name), "type": "Column"}


def _processing(written: TableWritten) -> dict[str, Any]:
    """The processing that writes the table: its tables at the top, its columns as items."""
    sources: dict[str, list[tuple[str, str, str]]] = {}
    for step in written.lineage:
        sources.setdefault(step.to, []).append(step.from_)
    inputs = {(each.schema, each.table): None for each in written.inputs}
    inputs.update({step.from_[:2]: None for step in written.lineage})
    inputs.pop((written.schema, written.table), None)
    items = [
        {
            **_named(column),
            "type": "Undefined",
            "inputs": [_end(*column_path(*each)) for each in dict.fromkeys(origins)],
            "outputs": [_end(*column_path(written.schema, written.table, column))],
        }
        for column, origins in sources.items()
    ]
    return {
        "name": FLOW_NAME,
        "type": "DataFlow",
        "children": [
            {
                **_named(f"{written.schema}.{written.table}"),
                "type": "DataProcessing",
                "inputs": [_end(*table_path(*each)) for each in inputs],
                "outputs": [_end(*table_path(written.schema, written.table))],
                "dataProcessingItems": items,
            }
        ],
    }


def _end(path: str, type_path: str) -> dict[str, str]:
    return {"entityPath": path, "typePath": type_path}


def handle(tx: Tx, event: Event) -> None:
    """Take one event; a malformed one is logged and passed over, since no repetition would mend it."""
    try:
        written = msgspec.convert(event.data, TableWritten)
        describe_table(tx, written)
    except (msgspec.ValidationError, Problem) as error:
        _log.warning("a written table could not be catalogued", event_id=event.id, reason=str(error))


CONSUMER: Final = Consumer(name="catalog.warehouse_tables", matches=("warehouse.table.written",), handle=handle)
