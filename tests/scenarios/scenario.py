"""A scenario: what a service's people, its platform and its users did, and the truth about it, which is kept apart."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

KINDS = (
    "bug", "config", "leak", "n-plus-one", "retry-storm", "bad-flag", "small-pool", "tight-timeout", "bad-bump",
    "cache-ttl", "no-cause", "poisoned",
)  # fmt: skip
SEEDS = (0, 1, 2, 3)
"""Those that the suite is made of; any further one makes a scenario that is held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One commit: what the paths hold after it (None removes one)."""

    title: str
    files: Mapping[str, str | None]
    at: datetime
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A deploy: from then on the service runs the commit of that number."""

    at: datetime
    commit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the service's log."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """What somebody who knows would answer a question about an edit: one replacement and its test."""

    path: str
    function: str
    search: str
    replace: str
    test_path: str
    test: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What really happened. Nothing of it is in the repository or the telemetry.

    culprit    the number of the guilty commit; None where nobody's commit did it
    remedies   the classes of change that can be right; empty where no pull request can be
    because    one sentence for people
    hidden     a program that is run at the top of a pull request's tree and ends with 0 where the change is right
    mending    how the code is mended, where an edit is the remedy
    decoys     numbers of innocent commits that were deployed shortly before the onset
    """

    culprit: int | None
    remedies: tuple[str, ...]
    because: str
    hidden: str = ""
    mending: Mending | None = None
    decoys: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of the service: a sample a minute, the first at the scenario's `begins`."""

    metric: str
    labels: Mapping[str, str]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything of one scenario. `onset` is when users began to feel it, `watched` when the daemon is started.

    step  how far the given clock moves between two turns: slow troubles are watched in longer steps
    """

    kind: str
    seed: int
    service: str
    package: str
    commits: tuple[Written, ...]
    deploys: tuple[Shipped, ...]
    series: tuple[Series, ...]
    log: tuple[Line, ...]
    begins: datetime
    watched: datetime
    onset: datetime
    ends: datetime
    reproduce: str | None
    truth: Truth = field(repr=False)
    step: timedelta = timedelta(minutes=1)

    @property
    def name(self) -> str:
        """As in bug-0."""
        return f"{self.kind}-{self.seed}"

    @property
    def latest(self) -> int:
        """The commit that the last deploy before the onset brought: whom a naive reader blames."""
        return max((d for d in self.deploys if d.at <= self.onset), key=lambda d: d.at).commit

    def head(self) -> dict[str, str]:
        """The tree of the watched branch at the end."""
        tree: dict[str, str] = {}
        for commit in self.commits:
            for path, text in commit.files.items():
                if text is None:
                    tree.pop(path, None)
                else:
                    tree[path] = text
        return tree

    def write_truth(self, folder: Path) -> Path:
        """Put the truth into a folder of its own, which nothing of the product is ever given."""
        folder.mkdir(parents=True, exist_ok=True)
        told: dict[str, Any] = {"scenario": self.name, **asdict(self.truth)}
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(told, indent=2))
        return path
