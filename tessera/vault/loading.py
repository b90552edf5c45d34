"""Loads of hubs, links and satellites: set-based, insert-only, each in one transaction with its marker.

A load sees the whole target under the target's lock, so the same batch again, or four at once, inserts nothing twice.
Source: contracts/vault.md, 4.5, 4.6, 5.3 to 5.6
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from sqlglot import exp

from tessera.kernel.errors import Conflict
from tessera.vault import encoding, markers, shapes, tracking, trees, wiring
from tessera.vault.encoding import error_key, zero_key
from tessera.vault.markers import Batch, Counts
from tessera.vault.model import (
    HubLoad,
    LinkLoad,
    Model,
    Satellite,
    own,
    stage_column,
    stage_table,
    tracking_table,
)
from tessera.vault.staging import OPERATION, ROW, check_hashes
from tessera.vault.tracking import Keys
from tessera.warehouse import Table, Warehouse, Writer, column, value

SHOWN_KEYS: Final = 20
"""Keys that the message of a conflict lists."""


class Options(Struct, frozen=True):
    """What the caller of a run may say about deletes. Source: contracts/vault.md, 5.7"""

    max_delete_ratio: float = 0.5
    force: bool = False


class Loaded(Struct, frozen=True):
    """What a load wrote, and whether it was this call that did."""

    counts: Counts
    target: Table
    is_new: bool


def run_load(
    warehouse: Warehouse,
    model: Model,
    load: wiring.Load,
    staging_load_id: str,
    options: Options = Options(),  # noqa: B008 - frozen
) -> Loaded:
    """Load one batch into one target, once.

    Raises:
        Conflict: ``stage_replaced``: another batch stands there; ``stage_again``; ``hash_collision``;
            ``hash_sentinel``; ``suspicious_delete``;
            ``batch_conflict``: rows of one key differ and nothing says which counts.
    """
    load_id, target_id = wiring.load_id_of(load), wiring.target_of(load)
    target, _ = shapes.shape_of(model, target_id)
    stage = stage_table(load.staging_table_id)
    targets = [target, stage]
    if not isinstance(load, Satellite) and load.tracking in ("auto", "full"):
        targets.append(tracking_table(load_id))
    with warehouse.writing(*targets) as writer:
        done = markers.find_done(writer, staging_load_id, load_id)
        if done is not None:
            return Loaded(done, target, False)
        batch = markers.present_batch(writer, load.staging_table_id)
        if batch is None or batch.staging_load_id != staging_load_id:
            raise Conflict(
                f"the batch {staging_load_id} no longer stands in {load.staging_table_id}: another has taken its place",
                code="stage_replaced",
            )
        check_hashes(model, load, batch)
        shapes.ensure(writer, model, target_id, warehouse.dialect)
        loader = _Loader(writer, model, batch, warehouse.dialect)
        if isinstance(load, HubLoad):
            counts = loader.hub(load)
        elif isinstance(load, LinkLoad):
            counts = loader.link(load)
        elif load.multi_active_keys:
            counts = loader.multi_active(load)
        else:
            counts = loader.satellite(load)
        if not isinstance(load, Satellite) and load.tracking in ("auto", "full"):
            closed = loader.track(load, options)
            counts = replace(counts, rows_closed=closed)
        markers.mark_done(writer, batch, load_id, counts)
        return Loaded(counts, target, True)


class _Loader:
    """One load inside its transaction."""

    def __init__(self, writer: Writer, model: Model, batch: Batch, dialect: str) -> None:
        self._writer = writer
        self._model = model
        self._batch = batch
        self._dialect = dialect
        self._stage = stage_table(batch.staging_table_id)
        self._time = trees.moment(batch.load_time)
        self._source = value(batch.staging_table_id)

    # -- keys ---------------------------------------------------------------------------------------------------------

    def _keys(self, load: HubLoad | LinkLoad) -> Keys:
        """The key column of a load in the stage, and the condition that a row has a key."""
        load_id = wiring.load_id_of(load)
        key = stage_column(load_id, "h")
        if isinstance(load, HubLoad):
            text = column(stage_column(load_id, "bk"), "b")
            return Keys(key, exp.Not(this=trees.missing(text)))
        return Keys(key, trees.known(column(key, "b")))

    def _count(self, keys: Keys) -> tuple[int, int, int]:
        """Rows, rows with a key, distinct keys.

        Raises:
            Conflict: a real value hashed to the zero or error key.
        """
        key = column(keys.column, "b")
        clash = exp.or_(
            exp.and_(trees.equal(key.copy(), zero_key()), keys.has_one.copy()), trees.equal(key.copy(), error_key())
        )
        query = exp.select(
            trees.counted(),
            trees.counted(keys.has_one.copy()),
            trees.counted(keys.has_one.copy(), distinct=key.copy()),
            trees.counted(clash),
        )
        rows, keyed, distinct, sentinels = self._writer.rows(query.from_(self._stage.expression("b")))[0]
        if sentinels:
            raise Conflict(f"{sentinels} rows have a key that hashes to a sentinel", code="hash_sentinel")
        return int(rows), int(keyed), int(distinct)

    # -- hub, link -----------------------------------------------------------------------------------------------------

    def hub(self, load: HubLoad) -> Counts:
        """New keys of the batch."""
        keys = self._keys(load)
        rows, keyed, distinct = self._count(keys)
        table, columns = shapes.shape_of(self._model, load.hub_id)
        names = [name for name, _ in columns]
        text = column(stage_column(load.hub_load_id, "bk"), "b")
        self._check_collisions(table, names, keys, text)
        cells = (column(keys.column, "b"), text, self._time, self._source)
        inserted = self._insert_new(table, names, cells, keys, is_unique=distinct == keyed)
        return _counts(rows, keyed, distinct, inserted)

    def link(self, load: LinkLoad) -> Counts:
        """New relations of the batch."""
        keys = self._keys(load)
        rows, keyed, distinct = self._count(keys)
        link = self._model.links[load.link_id]
        loads = wiring.participant_loads(self._model, link, load)
        table, columns = shapes.shape_of(self._model, load.link_id)
        foreign = [column(stage_column(one.hub_load_id, "h"), "b") for one in loads.values()]
        children = [column(name, "b") for name in link.child_keys]
        cells = (column(keys.column, "b"), *foreign, *children, self._time, self._source)
        names = [name for name, _ in columns]
        inserted = self._insert_new(table, names, cells, keys, is_unique=distinct == keyed)
        return _counts(rows, keyed, distinct, inserted)

    def _insert_new(
        self, table: Table, names: list[str], cells: tuple[exp.Expr, ...], keys: Keys, *, is_unique: bool
    ) -> int:
        key = column(keys.column, "b")
        query = exp.select(*(trees.aliased(cell.copy(), name) for cell, name in zip(cells, names, strict=True)))
        query = query.from_(self._stage.expression("b")).where(keys.has_one.copy(), trees.without(key, table, names[0]))
        if not is_unique:
            trees.first_of_each(query, [key.copy()])
        return self._writer.execute(trees.insert_into(table, names, query))

    def _check_collisions(self, table: Table, names: list[str], keys: Keys, text: exp.Expr) -> None:
        """Two business keys with one hash would become one key without a word."""
        same = trees.equal(column(names[0], "t"), column(keys.column, "b"))
        query = exp.select(column(names[1], "t")).from_(self._stage.expression("b"))
        query = query.join(table.expression("t"), on=same).where(trees.differs(column(names[1], "t"), text)).limit(1)
        met = self._writer.rows(query)
        if met:
            raise Conflict(f"another business key has the hash of {met[0][0]!r}", code="hash_collision")

    # -- satellites ----------------------------------------------------------------------------------------------------

    def satellite(self, load: Satellite) -> Counts:
        """Rows whose state differs from the latest stored one, and the further versions within the batch."""
        keys = self._keys(wiring.parent_load(self._model, load))
        rows, keyed, _ = self._count(keys)
        digest = column(stage_column(load.satellite_id, "hd"), "b")
        is_changed: exp.Expr = _is_other(digest)
        here = exp.and_(keys.has_one.copy(), trees.differs(column(OPERATION, "b"), value("D")))
        table, columns = shapes.shape_of(self._model, load.satellite_id)
        names = [name for name, _ in columns]
        key = column(keys.column, "b")
        described = [column(name, "b") for name in load.payload]
        cells = (key, self._time, self._source, digest, *described)
        old = trees.latest(table, names[0], own(load.satellite_id, "hd"), own(load.satellite_id, "lth"), self._dialect)
        query = exp.select(*(trees.aliased(cell.copy(), name) for cell, name in zip(cells, names, strict=True)))
        if load.order_by or load.conflict_policy == "sequence":
            versions, collapsed = self._versions(load, keys, here)
            count_query = exp.select(trees.counted()).from_(trees.sub(versions.copy(), "b"))
            duplicates = self._candidates(here) - int(self._writer.scalar(count_query))
            later = exp.cast(exp.Sub(this=column("_dvb_rank", "b"), expression=exp.Literal.number(1)), "int")
            moved = _plus_microseconds(self._time, later, self._dialect)
            query.expressions[1].set("this", moved)
            is_changed = exp.or_(
                exp.GT(this=column("_dvb_rank", "b"), expression=exp.Literal.number(1)), _is_other(digest)
            )
            query = query.from_(trees.sub(collapsed, "b"))
        else:
            doubles, conflicts, surplus = self._doubles(keys, digest, here)
            if conflicts and load.conflict_policy == "error":
                self._refuse_conflict(keys, digest, here)
            duplicates = surplus
            query = query.from_(self._stage.expression("b")).where(here.copy())
            if doubles:
                trees.first_of_each(query, [key.copy()])
                query = query.order_by(
                    trees.ordered(key.copy()), trees.ordered(column(ROW, "b"), descending=True), copy=False
                )
                query = self._then_compare(query, names)
                return self._finish(table, names, query, old, names[0], rows, keyed, duplicates)
        same = trees.equal(column("h", "l"), key.copy())
        query = query.join(trees.sub(old, "l"), on=same, join_type="left").where(is_changed)
        inserted = self._writer.execute(trees.insert_into(table, names, query))
        return _rest(rows, keyed, duplicates, inserted)

    def _then_compare(self, query: exp.Select, names: list[str]) -> exp.Select:
        """One row a key first, compared afterwards: the last version counts, not the last that differs."""
        return exp.select(*(column(name, "b") for name in names)).from_(trees.sub(query, "b"))

    def _finish(
        self,
        table: Table,
        names: list[str],
        query: exp.Select,
        old: exp.Select,
        key: str,
        rows: int,
        keyed: int,
        duplicates: int,
    ) -> Counts:
        same = trees.equal(column("h", "l"), column(key, "b"))
        query = query.join(trees.sub(old, "l"), on=same, join_type="left").where(_is_other(column(names[3], "b")))
        inserted = self._writer.execute(trees.insert_into(table, names, query))
        return _rest(rows, keyed, duplicates, inserted)

    def _candidates(self, here: exp.Expr) -> int:
        query = exp.select(trees.counted()).from_(self._stage.expression("b")).where(here.copy())
        return int(self._writer.scalar(query))

    def _versions(self, load: Satellite, keys: Keys, here: exp.Expr) -> tuple[exp.Select, exp.Select]:
        """Distinct versions of each key in order; and those that differ from their neighbour, with a rank."""
        key = keys.column
        digest = stage_column(load.satellite_id, "hd")
        names = list(dict.fromkeys([key, digest, *load.payload, *load.order_by, ROW]))
        order = [*load.order_by, digest] if load.order_by else [ROW]
        terms = [trees.ordered(column(name, "b")) for name in order]
        before = trees.window(exp.Lag(this=column(digest, "b")), [column(key, "b")], terms)
        versions = exp.select(*(column(name, "b") for name in names), trees.aliased(before, "_dvb_before"))
        versions = versions.from_(self._stage.expression("b")).where(here.copy())
        changed = exp.or_(
            trees.missing(column("_dvb_before", "b")),
            trees.differs(column("_dvb_before", "b"), column(digest, "b")),
        )
        kept = exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier("b", quoted=True)))
        kept = kept.from_(trees.sub(versions, "b")).where(changed)
        rank = trees.window(exp.RowNumber(), [column(key, "b")], [term.copy() for term in terms])
        ranked = exp.select(
            exp.Column(this=exp.Star(), table=exp.to_identifier("b", quoted=True)), trees.aliased(rank, "_dvb_rank")
        )
        return kept, ranked.from_(trees.sub(kept.copy(), "b"))

    def _doubles(self, keys: Keys, digest: exp.Expr, here: exp.Expr) -> tuple[int, int, int]:
        """Keys with several rows, keys whose rows differ, and rows beyond the first of each key."""
        key = column(keys.column, "b")
        inner = exp.select(trees.aliased(trees.counted(), "n"), trees.aliased(self._is_mixed(digest), "mixed"))
        inner = inner.from_(self._stage.expression("b")).where(here.copy()).group_by(key)
        inner = inner.having(exp.GT(this=trees.counted(), expression=exp.Literal.number(1)))
        more = exp.Sub(this=column("n", "d"), expression=exp.Literal.number(1))
        summed = exp.Coalesce(this=exp.cast(exp.Sum(this=more), "bigint"), expressions=[exp.Literal.number(0)])
        query = exp.select(trees.counted(), trees.counted(column("mixed", "d")), summed).from_(trees.sub(inner, "d"))
        doubles, mixed, surplus = self._writer.rows(query)[0]
        return int(doubles), int(mixed), int(surplus)

    def _is_mixed(self, digest: exp.Expr) -> exp.Expr:
        # PostgreSQL has no min(uuid) before version 18, its text has.
        shown = digest if self._dialect == "duckdb" else exp.cast(digest.copy(), "text")
        return trees.differs(exp.Min(this=shown.copy()), exp.Max(this=shown.copy()))

    def _refuse_conflict(self, keys: Keys, digest: exp.Expr, here: exp.Expr, *more: exp.Expr) -> None:
        key = column(keys.column, "b")
        query = exp.select(encoding.hash_hex(key)).from_(self._stage.expression("b")).where(here.copy())
        query = query.group_by(key.copy(), *more).having(self._is_mixed(digest))
        found = self._writer.rows(query.order_by(exp.Literal.number(1)).limit(SHOWN_KEYS))
        listed = [str(row[0]) for row in found]
        raise Conflict(
            f"rows of one key differ within the batch, for example {listed[0]}; give order_by, or a conflict_policy",
            code="batch_conflict",
            details={"keys": listed},
        )

    def multi_active(self, load: Satellite) -> Counts:
        """The whole set of each key whose set differs from the latest stored one."""
        keys = self._keys(wiring.parent_load(self._model, load))
        rows, keyed, _ = self._count(keys)
        table, columns = shapes.shape_of(self._model, load.satellite_id)
        names = [name for name, _ in columns]
        digest = stage_column(load.satellite_id, "hd")
        here = exp.and_(keys.has_one.copy(), trees.differs(column(OPERATION, "b"), value("D")))
        members = [column(name, "b") for name in load.multi_active_keys]
        key = column(keys.column, "b")
        mixed = exp.select(exp.Literal.number(1)).from_(self._stage.expression("b")).where(here.copy())
        mixed = mixed.group_by(key.copy(), *members).having(self._is_mixed(column(digest, "b"))).limit(1)
        if self._writer.rows(mixed):
            self._refuse_conflict(keys, column(digest, "b"), here, *members)

        wanted = [keys.column, digest, *load.multi_active_keys, *load.payload]
        elements = exp.select(*(column(name, "b") for name in wanted)).from_(self._stage.expression("b"))
        elements = trees.first_of_each(elements.where(here.copy()), [key.copy(), *members])
        typed = self._model.staging_tables[load.staging_table_id].typed
        member_text = encoding.encoded(
            [
                (encoding.canonical(column(name, "e"), typed[name], self._dialect), True)
                for name in load.multi_active_keys
            ],
            self._dialect,
        )
        element = encoding.call("concat_ws", value("|"), member_text, encoding.hash_hex(column(digest, "e")))
        texts = exp.select(trees.aliased(column(keys.column, "e"), "h"), trees.aliased(element, "element"))
        texts = texts.from_(trees.sub(elements.copy(), "e"))
        term: exp.Expr = column("element", "x")
        if self._dialect == "postgres":
            term = exp.Collate(this=term, expression=exp.to_identifier("C", quoted=True))
        joined = exp.GroupConcat(
            this=exp.Order(
                this=encoding.escaped(column("element", "x"), self._dialect), expressions=[trees.ordered(term)]
            ),
            separator=value("|"),
        )
        groups = exp.select(
            column("h", "x"),
            trees.aliased(encoding.hashed(joined), "gd"),
            trees.aliased(trees.counted(), "n"),
        )
        groups = groups.from_(trees.sub(texts, "x")).group_by(column("h", "x"))

        old = trees.latest(table, names[0], own(load.satellite_id, "gd"), own(load.satellite_id, "lth"), self._dialect)
        cells = (
            column(keys.column, "b"),
            self._time,
            self._source,
            column(digest, "b"),
            column("gd", "g"),
            *(column(name, "b") for name in (*load.multi_active_keys, *load.payload)),
        )
        query = exp.select(*(trees.aliased(cell.copy(), name) for cell, name in zip(cells, names, strict=True)))
        query = query.from_(trees.sub(elements.copy(), "b"))
        query = query.join(trees.sub(groups, "g"), on=trees.equal(column("h", "g"), key.copy()))
        query = query.join(trees.sub(old, "l"), on=trees.equal(column("h", "l"), key.copy()), join_type="left")
        query = query.where(_is_other(column("gd", "g")))
        distinct = int(self._writer.scalar(exp.select(trees.counted()).from_(trees.sub(elements, "e"))))
        inserted = self._writer.execute(trees.insert_into(table, names, query))
        return _rest(rows, keyed, self._candidates(here) - distinct, inserted)

    # -- presence ------------------------------------------------------------------------------------------------------

    def track(self, load: HubLoad | LinkLoad, options: Options) -> int:
        """Note which keys appeared and which went; returns how many went."""
        load_id = wiring.load_id_of(load)
        table = shapes.ensure_tracking(self._writer, load_id, self._dialect)
        drivers: list[str] = []
        if isinstance(load, LinkLoad):
            drivers = [own(name, "h") for name in self._model.links[load.link_id].drivers]
        tracker = tracking.Tracker(self._writer, table, self._stage, self._keys(load), self._batch, self._dialect)
        return tracker.run(
            link=shapes.shape_of(self._model, wiring.target_of(load))[0] if drivers else None,
            link_key=own(wiring.target_of(load), "h"),
            drivers=drivers,
            max_delete_ratio=None if options.force else options.max_delete_ratio,
        )


def _is_other(digest: exp.Expr) -> exp.Expr:
    return exp.or_(trees.missing(column("v", "l")), trees.differs(column("v", "l"), digest.copy()))


def _plus_microseconds(time: exp.Expr, count: exp.Expr, dialect: str) -> exp.Expr:
    if dialect == "duckdb":
        return exp.Add(this=time.copy(), expression=encoding.call("to_microseconds", count))
    one = exp.cast(value("1 microsecond"), "interval")
    return exp.Add(this=time.copy(), expression=exp.Mul(this=exp.Paren(this=count), expression=one))


def _counts(rows: int, keyed: int, distinct: int, inserted: int) -> Counts:
    return _rest(rows, keyed, keyed - distinct, inserted)


def _rest(rows: int, keyed: int, duplicates: int, inserted: int) -> Counts:
    return Counts(
        rows_read=rows,
        rows_inserted=inserted,
        rows_unchanged=keyed - duplicates - inserted,
        rows_duplicate=duplicates,
        rows_null_key=rows - keyed,
    )
