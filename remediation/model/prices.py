"""What language models cost: a dated table for each provider that ships, and how many dollars so many tokens are.

Anthropic's were read on 2026-11-21 from the model pages of platform.claude.com/docs/en/models (each page's
"Specifications"), and what they charge for prompt caches from price lists of September and October 2026. OpenAI's are
second hand: from price lists that others published between March and October 2026 and that agree. Servers of one's own
have no table. Prices change: `model.prices` in the configuration comes first, and a model that neither has is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cases.errors import PermanentError
from config.models import PriceSettings

PER = 1_000_000
READ_ON = "2026-11-21"
WRITTEN, WRITTEN_FOR_AN_HOUR = 1.25, 2.0
"""The price of a token that goes into a prompt cache (for five minutes, or an hour), over that of reading it only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LongPrice:
    """What a question of more than `above` input tokens costs instead, in USD for a million tokens, all of them."""

    above: int
    input: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs, in USD for a million tokens.

    cached  tokens that are read from a prompt cache; None: as `input`
    writes  whether what is not read from a cache may be billed as written into one, without being told
    """

    input: float
    output: float
    cached: float | None = None
    writes: bool = False
    long: LongPrice | None = None

    def usd(self, input_tokens: float, output_tokens: float, *, cached: float = 0) -> float:
        """What so many tokens cost, in USD. `cached` of them are read from a cache, and `input_tokens` are the rest."""
        rates = self.long if self.long is not None and input_tokens + cached > self.long.above else self
        share = 1.0 if self.cached is None or self.input == 0 else self.cached / self.input
        return ((input_tokens + share * cached) * rates.input + output_tokens * rates.output) / PER


def _claude(usd: float, written: float, cached: float, long: LongPrice | None = None) -> Price:
    return Price(input=usd, output=written, cached=cached, long=long)


def _gpt(usd: float, written: float, cached: float, *, writes: bool = False) -> Price:
    return Price(input=usd, output=written, cached=cached, writes=writes)


_FABLE = _claude(10, 50, 1)
_OPUS = _claude(5, 25, 0.5)
_SONNET_4 = _claude(3, 15, 0.3)
_HAIKU_4 = _claude(1, 5, 0.1)

# Only models that take a JSON schema for their answer (structured outputs: 4.5 and later).
ANTHROPIC: Mapping[str, Price] = {
    "claude-fable-5-1": _claude(10, 50, 0.25),
    "claude-fable-5": _FABLE,
    "claude-opus-5-5": _claude(4, 20, 0.2),
    "claude-opus-5": _OPUS,
    "claude-opus-4-8": _OPUS,
    "claude-opus-4-7": _OPUS,
    "claude-opus-4-6": _OPUS,
    "claude-opus-4-5": _OPUS,
    "claude-opus-4-5-20251101": _OPUS,
    "claude-sonnet-5-5": _claude(2, 10, 0.2),
    "claude-sonnet-5": _claude(2, 10, 0.2),
    "claude-sonnet-4-6": _SONNET_4,
    "claude-sonnet-4-5": _SONNET_4,
    "claude-sonnet-4-5-20250929": _SONNET_4,
    "claude-haiku-5-5": _claude(0.1, 0.5, 0.1, LongPrice(above=100_000, input=0.5, output=2.5)),
    "claude-haiku-4-5": _HAIKU_4,
    "claude-haiku-4-5-20251001": _HAIKU_4,
}

# The newer ones bill what goes into their cache, whether it was asked for or not.
OPENAI: Mapping[str, Price] = {
    "gpt-6-astra": _gpt(10, 50, 1, writes=True),
    "gpt-6.1-sol": _gpt(2, 10, 0.1, writes=True),
    "gpt-6-sol": _gpt(2, 10, 0.2, writes=True),
    "gpt-6-luna": _gpt(0.1, 0.5, 0.01, writes=True),
    "gpt-5.6-sol": _gpt(5, 30, 0.5, writes=True),
    "gpt-5.6-terra": _gpt(2, 12, 0.2, writes=True),
    "gpt-5.6-luna": _gpt(0.2, 1.2, 0.02, writes=True),
    "gpt-5.4": _gpt(2.5, 15, 0.25),
    "gpt-5.4-mini": _gpt(0.75, 4.5, 0.075),
    "gpt-5.1": _gpt(1.25, 10, 0.125),
    "gpt-5": _gpt(1.25, 10, 0.125),
    "gpt-5-mini": _gpt(0.25, 2, 0.025),
    "gpt-5-nano": _gpt(0.05, 0.4, 0.005),
}

TABLES: Mapping[str, Mapping[str, Price]] = {"anthropic": ANTHROPIC, "openai": OPENAI}
PRICES = ANTHROPIC


def price_of(model: str, own: Mapping[str, PriceSettings], provider: str = "anthropic") -> Price:
    """The operator's own price of a model, or the provider's shipped one. PermanentError when there is neither."""
    if model in own:
        return Price(input=own[model].input, output=own[model].output, cached=own[model].cached)
    table = TABLES.get(provider, {})
    if model in table:
        return table[model]
    if table:
        advice = f"or name another model (the shipped table of {READ_ON} has {', '.join(sorted(table))})"
    else:
        advice = "0 and 0 where it runs on a machine of your own"
    raise PermanentError(
        f"no price is known for the model {model!r}, and nothing is asked that cannot be paid for; write its price as "
        f"model.prices: {{{model}: {{input: …, output: …}}}} in USD for a million tokens, {advice}"
    )
