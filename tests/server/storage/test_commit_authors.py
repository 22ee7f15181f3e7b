"""Who writes commits is kept by address; what an admin said stays."""

from server.storage.database import Database
from server.storage.main import accounts, commit_authors, people
from tests.builders import commit

ADA = commit("a", author="Ada", author_email="Ada@acme.example", author_login="ada")


async def test_an_author_is_kept_once_as_seen_last(database: Database) -> None:
    later = commit("b", author="Ada L.", author_email="ada@acme.example", author_login="ada")
    async with database.write() as tx:
        await commit_authors.note(tx, [ADA, commit("x", author_email=None)], 1)
        await commit_authors.note(tx, [later], 2)
        (found,) = await commit_authors.newest(tx, 10)
    assert (found.address, found.name, found.login) == ("ada@acme.example", "Ada L.", "ada")


async def test_an_author_is_found_by_address_and_by_name(database: Database) -> None:
    async with database.write() as tx:
        await commit_authors.note(tx, [ADA, commit("b", author_email="bob@acme.example")], 1)
        for address, login in (("ada@acme.example", None), (None, "ada"), ("x", "ada")):
            (found,) = await commit_authors.like(tx, address, login)
            assert found.address == "ada@acme.example"
        assert await commit_authors.like(tx, None, None) == []


async def test_what_an_admin_said_survives_the_next_deploy_until_it_is_taken_back(
    database: Database,
) -> None:
    async with database.write() as tx:
        await people.make_operator(tx)
        await commit_authors.note(tx, [ADA], 1)
        assert await commit_authors.assign(tx, "ADA@acme.example", 1)
        assert not await commit_authors.assign(tx, "eve@acme.example", 1)
        await commit_authors.note(tx, [ADA], 2)
        (found,) = await commit_authors.newest(tx, 10)
        assert (found.by_hand, found.person_id) == (True, 1)
        assert await commit_authors.leave_to_addresses(tx, "ada@acme.example")
        (found,) = await commit_authors.newest(tx, 10)
        assert (found.by_hand, found.person_id) == (False, None)


async def test_those_not_seen_for_long_go_unless_an_admin_said_who_they_are(
    database: Database,
) -> None:
    old = [commit(str(number), author_email=f"{number}@x.example") for number in range(3)]
    async with database.write() as tx:
        await commit_authors.note(tx, old, 10)
        await commit_authors.note(tx, [ADA], 20)
        await commit_authors.assign(tx, "0@x.example", None)
        assert await commit_authors.remove_old(tx, 20, 10) == 2
        found = await commit_authors.newest(tx, 10)
    assert [each.address for each in found] == ["ada@acme.example", "0@x.example"]


async def test_who_is_removed_is_no_longer_an_author_by_hand(database: Database) -> None:
    async with database.write() as tx:
        for name in ("ada", "bob"):
            await accounts.add(
                tx, name=name, email=f"{name}@acme.example", role="admin", hashed="x"
            )
        everyone = await people.everyone(tx)
        await commit_authors.note(tx, [ADA], 1)
        await commit_authors.assign(tx, "ada@acme.example", everyone[-1].id)
        await accounts.remove(tx, everyone[-1].id)
        (found,) = await commit_authors.newest(tx, 10)
    assert (found.by_hand, found.person_id) == (False, None)
