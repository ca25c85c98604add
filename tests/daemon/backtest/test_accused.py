"""Accusations held against real reverts: what counts, what does not, and what is too little."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cases.case import Case
from cases.diagnosis import Commit, Finding, Suspect
from cases.errors import PermanentError, TemporaryError
from cases.events import Entry
from cases.lifecycle import opened
from config.settings import Settings
from daemon.backtest.accused import WITHIN, Scored, score
from daemon.backtest.loop import loop
from daemon.backtest.loop_report import loop_document, loop_rows
from daemon.backtest.report import Report
from daemon.backtest.stories import Story
from daemon.backtest.walked import Walked, Way
from daemon.clock import ManualClock
from daemon.replay.loop import Replayed, Wanted
from remediation.forge.reverts import Past, Undone
from tests.parts.nouns import NOW, a_commit, a_diagnosis, a_suspect, an_opened
from tests.parts.settings import some_settings

DAY = timedelta(days=1)
SINCE, UNTIL = NOW - 10 * DAY, NOW + 30 * DAY


def sha(digit: str) -> str:
    return digit * 40


def walked(at: datetime, *suspects: str, finding: Finding = Finding.SUSPECT, name: str = "") -> Walked:
    """A case of the shop that names those commits."""
    born = opened(Entry(at=at, actor="backtest", event=replace(an_opened(), case_id=name or f"c{at:%d}")))
    named: list[Suspect] = [a_suspect(sha(digit)) for digit in suspects]
    case: Case = replace(born, diagnosis=replace(a_diagnosis(), finding=finding, suspects=tuple(named)))
    replayed = Replayed(wanted=Wanted(service="shop", at=at), case=case)
    return Walked(story=Story(case=born, because=""), replayed=replayed)


def undone(digit: str, at: datetime, *, ours: bool = False) -> Undone:
    by: Commit = replace(a_commit(sha("f")), at=at)
    return Undone(commit=replace(a_commit(sha(digit)), at=NOW - DAY), by=by, ours=ours)


def scored(cases: Sequence[Walked], *back: Undone) -> Scored:
    ordered = tuple(sorted(back, key=lambda one: one.by.at))
    return score(cases, {"shop": Past(landed=(), undone=ordered, whole=True)}, {"shop": "shop"}, SINCE, UNTIL)


def test_a_commit_counts_once_however_often_it_is_named_and_by_its_first_revert() -> None:
    cases = [walked(NOW, "a", name="one"), walked(NOW + 2 * DAY, "a", name="two"), walked(NOW + 3 * DAY, "b")]
    told = scored(cases, undone("a", NOW + DAY), undone("a", NOW + 90 * DAY))
    assert (told.right.hits, told.right.of) == (1, 2)
    assert (told.found.hits, told.found.of) == (1, 1)
    (revert,) = told.reverts
    assert (revert.alone, revert.noticed, revert.undone.by.at) == (("one", "two"), True, NOW + DAY)


def test_a_revert_long_after_the_incident_does_not_make_the_accusation_right() -> None:
    told = scored([walked(NOW, "a")], undone("a", NOW + WITHIN + timedelta(seconds=1)))
    assert told.right.hits == 0
    assert scored([walked(NOW, "a")], undone("a", NOW + WITHIN)).right.hits == 1


def test_a_shortlist_is_no_accusation_of_one_and_what_ran_later_is_on_none() -> None:
    late = replace(a_suspect(sha("d")), before_onset=False)
    case = walked(NOW, "a", "b", "c", finding=Finding.SHORTLIST)
    assert case.case is not None
    assert case.case.diagnosis is not None
    told = scored([case], undone("b", NOW + DAY))
    assert (told.right.of, told.right_listed.hits, told.right_listed.of) == (0, 1, 3)
    assert (told.found.hits, told.found_listed.hits) == (0, 1)
    assert told.right.value is None
    assert told.right.range == (0.0, 1.0)
    only = replace(case.case.diagnosis, suspects=(late,))
    assert case.replayed is not None
    blind = replace(case, replayed=replace(case.replayed, case=replace(case.case, diagnosis=only)))
    assert scored([blind]).accusations == ()
    assert scored([walked(NOW, "a", finding=Finding.NOTHING)]).accusations == ()


def test_what_we_proposed_ourselves_proves_nothing() -> None:
    told = scored([walked(NOW, "a")], undone("a", NOW + DAY, ours=True))
    assert (told.right.hits, told.found.of, told.ours) == (0, 0, 1)
    assert "1 revert more that Trackwalker itself had proposed: they prove nothing of it" in told.words()


def test_words_say_what_is_young_silent_or_too_little() -> None:
    told = scored([walked(UNTIL - DAY, "a")], undone("b", NOW + DAY))
    assert told.young == 1
    said = " / ".join(told.words())
    for words in ("1 of the named commits may still be reverted", "no watched signal moved", "too little to say"):
        assert words in said
    many = [walked(NOW + n * DAY, digit) for n, digit in enumerate("12345")]
    enough = scored(many, *(undone(digit, NOW + n * DAY + DAY) for n, digit in enumerate("12345")))
    assert not any("too little" in words for words in enough.words())


class Histories:
    """What happened in the repositories, or why that cannot be read."""

    def __init__(self, **told: Past | Exception) -> None:
        self._told = told

    def past(self, repository: str, since: datetime, until: datetime) -> Past:
        assert since < until
        found = self._told[repository]
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        """Nothing is open."""


def settings() -> Settings:
    names = ("shop", "cart")
    repositories = [{"name": n, "url": f"http://127.0.0.1:9/acme/{n}.git", "full_name": f"acme/{n}"} for n in names]
    return some_settings(repositories=repositories)


def test_a_repository_that_cannot_be_read_is_said_and_raised_only_when_none_is_left() -> None:
    way = Way(settings=settings(), clock=ManualClock(NOW), progress=lambda _: None)
    merged = replace(a_commit(), at=NOW - DAY, pull_request=7)
    past = Past(landed=(merged, replace(merged, at=NOW - 11 * DAY)), undone=(), whole=False)
    told = loop(Report(), Histories(shop=past, cart=TemporaryError("it is away")), way, SINCE)
    assert [(name, commit.pull_request) for name, commit in told.merged] == [("shop", 7)]
    assert told.remarks == (
        "repository shop has more commits than are read at once: the oldest are not",
        "repository cart is left out: it is away",
    )
    document = loop_document(told, Report())
    assert (document["cases"], document["accusations"], len(document["merged"])) == ([], [], 1)
    assert loop_rows(told) == []
    with pytest.raises(PermanentError, match="no such repository"):
        loop(Report(), Histories(shop=PermanentError("no such repository"), cart=TemporaryError("away")), way, SINCE)
