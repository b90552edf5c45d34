"""The outbox: each change writes its event in its own transaction; readers page through it by ``seq``.

``record`` is for rules; ``horizon`` and ``page_events`` for readers. Who delivers events: ``consumers`` (to functions,
each exactly once), ``stream`` (to this process's clients), from there ``sse`` and ``socket_events``;
``realtime.Events`` holds them together.

``seq`` on SQLite is given in the order of commits, since one connection writes at a time. On PostgreSQL a transaction
can take a number and commit after a higher one was read. So each recording transaction first takes a shared advisory
lock that carries the last number given out before its own, and a reader goes no further than the lowest number so
locked (``horizon``). Transactions that record no event, however long, hold nobody up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from tessera.kernel.access import Principal
from tessera.kernel.clock import new_id, now
from tessera.kernel.columns import METADATA, Document, Id, Instant
from tessera.kernel.db import Prepared, Tx
from tessera.kernel.wake import nudge

FEW: Final = 8
"""Up to so many rows of one call, a prepared statement each is quicker than one for all."""
TOPIC: Final = "events"
"""What ``wake.nudge`` says after the commit of a transaction with events; it is about their name."""

EVENTS: Final = sa.Table(
    "kernel_events",
    METADATA,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", Id, nullable=False),
    sa.Column("name", sa.String(160), nullable=False),
    sa.Column("package", sa.String(40), nullable=False),
    sa.Column("object_id", sa.String(200)),
    sa.Column("actor_id", Id),
    sa.Column("at", Instant, nullable=False),
    sa.Column("data", Document, nullable=False),
)
"""No index but the primary key: each would be one more page to write with every change of anything.

