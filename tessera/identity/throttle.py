"""Slows down guessing: counts failed sign-ins per name, account and network address, and locks for a while.

Five failures in a row lock an account for a minute, each further series for twice as long, up to fifteen minutes. A
network address has a far higher limit, since offices share one. All of it is kept in the database: a restart or
another worker changes nothing. Names that nobody has are counted in the same way.
"""

import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from msgspec import Struct

from tessera.identity.model import FAILURES
from tessera.kernel.clock import instant, moment
from tessera.kernel.db import Tx, upsert


class Policy(Struct, frozen=True):
    """How many failures lock, and for how long."""

    limit: int
    first_lock: timedelta
    longest_lock: timedelta
    # After so long without a failure everything is forgotten.
    forgotten_after: timedelta


ACCOUNT: Final = Policy(5, timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=24))
ADDRESS: Final = Policy(500, timedelta(minutes=1), timedelta(minutes=15), timedelta(minutes=15))


class Count(Struct, frozen=True):
    """What is known of one subject."""

    failures: int
    series: int
    last_failed_at: datetime
    locked_until: datetime | None

    def locked_seconds(self, now: datetime) -> int:
        """Whole seconds until the lock ends, 0 when there is none."""
        if self.locked_until is None or self.locked_until <= now:
            return 0
        return int((self.locked_until - now).total_seconds()) + 1


def after_failure(count: Count | None, policy: Policy, now: datetime) -> Count:
    """The count after one more failure. A failure while locked changes nothing: it must not extend the lock."""
    if count is None or now - count.last_failed_at > policy.forgotten_after:
        count = Count(0, 0, now, None)
    if count.locked_seconds(now):
        return count
    failures = count.failures + 1
    if failures < policy.limit:
        return Count(failures, count.series, now, None)
    lock = min(policy.first_lock * 2**count.series, policy.longest_lock)
    # The exponent stops growing where the longest lock is reached, whatever happens over the years.
    return Count(0, min(count.series + 1, 16), now, now + lock)


def name_subject(login: str) -> str:
    """The subject of a log-in name as typed; a digest, since people type passwords into the wrong field."""
    return "name:" + hashlib.sha256(login.strip().casefold().encode("utf-8", "surrogatepass")).hexdigest()


def principal_subject(principal_id: str) -> str:
    """The subject of an account, whichever of its names was typed."""
    return "principal:" + principal_id


def address_subject(address: str) -> str:
    """The subject of a network address; an IPv6 host has its whole /64, so that is counted."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "address:unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return f"address:{parsed.ipv4_mapped}"
        return f"address:{ipaddress.ip_network((parsed, 64), strict=False)}"
    return f"address:{parsed}"


def locks(tx: Tx, subjects: list[str]) -> dict[str, int]:
    """Seconds that each of the subjects is still locked; those that are not locked are left out."""
    now = datetime.now(UTC)
    rows = tx.all(sa.select(FAILURES).where(FAILURES.c.subject.in_(subjects)))
    seconds = {row.subject: _count(row).locked_seconds(now) for row in rows}
    return {subject: left for subject, left in seconds.items() if left}


def record_failure(tx: Tx, subject: str, policy: Policy) -> Count:
    """Count one failure; returns the new count."""
    # Two failures at once must count as two.
    tx.lock(f"identity throttle {subject}")
    row = tx.one(sa.select(FAILURES).where(FAILURES.c.subject == subject))
    count = after_failure(_count(row) if row is not None else None, policy, datetime.now(UTC))
    values = {
        "subject": subject,
        "failures": count.failures,
        "series": count.series,
        "last_failed_at": instant(count.last_failed_at),
        "locked_until": instant(count.locked_until) if count.locked_until else None,
    }
    tx.execute(upsert(tx, FAILURES, values, ["subject"]))
    return count


def forget(tx: Tx, subjects: list[str]) -> None:
    """A success: start counting anew. Old rows of anybody go with it, so that the table stays small."""
    long_ago = instant(datetime.now(UTC) - ACCOUNT.forgotten_after)
    tx.execute(sa.delete(FAILURES).where(FAILURES.c.subject.in_(subjects) | (FAILURES.c.last_failed_at < long_ago)))


def _count(row: sa.Row[tuple[object, ...]]) -> Count:
    values = row._mapping
    until = values["locked_until"]
    return Count(
        values["failures"], values["series"], moment(values["last_failed_at"]), None if until is None else moment(until)
    )
