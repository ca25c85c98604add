"""What is asked of humans, over a real ledger and a given clock: reminded once, the backup once, never a go without."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from cases.case import Hold, Phase
from cases.events import Acknowledged, Entry, Escalated, Event, Gated, Recovered
from cases.outcome import Ending
from cases.steps import SendNotice
from cases.telemetry import Severity
from daemon.approvals import Approvals
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import NOW, an_anomaly, an_entry, an_opened
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.parts.stores import Place, on_both

HOUR = timedelta(hours=1)
RECEIVERS = [{"name": name, "slack": "env:WEBHOOK"} for name in ("oncall", "boss")]


@dataclass
class Desk:
    """A ledger, a clock, and daemons that look after what is asked: `made` makes one, with those approvals."""

    clock: ManualClock
    ledger: Ledger
    made: Callable[..., Approvals]

    def asks(self, event: Event, severity: Severity = Severity.PAGE, name: str = "a") -> None:
        anomaly = an_anomaly()
        anomaly = replace(anomaly, signal=replace(anomaly.signal, severity=severity))
        born = replace(an_opened(), case_id=name, fingerprint=f"print of {name}", anomaly=anomaly)
        self.ledger.cases.open(replace(an_entry(born), at=self.clock.now()), (), NOW)
        self.adds(event, name=name)

    def adds(self, event: Event, actor: str = "daemon", name: str = "a") -> None:
        self.ledger.cases.add(name, Entry(at=self.clock.now(), actor=actor, event=event), (), None)

    def told(self) -> list[tuple[str, str]]:
        """(kind, receiver) of every notice so far."""
        effects = [intent.effect for intent in self.ledger.outbox.notices(self.clock.now() + 999 * HOUR, limit=999)]
        sent = [effect for effect in effects if isinstance(effect, SendNotice)]
        return [(effect.notice.key.removeprefix("a-").split("-")[1], effect.receiver) for effect in sent]

    def kinds(self) -> list[str]:
        return [kind for kind, receiver in self.told() if receiver == "oncall"]

    def passes(self, daemon: Approvals, span: timedelta, step: timedelta = timedelta(minutes=10)) -> None:
        for _ in range(span // step):
            self.clock.advance(step)
            daemon.once()


@pytest.fixture
def desk(place: Place) -> Iterator[Desk]:
    clock = ManualClock(NOW)

    def made(**approvals: object) -> Approvals:
        settings = some_settings(
            alerts={"receivers": RECEIVERS}, approvals={"backup": ["boss"], **approvals},
            services=[{"name": "shop", "repository": "shop", "owners": ["@sre"]}],
        )  # fmt: skip
        mine = replace(ports, clock=clock, settings=settings, receivers=("oncall",))
        return Approvals(ports=mine, cases=ledger.cases, outbox=ledger.outbox, checkpoints=ledger.checkpoints)

    with (
        some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head="") as ports,
        place.opened(clock=clock) as ledger,
    ):
        yield Desk(clock=clock, ledger=ledger, made=made)


GATE = Gated(reason="authority is observe", gate="a-1")


@on_both
def test_one_reminder_half_way_and_the_backup_at_the_deadline_whoever_looks(desk: Desk) -> None:
    desk.asks(GATE)
    one, other = desk.made(), desk.made()
    one.once()
    desk.clock.advance(timedelta(minutes=29))
    one.once()
    assert desk.told() == []
    for _ in range(3):
        desk.clock.advance(timedelta(minutes=1))
        for daemon in (one, other, desk.made()):  # two daemons, and one that was started anew
            daemon.once()
    assert desk.told() == [("reminder", "oncall")]
    desk.clock.advance(timedelta(minutes=28))
    for daemon in (other, one, desk.made()):
        daemon.once()
    assert desk.told()[1:] == [("expired", "oncall"), ("expired", "boss")]


@pytest.mark.parametrize(
    ("severity", "half"), [(Severity.PAGE, HOUR / 2), (Severity.TICKET, 12 * HOUR), (Severity.NOTE, 84 * HOUR)]
)
def test_the_reminder_comes_by_the_urgency_class(desk: Desk, severity: Severity, half: timedelta) -> None:
    desk.asks(Escalated(reason="nothing fits"), severity)
    daemon = desk.made()
    desk.clock.advance(half - timedelta(seconds=1))
    daemon.once()
    assert desk.kinds() == []
    desk.clock.advance(timedelta(seconds=1))
    daemon.once()
    assert desk.kinds() == ["reminder"]


def test_it_is_told_again_until_somebody_acknowledges_it(desk: Desk) -> None:
    desk.asks(Escalated(reason="nothing fits"))
    daemon = desk.made(repeat="2h")
    desk.passes(daemon, 6 * HOUR)
    assert desk.kinds() == ["reminder", "expired", "again", "again"]
    desk.adds(Acknowledged(ask="a-e1"), "human:ada")
    desk.passes(desk.made(repeat="2h"), 10 * HOUR)
    assert len(desk.kinds()) == 4


def test_at_the_deadline_a_gate_is_held_and_never_passed(desk: Desk) -> None:
    desk.asks(GATE)
    desk.passes(desk.made(), 3 * HOUR)
    case = desk.ledger.cases.load("a")
    assert (case.hold, case.gate) == (Hold.GATE, "a-1")


@on_both
def test_where_silence_is_a_no_the_case_is_closed_at_the_deadline(desk: Desk) -> None:
    desk.asks(GATE)
    daemon = desk.made(expired="reject")
    desk.passes(daemon, timedelta(minutes=50))
    assert desk.ledger.cases.load("a").phase is Phase.OPEN
    desk.passes(daemon, timedelta(minutes=20))
    case = desk.ledger.cases.load("a")
    assert case.outcome is not None
    assert case.outcome.ending is Ending.DISMISSED
    assert "silence is a no" in case.outcome.because
    assert [kind for kind, _ in desk.told()] == ["reminder", "expired", "expired"]


def test_a_gate_that_was_seen_still_has_its_deadline(desk: Desk) -> None:
    desk.asks(GATE)
    desk.adds(Acknowledged(ask="a-1"), "human:ada")
    desk.passes(desk.made(), 9 * HOUR)
    assert desk.kinds() == ["expired"]


@pytest.mark.parametrize("jump", [timedelta(days=9), timedelta(days=-9)])
def test_a_clock_that_steps_decides_nothing(desk: Desk, jump: timedelta) -> None:
    desk.asks(GATE)
    daemon = desk.made(expired="reject")
    desk.passes(daemon, timedelta(minutes=20))
    desk.clock.set(desk.clock.now() + jump)
    daemon.once()
    assert "expired" not in desk.kinds(), "nobody was reminded half an hour before"
    assert desk.ledger.cases.load("a").hold is Hold.GATE
    desk.clock.set(desk.clock.now() - jump)
    desk.passes(daemon, 3 * HOUR)
    assert desk.kinds() == ["reminder", "expired"]


def test_after_a_night_without_a_daemon_the_reminder_comes_first(desk: Desk) -> None:
    desk.asks(GATE)
    desk.clock.advance(timedelta(hours=12))
    daemon = desk.made(expired="reject")
    daemon.once()
    assert desk.kinds() == ["reminder"]
    desk.passes(daemon, timedelta(minutes=30))
    assert desk.kinds() == ["reminder", "expired"]


def test_a_high_impact_is_told_at_once_and_to_the_backup(desk: Desk) -> None:
    desk.asks(Escalated(reason="nothing fits"))
    desk.made(impact=4.9).once()
    assert desk.told() == [("impact", "oncall"), ("impact", "boss")]
    desk.made(impact=4.9).once()
    assert len(desk.told()) == 2


def test_what_is_told_names_reason_owner_deadline_and_what_to_do(desk: Desk) -> None:
    desk.asks(GATE)
    desk.passes(desk.made(), timedelta(minutes=30))
    (intent,) = desk.ledger.outbox.notices(desk.clock.now())
    assert isinstance(intent.effect, SendNotice)
    notice = intent.effect.notice
    assert (notice.gate, notice.case, notice.severity) == ("a-1", "a", Severity.PAGE)
    for part in ("authority is observe", "@sre", "30 min ago", "trackwalker approve a-1", "2026-"):
        assert part in notice.text


@on_both
def test_what_was_answered_is_forgotten_and_asked_anew_begins_anew(desk: Desk) -> None:
    desk.asks(Escalated(reason="nothing fits"))
    daemon = desk.made()
    desk.passes(daemon, 2 * HOUR)
    desk.adds(Escalated(reason="something else"))
    desk.passes(daemon, 2 * HOUR)
    assert desk.kinds() == ["reminder", "expired"] * 2


def test_a_gate_of_a_trouble_that_is_over_ends_at_its_deadline(desk: Desk) -> None:
    daemon = desk.made()
    desk.asks(Gated(reason="observe"))
    desk.adds(Recovered(because="it fell"))
    desk.passes(daemon, HOUR / 2)
    assert desk.ledger.cases.load("a").hold is Hold.GATE  # until then a yes is waited for
    desk.passes(daemon, HOUR)
    case = desk.ledger.cases.load("a")
    assert (case.phase, case.hold) == (Phase.CLOSED, Hold.NONE)
    assert case.outcome is not None
    assert case.outcome.ending is Ending.RECOVERED
