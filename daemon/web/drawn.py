"""A case's readings as they are now, drawn from its own source: from well before the onset on."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from markupsafe import Markup

from cases.anomaly import Anomaly, AnomalyKind
from cases.case import Case
from cases.errors import PermanentError, TemporaryError
from cases.moments import milliseconds
from cases.telemetry import Direction
from daemon.drawing import Line, Mark, draw
from daemon.paper import html, said
from remediation.figures import figure
from remediation.ports import Ports
from remediation.reading import Reading, read


@dataclass(frozen=True, slots=True, kw_only=True)
class _Episode:
    """See `daemon.drawing.Seen`."""

    anomaly: Anomaly
    seen: datetime
    end: datetime


def drawn(case: Case, ports: Ports) -> Markup:
    """The picture, or in words why there is none."""
    try:
        reading = read(case, ports)
    except (TemporaryError, PermanentError) as error:
        return html("<p>Its readings cannot be shown now: {}</p>", error)
    latest = reading.latest
    if latest is None:
        return Markup("<p>Its series has no sample in this stretch.</p>")
    at, value = latest
    band = f"expected {figure(reading.anomaly.low)} to {figure(reading.anomaly.high)}"
    stands = "still out of its band" if reading.firing else "within its band"
    if reading.anomaly.kind is AnomalyKind.GOAL:
        stands, band = "nothing is wrong with it", f"{figure(reading.anomaly.expected)} is wanted"
    picture = draw(_line(reading, at), name="readings", marks=_marks(case))
    return html(
        "<figure><figcaption><b>{}</b><span>{} at {} UTC, {} ({})</span></figcaption>{}</figure>",
        said(reading.anomaly.signal.key, 120),
        figure(value),
        f"{at:%H:%M:%S}",
        stands,
        band,
        Markup(picture),  # noqa: S704 - `draw` escapes
    )


def _line(reading: Reading, until: datetime) -> Line:
    anomaly, values = reading.anomaly, reading.values
    flat = np.ones(len(values))
    with np.errstate(invalid="ignore"):
        out = values > anomaly.high if anomaly.direction is Direction.UP else values < anomaly.low
    if anomaly.kind is AnomalyKind.GOAL:  # where it is wanted, and no band
        nowhere, name = flat * np.nan, str(said(anomaly.signal.key, 120).unescape())
        return Line(
            name=name, times=reading.times, values=values, low=nowhere, middle=flat * anomaly.expected, high=nowhere,
            out=np.zeros(len(values), dtype=np.bool_), episodes=(),
        )  # fmt: skip
    episode = _Episode(anomaly=anomaly, seen=anomaly.detected, end=max(until, anomaly.onset))
    return Line(
        name=str(said(anomaly.signal.key, 120).unescape()),
        times=reading.times,
        values=values,
        low=flat * anomaly.low,
        middle=flat * anomaly.expected,
        high=flat * anomaly.high,
        out=out & (reading.times >= milliseconds(anomaly.onset)),
        episodes=[episode],
    )


def _marks(case: Case) -> list[Mark]:
    """The onset, and when each change of ours ran."""
    began = case.opened if case.anomaly.kind is AnomalyKind.GOAL else case.anomaly.onset
    onset = Mark(at=milliseconds(began), text="asked for" if case.hypothesis else "onset", kind="expected")
    ours = [
        Mark(at=milliseconds(one.started), text=f"change {one.commit[:7]}", kind="expected") for one in case.deploys
    ]
    return [onset, *ours]
