"""Settings of language models and of what may be spent."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from config.fields import Duration, SecretRef, Text, Url
from config.section import Section
from config.seldom_used import WhenUsed

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Provider = Literal["anthropic", "openai", "ollama", "vllm"]
Chosen = Literal["none", "anthropic", "openai", "ollama", "vllm", "scripted", "replay"]


class PriceSettings(Section):
    """What a model costs, in USD for a million tokens. A model of your own that costs nothing: 0 and 0."""

    input: Dollars
    """Tokens that it reads."""

    output: Dollars
    """Tokens that it writes."""

    cached: Dollars | None = None
    """Tokens that it reads from the provider's prompt cache. None: they cost what `input` says."""


class ProviderSettings(Section):
    """What the first provider and those that stand in for it have in common."""

    provider: str
    """Whose API it speaks."""

    base_url: Url | None = None
    """Where the API answers; for provider openai, ollama and vllm with its /v1. None: the provider's own, and this
    machine for ollama and vllm."""

    api_key: SecretRef | None = None
    """Where the key is found. None: there is none, and only a server of your own takes that."""

    diagnose: Text | None = None
    """The model that names a cause, by the provider's name for it. It must be named with a provider."""

    draft: Text | None = None
    """The model that writes an edit. None: the one of `diagnose`."""

    review: Text | None = None
    """The model that looks at a draft a second time. None: the one of `diagnose`."""

    triage: Text | None = None
    """The model for short questions of many: a cheap one. None: the one of `diagnose`."""

    timeout: Duration = timedelta(minutes=2)
    """How long one answer may take."""

    max_output_tokens: Annotated[int, Field(ge=256, le=64_000)] = 8_192
    """The longest answer, in tokens, and what most models think before it counts. With the price of the question it is
    what is reserved before it is asked: from half a cent to 41 cents, by model."""

    prices: Mapping[Text, PriceSettings] = Field(default_factory=dict)
    """Prices of models that the shipped table does not have. A model without a price is refused."""

    redaction: Literal["secrets", "places"] | None = None
    """What is blotted out of the evidence before this provider sees it. secrets: credentials and personal data. places:
    also hosts, network addresses and paths of machines; code is shown as it is, without its secrets. None: secrets for
    a server on this machine or a private address, places for any other."""


class FailoverSettings(ProviderSettings):
    """A provider that is asked while those before it are away."""

    provider: Provider  # pyright: ignore[reportIncompatibleVariableOverride] - settings are frozen
    """As in `model.provider`."""


class ModelSettings(ProviderSettings):
    """The language model that drafts what playbooks cannot."""

    provider: Chosen = "none"  # pyright: ignore[reportIncompatibleVariableOverride] - the same
    """none: playbooks only (reverts first of all); they need no key and mend most of what a change broke. anthropic:
    Anthropic's messages API, or what speaks it at `base_url`. openai, ollama, vllm: the chat completions API of OpenAI,
    and of servers that speak it. scripted: answers from the file `script`, for trials. replay: the recorded session of
    the file `script`, where a request must be the recorded one byte by byte; nothing is asked of anybody."""

    failover: Annotated[tuple[FailoverSettings, ...], WhenUsed()] = ()
    """Who is asked while a provider is away, in this order. A case changes providers between its steps only, and goes
    back to the first when that answers again."""

    script: Text | None = None
    """The file of the answers, for provider: scripted and replay."""

    record: Text | None = None
    """A file to which every request and its answer are added, to be played again with provider: replay. It holds what
    the provider is shown and says, and no key."""


class ClassBudgetSettings(Section):
    """Money for language models that draft one class of change, in any 24 hours. Playbooks cost none."""

    edit: Dollars | None = None
    """Edits of code that mend an incident. None: what is left of the day's."""

    repair: Dollars | None = 0.5
    """Further drafts of an edit on whose pull request the repository's own checks failed. None: what is left of the
    day's."""

    remark: Dollars | None = 0.1
    """Saying of which kind a reviewer's remark is, where no rule tells. None: what is left of the day's."""

    experiment: Dollars | None = None
    """Experiments. None: what is left of the day's."""

    improvement: Dollars | None = 0.5
    """What got slowly worse, and can wait. None: what is left of the day's."""


class BudgetSettings(Section):
    """What may be spent."""

    usd_per_day: Dollars = 5
    """Money for language models in any 24 hours, over all cases. Reserved before it is spent, so it is never passed.
    When it is reached drafts stop, you are told once, and they go on as older spending is a day past. Detection and
    playbooks go on meanwhile."""

    usd_per_case: Dollars = 0.5
    """Money for language models on one case: a few questions to a strong one."""

    usd_per_call: Dollars | None = None
    """Money for one question, at its worst. None: what is left of the case's."""

    usd_per_class: ClassBudgetSettings = ClassBudgetSettings()
    """Money for drafting one class of change in any 24 hours: what can wait must not use up what a live incident
    needs."""

    spike: Annotated[float, Field(gt=1, allow_inf_nan=False)] | None = 1.2
    """You are told, once a day or a week, when that has cost so many times the usual: the median of those of the four
    weeks before in which anything was spent. It takes a week to know the usual, and a difference below ten cents is not
    told. None: never."""

    prs_per_hour: Annotated[int, Field(ge=1, le=60)] = 1
    """New pull requests an hour, over all repositories: reviewers keep the bots that do not flood them."""

    prs_open: Annotated[int, Field(ge=1, le=100)] = 3
    """Pull requests that may wait for review at once, over all repositories."""

    false_alerts_per_service_week: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 1
    """How many departures from normal that are none may be told for each service and week: how loud one must be is
    learnt from what its series do anyway. Thresholds and objectives are yours, and are not counted."""

    opportunities_per_week: Annotated[int, Field(ge=0, le=50)] = 2
    """New opportunities in the briefing, a service: what got slowly worse over weeks, looked for once a night. Nobody
    is told of one, and none counts as an alert. 0: none are looked for."""

    improvements_per_week: Annotated[int, Field(ge=0, le=50)] = 1
    """Cases that opportunities may open in any seven days, over all services: only where the repository has a `bench`
    and there is something to try, a rule of `services[].tune` for improvements or a model. No live incident joins one,
    and each goes before them. 0: none is opened."""

    improvements_open: Annotated[int, Field(ge=1, le=100)] = 1
    """Improvements that may be on their way at once, their pull requests too. These count apart: they take no place of
    `prs_open` and `prs_per_hour` from a live incident, and none is taken from them."""
