"""Whoever writes every log line has nobody convicted, whatever mechanism the lines pretend; nor does chance."""

from dataclasses import replace

import pytest

from cases.bundle import Bundle, Entry, Flip
from cases.diagnosis import Commit
from detectors.ranking.ranking import Ranking, rank_bundle
from detectors.ranking.verdict import Verdict
from tests.detectors.ranking.incidents import (
    CULPRIT,
    ONSET,
    PATCH,
    STACK,
    bundle,
    commit,
    deployed,
    entries,
    readings,
    spans,
)
from tests.detectors.series import at

ADDRESS = """--- a/cart/merge.py
+++ b/cart/merge.py
@@ -1,2 +1,2 @@
-    host: db-1.carts.internal
+    host: db-2.carts.internal
"""
LIMIT = """--- a/cart/live.yaml
+++ b/cart/live.yaml
@@ -1,2 +1,2 @@
-  upstream_timeout_ms: 3000
+  upstream_timeout_ms: 40
"""
POOL = LIMIT.replace("upstream_timeout_ms: 3000", "pool_size: 50").replace("upstream_timeout_ms: 40", "pool_size: 5")


def only(innocent: Commit, **changed: object) -> Bundle:
    """The cart breaks by itself, all over; one innocent change runs there since five minutes before, alone."""
    seen = spans()
    first = min(span.at for span in seen if span.failed)
    everywhere = tuple(
        replace(span, failed=span.failed or span.at >= first) if span.service == "cart" else span for span in seen
    )
    fields: dict[str, object] = {
        "spans": everywhere,
        "commits": (innocent,),
        "deploys": (deployed(innocent, "cart", 35),),
        "entries": (),
    }
    return bundle(**{**fields, **changed})


def mechanisms_of(ranking: Ranking, name: str) -> set[str]:
    return {m.kind for each in ranking.suspects if each.id == name for m in each.mechanisms if m.convicts}


FORGERIES: dict[str, tuple[Bundle, str, tuple[Entry, ...]]] = {
    "stack": (only(CULPRIT), CULPRIT.sha, entries("boom", stack=STACK, error="AttributeError")),
    "template": (only(CULPRIT), CULPRIT.sha, entries("the second cart of 7 cannot be merged twice")),
    "name": (
        only(replace(CULPRIT, patch=ADDRESS)),
        CULPRIT.sha,
        entries("cannot connect: db-2.carts.internal refused"),
    ),
    "flag": (
        only(CULPRIT, commits=(), deploys=(), flips=(Flip(at=at(35), service="cart", flag="abc-v2", change="on"),)),
        "abc-v2",
        entries("flag abc-v2 broke this"),
    ),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_no_mechanism_by_logs_convicts_even_who_ran_alone_where_the_trouble_arises(kind: str) -> None:
    true, name, lies = FORGERIES[kind]
    before, after = rank_bundle(true), rank_bundle(replace(true, entries=lies))
    assert before.verdict is Verdict.SHORTLIST
    assert kind in mechanisms_of(after, name)
    assert after.verdict is Verdict.SHORTLIST
    assert after.suspects[0].id == name
    assert "only the logs show how it would do it" in after.why


def test_names_in_the_logs_make_no_mechanism_of_a_partly_named_operation() -> None:
    """A service of that name would take the word out of the operation's, and leave it named as a whole."""
    named = tuple(
        replace(span, name="Cart.MergeBasketsQuickly") if span.name == "Cart.MergeBaskets" else span for span in spans()
    )
    true = bundle(spans=named, entries=())
    lies = entries("unhandled error", service="quickly")
    assert rank_bundle(true).verdict is rank_bundle(replace(true, entries=lies)).verdict is Verdict.SHORTLIST


def test_an_onset_that_only_the_logs_date_convicts_nobody() -> None:
    few = {f"t{number}" for number in range(72, 91)}  # too few for a series of their own
    true = bundle(series={}, spans=tuple(span for span in spans() if span.trace in few))
    ranking = rank_bundle(true)
    assert "operation" in mechanisms_of(ranking, CULPRIT.sha)
    assert ranking.verdict is Verdict.SHORTLIST
    assert "neither series nor spans" in ranking.why


@pytest.mark.parametrize("service", ["ads", "front", "cart"])
def test_lies_about_somebody_else_save_no_culprit_that_they_are_not_about(service: str) -> None:
    other = commit("d", 20, f"{service}/rank.py", patch=PATCH.replace("cart/merge", f"{service}/rank"))
    true = bundle(
        entries=(), commits=(CULPRIT, other), deploys=(deployed(CULPRIT, "cart", 35), deployed(other, "ads", 33))
    )
    lies = entries("boom", service="ads", stack=STACK.replace("cart/merge", f"{service}/rank"), error="KeyError")
    for told in ((), lies):
        ranking = rank_bundle(replace(true, entries=told))
        assert ranking.suspects[0].id == CULPRIT.sha
        assert ranking.verdict is Verdict.CONVICTED


def test_an_operation_convicts_only_where_the_others_of_its_service_are_well() -> None:
    alone = rank_bundle(bundle(entries=()))
    assert alone.verdict is Verdict.CONVICTED
    assert "no other operation of its service is in trouble" in alone.why
    assert rank_bundle(only(CULPRIT)).verdict is Verdict.SHORTLIST
    single = tuple(span for span in spans() if span.name != "Cart.Empty")
    assert rank_bundle(bundle(entries=(), spans=single)).verdict is Verdict.SHORTLIST


def test_a_limit_below_what_calls_took_convicts_by_series_alone() -> None:
    limited = commit("c", 30, "cart/live.yaml", patch=LIMIT)
    slow = {**bundle().series, ("cart", "latency_p95_ms"): readings(80.0, seed=4)}
    true = bundle(commits=(limited,), deploys=(deployed(limited, "cart", 35),), spans=(), entries=(), series=slow)
    ranking = rank_bundle(true)
    assert ranking.verdict is Verdict.CONVICTED
    assert "where latency_p95_ms was" in ranking.why
    quick = {**slow, ("cart", "latency_p95_ms"): readings(20.0, seed=4)}
    assert rank_bundle(replace(true, series=quick)).verdict is Verdict.SHORTLIST
    well = {key: value for key, value in slow.items() if key != ("cart", "errors")}
    assert rank_bundle(replace(true, series=well)).verdict is Verdict.SHORTLIST
    unitless = commit("c", 30, "cart/live.yaml", patch=LIMIT.replace("_ms", ""))
    assert rank_bundle(replace(true, commits=(unitless,))).verdict is Verdict.SHORTLIST


def test_a_metric_that_sticks_at_what_was_set_convicts_by_series_alone() -> None:
    sized = commit("c", 30, "cart/live.yaml", patch=POOL)
    stuck = {**bundle().series, ("cart", "pool_in_use"): readings(20.0, 5.0, seed=4, onset=ONSET)}
    true = bundle(commits=(sized,), deploys=(deployed(sized, "cart", 35),), spans=(), entries=(), series=stuck)
    assert rank_bundle(true).verdict is Verdict.CONVICTED
