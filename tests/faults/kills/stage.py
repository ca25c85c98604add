"""What daemons that are killed have around them, as files: repositories, readings, deploys, settings, a script.

Everything that a life of a daemon needs to know is in one folder, so that a new process finds it as the old one did.
"""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from cases.logs import ErrorSeen, Frame, Trace
from cases.moments import from_milliseconds, milliseconds
from cases.telemetry import Deploy, SeriesBlock, Signal
from daemon.clock import SystemClock
from signals.grid import grid

SPEED = 20  # seconds of the daemons' clock in one of ours: what waits for a minute waits for three seconds
GOOD, BAD, THRESHOLD = 0.01, 0.30, 0.10
SERVICE = re.compile(r"s\d{4}")

_WRITES = threading.Lock()  # one thread breaks services, while another deploys what mends them

MENDED = 'return Decimal(text.replace(",", "."))'


class HastyClock:
    """A clock that all processes of a stage share, and that runs `SPEED` times as fast as the machine's."""

    def __init__(self, origin: datetime, zero: float) -> None:
        self._origin = origin
        self._zero = zero
        self._machine = SystemClock()

    def now(self) -> datetime:
        return self._origin + timedelta(seconds=(self._machine.monotonic() - self._zero) * SPEED)

    def monotonic(self) -> float:
        return self._machine.monotonic() * SPEED

    def wait(self, duration: timedelta) -> bool:
        return self._machine.wait(duration / SPEED)

    def wake(self) -> None:
        self._machine.wake()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One folder with everything in it. `services` are as many as there may be cases: each breaks once."""

    folder: Path
    services: int
    store: str
    api_url: str
    origin: datetime
    zero: float

    @property
    def clock(self) -> HastyClock:
        return HastyClock(self.origin, self.zero)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"s{number:04}" for number in range(self.services))

    @property
    def settings(self) -> Path:
        return self.folder / "trackwalker.yaml"

    def readings(self) -> Mapping[str, Sequence[tuple[int, float]]]:
        """Service → (from when on, level)."""
        return self._read("readings.json")

    def deploys(self) -> tuple[Deploy, ...]:
        told: Mapping[str, Sequence[tuple[int, str]]] = self._read("deploys.json")
        return tuple(
            Deploy(service=service, commit=commit, started=from_milliseconds(at), source="a platform")
            for service, each in told.items()
            for at, commit in each
        )

    def becomes(self, service: str, level: float) -> None:
        """From now on its error ratio is at that level."""
        with _WRITES:
            told = dict(self.readings())
            told[service] = [*told[service], (milliseconds(self.clock.now()), level)]
            self.write("readings.json", told)

    def deployed(self, service: str, commit: str) -> None:
        """The platform says that the commit runs since now."""
        with _WRITES:
            told: dict[str, list[tuple[int, str]]] = dict(self._read("deploys.json"))
            told[service] = [*told[service], (milliseconds(self.clock.now()), commit)]
            self.write("deploys.json", told)

    def noted(self, name: str) -> list[str]:
        """The lines of a file that the lives append to."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def _read(self, name: str) -> Any:  # noqa: ANN401 - what the file holds
        return json.loads((self.folder / name).read_text())

    def write(self, name: str, held: object) -> None:
        """Keep it in a file, in one piece: a daemon that reads meanwhile sees the old or the new."""
        new = self.folder / f"{name}.new"
        new.write_text(json.dumps(held))
        new.replace(self.folder / name)

    def save(self) -> None:
        plain = asdict(self) | {"folder": str(self.folder), "origin": self.origin.isoformat()}
        self.write("stage.json", plain)


def found(folder: Path) -> Stage:
    """The stage that is set up in the folder."""
    plain = json.loads((folder / "stage.json").read_text())
    return Stage(**plain | {"folder": folder, "origin": datetime.fromisoformat(plain["origin"])})


@dataclass(kw_only=True)
class StageSource:
    """The readings of a stage, as a SignalSource: each service's error ratio, a point at every point of the grid."""

    stage: Stage
    name: str = "main"

    def probe(self) -> str:
        return "readings of a stage"

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        times = grid(start, end, step)
        values = np.full((1, len(times)), np.nan)
        for at, level in self.stage.readings()[signal.service]:
            values[0, times >= at] = level
        values *= 1 + 0.2 * (((times // 1000 * 2654435761) % 1000) / 1000 - 0.5)  # the same second reads the same
        labels = ({"service": signal.service},)
        return SeriesBlock(signal=signal, labels=labels, times=times, values=values, missing=np.isnan(values))


@dataclass(kw_only=True)
class StageLogs:
    """What the logs of a broken service say: a stack trace that leads to the bug."""

    stage: Stage

    def errors(self, service: str, since: datetime, until: datetime) -> tuple[ErrorSeen, ...]:
        del since
        broke = next((at for at, level in self.stage.readings()[service] if level == BAD), None)
        if broke is None or milliseconds(until) <= broke:
            return ()
        trace = Trace(
            exception="ValueError",
            message="could not convert string to float: '12,50'",
            frames=(Frame(file=f"/app/{service}/pricing.py", line=6, function="amount"),),
            language="python",
        )
        return (
            ErrorSeen(
                service=service, signature=f"ValueError@{service}/pricing.py:amount", first=from_milliseconds(broke),
                last=until, count=34, before=0, sample="ERROR ValueError", trace=trace, labels={"service": service},
            ),
        )  # fmt: skip

    def blind(self) -> str:
        return ""
