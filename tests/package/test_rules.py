"""The shipped alert rules, run by the real promtool: each fires on what it is for, and is quiet on what it is not."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from daemon.observe.metrics import Metrics

TOP = Path(__file__).parents[2]
RULES = TOP / "deploy" / "prometheus" / "trackwalker-alerts.yml"
GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule
}
ONE = 'job="trackwalker", instance="one"'


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Series in promtool's notation, a sample every so many minutes, and what the alert says of them at a minute."""

    fires: dict[str, str]
    quiet: dict[str, str]
    at: int
    says: str
    every: int = 1
    labels: dict[str, str] = field(default_factory=lambda: {"job": "trackwalker", "instance": "one"})


JOB = {"job": "trackwalker"}


def one(metric: str, values: str, more: str = "") -> dict[str, str]:
    return {f"{metric}{{{ONE}{', ' + more if more else ''}}}": values}


def two(metric: str, first: str, second: str) -> dict[str, str]:
    """The same from two daemons."""
    return {f'{metric}{{job="trackwalker", instance="{name}"}}': v for name, v in (("one", first), ("two", second))}


SCENARIOS: dict[str, Scenario] = {
    "TrackwalkerDown": Scenario(
        fires=one("up", "1 0x20"),
        quiet=one("up", "1x10 0 0 1x20"),
        at=15,
        says="Trackwalker does not answer, so nobody watches what a deploy does to its metric.",
    ),
    "TrackwalkerCycleStuck": Scenario(
        fires=one("trackwalker_turns_total", "0+240x10 2400x10"),
        quiet=one("trackwalker_turns_total", "0+1x20"),
        at=18,
        says="The loop of one has not come round for minutes, though the process answers.",
    ),
    "TrackwalkerPollLate": Scenario(
        fires=one("trackwalker_stage_done_timestamp_seconds", "0x20", 'stage="detect"')
        | one("trackwalker_cycle_seconds", "30x20"),
        quiet=one("trackwalker_stage_done_timestamp_seconds", "0x20", 'stage="detect"')
        | one("trackwalker_cycle_seconds", "600x20"),
        at=10,
        says="one has not read its signals for 10m 0s.",
    ),
    "TrackwalkerBlind": Scenario(
        fires=one("trackwalker_blind_signals", "0 2x20"),
        quiet=one("trackwalker_blind_signals", "2x10 0 2x20"),
        at=17,
        says="2 signals cannot be judged by one.",
    ),
    "TrackwalkerQueueOld": Scenario(
        fires=two("trackwalker_queue_age_seconds", "1500x30", "0x30"),
        quiet=two("trackwalker_queue_age_seconds", "800x30", "0x30"),
        at=25,
        says="A case has been due for 25m 0s and nobody works on it.",
        labels=JOB,
    ),
    "TrackwalkerOutboxOld": Scenario(
        fires=one("trackwalker_outbox_age_seconds", "3600x30", 'kind="SendNotice"'),
        quiet=one("trackwalker_outbox_age_seconds", "3600x5 0x30", 'kind="SendNotice"'),
        at=20,
        says="A SendNotice was promised 1h 0m 0s ago and is not done.",
        labels={**JOB, "kind": "SendNotice"},
    ),
    "TrackwalkerEffectsDropped": Scenario(
        fires=two("trackwalker_outbox_dropped", "3x5", "3x5"),
        quiet=two("trackwalker_outbox_dropped", "0x5", "0x5"),
        at=5,
        says="3 effects were given up in the last day.",
        labels=JOB,
    ),
    "TrackwalkerLeaseSteals": Scenario(
        fires=two("trackwalker_lease_steals_total", "0x10 4x60", "0x10 4x60"),
        quiet=two("trackwalker_lease_steals_total", "0x10 1x60", "0x10 1x60"),
        at=60,
        says="8 cases were taken over from silent daemons in the last hour.",
        labels=JOB,
    ),
    "TrackwalkerStageFailing": Scenario(
        fires=one("trackwalker_stage_total", "0+3x70", 'stage="propose", ending="later"')
        | one("trackwalker_stage_total", "0+1x70", 'stage="propose", ending="done"'),
        quiet=one("trackwalker_stage_total", "0+1x70", 'stage="propose", ending="later"')
        | one("trackwalker_stage_total", "0+3x70", 'stage="propose", ending="waiting"'),
        at=65,
        says="Stage propose ends in an error 75% of the time.",
        labels={**JOB, "stage": "propose"},
    ),
    "TrackwalkerBudgetNearlySpent": Scenario(
        fires=one("trackwalker_budget_usd", "4.5x20", 'window="day", what="spent"')
        | one("trackwalker_budget_usd", "5x20", 'window="day", what="cap"'),
        quiet=one("trackwalker_budget_usd", "0x20", 'window="day", what="spent"')
        | one("trackwalker_budget_usd", "0x20", 'window="day", what="cap"'),
        at=10,
        says="90% of budget.usd_per_day is spent or set aside.",
        labels=JOB,
    ),
    "TrackwalkerLedgerFailing": Scenario(
        fires=one("trackwalker_ledger_errors_total", "0+10x20"),
        quiet=one("trackwalker_ledger_errors_total", "0x5 1x20"),
        at=14,
        says="one cannot read or write its store.",
    ),
    "TrackwalkerBackupOld": Scenario(
        fires=two("trackwalker_last_backup_timestamp_seconds", "0x100", "_x100")
        | two("process_start_time_seconds", "0x100", "100000x100"),
        quiet=two("trackwalker_last_backup_timestamp_seconds", "0x100", "100000x100")
        | two("process_start_time_seconds", "0x100", "0x100"),
        at=2250,
        every=30,
        says="There is no copy of the store of the last 36 hours.",
        labels=JOB,
    ),
    "TrackwalkerReloadRefused": Scenario(
        fires=one("trackwalker_config_reload_ok", "1 0x20"),
        quiet=one("trackwalker_config_reload_ok", "0x3 1x20"),
        at=8,
        says="one refused its new configuration and goes on with the old one.",
    ),
    "TrackwalkerMemoryHigh": Scenario(
        fires=one("process_resident_memory_bytes", "250000000x30"),
        quiet=one("process_resident_memory_bytes", "120000000x30"),
        at=20,
        says="one holds 250MB of memory.",
    ),
    "TrackwalkerPausedLong": Scenario(
        fires=two("trackwalker_paused", "1x60", "1x60"),
        quiet=two("trackwalker_paused", "1x20 0 1x60", "1x20 0 1x60"),
        at=1500,
        every=30,
        says="Everything has been paused for a day.",
        labels=JOB,
    ),
    "TrackwalkerConfigsDiffer": Scenario(
        fires={
            'trackwalker_config_digest_info{job="trackwalker", instance="one", digest="aa"}': "1x60",
            'trackwalker_config_digest_info{job="trackwalker", instance="two", digest="bb"}': "1x60",
        },
        quiet={
            'trackwalker_config_digest_info{job="trackwalker", instance="one", digest="aa"}': "1x60",
            'trackwalker_config_digest_info{job="trackwalker", instance="two", digest="aa"}': "1x60",
        }
        | two("trackwalker_configs", "2x10 1x60", "2x10 1x60"),
        at=45,
        says="Daemons on one store go by 2 different configurations.",
        labels=JOB,
    ),
}


