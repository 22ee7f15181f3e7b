"""A token for reading, for the time of a benchmark."""

from server.accounts.secrets import digest
from server.storage.database import Transaction
from server.storage.main import api_tokens, people
from server.storage.times import micros_now

TOKEN = "benchmark"  # noqa: S105 - of a database that is removed at the end


async def give_token(tx: Transaction) -> None:
    """Let `TOKEN` read, in a new database."""
    await people.make_operator(tx)
    person = (await people.everyone(tx))[0].id
    await api_tokens.add(
        tx,
        digest=digest(TOKEN),
        person_id=person,
        name="benchmark",
        ending=TOKEN[-4:],
        scope="read",
        at=micros_now(),
    )
