"""Why, or why not: what the engine decided, in words, with the numbers that decided it. Pure."""

from shared.incident import IncidentSummary, Numbers, Trigger

TRIGGERS: dict[Trigger, str] = {
    "new_issue": "This error was never seen before",
    "spike": "This error comes much more often than it usually does",
    "regression": "This error is back after it had been over",
    "deploy": "A deploy was followed by this error",
    "alert": "A rule fired at the source: somebody asked to be told of this",
}
"""A trigger, as the beginning of a sentence."""


def explain_incident(incident: IncidentSummary) -> str:
    """Why this incident was opened, as one sentence with its numbers."""
    numbers = say_numbers(incident.trigger_numbers)
    return f"{TRIGGERS[incident.trigger]}{f' ({numbers})' if numbers else ''}."


def say_numbers(numbers: Numbers) -> str:
    """Each number with its name, in the order of the engine."""
    return ", ".join(f"{name.replace('_', ' ')} {say_number(n)}" for name, n in numbers.items())


def say_number(number: float | str) -> str:
    """Three digits that matter, and none that do not."""
    match number:
        case float():
            return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
        case int():
            return f"{number:,}"
    return number
