"""Where handlers find what `build_app` made: one typed key each."""

from aiohttp import web

from server.live import Live
from server.metrics import Metrics
from server.notify.crash import CrashReporter
from server.notify.office import PostOffice
from server.services import ServiceMap
from server.settings import Settings
from server.storage.database import Database
from server.storage.journal import Journal
from server.supervisor.supervisor import Supervisor

SETTINGS = web.AppKey("settings", Settings)
DATABASE = web.AppKey("database", Database)
JOURNAL = web.AppKey("journal", Journal)
SUPERVISOR = web.AppKey("supervisor", Supervisor)
LIVE = web.AppKey("live", Live)
METRICS = web.AppKey("metrics", Metrics)
CRASHES = web.AppKey("crashes", CrashReporter)
OFFICE = web.AppKey("office", PostOffice)
SERVICES = web.AppKey("services", ServiceMap)
