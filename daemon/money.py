"""Money of language models, watched beside the cases: when the day's is used up, and when it costs more than usual.

Both are told once, whichever of the daemons on a store comes first: what was told is a checkpoint.
"""

import json
import logging
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from cases.case import Hold, Phase
from cases.errors import IllegalStep, PermanentError
from cases.events import Entry, Retried
from cases.leases import Swap
from cases.moments import iso
from cases.stores import CaseStore, Checkpoints, Outbox
from cases.telemetry import Severity
from config.models import BudgetSettings
from daemon.ledger.purse import OVER, STOP, Stop
from daemon.ledger.spend import DAY, LedgerSpend
from remediation.ports import Ports

log = logging.getLogger("trackwalker.money")

ACTOR = "daemon"
SPIKE = "budget/spike"
KNOWN = 28
"""Days before that say what is usual."""
LEAST_KNOWN = 7
"""Days of spending behind us, before anything is usual."""
LEAST = 0.1
"""USD above the usual that are worth a message."""
WEEK = 7
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What is looked at. `stop` and `spike` are chores."""

    ports: Ports
    spend: LedgerSpend
    cases: CaseStore
    outbox: Outbox
    checkpoints: Checkpoints

    @property
    def budget(self) -> BudgetSettings:
        """What may be spent."""
        return self.ports.settings.budget

    def stop(self) -> None:
        """Tell once that the day's money is used up; let the cases that it stopped go on when there is some again."""
        blob = self.checkpoints.get(STOP)
        stop = Stop.read(blob)
        if stop is None:
            return
        now = self.ports.now
        if not stop.told:
            self._tell_stop(stop, blob, now)
            return
        day = self.spend.total(now - DAY).usd
        if day + stop.needs > self.budget.usd_per_day + _ROUNDING:
            return
        if self.checkpoints.swap(Swap(key=STOP, before=blob, after=OVER), now):
            log.info("there is money for language models again: $%.4f of the day's is spent", day)
            for case in stop.cases:
                self._again(case, now)

    def spike(self) -> None:
        """Tell once that the last day or week cost more than is usual."""
        if self.budget.spike is None:
            return
        now = self.ports.now
        days = self.spend.days(now, KNOWN + WEEK)
        if days[0] < LEAST and sum(days[:WEEK]) < LEAST:
            return
        blob = self.checkpoints.get(SPIKE)
        told: dict[str, str] = json.loads(blob) if blob else {}
        known = max((number for number, usd in enumerate(days) if usd), default=0)
        spans = (("day", days[: KNOWN + 1], 1), ("week", _weeks(days), WEEK))
        for name, costs, length in spans:
            last = told.get(name)
            quiet = last is not None and now - datetime.fromisoformat(last) < length * DAY
            usual = _usual(costs[1 : (known + 1) // length]) if known >= LEAST_KNOWN else None
            if quiet or usual is None or not self._above(costs[0], usual):
                continue
            told = {**told, name: now.isoformat()}
            if name == "day":  # a day that is dear makes its week dear too: that is said already
                told["week"] = now.isoformat()
            after = json.dumps(told).encode()
            if self._tell_spike(name, costs[0], usual, Swap(key=SPIKE, before=blob, after=after), now):
                blob = after

    def _above(self, cost: float, usual: float) -> bool:
        return cost > (self.budget.spike or 1) * usual + _ROUNDING and cost - usual >= LEAST

    def _tell_stop(self, stop: Stop, blob: bytes | None, now: datetime) -> None:
        text = (
            f"${stop.spent:.2f} of budget.usd_per_day ${stop.cap:.2f} is spent or set aside in the last 24 hours. "
            "Questions to language models wait until older spending is a day past, and then go on by themselves. "
            "Detection, playbooks and pull requests go on meanwhile. `trackwalker spend` says what it was spent on."
        )
        told = self.ports.tell(
            f"budget-stop-{stop.since}",
            Severity.TICKET,
            "the day's money for language models is used up",
            text,
            case="",
        )
        swap = Swap(key=STOP, before=blob, after=replace(stop, told=True).packed())
        self.outbox.send(told, now, swap=swap)

    def _tell_spike(self, name: str, cost: float, usual: float, swap: Swap, now: datetime) -> bool:
        [dearest, *_] = self.spend.by_signal(now - (DAY if name == "day" else WEEK * DAY))
        share = f"{cost / usual:.1f} times the usual ${usual:.2f}" if usual else "and usually nothing"
        text = (
            f"Language models cost ${cost:.2f} in the last {name}, {share}. Most of it, ${dearest.usd:.2f} in "
            f"{dearest.calls} calls, was for {dearest.of}. `trackwalker spend` says more."
        )
        subject = (
            f"language models cost more than usual this {name}"
            if name == "week"
            else ("language models cost more than usual today")
        )
        told = self.ports.tell(f"budget-spike-{name}-{iso(now)}", Severity.TICKET, subject, text, case="")
        return self.outbox.send(told, now, swap=swap)

    def _again(self, case_id: str, now: datetime) -> None:
        """Let a case that waits for a human for want of money be tried again."""
        try:
            case = self.cases.load(case_id)
            if case.phase is not Phase.ESCALATED or case.hold is not Hold.NONE or "usd_per_day" not in case.escalation:
                return
            again = Retried(because="there is money for language models again")
            self.cases.add(case_id, Entry(at=now, actor=ACTOR, event=again), (), now)
        except (IllegalStep, PermanentError) as error:  # it went on meanwhile, or was removed
            log.info("case %s is not tried again: %s", case_id, error)


def _weeks(days: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(days[first : first + WEEK]) for first in range(0, len(days), WEEK))


def _usual(before: tuple[float, ...]) -> float | None:
    """The median of the whole stretches in which anything was spent; None where there is none."""
    spent = [usd for usd in before if usd]
    return median(spent) if spent else None