The newest row must never be deleted: SQLite gives its number again otherwise.
"""


class Event(Struct, frozen=True, rename="camel"):
    """Something that has happened. ``data`` holds ids and plain facts, never a secret."""

    seq: int
    id: str
    name: str
    package: str
    object_id: str | None
    actor_id: str | None
    at: str
    data: dict[str, Any]


class Consumer(Struct, frozen=True):
    """A function that gets each matching event once, in order, from the first ever recorded.

    Args:
        name: under which its place in the stream is kept; never change it.
        matches: exact names, or prefixes that end in ``*``.
        handle: touches the database through its ``tx`` only, and stays under a few milliseconds. If it raises, the
            event is given to it again later, and later events wait.
    """

    name: str
    matches: tuple[str, ...]
    handle: Callable[[Tx, Event], None]

    def wants(self, name: str) -> bool:
        """Whether an event of this name goes to it."""
        return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in self.matches)


_SEQUENCE: Final = sa.table("kernel_events_seq_seq", sa.column("last_value"), sa.column("is_called"))
_given: Final = sa.case((sa.column("is_called"), sa.column("last_value")), else_=0)
_MARK: Final = 0x7E55
"""The upper 16 bits of our advisory locks' keys; the other 48 are an event's number."""

_insert = EVENTS.insert().values(
    {column.name: sa.bindparam(column.name) for column in EVENTS.c if column.name != "seq"}
)
_INSERT: Final = Prepared(_insert.inline())
_hold = sa.select(
    sa.func.pg_advisory_xact_lock_shared(sa.literal_column(f"{_MARK << 48}::bigint") + _given).label("done")
).select_from(_SEQUENCE)
_HOLD: Final = Prepared(_hold)
_held = _hold.cte("held").prefix_with("MATERIALIZED", dialect="postgresql")
_columns = [column for column in EVENTS.c if column.name != "seq"]
_HOLD_AND_INSERT: Final = Prepared(
    # The number is taken for a row of `held`, and so when the lock is there.
    EVENTS.insert()
    .from_select(
        ["seq", *(column.name for column in _columns)],
        sa.select(
            sa.literal_column("nextval('kernel_events_seq_seq')"),
            *(sa.bindparam(column.name, None, column.type) for column in _columns),
        ).select_from(_held),
    )
    .inline()
)
_encode = msgspec.json.Encoder().encode

_SECRET_KEYS: Final = frozenset(
    {
        "password",
        "passwordhash",
        "secret",
        "token",
        "accesstoken",
        "refreshtoken",
        "apikey",
        "privatekey",
        "digest",
        "otp",
    }
    | {"totpsecret", "clientsecret", "credentials", "authorization", "recoverycodes", "jwtsecret", "secretkey"}
)


def record(
    tx: Tx,
    name: str,
    *,
    package: str,
    by: Principal | str | None = None,
    of: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> str:
    """Write the event of a change into the change's own transaction.

    Args:
        by: who did it (a principal or its id); None for the server itself.
        of: the id of the object that changed.
        data: facts for those who react; JSON.

    Returns:
        The event's id.

    Raises:
        ValueError: ``data`` has a member that by its name is a secret. (A defect of the caller.)
    """
    return record_all(tx, name, [(of, data or {})], package=package, by=by)[0]


def record_all(
    tx: Tx,
    name: str,
    objects: Iterable[tuple[str | None, Mapping[str, Any]]],
    *,
    package: str,
    by: Principal | str | None = None,
) -> list[str]:
    """``record`` for many objects (pairs of id and data) at once, in their order."""
    actor = by.id if isinstance(by, Principal) else by
    at = now()
    rows: list[dict[str, Any]] = []
    for of, data in objects:
        _refuse_secrets(name, data)
        one = {"id": new_id(), "name": name, "package": package, "object_id": of, "actor_id": actor, "at": at}
        rows.append({**one, "data": data})
    if len(rows) <= FEW:
        statement = _HOLD_AND_INSERT if tx.dialect == "postgresql" else _INSERT
        for row in rows:
            tx.run(statement, **{**row, "data": _encode(row["data"]).decode()})
            statement = _INSERT
    else:
        if tx.dialect == "postgresql":
            tx.run(_HOLD)
        # One round trip for many; both drivers insert in the order given, so numbers rise in it.
        tx.execute(EVENTS.insert().inline(), rows)
    tx.after_commit(partial(nudge, TOPIC, name))
    return [row["id"] for row in rows]


def _refuse_secrets(name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if str(key).replace("_", "").replace("-", "").lower() in _SECRET_KEYS:
                raise ValueError(f"event {name}: {key!r} names a secret; events are read by many, leave it out")
            _refuse_secrets(name, inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_secrets(name, inner)


def horizon(tx: Tx) -> int:
    """The highest ``seq`` up to which no event can appear any more. Read it before the rows, not with them."""
    if tx.dialect == "sqlite":
        return tx.scalar(sa.select(sa.func.max(EVENTS.c.seq))) or 0
    # The order matters. A transaction that was given a number by the first statement holds its lock at the second, or
    # has ended before it and is seen by every later statement.
    given: int = tx.scalar(sa.select(_given).select_from(_SEQUENCE))
    return min(given, _lowest_held(tx, given))


def _lowest_held(tx: Tx, given: int) -> int:
    locks = sa.table("pg_locks", *map(sa.column, ("locktype", "database", "classid", "objid", "objsubid", "granted")))
    upper = sa.cast(locks.c.classid, sa.BigInteger)
    here: sa.Select[Any] = sa.select(sa.literal_column("oid")).select_from(sa.text("pg_database"))
    here = here.where(sa.literal_column("datname") == sa.func.current_database())
    number = (upper - (_MARK << 16)) * (1 << 32) + sa.cast(locks.c.objid, sa.BigInteger)
    marked = upper.between(_MARK << 16, (_MARK << 16) + 0xFFFF)
    ours = (locks.c.locktype == "advisory") & (locks.c.objsubid == 1) & marked & locks.c.granted
    lowest = tx.scalar(sa.select(sa.func.min(number)).where(ours, locks.c.database == here.scalar_subquery()))
    return given if lowest is None else int(lowest)


def page_events(
    tx: Tx,
    *,
    after: int,
    upto: int,
    limit: int = 500,
    packages: Iterable[str] | None = None,
    names: Sequence[str] = (),
) -> list[Event]:
    """Events with ``after < seq <= upto``, in order.

    Args:
        upto: a ``horizon`` that was read earlier.
        packages: only these; None for all.
        names: only names that begin with one of these; all if empty.
    """
    query = sa.select(*EVENTS.c).where(EVENTS.c.seq > after, EVENTS.c.seq <= upto).order_by(EVENTS.c.seq).limit(limit)
    if packages is not None:
        query = query.where(EVENTS.c.package.in_(list(packages)))
    if names:
        query = query.where(sa.or_(*(EVENTS.c.name.startswith(name, autoescape=True) for name in names)))
    return [Event(*tuple(row)) for row in tx.all(query)]
