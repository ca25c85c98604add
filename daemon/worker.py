"""One case, one step at a time: promised effects first, then the step of its phase, then what that step promised.

This is the one place that decides what follows an error (design: the error's type says so).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.case import Case, Hold, Phase
from cases.errors import Fenced, PermanentError, TemporaryError
from cases.events import Entry, Escalated, Event, Frozen
from cases.leases import Claimed, Intent
from cases.moments import iso
from cases.policy import Refuse
from cases.steps import Effect, KillFlag, MergePullRequest, Receipt, StepResult
from cases.stores import CaseStore, Levers, Outbox
from cases.telemetry import Severity
from daemon.effects import ESSENTIAL, perform, turn_off
from daemon.observe.metrics import Metrics
from daemon.observe.observer import Observer
from daemon.observe.spans import Traces
from daemon.observe.stages import DONE, WAITING
from remediation.ports import Ports

log = logging.getLogger("trackwalker.worker")

ACTOR = "daemon"
# Phases whose step starts a sandbox or asks for a write to a repository: they stand still during a pause.
PAUSABLE = frozenset({Phase.DRAFTED, Phase.PROVED, Phase.REVERTING})
# Phases whose step may ask a language model, where there is one.
ASKING = frozenset({Phase.OPEN, Phase.DIAGNOSED})
MOST_DELAY = timedelta(minutes=10)
TELL_AFTER = 3  # temporary failures in a row before a human hears of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Let the case go until then; None leaves it to whoever wakes it."""

    due: datetime | None


