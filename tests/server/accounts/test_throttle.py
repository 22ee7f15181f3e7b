"""Guessing is slowed down, and cannot fill the memory either."""

from limits.aio.strategies import MovingWindowRateLimiter

from server.accounts.throttle import MAX_COUNTS, Throttle
from server.process.counts import Counts


async def test_an_account_has_ten_tries_from_an_address_and_others_have_theirs() -> None:
    throttle = Throttle()
    waits = [await throttle.wait_s("192.0.2.1", "Ada@acme.example") for _ in range(11)]
    assert waits[:10] == [0] * 10
    assert 0 < waits[10] <= 900
    assert await throttle.wait_s("192.0.2.1", "ada@ACME.example") > 0
    assert await throttle.wait_s("192.0.2.2", "ada@acme.example") == 0
    await throttle.forgive("192.0.2.1", "ada@acme.example")
    assert await throttle.wait_s("192.0.2.1", "ada@acme.example") == 0


async def test_an_address_has_thirty_tries_and_no_more_accounts_are_counted_then() -> None:
    counts = Counts(MAX_COUNTS, MovingWindowRateLimiter)
    throttle = Throttle(counts)
    waits = [await throttle.wait_s("192.0.2.1", f"{number}@acme.example") for number in range(90)]
    assert waits[:30] == [0] * 30
    assert all(0 < wait_s <= 900 for wait_s in waits[30:])
    assert len(counts) == 31


async def test_however_many_addresses_try_few_counts_are_held() -> None:
    counts = Counts(MAX_COUNTS, MovingWindowRateLimiter)
    throttle = Throttle(counts)
    for number in range(MAX_COUNTS):
        await throttle.wait_s(f"2001:db8:{number >> 8:x}:{number & 255:x}::1", "ada@acme.example")
        assert len(counts) <= MAX_COUNTS + 1
