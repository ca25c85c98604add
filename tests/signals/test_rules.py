"""Alert rules taken apart, held against a real Prometheus: past the threshold exactly where the rule holds."""

from collections.abc import Generator
from datetime import timedelta

import numpy as np
import pytest

from cases.errors import SourceDown
from cases.moments import from_milliseconds
from cases.telemetry import Direction, SeriesBlock, Severity, Signal
from detectors.threshold import beyond
from signals.prometheus import PrometheusSource
from signals.promql_split import Split, understood
from signals.rules import AlertRule, readings_of, rules_of
from tests.parts.prometheus import exposition, running_prometheus

FIRST = 1_780_000_000 // 60 * 60
POINTS = 60
STEP = timedelta(minutes=1)
SERVICES = ("cart", "mail", "tax")


def samples(seed: int, *, gaps: bool = False) -> list[tuple[float, float]]:
    """A small whole number a minute, the same at every run; some of them exactly on the thresholds below."""
    draws = np.random.default_rng(seed).integers(-3, 9, POINTS)
    return [(FIRST + 60.0 * at, float(value)) for at, value in enumerate(draws) if not gaps or at % 20 < 12]


RULES = """
groups:
- name: shop
  rules:
  - {record: "a:sum", expr: "sum(a)"}
  - {alert: High, expr: "a > 5", for: 5m, labels: {severity: critical}, annotations: {runbook_url: "https://wiki.example/high", summary: "{{ $labels.service }} is high"}}
  - {alert: Slow, expr: "a > 3", labels: {severity: warning}}
  - {alert: Slow, expr: "a > 7", labels: {severity: page}}
  - {alert: Odd, expr: "a == 4", labels: {severity: info, team: "{{ $labels.service }}", area: shop}}
  - {alert: Odd, expr: "b == 4", labels: {severity: info}}
"""  # noqa: E501 - one rule a line


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrometheusSource]:
    folder = tmp_path_factory.mktemp("prometheus")
    series = {
        metric: {
            (("service", service), *(extra,)): samples(10 * place + number, gaps=metric == "c")
            for place, service in enumerate(SERVICES)
        }
        for number, (metric, extra) in enumerate(
            [("a", ("zone", "1")), ("b", ("zone", "1")), ("c", ("zone", "1")), ("d", ("zone", "2"))]
        )
    }
    history = "\n".join(exposition(metric, rows) for metric, rows in series.items()) + "\n# EOF\n"
    (folder / "rules.yml").write_text(RULES)
    with running_prometheus(folder, history, "global: {}\nrule_files: [rules.yml]\n") as running:
        source = PrometheusSource("main", url=running.url)
        yield source
        source.close()


def read(source: PrometheusSource, query: str, split: Split | None = None) -> SeriesBlock:
    threshold, harm = (split.threshold, split.harm) if split else (None, None)
    signal = Signal(name="s", service="", source="main", query=query, threshold=threshold, harm=harm)
    start = from_milliseconds(FIRST * 1000)
    return source.read(signal, start, start + (POINTS - 1) * STEP, STEP)


