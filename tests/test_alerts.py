"""Prometheus takes docs/alerts.yml, and each alert fires when it must and not when all is well."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.processes import ROOT

RULES = ROOT / "docs/alerts.yml"
PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="needs promtool: Debian's prometheus")

CASES = {
    "PushLogDown": ('up{job="pushlog"}', "1 0x10", "3m"),
    "PushLogRefusesWebhooks": (
        'pushlog_webhooks_total{outcome="queue_full",source="sentry"}',
        "0 0 1 1 1",
        "3m",
    ),
    "PushLogEngineDown": ("pushlog_engine_running", "0x10", "3m"),
    "PushLogEngineRestarts": ("pushlog_engine_restarts_total", "0 2 4 8 8", "4m"),
    "PushLogDecidesLate": ("pushlog_oldest_waiting_seconds", "61x10", "3m"),
    "PushLogTrouble": ('pushlog_trouble{kind="queue"}', "0 1 1", "2m"),
    "PushLogAcceptsSlowly": ('pushlog_accept_seconds_bucket{le="1.0"}', "0+60x20", "12m"),
    "PushLogLoopLags": ('pushlog_event_loop_lag_seconds_bucket{le="0.5"}', "0+60x20", "12m"),
    "PushLogSignaturesFail": (
        'pushlog_webhooks_total{outcome="refused",source="github"}',
        "0+5x10",
        "9m",
    ),
    "PushLogCannotTell": (
        'pushlog_deliveries_total{channel="email",outcome="failed"}',
        "0+1x20",
        "15m",
    ),
    "PushLogDiskFull": ("pushlog_disk_free_ratio", "0.09x20", "6m"),
}
"""Of each alert: a series with its values a minute, and when it must fire."""

BESIDE = {
    "PushLogAcceptsSlowly": ('pushlog_accept_seconds_bucket{le="+Inf"}', "0+60x20"),
    "PushLogLoopLags": ('pushlog_event_loop_lag_seconds_bucket{le="+Inf"}', "0+60x20"),
}
"""The bucket of all, without which a histogram is none."""

WELL = {
    'up{job="pushlog"}': "1x20",
    'pushlog_webhooks_total{outcome="accepted",source="sentry"}': "0+100x20",
    'pushlog_webhooks_total{outcome="queue_full",source="sentry"}': "0x20",
    'pushlog_webhooks_total{outcome="refused",source="github"}': "0 1 1x20",
    "pushlog_engine_running": "1 0 1x20",
    "pushlog_engine_restarts_total": "0 1 1x20",
    "pushlog_oldest_waiting_seconds": "2x20",
    'pushlog_trouble{kind="queue"}': "0x20",
    'pushlog_accept_seconds_bucket{le="0.005"}': "0+60x20",
    'pushlog_accept_seconds_bucket{le="+Inf"}': "0+60x20",
    'pushlog_event_loop_lag_seconds_bucket{le="0.01"}': "0+60x20",
    'pushlog_event_loop_lag_seconds_bucket{le="+Inf"}': "0+60x20",
    'pushlog_deliveries_total{channel="email",outcome="sent"}': "0+10x20",
    'pushlog_deliveries_total{channel="email",outcome="retried"}': "0 1 2 2x20",
    "pushlog_disk_free_ratio": "0.4x20",
}


def run_case(folder: Path, series: Mapping[str, str], quiet: Iterable[str], at: str) -> str:
    """What promtool says of a case in which none of the alerts `quiet` may fire; empty if so."""
    test = {
        "interval": "1m",
        "input_series": [{"series": each, "values": values} for each, values in series.items()],
        "alert_rule_test": [
            {"alertname": alert, "eval_time": at, "exp_alerts": []} for alert in quiet
        ],
    }
    # JSON is YAML, too.
    case = folder / "case.yml"
    case.write_text(json.dumps({"rule_files": [str(RULES)], "tests": [test]}))
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, "test", "rules", case], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


@needs_promtool
def test_prometheus_takes_the_rules() -> None:
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, "check", "rules", RULES], capture_output=True, text=True, check=True
    )
    assert f"SUCCESS: {len(CASES)} rules found" in done.stdout


@needs_promtool
@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires(tmp_path: Path, alert: str) -> None:
    series, values, at = CASES[alert]
    given = {series: values, **dict([BESIDE[alert]] if alert in BESIDE else ())}
    assert f'alertname="{alert}"' in run_case(tmp_path, given, [alert], at)


@needs_promtool
def test_none_fires_while_all_is_well(tmp_path: Path) -> None:
    assert run_case(tmp_path, WELL, CASES, "15m") == ""
