"""Durable consumers of events: each has its place in the stream, kept in the transaction of its effects.

One thread a process runs them all; between processes the row of a consumer's place is its lock.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa

from tessera.kernel import wake
from tessera.kernel.clock import now
from tessera.kernel.columns import METADATA, Instant
from tessera.kernel.db import Database, Tx, upsert
from tessera.kernel.errors import Unavailable
from tessera.kernel.events import EVENTS, TOPIC, Consumer, Event, horizon
from tessera.kernel.log import logger

PLACES: Final = sa.Table(
    "kernel_event_places",
    METADATA,
    sa.Column("consumer", sa.String(120), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("moved_at", Instant, nullable=False),
)
BATCH: Final = 20
"""Events handled in one transaction; a write call has to stay short."""
_LONGEST_PAUSE_SECONDS: Final = 60.0
_log = logger("consumers")


class _Turn:
    """What this process remembers of a consumer; all of it may be lost."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.seen = 0
        self.failures = 0
        self.not_before = 0.0


class Consumers:
    """Runs consumers until stopped.

    Raises:
        ValueError: two have the same name.
    """

    def __init__(self, db: Database, consumers: Sequence[Consumer], *, poll_seconds: float = 1.0) -> None:
        names = [consumer.name for consumer in consumers]
        if len(set(names)) != len(names):
            raise ValueError(f"two consumers have one name: {sorted(names)}")
        self._db = db
        self._turns = [_Turn(consumer) for consumer in consumers]
        self._poll_seconds = poll_seconds
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._unheed: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to deliver."""
        if not self._turns:
            return
        self._db.write_now(_take_places, [turn.consumer.name for turn in self._turns])
        self._unheed = wake.heed(TOPIC, self._heed)
        self._thread = threading.Thread(target=self._run, name="consumers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the batch that is being handled."""
        self._stopping = True
        self._wake.set()
        if self._unheed is not None:
            self._unheed()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _heed(self, name: str) -> None:
        if not name or any(turn.consumer.wants(name) for turn in self._turns):
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            if not self._round():
                time.sleep(wake.GATHER_SECONDS)
                self._wake.wait(self._poll_seconds)

    def _round(self) -> bool:
        """Give each consumer one batch; whether one of them may have more."""
        more = False
        try:
            upto = self._db.read_now(horizon)
        except Unavailable:
            _log.warning("consumers wait: the database is away")
            return False
        for turn in self._turns:
            if self._stopping or time.monotonic() < turn.not_before:
                continue
            try:
                more = self._deliver(turn, upto) or more
                turn.failures = 0
            except Unavailable:
                _log.warning("consumer waits: the database is away", consumer=turn.consumer.name)
                turn.not_before = time.monotonic() + 1.0
            except Exception:  # noqa: BLE001 - the outermost edge of a consumer: its events must neither be lost nor stop the others
                turn.failures += 1
                pause = min(2.0 ** (turn.failures - 1) * 0.5, _LONGEST_PAUSE_SECONDS)
                turn.not_before = time.monotonic() + pause
                _log.exception(
                    "consumer failed; it gets the event again", consumer=turn.consumer.name, failures=turn.failures
                )
        return more

    def _deliver(self, turn: _Turn, upto: int) -> bool:
        if upto <= turn.seen or not self._db.read_now(_any_after, turn.consumer, turn.seen, upto):
            turn.seen = max(turn.seen, upto)
            return False
        # Alone after a failure: what came before the bad event is then delivered all the same.
        limit = 1 if turn.failures else BATCH
        reached = self._db.write_now(_handle_batch, turn.consumer, upto, limit)
        if reached is None:
            return False
        turn.seen = max(turn.seen, reached)
        return reached < upto


def place(tx: Tx, consumer: str) -> int:
    """The ``seq`` of the last event that the consumer has handled."""
    return tx.scalar(sa.select(PLACES.c.seq).where(PLACES.c.consumer == consumer)) or 0


def _take_places(tx: Tx, names: Sequence[str]) -> None:
    for name in names:
        tx.execute(upsert(tx, PLACES, {"consumer": name, "seq": 0, "moved_at": now()}, ["consumer"], {}))


def _matching(consumer: Consumer) -> sa.ColumnElement[bool]:
    return sa.or_(
        *(
            EVENTS.c.name.startswith(name[:-1], autoescape=True) if name.endswith("*") else EVENTS.c.name == name
            for name in consumer.matches
        )
    )


def _any_after(tx: Tx, consumer: Consumer, seen: int, upto: int) -> bool:
    after = max(seen, place(tx, consumer.name))
    query = sa.select(EVENTS.c.seq).where(EVENTS.c.seq > after, EVENTS.c.seq <= upto, _matching(consumer)).limit(1)
    return tx.scalar(query) is not None


def _handle_batch(tx: Tx, consumer: Consumer, upto: int, limit: int) -> int | None:
    """Handle the next events and move the place; how far it came, or None while another process is at it."""
    mine = sa.select(PLACES.c.seq).where(PLACES.c.consumer == consumer.name).with_for_update(skip_locked=True)
    row = tx.one(mine)
    if row is None:
        return None
    query = sa.select(*EVENTS.c).where(EVENTS.c.seq > row.seq, EVENTS.c.seq <= upto, _matching(consumer))
    events = [Event(*tuple(each)) for each in tx.all(query.order_by(EVENTS.c.seq).limit(limit))]
    for event in events:
        consumer.handle(tx, event)
    reached = events[-1].seq if len(events) == limit else upto
    if reached > row.seq:
        tx.execute(PLACES.update().where(PLACES.c.consumer == consumer.name).values(seq=reached, moved_at=now()))
    return int(max(reached, row.seq))
