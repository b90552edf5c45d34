"""Signing in with a name and a password: the same work and the same answer whoever the name belongs to.

The order: is it locked? - hash, for an unknown name too - count the failure or forget the earlier ones. Attempts on one
name take turns in a process, so that a burst of guesses cannot slip in before the first of them is counted.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, Literal

import sqlalchemy as sa

from tessera.identity.model import PRINCIPALS
from tessera.identity.passwords import MAXIMUM_CHARACTERS, Passwords
from tessera.identity.principals import Found, find_by_id, find_by_login, to_principal
from tessera.identity.throttle import (
    ACCOUNT,
    ADDRESS,
    address_subject,
    forget,
    locks,
    name_subject,
    principal_subject,
    record_failure,
)
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import now
from tessera.kernel.db import Database, Tx
from tessera.kernel.errors import Problem, TooMany

RefusedReason = Literal["unknown_or_wrong", "inactive", "locked", "no_role"]
_TEXTS: Final[dict[str, str]] = {
    "unknown_or_wrong": "wrong name or password",
    "inactive": "this account is not active",
    "locked": "too many failed attempts: wait before the next one",
    "no_role": "this account has no role here",
}


class SignInRefused(Problem):
    """A sign-in that opened nothing. A package renders it as its contract says; unrendered it is a 401 (locked: 429).

    ``inactive`` is told only to who gave the right password; ``locked`` is said of names that nobody has as well.
    """

    default_status = 401

    def __init__(self, reason: RefusedReason, *, retry_after_seconds: int = 0) -> None:
        super().__init__(_TEXTS[reason], code=reason, status=429 if reason == "locked" else None)
        self.reason: RefusedReason = reason
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        """``Retry-After`` while locked."""
        return {"retry-after": str(self.retry_after_seconds)} if self.retry_after_seconds else {}


class SignIn:
    """Checks passwords for one process."""

    def __init__(self, db: Database, passwords: Passwords) -> None:
        self._db = db
        self._passwords = passwords
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}

    async def sign_in(self, login: str, password: str, *, address: str, package: str) -> Principal:
        """The principal of a name (e-mail, user name or desktop log-in) and its password.

        Raises:
            SignInRefused: with its reason.
            Unavailable: too many hashes wait.
        """
        subject = name_subject(login)
        async with self._turn(subject):
            row, hidden = await self._db.read(_look_up, login, subject, address)
            if await self._is_right(row, password, hidden=hidden):
                assert row is not None
                if not row.is_active:
                    raise SignInRefused("inactive")
                rehashed = (
                    await self._passwords.hash(password) if self._passwords.is_outdated(row.password_hash) else None
                )
                return await self._db.write(
                    _succeed, row.id, subject, package=package, address=address, rehashed=rehashed
                )
            known = row.id if row is not None else None
            await self._db.write(_fail, known, subject, package=package, address=address)
            raise SignInRefused("unknown_or_wrong")

    async def check_password(self, principal_id: str, password: str, *, address: str, package: str) -> bool:
        """Whether this is the password of somebody who is signed in already; failures count towards the lock.

        Raises:
            SignInRefused: ``locked``.

        Source: contracts/production.md, 1.7 (change-password)
        """
        subject = principal_subject(principal_id)
        async with self._turn(subject):
            row = await self._db.read(_look_up_signed_in, principal_id, address)
            if await self._is_right(row, password):
                await self._db.write(forget, [subject])
                return True
            await self._db.write(_fail, principal_id, subject, package=package, address=address)
            return False

    async def _is_right(self, row: Found | None, password: str, *, hidden: bool = False) -> bool:
        if len(password) > MAXIMUM_CHARACTERS:
            # Nobody has such a password; the work is done all the same.
            password, row = "", None
        stored = row.password_hash if row is not None and not hidden else None
        return await self._passwords.verify(stored, password)

    @contextlib.asynccontextmanager
    async def _turn(self, subject: str) -> AsyncIterator[None]:
        lock, waiting = self._turns.get(subject, (asyncio.Lock(), 0))
        self._turns[subject] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[subject]
            if waiting == 1:
                del self._turns[subject]
            else:
                self._turns[subject] = (lock, waiting - 1)


def _look_up(tx: Tx, login: str, subject: str, address: str) -> tuple[Found | None, bool]:
    """The row that a name means, and whether its account is locked through another of its names.

    Saying *locked* in that case would tell that the two names belong together, hence that they exist; so it is answered
    like a wrong password, without looking at the password.
    """
    row = find_by_login(tx, login)
    by_address = address_subject(address)
    by_account = principal_subject(row.id) if row is not None else ""
    locked = locks(tx, [subject, by_address, by_account])
    seconds = max(locked.get(subject, 0), locked.get(by_address, 0))
    if seconds:
        raise SignInRefused("locked", retry_after_seconds=seconds)
    return row, by_account in locked


def _look_up_signed_in(tx: Tx, principal_id: str, address: str) -> Found | None:
    locked = locks(tx, [principal_subject(principal_id), address_subject(address)])
    if locked:
        raise SignInRefused("locked", retry_after_seconds=max(locked.values()))
    return find_by_id(tx, principal_id)


def _fail(tx: Tx, principal_id: str | None, subject: str, *, package: str, address: str) -> None:
    # A name that nobody has gets a row in the account's place, so that both cases cost the same.
    account = principal_subject(principal_id or subject[-36:])
    subjects = {subject: ACCOUNT, account: ACCOUNT, address_subject(address): ADDRESS}
    # In one order, so that two at once cannot wait for each other.
    for each in sorted(subjects):
        record_failure(tx, each, subjects[each])
    _record(tx, "identity.sign_in.refused", principal_id, package=package, address=address)


def _succeed(tx: Tx, principal_id: str, subject: str, *, package: str, address: str, rehashed: str | None) -> Principal:
    forget(tx, [subject, principal_subject(principal_id)])
    changes: dict[str, Any] = {"last_sign_in_at": now()}
    if rehashed is not None:
        changes["password_hash"] = rehashed
    tx.execute(PRINCIPALS.update().where(PRINCIPALS.c.id == principal_id).values(**changes))
    row = tx.one(sa.select(PRINCIPALS).where(PRINCIPALS.c.id == principal_id))
    if row is None:
        # Deleted while the hash was computed.
        raise SignInRefused("unknown_or_wrong")
    _record(tx, "identity.signed_in", principal_id, package=package, address=address)
    return to_principal(tx, row, credential="password")


def _record(tx: Tx, name: str, principal_id: str | None, *, package: str, address: str) -> None:
    data = {"package": package, "address": address}
    events.record(tx, name, package="identity", by=principal_id, of=principal_id, data=data)


def too_many(refused: SignInRefused) -> TooMany:
    """A locked account as the kind that every package renders, where a password came as a credential."""
    return TooMany(refused.message, retry_after_seconds=refused.retry_after_seconds, code="locked")
