"""The pool that hashes: strong parameters, bounded queue, the same work for accounts that do not exist."""

import asyncio
import time

import pytest

from tessera.identity import passwords
from tessera.identity.passwords import Passwords, check_new_password
from tessera.kernel.errors import Invalid, Unavailable


def test_the_hash_is_argon2id_with_the_agreed_parameters() -> None:
    assert Passwords().hash_now("pw").startswith("$argon2id$v=19$m=47104,t=1,p=1$")


def test_only_the_right_password_verifies() -> None:
    pool = Passwords()
    stored = pool.hash_now("right horse")
    assert pool.verify_now(stored, "right horse")
    assert not pool.verify_now(stored, "Right horse")
    assert not pool.verify_now("not a hash", "right horse")


def test_an_account_without_password_costs_the_same_and_is_refused() -> None:
    pool = Passwords()
    stored = pool.hash_now("right horse")

    def least(stored: str | None) -> float:
        times = []
        for _ in range(5):
            began = time.thread_time()
            pool.verify_now(stored, "wrong")
            times.append(time.thread_time() - began)
        return min(times)

    assert not pool.verify_now(None, "no account has this password")
    assert least(None) == pytest.approx(least(stored), rel=0.5)


def test_beyond_the_queue_a_caller_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "QUEUE_LIMIT", 3)
    pool = Passwords(memory_kib=8192)

    async def at_once() -> list[object]:
        return await asyncio.gather(*(pool.verify(None, "x") for _ in range(5)), return_exceptions=True)

    answers = asyncio.run(at_once())
    assert [type(answer) for answer in answers] == [bool, bool, bool, Unavailable, Unavailable]


def test_the_loop_goes_on_while_a_password_is_hashed() -> None:
    pool = Passwords()

    async def beats() -> float:
        hashing = asyncio.ensure_future(pool.hash("x"))
        worst, last = 0.0, time.perf_counter()
        while not hashing.done():
            await asyncio.sleep(0.001)
            worst, last = max(worst, time.perf_counter() - last), time.perf_counter()
        return worst

    # A hash takes about 50 ms of processor time; a loop that waited for it would show all of it.
    began = time.thread_time()
    asyncio.run(beats())
    assert time.thread_time() - began < 0.04


@pytest.mark.parametrize("password", ["short", "x" * 1025, "long enough\0"])
def test_a_new_password_has_bounds(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_new_password(password)
    assert refused.value.field == "password"
    assert password not in refused.value.message
