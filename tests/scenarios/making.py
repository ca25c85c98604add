"""A scenario in the making: the service's history, what its platform measured, and what its log said.

Everything follows from kind, seed and number: the same ones make the same scenario, byte for byte.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from tests.scenarios.fillers import FILLERS
from tests.scenarios.scenario import SEEDS, Line, Mending, Scenario, Series, Shipped, Truth, Written
from tests.scenarios.service import FORMATS, PACKAGES, base

ONSET = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)
ROUTES = ("/checkout", "/search", "/orders")
PAST = 26 * 60  # minutes of telemetry before the onset
AHEAD = 60
AUTHORS = ("Noor", "Ines", "Tomas", "Priya", "Jun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What the platform records of every service: the metric, the label that splits it, its usual level and noise."""

    metric: str
    label: str
    values: tuple[str, ...]
    usual: float
    noise: float


MEASURES = {
    "errors": Measure(metric="service_error_ratio", label="route", values=ROUTES, usual=0.004, noise=0.25),
    "latency": Measure(metric="service_latency_p95_seconds", label="route", values=ROUTES, usual=0.12, noise=0.06),
    "requests": Measure(metric="service_requests_per_second", label="route", values=ROUTES, usual=20, noise=0.05),
    "memory": Measure(metric="process_resident_memory_bytes", label="", values=("",), usual=3.0e8, noise=0.015),
    "queries": Measure(metric="db_queries_per_request", label="route", values=ROUTES, usual=4, noise=0.05),
    "calls": Measure(metric="outgoing_calls_per_second", label="target", values=("payments",), usual=8, noise=0.06),
    "waiting": Measure(metric="db_pool_waiting", label="", values=("",), usual=0.5, noise=0.2),
    "hits": Measure(metric="cache_hit_ratio", label="", values=("",), usual=0.92, noise=0.01),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """From a minute on (0 is the onset) a measure goes to another level, within so many minutes."""

    measure: str
    level: float
    split: str = ""  # the value of its label; "" is all of them
    start: float = 0
    ramp: float = 2


@dataclass(slots=True)
class Making:
    """What is written down of a scenario, in the order in which it happened. Minutes count from the onset."""

    kind: str
    seed: int
    number: int
    tree: dict[str, str] = field(init=False)
    commits: list[Written] = field(default_factory=list[Written])
    deploys: list[Shipped] = field(default_factory=list[Shipped])
    effects: list[Effect] = field(default_factory=list[Effect])
    log: list[Line] = field(default_factory=list[Line])
    decoys: list[int] = field(default_factory=list[int])
    promised: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    reproduce: str | None = None
    watched: float = -2
    ahead: int = AHEAD
    step: timedelta = timedelta(minutes=1)
    choice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.choice = random.Random(f"{self.kind}-{self.seed}")  # noqa: S311 - a seeded choice
        self.tree = base(self.package, self.form)
        self.commits.append(
            Written(title="Begin", files=dict(self.tree), at=self.at(-20 * 1440), author=self.choice.choice(AUTHORS))
        )
        self.deploy(-20 * 1440 + 30)
        self._work(self.choice.randint(24, 40), -14 * 1440, -1400)
        self._work(4, -1380, -300)

    @property
    def fault(self) -> int:
        """Which fault of its kind it is: as many as there are seeds that the rules were written with."""
        return self.seed % len(SEEDS)

    @property
    def turn(self) -> int:
        """Which plan and which format it has: further seeds put the same faults into others."""
        return (self.seed + self.seed // len(SEEDS)) % len(SEEDS)

    @property
    def package(self) -> str:
        """The package of the service."""
        return PACKAGES[(self.number + self.seed // len(SEEDS)) % len(PACKAGES)]

    @property
    def form(self) -> str:
        """The format of its configuration."""
        return FORMATS[self.turn]

    @property
    def configuration(self) -> str:
        """The path of its configuration."""
        return f"config/app.{self.form}"

    def module(self, name: str) -> str:
        """The path of one of its modules."""
        return f"{self.package}/{name}.py"

    def at(self, minute: float) -> datetime:
        """The moment of a minute."""
        return ONSET + timedelta(minutes=self.number * 7) + timedelta(minutes=minute)

    # -- changes ------------------------------------------------------------------------------------------------------

    def commit(self, title: str, minute: float, *edits: tuple[str, str, str]) -> int:
        """Commit edits: path, what stands there once, and what takes its place ("" before: it is added at the end)."""
        held: dict[str, str | None] = {}
        for path, old, new in edits:
            text = self.tree.get(path, "")
            if old and text.count(old) != 1:
                raise ValueError(f"{self.kind}-{self.seed}: {path} has {text.count(old)} times {old!r}")
            self.tree[path] = held[path] = text.replace(old, new) if old else text + new
        author = self.choice.choice(AUTHORS)
        self.commits.append(Written(title=title, files=held, at=self.at(minute), author=author))
        return len(self.commits) - 1

    def set(self, key: str, old: int, new: int) -> tuple[str, str, str]:
        """The edit that changes one number of the configuration."""
        form = {"toml": "{} = {}\n", "yaml": "  {}: {}\n", "json": '    "{}": {}'}[self.form]
        return self.configuration, form.format(key, old), form.format(key, new)

    def deploy(self, minute: float, commit: int | None = None) -> None:
        """Deploy a commit, the newest where none is named."""
        number = len(self.commits) - 1 if commit is None else commit
        self.deploys.append(Shipped(at=self.at(minute), commit=number))

    def decoy(self, minute: float, *, deployed: float | None, most: int = 1) -> int:
        """Innocent work shortly before (or after) the onset; the number of the last of its commits."""
        for _ in range(most):
            self._filler(minute)
        number = len(self.commits) - 1
        if deployed is not None:
            self.deploy(deployed)
            self.decoys.append(number)
        return number

    def _work(self, most: int, first: float, last: float) -> None:
        """Ordinary days: commits, and a deploy after every few of them."""
        minutes = sorted(self.choice.uniform(first, last) for _ in range(most))
        for place, minute in enumerate(minutes):
            self._filler(minute)
            if place % 3 == self.seed % 3 or place == most - 1:
                self.deploy(minute + 12)

    def _filler(self, minute: float) -> None:
        filler = self.choice.choice(FILLERS)
        filled = filler(self.choice, self.package, self.tree, len(self.commits))
        self.promised += filled.promises
        self.commit(filled.title, minute, *filled.edits)

    # -- what was seen ------------------------------------------------------------------------------------------------

    def say(self, text: str, *, first: float = 0.5, last: float = 45, often: float = 4) -> None:
        """A line that comes so often a minute; {n} is a number."""
        for count in range(int((last - first) * often)):
            minute = first + (count + self.choice.random()) / often
            self.log.append(Line(at=self.at(minute), text=text.replace("{n}", str(self.choice.randint(1000, 9999)))))

    def trace(self, *frames: tuple[str, str, str], error: str, route: str = "/checkout") -> str:
        """A stack trace as the service logs it: frames (path, function, the line's text), the innermost last."""
        told = [f"ERROR unhandled in {route} request {{n}}", "Traceback (most recent call last):"]
        for path, function, code in (
            (self.module("server"), "handle", "return route(*words)"),
            *frames,
        ):
            told += [f'  File "/app/{path}", line {self.line(path, code)}, in {function}', f"    {code}"]
        return "\n".join([*told, error])

    def line(self, path: str, code: str) -> int:
        """Where a piece of code stands in a file as it is now; 1 for a file that is none of the repository's."""
        lines = self.tree.get(path, "").splitlines()
        return next((number for number, text in enumerate(lines, start=1) if code in text), 1)

    # -- the end ------------------------------------------------------------------------------------------------------

    def finished(
        self,
        because: str,
        *,
        culprit: int | None = None,
        remedies: Sequence[str] = (),
        checks: str = "",
        mending: Mending | None = None,
    ) -> Scenario:
        """The scenario. `checks` are the hidden assertions; that nobody's work was thrown away is always one."""
        self.say("INFO checkout {n} done", first=-60, last=self.ahead, often=0.5)
        self.say("ERROR client went away during request {n}", first=-60, last=self.ahead, often=0.2)
        return Scenario(
            kind=self.kind,
            seed=self.seed,
            service=f"{self.package}-{self.number:02d}",
            package=self.package,
            commits=tuple(self.commits),
            deploys=tuple(sorted(self.deploys, key=lambda deploy: deploy.at)),
            series=tuple(self._series()),
            log=tuple(sorted(self.log, key=lambda line: line.at)),
            begins=self.at(-PAST),
            watched=self.at(self.watched),
            onset=self.at(0),
            ends=self.at(self.ahead),
            reproduce=self.reproduce,
            truth=Truth(
                culprit=culprit,
                remedies=tuple(remedies),
                because=because,
                hidden=self._hidden(checks) if remedies else "",
                mending=mending,
                decoys=tuple(self.decoys),
            ),
            step=self.step,
        )

    def _hidden(self, checks: str) -> str:
        """The hidden program: the others' work is there, and what the checks say."""
        lines = [
            "import importlib, sys",
            "sys.path.insert(0, '.')",
            f"for module, name in {sorted(self.promised)!r}:",
            f"    module = importlib.import_module('{self.package}.' + module)",
            "    assert hasattr(module, name), f'{module.__name__}.{name} is gone'",
        ]
        return "\n".join([*lines, checks.replace("PACKAGE", self.package)]) + "\n"

    def _series(self) -> list[Series]:
        noise = np.random.default_rng([self.number, self.seed])
        minutes = np.arange(-PAST, self.ahead + 1)
        day = 1 + 0.08 * np.sin(2 * np.pi * (minutes + self.number * 7) / 1440)
        made: list[Series] = []
        for name, measure in MEASURES.items():
            for value in measure.values:
                level = np.full(len(minutes), measure.usual)
                for effect in self.effects:
                    if effect.measure == name and effect.split in {"", value}:
                        share = np.clip((minutes - effect.start) / effect.ramp, 0, 1)
                        level = level * (1 - share) + effect.level * share
                busy = day if name in {"requests", "calls"} else 1.0
                wobble = 1 + measure.noise * noise.standard_normal(len(minutes))
                values = np.maximum(level * busy * wobble, 0)
                labels = {measure.label: value} if measure.label else dict[str, str]()
                kept = np.minimum(values, 1.0) if name in {"errors", "hits"} else values
                made.append(Series(metric=measure.metric, labels=labels, values=tuple(kept.tolist())))
        return made


Kind = Callable[[Making], Scenario]
