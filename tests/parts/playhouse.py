"""The whole daemon on a given clock: a real ledger, real git over HTTP, real PyGithub and the real forge server.

Only time, readings and the sandbox's answers come from the test. What a story is judged by is what left the process:
pull requests, comments, notices.
"""

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from cases.case import Case, Phase
from cases.errors import SourceDown
from cases.flagging import Flags
from cases.measure import Measures
from cases.moments import EPOCH, milliseconds
from cases.ports import Changes, Clock, Forge, LanguageModel, Logs, Sandbox
from cases.telemetry import Deploy, SeriesBlock, Signal
from cases.trying import Command, CommandReport, TrialOrder
from config.load import load
from config.settings import Settings
from daemon.alerts.file import FileNotifier
from daemon.app import App, running
from daemon.build import Outside
from daemon.clock import ManualClock, SystemClock
from daemon.home import Home
from sandbox.scripted import ScriptedSandbox
from signals.recorded import NoLogs, RecordedMarkers, RecordedSource, Recording
from tests.parts.hub import TOKEN, UNHURRIED, World, world

QUERY = "error_ratio"
STEP_MS = 60_000
HISTORY = timedelta(days=3)
NORMAL, BAD, WORSE = 0.01, 0.30, 0.60
SHOP: dict[str | bytes, bytes | None] = {
    "shop/pricing.py": b"def total(cart):\n    return sum(cart)\n",
    "shop/checkout.py": b"def checkout(cart):\n    return cart\n",
    "tests/test_shop.py": b"def test_nothing():\n    pass\n",
}


