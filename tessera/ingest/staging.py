"""What a COPY job does to rows on their way, in the warehouse's own SQL: transformations, expectations, deduplication.

Jobs without any of these never come here: their batches go straight into the table.
Source: contracts/ingest.md, 5.4, 6.7 and 6.10.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa
from msgspec import Struct
from sqlglot import exp

from tessera.ingest.evolution import Evolution
from tessera.ingest.ledger_store import SEEN, define
from tessera.ingest.reading.shapes import normalise
from tessera.ingest.sql.statements import Deduplication
from tessera.warehouse import INTERNAL, Table, Writer, column, identifier, param, type_of, value

ROW: Final = "$row"
KEY: Final = "$key"


class Rule(Struct, frozen=True):
    """An expectation, its predicate checked already."""

    name: str
    predicate: Any
    action: str


class Work(Struct, frozen=True):
    """What is to be done to each batch of a job. Expressions are checked sqlglot trees over field names."""

    job_id: str
    transformations: list[tuple[str, Any]]
    rules: list[Rule]
    deduplication: Deduplication | None
    is_excluded: Callable[[str], bool]

    @property
    def is_needed(self) -> bool:
        """Whether there is anything that needs SQL."""
        return bool(self.transformations or self.rules or self.deduplication)


class Outcome(Struct, frozen=True):
    """Rows that go on, as Arrow, with their place in the batch (from 0); and what happened to the others."""

    table: Any
    places: Any
    dropped: int
    deduplicated: int
    violations: dict[str, int]


def apply(writer: Writer, dialect: str, work: Work, raw: pa.Table, event_time: datetime) -> Outcome:
    """Do the job's work on one batch, inside the writer's transaction."""
    stage = Table(INTERNAL, f"ingest_stage_{uuid4().hex[:12]}")
    shapes = Evolution(stage, dialect, [], frozenset())
    _, data, _ = shapes.fit(raw)
    names = {name.lower(): name for name in data.column_names}
    types = {name: shapes.stored(name) for name in data.column_names}
    writer.execute(define(stage, {**types, ROW: "BIGINT"}, exists=False))
    rows = pa.arange(0, raw.num_rows)
    writer.append(stage, data.append_column(ROW, rows) if data.num_columns else pa.table({ROW: rows}))
    kept = [column(name) for name in data.column_names if not work.is_excluded(name)]
    replaced = {name.lower() for name, _ in work.transformations}
    shown = [one for one in kept if one.name.lower() not in replaced]
    made = [exp.alias_(_bound(tree, names), name, quoted=True) for name, tree in work.transformations]
    # Two steps: predicates see the new columns, and those that were left out are gone.
    first = exp.select(*(one.copy() for one in shown), *made, column(ROW)).from_(stage.expression())
    step = Table(INTERNAL, f"{stage.name}_b")
    describe = writer.describe(first)
    writer.execute(exp.Create(this=step.expression(), kind="TABLE", expression=first))
    visible = {one.name.lower(): one.name for one in describe if one.name != ROW}
    violations = {rule.name: int(writer.scalar(_violating(step, rule, visible)) or 0) for rule in work.rules}
    drops = [rule for rule in work.rules if rule.action == "DROP"]
    dropped = 0
    if drops:
        good = exp.and_(*(_not_false(_bound(rule.predicate, visible)) for rule in drops))
        dropped = writer.execute(exp.delete(step.expression(), exp.not_(exp.paren(good))))
    deduplicated = _deduplicate(writer, work, step, visible, event_time) if work.deduplication else 0
    made_names = [one.name for one in describe if one.name.lower() in replaced]
    changed, places = _fetch(writer, step, made_names)
    # What no transformation touched is taken from the batch as it was read, with its own types.
    original = {name.lower(): values for name, values in zip(raw.column_names, raw.columns, strict=True)}
    columns = {one.name: original[one.name.lower()].take(places) for one in shown}
    columns |= dict(zip(changed.column_names, changed.columns, strict=True))
    table = pa.table(columns) if columns else pa.table({ROW: places}).select([])
    for used in (step, stage):
        writer.execute(exp.Drop(tables=[used.expression()], kind="TABLE"))
    return Outcome(table, places, dropped, deduplicated, violations)


def _bound(tree: exp.Expr, names: dict[str, str]) -> exp.Expr:
    """The expression over the columns that this batch has; one that it has not is null (contract, 6.10)."""

    def bind(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            name = names.get(node.name.lower())
            return exp.null() if name is None else column(name)
        return node

    return tree.copy().transform(bind)


def _not_false(predicate: exp.Expr) -> exp.Expr:
    """True unless the predicate is false: null does not trigger (contract, 6.10)."""
    return exp.func("COALESCE", exp.cast(exp.paren(predicate), "BOOLEAN"), exp.true())


def _violating(step: Table, rule: Rule, names: dict[str, str]) -> exp.Select:
    where = exp.not_(_not_false(_bound(rule.predicate, names)))
    return exp.select(exp.Count(this=exp.Star())).from_(step.expression()).where(where)


def _deduplicate(writer: Writer, work: Work, step: Table, names: dict[str, str], event_time: datetime) -> int:
    """Delete rows whose key was seen within the window; the first in order stays. Source: contract, 6.7."""
    assert work.deduplication is not None
    parts: list[exp.Expr] = []
    for key in work.deduplication.columns:
        name = names.get(key.lower())
        text = exp.null() if name is None else exp.cast(column(name), "TEXT")
        # The length in front keeps ("ab", "c") and ("a", "bc") apart; null is a value of its own.
        size = exp.cast(exp.func("LENGTH", text.copy()), "TEXT")
        joined = exp.DPipe(this=exp.DPipe(this=size, expression=value(":")), expression=text)
        parts.append(exp.func("COALESCE", exp.cast(joined, "TEXT"), value("-")))
    whole: exp.Expr = parts[0]
    for part in parts[1:]:
        whole = exp.DPipe(this=exp.DPipe(this=whole, expression=value(";")), expression=part)
    digest = exp.func("MD5", whole)
    writer.execute(
        exp.Alter(
            this=step.expression(),
            kind="TABLE",
            actions=[exp.ColumnDef(this=identifier(KEY), kind=type_of("TEXT"))],
        )
    )
    writer.execute(exp.update(step.expression(), {identifier(KEY).sql("duckdb"): digest}))
    params = {"job_id": work.job_id, "since": event_time - timedelta(seconds=work.deduplication.window_seconds)}
    seen = (
        exp.select(exp.column("key_digest"))
        .from_(SEEN.expression())
        .where(exp.EQ(this=column("job_id"), expression=param("job_id")))
        .where(exp.GT(this=column("event_time"), expression=exp.cast(param("since"), "TIMESTAMP")))
    )
    gone = writer.execute(exp.delete(step.expression(), exp.In(this=column(KEY), query=seen.subquery())), params)
    first = exp.select(exp.Min(this=column(ROW))).from_(step.expression()).group_by(column(KEY))
    gone += writer.execute(exp.delete(step.expression(), exp.not_(exp.In(this=column(ROW), query=first.subquery()))))
    keys = [row[0] for row in writer.rows(exp.select(column(KEY)).from_(step.expression()))]
    if keys:
        new = {
            "job_id": [work.job_id] * len(keys),
            "key_digest": keys,
            "event_time": pa.array([event_time] * len(keys), pa.timestamp("ms")),
        }
        writer.append(SEEN, pa.table(new))
    return gone


def forget_old_keys(writer: Writer, work: Work, event_time: datetime) -> None:
    """Take keys out of the memory whose window is over."""
    if work.deduplication is None:
        return
    params = {"job_id": work.job_id, "since": event_time - timedelta(seconds=work.deduplication.window_seconds)}
    where = exp.and_(
        exp.EQ(this=column("job_id"), expression=param("job_id")),
        exp.LTE(this=column("event_time"), expression=exp.cast(param("since"), "TIMESTAMP")),
    )
    writer.execute(exp.delete(SEEN.expression(), where), params)


def _fetch(writer: Writer, step: Table, names: Sequence[str]) -> tuple[pa.Table, pa.Array]:
    """The columns that transformations made, and the places of the rows that are left, in order."""
    query = exp.select(*(column(name) for name in names), column(ROW)).from_(step.expression()).order_by(column(ROW))
    batches = list(writer.batches(query, size=100_000))
    if not batches:
        return pa.table({ROW: pa.array([], pa.int64())}).select([]), pa.array([], pa.int64())
    whole = pa.Table.from_batches(batches)
    return normalise(whole.drop_columns([ROW])), whole.column(ROW).combine_chunks()
