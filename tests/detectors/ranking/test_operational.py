"""What breaks though nobody changed it, each by its mechanism; and what only looks like it."""

from cases.bundle import Readings
from detectors.ranking.ranking import Ranking, rank_bundle
from detectors.ranking.verdict import Verdict
from tests.detectors.ranking.incidents import ONSET, bundle, entries, ms, readings, spans

QUIET = {"entries": (), "spans": (), "deploys": (), "commits": ()}
ERRORS = {("front", "errors"): readings(0.01, 0.2, seed=1), ("cart", "errors"): readings(0.01, 0.4, seed=2)}


def kind(ranking: Ranking) -> str:
    return ranking.suspects[0].id if ranking.verdict is Verdict.OPERATIONAL else str(ranking.verdict)


def told(message: str) -> str:
    return kind(rank_bundle(bundle(**{**QUIET, "series": ERRORS, "entries": entries(message)})))


def shown(metric: str, before: float, after: float, service: str = "cart") -> str:
    series = {**ERRORS, (service, metric): readings(before, after, seed=3)}
    return kind(rank_bundle(bundle(**{**QUIET, "series": series})))


def test_each_kind_is_known_by_what_the_logs_say_beside_a_metric_that_moved() -> None:
    assert told("tls: x509: certificate has expired") == "certificate expiry"
    assert told("dial: lookup db.internal: no such host") == "DNS failure"
    assert told("https://api.cardpay.example/v1 503 Service Unavailable") == "provider outage"
    assert told("write /var/lib/x: no space left on device") == "node failure"
    assert told("cannot parse record: unexpected field amount_v2") == "bad data"
    assert told("request failed") == "shortlist"


def test_each_kind_is_known_by_metrics_alone() -> None:
    assert shown("requests", 100, 250) == "traffic surge"
    assert shown("tls_certificate_expires_in_hours", 2, -1) == "certificate expiry"
    assert shown("dns_servfail_rate", 0.1, 30, "coredns") == "DNS failure"
    assert shown("node_disk_used_ratio", 0.7, 0.99, "node-7") == "node failure"
    assert shown("records_rejected", 1, 60) == "bad data"
    assert shown("cache_hits", 100, 250) == "shortlist"


def test_log_lines_without_anything_that_moved_are_no_cause() -> None:
    calm = {("front", "errors"): readings(0.01, 0.2, seed=1), ("cart", "errors"): readings(0.01, seed=2)}
    quiet = bundle(**{**QUIET, "series": calm, "entries": entries("x509: certificate has expired")})
    assert kind(rank_bundle(quiet)) == "shortlist"


def test_retries_behind_a_failing_service_are_no_surge() -> None:
    series = {
        **ERRORS,
        ("front", "requests"): readings(100, seed=4),
        ("cart", "requests"): readings(100, 300, seed=5),
        ("ads", "requests"): readings(100, seed=6),
    }
    assert kind(rank_bundle(bundle(**{**QUIET, "series": series, "spans": spans()}))) == "shortlist"


def test_a_service_that_is_called_and_not_ours_is_a_provider() -> None:
    series = {("front", "errors"): readings(0.01, 0.2, seed=1)}
    assert kind(rank_bundle(bundle(**{**QUIET, "series": series, "spans": spans(failing="cart")}))) == "provider outage"


def test_series_that_end_together_were_on_one_machine() -> None:
    def cut(each: Readings) -> Readings:
        kept = each.times < ms(ONSET)
        return Readings(times=each.times[kept], values=each.values[kept])

    gone = {(f"s{n}", "cpu"): cut(readings(1.0, seed=n)) for n in range(3)}
    assert kind(rank_bundle(bundle(**{**QUIET, "series": {**ERRORS, **gone}}))) == "node failure"
