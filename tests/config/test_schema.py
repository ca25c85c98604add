"""The JSON Schema accepts what loads, refuses what is misshapen, and is the one that is checked in."""

from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from config import document, schema
from config.errors import ConfigError
from config.load import load
from config.template import TEMPLATE
from daemon.main import trackwalker
from tests.parts.settings import a_document

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BROKEN = sorted((HERE / "broken").glob("*.yaml"))

UNREADABLE = frozenset({
    "anchor_in_itself", "duplicate_key", "key_not_a_word", "merge_of_nothing", "not_yaml", "not_yaml_colon",
    "python_tag", "secret_as_alias", "secret_as_tag", "tab", "two_documents",
})  # fmt: skip
"""Broken files of which no editor's schema is asked: they are no plain YAML."""
BEYOND = frozenset({
    # what one value says of another
    "access", "authority", "authority_veto", "authority_without_file", "companions", "config_repository_unknown",
    "doubles", "forge", "enrich_without_alertmanager", "lengths",
    "limits_beside", "listen_without_token", "model_failover", "model_incomplete", "model_nobody",
    "model_without_script", "query_missing", "recipes", "repository_on_another_host", "service_references",
    "service_without_repository", "slo_beside", "source_not_chosen", "source_unknown", "sql_references", "thresholds",
    "traffic_beside", "tune", "vectors_in_a_file",
    # what a form cannot say
    "duration_century", "duration_zero", "expressions", "listen_port_too_high", "marker_expressions",
    "secret_env_name",
    # of windows, and of whom Alertmanager speaks for
    "alertmanager_direct", "alertmanager_link", "experiments", "analytics",
    "approvals_beside", "maintenance_ways", "routes_beside", "segments",
})  # fmt: skip
"""Broken files that are well shaped."""

CONTRACT = """\
store: sqlite:///trackwalker.db
cycle: 30s
runtime: {executor: inline}
signals:
  prometheus: [{name: main, url: http://127.0.0.1:9090, headers: {X-Scope-OrgID: env:TENANT}}]
  loki:       [{name: logs, url: http://127.0.0.1:3100, selector: '{app=~".+"}', service_label: app}]
  alertmanager: {url: http://127.0.0.1:9093}
  sql:        [{name: orders, url: postgresql+psycopg://reader@127.0.0.1/shop, query: "select 1 as value", every: 1h}]
catalog:
  service_labels: [service, app, job]
  from: [{prometheus: argocd_app_info, service: "{name}", config_repository: "{repo}"}, {files: "**/catalog-info.yaml"}]
watch:
  - {import: prometheus_rules, match: {severity: "page|critical"}}
  - {name: errors, by: service, source: main, query: 'sum by (service) (rate(http_requests_total{status=~"5.."}[1m]))',
     detector: auto, harm: up, severity: page}
services:
  - {name: shop, repository: shop, paths: ["**"], depends: [], owners: ["@sre"], runbook: https://wiki.example/shop,
     test: null, reproduce: null,
     config: {repository: gitops, file: prod/shop/values.yaml, image_tag: .image.tag, render: "helm template ."}}
repositories:
  - {name: shop, url: http://127.0.0.1:3000/acme/shop.git, branch: main, forge: github, full_name: acme/shop,
     setup: null, test: "python -m pytest -q", reproduce: null,
     sandbox: {image: trackwalker-base, memory_mib: 512, timeout: 10m}}
  - {name: gitops, url: http://127.0.0.1:3000/acme/gitops.git, full_name: acme/gitops}
deploys:
  - {prometheus: build_info, commit_label: revision}
  - {github_deployments: {environment: production}}
  - {webhook: argocd}
  - {merge: {delay: 2m}}
forge: {api_url: http://127.0.0.1:3000/api/v3, token: env:GITHUB_TOKEN}
model: {provider: anthropic, base_url: null, api_key: env:ANTHROPIC_API_KEY, diagnose: a-model, draft: a-model}
sandbox: {runtime: docker, timeout: 10m, memory_mib: 512, cpus: 1, pids: 128}
scope: {allow: ["src/**", "config/**"], deny: [], max_files: 3, max_lines: 60}
authority: {default: observe}
budget: {usd_per_day: 5, usd_per_case: 0.5, prs_per_hour: 1, prs_open: 3}
alerts:
  mode: enrich
  receivers:
    - {name: oncall, slack: env:SLACK_WEBHOOK}
    - {name: mail, email: sre@example.com, smtp: 127.0.0.1:25}
links: {grafana: https://grafana.example, prometheus: https://prometheus.example}
api: {listen: 127.0.0.1:8040, public_url: null, token: env:TRACKWALKER_TOKEN}
"""


