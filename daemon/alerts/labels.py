"""What a notice is known by: the labels that routes match, and whether it is urgent."""

from collections.abc import Mapping
from dataclasses import dataclass

from cases.case import Case
from cases.errors import PermanentError
from cases.escalation import Urgency, impact_of, urgency_of
from cases.steps import Notice
from cases.stores import CaseStore
from cases.telemetry import Severity
from config.settings import Settings
from daemon.alerts.kinds import HARMFUL, IMPACT, UNDELIVERED, kind_of

ALWAYS = frozenset({HARMFUL, IMPACT, UNDELIVERED})
"""Kinds that are urgent whatever they are about."""
_OF_NONE = {Severity.PAGE: Urgency.HOUR, Severity.TICKET: Urgency.DAY, Severity.NOTE: Urgency.WEEK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Looks the labels of notices up. A case that is not there any more leaves them without its service."""

    settings: Settings
    cases: CaseStore

    def of(self, notice: Notice) -> Mapping[str, str]:
        """The labels, by name (`config.routes.LABELS`). Raises TemporaryError when the ledger cannot be read."""
        case = self._case(notice)
        return {
            "severity": str(notice.severity),
            "service": case.service if case is not None else "",
            "kind": kind_of(notice),
            "urgency": str(self._urgency(notice, case)),
            "case": notice.case,
        }

    def urgent(self, labels: Mapping[str, str]) -> bool:
        """Whether it may disturb at any hour: no mere note, and of a case that is needed within the hour."""
        if labels["kind"] in ALWAYS:
            return True
        return labels["urgency"] == Urgency.HOUR and labels["severity"] != Severity.NOTE

    def _urgency(self, notice: Notice, case: Case | None) -> Urgency:
        if case is None:
            return _OF_NONE[notice.severity]
        impact = impact_of(case, self.settings.weight(case.service))
        return urgency_of(case, impact, self.settings.approvals.terms)

    def _case(self, notice: Notice) -> Case | None:
        if not notice.case:
            return None
        try:
            return self.cases.load(notice.case)
        except PermanentError:  # removed, or not readable: what is told of it is told all the same
            return None
