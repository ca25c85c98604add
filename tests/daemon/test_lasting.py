"""A trouble that outlasts its case is no news, whoever looks, and whatever was not seen in between."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.anomaly import Anomaly
from cases.case import Case
from cases.events import Closed
from cases.lifecycle import advance, opened
from cases.stores import Checkpoints
from daemon.lasting import KEPT, Lasting
from tests.parts.nouns import NOW, an_anomaly, an_entry, an_event, an_opened
from tests.parts.stores import in_file

MINUTE = timedelta(minutes=1)
KEY = an_anomaly().signal.key


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Checkpoints]:
    with in_file(tmp_path / "ledger.db").opened() as ledger:
        yield ledger.checkpoints


def a_trouble(onset: datetime) -> Anomaly:
    return replace(an_anomaly(), onset=onset, detected=onset + MINUTE)


def ended(at: int) -> list[Case]:
    """A case about the trouble, that was closed so many minutes after it was opened."""
    case = opened(an_entry(replace(an_opened(), anomaly=an_anomaly())))
    return [advance(case, an_entry(an_event(Closed), at))]


def look(kept: Checkpoints, trouble: Sequence[Anomaly], at: datetime, *, judged: Sequence[str] = (KEY,)) -> Lasting:
    found = Lasting.of(kept)
    found.keep(kept, trouble, judged, at)
    return found


def is_news(found: Lasting, trouble: Anomaly, closed: int) -> bool:
    return bool(found.news([trouble], ended(closed)))


def test_it_is_news_when_no_case_had_it(kept: Checkpoints) -> None:
    assert Lasting.of(kept).news([a_trouble(NOW)], []) == [a_trouble(NOW)]


@pytest.mark.parametrize(("onset", "news"), [(-5, False), (30, False), (31, True)])
def test_what_began_before_the_end_of_its_case_is_that_cases(kept: Checkpoints, onset: int, *, news: bool) -> None:
    assert is_news(Lasting.of(kept), a_trouble(NOW + onset * MINUTE), closed=30) is news


def test_what_lost_its_beginning_is_known_while_every_look_sees_it(kept: Checkpoints) -> None:
    look(kept, [a_trouble(NOW)], NOW)
    later = a_trouble(NOW + 40 * MINUTE)  # as far as readings go back
    assert not is_news(Lasting.of(kept), later, closed=30)
    look(kept, [later], NOW + 50 * MINUTE)
    assert not is_news(Lasting.of(kept), a_trouble(NOW + 70 * MINUTE), closed=30)
    look(kept, [], NOW + 80 * MINUTE)
    assert is_news(Lasting.of(kept), a_trouble(NOW + 90 * MINUTE), closed=30)


def test_a_look_that_could_not_judge_its_signal_forgets_nothing_for_an_hour(kept: Checkpoints) -> None:
    look(kept, [a_trouble(NOW)], NOW)
    look(kept, [], NOW + KEPT, judged=())
    assert not is_news(Lasting.of(kept), a_trouble(NOW + KEPT), closed=30)
    look(kept, [], NOW + KEPT + MINUTE, judged=["another"])
    assert is_news(Lasting.of(kept), a_trouble(NOW + KEPT), closed=30)


def test_the_hour_begins_when_it_was_last_seen(kept: Checkpoints) -> None:
    for minutes in (0, 10, 20, 30, 40):
        look(kept, [a_trouble(NOW)], NOW + minutes * MINUTE)
    look(kept, [], NOW + 80 * MINUTE, judged=())
    assert not is_news(Lasting.of(kept), a_trouble(NOW + 80 * MINUTE), closed=30)


def test_a_look_that_was_overtaken_changes_nothing(kept: Checkpoints) -> None:
    look(kept, [a_trouble(NOW)], NOW)
    slow = Lasting.of(kept)
    look(kept, [], NOW + 2 * MINUTE)
    slow.keep(kept, [a_trouble(NOW)], [KEY], NOW + MINUTE)
    assert is_news(Lasting.of(kept), a_trouble(NOW + 90 * MINUTE), closed=30)


def test_a_look_that_sees_the_same_writes_nothing(kept: Checkpoints) -> None:
    look(kept, [a_trouble(NOW)], NOW)
    before = Lasting.of(kept).stored
    look(kept, [a_trouble(NOW)], NOW + MINUTE)
    assert Lasting.of(kept).stored == before