def holds(block: SeriesBlock, where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> set[tuple[int, str]]:
    """(time, labels without the metric's name) of every place where it is so."""
    named = [str(sorted((k, v) for k, v in labels.items() if k != "__name__")) for labels in block.labels]
    return {(int(block.times[column]), named[row]) for row, column in np.argwhere(where)}


@pytest.mark.parametrize(
    ("expression", "threshold", "harm"),
    [
        ("a > 5", 5, "up"),
        ("a >= 5", 5, "up"),
        ("a < 0", 0, "down"),
        ("a <= -1", -1, "down"),
        ("5 < a", 5, "up"),
        ("(((a))) > (2 + 1) * 2 ^ 1 - 2", 4, "up"),
        ("a > -(1)", -1, "up"),
        ("a / b > 0.5", 0.5, "up"),
        ("a - (b - c) > 2 # d", 2, "up"),
        ("sum by (service) (a) / ignoring (zone) sum without (zone) (b) > 1", 1, "up"),
        ('a{service=~"cart|m\\\\wil", zone!="2"} > 3', 3, "up"),
        ("a > b", 0, "up"),
        ("a > on (service) d", 0, "up"),
        ("a < ignoring (zone) group_left () d", 0, "down"),
        ("a > time() - 1780000000", 0, "up"),
        ("a > 2 and b > 3", 2, "up"),
        ("a > -2 and on (service) d > 3", -2, "up"),
        ("a < 2 unless on (service) d > 3", 2, "down"),
        ("(a > 2 and b > 0) and d < 9 or 0 * a > 9", None, ""),
        ("a > 2 and on (service) c > -9", 2, "up"),
        ("count(a == 4) > 0", 0, "up"),
        ("sum by (service) (a > on (service) d) > 1", 1, "up"),
        ("a > 1 > 4", 4, "up"),
        ("avg_over_time(a[5m:1m] offset 2m) > 2", 2, "up"),
        ("max_over_time((a > 5)[5m:1m]) > 6", 6, "up"),
        ("a > 5 or b > 5", None, ""),
        ("a == 4", None, ""),
        ("a > bool 3", None, ""),
        ("a and b", None, ""),
        ("vector(1)", None, ""),
        ("a > Inf", None, ""),
    ],
)
def test_a_split_rule_is_past_its_threshold_exactly_where_the_rule_holds(
    source: PrometheusSource, expression: str, threshold: float | None, harm: str
) -> None:
    seen = understood(expression)
    if threshold is None:
        assert seen.split is None
        assert seen.why
        return
    assert seen.split is not None
    assert (seen.split.threshold, seen.split.harm) == (pytest.approx(threshold), harm)
    rule, ours = read(source, expression), read(source, seen.split.query, seen.split)
    fires = holds(rule, ~rule.missing)
    assert fires  # a rule that never holds would prove nothing
    assert fires < holds(ours, ~ours.missing)  # there is a reading where it does not hold, too
    assert holds(ours, beyond(ours)) == fires


def test_a_condition_that_does_not_hold_is_a_harmless_reading_and_no_gap(source: PrometheusSource) -> None:
    for expression in ("a > 2 and b > 3", "count(a == 4) > 0", "a < 2 unless on (service) d > 3"):
        split = understood(expression).split
        assert split is not None
        assert not read(source, split.query).missing.any()


def test_absence_reads_one_while_there_is_nothing_and_zero_otherwise(source: PrometheusSource) -> None:
    seen = understood('absent(a{service="cart"})')
    assert seen.split == Split(query='max(absent(a{service="cart"}) or vector(0))', threshold=0.5, harm=Direction.UP)
    assert seen.fixed == {"service": "cart"}
    assert seen.split is not None
    (here,) = read(source, seen.split.query).values
    assert set(here) == {0.0}
    gone = understood('absent(a{service="nobody"})').split
    assert gone is not None
    (there,) = read(source, gone.query).values
    assert set(there) == {1.0}


def test_what_every_selector_fixes_names_the_service() -> None:
    assert understood('rate(a{service="cart",z="1"}[5m]) / rate(b{service="cart"}[5m]) > 1').fixed == {
        "service": "cart"
    }
    assert understood('a{service="cart"} > on () b').fixed == {}
    assert understood('a{service=~"cart"} > 1').fixed == {}


@pytest.mark.parametrize("text", ["a >", "", "a > 1 >", "made_up(a) > 1", "a{", "\x00", "a > " + "(" * 40])
def test_what_is_no_promql_here_is_said(text: str) -> None:
    seen = understood(text)
    assert seen.split is None
    assert "cannot be parsed" in seen.why


def test_rules_are_read_with_what_they_ask_of_a_human(source: PrometheusSource) -> None:
    rules = rules_of("main", source)
    assert [rule.name for rule in rules] == ["High", "Slow", "Slow", "Odd", "Odd"]
    high = rules[0]
    assert (high.severity, high.hold) == (Severity.PAGE, timedelta(minutes=5))
    assert high.annotations["runbook_url"] == "https://wiki.example/high"
    assert rules[1].severity is Severity.TICKET
    assert rules[3].severity is Severity.NOTE
    assert rules[3].set_labels == {"severity": "info", "area": "shop"}
    assert high.matches({"severity": "page|critical"})
    assert not rules[1].matches({"severity": "page|critical"})
    assert not high.matches({"severity": "crit"})  # anchored
    assert high.matches({"team": "|shop"})  # a label that is not there is empty, as in PromQL


def test_rules_of_one_name_are_told_apart(source: PrometheusSource) -> None:
    named = [reading.name for reading in readings_of(rules_of("main", source))]
    assert named[:3] == ["High", "Slow-warning", "Slow-page"]
    assert named[3] != named[4]
    assert all(name.startswith("Odd-") for name in named[3:])


def test_a_rule_that_cannot_be_split_is_watched_by_its_firing_state(source: PrometheusSource) -> None:
    odd = readings_of(rules_of("main", source))[3]
    assert "`==` has no side" in odd.because
    query = odd.query_of({"service": "cart"})
    wanted = 'alertname="Odd",alertstate="firing",area="shop",service="cart",severity="info"'
    assert query == f"max(ALERTS{{{wanted}}}) or vector(0)"
    block = read(source, query)
    assert block.labels == ({},)
    assert set(block.values[0]) == {0.0}  # it does not fire: seen, and fine


class OddApi:
    """An API that answers with whatever a test says."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def api(self, path: str, what: str, params: object = None) -> object:
        del path, what, params
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"groups": None}, {"groups": [{"name": "x"}]}, {"groups": [{"name": "x", "rules": [1]}]},
     {"groups": [{"name": "x", "rules": [{"type": "alerting", "name": "y", "query": "a", "duration": "soon"}]}]},
     {"groups": [{"name": "x", "rules": [{"type": "alerting", "name": "", "query": "", "duration": 1, "labels": 3}]}]}],
)  # fmt: skip
def test_an_answer_of_another_shape_is_a_source_that_is_down(answer: object) -> None:
    with pytest.raises(SourceDown, match="main: answered in an unknown shape for the alert rules"):
        rules_of("main", OddApi(answer))


def test_a_rule_says_its_own_service_only_without_a_template() -> None:
    labels = {"service": "{{ $labels.app }}", "app": "cart"}
    rule = AlertRule(name="x", group="g", expression="a > 1", hold=timedelta(0), labels=labels, annotations={})
    assert rule.set_labels == {"app": "cart"}
