"""What the logs add to a diagnosis: errors that began with the trouble, and the places in the code that they name."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import PurePosixPath

from cases.case import Case
from cases.diagnosis import Hypothesis
from cases.logs import ErrorSeen, Frame, Trace
from remediation.edit.brief import reader
from remediation.edit.places import Place, exception_of, hypotheses, places
from remediation.evidence import Pack
from remediation.ports import Ports

MOST_KINDS, MOST_NEWS = 3, 2  # kinds of error, and of line that the log never had, that become evidence
BEFORE = timedelta(minutes=30)  # what the count since the onset is held against
BURST = 3.0  # standard deviations
LATE = 2  # how many times the time of a confirmation an onset may be dated late
NAMED = 3  # places of a trace whose words count in the ranking
# The name of an error in a line that has no trace. Nothing else of such a line counts: anybody may have written it.
_NAMED_ERROR = re.compile(r"(?:^|[\s\"'(\[=])(?P<name>[A-Z][a-z]+(?:[A-Z][A-Za-z0-9]{1,30}){1,4}): ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """An error that rose with the trouble, and where in the repository it happened.

    usual   how many there would have been at the rate of before
    places  innermost first; none without a trace that leads into the repository
    """

    seen: ErrorSeen
    usual: float
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What the logs said. `blind` is why they may not have said all, or ""."""

    errors: tuple[Located, ...]
    blind: str

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place, the first error's first."""
        return tuple(dict.fromkeys(place for error in self.errors for place in error.places))

    @property
    def words(self) -> tuple[str, ...]:
        """What they name, most telling first: file, function and exception, from the innermost place outwards."""
        named: list[str] = []
        for error in self.errors:
            for number, place in enumerate(error.places[:NAMED]):
                named += [PurePosixPath(place.path).stem, place.function]
                if not number and error.seen.trace is not None:
                    named.append(exception_of(error.seen.trace))
            if error.seen.trace is None and (said := _NAMED_ERROR.search(error.seen.sample)):
                named.append(said["name"])
        return tuple(dict.fromkeys(named))

    def facts(self, pack: Pack, ports: Ports) -> tuple[tuple[Hypothesis, ...], tuple[str, ...]]:
        """Store each as evidence; the hypotheses that cite it, best first, and the id of each error."""
        found: list[Hypothesis] = []
        ids: list[str] = []
        for error in self.errors:
            evidence = pack.error(error.seen, error.usual, error.places, ports.now)
            ids.append(evidence)
            if error.seen.trace is not None:
                found += hypotheses(error.seen.trace, error.places, evidence)
        found.sort(key=lambda hypothesis: -hypothesis.confidence)
        return tuple(found), tuple(ids)

    def raised(self, facts: Sequence[str] = ()) -> tuple[Trace, ...]:
        """The traces as the ranking needs them: of their frames those that lie in the repository, by its own paths.

        `facts` are the ids of the evidence of each error, in their order.
        """
        return tuple(
            replace(error.seen.trace, frames=_frames(error.places), exception=exception_of(error.seen.trace), fact=fact)
            for error, fact in zip_longest(self.errors, facts, fillvalue="")
            if isinstance(error, Located) and error.seen.trace is not None and error.places
        )


def _frames(found: Sequence[Place]) -> tuple[Frame, ...]:
    """The innermost last, as in a trace."""
    inner = found[:NAMED]
    return tuple(
        Frame(file=place.path, line=place.line, function=place.function, text=place.text) for place in reversed(inner)
    )


def traces(case: Case, ports: Ports, repository: str) -> Traces:
    """Ask the logs for what rose with the onset, and look each trace up in the repository as it is now."""
    onset = min(anomaly.onset for anomaly in case.anomalies)
    since = onset - timedelta(seconds=max(anomaly.onset_bound_s for anomaly in case.anomalies))
    usual = _usual(case, ports, since)
    length = ports.now - since
    rising = [
        (seen, usual.get(seen.signature, 0.0) * length.total_seconds())
        for seen in ports.logs.errors(case.service, since, ports.now)
    ]
    up = [(seen, expected) for seen, expected in rising if rose(seen.count, expected)]
    risen = [one for one in up if not one[0].news][:MOST_KINDS] + [one for one in up if one[0].news][:MOST_NEWS]
    read = reader(ports.forge, repository, ports.forge.head(repository)) if any(s.trace for s, _ in risen) else None
    located = tuple(
        Located(seen=seen, usual=expected, places=places(seen.trace, read) if seen.trace and read else ())
        for seen, expected in risen
    )
    blind = ports.logs.blind()
    return Traces(errors=located, blind=f"logs: {blind}" if blind else "")


def rose(count: int, usual: float) -> bool:
    """Whether an error is new with the trouble, or further above its usual count than chance takes a Poisson count."""
    return count > 0 and (usual * 10 <= count or count - usual >= BURST * math.sqrt(usual + 1))


def _usual(case: Case, ports: Ports, onset: datetime) -> dict[str, float]:
    """How often a second each kind of error came before, over the time that it is known for.

    An onset is dated by the detector's grid, and mostly late: what was first seen shortly before it is the trouble's
    own, and was never usual.
    """
    detection = ports.settings.detection
    until = onset - LATE * detection.confirm * detection.step
    since = until - BEFORE
    return {
        seen.signature: seen.count / max(1.0, (until - max(since, seen.first)).total_seconds())
        for seen in ports.logs.errors(case.service, since, until)
    }
