"""Routes over a real outbox: who hears of what, with which others, once; and the hours in which it waits."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cases.errors import TemporaryError
from cases.steps import Notice, told
from cases.telemetry import Severity
from config.settings import Settings
from daemon.alerts.addresses import ROUTES, receivers_of
from daemon.alerts.delivery import Delivery
from daemon.alerts.file import FileNotifier
from daemon.alerts.hours import Hours
from daemon.alerts.kinds import KINDS, kind_of
from daemon.alerts.labels import Labels
from daemon.alerts.routing import Router, hops, receivers_on
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger
from daemon.main import trackwalker
from tests.parts.nouns import NOW, an_anomaly, an_entry, an_opened
from tests.parts.settings import a_document, some_settings
from tests.parts.stores import Place, on_both

MINUTE = timedelta(minutes=1)
RECEIVERS = [{"name": name, "file": f"/nowhere/{name}"} for name in ("pager", "chat", "mail")]
ROUTED = [
    {"matchers": ['severity="page"'], "receiver": "pager", "group_wait": "10s", "continue": True},
    {"matchers": ["kind=~opened|joined"], "receiver": "chat"},
    {"matchers": ["kind=briefing"], "routes": [{"matchers": ["severity!=note"], "receiver": "chat"}]},
    {"matchers": ['service=~"shop.*"'], "receiver": "mail", "routes": [{"matchers": ["kind!~opened"], "group_by": []}]},
]


def ways(settings: Settings, **labels: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(hop.path.removeprefix("alerts.routes"), receivers_on(hop, settings)) for hop in hops(settings, labels)]


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ({"severity": "page", "kind": "opened"}, [("[0]", ("pager",)), ("[1]", ("chat",))]),
        ({"severity": "page", "kind": "gate"}, [("[0]", ("pager",))]),
        ({"severity": "note", "kind": "opened", "service": "shop"}, [("[1]", ("chat",))]),
        ({"severity": "note", "kind": "closed", "service": "shop-2"}, [("[3].routes[0]", ("mail",))]),
        ({"severity": "note", "kind": "briefing"}, [("[2]", ("pager", "chat", "mail"))]),
        ({"severity": "ticket", "kind": "briefing"}, [("[2].routes[0]", ("chat",))]),
        ({"severity": "ticket", "kind": "closed", "service": "other"}, [("", ("pager", "chat", "mail"))]),
    ],
)
def test_the_first_route_that_matches_takes_it_and_nothing_is_told_to_nobody(
    labels: dict[str, str], wanted: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert ways(some_settings(alerts={"receivers": RECEIVERS, "routes": ROUTED}), **labels) == wanted


def test_every_key_that_is_ever_told_under_has_a_kind() -> None:
    keys = {
        "opened": "a-opened", "joined": "a-page", "echo": "a-echo-note", "gate": "a-2-gate",
        "escalated": "a-escalated-12",
        "proposed": "a-1-proposed", "closed": "a-closed", "bug": "a-bug-7", "waiting": "a-drafted-waiting-3",
        "harmful": "a-1-killed", "taken-over": "a-1-taken-over", "reminder": "a-1-reminder-1772600000",
        "expired": "a-e1-expired-1772600000", "again": "a-e1-again-1772600000-2", "impact": "a-i1-impact-1",
        "seen": "a-e1-seen-4", "decided": "a-1-decided-5", "other": "a-what",
    }  # fmt: skip
    loose = {
        "briefing": "briefing-2026-03-04",
        "budget": "budget-stop-1",
        "daemon": "sight-x",
        "undelivered": "undelivered:x",
    }
    notice = Notice(key="", severity=Severity.NOTE, subject="", text="", case="a")
    for kind, key in keys.items():
        assert kind_of(replace(notice, key=key)) == kind
    for kind, key in loose.items():
        assert kind_of(replace(notice, key=key, case="")) == kind
    assert {*keys, *loose} == set(KINDS)


@dataclass
class Post:
    """A ledger with two cases, receivers that are files, and as many daemons as a test wants."""

    folder: Path
    clock: ManualClock
    ledger: Ledger
    settings: Settings

    def daemon(self) -> Delivery:
        labels = Labels(settings=self.settings, cases=self.ledger.cases)
        outbox, checkpoints = self.ledger.outbox, self.ledger.checkpoints
        router = Router(settings=self.settings, labels=labels, outbox=outbox, checkpoints=checkpoints, clock=self.clock)
        files = {name: FileNotifier(name, self.folder / name, self.clock) for name in ("pager", "chat", "mail")}
        return Delivery(outbox, {**files, ROUTES: router}, hours=Hours(labels=labels))

    def tells(self, key: str, severity: Severity = Severity.PAGE, case: str = "a") -> None:
        notice = Notice(key=key, severity=severity, subject=f"about {key}", text="", case=case)
        self.ledger.outbox.send(told(receivers_of(self.settings), notice), self.clock.now())

    def passes(self, span: timedelta) -> None:
        for _ in range(max(1, round(span / timedelta(seconds=10)))):
            self.clock.advance(timedelta(seconds=10))
            self.daemon().due(self.clock.now())

    def got(self, receiver: str) -> list[str]:
        file = self.folder / receiver
        return [json.loads(line)["subject"] for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def post(tmp_path: Path, place: Place) -> Iterator[Post]:
    clock = ManualClock(NOW)
    with place.opened(clock=clock) as ledger:
        for name, severity in (("a", Severity.PAGE), ("b", Severity.NOTE)):
            anomaly = replace(an_anomaly(), signal=replace(an_anomaly().signal, severity=severity))
            born = replace(an_opened(), case_id=name, fingerprint=name, anomaly=anomaly)
            ledger.cases.open(an_entry(born), (), NOW)
        yield Post(tmp_path, clock, ledger, some_settings(alerts={"receivers": RECEIVERS, "routes": ROUTED}))


def test_a_group_waits_is_one_message_and_the_next_one_follows_at_its_interval(post: Post) -> None:
    post.tells("a-opened")
    post.passes(20 * timedelta(seconds=1))
    assert (post.got("pager"), post.got("chat")) == (["about a-opened"], [])
    post.tells("a-page", Severity.TICKET)
    post.passes(20 * timedelta(seconds=1))
    assert post.got("chat") == ["2 notices: about a-opened"], "30 s after the first of them"
    post.tells("a-note", Severity.TICKET)
    post.passes(4 * MINUTE)
    assert len(post.got("chat")) == 1
    post.passes(MINUTE)
    assert post.got("chat")[1:] == ["about a-note"], "5 min after the message before"
    assert post.got("mail") == []


@on_both
def test_two_daemons_and_a_death_in_between_tell_nothing_twice(post: Post) -> None:
    post.tells("a-opened")
    first, second = post.daemon(), post.daemon()
    first.due(post.clock.now())
    second.due(post.clock.now())
    notice = Notice(key="a-opened", severity=Severity.PAGE, subject="about a-opened", text="", case="a")
    labels = Labels(settings=post.settings, cases=post.ledger.cases)
    Router(  # as one does that died before its receipt
        settings=post.settings, labels=labels, outbox=post.ledger.outbox, checkpoints=post.ledger.checkpoints,
        clock=post.clock,
    ).notify(notice)  # fmt: skip
    post.passes(2 * MINUTE)
    assert (post.got("pager"), post.got("chat")) == (["about a-opened"], ["about a-opened"])


def test_a_clock_that_is_set_back_keeps_no_group_waiting(post: Post) -> None:
    post.clock.set(NOW + timedelta(days=1))
    post.tells("a-opened")
    post.passes(MINUTE)
    post.clock.set(NOW)
    post.ledger.cases.hasten(NOW, MINUTE)
    post.tells("a-page", Severity.TICKET)
    post.passes(MINUTE)
    assert post.got("chat") == ["about a-opened", "about a-page"]


def test_a_route_tells_again_no_more_often_than_it_says(post: Post) -> None:
    routed = [{"receiver": "mail", "group_wait": "1s", "group_interval": "1s", "repeat_interval": "12h"}]
    post.settings = some_settings(alerts={"receivers": RECEIVERS, "routes": routed})
    for number in range(1, 5):
        post.tells(f"a-e1-again-1772600000-{number}")
        post.passes(timedelta(seconds=20))
        post.clock.advance(timedelta(hours=4))
    assert post.got("mail") == ["about a-e1-again-1772600000-1", "about a-e1-again-1772600000-4"]


def test_a_message_that_is_not_taken_is_tried_again_whole(post: Post) -> None:
    class Busy(FileNotifier):
        def notify(self, notice: Notice) -> None:
            raise TemporaryError(f"busy, and {notice.key} has to wait")

    post.tells("a-opened", Severity.TICKET)
    post.tells("a-page", Severity.TICKET)
    post.daemon().due(NOW)
    post.clock.advance(MINUTE)
    delivery = Delivery(post.ledger.outbox, {"chat": Busy("chat", post.folder / "x", post.clock)})
    assert delivery.due(post.clock.now()).postponed == 2
    post.passes(MINUTE)
    assert post.got("chat") == ["2 notices: about a-opened"]


BERLIN = {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}


def quiet(**schedule: object) -> Settings:
    return some_settings(alerts={"receivers": RECEIVERS}, schedule={"quiet_hours": BERLIN, **schedule})


def test_at_night_what_is_not_urgent_waits_for_the_morning_and_what_is_does_not(post: Post) -> None:
    post.settings = quiet()
    post.clock.set(datetime(2026, 3, 4, 22, 30, tzinfo=NOW.tzinfo))  # 23:30 in Berlin
    post.tells("a-escalated-3")
    post.tells("b-escalated-3", case="b")
    post.tells("a-closed", Severity.NOTE)
    post.tells("b-1-harmful", case="b")
    post.passes(timedelta(minutes=1))
    assert post.got("mail") == ["about a-escalated-3", "about b-1-harmful"]
    post.clock.set(datetime(2026, 3, 5, 5, 59, 30, tzinfo=NOW.tzinfo))
    post.passes(timedelta(seconds=20))
    assert len(post.got("mail")) == 2
    post.passes(timedelta(minutes=1))
    assert post.got("mail")[2:] == ["about b-escalated-3", "about a-closed"]


def test_maintenance_of_a_service_holds_what_is_not_urgent_of_it(post: Post) -> None:
    window = {
        "reason": "the move",
        "services": ["shop"],
        "start": "2026-03-04T05:00:00Z",
        "end": "2026-03-04T06:00:00Z",
    }
    post.settings = some_settings(alerts={"receivers": RECEIVERS}, schedule={"maintenance": [window]})
    post.tells("b-closed", Severity.NOTE, "b")
    post.tells("budget-stop-1", Severity.TICKET, "")
    post.passes(MINUTE)
    assert post.got("mail") == ["about budget-stop-1"], "it is of no service"
    post.clock.set(datetime(2026, 3, 4, 6, 0, tzinfo=NOW.tzinfo))
    post.passes(MINUTE)
    assert post.got("mail")[1:] == ["about b-closed"]


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-03-04T20:59:59+00:00", None),
        ("2026-03-04T21:00:00+00:00", "2026-03-05T06:00:00+00:00"),
        ("2026-03-05T06:00:00+00:00", None),
        ("2026-03-28T23:00:00+00:00", "2026-03-29T05:00:00+00:00"),  # the night that is an hour shorter
        ("2026-10-24T20:30:00+00:00", "2026-10-25T06:00:00+00:00"),  # and the one that is longer
        ("2026-10-25T05:30:00+00:00", "2026-10-25T06:00:00+00:00"),
    ],
)
def test_quiet_hours_follow_the_clocks_of_their_zone(now: str, ends: str | None) -> None:
    hours = quiet().schedule.quiet_hours
    assert hours is not None
    end = hours.ends(datetime.fromisoformat(now))
    assert end == (datetime.fromisoformat(ends) if ends else None)


def test_quiet_hours_of_some_days_begin_on_those() -> None:
    settings = quiet(quiet_hours={"from": "20:00", "to": "20:00", "days": ["fri"]})
    hours = settings.schedule.quiet_hours
    assert hours is not None
    friday = datetime(2026, 3, 6, 20, tzinfo=NOW.tzinfo)
    covered = [hours.ends(friday + shift) for shift in (-MINUTE, timedelta(0), timedelta(hours=23), timedelta(days=1))]
    assert covered == [None, friday + timedelta(days=1), friday + timedelta(days=1), None]


def test_the_command_line_says_who_would_hear_of_it(tmp_path: Path) -> None:
    config = tmp_path / "trackwalker.yaml"
    config.write_text(json.dumps(a_document(alerts={"receivers": RECEIVERS, "routes": ROUTED})))

    def run(*words: str) -> Any:  # noqa: ANN401 - click's own
        return CliRunner().invoke(trackwalker, ["routes", *words, "--config", str(config)])

    said = json.loads(run("test", "severity=page", "kind=opened", "--json").stdout)
    assert [(way["receivers"], way["group_wait"]) for way in said["ways"]] == [(["pager"], "10s"), (["chat"], "30s")]
    assert run("test", "service=other").output == "pager, chat, mail  by (none: the top)\n"
    assert 'severity="page" → pager, and on' in run().output
    for bad in ("team=a", "severity", "kind=sideways"):
        assert run("test", bad).exit_code == 2
