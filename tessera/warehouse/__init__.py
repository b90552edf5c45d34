"""The engine where data lives, behind one interface. Packages import from here alone.

    with warehouse.writing(target) as writer:                  # one transaction, one lock for each target
        writer.append(target, arrow_table)
        writer.execute(exp.insert(select, target.expression()))
    with warehouse.reading(limits=Limits(seconds=5, rows=1000), cancel=cancel) as reader:
        answer = reader.json_rows(safe_select(text, dialect="duckdb", tables=allowed))
    result = await warehouse.run(blocking_function, argument)  # from a handler

Statements are sqlglot trees (`exp.*`), printed for `warehouse.dialect`. Values that come from outside go in as
`param("name")` with a mapping, or as `value(x)`.
"""

from tessera.warehouse.build import column, identifier, param, table, type_of, value
from tessera.warehouse.errors import (
    QueryCancelled,
    QueryFailed,
    QueryTimeout,
    QueryTooLarge,
    SqlRefused,
    WriteConflict,
)
from tessera.warehouse.open import open_warehouse
from tessera.warehouse.safety import check_select, safe_expression, safe_select
from tessera.warehouse.types import (
    DEFAULT_LIMITS,
    INTERNAL,
    LANDING,
    MART,
    VAULT,
    Cancel,
    Column,
    JsonForm,
    JsonRows,
    Limits,
    Reader,
    Table,
    TableInfo,
    Writer,
)
from tessera.warehouse.warehouse import Warehouse

__all__ = [
    "DEFAULT_LIMITS",
    "INTERNAL",
    "LANDING",
    "MART",
    "VAULT",
    "Cancel",
    "Column",
    "JsonForm",
    "JsonRows",
    "Limits",
    "QueryCancelled",
    "QueryFailed",
    "QueryTimeout",
    "QueryTooLarge",
    "Reader",
    "SqlRefused",
    "Table",
    "TableInfo",
    "Warehouse",
    "WriteConflict",
    "Writer",
    "check_select",
    "column",
    "identifier",
    "open_warehouse",
    "param",
    "safe_expression",
    "safe_select",
    "table",
    "type_of",
    "value",
]
