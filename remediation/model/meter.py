"""The money of one question: each attempt is reserved at its worst case before it leaves, and settled by its usage."""

import logging
from dataclasses import dataclass

from cases.stores import Purse
from remediation.model.prices import WRITTEN, WRITTEN_FOR_AN_HOUR, Price

log = logging.getLogger("trackwalker.model")

BYTES_A_TOKEN = 2
"""The fewest bytes that a token stands for, over a whole question. English and code have 3 to 4; long hexadecimal runs
come near 2."""

OVERHEAD_TOKENS = 1_000
"""What the provider adds to the question by itself: its own instructions about the answer's shape."""

REGION = 1.1
"""What inference that must stay in one region costs more: an organisation may have set it for all its questions."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one answer says it used, in tokens.

    input_tokens    read as usual: neither from a cache nor into one
    cache_written   read, and put into a cache for five minutes; `cache_kept` for an hour
    cache_read      read from a cache
    one_region      whether it was billed as inference that stays in one region
    """

    input_tokens: int
    output_tokens: int
    cache_written: int = 0
    cache_kept: int = 0
    cache_read: int = 0
    one_region: bool = False

    @property
    def read(self) -> int:
        """All that was read, however."""
        return self.input_tokens + self.cache_written + self.cache_kept + self.cache_read


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside for one attempt, in USD."""

    id: str
    usd: float


class Meter:
    """Reserves and settles the attempts of one question, and adds up what they came to. For one thread.

    `beyond` is what attempts came to above what was set aside for them, in USD: a server that bills more than it can
    have been asked for, or a table that is out of date.
    """

    def __init__(
        self, purse: Purse, *, case: str, purpose: str, model: str, price: Price, max_output_tokens: int
    ) -> None:
        self._purse = purse
        self._case = case
        self._purpose = purpose
        self._model = model
        self._price = price
        self._most_output = max_output_tokens
        self.usd = 0.0
        self.beyond = 0.0
        self.input_tokens = 0
        self.output_tokens = 0

    def reserve(self, size: int, *, prompt: str = "") -> Reservation:
        """Set aside the worst that a request of so many bytes can cost. Raises OverBudget before anything is sent.

        `prompt` is the hash of what is asked, for the audit.
        """
        most_read = size / BYTES_A_TOKEN + OVERHEAD_TOKENS
        worst = REGION * self._price.usd(WRITTEN * most_read, self._most_output)  # all of it may go into a cache
        set_aside = self._purse.reserve(self._case, self._purpose, self._model, worst, prompt=prompt)
        return Reservation(id=set_aside, usd=worst)

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        """The attempt was answered: what it really cost takes the place of the reservation, whatever that is."""
        usd = self.cost(usage)
        self._purse.settle(reservation.id, usd, usage.read, usage.output_tokens)
        self.usd += usd
        self.input_tokens += usage.read
        self.output_tokens += usage.output_tokens
        if usd > reservation.usd + _ROUNDING:
            self.beyond += usd - reservation.usd
            log.error(
                "%s says that a question cost $%.4f, and $%.4f is the most that it can: %d tokens read, %d written",
                self._model, usd, reservation.usd, usage.read, usage.output_tokens,
            )  # fmt: skip

    def cost(self, usage: Usage) -> float:
        """What such an answer costs, in USD."""
        usual = WRITTEN * usage.input_tokens if self._price.writes else usage.input_tokens
        dear = WRITTEN * usage.cache_written + WRITTEN_FOR_AN_HOUR * usage.cache_kept
        factor = REGION if usage.one_region else 1.0
        return factor * self._price.usd(usual + dear, usage.output_tokens, cached=usage.cache_read)

    def free(self, reservation: Reservation) -> None:
        """The attempt cost nothing: it never left, or the server refused it."""
        self._purse.settle(reservation.id, 0.0, 0, 0)

    def keep(self, reservation: Reservation) -> None:
        """Nobody can know what the attempt cost: the reservation stands in full."""
        self.usd += reservation.usd
