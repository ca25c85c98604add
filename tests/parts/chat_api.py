"""A server of the chat completions API: it answers as it is told, and refuses what the real ones would refuse.

The rules are those of OpenAI's API in autumn 2026 for `openai` (a bearer key, `max_completion_tokens`, strict schemas
in which every property is required) and those of Ollama and vLLM for the others: `max_tokens`, and any key.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

from tests.parts.model_server import Behaviour, ModelServer, body_of, keyed, says
from tests.parts.web import sent, serving

MODEL = "gpt-5.1"
LOCAL = "qwen3:32b"

_COMMON = {"model", "messages", "response_format", "stream", "temperature", "top_p", "stop", "seed"}
_STRICT = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs",
    "description", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class ChatApi(ModelServer):
    """A server of that API (see `ModelServer`).

    kind     whose rules it keeps: "openai", "ollama" or "vllm"
    schemas  whether it takes a JSON Schema for the answer, or only any JSON object
    """

    kind: str = "openai"
    schemas: bool = True

    def text(self, number: int = -1) -> str:
        """The whole of what one question says."""
        return "\n".join(message["content"] for message in self.asked[number]["messages"])

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Do what is to be done with one request."""
        if self.kind == "openai" and not keyed(request):
            refusal(401, "Incorrect API key provided", "invalid_api_key")(request, {})
            return
        if request.command == "GET":
            self._listed(request)
            return
        body = body_of(request)
        if not self.schemas and body.get("response_format", {}).get("type") == "json_schema":
            refusal(400, "response_format.type must be text or json_object", "invalid_request_error")(request, body)
            return
        wrong = next(_wrong(request, body, self.kind), None)
        if wrong is not None:
            self.complaints.append(wrong)
            refusal(400, wrong, "invalid_request_error")(request, body)
            return
        self.do_next(request, body)

    def answers(
        self,
        content: object,
        /,
        read: int = 1200,
        written: int = 90,
        *,
        cached: int = 0,
        **more: Any,  # noqa: ANN401 - fields of a completion
    ) -> Behaviour:
        """One choice with the content as JSON (a str as it is). `usage`, `finish_reason` and `refusal` can be given."""
        text = content if isinstance(content, str) else json.dumps(content)
        usage = {
            "prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": written // 2},
        }  # fmt: skip
        message = {"role": "assistant", "content": text, "refusal": more.pop("refusal", None)}
        choice = {"index": 0, "message": message, "finish_reason": more.pop("finish_reason", "stop"), "logprobs": None}
        whole = {"id": "c1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}
        body = json.dumps({**whole, "usage": usage, **more})

        def behave(request: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
            del asked
            self.billed.append((read, written))
            sent(request, 200, body.encode())

        return behave

    def _listed(self, request: BaseHTTPRequestHandler) -> None:
        """The models that it has."""
        if not self.lists_models or request.path != "/v1/models":
            sent(request, 404, b"404 page not found", "text/plain")
        else:
            names = [MODEL, "gpt-5-mini"] if self.kind == "openai" else [LOCAL, "tiny:latest"]
            rows = [{"id": name, "object": "model", "created": 1, "owned_by": "us"} for name in names]
            sent(request, 200, json.dumps({"object": "list", "data": rows}).encode())


def refusal(status: int, message: str = "no", code: str | None = None, **headers: str) -> Behaviour:
    """The API's error. Underscores in header names are read as hyphens."""
    error = {"message": message, "type": "some_error", "param": None, "code": code}
    return says(status, json.dumps({"error": error}), **headers)


@contextmanager
def chat_api(kind: str = "openai") -> Generator[ChatApi]:
    """Run one on a free port until the end of the block. Fails when it was asked what the API would refuse."""
    server = ChatApi(kind=kind)
    with serving(server.take, released=server.released) as url:
        server.url = f"{url}/v1"
        yield server
    assert server.complaints == []


def _wrong(request: BaseHTTPRequestHandler, body: dict[str, Any], kind: str) -> Generator[str]:
    if request.path != "/v1/chat/completions":
        yield f"no {request.path}"
    most = "max_completion_tokens" if kind == "openai" else "max_tokens"
    if unknown := set(body) - _COMMON - {most}:
        yield f"Unrecognized request arguments: {sorted(unknown)}"
    if not isinstance(body.get(most), int) or body[most] < 1:
        yield f"{most}: must be a number"
    roles = [message.get("role") for message in body.get("messages", ())]
    if roles != ["system", "user"] or not all(message.get("content") for message in body["messages"]):
        yield "messages: a system message and a user's"
    form = body.get("response_format", {})
    if form.get("type") == "json_object" and "JSON" not in body["messages"][0]["content"]:
        yield "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'"
    if form.get("type") == "json_schema":
        named = form["json_schema"]
        if named.get("strict") is not True or not str(named.get("name", "")).isidentifier():
            yield "response_format.json_schema: a name and strict"
        yield from _not_strict(named.get("schema"))


def _not_strict(schema: Any) -> Generator[str]:  # noqa: ANN401 - whatever was sent
    if not isinstance(schema, dict):
        yield "Invalid schema for response_format: not an object"
        return
    node = cast("dict[str, Any]", schema)
    if unknown := set(node) - _STRICT:
        yield f"Invalid schema for response_format: {sorted(unknown)} is not permitted"
    if node.get("type") == "object":
        if node.get("additionalProperties") is not False:
            yield "Invalid schema for response_format: 'additionalProperties' is required to be false"
        if set(node.get("required", ())) != set(node.get("properties", {})):
            yield "Invalid schema for response_format: 'required' is required to include every key in properties"
    inner = [*node.get("properties", {}).values(), *node.get("$defs", {}).values(), *node.get("anyOf", ())]
    for child in [*inner, *([node["items"]] if "items" in node else [])]:
        yield from _not_strict(child)
