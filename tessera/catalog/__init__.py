"""What data there is, what it means, who answers for it. The public module: what other packages may call.

Other packages rarely need to: a table that is written to the warehouse is catalogued by the event
``warehouse.table.written``, whose data is a ``TableWritten``.

``describe_table(tx, TableWritten(...))``
    puts a table, its columns and its lineage into the default workspace, in the caller's transaction.
``import_trees(tx, principal, kind, version_id, body)``
    the mass import of the API, for any tree of objects.
``default_version(tx)``
    the version in which the platform describes itself.
"""

from tessera.catalog.import_tree import import_trees
from tessera.catalog.warehouse_tables import (
    Column,
    ColumnLineage,
    Table,
    TableWritten,
    column_path,
    describe_table,
    table_path,
)
from tessera.catalog.workspaces import ensure_first as default_version

__all__ = [
    "Column",
    "ColumnLineage",
    "Table",
    "TableWritten",
    "column_path",
    "default_version",
    "describe_table",
    "import_trees",
    "table_path",
]
