"""A server of the messages API: it answers as it is told, and refuses what the real one would refuse.

A request that breaks the API's rules gets the API's 400 and fails the test at the end of the block. The rules are those
of API version 2026-10-21 and the models of autumn 2026: no sampling parameters, no forced tool call, no prefilled
answer, and the JSON Schema subset of structured outputs.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

from tests.parts.model_server import Behaviour, ModelServer, body_of, keyed, says
from tests.parts.web import sent, serving

MODEL = "claude-sonnet-5-5"

_BODY = {
    "model", "max_tokens", "messages", "system", "metadata", "stop_sequences", "stream", "thinking", "tools",
    "tool_choice", "output_config", "service_tier", "cache_control", "inference_geo", "speed",
}  # fmt: skip
_SCHEMA = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "allOf", "$ref",
    "$defs", "title", "description", "format", "minItems", "default",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class MessagesApi(ModelServer):
    """A server of that API (see `ModelServer`)."""

    def text(self, number: int = -1) -> str:
        """The whole of what one question says."""
        rules = "\n\n".join(block["text"] for block in self.asked[number]["system"])
        return f"{rules}\n{self.asked[number]['messages'][0]['content']}"

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Do what is to be done with one request."""
        if request.command == "GET":
            self._shown(request)
            return
        body = body_of(request)
        if (complaint := _complaint(request, body)) is not None:
            status, kind, message = complaint
            if status != 401:  # a wrong key is the test's own doing
                self.complaints.append(message)
            refusal(status, kind, message)(request, body)
            return
        self.do_next(request, body)

    def _shown(self, request: BaseHTTPRequestHandler) -> None:
        if not keyed(request):
            refusal(401, "authentication_error", "invalid bearer token")(request, {})
        elif not self.lists_models:
            sent(request, 404, b"no such page", "text/html")
        elif request.path == f"/v1/models/{MODEL}":
            sent(request, 200, json.dumps({"type": "model", "id": MODEL, "display_name": "Sonnet"}).encode())
        else:
            refusal(404, "not_found_error", request.path)(request, {})

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


def refusal(status: int, kind: str, message: str = "no", **headers: str) -> Behaviour:
    """The API's error. Underscores in header names are read as hyphens."""
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_01"}
    return says(status, json.dumps(error), **headers)


@contextmanager
def messages_api() -> Generator[MessagesApi]:
    """Run one on a free port until the end of the block. Fails when it was asked what the API would refuse."""
    server = MessagesApi()
    with serving(server.take, released=server.released) as server.url:
        yield server
    assert server.complaints == []


def _complaint(request: BaseHTTPRequestHandler, body: dict[str, Any]) -> tuple[int, str, str] | None:
    """What the real API would have against a request, as (status, kind, message)."""
    if not keyed(request) or request.headers.get("x-api-key"):
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
