"""What to do first about an incident, with the names and numbers of this one."""

from engine.records import OpenIncident
from engine.state import State


def first_actions(state: State, incident: OpenIncident) -> list[str]:
    """Sentences in the order in which to do them."""
    found = []
    lead = incident.lead
    if incident.suspects:
        suspect = incident.suspects[0]
        found.append(f"Look at commit {suspect.commit_id[:12]}: {suspect.message}".rstrip(": "))
    if lead.stacktrace:
        frame = next((f for f in lead.stacktrace if f.in_app), lead.stacktrace[0])
        place = frame.file or frame.module or "the code"
        line = f":{frame.line}" if frame.line else ""
        found.append(f"Open {place}{line}, where {lead.exception_type} was raised")
    return found
