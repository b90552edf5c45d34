"""The pool that hashes: strong parameters, bounded queue, the same work for accounts that do not exist."""

import asyncio
import base64
import time

import pytest
from argon2 import PasswordHasher

from tessera.identity import passwords
from tessera.identity.passwords import Passwords, check_new_password
from tessera.kernel.errors import Invalid, Unavailable


def test_the_hash_is_argon2id_with_the_second_recommended_option_of_rfc_9106() -> None:
    stored = Passwords().hash_now("pw")
    _, kind, version, costs, salt, tag = stored.split("$")
    assert (kind, version, costs) == ("argon2id", "v=19", "m=65536,t=3,p=4")
    assert [len(base64.b64decode(part + "==")) for part in (salt, tag)] == [16, 32]


def test_a_hash_with_weaker_parameters_is_still_read_and_known_to_be_old() -> None:
    pool = Passwords()
    weaker = PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1).hash("right horse")
    assert pool.verify_now(weaker, "right horse")
    assert pool.is_outdated(weaker)
    assert not pool.is_outdated(pool.hash_now("right horse"))


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
            # Of the process: the lanes have threads of their own.
            began = time.process_time()
            pool.verify_now(stored, "wrong")
            times.append(time.process_time() - began)
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

    async def beats() -> int:
        hashing = asyncio.ensure_future(pool.hash("x"))
        count = 0
        while not hashing.done():
            await asyncio.sleep(0.001)
            count += 1
        return count

    # A loop that did the work itself, about 110 ms of it, would come round once or twice.
    assert asyncio.run(beats()) > 10


@pytest.mark.parametrize("password", ["short", "x" * 1025, "long enough\0"])
def test_a_new_password_has_bounds(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_new_password(password)
    assert refused.value.field == "password"
    assert password not in refused.value.message
