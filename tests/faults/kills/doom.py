"""Ports that end their own process with SIGKILL, before or after a call: once a site, whatever the number of lives.

A site is a call with what it is about, as in `comment 5ce1-1-merged`. Which sites were struck stands in a file, so that
the next life gets past them.
"""

import os
import random
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEPS: Mapping[str, tuple[str, ...]] = {
    "detect": ("open ",),
    "diagnose": ("reserve diagnose", "ask diagnose", "commit Diagnosed"),
    "draft": ("reserve edit", "ask edit", "remember answers/", "commit Drafted"),
    "prove": ("run ", "commit Proved"),
    "propose": ("commit Proposed", "store_plot", "push ", "open_pull_request", "release proposed"),
    "watch": ("commit Merged", "commit Deployed", "commit Judged", "comment ", "release deployed"),
    "learn": ("commit Closed", "release closed"),
}
"""The seven steps of a case, and how the sites in each begin."""


@dataclass(kw_only=True)
class Doom:
    """Where a life ends: at the sites that begin with one of `at`; `share` of them, which ones depends on the seed."""

    folder: Path
    seed: int
    share: float
    at: tuple[str, ...] = ("",)
    struck: set[str] = field(init=False)

    def __post_init__(self) -> None:
        path = self.folder / "struck"
        self.struck = set(path.read_text().splitlines()) if path.exists() else set()

    def meet(self, site: str) -> None:
        """End the process, unless this site was struck before or is not to be."""
        if site in self.struck or not site.startswith(self.at):
            return
        if random.Random(f"{self.seed} {site}").random() >= self.share:  # noqa: S311 - of a test
            return
        with (self.folder / "struck").open("a") as lines:
            lines.write(f"{site}\n")
        os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """A port whose named calls meet their doom before and after. `labels`: method → what a call is about."""

    def __init__(self, port: object, doom: Doom, labels: Mapping[str, str]) -> None:
        self._port = port
        self._doom = doom
        self._labels = labels

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        real: Callable[..., Any] = getattr(self._port, name)
        return self._deadly(self._labels[name], real) if name in self._labels else real

    def _deadly(self, label: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the port's own
            site = label.format(*args)
            self._doom.meet(f"before {site}")
            answer = real(*args, **kwargs)
            self._doom.meet(f"after {site}")
            return answer

        return call


LABELS: Mapping[str, Mapping[str, str]] = {
    "cases": {
        "open": "open {0.event.service}",
        "commit": "commit {1[0].event.__class__.__name__} {0.case.service}",
        "release": "release {0.case.phase} {0.case.service}",
    },
    "outbox": {"receive": "receive {0.key}"},
    "checkpoints": {"put": "remember {0}"},
    "forge": {
        "push": "push {1} of {0}",
        "open_pull_request": "open_pull_request {1} of {0}",
        "comment": "comment {2}",
        "store_plot": "store_plot {1}",
    },
    "sandbox": {"run": "run {0.key}"},
    "purse": {"reserve": "reserve {1} {0}"},
    "model": {"ask": "ask {0.purpose} {0.case}"},
    "receiver": {"notify": "notify {0.key}"},
}
"""Port → method → what a call is about, from its arguments. A step's transaction goes by its first event."""


def step_of(site: str) -> str:
    """Which of the seven steps a struck site belongs to, or ""."""
    call = site.partition(" ")[2]
    return next((step for step, begins in STEPS.items() if call.startswith(begins)), "")
