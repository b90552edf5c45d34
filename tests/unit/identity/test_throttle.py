"""When failures lock, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest

from tessera.identity.throttle import ACCOUNT, ADDRESS, Count, address_subject, after_failure, name_subject

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def fail(times: int, count: Count | None = None, at: datetime = NOON) -> Count:
    for _ in range(times):
        count = after_failure(count, ACCOUNT, at)
    assert count is not None
    return count


def test_four_failures_do_not_lock_and_the_fifth_locks_a_minute() -> None:
    assert fail(4).locked_seconds(NOON) == 0
    assert fail(5).locked_until == NOON + timedelta(minutes=1)


def test_each_further_series_locks_longer_up_to_fifteen_minutes() -> None:
    count: Count | None = None
    at, minutes = NOON, []
    for _ in range(7):
        count = fail(5, count, at)
        assert count.locked_until is not None
        minutes.append((count.locked_until - at) / timedelta(minutes=1))
        at = count.locked_until
    assert minutes == [1, 2, 4, 8, 15, 15, 15]


def test_failures_while_locked_do_not_extend_the_lock() -> None:
    locked = fail(5)
    assert fail(20, locked, NOON + timedelta(seconds=30)) == locked


def test_after_a_quiet_day_counting_begins_anew() -> None:
    later = NOON + timedelta(hours=25)
    assert fail(1, fail(5), later) == Count(1, 0, later, None)


def test_an_address_may_fail_far_oftener_than_an_account() -> None:
    assert ADDRESS.limit >= 50 * ACCOUNT.limit


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
def test_an_ipv6_network_counts_as_one_address(one: str, other: str, is_same: bool) -> None:
    assert (address_subject(one) == address_subject(other)) is is_same


def test_a_name_is_counted_without_being_written_down() -> None:
    assert name_subject(" Anna@Example.test ") == name_subject("anna@example.test")
    assert "anna" not in name_subject("anna@example.test")