def lists(value: object) -> object:
    """A document's value as JSON has it."""
    if isinstance(value, tuple):
        return [lists(entry) for entry in cast("tuple[object, ...]", value)]
    if isinstance(value, dict):
        return {name: lists(held) for name, held in cast("dict[str, object]", value).items()}
    return value


def complaints(text: str) -> list[str]:
    """What an editor would underline."""
    value = lists(document.parse(text, "trackwalker.yaml").value)
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(value)]


VALIDATOR: Any = Draft202012Validator(schema.schema())


def test_it_is_a_schema_of_its_dialect() -> None:
    Draft202012Validator.check_schema(schema.schema())
    assert schema.schema()["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


def test_the_one_that_is_checked_in_is_fresh() -> None:
    kept = (ROOT / "docs" / "trackwalker.schema.json").read_text()
    assert kept == schema.text(), "renew it: trackwalker config schema > docs/trackwalker.schema.json"


@pytest.mark.parametrize(
    "text", [(HERE / "full.yaml").read_text(), TEMPLATE, CONTRACT], ids=["every key", "template", "contract"]
)
def test_what_loads_is_accepted(tmp_path: Path, text: str) -> None:
    (tmp_path / "trackwalker.yaml").write_text(text)
    load(tmp_path / "trackwalker.yaml")
    assert complaints(text) == []


def test_a_file_that_includes_may_leave_the_rest_to_others() -> None:
    assert complaints("include: conf.d/*.yaml\n") == []
    assert complaints("include: [conf.d/a.yaml, conf.d/b.yaml]\ncycle: 10s\n") == []
    assert len(complaints("cycle: 10s\n")) == 4  # signals, watch, repositories, forge
    assert len(complaints("include: conf.d/*.yaml\ncycle: 10\n")) == 1


def test_the_broken_files_are_told_apart() -> None:
    names = {path.stem for path in BROKEN}
    assert names > UNREADABLE | BEYOND
    assert len(names - UNREADABLE - BEYOND) >= 40


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_misshapen_file_is_refused(path: Path) -> None:
    try:
        found = complaints(path.read_text())
    except ConfigError:
        assert path.stem in UNREADABLE
    else:
        assert (not found) == (path.stem in BEYOND)


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"import": "prometheus_rules", "colour": 1}, "colour"),
        ({"name": "errors", "by": "service", "query": "x", "colour": 1}, "colour"),
        ({"name": "errors", "service": "shop", "query": "x", "colour": 1}, "colour"),
    ],
    ids=["import", "family", "watch"],
)
def test_a_mistake_in_one_of_several_kinds_is_one_complaint(entry: dict[str, Any], key: str) -> None:
    (error,) = VALIDATOR.iter_errors(a_document(watch=[entry]))
    assert key in error.message
    assert list(error.absolute_path) == ["watch", 0]


def test_everything_has_a_purpose_and_no_choice_is_left_open() -> None:
    whole = schema.schema()
    groups: list[dict[str, Any]] = [whole, *whole["$defs"].values()]
    assert all(group["title"] and group["additionalProperties"] is False for group in groups)
    titles = [group["title"] for group in groups]
    assert len(titles) == len(set(titles))
    fields = [field for group in groups for field in group["properties"].values()]
    assert all(field["description"].endswith(".") for field in fields)
    assert not [field for field in fields if "anyOf" in field or "oneOf" in field]


def test_the_command_prints_it() -> None:
    shown = CliRunner().invoke(trackwalker, ["config", "schema"])
    assert (shown.stdout, shown.stderr, shown.exit_code) == (schema.text(), "", 0)
