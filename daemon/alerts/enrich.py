"""Enrichment: what is found of a case is written to the alert that pages already, instead of telling people twice.

After each poll every active case's alerts are looked up and annotated (what `signals.alertmanager` measured says why so
often), and once more when the case closes. A notice that an alert can carry (a case was opened, a change proposed, a
case closed) is not sent where one carries it: see `quiet` and `Enrichment.carries`. Whatever needs a human always is.

A silence is kept: the alert is not touched, and such notices of its case are not sent by another way either.
"""

import json
import logging
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cases.case import Case
from cases.errors import PermanentError, SourceDown
from cases.ports import Clock
from cases.steps import Notice
from cases.stores import CaseStore, Checkpoints, Outbox
from config.settings import Settings
from daemon.alerts.annotations import PREFIX, annotations_of, beside
from daemon.alerts.own import OURS, is_ours, lowered, raised, wanted
from daemon.alerts.pairing import Paired, paired

if TYPE_CHECKING:
    from daemon.ledger.ledger import Ledger
    from signals.alertmanager import Alert, Alertmanager

log = logging.getLogger("trackwalker.enrich")

KNOWN = "annotated-alerts"  # the checkpoint: case → fingerprints of its alerts
FRESH = timedelta(seconds=5).total_seconds()  # one look serves a whole round of notices, and one failure too
MOST = 100  # alerts of one case that are annotated: the others are in the same page

_CARRIED = re.compile(r"-(opened|[0-9]+-proposed|closed)")


def quiet(notice: Notice) -> bool:
    """Whether an alert can say it instead. Harm, escalations, gates and what waits are always told."""
    own = notice.key.removeprefix(notice.case)
    return bool(notice.case) and own != notice.key and _CARRIED.fullmatch(own) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the last look made of one case: its history's length then, and where the case is spoken of, or ""."""

    length: int
    where: str


