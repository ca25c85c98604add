"""The briefing: word for word of a day with everything in it, of an empty one; and sent once, whatever happened."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cases.events import Closed, Diagnosed, Drafted, Escalated, Gated, Proved
from cases.leases import Pause
from cases.outcome import Ending
from cases.pull_request_events import Proposed
from cases.steps import OpenPullRequest, Receipt, SendNotice
from config.settings import Settings
from daemon.clock import ManualClock
from daemon.decisions import Decision, Decisions, Refused, Verdict
from daemon.keeping.daily import OnceADay
from daemon.ledger.ledger import Ledger
from daemon.ledger.purse import Caps, LedgerPurse
from daemon.opportunities import Opportunities, Opportunity
from daemon.reports.briefing import briefing_of
from daemon.reports.daily import briefings_of
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import NOW, a_change, an_entry, an_event, an_opened, an_outcome
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.parts.stores import Place, on_both

MORNING = NOW + timedelta(hours=3)
GOLDEN = """\
Waits for a human: 3
- gated-1 (shop): a yes or a no, 1 h 57 min past its deadline: authority is observe
- stuck-e1 (shop): help, 1 h 56 min past its deadline: a.py: pull request 4 of ada touches the same lines
- asks-e1 (shop): help, 1 h 55 min past its deadline: nothing fits

Waits for a review
- Revert “Round discounts” (case open, for 2 h 55 min): http://127.0.0.1/acme/shop/pull/7

Progress
- 5 opened, 1 closed, 4 active
- case asks (shop): errors is up, the case is escalated
- case gated (shop): errors is up, the case is open (gate)
- case open (shop): errors is up, the case is proposed
- case stuck (shop): errors is up, the case is escalated

Outcomes
- case over (shop) worked: it fell

Conflicts
- case stuck (shop): a.py: pull request 4 of ada touches the same lines
- human:bob: approve of over was refused: case over does not wait at any gate: it is closed

Authority
- paused by human:ada since 2026-03-04T05:06:07Z: a release
- authority.default is observe

Spend
- $0.5000 of $5.00 a day in 1 calls ($0.0000 only set aside)
- case open: $0.5000

Last 30 days
- cases: 5
- time to detect (onset to case): 0 min (mean of 5)
- time to mend (onset to the deploy that worked): none
- time to recover by itself: none
- merged: none of no proposals that ended
- revised after they were proposed: 0% (0 of 1 proposals)
- cost a case: $0.1000 (mean of 5)
- false rollbacks: none of no rollbacks that were decided

Opportunities
- {idle} (shop) memory: it used at most 2 of the 10 that is set aside for it"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def ledger(place: Place, clock: ManualClock) -> Iterator[Ledger]:
    with place.opened(clock=clock) as ledger:
        yield ledger


def fill(ledger: Ledger, settings: Settings, clock: ManualClock) -> Opportunity:
    """A day with everything in it."""
    anomaly = replace(an_opened().anomaly, onset=NOW)
    for name in ("asks", "gated", "open", "over", "stuck"):
        born = replace(an_opened(), case_id=name, fingerprint=name, anomaly=anomaly)
        ledger.cases.open(an_entry(born), (), NOW)
    met = "a.py: pull request 4 of ada touches the same lines"
    ledger.cases.add("gated", an_entry(Gated(reason="authority is observe", gate="gated-1"), 3), (), None)
    ledger.cases.add("stuck", an_entry(Escalated(reason=met), 4), (), None)
    ledger.cases.add("asks", an_entry(Escalated(reason="nothing fits"), 5), (), None)
    pull = OpenPullRequest(
        key="open-1-pull-request", repository="shop", branch="b", title="t", body="b", labels=(), draft=False
    )
    proposal = Proposed(change=1, repository="shop", branch="trackwalker/open-1")
    for event in (an_event(Diagnosed), Drafted(change=a_change()), an_event(Proved)):
        ledger.cases.add("open", an_entry(event, 5), (), None)
    ledger.cases.add("open", an_entry(proposal, 5), (pull,), None)
    ledger.outbox.receive(
        Receipt(key=pull.key, adopted=False, facts={"url": "http://127.0.0.1/acme/shop/pull/7"}), None
    )
    outcome = replace(an_outcome(), ending=Ending.WORKED, at=NOW + timedelta(minutes=9))
    ledger.cases.add("over", an_entry(Closed(outcome=outcome, lesson=None), 9), (), None)
    decisions = Decisions(ledger=ledger, settings=settings, clock=clock, receivers=())
    with pytest.raises(Refused):
        decisions.take(Decision(of="over", verdict=Verdict.APPROVE, by="human:bob"))
    ledger.levers.pause(Pause(by="human:ada", reason="a release", since=NOW))
    purse = LedgerPurse(ledger.database, clock, Caps(day=9, case=9, call=9, classes={}))
    purse.settle(purse.reserve("open", "diagnose", "m", 1), 0.5, 10, 1)
    text = "used at most 2 of the 10 that is set aside for it"
    idle = Opportunity(kind="waste", service="shop", signal="memory", text=text, score=0.8, found=NOW, seen=NOW)
    Opportunities(checkpoints=ledger.checkpoints).take([idle], {"shop/memory"}, {"shop/memory"}, NOW, 3)
    return idle