def test_promtool_accepts_them() -> None:
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True, capture_output=True)


def test_each_alert_is_tried() -> None:
    assert SCENARIOS.keys() == ALERTS.keys()


def test_each_fires_on_what_it_is_for_and_on_nothing_else(tmp_path: Path) -> None:
    files: list[str] = []
    for minutes in {scenario.every for scenario in SCENARIOS.values()}:
        told = [one for alert, it in SCENARIOS.items() if it.every == minutes for one in both_of(alert, it)]
        document = {"rule_files": [str(RULES)], "evaluation_interval": f"{minutes}m", "tests": told}
        files.append(str(tmp_path / f"every_{minutes}.yml"))
        Path(files[-1]).write_text(yaml.safe_dump(document, width=1000))
    ended = subprocess.run(["promtool", "test", "rules", *files], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def both_of(alert: str, scenario: Scenario) -> list[dict[str, Any]]:
    """Both tests of an alert, as promtool reads them."""
    rule = ALERTS[alert]
    told = {
        "exp_labels": {**scenario.labels, **rule["labels"]},
        "exp_annotations": {**rule["annotations"], "summary": scenario.says},
    }
    return [
        {
            "name": f"{alert} {name}",
            "interval": f"{scenario.every}m",
            "input_series": [{"series": key, "values": values} for key, values in series.items()],
            "alert_rule_test": [{"eval_time": f"{scenario.at}m", "alertname": alert, "exp_alerts": expected}],
        }
        for name, series, expected in (("fires", scenario.fires, [told]), ("quiet", scenario.quiet, []))
    ]


@pytest.mark.parametrize("alert", ALERTS)
def test_it_says_what_to_do_and_where_more_is_written(alert: str) -> None:
    rule = ALERTS[alert]
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (TOP / page).read_text(), re.MULTILINE)
    assert anchor == alert.lower()
    assert alert in headings


def test_records_are_named_as_prometheus_has_it_and_used_as_they_are_named() -> None:
    records = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
    used = set(re.findall(r"\btrackwalker:[\w:]+", "".join(rule["expr"] for rule in ALERTS.values())))
    assert used <= records
    assert all(re.fullmatch(r"trackwalker:\w+:\w+", record) for record in records)


def test_every_metric_that_they_name_is_on_the_page() -> None:
    exposed = set(re.findall(r"^# TYPE (\w+) ", Metrics().render().decode(), re.MULTILINE))
    exprs = " ".join(rule["expr"] for group in GROUPS for rule in group["rules"])
    named = {re.sub(r"_bucket$", "", name) for name in re.findall(r"\b(?:trackwalker|process)_\w+", exprs)}
    assert len(named) >= 15
    assert named <= exposed
