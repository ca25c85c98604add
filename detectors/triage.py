"""Triage: from anomalies to cases. Each anomaly opens a case, joins one, or is suppressed with the reason.

One incident is one case: by service, by time, and by who calls whom (see `detectors.topology` and `detectors.echoes`).
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeAlias

from cases.anomaly import Anomaly
from cases.case import Case, Hold, Phase
from cases.moments import iso
from detectors.echoes import Homes, listed
from detectors.topology import Topology

MOMENT = timedelta(minutes=10)
"""Anomalies of one service whose onsets are no further apart are taken for one story."""

MOST_SERIES = 5
"""How many series of one signal a case carries: enough to name the symptom; a thousand would drown it."""

MOST_SYMPTOMS = 50
"""How many anomalies a case takes in, over all its signals. A human reads no more, and each is a write of its own: in a
storm the next look must not wait for a thousand of them."""

ALONE = Topology()
"""No service is known to call another."""

_BEFORE_THE_FORGE = frozenset({Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """A new story. The case opens with `anomaly`; `others` of the same moment join it at once."""

    case_id: str
    service: str
    fingerprint: str
    anomaly: Anomaly
    others: tuple[Anomaly, ...]
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinCase:
    """Another symptom of a case that is there already.

    leads   the case is about this one from now on: what it was about depends on this one's service
    folds   other cases of which the same is true: they end, as echoes of this one; each with the reason
    """

    case_id: str
    anomaly: Anomaly
    because: str
    leads: bool = False
    folds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """Nothing new. `case_id` is the case that has it.

    echo   the case is to list it: a symptom of a service that depends on the case's, which came with it
    """

    case_id: str
    anomaly: Anomaly
    because: str
    echo: bool = False


Decision: TypeAlias = OpenCase | JoinCase | Suppressed


def triage(
    anomalies: Sequence[Anomaly],
    active: Sequence[Case],
    *,
    window: timedelta = MOMENT,
    known: Collection[str] = (),
    topology: Topology = ALONE,
    lasting: Collection[str] = (),
) -> tuple[Decision, ...]:
    """Decide for every anomaly, in a fixed order whatever order they come in. Pure: the same input, the same answer.

    Against `active` cases, oldest first:
    1. A fingerprint that a case has is suppressed; unless the case had recovered before it began: then it comes back;
       or it has become more urgent: then it joins once more, so that a human hears of it.
    2. A symptom that is new to a case of its service joins it while the case is before the forge and not held, and in
       any other phase only when it began within `window` of a symptom that the case has.
    3. What a case lists as an echo is suppressed as long as it goes on.
    What is left is one story for each service and moment, those deepest in the `topology` first:
    4. Where a service that it depends on has a case of the same moment, or opens one now, it is an echo of that case,
       of the deepest one. Nothing is an echo by its time alone.
    5. Where a service that depends on it has a case of the same moment that is before the forge and not held, that case
       is about this one from now on; where several have, it is the oldest, and the others end as its echoes.
    6. The rest opens cases, each led by the most severe, then the earliest anomaly.
    What a case that has `MOST_SYMPTOMS`, or `detectors.echoes.MOST_ECHOES`, would take in besides is suppressed.
    `known` are ids of cases that ended: the very trouble of one of them (same onset) does not open it again.
    `lasting` are fingerprints of what was out of range at the last look already.
    """
    topology = topology.with_named(anomalies, _troubled(anomalies, active))
    decided: list[Decision] = []
    left: list[Anomaly] = []
    joined: dict[str, set[str]] = {}
    for anomaly in sorted(anomalies, key=_rank):
        decision = _against(anomaly, active, joined, window) or _listed(anomaly, active, lasting)
        if decision is None:
            left.append(anomaly)
        else:
            decided.append(decision)
    homes = Homes(topology=topology, window=window)
    for case in sorted(active, key=lambda c: (c.opened, c.id)):
        homes.add_case(case, free=case.phase in _BEFORE_THE_FORGE and case.hold is Hold.NONE)
    for moment in sorted(_moments(left, window), key=lambda moment: homes.depth(moment[0].signal.service)):
        decided += _placed(moment, homes, known)
    return tuple(decided)


def case_id(anomaly: Anomaly) -> str:
    """Eight hexadecimal digits from what the trouble is and when it began: two daemons name the same case alike."""
    return hashlib.sha256(f"{anomaly.fingerprint}\x1f{iso(anomaly.onset)}".encode()).hexdigest()[:8]


def more_urgent(anomaly: Anomaly, others: Iterable[Anomaly]) -> bool:
    """Whether it asks for more than any of the others does."""
    return all(anomaly.signal.severity.urgency < other.signal.severity.urgency for other in others)


def _troubled(anomalies: Iterable[Anomaly], active: Iterable[Case]) -> set[str]:
    return {*(anomaly.signal.service for anomaly in anomalies), *(case.service for case in active)}


def _listed(anomaly: Anomaly, active: Sequence[Case], lasting: Collection[str]) -> Suppressed | None:
    """What the case makes of the anomaly that lists it as an echo; None where none does, or it is another trouble."""
    for case in active:
        if had := listed(case, anomaly, lasting=anomaly.fingerprint in lasting):
            if more_urgent(anomaly, had):
                wanted = anomaly.signal.severity
                because = f"what case {case.id} lists of it was less urgent: it asks for a {wanted} now"
                return Suppressed(case_id=case.id, anomaly=anomaly, because=because, echo=True)
            because = f"case {case.id} of {case.service} lists it as an echo"
            return Suppressed(case_id=case.id, anomaly=anomaly, because=because)
    return None


def _placed(moment: Sequence[Anomaly], homes: Homes, known: Collection[str]) -> list[Decision]:
    """A moment of one service: an echo of another one's case, or the head of it, or a case of its own."""
    home = homes.beneath(moment)
    if home is not None:
        decided: list[Decision] = []
        for anomaly in moment:
            echo, because = home.echoes(anomaly)
            decided.append(Suppressed(case_id=home.case_id, anomaly=anomaly, because=because, echo=echo))
        return decided
    above, beside = homes.above(moment)
    if above is not None:
        head, *others = _kept(moment, above.case_id)
        folds = tuple((other.case_id, other.because) for other in beside)
        traced = JoinCase(case_id=above.case_id, anomaly=head.anomaly, because=above.because, leads=True, folds=folds)
        return [traced, *others]
    decided = _opened(moment, known)
    if isinstance(opened := decided[0], OpenCase):
        homes.add_new(opened.case_id, moment)
    return decided


