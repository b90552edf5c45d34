"""The words of the warehouse: tables, columns, limits, cancel, and the shapes that readers and writers promise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from msgspec import Raw, Struct
from sqlglot import exp

if TYPE_CHECKING:
    import pyarrow

#: Values for the parameters of a statement, by name (`param("load_time")`).
Params: TypeAlias = Mapping[str, Any]

LANDING = "landing"
VAULT = "vault"
MART = "mart"
#: Ledgers and markers that must commit with rows live here; `Warehouse.tables()` leaves this schema out.
INTERNAL = "tessera"


class Table(Struct, frozen=True, order=True):
    """A table or view of the warehouse, by schema and name as they are stored (case kept)."""

    schema: str
    name: str

    def expression(self, alias: str | None = None) -> exp.Table:
        """The table as a node for a sqlglot tree, always quoted."""
        node = exp.Table(this=exp.to_identifier(self.name, quoted=True), db=exp.to_identifier(self.schema, quoted=True))
        if alias is not None:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
        return node

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Column(Struct, frozen=True):
    """A column of a table or a result. `type` is spelled alike on every engine: `BIGINT`, `TEXT`."""

    name: str
    type: str
    nullable: bool = True


class TableInfo(Struct, frozen=True):
    """A table as the catalogue shows it; `row_estimate` comes from statistics, None for views."""

    table: Table
    kind: Literal["table", "view"]
    row_estimate: int | None


class Limits(Struct, frozen=True, kw_only=True):
    """What one `reading` block may use, in all its statements together.

    `rows` cuts each result while fetching (never inside the query) and the result says so (`is_cut`); `size_bytes`
    bounds one JSON result and refuses a larger one. Memory is bounded for the engine as a whole.
    """

    seconds: float = 60.0
    rows: int | None = None
    size_bytes: int = 256 * 1024 * 1024


DEFAULT_LIMITS = Limits()


class JsonForm(Struct, frozen=True, kw_only=True):
    """How `Reader.json_rows` writes values. NaN and infinities are null; BLOB is base64; decimals keep every digit."""

    rows: Literal["objects", "arrays"] = "objects"
    #: iso `2024-01-30T21:23:00.000000`, blank `2024-01-30 21:23:00.000000`, blank_millis `2024-01-30 21:23:00.000`;
    #: zone-aware instants are turned to UTC first, and `iso` ends them with `Z`.
    timestamps: Literal["iso", "blank", "blank_millis"] = "iso"
    decimal_as_text: bool = False
    booleans_as_numbers: bool = False
    """1 and 0 instead of true and false."""
    nested_as_text: bool = False
    """Lists, structs, maps and JSON as one string that holds their JSON."""


class JsonRows(Struct, frozen=True):
    """A JSON array made by the engine. `is_cut`: there were more rows than the limit allowed."""

    json: Raw
    count: int
    columns: list[Column]
    is_cut: bool


class Cancel:
    """A thread-safe token: `cancel()` ends what runs under it now and refuses what starts under it later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._is_set = False
        self._next = 0

    @property
    def is_cancelled(self) -> bool:
        return self._is_set

    def cancel(self) -> None:
        """Cancel. Safe from any thread, any number of times."""
        with self._lock:
            self._is_set = True
            callbacks = list(self._callbacks.values())
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when cancelled (at once if it already is); returns the function that withdraws it."""
        with self._lock:
            number = self._next
            self._next += 1
            self._callbacks[number] = callback
            already = self._is_set
        if already:
            callback()

        def withdraw() -> None:
            with self._lock:
                self._callbacks.pop(number, None)

        return withdraw


class Reader(Protocol):
    """One read-only snapshot: every statement of the block sees the same committed state."""

    @property
    def columns(self) -> list[Column]:
        """Columns of the latest result."""

    @property
    def is_cut(self) -> bool:
        """Whether the row limit cut the latest result."""

    def rows(self, tree: exp.Expr, params: Params | None = None) -> list[tuple[Any, ...]]:
        """All rows as Python values, at most `limits.rows`.

        Raises:
            QueryFailed: the engine refuses the statement. QueryTimeout, QueryCancelled, QueryTooLarge: a limit.
        """

    def scalar(self, tree: exp.Expr, params: Params | None = None) -> Any:
        """First column of the first row; None without rows."""

    def json_rows(self, tree: exp.Expr, params: Params | None = None, *, form: JsonForm = ...) -> JsonRows:
        """The result as a JSON array, made by the engine; names of columns exactly as the tree aliases them."""

    def json_pages(
        self, tree: exp.Expr, params: Params | None = None, *, form: JsonForm = ..., rows: int, size_bytes: int
    ) -> Iterator[JsonRows]:
        """The result in pages of at most so many rows and bytes (a larger row is a page of its own), in bounded memory.

        An empty result is one page without rows. Must be used inside the block.
        """

    def batches(
        self, tree: exp.Expr, params: Params | None = None, *, size: int = 10_000
    ) -> Iterator[pyarrow.RecordBatch]:
        """The result as Arrow batches of at most `size` rows, in bounded memory.

        Use them inside the block; the next statement of the block ends them.
        """

    def describe(self, tree: exp.Expr) -> list[Column]:
        """Names and types of the columns that the query would give, without running it."""


class Writer(Reader, Protocol):
    """One read-write transaction that holds the locks of its target tables; sees its own writes."""

    def execute(self, tree: exp.Expr, params: Params | None = None) -> int:
        """Run a statement (INSERT … SELECT, MERGE, CREATE, ALTER, …); affected rows, 0 for definitions."""

    def analyze(self, *tables: Table) -> None:
        """Tell the planner what the tables hold by now, where the engine does not notice by itself."""

    def append(self, table: Table, data: pyarrow.Table | pyarrow.RecordBatch | Sequence[pyarrow.RecordBatch]) -> int:
        """Append Arrow rows, matching columns by name; missing columns become null. Returns the number of rows.

        Raises:
            Invalid: a column of `data` is not in the table.
        """


class EngineSettings(Struct, frozen=True, kw_only=True):
    """What an operator sets for an engine; units and defaults stand in `tessera/settings.py`."""

    memory_limit_mb: int = 1024
    threads: int = 2
    connections: int = 8
    temp_dir: str | None = None


class Engine(Protocol):
    """What an engine must offer; the seam for Spark. `Warehouse` is the only caller."""

    dialect: str

    def open_reader(self, limits: Limits, cancel: Cancel | None) -> AbstractContextManager[Reader]:
        """Context manager of a `Reader`."""

    def open_writer(
        self, targets: Sequence[Table], limits: Limits, cancel: Cancel | None
    ) -> AbstractContextManager[Writer]:
        """Context manager of a `Writer`: locks held, transaction begun; commits at exit, rolls back on an exception."""

    def schemas(self) -> list[str]:
        """All schemas, in order."""

    def tables(self, schema: str | None) -> list[TableInfo]:
        """All tables and views, in order."""

    def columns(self, table: Table) -> list[Column]:
        """Columns in their order, types in the portable spelling."""

    def close(self) -> None:
        """Release everything; idempotent."""
