"""When a load's keys were present and when not: rows only where the state changes.

Source: contracts/vault.md, 4.7 and 5.7
"""

from msgspec import Struct
from sqlglot import exp

from tessera.kernel.errors import Conflict
from tessera.vault import trees
from tessera.vault.markers import Batch
from tessera.vault.staging import OPERATION, ROW
from tessera.warehouse import Table, Writer, column, value


class Keys(Struct, frozen=True):
    """A load's key column in its stage, and the condition that a row (alias ``b``) has a key."""

    column: str
    has_one: exp.Expr


class Tracker:
    """The presence of one load's keys, inside the load's transaction."""

    def __init__(self, writer: Writer, table: Table, stage: Table, keys: Keys, batch: Batch, dialect: str) -> None:
        self._writer = writer
        self._table = table
        self._stage = stage
        self._keys = keys
        self._batch = batch
        self._dialect = dialect

    def run(self, *, link: Table | None, link_key: str, drivers: list[str], max_delete_ratio: float | None) -> int:
        """Write the changes of state that the batch means; returns how many keys went.

        Args:
            link: the link's own table, where driving hubs say which relations end.
            max_delete_ratio: None: any share of the keys may go.

        Raises:
            Conflict: code ``suspicious_delete``: a full batch would end too many keys.
        """
        closed = 0
        if self._batch.mode == "full":
            closed = self._close_absent(max_delete_ratio)
        else:
            closed = self._close_explicit()
            if link is not None:
                closed += self._close_driven(link, link_key, drivers)
        self._open_seen()
        return closed

    def _seen(self) -> exp.Select:
        """``h, op``: each key of the batch with its last operation."""
        key, operation = column(self._keys.column, "b"), column(OPERATION, "b")
        if self._dialect == "duckdb":
            last = exp.ArgMax(this=operation, expression=column(ROW, "b"))
            query = exp.select(trees.aliased(key, "h"), trees.aliased(last, "op"))
            query = query.from_(self._stage.expression("b")).where(self._keys.has_one.copy())
            return query.group_by(key.copy())
        query = exp.select(trees.aliased(key, "h"), trees.aliased(operation, "op"))
        query = query.from_(self._stage.expression("b")).where(self._keys.has_one.copy())
        query = query.order_by(trees.ordered(key.copy()), trees.ordered(column(ROW, "b"), descending=True))
        return trees.first_of_each(query, [key.copy()])

    def _state(self) -> exp.Subquery:
        return trees.sub(trees.latest(self._table, "h", "present", "lt", self._dialect), "s")

    def _open_seen(self) -> None:
        query = self._rows(column("h", "n"), True, "seen").from_(trees.sub(self._seen(), "n"))
        query = query.join(self._state(), on=trees.equal(column("h", "s"), column("h", "n")), join_type="left")
        absent = exp.or_(trees.missing(column("v", "s")), exp.Not(this=column("v", "s")))
        self._insert(query.where(trees.differs(column("op", "n"), value("D")), absent))

    def _close_absent(self, max_delete_ratio: float | None) -> int:
        # A join, not NOT EXISTS: inside a counted condition PostgreSQL would look through the batch once for each key.
        stays = exp.and_(trees.equal(column("h", "n"), column("h", "s")), trees.differs(column("op", "n"), value("D")))
        goes = exp.and_(column("v", "s"), trees.missing(column("h", "n")))

        def compared(query: exp.Select) -> exp.Select:
            joined = query.from_(self._state())
            return joined.join(trees.sub(self._seen(), "n"), on=stays.copy(), join_type="left")

        counts = compared(exp.select(trees.counted(column("v", "s")), trees.counted(goes.copy())))
        present, going = self._writer.rows(counts)[0]
        if max_delete_ratio is not None and going > max_delete_ratio * present:
            raise Conflict(
                f"this full batch would end {going} of {present} present keys, more than the share of "
                f"{max_delete_ratio:g}; if that is right, run it with force",
                code="suspicious_delete",
            )
        if not going:
            return 0
        return self._insert(compared(self._rows(column("h", "s"), False, "absent")).where(goes))

    def _close_explicit(self) -> int:
        query = self._rows(column("h", "s"), False, "explicit").from_(self._state())
        query = query.join(trees.sub(self._seen(), "n"), on=trees.equal(column("h", "n"), column("h", "s")))
        return self._insert(query.where(column("v", "s"), trees.equal(column("op", "n"), value("D"))))

    def _close_driven(self, link: Table, link_key: str, drivers: list[str]) -> int:
        """Relations of a driver that the batch speaks of, which the batch does not name, have ended."""
        if not drivers:
            return 0
        seen = trees.sub(self._seen(), "n")
        spoken = exp.select(*(column(name, "k") for name in drivers)).distinct().from_(seen)
        spoken = spoken.join(link.expression("k"), on=trees.equal(column(link_key, "k"), column("h", "n")))
        spoken = spoken.where(trees.differs(column("op", "n"), value("D")))
        same_driver = exp.and_(*(trees.equal(column(name, "d"), column(name, "t")) for name in drivers))
        named = exp.select(exp.Literal.number(1)).from_(trees.sub(self._seen(), "n"))
        named = named.where(trees.equal(column("h", "n"), column("h", "s")))
        query = self._rows(column("h", "s"), False, "driving").from_(self._state())
        query = query.join(link.expression("t"), on=trees.equal(column(link_key, "t"), column("h", "s")))
        query = query.join(trees.sub(spoken, "d"), on=same_driver)
        return self._insert(query.where(column("v", "s"), exp.Not(this=exp.Exists(this=named))))

    def _rows(self, key: exp.Expr, present: bool, cause: str) -> exp.Select:
        return exp.select(
            trees.aliased(key, "h"),
            trees.aliased(trees.moment(self._batch.load_time), "lt"),
            trees.aliased(exp.true() if present else exp.false(), "present"),
            trees.aliased(value(cause), "cause"),
        )

    def _insert(self, query: exp.Select) -> int:
        return self._writer.execute(trees.insert_into(self._table, ["h", "lt", "present", "cause"], query))