class Worker:
    """Works claimed cases, on any thread: what it keeps between steps is only a count of failures."""

    def __init__(
        self,
        *,
        cases: CaseStore,
        outbox: Outbox,
        levers: Levers,
        ports: Ports,
        metrics: Metrics,
        step: Callable[[Case, Ports], StepResult],
        traces: Traces | None = None,
    ) -> None:
        self._cases = cases
        self._outbox = outbox
        self._levers = levers
        self._ports = ports
        self._metrics = metrics
        self._step = step
        self._traces = traces or Traces()
        self._observer = Observer(metrics=metrics, traces=self._traces)
        self._failures: dict[str, int] = {}
        self.yielding = False  # whether a case is let go after its present step, though there is more to do

    def work(self, claimed: Claimed) -> None:
        """Take the case as far as it goes now, and let it go."""
        case = claimed.case
        try:
            release = self._advance(claimed)
        except Fenced:
            self._metrics.fenced.inc()
            log.warning("case %s: another daemon holds it now; dropped what was in hand", case.id)
            return
        except TemporaryError as error:  # the ledger itself: the lease runs out, and nothing was half written
            self._metrics.ledger_errors.inc()
            log.error("case %s: the ledger cannot be written (%s)", case.id, error)  # noqa: TRY400 - a sentence, no trace
            return
        self._let_go(claimed, release)

    def _advance(self, claimed: Claimed) -> Release:
        """Step until there is nothing to do now. Catches what a step may raise, and nothing else does."""
        while True:
            case = claimed.case
            try:
                waiting = self._waiting(claimed)
                if waiting or not case.active or case.hold is not Hold.NONE:
                    # a closed case comes back only for what it still owes the forge; a held one waits for a human
                    return waiting or Release(due=None)
                claimed, result = self._one_step(claimed)
                if not result.events:
                    return Release(due=result.again)
                if self.yielding:
                    return Release(due=self._ports.now)
            except TemporaryError as error:
                return self._later(claimed, error)
            except PermanentError as error:
                if case.phase is Phase.ESCALATED:  # a human was asked already
                    log.error("case %s: it still waits for a human: %s", case.id, error)  # noqa: TRY400 - the same
                    return Release(due=self._ports.now + MOST_DELAY)
                self._ask(claimed, str(error))
                return Release(due=self._ports.now)  # what it waits for besides a human, its next step knows
            except Fenced:
                raise
            except Exception as error:
                log.exception("case %s: a bug in the step of phase %s; the case is frozen", case.id, case.phase)
                self._freeze(claimed, error)
                return Release(due=None)

    def _one_step(self, claimed: Claimed) -> tuple[Claimed, StepResult]:
        """The step of the case's phase, and its one commit."""
        case, clock = claimed.case, self._ports.clock
        began = clock.monotonic()
        with self._observer.step(case) as stage:
            result = self._step(case, self._ports)
            self._metrics.step_seconds.labels(case.phase).observe(clock.monotonic() - began)
            claimed = self._commit(claimed, result)
            stage.ending, stage.after = DONE if result.events else WAITING, claimed.case.phase
        if not claimed.case.active:
            self._traces.closed(claimed.case)
        self._failures.pop(case.id, None)
        self._metrics.steps.labels(case.phase, stage.ending).inc()
        return claimed, result

    def _waiting(self, claimed: Claimed) -> Release | None:
        """What stands before the step: a pause, or an effect that was promised."""
        # The pause first too: a rollback that waits is told, though its case owes the forge a comment.
        # A flag that is to be turned off waits for nothing at all.
        return (
            self._settle(claimed, kills=True)
            or self._paused(claimed.case)
            or self._settle(claimed)
            or self._paused(claimed.case)
        )

    def _settle(self, claimed: Claimed, *, kills: bool = False) -> Release | None:
        """Do the effects that were promised and have no receipt yet, oldest first; with `kills` only those of flags."""
        case = claimed.case
        if kills and case.hypothesis is None:
            return None
        for intent in self._outbox.pending(case.id):
            now = self._ports.now
            if kills and not isinstance(intent.effect, KillFlag):
                continue
            if not kills and self._levers.paused():
                return Release(due=now + self._ports.settings.cycle)
            if intent.due > now:
                return Release(due=intent.due)
            self._outbox.check(claimed)  # just before the effect: a stale claim writes nothing outside
            kind = type(intent.effect).__name__
            try:
                self._may(case, intent)
                with self._observer.effect(case, kind, intent.effect.key) as stage:
                    receipt = self._done(intent.effect)
                    stage.after = "adopted" if receipt.adopted else ""
            except TemporaryError as error:
                due = now + backoff(intent.attempts, error.retry_after)
                self._outbox.postpone(intent.effect.key, due, str(error))
                self._metrics.effects.labels(kind, "postponed").inc()
                self._tell_waiting(claimed, intent.attempts + 1, str(error))
                return Release(due=due)
            except PermanentError as error:
                self._metrics.effects.labels(kind, "dropped").inc()
                self._drop(claimed, intent, str(error))
                if isinstance(intent.effect, ESSENTIAL):
                    raise
                continue
            self._outbox.receive(receipt, claimed)
            self._metrics.effects.labels(kind, "adopted" if receipt.adopted else "done").inc()
            log.info("case %s: %s %s", case.id, "adopted" if receipt.adopted else "did", intent.effect.key)
            if "merged" in receipt.facts:
                self._metrics.effects.labels(kind, "merged").inc()
                log.warning("case %s: %s had been done more than once; the first stays", case.id, intent.effect.key)
        return None

    def _done(self, effect: Effect) -> Receipt:
        if isinstance(effect, KillFlag):
            return turn_off(effect, self._ports.flags)
        return perform(effect, self._ports.forge)

    def _may(self, case: Case, intent: Intent) -> None:
        """See that it may still be done. Raises PermanentError when it may not: authority may be lost at any time."""
        effect, trust = intent.effect, self._ports.trust
        if isinstance(effect, MergePullRequest):
            case = self._cases.load(case.id)  # a word that came since the claim counts as well
            from remediation.unasked import still_to_do  # needed with the first merge

            if not still_to_do(case, effect, self._ports):
                return  # it is merged: that is only taken in
        if trust is None:
            return
        verdict = trust.check(case, effect)
        if isinstance(verdict, Refuse):
            raise PermanentError(f"{effect.key} may not be done: {'; '.join(verdict.reasons)}")

    def _drop(self, claimed: Claimed, intent: Intent, because: str) -> None:
        """Give an effect up. What an essential one would have carried goes with it."""
        self._outbox.drop(intent.effect.key, because)
        log.error("case %s: gave %s up: %s", claimed.case.id, intent.effect.key, because)
        if isinstance(intent.effect, ESSENTIAL):
            for later in self._outbox.pending(claimed.case.id):
                self._outbox.drop(later.effect.key, f"{intent.effect.key} was given up: {because}")

    def _paused(self, case: Case) -> Release | None:
        pause = self._levers.paused()
        if pause is None or case.phase not in (PAUSABLE | ASKING if self._ports.model else PAUSABLE):
            return None
        if case.phase is Phase.REVERTING:
            text = (
                f"change {case.change.number} of case {case.id} is harmful, and its rollback waits: "
                f"paused by {pause.by} since {iso(pause.since)}"
            )
            self._outbox.send(
                self._ports.tell(
                    f"{case.id}-rollback-paused", Severity.PAGE, f"{case.service}: rollback waits", text, case=case.id
                ),
                self._ports.now,
            )
        return Release(due=self._ports.now + self._ports.settings.cycle)

    def _commit(self, claimed: Claimed, result: StepResult) -> Claimed:
        if not result.events and not result.effects:
            return claimed
        before = claimed.case.phase
        claimed = self._write(claimed, result.events, result.effects, result.again or self._ports.now)
        if claimed.case.phase is not before:
            log.info("case %s: %s → %s", claimed.case.id, before, claimed.case.phase)
        return claimed

    def _write(
        self, claimed: Claimed, events: Sequence[Event], effects: Sequence[Effect], due: datetime | None
    ) -> Claimed:
        entries = [Entry(at=self._ports.now, actor=ACTOR, event=event) for event in events]
        return self._cases.commit(claimed, entries, effects, due)

    def _ask(self, claimed: Claimed, reason: str) -> None:
        """Hand the case to a human."""
        case = claimed.case
        self._metrics.steps.labels(case.phase, "escalated").inc()
        log.error("case %s: %s", case.id, reason)
        told = self._ports.tell(
            f"{case.id}-escalated-{len(case.history)}",
            case.asks(Severity.PAGE),
            f"{case.service}: a human is needed",
            f"{reason}\nCase {case.id}.",
            case=case.id,
        )
        self._write(claimed, (Escalated(reason=reason),), told, None)

    def _freeze(self, claimed: Claimed, error: Exception) -> None:
        case = claimed.case
        self._metrics.steps.labels(case.phase, "bug").inc()
        reason = f"a bug in the step of phase {case.phase}: {type(error).__name__}"
        told = self._ports.tell(
            f"{case.id}-bug-{len(case.history)}",
            case.asks(Severity.PAGE),
            f"{case.service}: a case is frozen by a bug",
            f"{reason}. The log has the details; `trackwalker cases retry {case.id}` lets it go on.",
            case=case.id,
        )
        self._write(claimed, (Frozen(reason=reason),), told, None)

    def _later(self, claimed: Claimed, error: TemporaryError) -> Release:
        case = claimed.case
        failures = self._failures[case.id] = self._failures.get(case.id, 0) + 1
        self._metrics.steps.labels(case.phase, "later").inc()
        log.warning("case %s: %s stands still: %s", case.id, case.phase, error)
        if self.yielding:  # it may have failed because this daemon ends: the next one tries at once
            return Release(due=self._ports.now)
        self._tell_waiting(claimed, failures, str(error))
        return Release(due=self._ports.now + backoff(failures - 1, error.retry_after))

    def _tell_waiting(self, claimed: Claimed, failures: int, error: str) -> None:
        if failures != TELL_AFTER:
            return
        case = claimed.case
        told = self._ports.tell(
            f"{case.id}-{case.phase}-waiting-{len(case.history)}",
            case.asks(Severity.TICKET),
            f"{case.service}: a case waits",
            f"{error}\nCase {case.id} is tried again.",
            case=case.id,
        )
        self._outbox.send(told, self._ports.now)

    def _let_go(self, claimed: Claimed, release: Release) -> None:
        try:
            self._cases.release(claimed, release.due)
        except Fenced:
            self._metrics.fenced.inc()
            log.warning("case %s: another daemon took it before it was let go", claimed.case.id)
        except TemporaryError as error:
            self._metrics.ledger_errors.inc()
            log.error("case %s: could not be let go (%s); its lease runs out", claimed.case.id, error)  # noqa: TRY400 - the same


def backoff(attempts: int, first: timedelta) -> timedelta:
    """Twice as long each time, ten minutes at the most; a wait that the other end asked for is kept whole."""
    return max(first, min(MOST_DELAY, first * (1 << min(attempts, 10))))