@on_both
def test_a_full_day_is_told_word_for_word(ledger: Ledger, clock: ManualClock) -> None:
    settings = some_settings("observe")
    idle = fill(ledger, settings, clock)
    clock.set(MORNING)
    briefing = briefing_of(ledger, settings, MORNING)
    assert briefing.text == GOLDEN.format(idle=idle.id)
    assert briefing.waits


def test_an_empty_day_says_so(ledger: Ledger) -> None:
    briefing = briefing_of(ledger, some_settings(), NOW)
    assert briefing.text == "Nothing waits for anybody, and nothing happened in the last 24 hours."
    assert not briefing.waits


def test_a_day_later_only_what_still_waits_is_told(ledger: Ledger, clock: ManualClock) -> None:
    settings = some_settings("observe")
    fill(ledger, settings, clock)
    titles = [one.title for one in briefing_of(ledger, settings, NOW + timedelta(days=2)).sections]
    assert titles == ["Waits for a human: 3", "Waits for a review", "Authority", "Opportunities"]


def never() -> bool:
    return False


def told(ledger: Ledger) -> list[str]:
    effects = [intent.effect for intent in ledger.outbox.notices(datetime(2027, 1, 1, tzinfo=UTC), limit=99)]
    return [effect.notice.key for effect in effects if isinstance(effect, SendNotice)]


@on_both
def test_it_is_sent_once_at_its_hour_in_its_zone_by_whichever_daemon_and_made_up(
    ledger: Ledger, clock: ManualClock
) -> None:
    settings = some_settings(alerts={"briefing": {"at": "08:30", "zone": "Europe/Berlin"}})
    with some_ports(settings=settings, sandbox=ScriptedSandbox({}), head="") as ports:
        mine = replace(ports, clock=clock, receivers=("log",))
        jobs = briefings_of(mine, ledger)
        daemons = [OnceADay(ledger.checkpoints, ledger.audit, clock, by) for by in ("one", "other")]

        def look(at: str) -> list[str]:
            clock.set(datetime.fromisoformat(at).replace(tzinfo=UTC))
            for daemon in daemons:
                daemon.look(jobs, never)
            return told(ledger)

        assert look("2026-03-27T12:00") == [], "the first one is at the next hour"
        assert look("2026-03-28T07:29") == []
        assert look("2026-03-28T07:30") == ["briefing-2026-03-28"]
        assert look("2026-03-28T23:59") == ["briefing-2026-03-28"]
        assert look("2026-03-29T06:29") == ["briefing-2026-03-28"]
        assert look("2026-03-29T06:30")[1:] == ["briefing-2026-03-29"], "the clocks were set forward in that night"
        assert look("2026-04-02T23:00")[2:] == ["briefing-2026-04-02"], "after days without a daemon, one"
        assert look("2026-04-01T23:00")[3:] == [], "the clock was set back"
        assert look("2026-04-03T06:30")[3:] == ["briefing-2026-04-03"]


def test_none_is_sent_that_nobody_asked_for(ledger: Ledger) -> None:
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head="") as ports:
        assert briefings_of(ports, ledger) == ()
