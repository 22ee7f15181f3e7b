"""The numbers behind a decision, as people read them. Pure."""

from shared.incident import Numbers

NAMES = {
    "added": "lines added",
    "alert_rule": "alert rule",
    "bursts": "bursts like this in 7 days",
    "count": "events in the window",
    "deleted": "lines deleted",
    "factor": "times the usual",
    "known_gaps": "earlier gaps",
    "log10_p": "probability by chance, as a power of ten",
    "longest_gap_min": "longest earlier gap, in minutes",
    "rate_per_min": "events a minute",
    "resolved_for_min": "minutes since it was resolved",
    "said_by_source": "reported by",
    "silent_min": "silence, in minutes",
    "threshold": "events that make a spike",
    "usual_per_min": "usual events a minute",
    "window_min": "window, in minutes",
}
"""Where the engine's name with spaces in it would not say enough."""


def named_numbers(numbers: Numbers) -> list[tuple[str, str]]:
    """Each number with its name, in the order of the engine."""
    return [
        (NAMES.get(name, name.replace("_", " ")), say_number(number))
        for name, number in numbers.items()
    ]


def say_numbers(numbers: Numbers) -> str:
    """All of them on one line."""
    return ", ".join(f"{name} {value}" for name, value in named_numbers(numbers))


def say_number(number: float | str) -> str:
    """Three digits that matter, and none that do not."""
    match number:
        case int():
            return f"{number:,}"
        case float():
            rounded = float(f"{number:.3g}")
            if rounded == 0 or 0.001 <= abs(rounded) < 1e15:
                return f"{rounded:,.6f}".rstrip("0").rstrip(".")
            return f"{rounded:g}"
    return number


def say_span(minutes: float) -> str:
    """A span of time in its two biggest units."""
    whole = int(minutes)
    parts = ((whole // 1440, "d"), (whole // 60 % 24, "h"), (whole % 60, "min"))
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "under a minute"


def say_duration(minutes: float) -> str:
    """A span of time as it is said in a sentence: in its one unit that matters."""
    whole = round(minutes)
    for unit, size in (("day", 1440), ("hour", 60)):
        if whole >= 2 * size:
            return f"{round(whole / size)} {unit}s"
    return f"{whole} minute{'' if whole == 1 else 's'}"
