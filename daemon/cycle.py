"""The heartbeat: a loop on the monotonic clock that polls, hands due cases to the executor, and delivers notices.

What else runs beside the cases (the log's tail, kill rules, comments, heartbeats) is handed in as chores.

Nothing here depends on the wall clock moving forward: intervals are monotonic, and the wall clock only dates things.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from cases.case import Phase
from cases.errors import Fenced, PermanentError, TemporaryError, Unreadable
from cases.leases import Claimed
from cases.ports import Clock
from cases.stores import CaseStore, Levers, Outbox
from daemon.alerts.delivery import Delivery
from daemon.alerts.last_resort import LastResort
from daemon.beside import Beside, Chore
from daemon.observe.metrics import Metrics
from daemon.poll import Poll
from daemon.worker import Worker
from remediation.warm import warm

if TYPE_CHECKING:
    from daemon.alerts.enrich import Enrichment

log = logging.getLogger("trackwalker.cycle")

LEASE = timedelta(seconds=30)  # what another daemon waits before it takes a dead one's cases over
RENEWALS = 3  # within the length of a lease: two may come late or fail
STEP = timedelta(seconds=5)  # by which the wall clock must jump to have been set; less is a slow turn or a nudge
POLL, DELIVERY, ENRICH, LAST_RESORT = "poll", "delivery", "enrich", "last resort"
HEED = "heed"  # the chore that listens to comments
TURN = timedelta(milliseconds=250)  # the pause between turns: how fast a due case is picked up
IN_HAND = 2  # cases worked at once


@dataclass(slots=True)
class Pulse:
    """When the loop last came round, on the monotonic clock; the watchdog and `/healthz` read it."""

    at: float = 0.0
    turns: int = 0
    in_hand: dict[str, Claimed] = field(default_factory=dict[str, Claimed])


class WallClock:
    """Notices when the wall clock was set, by the monotonic one beside it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now, self._tick = clock.now(), clock.monotonic()

    def jump(self) -> timedelta:
        """By how much the wall clock was set since the last look; next to nothing when it was not."""
        now, tick = self._clock.now(), self._clock.monotonic()
        jump = (now - self._now) - timedelta(seconds=tick - self._tick)
        self._now, self._tick = now, tick
        return jump


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
        lease: timedelta = LEASE,
        pulse: Pulse | None = None,
        chores: Sequence[Chore] = (),
        enrichment: "Enrichment | None" = None,
        last_resort: LastResort | None = None,
    ) -> None:
        self.owner = owner
        self.pulse = pulse or Pulse(at=clock.monotonic())
        self._clock = clock
        self._cases = cases
        self._outbox = outbox
        self._levers = levers
        self.poll = poll
        self._worker = worker
        self._deliver = deliver
        self._executor = executor
        self._metrics = metrics
        self._lease = lease
        self._wall = WallClock(clock)
        self._poll = Chore(name=POLL, every=cycle, work=self._polled)
        self._poll.due = clock.monotonic()
        self._chores = tuple(chores)
        self._enrichment = enrichment
        self._last_resort = last_resort
        self._renew_due = clock.monotonic()
        self._beside = Beside(executor, clock)
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

    def hasten(self, chore: str) -> bool:
        """Let a chore be due at the next turn; whether there is one of that name. Safe from any thread."""
        found = [one for one in self._chores if one.name == chore]
        for one in found:
            one.due = self._clock.monotonic()
        return bool(found)

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
            self._mind_the_clock()
            self._collect()
            self._renew()
            polled = self._begin_poll()
            self._claim()
            self._begin_delivery()
            self._begin_chores()
            self._collect_beside()
        except (TemporaryError, PermanentError) as error:
            # The ledger cannot be written now, or holds a row that this version cannot read: polling goes on.
            log.error("the ledger: %s", error)  # noqa: TRY400 - a sentence, no trace
            self._metrics.ledger_errors.inc()
            if self._last_resort is not None:
                self._beside.begin(LAST_RESORT, partial(self._last_resort.ledger_down, error))
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

    def _mind_the_clock(self) -> None:
        """The wall clock dates leases and due times: after it was set, none of them may mean another hour."""
        jump = self._wall.jump()
        if abs(jump) < STEP:
            return
        log.warning("the wall clock was set by %+.0f s; intervals go on as before", jump.total_seconds())
        if jump < timedelta(0):
            self._cases.hasten(self._clock.now(), self._lease)
        self._renew_due = self._clock.monotonic()

    def _begin_poll(self) -> int:
        late = self._clock.monotonic() - self._poll.due
        if self._at_the_door() or not self._beside.begin_due(self._poll):
            return 0
        self._metrics.late_seconds.set(late)
        return 1

    def _polled(self) -> None:
        with self._metrics.stage("detect"):
            self.poll.once()

    def _begin_chores(self) -> None:
        if not self._at_the_door():
            for chore in self._chores:
                self._beside.begin_due(chore)

    def _begin_delivery(self) -> None:
        """Hand due notices over, beside the loop: a receiver that is slow to answer holds nothing up."""
        now = self._clock.now()
        if DELIVERY not in self._beside and not self._at_the_door() and self._outbox.notices(now, limit=1):
            self._beside.begin(DELIVERY, partial(self._deliver.due, now))

    def _claim(self) -> int:
        claimed_now = 0
        while len(self._working) < IN_HAND and not self._leaving:
            try:
                claimed = self._cases.claim(self.owner, self._clock.now(), self._lease)
            except Unreadable as error:
                log.error("%s", error)  # noqa: TRY400 - a sentence, no trace
                self._metrics.ledger_errors.inc()
                continue
            if claimed is None:
                break
            if claimed.stolen_from not in {"", self.owner}:
                self._metrics.steals.inc()
                log.warning(
                    "case %s: taken over from %s, which let its lease run out", claimed.case.id, claimed.stolen_from
                )
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
        self._renew_due = now + self._lease.total_seconds() / RENEWALS
        for future, claimed in list(self._working.items()):
            if future.done():
                continue
            try:
                self._working[future] = self._cases.renew(claimed, self._clock.now(), self._lease)
            except Fenced as lost:
                # The worker finds out by itself, just before its next write; or it has just let the case go.
                log.info("case %s: its lease is not renewed: %s", claimed.case.id, lost)

    def _collect(self) -> None:
        """Take ended futures in. A worker catches what it may; anything else is a bug of the daemon, and ends it."""
        for future in [future for future in self._working if future.done()]:
            claimed = self._working.pop(future)
            self.pulse.in_hand.pop(claimed.case.id, None)
            future.result()

    def _collect_beside(self) -> None:
        """The same for what runs beside the cases. What failed there has kept no case from its turn."""
        if POLL in self._beside.ended() and self._enrichment is not None and not self._at_the_door():
            self._beside.begin(ENRICH, self._enrichment.once)
