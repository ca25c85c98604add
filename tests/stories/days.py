"""Days of a shop of five services: faults that come and go, work that is deployed, and perhaps somebody who reviews.

Every fault is a line that a deployed commit brings, except for those that nobody's commit did. It lasts until it is
taken out, or for some hours. Time goes by in large steps while nothing happens.
"""

import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from cases.case import Case, Phase
from cases.events import Entry, Rejected
from cases.moments import EPOCH, milliseconds
from cases.outcome import Ending
from cases.telemetry import Deploy, SeriesBlock, Signal
from cases.trying import Command, CommandReport, TrialOrder
from daemon.app import App
from daemon.clock import ManualClock, SystemClock
from signals.recorded import RecordedSource, Recording
from tests.parts.hub import world
from tests.parts.playhouse import BAD, NORMAL, STEP_MS, WORSE, House, Readings

SERVICES = ("shop", "cart", "search", "mail", "books")
LASTS = timedelta(hours=3)
"""How long users feel a fault that nobody takes out: then they have given up, or found another way."""
REGRET = timedelta(hours=4)
REFUSALS = ("wrong cause: it was the load", "style: not like this", "duplicate: we do it ourselves", "unwanted")
OK = 200
IDLE, BUSY, CLOSE = timedelta(hours=2), timedelta(minutes=30), timedelta(minutes=5)


