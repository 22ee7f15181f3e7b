"""How far an integration is set up, as steps in words. Pure."""

from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

import msgspec

StepState = Literal["done", "open", "wrong"]


class SentrySigns(msgspec.Struct, frozen=True, kw_only=True):
    """When something was last seen that only a set-up Sentry sends, in the newest entries.

    `alert`: an alert rule fired. `error`: an event by the webhook `error`. `test`: a test
    notification. `release`: an event that names its release.
    """

    alert: datetime | None = None
    error: datetime | None = None
    test: datetime | None = None
    release: datetime | None = None
    looked_at: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step, how it stands, and why PushLog thinks so; `seen` is the time that speaks for it."""

    title: str
    state: StepState
    said: str
    seen: datetime | None = None


def sentry_steps(
    *, secret_is_set: bool, last: datetime | None, signature: str | None, signs: SentrySigns
) -> list[Step]:
    """The five steps of docs/SENTRY_SETUP.md; `last` is when the last webhook came."""
    return [
        _made(last),
        _secret(secret_is_set, signature),
        _seen(
            "Notify PushLog from alert rules",
            signs.alert,
            signs.looked_at,
            done="An alert rule notified PushLog of an issue.",
            to_do="Add PushLog as an action to an alert rule; none has fired",
        ),
        _seen(
            "Send a test",
            signs.test,
            signs.looked_at,
            done="A test notification arrived.",
            to_do="Press Send Test Notification in the alert rule; none has arrived",
        ),
        _seen(
            "Set environments and releases",
            signs.release,
            signs.looked_at,
            done="Events name their release.",
            to_do="Set environment and release in the SDKs; no event has named a release",
        ),
    ]


def signature_words(signature: str | None) -> str:
    """Whether the signature of a webhook held."""
    match signature:
        case "verified":
            return "its signature was valid"
        case "unsigned":
            return "unsigned: no secret is set"
        case "missing":
            return "it had no signature"
        case "wrong":
            return "its signature was wrong"
    return "its signature was not checked"


def is_only_here(public_url: str) -> bool:
    """Whether nobody but this machine can reach that address."""
    host = urlsplit(public_url).hostname or ""
    return host == "localhost" or host.endswith(".localhost") or host in ("127.0.0.1", "::1")


def _made(last: datetime | None) -> Step:
    title = "Create the integration"
    if last is None:
        said = "No webhook from Sentry yet: create an internal integration with the URL above."
        return Step(title=title, state="open", said=said)
    return Step(title=title, state="done", said="Webhooks reach PushLog.", seen=last)


def _secret(is_set: bool, signature: str | None) -> Step:
    title = "Set its secret"
    if not is_set:
        said = "Set SENTRY_WEBHOOK_SECRET to its Client Secret: until then anyone can send events."
        return Step(title=title, state="open", said=said)
    match signature:
        case "verified":
            return Step(title=title, state="done", said="The last webhook was signed with it.")
        case "missing":
            said = (
                "The last webhook was not signed: it is a legacy webhook, or a proxy drops headers."
            )
            return Step(title=title, state="wrong", said=said)
        case "wrong":
            said = (
                "The last webhook was signed with another secret: compare the Client Secret with "
                "SENTRY_WEBHOOK_SECRET."
            )
            return Step(title=title, state="wrong", said=said)
    return Step(title=title, state="done", said="It is set; no webhook has confirmed it yet.")


def _seen(title: str, seen: datetime | None, looked_at: int, *, done: str, to_do: str) -> Step:
    if seen is not None:
        return Step(title=title, state="done", said=done, seen=seen)
    said = f"{to_do} among the newest {looked_at:,} entries." if looked_at else f"{to_do} yet."
    return Step(title=title, state="open", said=said)
