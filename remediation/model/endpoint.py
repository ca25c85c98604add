"""Endpoint: what every adapter of a model server has in common, whatever protocol it speaks.

It chooses the model by the question's purpose, quotes the question as this provider may see it, asks a second time when
an answer cannot be used, and adds up what all attempts cost.
"""

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from cases.asking import Answer, Question
from cases.errors import NoAnswer, PermanentError, TemporaryError
from cases.ports import Clock
from cases.stores import Purse
from config.models import FailoverSettings, ModelSettings
from config.providers import KEYED, near
from remediation.model import quoting
from remediation.model.answers import Unusable, content_of
from remediation.model.meter import Meter
from remediation.model.prices import price_of
from remediation.model.refusals import NO_KEY
from remediation.model.reply import Reply
from remediation.model.wire import NETWORK, Wire

TRIES = 2
"""How often a question is asked in all when answers cannot be used: a second one mends most, a third hardly any."""

_BUSY_EVENTS = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})


class Attempt(Protocol):
    """How one attempt is made: send the prompt, pay through the meter, and read what came back."""

    def __call__(self, prompt: quoting.Prompt, question: Question, model: str, meter: Meter, /) -> Reply:
        """The reply. Raises TemporaryError, PermanentError, and OverBudget before anything is sent."""
        ...


class Endpoint:
    """One provider, as its settings have it. `named` is what it is called where it is at its own public address.

    Raises PermanentError at once when a model has no name or no price, or there is no key for a public API.
    """

    def __init__(
        self,
        settings: ModelSettings | FailoverSettings,
        purse: Purse,
        clock: Clock,
        wire: Wire = NETWORK,
        *,
        url: str,
        named: str,
    ) -> None:
        if settings.diagnose is None:
            raise PermanentError("model.diagnose is missing: name the model that diagnoses")
        unreached = settings.base_url is None and wire.transport is None
        if settings.api_key is None and unreached and settings.provider in KEYED:
            variable = KEYED[settings.provider]
            raise PermanentError(f"model.api_key is missing: write where the key is found, as in env:{variable}")
        self.settings = settings
        self.clock = clock
        self.wire = wire
        self.url = url
        self.where = f"the model server at {host_of(url)}" if named == "" else named
        self.models = _by_purpose(settings, settings.diagnose)
        self._purse = purse
        self._here = "" if named else f" at {host_of(url)}"
        self._prices = {model: price_of(model, settings.prices, settings.provider) for model in self.names}
        self._places = near(url) if settings.redaction is None else settings.redaction == "secrets"

    @property
    def names(self) -> list[str]:
        """Every model that may be asked."""
        return sorted(set(self.models.values()))

    def model(self, purpose: str) -> str:
        """Which model answers questions of that purpose."""
        return self.models.get(purpose, self.models["diagnose"])

    def describe(self, purpose: str) -> str:
        """The same, with where it is."""
        return f"{self.model(purpose)}{self._here}"

    def key(self) -> str:
        """Read it now, so that a new one is seen."""
        if self.settings.api_key is None:
            return NO_KEY
        key = self.settings.api_key.reveal()
        if not key.isascii():  # said here: what refuses a header later repeats it
            raise PermanentError(f"{self.settings.api_key} holds more than plain letters and signs; put the key there")
        return key

    def ask(self, question: Question, attempt: Attempt, *, schema: bool = True) -> Answer:
        """Ask, a second time when the answer cannot be used. `schema`: whether the rules repeat the answer's."""
        model = self.model(question.purpose)
        meter = Meter(
            self._purse,
            case=question.case,
            purpose=question.purpose,
            model=model,
            price=self._prices[model],
            max_output_tokens=self.settings.max_output_tokens,
        )
        fault = ""
        for _ in range(TRIES):
            nonce = self.wire.nonce(question) if self.wire.nonce is not None else ""
            prompt = quoting.prompt(question, fault, nonce, places=self._places, schema=schema)
            reply = attempt(prompt, question, model, meter)
            if meter.beyond:
                raise NoAnswer(
                    f"{model} says that its answer cost ${meter.beyond:.4f} more than it can; look at the account: "
                    "the price may be out of date, or the server does not keep to model.max_output_tokens"
                )
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
            raise TemporaryError(f"{self.where} broke off its answer ({reply.error})")
        if reply.stop == "refusal":
            raise NoAnswer("the model refused the question; a human has to look at this one")
        if reply.stop == "model_context_window_exceeded":
            raise NoAnswer("the question is longer than the model reads; name a model with a larger context window")
        if reply.stop == "max_tokens":
            raise Unusable(f"it was cut off at {self.settings.max_output_tokens} tokens; be brief")
        return content_of(reply.text, schema)


def host_of(url: str) -> str:
    """The host of an address, with its port where it has one."""
    parts = urlsplit(url)
    return parts.hostname or "" if parts.port is None else f"{parts.hostname}:{parts.port}"


def _by_purpose(settings: ModelSettings | FailoverSettings, diagnose: str) -> Mapping[str, str]:
    draft = settings.draft or diagnose
    drafts = dict.fromkeys(
        ("edit", "reproduce", "loop", "repair", "experiment", "variant", "improvement", "hotspot"), draft
    )
    return {
        "diagnose": diagnose,
        "review": settings.review or diagnose,
        **dict.fromkeys(("triage", "remark"), settings.triage or diagnose),
        **drafts,
    }
