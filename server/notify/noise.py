"""Noise filters: which incidents nobody wants to hear of. Pure."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from server.notify.wildcards import matches
from server.storage.main.noise import FilterValues, NoiseFilter
from shared.incident import IncidentSummary

F = TypeVar("F", bound=FilterValues)


def noise_in(incident: IncidentSummary, filters: Sequence[F]) -> F | None:
    """Return the filter because of which nobody is told, or None if some part is no noise."""
    there = _of_place(filters, incident)
    first = _first_match(there, f"{incident.exception_type}: {incident.message}")
    if first is None:
        return None
    others = (f"{each.exception_type}: {each.message}" for each in incident.top_symptoms)
    return first if all(_first_match(there, text) for text in others) else None


def noise_in_text(text: str, incident: IncidentSummary, filters: Sequence[F]) -> F | None:
    """Return the filter that matches `text`, for the place of this incident, or None."""
    return _first_match(_of_place(filters, incident), text)


def is_partly_noise(incident: IncidentSummary, filters: Sequence[NoiseFilter]) -> bool:
    """Return whether some of its symptoms are noise, and some are not."""
    there = _of_place(filters, incident)
    found = [
        _first_match(there, f"{each.exception_type}: {each.message}") is not None
        for each in incident.top_symptoms
    ]
    return any(found) and not all(found)


def said_in_short(held_back_by: NoiseFilter) -> str:
    """Return what the filter matches: its pattern, and where."""
    place = " / ".join(filter(None, (held_back_by.service, held_back_by.environment)))
    return f"{held_back_by.pattern} in {place}" if place else held_back_by.pattern


def _of_place(filters: Iterable[F], incident: IncidentSummary) -> list[F]:
    """Return the filters for the service and environment of this incident."""
    return [
        each
        for each in filters
        if matches(each.service or "*", incident.service)
        and matches(each.environment or "*", incident.environment)
    ]


def _first_match(filters: Iterable[F], text: str) -> F | None:
    return next((each for each in filters if matches(each.pattern, text)), None)
