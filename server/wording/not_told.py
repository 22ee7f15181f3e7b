"""Why somebody was not told of a change of an incident, in words. Pure."""

from datetime import datetime

import msgspec

from server.storage.main.not_told import KeptFrom, KeptFromIncident, Reason, Way
from server.wording.changes import change_words
from shared.structs import made_of

_FROM = {"error": "errors and worse", "critical": "critical incidents"}


class NotToldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One who was not told; `person` is a name, none: nobody was told."""

    at: datetime
    change: str
    person: str | None
    way: Way
    reason: Reason
    words: str


class NotToldOfIncident(NotToldAnswer, frozen=True, kw_only=True):
    """The same with the incident."""

    incident_id: str
    title: str
    service: str
    environment: str


def not_told_in_words(kept: KeptFrom) -> NotToldAnswer:
    """The same with a sentence for it."""
    return made_of(kept, NotToldAnswer, words=_words(kept))


def not_told_of_incident(kept: KeptFromIncident) -> NotToldOfIncident:
    """The same with a sentence for it."""
    return made_of(kept, NotToldOfIncident, words=_words(kept))


def _words(kept: KeptFrom) -> str:
    return f"{change_words(kept.change)}: {_what(kept)}, because {_why(kept)}."


def _what(kept: KeptFrom) -> str:
    match kept.way:
        case "any":
            return f"{kept.person} was not notified" if kept.person else "nobody was notified"
        case "email":
            return f"{kept.person} got no mail"
        case "slack":
            return "nothing was posted to Slack"
        case "webhook":
            return "no webhook was called"
        case "apprise":
            return "nothing was sent by Apprise"


def _why(kept: KeptFrom) -> str:
    match kept.reason:
        case "below_severity":
            return f"INCIDENT_NOTIFICATION_MIN_SEVERITY is {kept.detail}"
        case "noise_filter":
            return f"the noise filter “{kept.detail}” matches all of its symptoms"
        case "below_own_severity":
            return f"they only want {_FROM.get(kept.detail or '', kept.detail)}"
        case "service_not_chosen":
            return "they did not choose this service"
        case "environment_not_chosen":
            return "they did not choose this environment"
        case "no_address":
            return "they have not set a mail address"
        case "mail_not_wanted":
            return "they turned off mail about incidents"
        case "told_as_push":
            return "the message about the push already covers it"
        case "route_waits":
            return f"a route has people notified {kept.detail}"
        case "route_never":
            return "a route has nobody notified"
        case "route_names_others":
            return "a route names others"
