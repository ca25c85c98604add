"""The ranking of a bundle: who comes first, who is convicted, and who must never be."""

from dataclasses import replace

import pytest

from cases.bundle import Alert, Bundle, Flip
from cases.telemetry import Deploy
from detectors.ranking.ranking import Ranking, rank_bundle
from detectors.ranking.verdict import Verdict
from tests.detectors.ranking.incidents import (
    CULPRIT,
    FIRED,
    INNOCENT,
    ONSET,
    PATCH,
    STACK,
    bundle,
    commit,
    deployed,
    entries,
    ms,
    readings,
    spans,
)
from tests.detectors.series import at

FORGED = STACK.replace("cart/merge", "ads/rank").replace("merge_baskets", "rank_ads")


def first(ranking: Ranking) -> str:
    return ranking.suspects[0].id


def test_a_deploy_a_changed_line_and_a_trace_convict() -> None:
    ranking = rank_bundle(bundle())
    assert first(ranking) == CULPRIT.sha
    assert ranking.verdict is Verdict.CONVICTED
    assert "AttributeError is raised now (40 times) at cart/merge.py:11 merge_baskets()" in ranking.why
    assert abs(ranking.onset - ms(ONSET)) <= 30_000
    assert all(0 <= suspect.score <= 1 for suspect in ranking.suspects)


def test_a_mechanism_is_needed_however_well_the_times_fit() -> None:
    ranking = rank_bundle(bundle(entries=(), commits=(replace(CULPRIT, patch=""), INNOCENT)))
    assert first(ranking) == CULPRIT.sha
    assert ranking.verdict is Verdict.SHORTLIST
    assert "nothing shows how it would do it" in ranking.why


def test_what_ran_after_the_onset_cannot_have_done_it() -> None:
    late = bundle(deploys=(deployed(CULPRIT, "cart", ONSET + 2), deployed(INNOCENT, "ads", 33)))
    ranking = rank_bundle(late)
    assert ranking.verdict is Verdict.SHORTLIST
    culprit = next(suspect for suspect in ranking.suspects if suspect.id == CULPRIT.sha)
    assert not culprit.able
    assert "after the onset" in culprit.evidence[0]
    assert culprit is ranking.suspects[-1]


@pytest.mark.parametrize("share", [40, 2000])
def test_whoever_writes_every_log_line_convicts_nobody(share: int) -> None:
    forged = entries("unhandled error", service="ads", stack=FORGED, error="AttributeError", often=share)
    copied = entries("the second cart of 7 cannot be merged twice", service="ads", often=share)
    without = rank_bundle(bundle(entries=(*forged, *copied)))
    assert not (without.verdict is Verdict.CONVICTED and first(without) == INNOCENT.sha)
    beside = rank_bundle(bundle(entries=(*bundle().entries, *forged, *copied)))
    assert first(beside) == CULPRIT.sha


def test_logs_alone_convict_nobody() -> None:
    ranking = rank_bundle(bundle(series={}, spans=()))
    assert first(ranking) == CULPRIT.sha
    assert ranking.verdict is Verdict.SHORTLIST
    assert "neither series nor spans" in ranking.why


def test_of_two_in_one_deploy_the_trace_names_one_and_convicts_none() -> None:
    rider = commit(
        "e", 31, "cart/list.py", patch=PATCH.replace("cart/merge", "cart/list").replace("merge_baskets", "f")
    )
    both = bundle(
        spans=(),
        deploys=(deployed(CULPRIT, "cart", 35), deployed(rider, "cart", 35)),
        commits=(rider, CULPRIT),
        series={**bundle().series, ("front", "errors"): readings(0.01, 0.1, seed=1)},
    )
    ranking = rank_bundle(both)
    assert first(ranking) == CULPRIT.sha
    assert ranking.verdict is Verdict.SHORTLIST


def test_a_commit_that_no_deploy_names_rides_with_the_next_of_its_service() -> None:
    rider = replace(CULPRIT, sha="e" * 40)
    ranking = rank_bundle(bundle(commits=(commit("c", 34, "cart/about.py", patch="+x\n"), rider)))
    riding = next(suspect for suspect in ranking.suspects if suspect.id == rider.sha)
    assert riding.service == "cart"
    assert "as its paths and the next deploy suggest" in riding.evidence[0]


