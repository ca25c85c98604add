"""What production is like: each service's error ratio and the commit that it runs, as time goes by."""

import threading
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cases.moments import milliseconds
from cases.ports import Clock

GOOD, BAD, THRESHOLD = 0.01, 0.30, 0.10
ROUTES = ("/checkout", "/cart")
A_DAY = 86_400_000


@dataclass(kw_only=True)
class Production:
    """Error ratios, with noise and a daily swing, and deploys. Safe for threads."""

    clock: Clock
    _levels: dict[str, list[tuple[int, float]]] = field(default_factory=dict[str, list[tuple[int, float]]])
    _commits: dict[str, list[tuple[int, str]]] = field(default_factory=dict[str, list[tuple[int, str]]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def runs(self, service: str, commit: str, level: float, at: datetime | None = None) -> None:
        """From now (or then) on it runs that commit, and so many of its requests fail."""
        moment = milliseconds(at or self.clock.now())
        with self._lock:
            self._levels.setdefault(service, []).append((moment, level))
            self._commits.setdefault(service, []).append((moment, commit))

    def goes(self, service: str, level: float) -> None:
        """From now on so many of its requests fail."""
        with self._lock:
            self._levels[service].append((milliseconds(self.clock.now()), level))

    def bad(self, service: str) -> bool:
        with self._lock:
            return self._levels[service][-1][1] == BAD

    def ratio(self, service: str, route: str, times: NDArray[np.int64]) -> NDArray[np.float64]:
        """The error ratio at those moments; the same moment always reads the same."""
        values = np.full(len(times), np.nan)
        with self._lock:
            for at, level in self._levels.get(service, []):
                values[times >= at] = level if route == ROUTES[0] else GOOD
        wobble = ((times // 1000 * 2654435761 + hash_of(service + route)) % 1000) / 1000 - 0.5
        return values * (1 + 0.3 * wobble + 0.1 * np.sin(times % A_DAY * (2 * np.pi / A_DAY)))

    def commits(self, service: str, first: int, last: int) -> list[tuple[str, int, int]]:
        """(commit, from, until) of all that ran within the stretch."""
        with self._lock:
            told = list(self._commits.get(service, []))
        ends = [at for at, _ in told[1:]] + [2**62]
        return [
            (commit, at, end) for (at, commit), end in zip(told, ends, strict=True) if end > first and at <= last
        ]  # fmt: skip


def hash_of(text: str) -> int:
    """The same in every process."""
    return sum(byte * 131**place for place, byte in enumerate(text.encode()[:8]))
