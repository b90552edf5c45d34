"""Passwords: argon2id in a pool of its own, so that no hash ever holds up the event loop or the database's threads."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from tessera.kernel.errors import Invalid, Unavailable

Answer = TypeVar("Answer")

# The second recommended option of RFC 9106 (section 4): 64 MiB, three passes, four lanes, a salt of 16 bytes and a tag
# of 32. Measured here: 110 ms on two cores. Hashes made with weaker parameters are made anew at the next sign-in.
MEMORY_KIB = 65536
PASSES = 3
LANES = 4
SALT_BYTES = 16
TAG_BYTES = 32
THREADS = 2
# At 110 ms each in two threads, 64 waiting hashes are 4 s: beyond that a caller is better told to come back.
QUEUE_LIMIT = 64
# Contract production 1.4 says 8, vault 1.4 says 12; each package passes its own least length, this one is the floor.
MINIMUM_CHARACTERS = 8
MAXIMUM_CHARACTERS = 1024


class Passwords:
    """Hashes and verifies passwords in two threads with a bounded queue."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB) -> None:
        self._hasher = PasswordHasher(
            time_cost=PASSES, memory_cost=memory_kib, parallelism=LANES, salt_len=SALT_BYTES, hash_len=TAG_BYTES
        )
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="tessera-argon2")
        self._waiting = 0
        self._guard = threading.Lock()
        # Verified when the account is unknown, so that both cases do the same work.
        self._decoy = self._hasher.hash("no account has this password")

    def hash_now(self, password: str) -> str:
        """Hash in the calling thread (command line, jobs)."""
        return self._hasher.hash(password)

    def verify_now(self, stored: str | None, password: str) -> bool:
        """Whether the password is right; without a stored hash the same work is done and the answer is no."""
        try:
            self._hasher.verify(stored or self._decoy, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    async def hash(self, password: str) -> str:
        """Hash off the event loop.

        Raises:
            Unavailable: too many hashes wait already.
        """
        return await self._run(lambda: self.hash_now(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Verify off the event loop.

        Raises:
            Unavailable: too many hashes wait already.
        """
        return await self._run(lambda: self.verify_now(stored, password))

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        with self._guard:
            if self._waiting >= QUEUE_LIMIT:
                raise Unavailable("too many sign-ins at this moment; try again", retry_after_seconds=2)
            self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            with self._guard:
                self._waiting -= 1

    def close(self) -> None:
        """Give the threads back; hashes that wait are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def check_new_password(password: str, *, minimum: int = MINIMUM_CHARACTERS) -> None:
    """Refuse a new password that is too short, too long or has a NUL character.

    Raises:
        Invalid: with field ``password``; the password itself is never in the message.
    """
    if len(password) < minimum:
        raise Invalid(f"password must have at least {minimum} characters", field="password")
    if len(password) > MAXIMUM_CHARACTERS or "\0" in password:
        raise Invalid(f"password must have at most {MAXIMUM_CHARACTERS} characters and no NUL", field="password")
