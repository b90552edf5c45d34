"""What must be exact with the rows: which batch stands staged and which load has had it. Kept in the warehouse itself.

The metadata database and the warehouse are two databases: a crash between them must neither load twice nor lose a
batch. So a load's marker commits with its rows. Source: contracts/vault.md, 4.4 and 4.5
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlglot import exp

from tessera.vault import trees
from tessera.warehouse import INTERNAL, Reader, Table, Warehouse, Writer, column, value

STAGED: Final = Table(INTERNAL, "vault_staged")
"""One row a staged batch; the present one of each staging table is marked."""
DONE: Final = Table(INTERNAL, "_dvb_load_done")
"""One row a load of a batch that has committed, with its counts."""

_STAGED_COLUMNS: Final = (
    ("staging_load_id", "TEXT"),
    ("staging_table_id", "TEXT"),
    ("load_time", "TIMESTAMP"),
    ("mode", "TEXT"),
    ("row_count", "BIGINT"),
    ("content", "TEXT"),
    ("hashes", "TEXT"),
    ("is_present", "BOOLEAN"),
)
_DONE_COLUMNS: Final = (
    ("staging_load_id", "TEXT"),
    ("load_id", "TEXT"),
    ("load_time", "TIMESTAMP"),
    ("counts", "TEXT"),
)


class Batch(Struct, frozen=True):
    """A staged batch. ``hashes``: what each hash column was made from, so that a changed model is noticed."""

    staging_load_id: str
    staging_table_id: str
    load_time: str
    mode: str
    row_count: int
    content: str
    hashes: dict[str, str]


class Counts(Struct, frozen=True):
    """What became of a batch's rows in one load; read = inserted + unchanged + duplicate + null_key + rejected."""

    rows_read: int = 0
    rows_inserted: int = 0
    rows_unchanged: int = 0
    rows_duplicate: int = 0
    rows_null_key: int = 0
    rows_rejected: int = 0
    rows_closed: int = 0


def prepare(warehouse: Warehouse) -> None:
    """Make the two tables unless they are there."""
    if warehouse.columns(DONE):
        return
    with warehouse.writing(STAGED, DONE) as writer:
        writer.execute(trees.create_table(STAGED, _STAGED_COLUMNS))
        writer.execute(trees.create_table(DONE, _DONE_COLUMNS))


def read_batch(reader: Reader, staging_load_id: str) -> Batch | None:
    """The batch of this id, if it was ever staged."""
    return _batch(reader, trees.equal(column("staging_load_id"), value(staging_load_id)))


def present_batch(reader: Reader, staging_table_id: str) -> Batch | None:
    """The batch that stands in the staging table."""
    here = trees.equal(column("staging_table_id"), value(staging_table_id))
    return _batch(reader, exp.and_(here, column("is_present")))


def _batch(reader: Reader, where: exp.Expr) -> Batch | None:
    names = [name for name, _ in _STAGED_COLUMNS[:-1]]
    query = exp.select(*(column(name) for name in names)).from_(STAGED.expression()).where(where)
    rows = reader.rows(query)
    if not rows:
        return None
    found = dict(zip(names, rows[0], strict=True))
    found["load_time"] = time_text(found["load_time"])
    found["hashes"] = msgspec.json.decode(found["hashes"])
    return Batch(**found)


def mark_staged(writer: Writer, batch: Batch) -> None:
    """Note a batch as the present one of its staging table, in the transaction that stages it."""
    here = trees.equal(column("staging_table_id"), value(batch.staging_table_id))
    gone = trees.equal(column("is_present"), exp.false())
    writer.execute(exp.Update(this=STAGED.expression(), expressions=[gone], where=exp.Where(this=here)))
    cells = (
        value(batch.staging_load_id),
        value(batch.staging_table_id),
        trees.moment(batch.load_time),
        value(batch.mode),
        value(batch.row_count),
        value(batch.content),
        value(msgspec.json.encode(batch.hashes).decode()),
        exp.true(),
    )
    _insert(writer, STAGED, [name for name, _ in _STAGED_COLUMNS], cells)


def find_done(reader: Reader, staging_load_id: str, load_id: str) -> Counts | None:
    """The counts of this load of this batch, if it has committed."""
    query = exp.select(column("counts")).from_(DONE.expression())
    query = query.where(
        trees.equal(column("staging_load_id"), value(staging_load_id)), trees.equal(column("load_id"), value(load_id))
    )
    text = reader.scalar(query)
    return None if text is None else msgspec.json.decode(text, type=Counts)


def mark_done(writer: Writer, batch: Batch, load_id: str, counts: Counts) -> None:
    """Note a load of a batch, in the transaction of its rows."""
    cells = (
        value(batch.staging_load_id),
        value(load_id),
        trees.moment(batch.load_time),
        value(msgspec.json.encode(counts).decode()),
    )
    _insert(writer, DONE, [name for name, _ in _DONE_COLUMNS], cells)


def _insert(writer: Writer, table: Table, names: list[str], cells: tuple[exp.Expr, ...]) -> None:
    row = exp.select(*(trees.aliased(cell, name) for cell, name in zip(cells, names, strict=True)))
    writer.execute(trees.insert_into(table, names, row))


def time_text(moment: Any) -> str:
    """A load time as the wire shows it, with a blank in the middle: ``2026-03-01 09:30:00.000000``."""
    if isinstance(moment, datetime):
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0")
    return str(moment)