def _against(
    anomaly: Anomaly, active: Sequence[Case], joined: dict[str, set[str]], window: timedelta
) -> JoinCase | Suppressed | None:
    """What an active case makes of the anomaly, or None. `joined` is what this call has added to each case."""
    mine = sorted((case for case in active if case.service == anomaly.signal.service), key=lambda c: (c.opened, c.id))
    for case in mine:
        new = joined.setdefault(case.id, set())
        if anomaly.fingerprint in new:
            because = f"another series of a signal that has just joined case {case.id}"
            return Suppressed(case_id=case.id, anomaly=anomaly, because=because)
        same = [had for had in case.anomalies if had.fingerprint == anomaly.fingerprint]
        if same:
            if more_urgent(anomaly, same):
                new.add(anomaly.fingerprint)
                because = f"what case {case.id} has of it was less urgent: it asks for a {anomaly.signal.severity} now"
                return JoinCase(case_id=case.id, anomaly=anomaly, because=because)
            if case.recovered is None or anomaly.onset <= case.recovered:
                because = f"case {case.id} ({case.phase}) has it already"
                return Suppressed(case_id=case.id, anomaly=anomaly, because=because)
            new.add(anomaly.fingerprint)
            because = f"it came back after case {case.id} had recovered at {iso(case.recovered)}"
            return JoinCase(case_id=case.id, anomaly=anomaly, because=because)
    for case in mine:
        because = _joins(anomaly, case, window)
        if because and len(case.anomalies) + len(joined[case.id]) >= MOST_SYMPTOMS:
            because = f"case {case.id} has {MOST_SYMPTOMS} symptoms already"
            return Suppressed(case_id=case.id, anomaly=anomaly, because=because)
        if because:
            joined[case.id].add(anomaly.fingerprint)
            return JoinCase(case_id=case.id, anomaly=anomaly, because=because)
    return None


