"""Observer: one block around a step or an effect, and metrics, log and traces all know of it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cases.case import Case
from daemon.observe.logs import about
from daemon.observe.metrics import Metrics
from daemon.observe.spans import Traces
from daemon.observe.stages import EFFECT, Stage, stage_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Watches what is done to cases. Safe for threads."""

    metrics: Metrics
    traces: Traces = field(default_factory=Traces)

    @contextmanager
    def step(self, case: Case) -> Generator[Stage]:
        """One step with its commit. Who is in it says in `stage.ending` and `stage.after` what came of it."""
        name = stage_of(case)
        with (
            about(case=case.id, phase=case.phase),
            self.metrics.stage(name) as stage,
            self.traces.step(case, name) as span,
        ):
            yield stage
            span.ending = stage.ending
            if stage.after:
                span.tell("trackwalker.phase.after", stage.after)

    @contextmanager
    def effect(self, case: Case, kind: str, key: str) -> Generator[Stage]:
        """One effect on the outside. `stage.ending` stays "done" for one that was adopted; `stage.after` says so."""
        with (
            about(case=case.id, phase=case.phase),
            self.metrics.stage(EFFECT) as stage,
            self.traces.effect(case.id, kind, key) as span,
        ):
            yield stage
            span.ending = stage.after or stage.ending
