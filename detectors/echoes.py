"""Echoes: symptoms of services that depend on one in trouble. They belong to its case, listed and suppressed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cases.anomaly import Anomaly
from cases.case import Case
from cases.moments import iso
from detectors.topology import Topology

MOST_ECHOES = 20
"""How many signals a case lists as its echoes: each is a write of its own, and nobody reads a thousand."""


def listed(case: Case, anomaly: Anomaly, *, lasting: bool) -> list[Anomaly]:
    """The echoes of the case that are this very trouble: it began before they were taken in, or has never stopped."""
    same = [echo for echo in case.echoes if echo.anomaly.fingerprint == anomaly.fingerprint]
    return [echo.anomaly for echo in same if lasting or anomaly.onset <= echo.at]


def fading(anomaly: Anomaly, ended: Iterable[Case], now: datetime, window: timedelta) -> str:
    """Why the echo of a case that has just ended is given some time, or "": those who call recover a little later."""
    for case in ended:
        at = case.history[-1].at
        if now - at <= window and anomaly.onset <= at and listed(case, anomaly, lasting=True):
            return f"it is an echo of case {case.id} of {case.service}, which ended at {iso(at)}"
    return ""


@dataclass(slots=True, kw_only=True, eq=False)
class Home:
    """A case that a moment may belong to. `free`: it may still be about something else than it is now."""

    case_id: str
    service: str
    onsets: list[datetime]
    listed: set[str]
    free: bool = False
    because: str = ""

    def echoes(self, anomaly: Anomaly) -> tuple[bool, str]:
        """Whether the case lists the anomaly from now on, and why it is suppressed."""
        if anomaly.fingerprint in self.listed:
            return False, f"another series of a signal that case {self.case_id} lists as an echo"
        if len(self.listed) >= MOST_ECHOES:
            return False, f"{self.because}; it lists {MOST_ECHOES} echoes already"
        self.listed.add(anomaly.fingerprint)
        return True, self.because


@dataclass(slots=True, kw_only=True)
class Homes:
    """The cases that are there, and those that this look opens, by who calls whom."""

    topology: Topology
    window: timedelta
    _homes: list[Home] = field(default_factory=list[Home], init=False)
    _ways: dict[str, dict[str, tuple[str, ...]]] = field(
        default_factory=dict[str, dict[str, tuple[str, ...]]], init=False
    )

    def add_case(self, case: Case, *, free: bool) -> None:
        """One that is there already."""
        self._homes.append(
            Home(
                case_id=case.id,
                service=case.service,
                onsets=[had.onset for had in case.anomalies],
                listed={echo.anomaly.fingerprint for echo in case.echoes},
                free=free,
            )
        )

    def add_new(self, case_id: str, moment: Sequence[Anomaly]) -> None:
        """One that this look opens."""
        onsets = list({anomaly.onset for anomaly in moment})
        self._homes.append(Home(case_id=case_id, service=moment[0].signal.service, onsets=onsets, listed=set()))

    def depth(self, service: str) -> int:
        """On how many services it depends: the fewer, the deeper down it is."""
        return len(self._below(service))

    def beneath(self, moment: Sequence[Anomaly]) -> Home | None:
        """The deepest case of the same moment, of a service that this one depends on."""
        below = self._below(moment[0].signal.service)
        found = [home for home in self._homes if home.service in below and self._together(home, moment)]
        if not found:
            return None
        home = min(found, key=lambda home: self.depth(home.service))
        way = self.topology.because(below[home.service])
        home.because = f"{way}, and case {home.case_id} of {home.service} is of the same moment"
        return home

    def above(self, moment: Sequence[Anomaly]) -> tuple[Home | None, tuple[Home, ...]]:
        """The cases of the same moment whose services depend on this one, if they may still be something else.

        The oldest one, which becomes this one's, and the others, which are its echoes.
        """
        service = moment[0].signal.service
        found: list[Home] = []
        for home in self._homes:
            way = self._below(home.service).get(service)
            if home.free and way is not None and self._together(home, moment):
                home.because = f"{self.topology.because(way)}, and {service} left what is normal at the same moment"
                home.free = False
                found.append(home)
        if not found:
            return None, ()
        head, *others = found
        head.service = service
        head.onsets = list({anomaly.onset for anomaly in moment})
        self._homes = [home for home in self._homes if home not in others]
        return head, tuple(others)

    def _below(self, service: str) -> dict[str, tuple[str, ...]]:
        if service not in self._ways:
            self._ways[service] = dict(self.topology.below(service))
        return self._ways[service]

    def _together(self, home: Home, moment: Sequence[Anomaly]) -> bool:
        onsets = {anomaly.onset for anomaly in moment}
        return any(abs(mine - theirs) <= self.window for mine in onsets for theirs in home.onsets)
