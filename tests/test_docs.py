"""What the docs say about settings, routes, log lines, metrics and commands matches the code."""

import ast
import inspect
import itertools
import json
import logging
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from aiohttp import hdrs

from server.app import build_app
from server.process import log
from server.process.metrics import Gauges, Metrics
from server.settings.env_file import NAMED_BY, parse_env_file
from server.settings.settings import SettingsError, read_settings
from server.troubles.kinds import KINDS
from shared.decisions import Code
from shared.incident import Trigger
from tests.processes import ROOT

README = ROOT / "README.md"
API = ROOT / "docs/API.md"
OPERATIONS = ROOT / "docs/OPERATIONS.md"
DECISIONS = ROOT / "docs/DECISIONS.md"
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def table(path: Path, header: str) -> Iterator[list[str]]:
    """The cells of the rows under the table head `header` in the file `path`."""
    lines = iter(path.read_text().splitlines())
    assert any(line.startswith(header) for line in lines), f"no table {header} in {path}"
    next(lines)
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    names: set[str]

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self.names = {*getattr(self, "names", ()), name}
        return super().get(name, default)


def settings_in_code() -> set[str]:
    names = {NAMED_BY}
    for environ in (Asked(), Asked(SMTP_HOST="mail.example")):
        try:
            read_settings(environ)
        except SettingsError:
            assert environ, "the defaults alone must do"
        names |= environ.names
    return names


def test_every_setting_is_in_the_readme_and_the_reverse() -> None:
    documented = [
        name
        for cells in table(README, "| variable |")
        for name in re.findall(r"`([A-Z_]+)`", cells[0])
    ]
    assert sorted(documented) == sorted(settings_in_code())


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.env.example")), ids=lambda path: path.name)
def test_the_example_env_files_name_only_settings_that_there_are(path: Path) -> None:
    assert parse_env_file(path.read_text(), path.name).keys() <= settings_in_code()


def test_every_route_is_in_the_docs_and_the_reverse() -> None:
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in build_app(read_settings({})).router.routes()
        if route.resource is not None and route.method != hdrs.METH_HEAD
    }
    documented = [cells[0].strip("`") for cells in table(API, "| route |")]
    assert sorted(documented) == sorted(routes)


CONTRACT: dict[Callable[..., None], list[tuple[str, ...]]] = {
    log.webhook_received: [("sentry",)],
    log.webhook_ingested: [("sentry", "TYPE", "SERVICE", "ENVIRONMENT")],
    log.incident_opened: [("ID", "TRIGGER", "SERVICE", "ENVIRONMENT", "TITLE")],
    log.child_not_writable: [("queued",), ("dropped",)],
    log.webhook_error: [("sentry", "REASON", "refused")],
}
OTHERS = {log.set_up, log.flush, log.lines_lost, log.webhook_noted, log.engine, log.server}


def test_every_log_line_that_people_search_for_is_in_the_readme_and_the_reverse(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "pushlog")
    for say, cases in CONTRACT.items():
        for words in cases:
            say(*words)
    documented = [cells[0].strip("`") for cells in table(README, "| line | when |")]
    assert sorted(documented) == sorted(record.getMessage() for record in caplog.records)


def test_every_function_of_the_log_is_a_documented_line_or_one_of_the_others() -> None:
    functions = {
        name
        for name, function in inspect.getmembers(log, inspect.isfunction)
        if function.__module__ == log.__name__ and not name.startswith("_")
    }
    assert functions == {each.__name__ for each in (*CONTRACT, *OTHERS)}


def test_every_metric_is_in_the_docs_and_the_reverse() -> None:
    nothing = Gauges(
        well=True,
        leads=True,
        engine_running=True,
        engine_restarts=0,
        engine_memory_bytes=0,
        backlog=0,
        oldest_waiting_s=0.0,
        in_flight=0,
        listeners=0,
        outbox={"waiting": 0},
        troubles={"queue": 0},
        last_backup=0.0,
        disk_free=1.0,
        files={"main": 0},
    )
    text = Metrics().text(nothing).decode()
    metrics = set(re.findall(r"^# TYPE (pushlog_\w+)", text, re.MULTILINE))
    documented = {cells[0].strip("`") for cells in table(OPERATIONS, "| metric |")}
    assert documented == {name for name in metrics if not name.endswith("_created")}


