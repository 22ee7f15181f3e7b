"""The operator of a test's server, let in without a password: by a cookie, or by a token."""

from typing import Any

from server.accounts.secrets import digest
from server.storage.database import Transaction
from server.storage.main import api_tokens, people, sessions
from server.storage.main.people import Wishes
from server.storage.times import micros_now

OPERATOR = 1
"""Who is there from the first start on."""

SECRET = "what-the-cookie-of-the-operators-browser-holds"
TOKEN = "pushlog_the-token-of-the-operators-programs"
AS_OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


def cookie(port: int) -> dict[str, str]:
    """The cookie of a server with this `PORT` that is reached by plain http."""
    return {f"pushlog-{port}": SECRET}


async def let_in(tx: Transaction) -> None:
    """Make the cookie and the token valid; once for each database."""
    await people.make_operator(tx)
    now = micros_now()
    if await sessions.whose(tx, digest(SECRET), now) is not None:
        return
    await sessions.add(
        tx, digest=digest(SECRET), person_id=OPERATOR, address="127.0.0.1", agent="tests", at=now
    )
    await api_tokens.add(
        tx,
        digest=digest(TOKEN),
        person_id=OPERATOR,
        name="tests",
        ending=TOKEN[-4:],
        scope="write",
        at=now,
    )


async def wish(tx: Transaction, person_id: int = OPERATOR, **changes: Any) -> None:
    """Have the person hear of everything, by mail too, but for the `changes`."""
    wishes: dict[str, Any] = {
        "email": "ada@acme.example",
        "email_incidents": True,
        "min_severity": "all",
        "services": None,
        "environments": None,
    }
    assert await people.set_wishes(tx, person_id, Wishes(**wishes | changes))
