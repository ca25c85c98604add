"""How far the trouble reaches, as evidence before anything is drafted: series, requests, budget, who is behind it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cases.anomaly import Anomaly, AnomalyKind
from cases.case import Case
from cases.diagnosis import Evidence, EvidenceKind
from cases.reach import IMPACT, Reach
from config.settings import ServiceSettings
from remediation.evidence import Pack
from remediation.neutral import neutral

MOST_NAMED = 5
SHARE, BURN = "traffic_share_percent", "burn_rate"
"""The names of these figures in the evidence."""


def add_reach(
    facts: Pack, case: Case, service: ServiceSettings, services: Iterable[ServiceSettings], at: datetime
) -> None:
    """Store how far it reached when the case opened, and who depends on the service and owns it."""
    reach = case.reach or Reach(signal=case.anomaly.signal.name, service=case.service, series=1, whole=0)
    source = f"{case.anomaly.signal.source}: {case.anomaly.signal.query}"
    opened = case.opened
    numbers = {"series": float(reach.series), **({"of": float(reach.whole)} if reach.whole else {})}
    facts.add(neutral(reach.series_said), source, opened, numbers, EvidenceKind.REACH)
    share = {} if reach.share is None else {SHARE: round(100 * reach.share, 1), "requests_per_second": reach.requests}
    counted = case.anomaly.signal.traffic or source
    facts.add(neutral(reach.share_said), counted, opened, share, EvidenceKind.REACH)
    burn = burn_rate(case.anomaly)
    if burn is not None:
        text = f"{IMPACT}its error budget burns {burn:.3g} times as fast as it may"
        facts.add(text, source, case.anomaly.detected, {BURN: burn}, EvidenceKind.REACH)
    behind = [other.name for other in services if case.service in other.depends]
    depends = f"{len(behind)} services depend on it: {_named(behind)}" if behind else "nobody is known to depend on it"
    owners = f"owned by {_named(service.owners)}" if service.owners else "no owner is configured"
    text, numbers = f"{IMPACT}{depends}; {owners}", {"dependents": float(len(behind))}
    facts.add(text, "services", at, numbers, EvidenceKind.REACH)


def burn_rate(anomaly: Anomaly) -> float | None:
    """How many times as fast as it may an error budget is spent; None for an anomaly that is of no budget."""
    if anomaly.kind is not AnomalyKind.BURN_RATE or not anomaly.expected > 0:
        return None
    return anomaly.value / anomaly.expected


def reach_headline(facts: Iterable[Evidence]) -> str:
    """`38% of the requests of shop (E7)` for a line of a pull request; that it is not known, where it is not."""
    told = [fact for fact in facts if fact.kind is EvidenceKind.REACH]
    for fact in told:
        if SHARE in fact.numbers:
            return f"{fact.fact.removeprefix(IMPACT).partition(' (')[0]} ({fact.id})"
    return "traffic share not known" if told else ""


def burn_headline(facts: Iterable[Evidence]) -> str:
    """What is said of the error budget; "" where there is none."""
    burning = next((fact for fact in facts if BURN in fact.numbers), None)
    if burning is None:
        return ""
    burn = burning.numbers[BURN]
    gone = f"all of it is gone in {1 / burn:.1%} of its window"
    return f"Its error budget burns {burn:.3g} times as fast as it may: {gone} ({burning.id})"


def _named(names: Sequence[str]) -> str:
    return ", ".join(neutral(name, 60) for name in names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
