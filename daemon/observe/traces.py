"""Traces, for those who run a collector: one trace a case, over restarts and over every daemon that worked on it."""

from collections.abc import Callable
from dataclasses import dataclass

from cases.asking import Answer, Question
from cases.errors import PermanentError
from cases.ports import Clock, LanguageModel
from config.settings import Settings
from daemon.observe.spans import Traces


@dataclass(frozen=True, slots=True)
class TracedModel:
    """A language model (see `cases.ports.LanguageModel`) whose calls are spans."""

    inner: LanguageModel
    traces: Traces

    def describe(self, purpose: str) -> str:
        """Which model answers questions of that purpose."""
        return self.inner.describe(purpose)

    def probe(self) -> str:
        """Reach it: see `LanguageModel`."""
        return self.inner.probe()

    def ask(self, question: Question) -> Answer:
        """Ask: see `LanguageModel`."""
        with self.traces.asking(question, self.inner.describe(question.purpose)) as span:
            answer = self.inner.ask(question)
            span.tell("gen_ai.usage.input_tokens", answer.input_tokens)
            span.tell("gen_ai.usage.output_tokens", answer.output_tokens)
            span.tell("trackwalker.usd", answer.usd)
            return answer

    def close(self) -> None:
        """Close it, where there is anything to close."""
        close: Callable[[], None] | None = getattr(self.inner, "close", None)
        if close is not None:
            close()


def tracer_of(
    settings: Settings, *, clock: Clock, daemon: str, version: str, dropped: Callable[[int], object]
) -> Traces:
    """What the configuration asks for. `dropped` hears of spans that no collector took.

    Raises PermanentError when OpenTelemetry is wanted and not installed. The collector itself is not reached yet.
    """
    url = settings.observe.traces
    if url is None:
        return Traces()
    try:
        from daemon.observe.otel import SentTraces
    except ImportError as error:
        raise PermanentError(
            f"observe.traces needs OpenTelemetry, and {error.name} is not installed: run "
            "pip install 'trackwalker[otel]', or take observe.traces out"
        ) from None
    return SentTraces(url=url, clock=clock, daemon=daemon, version=version, dropped=dropped)
