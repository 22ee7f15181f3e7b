"""A deploy's verdict and its errors, and how often deploys fail, in words. Pure."""

import re
from datetime import datetime, timedelta

from server.storage.main.deploy_figures import DeployFigures
from server.wording.formats import percent
from server.wording.numbers import say_number, say_span
from shared.deploy import WATCH_S
from shared.incident import ErrorRate, Verdict

STANDINGS = {
    "faulty": "faulty",
    "suspect": "suspect",
    "clean": "clean",
    "too_little_data": "too little data",
    "watching": "watching",
}
"""The verdicts as people read them, those first that need somebody."""

_HASH = re.compile(r"[0-9a-f]{20,}", re.ASCII)
_SHOWN_OF_A_HASH = 10
_SHOWN_OF_A_NAME = 60


def say_verdict(service: str, environment: str, verdict: Verdict) -> str:
    """Which deploy it was, and the verdict on it."""
    return f"Deploy of {service} to {environment}: {verdict.replace('_', ' ')}"


def watched_until(deployed_at: datetime) -> datetime:
    """When there is a verdict at the latest, if the deploy was told of in time."""
    return deployed_at + timedelta(seconds=WATCH_S)


def short_name(deploy_id: str) -> str:
    """As much of a deploy's name as people tell deploys apart by."""
    return deploy_id[: _SHOWN_OF_A_HASH if _HASH.fullmatch(deploy_id) else _SHOWN_OF_A_NAME]


def say_events(rate: ErrorRate) -> str:
    """How many errors in which time."""
    errors = "1 error" if rate.events == 1 else f"{rate.events:,} errors"
    if rate.minutes < 1.0:
        return f"{errors} in {rate.minutes * 60.0:.0f} s"
    return f"{errors} in {say_number(round(rate.minutes, 1))} min"


def say_rate(rate: ErrorRate) -> str:
    """Errors a minute, in two digits or whole."""
    rounded = per_minute(rate)
    return say_number(round(rounded) if rounded >= 10.0 else float(f"{rounded:.2g}"))


def per_minute(rate: ErrorRate) -> float:
    """Errors a minute."""
    return round(rate.events / rate.minutes, 3)


def say_failed(figures: DeployFigures) -> str:
    """How many of the deploys failed."""
    share = figures.change_failure_rate
    if share is None:
        return f"No deploy of the last {figures.days} days has been judged."
    deploys = "deploy" if figures.judged == 1 else "deploys"
    shown = "under 1 %" if 0.0 < share < 0.01 else percent(share)
    counts = f"{figures.failed:,} of {figures.judged:,} {deploys} failed ({shown})"
    return f"Last {figures.days} days: {counts}."


def say_restored(figures: DeployFigures) -> str:
    """How long failed deploys took to be restored, and how many are not; empty without any."""
    waiting = f"{figures.not_restored:,} not restored yet" if figures.not_restored else ""
    if figures.median_restore_s is None:
        return f"{waiting}." if waiting else ""
    took = f"Median time to restore: {say_span(figures.median_restore_s / 60.0)}"
    return f"{took}; {waiting}." if waiting else f"{took}."
