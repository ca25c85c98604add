"""The heartbeat: a loop on the monotonic clock that polls, hands due cases to the executor, and delivers notices.

Nothing here depends on the wall clock moving forward: intervals are monotonic, and the wall clock only dates things.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from cases.case import Phase
from cases.errors import Fenced, PermanentError, TemporaryError
from cases.leases import Claimed
from cases.ports import CaseStore, Clock, Levers, Outbox
from daemon.alerts.delivery import Delivery
from daemon.alerts.enrich import Enrichment
from daemon.metrics import Metrics
from daemon.poll import Poll
from daemon.tail import Tail
from daemon.worker import Worker
from remediation.warm import warm

log = logging.getLogger("trackwalker.cycle")

LEASE = timedelta(seconds=30)  # what another daemon waits before it takes a dead one's cases over
RENEW = timedelta(seconds=10)
POLL, DELIVERY = "poll", "delivery"
TURN = timedelta(milliseconds=250)  # the pause between turns: how fast a due case is picked up
IN_HAND = 2  # cases worked at once


@dataclass(slots=True)
class Pulse:
    """When the loop last came round, on the monotonic clock; the watchdog and `/healthz` read it."""

    at: float = 0.0
    turns: int = 0
    in_hand: dict[str, Claimed] = field(default_factory=dict[str, Claimed])


class Cycle:
    """The loop of one daemon."""

    def __init__(  # noqa: PLR0913 - the seams that the app joins
        self,
        *,
        owner: str,
        clock: Clock,
        cycle: timedelta,
        cases: CaseStore,
        outbox: Outbox,
        levers: Levers,
        poll: Poll,
        worker: Worker,
        deliver: Delivery,
        executor: Executor,
        metrics: Metrics,
        tail: Tail | None = None,
        enrichment: Enrichment | None = None,
    ) -> None:
        self.owner = owner
        self.pulse = Pulse(at=clock.monotonic())
        self._clock = clock
        self._cycle = cycle
        self._cases = cases
        self._outbox = outbox
        self._levers = levers
        self.poll = poll
        self._worker = worker
        self._deliver = deliver
        self._executor = executor
        self._metrics = metrics
        self.tail = tail
        self._enrichment = enrichment
        self._poll_due = clock.monotonic()
        self._renew_due = clock.monotonic()
        self._beside: dict[str, Future[object]] = {}  # what runs beside the cases: one of each at a time
        self._warm = False
        self._working: dict[Future[None], Claimed] = {}
        self._leaving = False
        self.left = False  # whether `run` ended because of `leave`

    def leave(self) -> None:
        """Take no further case, and let `run` end once those in hand came to the end of their present step.

        Until then signals are read, notices delivered and leases renewed.
        """
        self._leaving = self._worker.yielding = True

    def stay(self) -> None:
        """Go on after all."""
        self._leaving = self._worker.yielding = self.left = False

    def run(self, *, cycles: int | None = None, once: bool = False, each_turn: Callable[[], object] = int) -> int:
        """Go round until woken to end; or for that many polls; or, with `once`, until nothing is due now; or to leave.

        `each_turn` is called before each turn. Returns how many polls were begun.
        """
        polls = 0
        while True:
            each_turn()
            polls += self.turn()
            idle = not self._working and not self._beside
            if idle and self._leaving:
                self.left = True
                return polls
            if idle and ((once and not self._due_now()) or (cycles is not None and polls >= cycles)):
                return polls
            if self._clock.wait(TURN):
                return polls

    def turn(self) -> int:
        """Go round once. Returns 1 when a poll was begun, else 0."""
        began = self._clock.monotonic()
        polled = 0
        try:
            self._collect()
            self._renew()
            polled = self._begin_poll()
            self._claim()
            self._begin_delivery()
        except (TemporaryError, PermanentError) as error:
            # The ledger cannot be written now, or holds a row that this version cannot read: polling goes on.
            log.error("the ledger: %s", error)  # noqa: TRY400 - a sentence, no trace
        self.pulse.at = self._clock.monotonic()
        self.pulse.turns += 1
        self._metrics.turns.inc()
        self._metrics.turn_seconds.observe(self.pulse.at - began)
        return polled

    def _at_the_door(self) -> bool:
        """Whether it is to leave and has no case in hand: nothing is begun any more."""
        return self._leaving and not self._working

    def _due_now(self) -> bool:
        """Whether a case could be worked at once. Asked by claiming: what is claimed is worked."""
        return self._claim() > 0

    def _begin_poll(self) -> int:
        now = self._clock.monotonic()
        if now < self._poll_due or POLL in self._beside or self._at_the_door():
            return 0
        self._metrics.late_seconds.set(now - self._poll_due)
        # A cycle that overran is skipped, never queued.
        self._poll_due = max(self._poll_due + self._cycle.total_seconds(), now)
        self._begin(POLL, self.poll.once)
        if self.tail is not None:
            self._begin("tail", self.tail.once)
        return 1

    def _begin_delivery(self) -> None:
        """Hand due notices over, beside the loop: a receiver that is slow to answer holds nothing up."""
        now = self._clock.now()
        if DELIVERY not in self._beside and not self._at_the_door() and self._outbox.notices(now, limit=1):
            self._begin(DELIVERY, partial(self._deliver.due, now))

    def _begin(self, name: str, work: Callable[[], object]) -> None:
        """Let it run beside the cases, unless it does already."""
        if name not in self._beside:
            self._beside[name] = self._executor.submit(work)

    def _claim(self) -> int:
        claimed_now = 0
        while len(self._working) < IN_HAND and not self._leaving:
            claimed = self._cases.claim(self.owner, self._clock.now(), LEASE)
            if claimed is None:
                break
            if not self._warm and claimed.case.phase is Phase.OPEN:
                self._warm = True
                self._executor.submit(warm)
            future = self._executor.submit(self._worker.work, claimed)
            self._working[future] = claimed
            self.pulse.in_hand[claimed.case.id] = claimed
            claimed_now += 1
        self._metrics.paused.set(1 if self._levers.paused() else 0)
        return claimed_now

    def _renew(self) -> None:
        now = self._clock.monotonic()
        if now < self._renew_due:
            return
        self._renew_due = now + RENEW.total_seconds()
        for future, claimed in list(self._working.items()):
            if future.done():
                continue
            try:
                self._working[future] = self._cases.renew(claimed, self._clock.now(), LEASE)
            except Fenced:
                # The worker finds out by itself, just before its next write.
                log.warning("case %s: the lease was lost to another daemon", claimed.case.id)

    def _collect(self) -> None:
        """Take ended futures in. A worker catches what it may; anything else is a bug of the daemon, and ends it."""
        for name in [name for name, future in self._beside.items() if future.done()]:
            self._beside.pop(name).result()
            if name == POLL and self._enrichment is not None and not self._at_the_door():
                self._begin("enrich", self._enrichment.once)
        for future in [future for future in self._working if future.done()]:
            claimed = self._working.pop(future)
            self.pulse.in_hand.pop(claimed.case.id, None)
            future.result()
