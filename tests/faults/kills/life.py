"""One life of a daemon on a stage: the real app, ledger, cycle, worker and forge; only what is outside is scripted."""

import io
import os
import re
import signal
import tarfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from cases.ports import Clock, Forge, LanguageModel
from cases.telemetry import Deploy
from cases.trying import Command, CommandReport, SandboxReport, TrialOrder
from config.load import load
from config.settings import Settings
from daemon.alerts.file import FileNotifier
from daemon.app import House, housed, living
from daemon.build import Outside, forge_of
from daemon.home import Home
from daemon.ledger.ledger import Ledger
from remediation.model.remembered import Remembered
from remediation.model.scripted import Entry, ScriptedModel
from sandbox.scripted import ScriptedSandbox
from signals.recorded import RecordedMarkers
from tests.faults.kills.doom import LABELS, Deadly, Doom
from tests.faults.kills.other_ways import BlindForge, EffectsFirst
from tests.faults.kills.stage import MENDED, Stage, StageLogs, StageSource

TRIAL = 0.02  # seconds that a trial takes
UNBOUNDED = 1_000_000  # an hour of these lives is three minutes: no configuration may ask for as many pull requests


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a life does its work.

    naive          it never looks at the forge before it writes
    effects_first  it does a step's effects before it commits the step
    doomed         the share of its calls' sites at which it is to die; which ones depends on the seed
    at             how the sites begin at which it may die
    """

    naive: bool = False
    effects_first: bool = False
    doomed: float = 0.0
    seed: int = 0
    at: tuple[str, ...] = ("",)


@dataclass(frozen=True, kw_only=True)
class Read:
    """What the files of a stage say, read once for all lives: it would be most of a life's beginning."""

    settings: Settings
    script: Sequence[Entry]

    @classmethod
    def of(cls, stage: Stage) -> "Read":
        """Read them."""
        script = (stage.folder / "script.json").read_bytes()
        settings = load(stage.settings)
        budget = settings.budget.model_copy(update={"prs_per_hour": UNBOUNDED})
        return cls(
            settings=settings.model_copy(update={"budget": budget}),
            script=TypeAdapter(list[Entry]).validate_json(script),
        )


def live(stage: Stage, read: Read, way: Way) -> None:
    """Run until SIGTERM, or until somebody ends it otherwise."""
    clock = stage.clock

    def wake(*_: object) -> None:
        clock.wake()

    signal.signal(signal.SIGTERM, wake)
    with ExitStack() as stack:
        house = stack.enter_context(housed(read.settings, clock))
        rooms = Rooms(stage, read, way, house)
        app = stack.enter_context(living(rooms.house, read.settings, rooms.outside))
        (stage.folder / f"{os.getpid()}.up").touch()
        app.cycle.run()


class Rooms:
    """What a life has around it, with the seams that its way asks for."""

    def __init__(self, stage: Stage, read: Read, way: Way, house: House) -> None:
        self._stage = stage
        self._way = way
        self._settings = read.settings
        self._script = read.script
        self._doom = Doom(folder=stage.folder, seed=way.seed, share=way.doomed, at=tuple(way.at))
        ledger: Ledger = house.ledger
        cases = ledger.cases
        if way.effects_first:
            cases = EffectsFirst(ledger, house.clock, self._forge(house.home))
        self._purse = self._deadly("purse", ledger.purse(read.settings.budget))
        self._checkpoints = self._deadly("checkpoints", ledger.checkpoints)
        seams = {"cases": self._deadly("cases", cases), "outbox": self._deadly("outbox", ledger.outbox)}
        self.house = replace(house, ledger=replace(ledger, **seams, checkpoints=self._checkpoints))

    def outside(self, settings: Settings, home: Home, clock: Clock) -> Outside:
        """The adapters: the configured forge, the scripted model, and files."""
        del settings
        stage = self._stage
        receiver = FileNotifier("oncall", stage.folder / "notices", clock)
        return Outside(
            sources={"main": StageSource(stage=stage)},
            changes=StageDeploys(stage),
            forge=self._deadly("forge", self._forge(home)),
            sandbox=self._deadly("sandbox", SlowSandbox(stage.folder / "runs")),
            notifiers={"oncall": self._deadly("receiver", receiver)},
            logs=StageLogs(stage=stage),
            model=self._model(clock),
        )

    def _forge(self, home: Home) -> Forge:
        return BlindForge(self._settings, home) if self._way.naive else forge_of(self._settings, home)

    def _model(self, clock: Clock) -> LanguageModel:
        """As the daemon builds it, with seams."""
        asked = ScriptedModel(self._script, self._purse)
        return Remembered(self._deadly("model", asked), self._checkpoints, clock)

    def _deadly(self, name: str, port: Any) -> Any:  # noqa: ANN401 - the same port
        return Deadly(port, self._doom, LABELS[name]) if self._way.doomed else port


class StageDeploys:
    """What the platform says, read anew at each look (see `cases.ports.Changes`)."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        return RecordedMarkers(recorded=self._stage.deploys()).deploys(service, since, until)

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        return RecordedMarkers(recorded=self._stage.deploys()).running(service, at)


class SlowSandbox(ScriptedSandbox):
    """A sandbox that takes a moment and writes each run down: begun and ended, so that one that is left shows."""

    def __init__(self, notes: Path) -> None:
        super().__init__(suite)
        self._notes = notes

    def run(self, order: TrialOrder) -> SandboxReport:
        self._note(f"begun {order.key}")
        threading.Event().wait(TRIAL)
        report = super().run(order)
        self._note(f"ended {order.key}")
        return report

    def _note(self, line: str) -> None:
        with self._notes.open("a") as lines:
            lines.write(f"{line} {os.getpid()}\n")


def suite(order: TrialOrder, command: Command) -> CommandReport:
    """What pytest would say of the tree: the regression test of a service passes where its bug is mended."""
    with tarfile.open(fileobj=io.BytesIO(order.tree)) as tar:
        held = {member.name: (tar.extractfile(member) or io.BytesIO()).read().decode() for member in tar.getmembers()}
    outcomes = [("tests.test_shops::test_they_open", "passed")]
    sections: list[str] = []
    for path in sorted(name for name in held if re.fullmatch(r"tests/test_s\d+\.py", name)):
        service, test = path[len("tests/test_") : -len(".py")], "test_a_comma_is_a_decimal_point"
        mended = MENDED in held[f"{service}/pricing.py"]
        outcomes.append((f"tests.test_{service}::{test}", "passed" if mended else "failed"))
        if not mended:
            failure = f"{path}:5: \n\nE   ValueError: no\n\n{service}/pricing.py:6: ValueError"
            sections += [f"______ {test} ______", "", failure]
    output = "\n".join(["=== FAILURES ===", *sections, "=== short test summary info ==="])
    code = int(bool(sections))
    return CommandReport(
        name=command.name, exit_code=code, ended="exited", output=output, seconds=0.01, tests=tuple(outcomes)
    )
