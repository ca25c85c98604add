"""What language models cost: a dated table that ships, and how many dollars so many tokens are.

Read on 2026-11-21 from the model pages of platform.claude.com/docs/en/models (each page's "Specifications"). Prices
change: `model.prices` in the configuration comes first, and a model that neither has is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cases.errors import PermanentError
from config.remedies import PriceSettings

PER = 1_000_000
READ_ON = "2026-11-21"


@dataclass(frozen=True, slots=True, kw_only=True)
class LongPrice:
    """What a question of more than `above` input tokens costs instead, in USD for a million tokens, all of them."""

    above: int
    input: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs, in USD for a million tokens."""

    input: float
    output: float
    long: LongPrice | None = None

    def usd(self, input_tokens: float, output_tokens: float) -> float:
        """What so many tokens cost, in USD."""
        rates = self.long if self.long is not None and input_tokens > self.long.above else self
        return (input_tokens * rates.input + output_tokens * rates.output) / PER


_FABLE = Price(input=10, output=50)
_OPUS = Price(input=5, output=25)
_SONNET_4 = Price(input=3, output=15)
_SONNET_5 = Price(input=2, output=10)
_HAIKU_4 = Price(input=1, output=5)

# Only models that take a JSON schema for their answer (structured outputs: 4.5 and later).
PRICES: Mapping[str, Price] = {
    "claude-fable-5-1": _FABLE,
    "claude-fable-5": _FABLE,
    "claude-opus-5-5": Price(input=4, output=20),
    "claude-opus-5": _OPUS,
    "claude-opus-4-8": _OPUS,
    "claude-opus-4-7": _OPUS,
    "claude-opus-4-6": _OPUS,
    "claude-opus-4-5": _OPUS,
    "claude-opus-4-5-20251101": _OPUS,
    "claude-sonnet-5-5": _SONNET_5,
    "claude-sonnet-5": _SONNET_5,
    "claude-sonnet-4-6": _SONNET_4,
    "claude-sonnet-4-5": _SONNET_4,
    "claude-sonnet-4-5-20250929": _SONNET_4,
    "claude-haiku-5-5": Price(input=0.1, output=0.5, long=LongPrice(above=100_000, input=0.5, output=2.5)),
    "claude-haiku-4-5": _HAIKU_4,
    "claude-haiku-4-5-20251001": _HAIKU_4,
}


def price_of(model: str, own: Mapping[str, PriceSettings]) -> Price:
    """The operator's own price of a model, or the shipped one. PermanentError when there is neither."""
    if model in own:
        return Price(input=own[model].input, output=own[model].output)
    if model in PRICES:
        return PRICES[model]
    raise PermanentError(
        f"no price is known for the model {model!r}, and nothing is asked that cannot be paid for; write its price as "
        f"model.prices: {{{model}: {{input: …, output: …}}}} in USD for a million tokens, or name another model "
        f"(the shipped table of {READ_ON} has {', '.join(sorted(PRICES))})"
    )
