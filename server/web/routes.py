"""Every address of pages, API and probes in one table, each with who may use it."""

from aiohttp import web

from server.keys import LIVE
from server.web import health
from server.web.accounts import routes as accounts
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
from server.web.api.openapi import get_document
from server.web.api.simulate import simulate_incident
from server.web.api.stream import stream
from server.web.assets import serve_asset
from server.web.auth import Handler, for_admins, for_people
from server.web.browser_errors import routes as browser_errors
from server.web.pages import dead_letters as dead_letters_page
from server.web.pages import deliveries as deliveries_page
from server.web.pages import deploys as deploys_page
from server.web.pages import (
    event,
    incident,
    incident_forms,
    incident_list,
    incoming,
    issue,
    notifications,
    settings,
)
from server.web.pages import integrations as integrations_page
from server.web.pages import not_told as not_told_page
from server.web.pages import notification_routes as routes_page
from server.web.pages import silences as silences_page
from server.web.pages import troubles as troubles_page
from server.web.pages.rendering import as_page, set_up_templates
from server.web.pages.unsubscribe import ask_whether_to_end, end_mails
from server.web.parameters import strictly

_ID = r"{id:\d{1,18}}"
_SEQ = r"{seq:\d{1,18}}"
_UNSUBSCRIBE = r"/unsubscribe/{token:[0-9a-f]{40}}"


def routes() -> list[web.RouteDef]:
    """Return the table: for anybody, and for people."""
    table = [*_for_anybody(), *browser_errors.routes(), *accounts.routes(), *_pages(), *_api()]
    return [strictly(each) if each.path.startswith("/api/") else each for each in table]


def set_up_web(app: web.Application) -> None:
    """Add the routes and what they need to `app`."""
    set_up_templates(app)
    accounts.set_up_accounts(app)
    browser_errors.set_up_browser_errors(app)
    app.add_routes(routes())
    # This comes before the wait for requests under way: a stream ends only when it is told to.
    app.on_shutdown.append(_end_streams)


def _for_anybody() -> list[web.RouteDef]:
    return [
        web.get("/health", health.health),
        web.get("/health/engine", health.engine_health),
        web.post("/api/slack/interactions", slack_interactions.take_interaction),
        web.get("/static/{name}", serve_asset),
        web.get(_UNSUBSCRIBE, as_page(ask_whether_to_end)),
        web.post(_UNSUBSCRIBE, as_page(end_mails)),
    ]


def _pages() -> list[web.RouteDef]:
    return [
        web.get("/", _page(incident_list.home)),
        web.get("/incidents", _page(incident_list.show)),
        web.get("/incidents/{incident_id}", _page(incident.show)),
        web.post("/incidents/{incident_id}/resolve", _page(incident_forms.resolve_from_page)),
        web.post("/incidents/{incident_id}/silence", _page(incident_forms.silence_from_page)),
        web.post("/incidents/{incident_id}/snooze", _page(incident_forms.snooze_from_page)),
        web.post(
            "/incidents/{incident_id}/acknowledge", _page(incident_forms.acknowledge_from_page)
        ),
        web.post(
            "/incidents/{incident_id}/suspects", _page(incident_forms.judge_suspect_from_page)
        ),
        web.post("/incidents/{incident_id}/lift", _page(silences_page.lift_from_incident)),
        web.get("/deploys", _page(deploys_page.show)),
        web.get(f"/deploys/{_ID}", _page(deploys_page.show_one)),
        web.get("/deliveries", _page(deliveries_page.show)),
        web.get("/deliveries/incoming", _page(incoming.show)),
        web.post(f"/deliveries/{_ID}/resend", _page(deliveries_page.resend_from_page)),
        web.get("/deliveries/not-told", _page(not_told_page.show)),
        web.get("/deliveries/dead-letters", _page(dead_letters_page.show)),
        web.post(
            f"/deliveries/dead-letters/{_SEQ}/replay",
            as_page(for_admins(dead_letters_page.replay_from_page)),
        ),
        web.post(
            f"/deliveries/dead-letters/{_SEQ}/discard",
            as_page(for_admins(dead_letters_page.discard_from_page)),
        ),
        web.get(f"/events/{_SEQ}", _page(event.show)),
        web.get("/issues/{fingerprint}", _page(issue.show)),
        web.get("/integrations", _page(integrations_page.show)),
        web.post("/integrations/simulate", _page(integrations_page.simulate_from_page)),
        web.get("/settings", _page(settings.show)),
        web.post("/settings/notifications", _page(settings.save_wishes)),
        web.post("/settings/appearance", _page(settings.save_appearance)),
        web.post("/settings/channels/{channel}/test", _page(settings.try_channel)),
        web.get("/settings/silences", _page(silences_page.show)),
        web.post("/settings/silences/{incident_id}/lift", _page(silences_page.lift_from_list)),
        web.post("/settings/noise", _page(silences_page.add_filter)),
        web.post(f"/settings/noise/{_ID}", _page(silences_page.change_filter)),
        web.get("/settings/routes", _page(routes_page.show)),
        web.post("/settings/routes", _page(routes_page.add_route)),
        web.post(f"/settings/routes/{_ID}", _page(routes_page.change_route)),
        web.get("/troubles", _page(troubles_page.show)),
        web.get("/notifications", _page(notifications.show)),
        web.get("/notifications/panel", _page(notifications.panel)),
        web.post(f"/notifications/{_ID}/read", _page(notifications.mark_read)),
        web.post("/notifications/read-all", _page(notifications.mark_all_read)),
    ]