@dataclass(slots=True, kw_only=True)
class Enrichment:
    """Writes to the alerts of one Alertmanager. Safe for threads: a look at a time."""

    alertmanager: "Alertmanager"
    cases: CaseStore
    outbox: Outbox
    checkpoints: Checkpoints
    clock: Clock
    service_labels: Sequence[str]
    posts: bool = False  # whether cases that no alert speaks of get one of our own
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _seen: dict[str, _Seen] = field(default_factory=dict[str, _Seen], init=False)
    _doubts: dict[str, str] = field(default_factory=dict[str, str], init=False)
    _looked: float = field(default=float("-inf"), init=False)  # monotonic seconds
    _failed: SourceDown | PermanentError | None = field(default=None, init=False)
    _own: set[str] = field(default_factory=set[str], init=False)  # the cases that one of ours spoke of
    _spoke: bool = field(default=True, init=False)  # after a start, until it is known that none of ours is there

    def once(self) -> None:
        """Annotate the alerts of every active case. An Alertmanager that is down is logged, and holds nothing up.

        Raises TemporaryError when the ledger cannot be read or written.
        """
        with self._lock:
            self._look({})

    def carries(self, notice: Notice) -> str:
        """Where that is said already, in words; "" where receivers must be told.

        Raises SourceDown or PermanentError when Alertmanager cannot be asked.
        """
        if not quiet(notice):
            return ""
        with self._lock:
            case = self.cases.load(notice.case)
            seen = self._seen.get(case.id)
            fresh = self.clock.monotonic() - self._looked < FRESH
            if not fresh or (self._failed is None and (seen is None or seen.length != len(case.history))):
                self._look({case.id: case})
            if isinstance(self._failed, SourceDown):
                raise SourceDown(self._failed.source, self._failed.because, self._failed.retry_after)
            if self._failed is not None:
                raise PermanentError(str(self._failed))
            return self._seen[case.id].where

    def close(self) -> None:
        """Close the connections."""
        self.alertmanager.close()

    def _look(self, also: Mapping[str, Case]) -> None:
        """Look at every alert once, and write to those that lack what is known of their case."""
        stored = self.checkpoints.get(KNOWN)
        known: dict[str, list[str]] = json.loads(stored) if stored else {}
        active = {case.id: case for case in self.cases.active() if not case.improvement}
        ended = {name: case for name in known if name not in active and (case := self._ended(name)) is not None}
        cases = {**active, **ended, **also}
        self._seen = {}
        if not self.posts:
            self._spoke = False
        if not cases and not self._spoke:
            return  # nothing is asked of Alertmanager as long as nothing is wrong
        said = {case.id: annotations_of(case, self._pull_request(case)) for case in cases.values()}
        try:
            listed = self.alertmanager.alerts()
            theirs = [alert for alert in listed if not is_ours(alert)]
            pairs = paired(list(cases.values()), theirs, self.service_labels, known)
            self._write(pairs, said)
            own = self._speak(cases.values(), pairs, said, listed) if self.posts else set[str]()
        except (SourceDown, PermanentError) as error:
            if self._failed is None:
                log.warning("alerts are not annotated: %s", error)
            self._failed = error
            return
        finally:
            self._looked = self.clock.monotonic()
        if self._failed is not None:
            log.info("%s: alerts are annotated again", self.alertmanager.name)
        self._failed = None
        self._own |= own
        posted = dict.fromkeys(self._own, f"said by alert {OURS}")
        self._seen = {
            case.id: _Seen(length=len(case.history), where=_where(pairs[case.id]) or posted.get(case.id, ""))
            for case in cases.values()
        }
        self._remember(pairs, known, active)

    def _speak(
        self,
        cases: Iterable[Case],
        pairs: Mapping[str, Paired],
        said: Mapping[str, Mapping[str, str]],
        listed: Sequence["Alert"],
    ) -> set[str]:
        """Let our own alerts be what they should be now; the cases that one of them speaks of, or has until now."""
        now = self.clock.now()
        up = raised(wanted((case for case in cases if case.active), pairs), said, now)
        down = lowered(listed, up, lambda case_id: self._ended(case_id) is not None, now)
        if up or down:
            self.alertmanager.say([*up, *down])
        self._spoke = bool(up)
        return {alert.labels["case"] for alert in (*up, *down)}

    def _ended(self, case_id: str) -> Case | None:
        """A case that has ended since the last look; None when there is nothing left to tell of it."""
        try:
            return self.cases.load(case_id)
        except PermanentError as error:
            log.info("its alert is not told how it ended: %s", error)
            return None

    def _write(self, pairs: Mapping[str, Paired], said: Mapping[str, Mapping[str, str]]) -> None:
        written = [
            (alert, beside(alert.annotations, said[case_id]))
            for case_id, pair in pairs.items()
            for alert in [alert for alert in pair.alerts if not alert.quiet][:MOST]
            if said[case_id] != {name: text for name, text in alert.annotations.items() if name.startswith(PREFIX)}
        ]
        if written:
            self.alertmanager.annotate(written)
            log.debug("%d alerts annotated", len(written))

    def _remember(self, pairs: Mapping[str, Paired], known: dict[str, list[str]], active: Mapping[str, Case]) -> None:
        """Keep which alerts are whose for as long as their cases are active, so that a restart takes none for new."""
        for case_id, pair in pairs.items():
            if pair.doubt and self._doubts.get(case_id) != pair.doubt:
                log.warning("case %s: no alert is annotated: %s", case_id, pair.doubt)
            fresh = sorted({alert.name for alert in pair.alerts if alert.fingerprint not in known.get(case_id, ())})
            if fresh:
                log.info("case %s: the alert that speaks of it is %s", case_id, ", ".join(fresh))
        self._doubts = {case_id: pair.doubt for case_id, pair in pairs.items() if pair.doubt}
        kept = {
            case_id: sorted({*known.get(case_id, ()), *(alert.fingerprint for alert in pairs[case_id].alerts)})
            for case_id in active
        }
        kept = {case_id: fingerprints for case_id, fingerprints in kept.items() if fingerprints}
        if kept != known:
            self.checkpoints.put(KNOWN, json.dumps(kept).encode(), self.clock.now())

    def _pull_request(self, case: Case) -> str:
        """The address of the newest change's pull request, once there is one."""
        for change in reversed(case.changes):
            receipt = self.outbox.receipt(f"{case.id}-{change.number}-pull-request")
            if receipt is not None and receipt.facts.get("url"):
                return receipt.facts["url"]
        return case.merges[-1].url if case.merges else ""


def enrichment_of(settings: Settings, ledger: "Ledger", clock: Clock) -> Enrichment | None:
    """What `alerts.mode: enrich` asks for; None where every receiver is told of each case. Nothing is reached yet.

    Raises PermanentError when there is no Alertmanager to write to.
    """
    if not settings.enriches:
        return None
    return Enrichment(
        alertmanager=alertmanager_of(settings),
        cases=ledger.cases,
        outbox=ledger.outbox,
        checkpoints=ledger.checkpoints,
        clock=clock,
        service_labels=settings.catalog.service_labels,
        posts=settings.alerts.alertmanager.post,
    )


def alertmanager_of(settings: Settings) -> "Alertmanager":
    """The Alertmanager that the settings name. Raises PermanentError when they name none."""
    from signals.access import client_arguments
    from signals.alertmanager import Alertmanager

    link = settings.signals.alertmanager
    if link is None:
        raise PermanentError("alerts.mode: enrich needs an Alertmanager; add signals.alertmanager, or write direct")
    return Alertmanager(
        link.name,
        url=link.url,
        timeout=link.timeout,
        max_in_flight=link.max_in_flight,
        max_response_bytes=link.max_response_mib * 1024 * 1024,
        **client_arguments(link),
    )


def _where(pair: Paired) -> str:
    """Where people read of the case, in words for the audit trail; "" where no alert speaks of it."""
    speaking: list[Alert] = [alert for alert in pair.alerts if not alert.quiet]
    if speaking:
        return f"annotated on alert {speaking[0].name} ({speaking[0].fingerprint})"
    if pair.alerts:
        return f"alert {pair.alerts[0].name} ({pair.alerts[0].fingerprint}) is {pair.alerts[0].quiet}"
    return ""
