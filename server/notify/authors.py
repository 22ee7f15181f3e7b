"""Find out which person wrote a commit. Pure."""

from collections.abc import Mapping, Sequence

from server.storage.main.commit_authors import CommitAuthor
from server.storage.main.people import Person


def person_of(
    address: str | None,
    login: str | None,
    people: Sequence[Person],
    authors: Sequence[CommitAuthor],
) -> Person | None:
    """Return who writes commits from this address, or None if that is nobody here or not certain.

    What an admin said about the address comes first, then the address itself. Then other addresses
    of the same name at GitHub (`login`), which are among `authors`, count if all of them lead to
    one person.
    """
    by_id = {each.id: each for each in people}
    by_address = {each.email.lower(): each for each in people if each.email is not None}
    own = next((each for each in authors if each.address == address), None)
    if own is not None and own.by_hand:
        return _by_hand(own, by_id)
    if address in by_address:
        return by_address[address]
    if login is None:
        return None
    others = {
        person.id: person
        for each in authors
        if each.login == login and (person := _of(each, by_id, by_address)) is not None
    }
    return next(iter(others.values())) if len(others) == 1 else None


def _of(
    author: CommitAuthor, by_id: Mapping[int, Person], by_address: Mapping[str, Person]
) -> Person | None:
    return _by_hand(author, by_id) if author.by_hand else by_address.get(author.address)


def _by_hand(author: CommitAuthor, by_id: Mapping[int, Person]) -> Person | None:
    return None if author.person_id is None else by_id.get(author.person_id)