def test_a_deploy_of_an_unknown_commit_is_a_suspect_as_well() -> None:
    ranking = rank_bundle(bundle(commits=()))
    assert first(ranking) == CULPRIT.sha
    assert ranking.verdict is Verdict.SHORTLIST


def test_a_flag_is_a_suspect() -> None:
    flip = Flip(at=at(ONSET - 1), service="cart", flag="merge-baskets-v2", change="off -> on")
    ranking = rank_bundle(bundle(flips=(flip,), deploys=(), commits=(), entries=()))
    assert first(ranking) == "merge-baskets-v2"
    assert ranking.suspects[0].kind == "flag"
    assert ranking.verdict is Verdict.CONVICTED
    assert "Cart.MergeBaskets, in which the trouble arises" in ranking.why


def test_prose_and_big_harmless_changes_come_behind() -> None:
    prose = commit("e", 34, "docs/cart.md", patch="+merge carts\n")
    big = commit("f", 34, *(f"cart/file{n}.py" for n in range(80)), "cart/merge.py", patch=PATCH)
    crowd = bundle(
        commits=(big, prose, CULPRIT, INNOCENT),
        deploys=(*bundle().deploys, deployed(prose, "cart", 36), deployed(big, "ads", 36)),
    )
    assert first(rank_bundle(crowd)) == CULPRIT.sha


def test_services_are_named_where_nothing_changed() -> None:
    ranking = rank_bundle(bundle(deploys=(), commits=()))
    assert [suspect.kind for suspect in ranking.suspects] == ["service"] * 3
    assert first(ranking) == "cart"
    assert ranking.verdict is Verdict.SHORTLIST
    assert ranking.why == "no change that is known of ran before the onset"


def test_nothing_at_all_is_an_empty_shortlist_of_the_alerts_service() -> None:
    alert = Alert(service="front", metric="", summary="", fired=at(FIRED))
    ranking = rank_bundle(Bundle(alert=alert))
    assert [suspect.id for suspect in ranking.suspects] == ["front"]
    assert ranking.verdict is Verdict.SHORTLIST
    assert ranking.onset == ms(FIRED)


def test_the_order_of_files_and_lines_does_not_matter() -> None:
    whole = bundle()
    turned = replace(whole, deploys=whole.deploys[::-1], spans=whole.spans[::-1])
    assert rank_bundle(turned) == rank_bundle(whole)


def test_one_commit_in_several_services_is_one_suspect() -> None:
    twice = bundle(deploys=(*bundle().deploys, deployed(CULPRIT, "ads", 34)))
    ranking = rank_bundle(twice)
    assert [suspect.id for suspect in ranking.suspects].count(CULPRIT.sha) == 1
    assert ranking.suspects[0].service == "cart"


def test_ids_that_are_no_hashes_are_compared_whole() -> None:
    named = replace(CULPRIT, sha="pr-12")
    deploy = Deploy(service="cart", commit="pr-12", started=at(35), source="changes.json")
    ranking = rank_bundle(bundle(commits=(named, replace(named, sha="pr-1", patch="")), deploys=(deploy,)))
    assert first(ranking) == "pr-12"


def test_an_operational_cause_that_metrics_show_is_the_verdict() -> None:
    series = {
        ("front", "requests"): readings(100, 300, seed=1),
        ("cart", "requests"): readings(80, 240, seed=2),
        ("front", "errors"): readings(0.01, 0.2, seed=3),
    }
    ranking = rank_bundle(bundle(series=series, spans=(), entries=()))
    assert ranking.verdict is Verdict.OPERATIONAL
    assert first(ranking) == "traffic surge"
    assert "requests of front rose from" in ranking.why


def test_an_operational_cause_beside_a_mechanism_convicts_nobody() -> None:
    expired = entries("x509: certificate has expired", service="cart")
    ranking = rank_bundle(bundle(entries=(*bundle().entries, *expired), spans=spans()))
    assert ranking.verdict is not Verdict.CONVICTED
    assert CULPRIT.sha in {suspect.id for suspect in ranking.suspects[:2]}
