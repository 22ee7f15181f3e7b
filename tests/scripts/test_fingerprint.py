"""What makes events one issue can be seen without a server."""

import io
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from scripts.commands.fingerprint import EXIT_NO_EVENT, main
from tests import builders
from tests.server.ingest.sentry_payloads import ROOT, sample


def test_a_webhook_is_shown_with_its_key_its_rule_and_what_that_compares() -> None:
    command = ["scripts/fingerprint", "scripts/samples/python.json"]
    said = subprocess.run(command, cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE)
    name, key, *parts = said.stdout.splitlines()
    assert name == "scripts/samples/python.json:"
    assert len(key.split()[0]) == 32
    assert key.endswith("  frames")
    assert [part.strip() for part in parts] == [
        "checkout/production",
        "GatewayTimeout",
        "checkout.gateway:charge",
        "checkout.payment:charge_card",
        "checkout.views:pay",
    ]


def test_an_event_in_our_own_form_is_read_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = builders.event(stacktrace=[], message="user 7 not found")
    given(monkeypatch, msgspec.json.encode(event).decode())
    assert main([]) == 0
    out = capsys.readouterr().out
    assert "  text\n" in out
    assert "user <number> not found" in out


def test_lines_of_webhooks_become_lines_of_keys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    again = sample()
    again["data"]["event"]["exception"]["values"][0]["value"] = "after another time"
    bodies = {"a": sample(), "b": again, "c": sample("go")}
    lines = [{"id": n, "resource": "event_alert", "body": body} for n, body in bodies.items()]
    given(monkeypatch, "\n".join(map(json.dumps, lines)))
    assert main(["--jsonl"]) == 0
    keys = {
        read["id"]: read["key"] for read in map(json.loads, capsys.readouterr().out.splitlines())
    }
    assert keys.keys() == bodies.keys()
    assert keys["a"] == keys["b"] != keys["c"]


@pytest.mark.parametrize("body", ["{}", "not JSON", '{"source": "x", "exception_type": "Y"}'])
def test_a_body_without_an_event_is_told_with_what_would_be_right(
    body: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "body.json"
    file.write_text(body)
    assert main([str(file)]) == EXIT_NO_EVENT
    assert "scripts/fingerprint: " in capsys.readouterr().err
    assert main([str(tmp_path / "missing.json")]) == EXIT_NO_EVENT


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