def _joins(anomaly: Anomaly, case: Case, window: timedelta) -> str:
    """Why the symptom belongs to the case, or "" when it does not."""
    if case.phase in _BEFORE_THE_FORGE and case.hold is Hold.NONE:
        return f"case {case.id} of the same service is still {case.phase}"
    nearest = min(abs(anomaly.onset - had.onset) for had in case.anomalies)
    if nearest <= window:
        return f"it began within {nearest.total_seconds():g} s of a symptom of case {case.id} ({case.phase})"
    return ""


def _moments(anomalies: Sequence[Anomaly], window: timedelta) -> list[list[Anomaly]]:
    """The anomalies by service, and there by onset: a gap longer than `window` parts two moments."""
    moments: list[list[Anomaly]] = []
    ordered = sorted(anomalies, key=lambda a: (a.signal.service, a.onset))
    for _, of_service in groupby(ordered, key=lambda a: a.signal.service):
        last: datetime | None = None
        for anomaly in of_service:
            if last is None or anomaly.onset - last > window:
                moments.append([])
            moments[-1].append(anomaly)
            last = anomaly.onset
    return sorted((sorted(moment, key=_rank) for moment in moments), key=lambda moment: _rank(moment[0]))


def _opened(moment: Sequence[Anomaly], known: Collection[str]) -> list[Decision]:
    """One case for a moment, unless it was a case before; what is too much for one case is suppressed."""
    leader = moment[0]
    name = case_id(leader)
    if name in known:
        because = f"case {name} was about this very trouble and has ended"
        return [Suppressed(case_id=name, anomaly=anomaly, because=because) for anomaly in moment]
    _, *others = _kept(moment, name)
    beyond = [other for other in others if isinstance(other, Suppressed)]
    opened = OpenCase(
        case_id=name,
        service=leader.signal.service,
        fingerprint=leader.fingerprint,
        anomaly=leader,
        others=tuple(other.anomaly for other in others if isinstance(other, JoinCase)),
        because=f"{leader.signal.key} went {leader.direction} at {iso(leader.onset)}, and no active case has that",
    )
    return [opened, *beyond]


def _kept(moment: Sequence[Anomaly], case_id: str) -> list[JoinCase | Suppressed]:
    """What the case takes in of a moment, the leader first, and what is too much for it."""
    count: dict[str, int] = {}
    kept = 0
    decided: list[JoinCase | Suppressed] = []
    for anomaly in moment:
        count[anomaly.fingerprint] = count.get(anomaly.fingerprint, 0) + 1
        if count[anomaly.fingerprint] > MOST_SERIES:
            because = f"{MOST_SERIES} series of {anomaly.signal.key} are in case {case_id} already"
        elif kept >= MOST_SYMPTOMS:
            because = f"case {case_id} has {MOST_SYMPTOMS} symptoms already"
        else:
            kept += 1
            decided.append(JoinCase(case_id=case_id, anomaly=anomaly, because=f"it came with case {case_id}"))
            continue
        decided.append(Suppressed(case_id=case_id, anomaly=anomaly, because=because))
    return decided


def _rank(anomaly: Anomaly) -> tuple[object, ...]:
    """Most severe first, then earliest, then farthest out; the names make the order total."""
    return (
        anomaly.signal.severity.urgency,
        anomaly.onset,
        -anomaly.score,
        anomaly.signal.key,
        anomaly.direction,
        sorted(anomaly.labels.items()),
    )
