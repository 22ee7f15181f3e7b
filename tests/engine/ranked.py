"""Made-up errors and deploys, and whom the engine suspects of each.

``python -m tests.engine.ranked`` writes `RECORD` anew, where it is meant to say otherwise.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from engine.suspects.rank import rank_suspects
from engine.suspects.score import ErrorEvidence
from engine.suspects.windows import prepare
from server.wording.reasons import say
from shared.event import ChainedException, ChangeWindow, Commit, CorrelationHints, Frame
from tests import records
from tests.builders import at, change_window, commit, frame
from tests.engine.three_weeks import DAY, HOUR, MINUTE, Chance

RECORD = Path(__file__).with_name("ranked.txt")
SITUATIONS = 80

_T = TypeVar("_T")

_PLACES = [
    ("shop/cart.py", "total", "shop.cart"),
    ("shop/checkout.py", "pay", "shop.checkout"),
    ("shop/prices.py", "Prices.rounded", "shop.prices"),
    ("shop/api/orders.py", "create_order", "shop.api.orders"),
    ("mail/send.py", "deliver", "mail.send"),
    ("jobs/invoices.py", "run", "jobs.invoices"),
]
_FOREIGN = [
    ("django/core/handlers/base.py", "_get_response", "django.core.handlers.base"),
    ("sqlalchemy/engine/base.py", "execute", "sqlalchemy.engine.base"),
]
_OTHER_FILES = [
    "README.md", "docs/prices.md", "tests/test_cart.py", "poetry.lock", ".github/workflows/ci.yml",
    "requirements.txt", "settings/production.yaml", "migrations/0042_carts.sql",
    "web/src/Basket.tsx", "src/main/java/com/acme/Cart.java",
]  # fmt: skip
_MESSAGES = [
    "Round prices half up", "Fix typo in docstring", "Reformat with black", "Send invoices later",
    "Merge pull request #12 from acme/checkout", "Bump sqlalchemy from 2.0.1 to 2.0.2",
    "Rename total to sum", "Charge the card twice if the first payment was declined",
    "Orders of more than 100 carts", "Clean up", "style: sort imports",
    "Retry payments\n\nThe bank's gateway declines every tenth.",
]  # fmt: skip
_ERRORS = [
    ("ValueError", "price is negative"),
    ("shop.errors.PaymentDeclined", "the gateway declined the payment of order 4711"),
    ("KeyError", "'cart'"),
    ("OperationalError", "deadlock detected"),
]


def told() -> Iterator[str]:
    """Return the lines of the record."""
    for number in range(SITUATIONS):
        chance = Chance(number)
        deploys = _deploys(chance)
        evidence = _evidence(chance, deploys)
        yield f"{number} {evidence.exception_type}, {len(deploys)} deploys"
        for each in rank_suspects(evidence, [prepare(window) for window in deploys]):
            came = f"{'taken away' if each.taken_away else 'came'} with {str(each.deploy_id)[:2]}"
            numbers = f"{each.confidence:.3f} {each.score:.2f}"
            yield f"  {each.commit_id[:2]} {numbers} {came}: {each.message}"
            yield from (f"    {say(reason)}" for reason in each.evidence)


def _pick(chance: Chance, among: Sequence[_T]) -> _T:
    return among[chance.below(len(among))]


def _trace(chance: Chance) -> list[Frame]:
    frames: list[Frame] = []
    for _ in range(chance.below(7)):
        own = chance.draw() < 0.7
        file, function, module = _pick(chance, _PLACES if own else _FOREIGN)
        in_app = own if chance.draw() < 0.8 else None
        path = f"/srv/acme/{file}" if chance.draw() < 0.3 else file
        frames.append(
            frame(
                path,
                function,
                chance.below(300),
                module=module if chance.draw() < 0.5 else None,
                in_app=in_app,
            )
        )
    return frames


def _commit(chance: Chance, name: str, sooner: Sequence[Commit]) -> Commit:
    files, functions = [], []
    for _ in range(1 + chance.below(4) ** 2):
        if chance.draw() < 0.5:
            file, function, _ = _pick(chance, _PLACES)
            files.append(file)
            if chance.draw() < 0.6:
                header = f"@@ -1,3 +1,4 @@ def {function}(cart):"
                functions.append(function if chance.draw() < 0.5 else header)
        else:
            files.append(_pick(chance, _OTHER_FILES))
    message = _pick(chance, _MESSAGES)
    if sooner and chance.draw() < 0.1:
        message = f'Revert "x"\n\nThis reverts commit {_pick(chance, sooner).id}.'
    known = chance.draw() < 0.8
    return commit(
        name,
        message=message,
        files=sorted(set(files)) if chance.draw() < 0.95 else [],
        functions=sorted(set(functions)),
        added=chance.below(20) ** 2 if known else None,
        deleted=chance.below(20) ** 2 if known else None,
        timestamp=at(-chance.below(10) * HOUR) if chance.draw() < 0.9 else None,
        author=_pick(chance, ["Ada", "Bob", None]),
    )


def _deploys(chance: Chance) -> list[ChangeWindow]:
    windows: list[ChangeWindow] = []
    commits: list[Commit] = []
    for number in range(1 + chance.below(4)):
        back = bool(commits) and chance.draw() < 0.15
        brought = (
            [_pick(chance, commits)]
            if back
            else [
                _commit(chance, f"{number:x}{each:x}{'c' * 38}", commits)
                for each in range(chance.below(4) ** 2)
            ]
        )
        commits += [] if back else brought
        seconds = -[0.3 * MINUTE, 20 * MINUTE, 5 * HOUR, 2 * DAY][3 - number] - chance.below(900)
        if number == 3 and chance.draw() < 0.3:
            seconds = chance.below(1_200)
        windows.append(
            change_window(
                seconds,
                commits=brought,
                deploy_id=brought[-1].id if brought else f"d{number}",
                release=_pick(chance, [None, f"shop@1.{number}.0", f"1.{number}.0+37"]),
                pending=chance.draw() < 0.1,
                ran_since=at(seconds - 10 * DAY) if back else None,
            )
        )
    return windows


def _evidence(chance: Chance, windows: Sequence[ChangeWindow]) -> ErrorEvidence:
    exception_type, message = _pick(chance, _ERRORS)
    names = [None, None, "shop@9.9.9", *(window.release for window in windows)]
    chain = [
        ChainedException("ConnectionError", "reset", _trace(chance)) for _ in range(chance.below(2))
    ]
    hints = CorrelationHints(critical_paths=["shop"], low_priority_paths=["web", "jobs"])
    return ErrorEvidence(
        since=at(0) + timedelta(seconds=chance.below(60)),
        exception_type=exception_type,
        message=message,
        stacktrace=_trace(chance),
        chain=chain,
        release=_pick(chance, names),
        api_route=_pick(chance, [None, "POST /orders"]),
        hints=hints if chance.draw() < 0.3 else None,
    )


if __name__ == "__main__":
    records.write(RECORD, told())
