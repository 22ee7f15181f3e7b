"""Ends the mails to a person, by the address in each mail and without signing in.

Opening the address changes nothing, because programs that look for danger open every link of a
mail. A POST ends the mails, from the page or from the mail reader itself (RFC 8058).
"""

import logging

from aiohttp import web

from server.keys import DATABASE, MAIL_KEY
from server.notify.email.unsubscribing import whose
from server.process import log
from server.storage.main import people
from server.storage.main.people import Person, Wishes
from server.web.pages.rendering import render
from shared.structs import made_of


async def ask_whether_to_end(request: web.Request) -> web.Response:
    """Show the page with the button; answer 404 if the address belongs to nobody any more."""
    async with request.app[DATABASE].read() as tx:
        person = _person(request, await people.everyone(tx))
    return _page(request, person, ended=not _gets_mail(person))


async def end_mails(request: web.Request) -> web.Response:
    """End the mails and say so; doing it again changes nothing."""
    async with request.app[DATABASE].write() as tx:
        person = _person(request, await people.everyone(tx))
        wishes = made_of(
            person,
            Wishes,
            email_incidents=False,
            my_commits="off" if person.my_commits == "email" else person.my_commits,
            summary="off",
        )
        await people.set_wishes(tx, person.id, wishes)
    log.server(logging.INFO, f"mails were ended for person {person.id}, by a mail")
    return _page(request, person, ended=True)


def _gets_mail(person: Person) -> bool:
    return person.email_incidents or person.my_commits == "email" or person.summary != "off"


def _person(request: web.Request, everyone: list[Person]) -> Person:
    key = request.app[MAIL_KEY]
    person = None if key is None else whose(request.match_info["token"], key, everyone)
    if person is None:
        raise web.HTTPNotFound(text="This unsubscribe link is no longer valid.")
    return person


def _page(request: web.Request, person: Person, *, ended: bool) -> web.Response:
    return render(
        request, "unsubscribe.html", {"address": _hint(person.email or ""), "ended": ended}
    )


def _hint(address: str) -> str:
    """Return enough for the owner to recognize it, and no more for anybody else with the link."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
