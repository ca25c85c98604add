"""How much of a service's traffic the series carry that are out of range: what a case says of it when it opens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from cases.anomaly import Anomaly
from cases.errors import PermanentError, SourceDown
from cases.moments import EPOCH, milliseconds
from cases.reach import UNDECLARED, Carried, Reach, carried
from cases.telemetry import SeriesBlock, Signal
from detectors.opening import out_of_range, reach_of
from remediation.neutral import neutral
from remediation.ports import Ports


class Counting:
    """Counts requests by what the watches say of it. One source is asked once, and only as a case opens."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def reach(
        self, anomaly: Anomaly, found: Sequence[Anomaly], blocks: Mapping[str, SeriesBlock], now: datetime
    ) -> Reach:
        """How far the anomaly reaches. `found` and `blocks` (by `Signal.key`) are of this look."""
        reach = reach_of(anomaly, found, blocks)
        told = self._carried(anomaly, found, blocks, now)
        return replace(reach, share=told.share, requests=told.requests, unknown=told.unknown)

    def _carried(
        self, anomaly: Anomaly, found: Iterable[Anomaly], blocks: Mapping[str, SeriesBlock], now: datetime
    ) -> Carried:
        signal = anomaly.signal
        out, own = out_of_range(anomaly, found), blocks.get(signal.key)
        every = _present(own) if own is not None else out
        if signal.traffic and not signal.counts:
            traffic = self._asked(signal, now)
        else:
            traffic = self._read(signal if signal.counts else self._counter(signal.service), blocks)
        return traffic if isinstance(traffic, Carried) else carried(out, every, traffic, milliseconds(anomaly.onset))

    def _counter(self, service: str) -> Signal | None:
        """The service's first signal that counts its requests."""
        return next((each for each in self._ports.watched() if each.service == service and each.counts), None)

    def _read(self, counter: Signal | None, blocks: Mapping[str, SeriesBlock]) -> SeriesBlock | Carried:
        """What this look has read of it; why it has nothing."""
        if counter is None:
            return Carried(unknown=UNDECLARED)
        return blocks.get(counter.key) or Carried(unknown="the requests could not be read at that look")

    def _asked(self, signal: Signal, now: datetime) -> SeriesBlock | Carried:
        """What the signal's own query for requests gives; why it gives nothing."""
        wanted = self._ports.settings.detection
        end = EPOCH + (now - EPOCH) // wanted.step * wanted.step
        counter = replace(signal, name=f"{signal.name} traffic", query=signal.traffic, threshold=None, rule="")
        try:
            return self._ports.read_recent(counter, end - wanted.recent, end, wanted.step)
        except (SourceDown, PermanentError) as error:
            return Carried(unknown=f"the requests could not be read ({neutral(str(error), 100)})")


def _present(block: SeriesBlock) -> list[Mapping[str, str]]:
    """The labels of the series that have samples."""
    return [labels for labels, row in zip(block.labels, ~block.missing, strict=True) if row.any()]