def test_alerts_and_dashboard_ask_for_metrics_that_there_are() -> None:
    documented = {cells[0].strip("`") for cells in table(OPERATIONS, "| metric |")}
    dashboard = json.loads((ROOT / "docs/grafana/pushlog.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += re.findall(r"expr: (.+)", (ROOT / "docs/alerts.yml").read_text())
    assert len(asked) > 20
    for expression in asked:
        names = re.findall(r"\b(?:pushlog|process)_\w+", expression)
        ours = [name.removesuffix("_bucket") for name in names if name.startswith("pushlog_")]
        assert set(ours) <= documented, expression
        assert names or expression.startswith("up{"), expression


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    rules = (ROOT / "docs/alerts.yml").read_text().split("- alert: ")[1:]
    for rule in rules:
        for part in ("expr: ", "severity: ", "summary: ", "description: "):
            assert rule.count(f" {part}") == 1, rule


def test_every_code_of_a_decision_and_every_trigger_is_in_the_docs_and_the_reverse() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", DECISIONS.read_text(), re.MULTILINE)
    triggers = get_args(Trigger)
    assert sorted(documented) == sorted([*(code.value for code in Code), *triggers])


def test_every_kind_of_trouble_is_in_the_docs_and_the_reverse() -> None:
    rows = table(OPERATIONS, "| kind | severity |")
    documented = [(cells[0].strip("`"), cells[1]) for cells in rows]
    assert documented == [(kind, about.severity) for kind, about in KINDS.items()]


def test_every_module_that_the_docs_name_is_there() -> None:
    folders = ("engine", "scripts", "server", "shared", "tests")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    modules = [f"/{path.relative_to(ROOT)}" for path in found]
    # The one on fingerprints has paths of other people's code.
    docs = {*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md", README}
    for path in docs - {ROOT / "docs/FINGERPRINTS.md"}:
        for name in re.findall(r"`([a-z_/]+\.py)`", path.read_text()):
            assert any(module.endswith(f"/{name}") for module in modules), f"{path.name}: {name}"


def test_every_doc_that_the_code_names_is_there() -> None:
    for folder in ("engine", "scripts", "server", "shared"):
        for path in (ROOT / folder).rglob("*.py"):
            for name in re.findall(r"\bdocs/[A-Z_]+\.md\b", path.read_text()):
                assert (ROOT / name).exists(), f"{path.relative_to(ROOT)}: there is no {name}"


BACKUP = "tests/whole/test_backup.py"
PRODUCTION = "DATABASE_URL=sqlite:///data/prod/pushlog.db"
DOCTOR = f"PUSHLOG_ENV_FILE=prod.env {PRODUCTION} "
FIRST_RUN = "tests/whole/test_first_run.py"
LABELLED = "tests/scripts/test_labelled_suspects.py"
MAIL = "tests/whole/test_mail.py"
PM2 = "tests/whole/test_pm2.py"
COMMANDS = {
    "scripts/run": FIRST_RUN,
    "scripts/send-sentry-webhook": FIRST_RUN,
    "scripts/send-sentry-webhook --help": FIRST_RUN,
    "scripts/test-incident-engine": FIRST_RUN,
    "scripts/why --help": FIRST_RUN,
    "scripts/why SEQ": FIRST_RUN,
    "curl http://localhost:3000/api/webhooks/incidents": FIRST_RUN,
    'curl -s -H "Authorization: Bearer $PUSHLOG_TOKEN" http://localhost:3000/api/dead-letters': (
        FIRST_RUN
    ),
    'curl -H "Authorization: Bearer $PUSHLOG_TOKEN" http://localhost:3000/health': FIRST_RUN,
    f"{PRODUCTION} scripts/prune --dry-run": "tests/scripts/test_prune.py",
    "scripts/people --help": FIRST_RUN,
    'scripts/people token "my laptop"': "tests/scripts/test_people.py",
    "scripts/test-email ada@example.com": MAIL,
    "curl -X PUT http://localhost:3000/api/settings/notifications "
    """-H "Authorization: Bearer $PUSHLOG_TOKEN" --json """
    """'{"email": "ada@example.com", "email_incidents": true}'""": MAIL,
    f"{PRODUCTION} scripts/backup /var/backups/pushlog --keep 14": BACKUP,
    f"{PRODUCTION} scripts/restore /var/backups/pushlog/pushlog-TIME": BACKUP,
    f"{DOCTOR}scripts/doctor": "tests/scripts/test_doctor.py",
    "scripts/fingerprint scripts/samples/python.json": "tests/scripts/test_fingerprint.py",
    f"{PRODUCTION} scripts/labelled-suspects cases.jsonl": LABELLED,
    "scripts/benchmarks/ranking --answers cases.jsonl": LABELLED,
    "scripts/replay --production prod,eu": "tests/scripts/test_replay.py",
    "python -m engine < events.ndjson": "tests/engine/test_process.py",
    "scripts/setup": "tests/whole/test_setup.py",
    "scripts/upgrade": "tests/whole/test_upgrade.py",
    "pm2 start ecosystem.config.js --only pushlog-prod": PM2,
    "pm2 restart pushlog-prod": PM2,
    "pm2 sendSignal SIGHUP pushlog-prod": PM2,
    "pm2 start ecosystem.config.js --only pushlog-staging": PM2,
    "pm2 stop pushlog-prod": PM2,
    'pm2 logs pushlog-prod --lines 500 --nostream | grep -E "webhooks/sentry|incident-engine"': PM2,
    'pm2 logs pushlog-prod --lines 500 --nostream | grep "Sentry webhook error"': PM2,
    'pm2 logs pushlog-prod --lines 500 --nostream | grep "child not writable"': PM2,
    # This is it.
    "scripts/test": "tests/test_docs.py",
    "scripts/test tests/engine -x": "tests/test_docs.py",
    "scripts/test -m unit": "tests/test_docs.py",
}
"""Which test runs each command of the docs."""
LOCK = "uv pip compile --universal --generate-hashes --no-header"
DEBIAN = "sudo apt-get install -y git python3 python3-venv nodejs npm"
NOT_RUN = {
    f"{LOCK} pyproject.toml -o requirements.lock": "asks the package index",
    f"{LOCK} -c requirements.lock pyproject.toml --group test -o requirements-test.lock": "too",
    "DATABASE_URL=sqlite:///data/prod/pushlog.db scripts/move-to-postgres "
    "postgresql://pushlog:PASSWORD@db.acme.example/pushlog": "moves to the tests' own PostgreSQL",
    "createuser --pwprompt pushlog": "asks for a password",
    "createdb --owner pushlog --encoding UTF8 --template template0 pushlog": "needs that user",
    "pm2 save && pm2 startup": "changes what the machine starts after a reboot",
    f"sudo apt-get update && {DEBIAN}": "changes the machine",
    "sudo npm install -g pm2": "changes the machine",
    'sudo adduser --disabled-password --gecos "" pushlog': "changes the machine",
    "sudo install -d -o pushlog /srv/pushlog": "changes the machine",
    "sudo install -d -o pushlog -m 700 /var/backups/pushlog": "changes the machine",
    "cp prod.env.example prod.env && chmod 600 prod.env": "its parts are read by other tests",
}


def commands() -> Iterator[str]:
    for path in DOCS:
        for block in re.findall(r"^```sh\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE):
            # A command over several lines is known by the part before its first option.
            lines = re.sub(r" -H '[^\n]*'\{\n.*?\n\}'", "", block, flags=re.DOTALL).splitlines()
            yield from (re.sub(r"\s+#.*", "", line) for line in lines)


EXAMPLES = (
    "SEQ",
    "/var/backups/pushlog",
    "/var/backups/pushlog/pushlog-TIME",
    "events.ndjson",
    "<",
)
"""Words of commands for which a test has others of its own, or none."""


def words_in_code(path: Path) -> set[str]:
    """What a test says in strings, whole and word by word, what it imports, and its keywords."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword):
            found.add(node.arg or "")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value, *node.value.split()}
            found.update(re.findall(r"""(?<=")[^"]+|[\w/-]+(?:\.\w+)*""", node.value))
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.rpartition(".")[2].replace("_", "-"))
    return found | {word.rpartition("/")[2] for word in found}


def missing_words(command: str, path: Path) -> list[str]:
    """The words of a command that a test lacks; none where it takes the command from the docs."""
    code = path.read_text()
    for doc in DOCS:
        if command in doc.read_text() and f'{doc.relative_to(ROOT)}").read_text()' in code:
            return []
    there = words_in_code(path)
    words = shlex.split(command)
    if words[1:] == ["--help"] and "scripts/*" in there:
        del words[0]
    named = [word.partition("=")[0] if re.match(r"[A-Z_]+=", word) else word for word in words]
    return [
        word
        for word in named
        if word not in (*there, *EXAMPLES) and word.removeprefix("scripts/") not in there
    ]


def test_every_command_in_the_docs_is_run_by_a_test_or_listed_as_not_run() -> None:
    assert set(commands()) == {*COMMANDS, *NOT_RUN}
    for command, path in COMMANDS.items():
        missing = missing_words(command, ROOT / path)
        assert not missing, f"{path} does not run {command}: there is no {missing}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_link_between_the_docs_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", path.read_text()):
        assert (path.parent / target).exists(), f"{path.name}: {target} is not there"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_script_that_the_docs_name_is_there(path: Path) -> None:
    for name in re.findall(r"\bscripts/[a-z-]+\b(?!/)", path.read_text()):
        assert (ROOT / name).exists(), f"{path.name}: there is no {name}"


def test_every_script_says_what_it_does_where_one_looks_first() -> None:
    for script in ROOT.glob("scripts/*"):
        if not script.is_file() or script.suffix:
            continue
        first, *rest = script.read_text().splitlines()
        comment = " ".join(itertools.takewhile(lambda line: line.startswith("# "), rest))
        assert first == "#!/bin/sh", script.name
        assert comment.endswith((".", "]...")), f"{script.name} does not say what it does"
        assert script.stat().st_mode & 0o111, f"{script.name} cannot be run"
