"""The tables of the main database, as the migrations leave them.

Times are UTC, in microseconds since the epoch: whole numbers compare and index alike everywhere.
JSON columns hold what is only ever read as a whole.
"""

from server.storage.main.tables.deploys import (
    answered_errors,
    deploys,
    fixes,
    incident_deploys,
    suspect_answers,
    suspected_commits,
)
from server.storage.main.tables.engine import (
    dead_letters,
    decision_batches,
    engine_deaths,
    engine_progress,
    engine_states,
    notable_decisions,
)
from server.storage.main.tables.incidents import (
    incident_changes,
    incident_hours,
    incident_texts,
    incident_users,
    incidents,
    joined_issues,
    silences,
    symptoms,
)
from server.storage.main.tables.incoming import (
    active_hours,
    entry_ids,
    unentered_webhooks,
    webhook_sources,
)
from server.storage.main.tables.metadata import metadata, suit_postgresql
from server.storage.main.tables.people import (
    api_tokens,
    commit_authors,
    one_time_links,
    people,
    sessions,
)
from server.storage.main.tables.telling import (
    noise_filters,
    not_told,
    notification_routes,
    notifications,
    outbox,
    slack_messages,
    troubles,
    waiting_incidents,
)

suit_postgresql()

__all__ = [
    "active_hours",
    "answered_errors",
    "api_tokens",
    "commit_authors",
    "dead_letters",
    "decision_batches",
    "deploys",
    "engine_deaths",
    "engine_progress",
    "engine_states",
    "entry_ids",
    "fixes",
    "incident_changes",
    "incident_deploys",
    "incident_hours",
    "incident_texts",
    "incident_users",
    "incidents",
    "joined_issues",
    "metadata",
    "noise_filters",
    "not_told",
    "notable_decisions",
    "notification_routes",
    "notifications",
    "one_time_links",
    "outbox",
    "people",
    "sessions",
    "silences",
    "slack_messages",
    "suspect_answers",
    "suspected_commits",
    "symptoms",
    "troubles",
    "unentered_webhooks",
    "waiting_incidents",
    "webhook_sources",
]
