"""Everything that one backtest has to tell, and its document for programs."""

from dataclasses import dataclass
from typing import Any

from daemon.backtest.compared import Compared
from daemon.backtest.loop import Loop
from daemon.backtest.loop_report import loop_document
from daemon.backtest.month import Costs
from daemon.backtest.report import Report, document


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was found. `what` names what was looked at: a configuration, or files."""

    report: Report
    what: str
    cpu_seconds: float
    compared: Compared
    costs: Costs
    loop: Loop | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was not judged, in words."""
        return (*self.report.remarks, *(self.loop.remarks if self.loop else ()))

    def document(self) -> dict[str, Any]:
        """The contract's document, and what stands beside it."""
        return {
            **document(self.report, self.cpu_seconds),
            "month": self.costs.document(),
            "alerts": self.compared.document(),
            **(loop_document(self.loop, self.report) if self.loop else {}),
            "remarks": list(self.remarks),
        }
