"""The shipped dashboard: a real Prometheus that reads a real daemon's page understands each of its queries."""

import json
import re
import threading
import urllib.parse
import urllib.request
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from cases.moments import EPOCH
from tests.parts.playhouse import NORMAL, house
from tests.parts.prometheus import running_prometheus

TOP = Path(__file__).parents[2]
GRAFANA = TOP / "deploy" / "grafana"
BOARD: dict[str, Any] = json.loads((GRAFANA / "trackwalker.json").read_text())
PANELS: list[dict[str, Any]] = BOARD["panels"]
DRAWN = [panel for panel in PANELS if panel["type"] != "row"]
EXPRS = [target["expr"] for panel in DRAWN for target in panel["targets"]]
RULES = TOP / "deploy" / "prometheus" / "trackwalker-alerts.yml"
VARIABLES = {"$job": ".*", "$__rate_interval": "5m", "${datasource}": "main"}


def written_out(expr: str) -> str:
    """The query, as Grafana sends it."""
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    return expr


def asked(url: str, path: str, **params: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(params)}", timeout=10) as answer:  # noqa: S310 - our own address
        document: dict[str, Any] = json.load(answer)
    assert document["status"] == "success"
    return document["data"]


def test_a_prometheus_that_reads_a_daemon_understands_dashboard_and_rules(tmp_path: Path) -> None:
    (tmp_path / "prometheus").mkdir()
    with house(tmp_path) as there, there.alive() as app:
        there.readings.levels = [(EPOCH, NORMAL)]  # nothing to do but to look
        there.passes()
        with urllib.request.urlopen(f"{app.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own address
            page = answer.read().decode()
        scraped = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {"job_name": "trackwalker", "static_configs": [{"targets": [app.url.removeprefix("http://")]}]}
            ],
        }
        with running_prometheus(tmp_path / "prometheus", config=yaml.safe_dump(scraped)) as prometheus:
            pause = threading.Event()
            rules: list[dict[str, Any]] = []
            for _ in range(100):
                rules = [rule for group in asked(prometheus.url, "rules")["groups"] for rule in group["rules"]]
                seen = asked(prometheus.url, "query", query="up{job='trackwalker'} == 1")["result"]
                if seen and rules and all(rule["health"] != "unknown" for rule in rules):
                    break
                pause.wait(0.1)
            assert [rule["name"] for rule in rules if rule["health"] != "ok" or rule.get("lastError")] == []
            shown = {expr: asked(prometheus.url, "query", query=written_out(expr))["result"] for expr in EXPRS}
            job = asked(prometheus.url, "query", query="trackwalker_stage_total{stage='detect', ending='done'}")
            assert job["result"][0]["metric"]["job"] == "trackwalker"
            assert shown[next(expr for expr in EXPRS if "trackwalker_paused" in expr)][0]["value"][1] == "0"

    exposed = set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE))
    text = " ".join(EXPRS) + RULES.read_text()
    named = {re.sub("_bucket$", "", name) for name in re.findall(r"\b(?:trackwalker|process)_\w+", text)}
    assert len(named) >= 25
    assert named - exposed == set()


def test_its_panels_are_such_as_grafana_draws() -> None:
    ids = [panel["id"] for panel in PANELS]
    assert len(ids) == len(set(ids))
    assert {panel["type"] for panel in PANELS} == {"row", "stat", "timeseries"}
    for panel in DRAWN:
        assert panel["title"]
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert [target["refId"] for target in panel["targets"]] == ["A", "B", "C"][: len(panel["targets"])]
        assert all(target["expr"] and target["legendFormat"] for target in panel["targets"])
    assert {variable["name"] for variable in BOARD["templating"]["list"]} == {"datasource", "job"}
    assert re.findall(r"\$\{?(\w+)", " ".join(EXPRS)).count("job") >= len(DRAWN)


def test_no_panel_lies_on_another() -> None:
    for panel in PANELS:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for one, other in combinations((panel["gridPos"] for panel in PANELS), 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart


def test_what_provisions_it_names_what_is_there() -> None:
    source = yaml.safe_load((GRAFANA / "datasource.yml").read_text())["datasources"][0]
    assert source["type"] == BOARD["templating"]["list"][0]["query"] == "prometheus"
    services = yaml.safe_load((TOP / "compose.yaml").read_text())["services"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services
    provider = yaml.safe_load((GRAFANA / "dashboards.yml").read_text())["providers"][0]
    assert provider["type"] == "file"
    assert provider["options"]["path"].startswith("/")
