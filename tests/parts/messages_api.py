"""A server of the messages API: it answers as it is told, and refuses what the real one would refuse.

A request that breaks the API's rules gets the API's 400 and fails the test at the end of the block. The rules are those
of API version 2026-10-21 and the models of autumn 2026: no sampling parameters, no forced tool call, no prefilled
answer, and the JSON Schema subset of structured outputs.
"""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

KEY = "made-up-model-key-0123456789"
MODEL = "claude-sonnet-5-5"

Behaviour = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]

_BODY = {
    "model", "max_tokens", "messages", "system", "metadata", "stop_sequences", "stream", "thinking", "tools",
    "tool_choice", "output_config", "service_tier", "cache_control", "inference_geo", "speed",
}  # fmt: skip
_SCHEMA = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "allOf", "$ref",
    "$defs", "title", "description", "format", "minItems", "default",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class MessagesApi:
    """The server's address, what it does with the next questions, and what it was asked.

    `billed` counts the tokens (read, written) of the answers that a real account would pay for.
    """

    url: str = ""
    behaviours: list[Behaviour] = field(default_factory=list[Behaviour])
    otherwise: Behaviour = field(default=lambda request, _: sent(request, 500, b"nothing was prepared"))
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    billed: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    complaints: list[str] = field(default_factory=list[str])
    lists_models: bool = True
    released: threading.Event = field(default_factory=threading.Event)  # set at the end: whoever stalls goes on
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def will(self, *behaviours: Behaviour) -> None:
        """Do these with the next questions, one each."""
        self.behaviours = [*behaviours]

    def text(self, number: int = -1) -> str:
        """The whole of what one question says."""
        rules = "\n\n".join(block["text"] for block in self.asked[number]["system"])
        return f"{rules}\n{self.asked[number]['messages'][0]['content']}"

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Do what is to be done with one question."""
        body = json.loads(request.rfile.read(int(request.headers["content-length"])))
        if (complaint := _complaint(request, body)) is not None:
            status, kind, message = complaint
            if status != 401:  # a wrong key is the test's own doing
                self.complaints.append(message)
            refusal(status, kind, message)(request, body)
            return
        with self._lock:
            self.asked.append(body)
            behaviour = self.behaviours.pop(0) if self.behaviours else self.otherwise
        behaviour(request, body)

    def answers(self, content: object, /, read: int = 1200, written: int = 90, **more: Any) -> Behaviour:  # noqa: ANN401 - fields of a message
        """One text block with the content as JSON (a str as it is), whole or streamed as it was asked."""
        text = content if isinstance(content, str) else json.dumps(content)
        message: dict[str, Any] = {
            "id": "msg_01", "type": "message", "role": "assistant", "model": MODEL, "stop_sequence": None,
            "content": [{"type": "thinking", "thinking": "", "signature": "x"}, {"type": "text", "text": text}],
            "stop_reason": "end_turn", "usage": {"input_tokens": read, "output_tokens": written}, **more,
        }  # fmt: skip

        def behave(request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
            self.billed.append((read, written))
            if body.get("stream"):
                sent(request, 200, b"".join(_events(message)), "text/event-stream; charset=utf-8")
            else:
                sent(request, 200, json.dumps(message).encode())

        return behave

    def breaks_off(self, *, error: str = "", drop: bool = False) -> Behaviour:
        """Stream the beginning of an answer, then an error event, or nothing more, or cut the connection."""

        def behave(request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
            assert body.get("stream")
            usage = {"input_tokens": 700, "output_tokens": 1}
            start: dict[str, Any] = {"type": "message_start", "message": {"content": [], "usage": usage}}
            last = {"type": "error", "error": {"type": error, "message": "sorry"}}
            events = [_event(start), _event(last)] if error else [_event(start)]
            sent(request, 200, b"".join(events), "text/event-stream", length=9999 if drop else None)

        return behave

    def stalls(self) -> Behaviour:
        """Take the question and never answer."""
        return lambda _, __: (self.released.wait(20), None)[1]

    def drips(self) -> Behaviour:
        """A byte every tenth of a second, for ever."""

        def behave(request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
            del body
            request.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
            while not self.released.wait(0.1):
                request.wfile.write(b" ")

        return behave


def refusal(status: int, kind: str, message: str = "no", **headers: str) -> Behaviour:
    """The API's error. Underscores in header names are read as hyphens."""
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_01"}
    return says(status, json.dumps(error), **headers)


def says(status: int, body: str | bytes, kind: str = "application/json", **headers: str) -> Behaviour:
    """Just that."""
    content = body if isinstance(body, bytes) else body.encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, _: sent(request, status, content, kind, headers=named)


