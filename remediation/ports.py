"""What every step of a case is handed: the ports, the operator's settings, and the time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.errors import PermanentError
from cases.flagging import Flags
from cases.measure import Measures
from cases.policy import Allow, Authority
from cases.ports import (
    Changes,
    Clock,
    Forge,
    LanguageModel,
    Logs,
    Quarantine,
    Ranker,
    Relieving,
    Sandbox,
    SignalSource,
    Trust,
)
from cases.steps import Notice, SendNotice, told
from cases.stores import CaseStore, LessonStore, Outbox
from cases.telemetry import SeriesBlock, Severity, Signal
from config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The outside, as a step may use it. `signals` is keyed by source name."""

    clock: Clock
    settings: Settings
    signals: Mapping[str, SignalSource]
    changes: Changes
    rank: Ranker
    forge: Forge
    sandbox: Sandbox
    lessons: LessonStore
    cases: CaseStore  # to read: which pull requests were opened when
    outbox: Outbox  # to read: which commit was pushed
    receivers: tuple[str, ...]
    logs: Logs
    watched: Callable[[], Sequence[Signal]]  # every signal that is watched now
    model: LanguageModel | None = None  # None: playbooks only
    trust: Trust | None = None  # None: the default of the configuration holds for everything
    flags: Flags | None = None  # None: no service is experimented with
    measures: Measures | None = None  # likewise
    spent: Callable[[str], float] | None = None  # what models cost for the case of that id, in USD
    quarantine: Quarantine | None = None  # None: what comes and goes is found out in each trial, and forgotten

    @property
    def now(self) -> datetime:
        """The wall clock."""
        return self.clock.now()

    def may_write_beside(self, repository: str) -> bool:
        """Whether what is no case's effect may be written there: nothing is while the daemon only observes.

        Raises TemporaryError as `Trust` does.
        """
        if self.trust is None:
            return self.settings.authority.granted >= Authority.PROPOSE
        return isinstance(self.trust.beside(repository), Allow)

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read a signal from its own source."""
        return self._source(signal).read(signal, start, end, step)

    def read_history(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read what can wait while its source is under pressure: then it raises SourceDown."""
        source = self._source(signal)
        read = source.history if isinstance(source, Relieving) else source.read
        return read(signal, start, end, step)

    def read_recent(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read what cannot wait; under pressure some of its points are not asked for, and are missing."""
        source = self._source(signal)
        read = source.recent if isinstance(source, Relieving) else source.read
        return read(signal, start, end, step)

    def _source(self, signal: Signal) -> SignalSource:
        source = self.signals.get(signal.source)
        if source is None:
            raise PermanentError(f"signal {signal.key} reads {signal.source!r}, and there is no such source any more")
        return source

    def tell(
        self, key: str, severity: Severity, subject: str, text: str, *, case: str, link: str = "", gate: str = ""
    ) -> tuple[SendNotice, ...]:
        """The same notice for every receiver, each under a key of its own. `link` "" leads to the case's page."""
        link = link or self.settings.api.case_page(case)
        notice = Notice(key=key, severity=severity, subject=subject, text=text, case=case, link=link, gate=gate)
        return told(self.receivers, notice)
