"""The typed keys with which handlers find what `build_app` made, one for each."""

from aiohttp import web

from server.accounts.first_code import FirstCode
from server.accounts.link_mails import LinkMails
from server.accounts.passwords import Passwords
from server.accounts.throttle import Throttle
from server.incidents.actions import Actions
from server.interactions.presses import Presses
from server.notify.channels import PostOffice
from server.notify.crash import CrashReporter
from server.notify.live import Live
from server.process.metrics import Metrics
from server.settings.environments import EnvironmentMap
from server.settings.services import ServiceMap
from server.settings.settings import Settings
from server.sharing.leadership import Leadership
from server.storage.backup.nightly import Nightly
from server.storage.database import Database
from server.storage.journal.journal import Journal
from server.storage.main.webhook_book import WebhookBook
from server.supervisor.supervisor import Supervisor
from server.supervisor.view import EngineView
from server.troubles.watch import Watch

SETTINGS = web.AppKey("settings", Settings)
DATABASE = web.AppKey("database", Database)
JOURNAL = web.AppKey("journal", Journal)
NIGHTLY = web.AppKey[Nightly | None]("nightly")
WATCH = web.AppKey("watch", Watch)
SUPERVISOR = web.AppKey("supervisor", Supervisor)
ENGINE = web.AppKey("engine", EngineView)
LEADERSHIP = web.AppKey[Leadership]("leadership")
LIVE = web.AppKey("live", Live)
PRESSES = web.AppKey[Presses | None]("presses")
"""None where messages in Slack have no buttons."""
ACTIONS = web.AppKey("actions", Actions)
METRICS = web.AppKey("metrics", Metrics)
CRASHES = web.AppKey("crashes", CrashReporter)
OFFICE = web.AppKey("office", PostOffice)
MAIL_KEY = web.AppKey[bytes | None]("mail_key")
SERVICES = web.AppKey("services", ServiceMap)
ENVIRONMENTS = web.AppKey("environments", EnvironmentMap)
PASSWORDS = web.AppKey("passwords", Passwords)
THROTTLE = web.AppKey("throttle", Throttle)
FIRST_CODE = web.AppKey("first_code", FirstCode)
LINK_MAILS = web.AppKey("link_mails", LinkMails)
WEBHOOK_BOOK = web.AppKey("webhook_book", WebhookBook)
