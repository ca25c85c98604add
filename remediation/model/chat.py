"""ChatModel: the chat completions API, of OpenAI and of servers of one's own that speak it (Ollama, vLLM).

The answer's shape is asked for as a strict JSON Schema. A server that refuses that is asked for any JSON object, with
the schema in the rules. Either way what comes back is checked here in full. There is no SDK: one POST a question.
"""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from cases.asking import Answer, Question
from cases.errors import PermanentError
from cases.ports import Clock
from cases.stores import Purse
from config.models import FailoverSettings, ModelSettings
from remediation.model import quoting
from remediation.model.chat_reply import chat_reply_of, refused
from remediation.model.endpoint import Endpoint
from remediation.model.meter import Meter
from remediation.model.refusals import Refusal, meaning_of, unreached
from remediation.model.reply import Reply, listed, mapping, parsed, string
from remediation.model.wire import NETWORK, Wire

if TYPE_CHECKING:
    import httpx2

    from remediation.model.metered_client import MeteredClient

ADDRESSES: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "vllm": "http://127.0.0.1:8000/v1",
}
MOST_WRITTEN: Mapping[str, str] = {"openai": "max_completion_tokens"}
"""How a provider calls the longest answer; the others call it `max_tokens`. OpenAI's reasoning counts within it."""

_OK, _REFUSED, _NOT_FOUND, _UNPROCESSABLE = 200, 400, 404, 422
_NO_SCHEMA = re.compile(r"(?i)response_format|json_schema|structured output|guided|schema")
_DROPPED = frozenset({"minLength", "maxLength", "title", "default", "examples", "pattern", "format"})
"""Keywords that strict schemas refuse, or that servers know in part: the whole schema is kept here."""


class ChatModel:
    """The port `LanguageModel` on chat completions. Safe for threads: every question has a client of its own.

    Raises PermanentError at once when a model has no name or no price, or there is no key for OpenAI's own API.
    """

    def __init__(
        self, settings: ModelSettings | FailoverSettings, purse: Purse, clock: Clock, wire: Wire = NETWORK
    ) -> None:
        named = "OpenAI's API" if settings.base_url is None and settings.provider == "openai" else ""
        url = settings.base_url or ADDRESSES[settings.provider]
        self._end = Endpoint(settings, purse, clock, wire, url=url, named=named)
        self._most = MOST_WRITTEN.get(settings.provider, "max_tokens")
        self._loose: set[str] = set()  # models that take no schema, as their server said

    def describe(self, purpose: str) -> str:
        """Which model answers questions of that purpose."""
        return self._end.describe(purpose)

    def probe(self) -> str:
        """Ask the server for the names of its models, which costs nothing. One of one's own need not list them."""
        end, key = self._end, self._end.key()
        with self._client(None) as client:
            response = self._sent(client, client.build_request("GET", f"{end.url}/models", headers=_headers(key)))
        if response.status_code == _NOT_FOUND and end.settings.base_url is not None:
            return f"{end.where} (it does not list its models: whether it has them shows with the first question)"
        if response.status_code != _OK:
            raise self._meaning(response, end.models["diagnose"], key)
        rows = mapping(parsed(response.text)).get("data")
        if not listed(rows):
            raise PermanentError(f"{end.where} lists no models; see that base_url is that of the API, with its /v1")
        known = {string(mapping(row).get("id")) for row in cast("list[object]", rows)}
        for model in end.names:
            if not {model, f"{model}:latest"} & known:
                others = ", ".join(sorted(known)[:8]) or "none at all"
                raise PermanentError(
                    f"{end.where} has no model {model!r}; name another in model, or load it there (it has {others})"
                )
        return f"{end.where} has {' and '.join(end.names)}"

    def ask(self, question: Question) -> Answer:
        """Ask, a second time when the answer cannot be used."""
        return self._end.ask(question, self._reply)

    def _reply(self, prompt: quoting.Prompt, question: Question, model: str, meter: Meter) -> Reply:
        """One attempt, and one more without the schema where the server says that it takes none."""
        key = self._end.key()
        with self._client(meter) as client:
            response = self._posted(client, prompt, question, model, key)
            if model not in self._loose and _takes_no_schema(response):
                self._loose.add(model)
                response = self._posted(client, prompt, question, model, key)
        if response.status_code != _OK:
            raise self._meaning(response, model, key)
        return chat_reply_of(response.content, response.headers.get("content-type", ""))

    def _posted(
        self, client: "MeteredClient", prompt: quoting.Prompt, question: Question, model: str, key: str
    ) -> "httpx2.Response":
        body = {
            "model": model,
            "messages": [{"role": "system", "content": prompt.rules}, {"role": "user", "content": prompt.text}],
            self._most: self._end.settings.max_output_tokens,
            "response_format": {"type": "json_object"} if model in self._loose else _strictly(question),
            "stream": False,
        }
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {**_headers(key), "content-type": "application/json"}
        url = f"{self._end.url}/chat/completions"
        return self._sent(client, client.build_request("POST", url, content=content, headers=headers))

    def _sent(self, client: "MeteredClient", request: "httpx2.Request") -> "httpx2.Response":
        """Send it. What is raised on purpose (the purse is empty, the recording another) goes through."""
        import httpx2

        try:
            return client.send(request)
        except httpx2.HTTPError as error:
            failure = unreached(self._end.where, error, late=isinstance(error, httpx2.TimeoutException))
        raise failure  # out of the handler: the library's error carries the request, with the key

    def _client(self, meter: Meter | None) -> "MeteredClient":
        from remediation.model.metered_client import MeteredClient

        end = self._end
        return MeteredClient(end.clock, end.settings.timeout, meter, read=chat_reply_of, wire=end.wire)

    def _meaning(self, response: "httpx2.Response", model: str, key: str) -> Exception:
        found = refused(response.content)
        asked = response.headers.get("retry-after", "")
        refusal = Refusal(status=response.status_code, said=found.message, code=found.code, retry_after=asked)
        return meaning_of(refusal, model, self._end.where, key, self._end.clock)


def _headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "accept": "application/json"}


def _takes_no_schema(response: "httpx2.Response") -> bool:
    """Whether the server refused the question for its schema. A refusal is not billed, so it may be put otherwise."""
    if response.status_code not in {_REFUSED, _UNPROCESSABLE}:
        return False
    said = refused(response.content)
    return bool(_NO_SCHEMA.search(f"{said.message} {said.code}"))


def _strictly(question: Question) -> dict[str, Any]:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", question.name)[:64]
    schema = strict(question.schema)
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as strict mode takes it: every property required, no others, no keywords that it refuses."""
    node = {key: value for key, value in schema.items() if key not in _DROPPED}
    for key in ("properties", "$defs"):
        if key in node:
            node[key] = {name: strict(inner) for name, inner in node[key].items()}
    for key in ("anyOf", "allOf"):
        if key in node:
            node[key] = [strict(inner) for inner in node[key]]
    if isinstance(node.get("items"), Mapping):
        node["items"] = strict(node["items"])
    if node.get("type") == "object":
        node["required"] = list(node.get("properties", {}))
        node["additionalProperties"] = False
    return node
