"""Listeners are woken, never miss that something is new, and leave nothing behind."""

import asyncio

import pytest

from server.notify.live import MAX_LISTENERS, Live, TooManyListeners

SHORT_S = 0.02


async def test_a_listener_is_woken_by_news_of_its_own_person_only() -> None:
    live = Live()
    with live.listen(1) as mine, live.listen(2) as theirs:
        live.publish(1)
        assert await mine.news(SHORT_S) == {"bell"}
        assert await theirs.news(SHORT_S) == frozenset()


async def test_incidents_are_news_for_everyone() -> None:
    live = Live()
    with live.listen(1) as one, live.listen(2) as other:
        live.publish_incidents()
        assert await one.news(SHORT_S) == {"incidents"}
        assert await other.news(SHORT_S) == {"incidents"}


async def test_a_flood_while_nobody_reads_is_one_piece_of_news_and_nothing_grows() -> None:
    live = Live()
    with live.listen(1) as listener:
        for _ in range(10_000):
            live.publish(1)
            live.publish_incidents()
        assert await listener.news(SHORT_S) == {"bell", "incidents"}
        assert await listener.news(SHORT_S) == frozenset()


async def test_news_between_two_waits_is_not_lost() -> None:
    live = Live()
    with live.listen(1) as listener:
        live.publish(1)
        assert await listener.news(SHORT_S) == {"bell"}
        live.publish(1)
        assert await listener.news(SHORT_S) == {"bell"}


async def test_news_wakes_who_waits_already() -> None:
    live = Live()
    with live.listen(1) as listener:
        waiting = asyncio.create_task(listener.news(30))
        await asyncio.sleep(0)
        live.publish(1)
        assert await waiting == {"bell"}


async def test_closing_ends_every_wait_at_once() -> None:
    live = Live()
    with live.listen(1) as listener:
        waiting = asyncio.create_task(listener.news(30))
        await asyncio.sleep(0)
        live.close()
        assert await waiting == frozenset()
        assert live.closed


async def test_a_listener_that_leaves_is_forgotten_also_when_it_fails() -> None:
    live = Live()

    def leave_in_disorder() -> None:
        with live.listen(1):
            assert live.listening == 1
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        leave_in_disorder()
    assert live.listening == 0


async def test_beyond_the_limit_nobody_listens() -> None:
    live = Live()
    held = [live.listen(1) for _ in range(MAX_LISTENERS)]
    for context in held:
        context.__enter__()
    with pytest.raises(TooManyListeners), live.listen(1):
        pass
    held[0].__exit__(None, None, None)
    with live.listen(1):
        pass
