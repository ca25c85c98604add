"""What a pull request's text is made from, looked at now: the readings, the deploys, and the case with both noted."""

from collections.abc import Sequence
from dataclasses import dataclass

from cases.case import Case
from cases.events import Entry, Noted
from cases.lifecycle import advance
from cases.telemetry import Deploy
from cases.verdict import Trial
from remediation.decision import NAME as DECISION
from remediation.diagnose import onset_of
from remediation.impact import look_around
from remediation.ports import Ports
from remediation.reading import Reading, read
from remediation.related import in_order, related
from remediation.sparkline import sparkline
from remediation.standing import noted
from remediation.telling import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look. `case` has what was `noted` in it; the caller commits these events before it tells of them."""

    case: Case
    noted: tuple[Noted, ...]
    reading: Reading
    deploys: Sequence[Deploy]


def seen(case: Case, ports: Ports, *, around: bool = True) -> Look:
    """Look. `around` looks at what else moved as well. Raises SourceDown."""
    events = list(look_around(case, ports)) if around and case.hypothesis is None else []
    case = _with(case, events, ports)
    reading = read(case, ports)
    deploys = ports.changes.deploys(case.service, onset_of(case) - ports.settings.diagnosis.look_back, ports.now)
    stands = noted(case, reading, deploys, ports.settings.watch, ports.now)
    return Look(case=_with(case, stands, ports), noted=(*events, *stands), reading=reading, deploys=deploys)


def story_of(look: Look, ports: Ports, trial: Trial, overtaken: str = "") -> Story:
    """The story that the text is made from."""
    case = look.case
    return Story(
        case=case,
        change=case.change,
        trial=trial,
        now=ports.now,
        deploys=look.deploys,
        service=ports.settings.service(case.service),
        links=ports.settings.links,
        reading=look.reading,
        plot=ports.forge.plot_url(case.change.lead.repository, plot_of(case)),
        spark=sparkline(look.reading.values),
        decision=ports.forge.plot_url(case.change.lead.repository, f"{case.id}-{case.change.number}/{DECISION}"),
        page=ports.settings.api.case_page(case.id),
        overtaken=overtaken,
        related=in_order(case, related(case, ports), ports.now),
    )


def plot_of(case: Case) -> str:
    """Where the picture of the change in hand is kept."""
    return f"{case.id}-{case.change.number}/anomaly.png"


def _with(case: Case, events: Sequence[Noted], ports: Ports) -> Case:
    for event in events:
        case = advance(case, Entry(at=ports.now, actor="daemon", event=event))
    return case