def drops(request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    """Take the question, and close the connection without a word."""
    del request, body


@contextmanager
def messages_api() -> Generator[MessagesApi]:
    """Run one on a free port until the end of the block. Fails when it was asked what the API would refuse."""
    server = MessagesApi()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with suppress(ConnectionError):  # who waited long enough hangs up
                server.take(self)
            self.close_connection = True

        def do_GET(self) -> None:
            if self.headers.get("authorization") != f"Bearer {KEY}":
                refusal(401, "authentication_error", "invalid bearer token")(self, {})
            elif not server.lists_models:
                sent(self, 404, b"no such page", "text/html")
            elif self.path == f"/v1/models/{MODEL}":
                sent(self, 200, json.dumps({"type": "model", "id": MODEL, "display_name": "Sonnet"}).encode())
            else:
                refusal(404, "not_found_error", self.path)(self, {})
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = False  # so that closing waits for every one of them
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            http.shutdown()
            thread.join()
    assert server.complaints == []


def _complaint(request: BaseHTTPRequestHandler, body: dict[str, Any]) -> tuple[int, str, str] | None:
    """What the real API would have against a request, as (status, kind, message)."""
    if request.headers.get("authorization") != f"Bearer {KEY}" or request.headers.get("x-api-key"):
        return 401, "authentication_error", "invalid bearer token"
    if request.path != "/v1/messages":
        return 404, "not_found_error", f"no {request.path}"
    if request.headers.get("anthropic-version") != "2026-10-21":
        return 400, "invalid_request_error", "anthropic-version: unknown"
    if request.headers.get("content-type") != "application/json":
        return 400, "invalid_request_error", "content-type: application/json is required"
    wrong = next(_wrong(body), None)
    return None if wrong is None else (400, "invalid_request_error", wrong)


def _wrong(body: dict[str, Any]) -> Generator[str]:
    if unknown := set(body) - _BODY:
        yield f"{sorted(unknown)}: Extra inputs are not permitted"
    if not isinstance(body.get("max_tokens"), int) or not 1 <= body["max_tokens"] <= 128_000:
        yield "max_tokens: must be from 1 to 128000"
    if body.get("tool_choice", {}).get("type") in {"any", "tool"}:
        yield 'tool_choice: type "tool" and "any" are not supported for this model.'
    roles = [message.get("role") for message in body.get("messages", ())]
    if not roles or roles[0] != "user" or roles[-1] != "user":
        yield "messages: the first and the last one must be the user's"
    if any(not message.get("content") for message in body.get("messages", ())):
        yield "messages: content is empty"
    if any(set(block) - {"type", "text", "cache_control"} or not block.get("text") for block in body.get("system", ())):
        yield "system: each block has a text"
    form = body.get("output_config", {}).get("format")
    if form is not None and form.get("type") != "json_schema":
        yield "output_config.format.type: must be json_schema"
    if form is not None:
        yield from _not_a_subset(form.get("schema"))


def _not_a_subset(schema: Any) -> Generator[str]:  # noqa: ANN401 - whatever was sent
    if not isinstance(schema, dict):
        yield "output_config.format.schema: must be an object"
        return
    node = cast("dict[str, Any]", schema)
    if unknown := set(node) - _SCHEMA:
        yield f"output_config.format.schema: {sorted(unknown)} is not supported"
    if node.get("type") == "object" and node.get("additionalProperties") is not False:
        yield "output_config.format.schema: additionalProperties must be false"
    if node.get("minItems", 0) > 1:
        yield "output_config.format.schema: minItems above 1 is not supported"
    inner = [*node.get("properties", {}).values(), *node.get("$defs", {}).values(), *node.get("anyOf", ())]
    for child in [*inner, *([node["items"]] if "items" in node else [])]:
        yield from _not_a_subset(child)


def _events(message: dict[str, Any]) -> Generator[bytes]:
    """A whole message as the API streams it."""
    usage = message["usage"]
    begun: dict[str, Any] = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield _event({"type": "message_start", "message": begun})
    yield _event({"type": "ping"})
    for index, block in enumerate(message["content"]):
        shell = {**block, block["type"]: ""}
        yield _event({"type": "content_block_start", "index": index, "content_block": shell})
        if block["type"] == "text":
            text = block["text"]
            for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
                delta = {"type": "text_delta", "text": piece}
                yield _event({"type": "content_block_delta", "index": index, "delta": delta})
        yield _event({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event({"type": "message_delta", "delta": stop, "usage": {"output_tokens": usage["output_tokens"]}})
    yield _event({"type": "message_stop"})


def _event(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


def sent(
    request: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    kind: str = "application/json",
    *,
    headers: dict[str, str] | None = None,
    length: int | None = None,
) -> None:
    """Send a whole response; `length` is what its header claims, where that is not so."""
    request.send_response(status)
    request.send_header("content-type", kind)
    request.send_header("content-length", str(len(body) if length is None else length))
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
