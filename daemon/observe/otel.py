"""Traces over OTLP/HTTP, with OpenTelemetry's own SDK. Imported only where a collector is configured."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from cases.asking import Question
from cases.case import Case
from cases.ports import Clock
from daemon.observe.spans import Span, Traces, Value, root_id, trace_id
from daemon.observe.stages import ending_of

log = logging.getLogger("trackwalker.traces")

MOST_HELD = 4096
BATCH = 256
EVERY_S = 2.0
PATIENCE_S = 2.0  # for one answer of the collector
LAST_S = 1.0  # for what is left at the end
LONGEST = 256
_OUR_ENDINGS_ARE_FINE = frozenset({"done", "waiting", "adopted"})


class SentTraces(Traces):
    """Spans to a collector. Safe for threads."""

    def __init__(self, *, url: str, clock: Clock, daemon: str, version: str, dropped: Callable[[int], object]) -> None:
        # What it says of a collector that is away, over and over, is said here once.
        logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").setLevel(logging.CRITICAL + 1)
        exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=PATIENCE_S)
        self._sender = Sender(exporter, dropped)
        self._ids = _Ids()
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource(
                {"service.name": "trackwalker", "service.version": version, "service.instance.id": daemon}
            ),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self._sender)
        self._tracer = provider.get_tracer("trackwalker")
        self._clock = clock
        self._daemon = daemon

    @contextmanager
    def step(self, case: Case, stage: str) -> Generator[Span]:
        """See `Traces`."""
        about: dict[str, Value] = {
            "trackwalker.stage": stage, "trackwalker.service": case.service, "trackwalker.phase.before": case.phase,
        }  # fmt: skip
        with self._within(case.id, stage, about) as span:
            yield span

    @contextmanager
    def effect(self, case: str, kind: str, key: str) -> Generator[Span]:
        """See `Traces`."""
        with self._within(case, kind, {"trackwalker.effect.key": key}) as span:
            yield span

    @contextmanager
    def asking(self, question: Question, model: str) -> Generator[Span]:
        """See `Traces`."""
        about: dict[str, Value] = {"gen_ai.request.model": model, "trackwalker.purpose": question.purpose}
        with self._within(question.case, f"ask {question.purpose}", about) as span:
            yield span

    def closed(self, case: Case) -> None:
        """See `Traces`. Told again, by a daemon that takes the case up after a crash, it is the same span."""
        about: dict[str, Value] = {
            "trackwalker.case": case.id,
            "trackwalker.service": case.service,
            "trackwalker.changes": len(case.changes),
            "trackwalker.daemon": self._daemon,
        }
        if case.outcome is not None:
            about["trackwalker.outcome"] = str(case.outcome.ending)
        with self._ids.root_of(case.id):
            span = self._tracer.start_span(
                "case", context=context.Context(), attributes=about, start_time=_nanos(case.opened)
            )
        span.end(_nanos(case.entered))

    def close(self) -> None:
        """See `Traces`."""
        self._sender.shutdown()

    @contextmanager
    def _within(self, case: str, name: str, about: dict[str, Value]) -> Generator[Span]:
        """A span below the one that is under way on this thread for the same case, or below the case's root."""
        above = trace.get_current_span().get_span_context()
        if above.trace_id != trace_id(case):
            above = SpanContext(
                trace_id(case), root_id(case), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
            )
        started = self._tracer.start_span(
            name,
            context=trace.set_span_in_context(NonRecordingSpan(above), context.Context()),
            attributes={key: _short(value) for key, value in about.items()},
            start_time=_nanos(self._clock.now()),
        )
        token = context.attach(trace.set_span_in_context(started))
        span = Span()
        try:
            yield span
        except BaseException as error:
            span.ending = ending_of(error)
            span.tell("error.type", type(error).__name__)  # its words may hold anything, and are in the log
            raise
        finally:
            context.detach(token)
            said = {"trackwalker.case": case, "trackwalker.daemon": self._daemon, "trackwalker.ending": span.ending}
            started.set_attributes({key: _short(value) for key, value in (span.attributes | said).items()})
            if span.ending not in _OUR_ENDINGS_ARE_FINE:
                started.set_status(Status(StatusCode.ERROR, span.ending))
            started.end(_nanos(self._clock.now()))


class _Ids(IdGenerator):
    """Random ids, but for the root of a case."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self._root = threading.local()

    @contextmanager
    def root_of(self, case: str) -> Generator[None]:
        """What begins on this thread within the block is the root of the case."""
        self._root.case = case
        try:
            yield
        finally:
            del self._root.case

    def generate_trace_id(self) -> int:
        """See `IdGenerator`."""
        case: str | None = getattr(self._root, "case", None)
        return self._random.generate_trace_id() if case is None else trace_id(case)

    def generate_span_id(self) -> int:
        """See `IdGenerator`."""
        case: str | None = getattr(self._root, "case", None)
        return self._random.generate_span_id() if case is None else root_id(case)


class Sender(SpanProcessor):
    """Sends ended spans from a thread of its own. What the collector does not take is dropped, and counted."""

    def __init__(self, exporter: SpanExporter, dropped: Callable[[int], object], most: int = MOST_HELD) -> None:
        self._exporter = exporter
        self._dropped = dropped
        self._most = most
        self._spans: deque[ReadableSpan] = deque()
        self._wake = threading.Condition()
        self._ending = False
        self._refused = False
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def on_end(self, span: ReadableSpan) -> None:
        """Take it, unless there are too many already. Never waits for the collector."""
        with self._wake:
            if self._ending or len(self._spans) >= self._most:
                self._dropped(1)
                return
            self._spans.append(span)
            if len(self._spans) >= BATCH:
                self._wake.notify()

    def shutdown(self) -> None:
        """Send what is left, and end: within a second and a half, whatever the collector does."""
        with self._wake:
            self._ending = True
            self._wake.notify()
        self._thread.join(LAST_S)
        self._exporter.shutdown()  # ends a wait for another try
        self._thread.join(LAST_S / 2)
        with self._wake:  # whatever is left then is lost; what is on its way is the thread's own to count
            left = len(self._spans)
            self._spans.clear()
        if left:
            self._dropped(left)

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._ending and len(self._spans) < BATCH:
                    self._wake.wait(EVERY_S)
                batch = [self._spans.popleft() for _ in range(min(BATCH, len(self._spans)))]
                over = self._ending and not batch
            if over:
                return
            if batch:
                self._send(batch)

    def _send(self, batch: list[ReadableSpan]) -> None:
        taken = self._exporter.export(batch) is SpanExportResult.SUCCESS
        if not taken:
            self._dropped(len(batch))
        if taken == self._refused:
            self._refused = not taken
            log.warning("the collector takes no traces") if self._refused else log.info("the collector takes traces")


def _nanos(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1_000


def _short(value: Value) -> Value:
    return value[:LONGEST] if isinstance(value, str) else value
