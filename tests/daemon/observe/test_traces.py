"""Traces, as a collector gets them: one trace a case, whoever worked on it; and nothing that waits for a collector."""

import http.server
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from cases.case import Case
from cases.errors import PermanentError, TemporaryError
from cases.lifecycle import opened
from daemon.clock import ManualClock
from daemon.observe.otel import Sender
from daemon.observe.spans import Traces, root_id, trace_id
from daemon.observe.traces import TracedModel, tracer_of
from tests.parts.models import TalkingModel
from tests.parts.nouns import NOW, an_entry, an_opened
from tests.parts.questions import a_question
from tests.parts.settings import some_settings


@dataclass
class Collector:
    """A collector of the test's own: keeps what it is sent, decoded."""

    url: str = ""
    status: int = 200
    hang: threading.Event | None = None
    requests: list[ExportTraceServiceRequest] = field(default_factory=list[ExportTraceServiceRequest])

    @property
    def spans(self) -> dict[str, Any]:
        return {
            span.name: span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    def resource(self) -> dict[str, str]:
        found = self.requests[-1].resource_spans[0].resource.attributes
        return {one.key: one.value.string_value for one in found}


def attributes(span: Any) -> dict[str, Any]:  # noqa: ANN401 - a protobuf message
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@contextmanager
def collecting() -> Generator[Collector]:
    it = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            if it.hang is not None:
                it.hang.wait(10)
            if it.status == 200:
                it.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(it.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's own name
            del format, args

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield it
    finally:
        if it.hang is not None:
            it.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def case() -> Case:
    return opened(an_entry(an_opened()))


def sent(url: str, clock: ManualClock, name: str, lost: list[int] | None = None) -> Traces:
    """What a daemon of that name sends."""
    settings = some_settings(observe={"traces": url})
    dropped = lost if lost is not None else []
    return tracer_of(settings, clock=clock, daemon=name, version="0.1.0", dropped=dropped.append)


def test_one_trace_a_case_over_two_daemons(case: Case) -> None:
    clock = ManualClock(NOW + timedelta(minutes=1))
    with collecting() as collector:
        first, second = sent(collector.url, clock, "one"), sent(collector.url, clock, "two")
        with first.step(case, "diagnose") as span:
            clock.advance(timedelta(seconds=3))
            model = TracedModel(TalkingModel({"diagnose": [{}]}), first)
            model.ask(a_question(case=case.id))
            span.tell("trackwalker.phase.after", "diagnosed")
        first.close()
        with second.effect(case.id, "PushBranch", "key/1") as effect:
            effect.ending = "adopted"
        with pytest.raises(TemporaryError), second.step(case, "prove"):
            raise TemporaryError("the secret words of an error")
        second.closed(case)
        second.close()
    spans = collector.spans
    assert {span.trace_id for span in spans.values()} == {trace_id(case.id).to_bytes(16, "big")}
    root = spans["case"]
    assert root.span_id == root_id(case.id).to_bytes(8, "big")
    assert root.parent_span_id == b""
    assert spans["diagnose"].parent_span_id == root.span_id
    assert spans["PushBranch"].parent_span_id == root.span_id
    assert spans["ask diagnose"].parent_span_id == spans["diagnose"].span_id
    assert root.start_time_unix_nano == round(case.opened.timestamp() * 1e6) * 1000
    assert spans["diagnose"].end_time_unix_nano - spans["diagnose"].start_time_unix_nano == 3_000_000_000
    assert attributes(spans["diagnose"]) == {
        "trackwalker.case": case.id, "trackwalker.stage": "diagnose", "trackwalker.service": case.service,
        "trackwalker.phase.before": "open", "trackwalker.phase.after": "diagnosed", "trackwalker.daemon": "one",
        "trackwalker.ending": "done",
    }  # fmt: skip
    assert attributes(spans["PushBranch"])["trackwalker.ending"] == "adopted"
    assert attributes(spans["PushBranch"])["trackwalker.daemon"] == "two"
    assert attributes(spans["prove"])["trackwalker.ending"] == "later"
    assert attributes(spans["prove"])["error.type"] == "TemporaryError"
    assert spans["prove"].status.code == 2
    assert "secret words" not in str(collector.requests)
    assert collector.resource()["service.instance.id"] == "two"


def test_steps_of_two_cases_do_not_meet(case: Case) -> None:
    clock = ManualClock(NOW)
    with collecting() as collector:
        traces = sent(collector.url, clock, "one")
        with traces.step(case, "diagnose"), traces.effect("another", "PostComment", "k"):
            clock.advance(timedelta(seconds=1))
        traces.close()
    assert collector.spans["PostComment"].trace_id == trace_id("another").to_bytes(16, "big")
    assert collector.spans["PostComment"].parent_span_id == root_id("another").to_bytes(8, "big")


@pytest.mark.parametrize("away", ["refuses", "answers 503", "hangs"])
def test_a_collector_that_is_away_keeps_nobody_waiting(case: Case, away: str) -> None:
    lost: list[int] = []
    with collecting() as collector:
        collector.status = 503
        collector.hang = threading.Event() if away == "hangs" else None
        traces = sent("http://127.0.0.1:9" if away == "refuses" else collector.url, ManualClock(NOW), "one", lost)
        began = time.monotonic()
        for _ in range(10):
            with traces.step(case, "diagnose"):
                pass
        assert time.monotonic() - began < 0.5
        traces.close()
        assert time.monotonic() - began < 2.5
        pause = threading.Event()
        for _ in range(50):  # what was on its way is given up when its own patience ends
            if lost or pause.wait(0.1):
                break
    assert sum(lost) == 10


class Slow(SpanExporter):
    """Takes one batch, when it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.took = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.go.wait(5)
        self.took += len(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.go.set()


def test_more_spans_than_can_be_held_are_dropped_and_counted() -> None:
    slow, lost = Slow(), list[int]()
    sender = Sender(slow, lost.append, most=300)
    for _ in range(1000):
        sender.on_end(ReadableSpan(name="span"))
    assert sum(lost) in {700, 444}  # the first batch may be with the exporter already
    slow.go.set()
    sender.shutdown()
    assert slow.took + sum(lost) == 1000
    sender.on_end(ReadableSpan(name="late"))
    assert slow.took + sum(lost) == 1001


def test_without_a_collector_nothing_is_loaded_and_nothing_happens(case: Case) -> None:
    traces = tracer_of(some_settings(), clock=ManualClock(NOW), daemon="one", version="1", dropped=print)
    assert type(traces) is Traces
    with traces.step(case, "diagnose") as span, traces.effect(case.id, "PushBranch", "k"):
        span.tell("anything", 1)
    traces.closed(case)
    traces.close()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "daemon.observe.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(PermanentError, match=r"pip install 'trackwalker\[otel\]'"):
        sent("http://127.0.0.1:9", ManualClock(NOW), "one")
