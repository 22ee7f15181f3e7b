"""A link works until its last moment, once, and for what it was made."""

from server.storage.database import Transaction
from server.storage.main import one_time_links
from server.storage.main.one_time_links import LIFE_US, OneTimeLink, Purpose
from server.storage.times import from_micros

NOW = 1_700_000_000_000_000
END = NOW + LIFE_US["invitation"]
ADA, BOB = "ada@acme.example", "bob@acme.example"


async def invite(tx: Transaction, name: str, email: str = ADA, at: int = NOW) -> None:
    await one_time_links.add(
        tx, digest=name.encode(), purpose="invitation", email=email, at=at, role="member"
    )


async def found(
    tx: Transaction, name: str, now: int, purpose: Purpose = "invitation"
) -> OneTimeLink | None:
    return await one_time_links.find(tx, name.encode(), purpose, now)


async def test_a_link_works_up_to_its_last_moment_also_while_others_are_made(
    tx: Transaction,
) -> None:
    await invite(tx, "a")
    # To make one removes what has expired.
    await invite(tx, "b", BOB, at=END)
    link = await found(tx, "a", END)
    assert link is not None
    assert (link.email, link.role, link.expires_at) == (ADA, "member", from_micros(END))
    assert [each.email for each in await one_time_links.invitations(tx, END)] == [ADA, BOB]
    assert await found(tx, "a", END + 1) is None
    assert [each.email for each in await one_time_links.invitations(tx, END + 1)] == [BOB]
    await invite(tx, "c", "eve@acme.example", at=END + 1)
    assert await found(tx, "a", END) is None


async def test_a_link_works_for_its_purpose_only_and_the_newest_of_a_kind_only(
    tx: Transaction,
) -> None:
    await invite(tx, "a")
    await one_time_links.add(tx, digest=b"r", purpose="reset", email=ADA, at=NOW, person_id=1)
    assert await found(tx, "a", NOW, "reset") is None
    assert await found(tx, "r", NOW, "reset") is not None
    await invite(tx, "again")
    assert await found(tx, "a", NOW) is None
    assert await found(tx, "again", NOW) is not None
    assert await found(tx, "r", NOW, "reset") is not None


async def test_a_link_is_removed_once_and_by_its_purpose(tx: Transaction) -> None:
    await invite(tx, "a")
    link = await found(tx, "a", NOW)
    assert link is not None
    assert not await one_time_links.remove(tx, link.id, "reset")
    assert await one_time_links.remove(tx, link.id, "invitation")
    assert not await one_time_links.remove(tx, link.id, "invitation")
    assert await found(tx, "a", NOW) is None
