"""Error budgets: the good and the total events of each objective, read once a minute, and how fast they are spent."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cases.moments import EPOCH
from cases.telemetry import SeriesBlock, Signal
from daemon.listing import Slo
from detectors.burn_rate import FINEST, detect_burn
from detectors.detect import Detection

Read = Callable[[Signal, datetime, datetime, timedelta], SeriesBlock]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """What was found as of a moment: it stands until the next minute."""

    at: datetime
    slo: Slo
    found: Detection


class Budgets:
    """Looks at objectives. Used by one thread at a time; what it keeps can be read again."""

    def __init__(self) -> None:
        self._looked: dict[str, _Looked] = {}

    def look(self, signal: Signal, slo: Slo, now: datetime, read: Read) -> Detection:
        """How fast the budget is spent now. Raises what `read` raises."""
        at = EPOCH + (now - EPOCH) // FINEST * FINEST
        last = self._looked.get(signal.key)
        if last is not None and last.at == at and last.slo == slo:
            return last.found
        found = _found(signal, slo, at, read)
        self._looked[signal.key] = _Looked(at=at, slo=slo, found=found)
        return found

    def keep(self, keys: Iterable[str]) -> None:
        """Forget all objectives but these."""
        kept = frozenset(keys)
        self._looked = {key: looked for key, looked in self._looked.items() if key in kept}


def _found(signal: Signal, slo: Slo, at: datetime, read: Read) -> Detection:
    step = slo.objective.step
    first = at - slo.objective.reach // step * step
    good, total = (
        read(replace(signal, query=query, threshold=None), first, at, step) for query in (slo.good, slo.total)
    )
    burning = detect_burn(good, total, slo.objective, of=signal)
    reason = f"an objective of {slo.objective.share:.6g} over {slo.objective.window.days} d is judged by its burn rate"
    partial = good.partial or total.partial
    if partial:
        return Detection(anomalies=(), detector="none", reason=f"a partial answer proves nothing: {partial}")
    if burning.unpaired:
        reason += f"; {len(burning.unpaired)} series of slo.good and slo.total have no partner with the same labels"
    return Detection(anomalies=burning.anomalies, detector="burn rate", reason=reason, warming=not total.labels)