class MonthReadings(Readings):
    """An error ratio of each service: one sample a minute, levels from moments on, seeded noise."""

    def __init__(self) -> None:
        super().__init__([])
        self.of: dict[str, list[tuple[datetime, float | None]]] = {name: [(EPOCH, NORMAL)] for name in SERVICES}

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        first = (milliseconds(start) // STEP_MS - 6) * STEP_MS
        times = np.arange(first, milliseconds(end) + 1, STEP_MS, dtype=np.int64)
        values = np.full(len(times), np.nan)
        for at, level in self.of[signal.service]:
            values[times >= milliseconds(at)] = np.nan if level is None else level
        wobble = ((times // STEP_MS * 2654435761) % 1000) / 1000 - 0.5
        recorded = Recording(
            times=times, values=(values * (1 + 0.4 * wobble))[None, :], labels=({"service": signal.service},)
        )
        source = RecordedSource(name=self.name, recordings={signal.query: recorded}, look_back=timedelta(minutes=2))
        return source.read(signal, start, end, step)


@dataclass
class Fault:
    """One fault. `mark` is in the tree as long as it is there; "" where no commit did it."""

    service: str
    mark: str
    since: datetime
    until: datetime
    level: float = BAD


@dataclass
class Month:
    """The house, the faults that were, and what was seen on the way."""

    it: House
    luck: random.Random
    faults: list[Fault] = field(default_factory=list[Fault])
    review: Callable[["Month", App], None] = lambda _month, _app: None
    most_open: int = 0
    ways: dict[str, float] = field(default_factory=dict[str, float])  # branch → how it is answered
    regretted: set[str] = field(default_factory=set[str])  # the services of which a merge was taken back by hand

    @property
    def readings(self) -> MonthReadings:
        assert isinstance(self.it.readings, MonthReadings)
        return self.it.readings

    def felt(self) -> list[Fault]:
        """The faults that users feel now."""
        return [fault for fault in self.faults if fault.since <= self.it.now < fault.until]

    def begin(self, number: int) -> None:
        """A fault comes: by a commit that is deployed among innocent ones, or by nobody's."""
        it, service = self.it, SERVICES[number % len(SERVICES)]
        guilty = self.luck.random() < 0.8
        mark = f"broken{number}" if guilty else ""
        self.touch(service, f"Word {number} of {service}", {f"{service}/words{number}.py": b"WORD = 1\n"}, 30)
        if guilty:
            text = f"def errors():\n    return '{mark}'\n".encode()
            self.touch(service, f"Count errors of {service} otherwise ({number})", {f"{service}/errors.py": text}, 12)
        self.faults.append(Fault(service=service, mark=mark, since=it.now, until=it.now + LASTS))
        self.readings.of[service].append((it.now, BAD))

    def touch(self, service: str, title: str, files: dict[str | bytes, bytes | None], minutes_ago: float) -> str:
        """Commit and deploy at once."""
        sha = self.it.commit(title, files, minutes_ago=minutes_ago)
        self.deploy(service, sha, minutes_ago - 1)
        return sha

    def deploy(self, service: str, sha: str, minutes_ago: float = 0) -> None:
        started = self.it.now - timedelta(minutes=minutes_ago)
        self.it.deploys.append(Deploy(service=service, commit=sha, started=started, source="build_info on main"))

    def ended(self, fault: Fault) -> None:
        """Users feel it no more from now on."""
        fault.until = self.it.now
        self.readings.of[fault.service].append((self.it.now, NORMAL))

    def merge(self, case: Case, pull: dict[str, Any], level: float) -> None:
        """A human merges it, and it is deployed; the readings become what it makes of them. One that cannot waits."""
        it, number = self.it, pull["number"]
        if pull["draft"]:
            it.world.ask("PATCH", f"/pulls/{number}", json={"draft": False})
        merged = it.world.ask("PUT", f"/pulls/{number}/merge", json={"merge_method": "merge"})
        if merged.status_code != OK:
            return
        self.deploy(case.service, str(merged.json()["sha"]))
        for fault in self.felt():
            if fault.service == case.service:
                fault.until = it.now if level == NORMAL else it.now + timedelta(hours=12)
        self.readings.of[case.service].append((it.now, level))

    def regret(self, app: App) -> None:
        """Once a service, somebody takes back by hand what was merged and worked, and the trouble is there again."""
        for case in app.ledger.cases.listed(5):
            worked = case.outcome is not None and case.outcome.ending is Ending.WORKED
            if not worked or case.service in self.regretted or self.felt() or self.it.now - case.entered < REGRET:
                continue
            self.regretted.add(case.service)
            before = [fault for fault in self.faults if fault.service == case.service and fault.mark][-1]
            text = f"def errors():\n    return '{before.mark}'\n".encode()
            self.touch(case.service, "Take the revert back", {f"{case.service}/errors.py": text}, 6)
            self.faults.append(replace(before, since=self.it.now, until=self.it.now + LASTS))
            self.readings.of[case.service].append((self.it.now, BAD))
            return

    def turn(self, app: App, by: timedelta) -> None:
        """Time goes by; what is over is over, the daemon turns, and whoever reviews looks."""
        before = self.felt()
        self.it.clock.advance(by)
        for fault in before:
            if fault.until <= self.it.now:
                self.ended(fault)
        app.cycle.turn()
        app.cycle.turn()
        self.review(self, app)

    def lived(self, app: App, faults: int, days: int, after: timedelta) -> None:
        """The whole month, and some days in which nothing happens any more."""
        gap = timedelta(days=days) / faults
        for number in range(faults):
            self.begin(number)
            next_at = self.it.now + gap
            while self.it.now < next_at:
                busy = bool(self.felt()) or any(_moves(case) for case in app.ledger.cases.active())
                near = self.it.now - self.faults[-1].since < timedelta(minutes=30)
                self.turn(app, min(CLOSE if near else BUSY if busy else IDLE, next_at - self.it.now))
                self._count()
        rest = self.it.now + after
        while self.it.now < rest:
            self.turn(app, timedelta(hours=8))
        self._count()

    def _count(self) -> None:
        self.most_open = max(self.most_open, len(self.it.pull_requests("open")))


def _moves(case: Case) -> bool:
    return case.phase in {Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.MERGED, Phase.DEPLOYED, Phase.REVERTING}


@contextmanager
def a_month(folder: Path, **extra: Any) -> Generator[Month]:  # noqa: ANN401 - keys of a configuration
    """The house of a month: five services in one repository, each watched by its error ratio."""
    watches = [
        {"name": "errors", "service": name, "query": f"errors_{name}", "harm": "up", "severity": "page"}
        for name in SERVICES
    ]
    services = [{"name": name, "repository": "shop", "paths": [f"{name}/**"]} for name in SERVICES]
    with world(folder) as built:
        clock = ManualClock(SystemClock().now().replace(microsecond=0))
        months: list[Month] = []

        def trial(order: TrialOrder, command: Command) -> CommandReport:
            felt = [fault.mark.encode() for fault in months[0].faults if fault.mark]
            newest = felt[-1:] if felt else []
            shows = command.name == "reproduce" and any(mark in order.tree for mark in newest)
            tests = (("tests.test_shop::test_nothing", "passed"),) if command.name == "test" else ()
            return CommandReport(
                name=command.name, exit_code=int(shows), ended="exited", output="", seconds=0.1, tests=tests
            )

        it = House(
            folder=folder, world=built, clock=clock, readings=MonthReadings(), deploys=[], trial=trial,
            extra={"watch": watches, "services": services, "scope": {"allow": ["**"]},
                "detection": {"history": "3d", "recent": "10m", "refit": "12h"}, **extra},
        )  # fmt: skip
        month = Month(it=it, luck=random.Random(4711))  # noqa: S311 - a story, told again
        months.append(month)
        files: dict[str | bytes, bytes | None] = {"tests/test_shop.py": b"def test_nothing():\n    pass\n"}
        for name in SERVICES:
            files[f"{name}/errors.py"] = b"def errors():\n    return 'none'\n"
        sha = it.commit("Open the shop", files, minutes_ago=5000)
        for name in SERVICES:
            month.deploy(name, sha, 4990)
        yield month


def reviewer(month: Month, app: App) -> None:
    """Answers every open pull request sooner or later, each in its way, and dismisses what only asks for help."""
    it = month.it
    for pull in it.pull_requests("open"):
        branch, number = str(pull["head"]["ref"]), int(pull["number"])
        case = app.ledger.cases.load(branch.removeprefix("trackwalker/").rpartition("-")[0])
        felt = it.now - case.anomalies[0].onset
        if felt < timedelta(minutes=25) or month.luck.random() < 0.3:
            continue
        way = month.ways.setdefault(branch, month.luck.random() if case.change.rolls_back is None else 1.0)
        if way < 0.15:
            said = REFUSALS[len(month.ways) % len(REFUSALS)]
            it.world.ask("POST", f"/issues/{number}/comments", json={"body": said})
            it.close(number)
        elif way < 0.25:
            month.ways[branch] = 1.0  # another time it is merged
            asked = {"event": "REQUEST_CHANGES", "body": "What tells you that it was this one?"}
            it.world.ask("POST", f"/pulls/{number}/reviews", json=asked)
        else:
            month.merge(case, pull, WORSE if way < 0.35 else NORMAL)
    for case in app.ledger.cases.active():
        if case.phase is Phase.ESCALATED and it.now - case.entered > timedelta(hours=3):
            no = Rejected(because="we look at it ourselves")
            app.ledger.cases.add(case.id, Entry(at=it.now, actor="human:sre", event=no), (), it.now)
    month.regret(app)
