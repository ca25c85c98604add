"""Who may have done it: what ran, when, and what it touches."""

from dataclasses import replace

import pytest

from cases.diagnosis import Commit, Suspect
from cases.telemetry import Deploy
from detectors.suspects import incident, rank
from detectors.words import words_of
from tests.detectors.series import at
from tests.detectors.test_triage import anomaly

ONSET = 600
HOUR = 60


def commit(name: str, minute: float, title: str = "Work", *files: str, patch: str = "") -> Commit:
    return Commit(
        sha=name * 40,
        at=at(minute),
        author="shop developer",
        title=title,
        parents=(),
        files=files or ("shop/app.py",),
        patch=patch,
    )


def deployed(of: Commit, minute: float, service: str = "shop") -> Deploy:
    return Deploy(service=service, commit=of.sha[:12], started=at(minute), source="build_info on main")


def ranked(commits: list[Commit], *deploys: Deploy) -> tuple[Suspect, ...]:
    """The commits are given oldest first here."""
    trouble = incident([anomaly("error_ratio", ONSET, route="/checkout")])
    return rank(trouble, "shop", list(reversed(commits)), deploys)


def names(suspects: tuple[Suspect, ...]) -> str:
    return "".join(suspect.commit.sha[0] for suspect in suspects)


BASE = commit("0", -900, "Serve the catalogue", "shop/catalogue.py")
BEFORE = commit("1", ONSET - 70, "Cache the catalogue", "shop/catalogue.py", patch="+cache = {}\n")
CULPRIT = commit(
    "2",
    ONSET - 65,
    "Round discounts to whole cents",
    "shop/pricing.py",
    "tests/test_pricing.py",
    patch="@@ -1,4 +1,4 @@ def checkout_total(cart):\n-    return total\n+    return round_discount(total)\n",
)
BESIDE = commit("3", ONSET - 64, "Describe the cart's fields", "shop/cart.py", patch="+# a cart has lines\n")
DECOY = commit("4", ONSET + 5, "Reword the checkout confirmation", "shop/checkout.py", patch="+checkout checkout\n")
STORY = [BASE, BEFORE, CULPRIT, BESIDE, DECOY]
DEPLOYS = (deployed(BASE, -800), deployed(BESIDE, ONSET - 5), deployed(DECOY, ONSET + 10))


def test_the_culprit_comes_before_its_company_and_the_later_decoy() -> None:
    suspects = ranked(STORY, *DEPLOYS)
    assert names(suspects)[0] == "2"
    assert names(suspects)[-1] == "4"
    best = suspects[0]
    assert best.before_onset
    assert best.deployed == at(ONSET - 5)
    assert best.mechanism == 'it touches what the symptom names: "checkout"'
    assert best.score > suspects[1].score + 0.05
    assert all(0 <= suspect.score <= 1 for suspect in suspects)


def test_what_ran_after_the_onset_is_kept_low_with_the_reason() -> None:
    decoy = ranked(STORY, *DEPLOYS)[-1]
    assert not decoy.before_onset
    assert decoy.deployed == at(ONSET + 10)
    assert decoy.mechanism == "it first ran 10 min after the onset"
    assert decoy.score <= 0.1


def test_what_never_ran_is_kept_lowest_with_the_reason() -> None:
    suspects = ranked(STORY, deployed(BASE, -800))
    assert [s.before_onset for s in suspects] == [True, False, False, False, False]
    assert {s.mechanism for s in suspects[1:]} == {"no deploy marker shows that it ever ran"}
    assert all(s.deployed is None and s.score <= 0.05 for s in suspects[1:])


def test_without_any_marker_nobody_can_have_done_it() -> None:
    assert not any(suspect.before_onset for suspect in ranked(STORY))


def test_an_innocent_deploy_long_before_the_onset_comes_after_a_recent_one() -> None:
    old = commit("5", 0, "Tidy up")
    new = commit("6", ONSET - 20, "Tidy up")
    assert names(ranked([old, new], deployed(old, 10), deployed(new, ONSET - 10))) == "65"


def test_a_commit_about_the_symptom_beats_a_slightly_newer_one_that_is_not() -> None:
    about = commit("5", ONSET - 90, "Check the cart at checkout", "shop/checkout.py", patch="+def checkout():\n")
    other = commit("6", ONSET - 30, "Tidy up", "shop/about.py", patch="+x\n")
    assert names(ranked([about, other], deployed(about, ONSET - 80), deployed(other, ONSET - 20))) == "56"


def test_a_deploy_of_one_commit_leaves_nobody_else() -> None:
    alone = ranked([BASE, BEFORE], deployed(BASE, -800), deployed(BEFORE, ONSET - 5))[0]
    shared = ranked([BASE, BEFORE, BESIDE], deployed(BASE, -800), deployed(BESIDE, ONSET - 5))
    assert alone.score > max(suspect.score for suspect in shared)


