"""Finds out which event a GitHub webhook is, and parses it."""

from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec

from server.ingest.delivery import Delivery, Fault, InvalidPayload
from server.ingest.github.deployment import read_deployment, read_release
from server.ingest.github.payload import DeploymentStatus, Push, ReleaseChange
from server.ingest.github.push import read_push
from server.ingest.lenient_json import read_json
from server.ingest.notes import Notes
from server.ingest.text import clean_line
from server.settings.environments import EnvironmentMap
from server.settings.services import ServiceMap

FORM = "application/x-www-form-urlencoded"

S = TypeVar("S", bound=msgspec.Struct)


def parse_github(
    body: bytes,
    *,
    event: str | None,
    delivery: str | None,
    content_type: str,
    received: datetime,
    services: ServiceMap,
    environments: EnvironmentMap,
    announce_deploys: bool,
) -> Delivery:
    """Return what the webhook says; raise `InvalidPayload`.

    `event` and `delivery` are the headers ``X-GitHub-Event`` and ``X-GitHub-Delivery``.
    `content_type` comes without its parameters. A push to a watched branch becomes an event of kind
    deploy, with its change window, for each service that it touches; with `announce_deploys` false,
    it becomes only the change window. A successful deployment and a published release become change
    windows. All other webhooks make no entry. A repeated push is recognized by its own data
    (repository, ref, before, after), and everything else by `delivery`.
    """
    identity = delivery_identity(delivery) if delivery else None
    notes = Notes()
    match event:
        case None:
            message = "expected GitHub's name of the event, such as push or ping"
            raise InvalidPayload(
                "the header X-GitHub-Event is missing", (Fault("X-GitHub-Event", message),)
            )
        case "push":
            push = _read(body, content_type, Push, notes)
            return read_push(
                push,
                notes,
                delivery=identity,
                received=received,
                services=services,
                announce_deploys=announce_deploys,
            )
        case "deployment" | "deployment_status":
            change = _read(body, content_type, DeploymentStatus, notes)
            return read_deployment(change, identity, received, services, environments)
        case "release":
            published = _read(body, content_type, ReleaseChange, notes)
            return read_release(published, identity, received, services)
        case "ping":
            return Delivery(entries=(), identity=identity, about="Ping: the webhook is set up")
    return Delivery(
        entries=(), identity=identity, about=f"{clean_line(event, 64)}: of no use to PushLog"
    )


def delivery_identity(delivery: str) -> str:
    """Return the identity that recognizes a repeated delivery, for everything but pushes."""
    return f"github {clean_line(delivery, 256)}"


def _read(body: bytes, content_type: str, struct: type[S], notes: Notes) -> S:
    text = _form_payload(body) if content_type == FORM else body
    return read_json(text, struct, notes, "expected the JSON object of a GitHub webhook")


def _form_payload(body: bytes) -> bytes:
    # latin-1 keeps each byte as it is: reading the JSON tells whether they are UTF-8.
    try:
        fields = parse_qs(body.decode("latin-1"), max_num_fields=10, encoding="latin-1")
        found = fields.get("payload")
    except ValueError:
        found = None
    if not found:
        raise InvalidPayload(
            "the form has no payload", (Fault("payload", "expected a form field with the JSON"),)
        )
    return found[0].encode("latin-1")