@dataclass
class Readings:
    """An error ratio at one sample a minute: levels from moments on, seeded noise, None for no sample."""

    levels: list[tuple[datetime, float | None]]
    down: str = ""

    @property
    def name(self) -> str:
        return "main"

    def probe(self) -> str:
        return "readings of a test"

    def becomes(self, level: float | None, at: datetime) -> None:
        self.levels.append((at, level))

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        if self.down:
            raise SourceDown(self.name, self.down)
        first = (milliseconds(start) // STEP_MS - 6) * STEP_MS
        times = np.arange(first, milliseconds(end) + 1, STEP_MS, dtype=np.int64)
        values = np.full(len(times), np.nan)
        for at, level in self.levels:
            values[times >= milliseconds(at)] = np.nan if level is None else level
        # the same minute always reads the same, whoever asks and when
        wobble = ((times // STEP_MS * 2654435761) % 1000) / 1000 - 0.5
        values *= 1 + 0.4 * wobble
        recorded = Recording(times=times, values=values[None, :], labels=({"service": "shop", "route": "/checkout"},))
        source = RecordedSource(name=self.name, recordings={signal.query: recorded}, look_back=timedelta(minutes=2))
        return source.read(signal, start, end, step)


@dataclass
class House:
    """A world, a clock, and what a test scripts. `app` is the daemon's present life."""

    folder: Path
    world: World
    clock: ManualClock
    readings: Readings
    deploys: list[Deploy]
    trial: Callable[[TrialOrder, Command], CommandReport]
    extra: dict[str, Any]
    wrap_forge: Callable[[Forge], Forge] = lambda forge: forge
    wrap_sandbox: Callable[[Sandbox], Sandbox] = lambda sandbox: sandbox
    token: str = TOKEN
    logs: Logs = field(default_factory=NoLogs)
    model: LanguageModel | None = None
    flags: Flags | None = None
    measures: Measures | None = None
    repository: dict[str, str] = field(default_factory=dict[str, str])
    recipe: dict[str, str] = field(default_factory=dict[str, str])
    app: App | None = field(default=None, init=False)
    shas: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @contextmanager
    def alive(self) -> Generator[App]:
        """One life of the daemon."""
        with running(self.settings(), clock=self.clock, build=self._outside) as app:
            self.app = app
            yield app

    def settings(self) -> Settings:
        document: dict[str, Any] = {
            "store": f"sqlite:///{self.folder}/ledger.db",
            "cycle": "30s",
            "signals": {"prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}]},
            "watch": [{"name": "errors", "service": "shop", "query": QUERY, "harm": "up", "severity": "page"}],
            "repositories": [
                {
                    "name": "shop",
                    "url": f"{self.world.served.url}/acme/shop.git",
                    "full_name": "acme/shop",
                    "reproduce": "reproduce",
                    **self.repository,
                    **self.recipe,
                },
                *(
                    {"name": name, "url": f"{self.world.served.url}/{hub.full_name}.git", "full_name": hub.full_name}
                    for name, hub in self.world.others.items()
                ),
            ],
            "deploys": [{"prometheus": "build_info"}],
            "forge": {"api_url": self.world.served.api_url, "token": "env:TOKEN", **UNHURRIED},
            "authority": {"default": "pull_request"},
            "runtime": {"executor": "inline"},
            "pull_requests": {"dashboard": False},
            "api": {"listen": "127.0.0.1:0"},
            "detection": {"history": "3d", "recent": "10m"},
            "judgement": {
                "history": "1d", "warm_up": "2m", "window": "3h", "act_within": "3h", "look_every": "1m",
                "deploy_wait": "15m",
            },
        }  # fmt: skip
        document.update(self.extra)
        path = self.folder / "trackwalker.yaml"
        path.write_text(json.dumps(document))
        return load(path)

    def commit(self, title: str, files: Mapping[str | bytes, bytes | None], minutes_ago: float) -> str:
        at = int((self.now - timedelta(minutes=minutes_ago) - EPOCH).total_seconds())
        sha = self.world.hub.commit(title, files, at=at, author="shop developer")
        self.shas[title] = sha
        return sha

    def commit_to(self, name: str, title: str, files: Mapping[str | bytes, bytes | None], minutes_ago: float) -> str:
        at = int((self.now - timedelta(minutes=minutes_ago) - EPOCH).total_seconds())
        return self.world.others[name].commit(title, files, at=at, author="platform")

    def deploy(self, sha: str, minutes_ago: float = 0) -> None:
        started = self.now - timedelta(minutes=minutes_ago)
        self.deploys.append(Deploy(service="shop", commit=sha, started=started, source="build_info on main"))

    def passes(self, minutes: float = 0.5, *, every: float = 0.5) -> None:
        """Let time go by, half a minute at a time or as many minutes; the daemon turns at each."""
        assert self.app is not None
        for _ in range(max(1, round(minutes / every))):
            self.clock.advance(timedelta(minutes=every))
            self.app.cycle.turn()
            self.app.cycle.turn()  # what the poll found is claimed in the next turn

    def until(self, *phases: Phase, minutes: float = 60, every: float = 0.5) -> Case:
        """Let time go by until the newest case is in one of the phases."""
        for _ in range(round(minutes / every)):
            self.passes(every, every=every)
            case = self.case()
            if case is not None and case.phase in phases:
                return case
        case = self.case()
        seen = f"{case.phase} (hold: {case.hold}) {case.escalation}" if case else "not there"
        raise AssertionError(f"no case came to {phases} within {minutes:g} min; it is {seen}")

    def case(self) -> Case | None:
        assert self.app is not None
        return next(iter(self.app.ledger.cases.listed(1)), None)

    def pull_requests(self, state: str = "all", name: str = "shop") -> list[dict[str, Any]]:
        answer = self.world.ask("GET", "/pulls", params={"state": state}, name=name)
        listed: list[dict[str, Any]] = answer.json()
        return [found for found in listed if found["head"]["ref"].startswith("trackwalker/")]

    def comments(self, number: int, name: str = "shop") -> list[str]:
        return [comment["body"] for comment in self.world.ask("GET", f"/issues/{number}/comments", name=name).json()]

    def merge(self, number: int, *, deployed: bool = True, level: float | None = NORMAL, name: str = "shop") -> str:
        """A human merges; the platform deploys; the readings become what the change makes of them."""
        merged = self.world.ask("PUT", f"/pulls/{number}/merge", json={"merge_method": "merge"}, name=name)
        assert merged.status_code == 200, merged.text
        sha: str = merged.json()["sha"]
        self.clock.advance(timedelta(minutes=1))
        if deployed:
            self.deploy(sha)
            self.readings.becomes(level, self.now)
        return sha

    def close(self, number: int) -> None:
        assert self.world.ask("PATCH", f"/pulls/{number}", json={"state": "closed"}).status_code == 200

    def notices(self) -> list[dict[str, Any]]:
        path = self.folder / "notices"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def subjects(self) -> list[str]:
        return [notice["subject"] for notice in self.notices()]

    def _outside(self, settings: Settings, home: Home, clock: Clock) -> Outside:
        del settings
        changes: Changes = RecordedMarkers(recorded=self.deploys)
        del home
        forge = self.world.adapter(self.token, **self.repository)
        return Outside(
            sources={"main": self.readings},
            changes=changes,
            forge=self.wrap_forge(forge),
            sandbox=self.wrap_sandbox(ScriptedSandbox(self.trial)),
            notifiers={"oncall": FileNotifier("oncall", self.folder / "notices", clock)},
            logs=self.logs,
            model=self.model,
            flags=self.flags,
            measures=self.measures,
        )


@contextmanager
def house(folder: Path, **extra: Any) -> Generator[House]:  # noqa: ANN401 - keys of a configuration
    """A shop that ran well for days, until a bad commit was deployed a few minutes ago, among innocent ones.

    The sandbox's answers: the suite always passes; the fault shows wherever the bad line is in the tree.
    """

    def trial(order: TrialOrder, command: Command) -> CommandReport:
        bad = b"round(sum(cart))" in order.tree
        code = 1 if command.name == "reproduce" and bad else 0
        tests = (("tests.test_shop::test_nothing", "passed"),) if command.name == "test" else ()
        return CommandReport(
            name=command.name, exit_code=code, ended="exited", output="", seconds=0.1, tests=tests
        )  # fmt: skip

    with world(folder) as built:
        clock = ManualClock(SystemClock().now().replace(microsecond=0))
        it = House(
            folder=folder,
            world=built,
            clock=clock,
            readings=Readings([(EPOCH, NORMAL)]),
            deploys=[],
            trial=trial,
            extra=extra,
        )
        it.deploy(it.commit("Open the shop", SHOP, minutes_ago=3000), minutes_ago=2990)
        it.commit("Cache the catalogue", {"shop/catalogue.py": b"cache = {}\n"}, minutes_ago=40)
        it.commit(
            "Round checkout totals",
            {"shop/pricing.py": b"def total(cart):\n    return round(sum(cart))\n"},
            minutes_ago=30,
        )
        it.commit("Say hello in the README", {"README.md": b"hello\n"}, minutes_ago=29)
        it.deploy(it.shas["Say hello in the README"], minutes_ago=20)
        it.readings.becomes(BAD, it.now - timedelta(minutes=19))
        it.commit(
            "Reword the checkout", {"shop/checkout.py": b"def checkout(cart):\n    return list(cart)\n"}, minutes_ago=5
        )
        it.deploy(it.shas["Reword the checkout"], minutes_ago=4)
        yield it


__all__ = ["BAD", "NORMAL", "TOKEN", "WORSE", "House", "house"]