def test_prose_alone_breaks_nothing() -> None:
    prose = commit("5", ONSET - 30, "Explain checkout", "docs/checkout.md", "README.md", patch="+checkout checkout\n")
    work = commit("6", ONSET - 30, "Tidy up", "shop/about.py", patch="+x\n")
    suspects = ranked([prose, work], deployed(work, ONSET - 5))
    assert names(suspects) == "65"
    assert suspects[1].mechanism == ""
    assert suspects[1].score < 0.25
    pins = commit("7", ONSET - 30, "Pin", "requirements-dev.txt")
    assert ranked([pins], deployed(pins, ONSET - 5))[0].score > 0.5


def test_a_commit_runs_from_the_first_deploy_that_carries_it() -> None:
    again = (deployed(BESIDE, ONSET - 300), deployed(BASE, ONSET - 200), deployed(BESIDE, ONSET - 100))
    assert {s.commit.sha[0]: s.deployed for s in ranked([BASE, BESIDE], *again)} == {
        "0": at(ONSET - 300),
        "3": at(ONSET - 300),
    }


def test_the_deploys_of_another_service_say_nothing() -> None:
    assert not any(s.before_onset for s in ranked(STORY, deployed(BESIDE, ONSET - 5, service="cart")))


def test_a_deploy_at_the_onset_ran_before_it_and_one_second_later_not() -> None:
    assert ranked([BASE], deployed(BASE, ONSET))[0].before_onset
    assert not ranked([BASE], deployed(BASE, ONSET + 1 / 60))[0].before_onset


def test_what_first_ran_while_the_readings_could_still_be_noise_stays_a_suspect_behind_those_before_it() -> None:
    doubtful = replace(anomaly("error_ratio", ONSET, route="/checkout"), onset_late_s=120)
    plain = [commit(name, ONSET - 30, "Work", f"shop/{name}.py", patch="+x\n") for name in "5678"]
    deploys = [deployed(each, minute) for each, minute in zip(plain, (550, 601, 602, 602.1), strict=True)]
    suspects = rank(incident([doubtful]), "shop", list(reversed(plain)), deploys)
    assert names(suspects) == "5768"
    assert [suspect.before_onset for suspect in suspects] == [True, True, True, False]
    assert suspects[-1].mechanism == "it first ran 2 min after the onset"
    early = anomaly("latency", ONSET + 1)
    assert names(rank(incident([doubtful, early]), "shop", list(reversed(plain)), deploys))[:2] == "56"


def test_measuring_words_and_the_service_itself_link_nothing() -> None:
    plain = commit("5", ONSET - 30, "Count shop errors", "shop/errors.py", patch="+raise HttpError(request, total)\n")
    suspects = ranked([BASE, plain], deployed(plain, ONSET - 5))
    assert {suspect.mechanism for suspect in suspects} == {""}


def test_between_equals_the_bigger_change_goes_first() -> None:
    small = commit("5", ONSET - 30, patch="+x = 1\n")
    big = commit("6", ONSET - 30, patch="-x = 0\n+x = 1\n+y = 2\n")
    assert names(ranked([big, small], deployed(small, ONSET - 5))) == "65"


def test_the_order_does_not_depend_on_luck() -> None:
    first = ranked(STORY, *DEPLOYS)
    assert first == ranked(STORY, *reversed(DEPLOYS))
    twins = [replace(BEFORE, sha=digit * 40) for digit in "789"]
    assert names(ranked(twins, deployed(twins[-1], ONSET - 5))) == "987"


def test_there_may_be_nobody_at_all() -> None:
    assert ranked([]) == ()


def test_a_huge_or_hostile_patch_is_only_text() -> None:
    hostile = commit("5", ONSET - 30, "\x00" * 9, "a" * 9999, patch="+" + "checkout " * 100_000)
    assert ranked([hostile], deployed(hostile, ONSET - 5))[0].score <= 1


def test_the_words_of_an_incident_begin_with_the_most_telling() -> None:
    trouble = incident([anomaly("error_ratio", 5), anomaly("latency", 3)], extra=("KeyError: coupon",))
    assert trouble.words == ("KeyError: coupon", "/checkout", "error_ratio", "latency", "shop")
    assert trouble.onset == at(3)
    with pytest.raises(ValueError, match="at least one anomaly"):
        incident([])


def test_identifiers_are_split_as_people_read_them() -> None:
    text = "roundDiscounts HTTPServer2 cart_total /api/v2/checkout-items"
    assert list(words_of(text)) == ["round", "discount", "http", "server", "cart", "total", "api", "checkout", "item"]
