"""AnthropicModel: Anthropic's messages API, or what speaks it at a server of one's own.

The answer's shape is asked for as a structured output (`output_config.format`): current models refuse a forced tool
call (400, "tool_choice: type "tool" and "any" are not supported for this model"), and all that are priced take a
schema. What comes back is read from the raw bytes and checked here in full, because a schema is kept only in part by
the server, and not at all by some that speak the same protocol. The SDK costs 70 MB and seconds: it is loaded with the
first question.

The rules that questions of one kind share are marked for the provider's prompt cache. The material is not: it is asked
about again in one case of ten, and what goes into a cache costs a quarter more.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from cases.asking import Answer, Question
from cases.ports import Clock
from cases.stores import Purse
from config.models import FailoverSettings, ModelSettings
from remediation.model import quoting
from remediation.model.endpoint import Endpoint
from remediation.model.meter import Meter
from remediation.model.reply import Reply, reply_of
from remediation.model.wire import NETWORK, Wire

if TYPE_CHECKING:
    import anthropic

PUBLIC = "https://api.anthropic.com"
_BOUNDS = frozenset({"minLength", "maxLength", "maxItems", "minimum", "maximum"})
_NULL = {"type": "null"}

STREAM_ABOVE = 21_333
"""Tokens of an answer above which it is streamed: a connection that is idle for minutes is cut on the way. The SDK
draws the same line, where it reckons with ten minutes."""


class AnthropicModel:
    """The port `LanguageModel` on the messages API. Safe for threads: every question has a client of its own.

    Raises PermanentError at once when a model has no name or no price, or there is no key for the public API.
    """

    def __init__(
        self, settings: ModelSettings | FailoverSettings, purse: Purse, clock: Clock, wire: Wire = NETWORK
    ) -> None:
        named = "Anthropic's API" if settings.base_url is None else ""
        self._end = Endpoint(settings, purse, clock, wire, url=settings.base_url or PUBLIC, named=named)

    def describe(self, purpose: str) -> str:
        """Which model answers questions of that purpose."""
        return self._end.describe(purpose)

    def probe(self) -> str:
        """Ask the server for each model's name, which costs nothing. Servers of one's own need not list theirs."""
        import anthropic

        models, where = self._end.names, self._end.where
        unlisted = ""
        key = self._end.key()
        with self._client(key, None) as client:
            for model in models:
                try:
                    client.models.with_raw_response.retrieve(model)
                except anthropic.NotFoundError as error:
                    if self._end.settings.base_url is not None and error.type != "not_found_error":
                        unlisted = " (it does not list its models: whether it has them shows with the first question)"
                        continue
                    failure = self._meaning(error, model, key)
                except anthropic.APIError as error:
                    failure = self._meaning(error, model, key)
                else:
                    continue
                raise failure  # out of the handler: the SDK's error carries what the server said, word for word
        return f"{where} has {' and '.join(models)}" if not unlisted else f"{where}{unlisted}"

    def ask(self, question: Question) -> Answer:
        """Ask, a second time when the answer cannot be used."""
        return self._end.ask(question, self._reply, schema=False)  # the API is handed it, and puts it before the model

    def _reply(self, prompt: quoting.Prompt, question: Question, model: str, meter: Meter) -> Reply:
        """One attempt."""
        import anthropic

        key = self._end.key()
        most = self._end.settings.max_output_tokens
        with self._client(key, meter) as client:
            try:
                raw = client.messages.with_raw_response.create(
                    model=model,
                    max_tokens=most,
                    system=[
                        {"type": "text", "text": prompt.stable, "cache_control": {"type": "ephemeral"}},
                        {"type": "text", "text": prompt.word},
                    ],
                    messages=[{"role": "user", "content": prompt.text}],
                    output_config={
                        "format": {"type": "json_schema", "schema": anthropic.transform_schema(_told(question.schema))}
                    },
                    stream=most > STREAM_ABOVE,
                )
            except anthropic.APIError as error:
                failure = self._meaning(error, model, key)
            else:
                response = raw.http_response
                return reply_of(response.content, response.headers.get("content-type", ""))
            raise failure  # out of the handler, as above

    def _client(self, key: str, meter: Meter | None) -> "anthropic.Anthropic":
        """A client that finds nothing in the environment: neither another key nor another server."""
        import anthropic

        from remediation.model.metered_client import MeteredClient

        end = self._end
        patience = end.settings.timeout
        return anthropic.Anthropic(
            api_key=key,
            base_url=end.url,
            max_retries=0,  # the SDK sleeps as long as a server says; the next step of the case is soon enough
            timeout=patience.total_seconds(),
            http_client=MeteredClient(end.clock, patience, meter, read=reply_of, wire=end.wire),
            open_telemetry=False,
        )

    def _meaning(self, error: "anthropic.APIError", model: str, key: str) -> Exception:
        from remediation.model.api_errors import meaning

        return meaning(error, model, self._end.where, key, self._end.clock)


def _told(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without bounds of sizes, which the SDK would put in words, and without null for what may be left out.

    All of it is paid for in every question. No model counts letters; what it has to count or to measure is said in the
    task. What comes back is checked against the whole schema.
    """
    return cast("dict[str, Any]", _shortened(schema))


def _shortened(node: object) -> object:
    if isinstance(node, list):
        return [_shortened(item) for item in cast("list[object]", node)]
    if not isinstance(node, Mapping):
        return node
    fields = cast("Mapping[str, object]", node)
    choices = fields.get("anyOf")
    if isinstance(choices, list):
        more = [choice for choice in cast("list[object]", choices) if choice != _NULL]
        if len(more) == 1:
            return _shortened(more[0])
    return {key: _shortened(value) for key, value in fields.items() if key not in _BOUNDS}
