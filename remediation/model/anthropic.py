"""AnthropicModel: Anthropic's messages API, or what speaks it at a server of one's own.

The answer's shape is asked for as a structured output (`output_config.format`): current models refuse a forced tool
call (400, "tool_choice: type "tool" and "any" are not supported for this model"), and all that are priced take a
schema. What comes back is read from the raw bytes and checked here in full, because a schema is kept only in part by
the server, and not at all by some that speak the same protocol. The SDK costs 70 MB and seconds: it is loaded with the
first question.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cases.asking import Answer, Question
from cases.errors import NoAnswer, PermanentError, TemporaryError
from cases.ports import Clock, Purse
from config.remedies import ModelSettings
from remediation.model import quoting
from remediation.model.answers import Unusable, content_of
from remediation.model.meter import Meter
from remediation.model.prices import price_of
from remediation.model.reply import Reply, reply_of

if TYPE_CHECKING:
    import anthropic

PUBLIC = "https://api.anthropic.com"
TRIES = 2
"""How often a question is asked in all when answers cannot be used: a second one mends most, a third hardly any."""

STREAM_ABOVE = 21_333
"""Tokens of an answer above which it is streamed: a connection that is idle for minutes is cut on the way. The SDK
draws the same line, where it reckons with ten minutes."""

_BUSY_EVENTS = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})


class AnthropicModel:
    """The port `LanguageModel` on the messages API. Safe for threads: every question has a client of its own.

    Raises PermanentError at once when a model has no name or no price, or there is no key for the public API.
    """

    def __init__(self, settings: ModelSettings, purse: Purse, clock: Clock) -> None:
        if settings.diagnose is None:
            raise PermanentError("model.diagnose is missing: name the model that diagnoses")
        if settings.api_key is None and settings.base_url is None:
            raise PermanentError("model.api_key is missing: write where the key is found, as in env:ANTHROPIC_API_KEY")
        self._settings = settings
        self._purse = purse
        self._clock = clock
        drafts = dict.fromkeys(("reproduce", "edit", "loop"), settings.draft or settings.diagnose)
        self._models = {"diagnose": settings.diagnose, **drafts}
        self._prices = {model: price_of(model, settings.prices) for model in set(self._models.values())}
        self._url = settings.base_url or PUBLIC
        self._where = "Anthropic's API" if settings.base_url is None else f"the model server at {_host(self._url)}"

    def describe(self, purpose: str) -> str:
        """Which model answers questions of that purpose."""
        at = "" if self._settings.base_url is None else f" at {_host(self._url)}"
        return f"{self._model(purpose)}{at}"

    def probe(self) -> str:
        """Ask the server for each model's name, which costs nothing. Servers of one's own need not list theirs."""
        import anthropic

        models = sorted(set(self._models.values()))
        unlisted = ""
        key = self._key()
        with self._client(key, None) as client:
            for model in models:
                try:
                    client.models.with_raw_response.retrieve(model)
                except anthropic.NotFoundError as error:
                    if self._settings.base_url is not None and error.type != "not_found_error":
                        unlisted = " (it does not list its models: whether it has them shows with the first question)"
                        continue
                    failure = self._meaning(error, model, key)
                except anthropic.APIError as error:
                    failure = self._meaning(error, model, key)
                else:
                    continue
                raise failure  # out of the handler: the SDK's error carries what the server said, word for word
        return f"{self._where} has {' and '.join(models)}" if not unlisted else f"{self._where}{unlisted}"

    def ask(self, question: Question) -> Answer:
        """Ask, a second time when the answer cannot be used."""
        model = self._model(question.purpose)
        meter = Meter(
            self._purse,
            case=question.case,
            purpose=question.purpose,
            model=model,
            price=self._prices[model],
            max_output_tokens=self._settings.max_output_tokens,
        )
        fault = ""
        for _ in range(TRIES):
            reply = self._reply(quoting.prompt(question, fault), question.schema, model, meter)
            try:
                content = self._content(reply, question.schema)
            except Unusable as unusable:
                fault = str(unusable)
                continue
            return Answer(
                content=content,
                model=model,
                usd=meter.usd,
                input_tokens=meter.input_tokens,
                output_tokens=meter.output_tokens,
            )
        raise NoAnswer(f"{model} gave no {question.name} that can be used, {TRIES} times; the last: {fault}")

    def _content(self, reply: Reply, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reply holds. Raises Unusable where asking again may help, NoAnswer where it cannot."""
        if reply.error in _BUSY_EVENTS:
            raise TemporaryError(f"{self._where} broke off its answer ({reply.error})")
        if reply.stop == "refusal":
            raise NoAnswer("the model refused the question; a human has to look at this one")
        if reply.stop == "model_context_window_exceeded":
            raise NoAnswer("the question is longer than the model reads; name a model with a larger context window")
        if reply.stop == "max_tokens":
            raise Unusable(f"it was cut off at {self._settings.max_output_tokens} tokens; be brief")
        return content_of(reply.text, schema)

    def _reply(self, prompt: quoting.Prompt, schema: Mapping[str, Any], model: str, meter: Meter) -> Reply:
        """One attempt."""
        import anthropic

        key = self._key()
        most = self._settings.max_output_tokens
        with self._client(key, meter) as client:
            try:
                raw = client.messages.with_raw_response.create(
                    model=model,
                    max_tokens=most,
                    system=prompt.rules,
                    messages=[{"role": "user", "content": prompt.text}],
                    output_config={
                        "format": {"type": "json_schema", "schema": anthropic.transform_schema(dict(schema))}
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

        return anthropic.Anthropic(
            api_key=key,
            base_url=self._url,
            max_retries=0,  # the SDK sleeps as long as a server says; the next step of the case is soon enough
            timeout=self._settings.timeout.total_seconds(),
            http_client=MeteredClient(self._clock, self._settings.timeout, meter),
            open_telemetry=False,
        )

    def _meaning(self, error: "anthropic.APIError", model: str, key: str) -> Exception:
        from remediation.model.api_errors import meaning

        return meaning(error, model, self._where, key, self._clock)

    def _key(self) -> str:
        """Read it now, so that a new one is seen."""
        if self._settings.api_key is None:
            return "none"
        key = self._settings.api_key.reveal()
        if not key.isascii():  # said here: what refuses a header later repeats it
            raise PermanentError(f"{self._settings.api_key} holds more than plain letters and signs; put the key there")
        return key

    def _model(self, purpose: str) -> str:
        return self._models.get(purpose, self._models["diagnose"])


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.hostname or "" if parts.port is None else f"{parts.hostname}:{parts.port}"
