"""What each address of the API answers and takes, beyond what its route says itself.

Methods, paths and guards are in the tables of routes, parameters in `server.web.parameters`.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from server.incidents.rate import Rate
from server.ingest.accept import Accepted
from server.ingest.generic import DeployBody, EventBody
from server.ingest.signatures import GENERIC_HEADER, GITHUB_HEADER, SENTRY_HEADERS
from server.interactions.signature import SIGNATURE_HEADER, TIME_HEADER
from server.storage.main.accounts import Account
from server.storage.main.deploy_figures import DeployFigures
from server.storage.main.noise import NoiseFilter
from server.storage.main.notification_routes import Route
from server.web.accounts import account, authors, people
from server.web.api import (
    acknowledging,
    appearance,
    dead_letters,
    deliveries,
    deploys,
    events,
    incident_wishes,
    incidents,
    integrations,
    issues,
    noise,
    noise_preview,
    not_told,
    notification_routes,
    route_preview,
    silences,
    slack_interactions,
    suspect_answers,
    troubles,
    webhooks,
    who_hears,
    wishes,
)
from server.web.requests import Removed

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
TEXT = "text/plain"
EVENT_STREAM = "text/event-stream"


class JsonObject(msgspec.Struct):
    """Any JSON object: its sender's own documentation says what is in it."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What one method of one address does.

    `answer` and `body` (or `other_body`) are the types of the JSON. `status` is that of success;
    `refusals` are those that do not follow from the route. `headers` are read if they are sent.
    """

    summary: str
    answer: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    other_body: type[msgspec.Struct] | None = None
    status: HTTPStatus = HTTPStatus.OK
    refusals: tuple[HTTPStatus, ...] = ()
    headers: tuple[str, ...] = ()
    media_type: str = JSON
    body_media_type: str = JSON


_CREATED, _ACCEPTED = HTTPStatus.CREATED, HTTPStatus.ACCEPTED
_CONFLICT = (HTTPStatus.CONFLICT,)
_NOT_FOUND = (HTTPStatus.NOT_FOUND,)


def _webhook(
    summary: str,
    headers: Sequence[str],
    body: type[msgspec.Struct] = JsonObject,
    other_body: type[msgspec.Struct] | None = None,
) -> Operation:
    return Operation(
        summary=summary,
        answer=Accepted,
        body=body,
        other_body=other_body,
        status=_ACCEPTED,
        refusals=(HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS),
        headers=tuple(headers),
    )


OPERATIONS: Mapping[str, Operation] = {
    "GET /api/openapi.json": Operation(summary="This document", answer=JsonObject),
    "POST /api/webhooks/sentry": _webhook(
        "Takes Sentry's webhooks", ("Sentry-Hook-Resource", *SENTRY_HEADERS)
    ),
    "POST /api/webhooks/incidents": _webhook(
        "Takes an event in PushLog's own form, or the news of a deploy",
        ("Idempotency-Key", GENERIC_HEADER),
        EventBody,
        DeployBody,
    ),
    "POST /api/webhooks/github": _webhook(
        "Takes GitHub's pushes, deployments and releases",
        ("X-GitHub-Event", "X-GitHub-Delivery", GITHUB_HEADER),
    ),
    "POST /api/slack/interactions": Operation(
        summary="Takes what people press in Slack; only with SLACK_SIGNING_SECRET",
        body=slack_interactions.InteractionForm,
        refusals=(HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND),
        headers=(SIGNATURE_HEADER, TIME_HEADER),
        media_type=TEXT,
        body_media_type=FORM,
    ),
    "POST /api/test/simulate-incident": Operation(
        summary="Sends a simulated error through everything; only with ENABLE_TEST_ROUTES",
        answer=Accepted,
        status=_ACCEPTED,
        refusals=_NOT_FOUND,
    ),
    "GET /api/incidents": Operation(
        summary="Incidents, newest first", answer=incidents.IncidentPage
    ),
    "GET /api/incidents/{incident_id}": Operation(
        summary="One incident with its changes, its timeline, who was not notified and why, what "
        "people said about its suspects, and how many users it affected (at most 1,000 counted)",
        answer=incidents.IncidentWithChanges,
    ),
    "GET /api/incidents/{incident_id}/rate": Operation(
        summary="How many of its events arrived when", answer=Rate
    ),
    "POST /api/incidents/{incident_id}/acknowledge": Operation(
        summary="Records that you are looking after it",
        answer=acknowledging.Acknowledgement,
        refusals=_CONFLICT,
    ),
    "POST /api/incidents/{incident_id}/resolve": Operation(
        summary="Records that it is over", answer=incident_wishes.Journalled, status=_ACCEPTED
    ),
    "POST /api/incidents/{incident_id}/silence": Operation(
        summary="Stops notifications about its issues",
        answer=incident_wishes.Journalled,
        body=incident_wishes.SilenceBody,
        status=_ACCEPTED,
    ),
    "POST /api/incidents/{incident_id}/snooze": Operation(
        summary="Stops notifications about its issues for some minutes",
        answer=incident_wishes.Journalled,
        body=incident_wishes.SnoozeBody,
        status=_ACCEPTED,
    ),
    "POST /api/incidents/{incident_id}/suspects/{commit_id}/answer": Operation(
        summary="Records whether a suspect commit is the cause",
        answer=suspect_answers.GivenAnswers,
        body=suspect_answers.AnswerBody,
    ),
    "GET /api/events/{seq}": Operation(
        summary="One event as it was kept, and what became of it", answer=events.EventAnswer
    ),
    "GET /api/decisions/{seq}": Operation(
        summary="What became of an event, and why", answer=incidents.DecisionAnswer
    ),
    "GET /api/issues/{fingerprint}": Operation(
        summary="One issue: what was counted of it, its incidents and its newest events",
        answer=issues.IssueAnswer,
    ),
    "GET /api/deploys": Operation(summary="Deploys, newest first", answer=deploys.DeployPage),
    "GET /api/deploys/figures": Operation(
        summary="How many of the last deploys failed, and how long until that was over",
        answer=DeployFigures,
    ),
    "GET /api/deploys/{id}": Operation(
        summary="One deploy with all its commits", answer=deploys.WholeDeployAnswer
    ),
    "GET /api/notifications": Operation(
        summary="Your notifications, newest first", answer=incidents.NotificationPage
    ),
    "GET /api/notifications/stream": Operation(
        summary="Reports when there is something new, until the reader goes",
        headers=("Last-Event-ID",),
        media_type=EVENT_STREAM,
    ),
    "POST /api/notifications/{id}/read": Operation(
        summary="Marks one as read", answer=incidents.Unread
    ),
    "POST /api/notifications/read-all": Operation(
        summary="Marks all as read, or those up to an id", answer=incidents.Unread
    ),
    "GET /api/troubles": Operation(
        summary="What is, and was, wrong with PushLog itself, newest first",
        answer=troubles.TroublePage,
    ),
    "GET /api/integrations": Operation(
        summary="Sentry, GitHub and Slack: how far they are set up, and what arrived last",
        answer=integrations.IntegrationsAnswer,
    ),
    "GET /api/webhooks": Operation(
        summary="Every webhook that arrived, newest first", answer=webhooks.WebhooksAnswer
    ),
    "GET /api/deliveries": Operation(
        summary="Mails and Slack messages, newest first", answer=deliveries.DeliveryPage
    ),
    "GET /api/deliveries/{id}": Operation(
        summary="One of them, with its content", answer=deliveries.DeliveryWithNews
    ),
    "POST /api/deliveries/{id}/resend": Operation(
        summary="Sends it once more",
        answer=deliveries.Resent,
        status=_ACCEPTED,
        refusals=_CONFLICT,
    ),
    "POST /api/channels/{channel}/test": Operation(
        summary="Sends a test message now",
        answer=deliveries.ChannelTried,
        refusals=(HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY),
    ),
    "GET /api/settings/notifications": Operation(
        summary="What you want to be notified about",
        answer=wishes.WishesAnswer,
        refusals=_NOT_FOUND,
    ),
    "PUT /api/settings/notifications": Operation(
        summary="Changes it; fields that are left out stay",
        answer=wishes.WishesAnswer,
        body=wishes.WishesBody,
        refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
    "GET /api/settings/appearance": Operation(
        summary="How pages look to you", answer=appearance.AppearanceBody
    ),
    "PUT /api/settings/appearance": Operation(
        summary="Changes it", answer=appearance.AppearanceBody, body=appearance.AppearanceBody
    ),
    "GET /api/account": Operation(summary="Who you are", answer=Account, refusals=_NOT_FOUND),
    "PUT /api/account": Operation(
        summary="Changes your name", answer=Account, body=account.NameBody, refusals=_NOT_FOUND
    ),
    "PUT /api/account/password": Operation(
        summary="Changes your password",
        answer=account.PasswordChanged,
        body=account.PasswordBody,
        refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS),
    ),
    "GET /api/account/sessions": Operation(
        summary="Where you are signed in", answer=account.SessionList
    ),
    "DELETE /api/account/sessions/{id}": Operation(
        summary="Signs one out", answer=account.SessionEnded
    ),
    "GET /api/account/tokens": Operation(
        summary="Your tokens, without their secrets", answer=account.TokenList
    ),
    "POST /api/account/tokens": Operation(
        summary="Makes one",
        answer=account.MadeToken,
        body=account.TokenBody,
        status=_CREATED,
        refusals=_CONFLICT,
    ),
    "DELETE /api/account/tokens/{id}": Operation(
        summary="Revokes one", answer=account.TokenRevoked
    ),
    "GET /api/authors": Operation(
        summary="Who writes commits, and which person that is", answer=authors.AuthorList
    ),
    "PUT /api/authors": Operation(
        summary="Says whose commits those from an address are",
        answer=authors.AuthorList,
        body=authors.AuthorBody,
        refusals=_NOT_FOUND,
    ),
    "GET /api/people": Operation(
        summary="Who can sign in, and who is invited", answer=people.PeopleList
    ),
    "POST /api/people/invitations": Operation(
        summary="Invites somebody",
        answer=people.Invited,
        body=people.InvitationBody,
        status=_CREATED,
        refusals=_CONFLICT,
    ),
    "DELETE /api/people/invitations/{id}": Operation(
        summary="Takes an invitation back", answer=Removed
    ),
    "PUT /api/people/{id}": Operation(
        summary="Makes somebody an admin or a member",
        answer=Account,
        body=people.RoleBody,
        refusals=_CONFLICT,
    ),
    "DELETE /api/people/{id}": Operation(
        summary="Removes an account", answer=Removed, refusals=_CONFLICT
    ),
    "GET /api/silences": Operation(summary="The silences in force", answer=silences.SilenceList),
    "DELETE /api/silences/{incident_id}": Operation(
        summary="Lifts one", answer=incident_wishes.Journalled, status=_ACCEPTED
    ),
    "GET /api/noise-filters": Operation(
        summary="The errors that nobody is notified about", answer=noise.FilterList
    ),
    "POST /api/noise-filters": Operation(
        summary="Makes a filter",
        answer=NoiseFilter,
        body=noise.FilterBody,
        status=_CREATED,
        refusals=_CONFLICT,
    ),
    "POST /api/noise-filters/preview": Operation(
        summary="What a filter would have held back in the last days; changes nothing",
        answer=noise_preview.Preview,
        body=noise.FilterBody,
    ),
    "PUT /api/noise-filters/{id}": Operation(
        summary="Changes one", answer=NoiseFilter, body=noise.FilterBody, refusals=_CONFLICT
    ),
    "DELETE /api/noise-filters/{id}": Operation(summary="Removes one", answer=Removed),
    "GET /api/routes": Operation(
        summary="Who is told of which incidents, and when, in order",
        answer=notification_routes.RouteList,
    ),
    "POST /api/routes": Operation(
        summary="Makes a route, after all others",
        answer=Route,
        body=notification_routes.RouteBody,
        status=_CREATED,
        refusals=_CONFLICT,
    ),
    "PUT /api/routes/order": Operation(
        summary="Puts all routes in an order",
        answer=notification_routes.RouteList,
        body=notification_routes.OrderBody,
        refusals=_CONFLICT,
    ),
    "POST /api/routes/preview": Operation(
        summary="Of how many incidents of the last days a route would have told; changes nothing",
        answer=route_preview.RoutePreview,
        body=notification_routes.RouteBody,
    ),
    "POST /api/routes/who": Operation(
        summary="Who would hear of an incident, a real or a made-up one; changes nothing",
        answer=who_hears.WhoAnswer,
        body=who_hears.WhoBody,
    ),
    "PUT /api/routes/{id}": Operation(
        summary="Changes one, which keeps its place",
        answer=Route,
        body=notification_routes.RouteBody,
    ),
    "DELETE /api/routes/{id}": Operation(summary="Removes one", answer=Removed),
    "GET /api/not-told": Operation(
        summary="Who was not told of an incident, by what, and why, newest first",
        answer=not_told.NotToldPage,
    ),
    "GET /api/dead-letters": Operation(
        summary="Entries on which the engine died, newest first",
        answer=dead_letters.DeadLetterPage,
    ),
    "GET /api/dead-letters/{seq}": Operation(
        summary="One of them, with its body", answer=dead_letters.DeadLetterWithEntry
    ),
    "POST /api/dead-letters/{seq}/replay": Operation(
        summary="Gives it to the engine again, as a new entry",
        answer=dead_letters.Replayed,
        status=_ACCEPTED,
        refusals=(HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    "POST /api/dead-letters/{seq}/discard": Operation(
        summary="Discards it", answer=dead_letters.Discarded, refusals=_CONFLICT
    ),
}
"""By method and path, in the order of docs/API.md."""