def _api() -> list[web.RouteDef]:
    return [
        web.get("/api/openapi.json", for_people(get_document)),
        web.get("/api/incidents", for_people(incidents.list_incidents)),
        web.get("/api/incidents/{incident_id}", for_people(incidents.get_incident)),
        web.get("/api/incidents/{incident_id}/rate", for_people(incidents.get_rate)),
        web.post(
            "/api/incidents/{incident_id}/resolve", for_people(incident_wishes.resolve_incident)
        ),
        web.post(
            "/api/incidents/{incident_id}/silence", for_people(incident_wishes.silence_incident)
        ),
        web.post(
            "/api/incidents/{incident_id}/snooze", for_people(incident_wishes.snooze_incident)
        ),
        web.post(
            "/api/incidents/{incident_id}/acknowledge",
            for_people(acknowledging.acknowledge_incident),
        ),
        web.post(
            "/api/incidents/{incident_id}/suspects/{commit_id}/answer",
            for_people(suspect_answers.answer_about_suspect),
        ),
        web.get("/api/deploys", for_people(deploys.list_deploys)),
        web.get("/api/deploys/figures", for_people(deploys.get_figures)),
        web.get(f"/api/deploys/{_ID}", for_people(deploys.get_deploy)),
        web.get("/api/notifications", for_people(incidents.list_notifications)),
        web.get("/api/notifications/stream", for_people(stream), allow_head=False),
        web.post(f"/api/notifications/{_ID}/read", for_people(incidents.mark_read)),
        web.post("/api/notifications/read-all", for_people(incidents.mark_all_read)),
        web.get(f"/api/events/{_SEQ}", for_people(events.get_event)),
        web.get(f"/api/decisions/{_SEQ}", for_people(incidents.get_decision)),
        web.get("/api/issues/{fingerprint}", for_people(issues.get_issue)),
        web.get("/api/dead-letters", for_people(dead_letters.list_letters)),
        web.get(f"/api/dead-letters/{_SEQ}", for_people(dead_letters.get_letter)),
        web.post(f"/api/dead-letters/{_SEQ}/replay", for_admins(dead_letters.replay_letter)),
        web.post(f"/api/dead-letters/{_SEQ}/discard", for_admins(dead_letters.discard_letter)),
        web.get("/api/troubles", for_people(troubles.list_troubles)),
        web.get("/api/integrations", for_people(integrations.get_integrations)),
        web.get("/api/webhooks", for_people(webhooks.list_webhooks)),
        web.get("/api/deliveries", for_people(deliveries.list_deliveries)),
        web.get(f"/api/deliveries/{_ID}", for_people(deliveries.get_delivery)),
        web.post(f"/api/deliveries/{_ID}/resend", for_people(deliveries.resend_delivery)),
        web.get("/api/not-told", for_people(not_told.list_not_told)),
        web.post("/api/channels/{channel}/test", for_people(deliveries.try_channel)),
        web.get("/api/settings/notifications", for_people(wishes.get_wishes)),
        web.put("/api/settings/notifications", for_people(wishes.set_wishes)),
        web.get("/api/settings/appearance", for_people(appearance.get_appearance)),
        web.put("/api/settings/appearance", for_people(appearance.set_appearance)),
        web.get("/api/routes", for_people(notification_routes.list_routes)),
        web.post("/api/routes", for_people(notification_routes.add_route)),
        web.put("/api/routes/order", for_people(notification_routes.order_routes)),
        web.post("/api/routes/preview", for_people(route_preview.preview_route)),
        web.post("/api/routes/who", for_people(who_hears.ask_who)),
        web.put(f"/api/routes/{_ID}", for_people(notification_routes.change_route)),
        web.delete(f"/api/routes/{_ID}", for_people(notification_routes.remove_route)),
        web.get("/api/silences", for_people(silences.list_silences)),
        web.delete("/api/silences/{incident_id}", for_people(silences.lift_silence)),
        web.get("/api/noise-filters", for_people(noise.list_filters)),
        web.post("/api/noise-filters", for_people(noise.add_filter)),
        web.post("/api/noise-filters/preview", for_people(noise_preview.preview_filter)),
        web.put(f"/api/noise-filters/{_ID}", for_people(noise.change_filter)),
        web.delete(f"/api/noise-filters/{_ID}", for_people(noise.remove_filter)),
        web.post("/api/test/simulate-incident", for_people(simulate_incident)),
        web.get("/metrics", for_people(health.metrics)),
    ]


def _page(handler: Handler) -> Handler:
    return as_page(for_people(handler))


async def _end_streams(app: web.Application) -> None:
    app[LIVE].close()
