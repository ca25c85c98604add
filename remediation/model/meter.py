"""The money of one question: each attempt is reserved at its worst case before it leaves, and settled by its usage."""

from dataclasses import dataclass

from cases.ports import Purse
from remediation.model.prices import Price

BYTES_A_TOKEN = 2
"""The fewest bytes that a token stands for, over a whole question. English and code have 3 to 4; long hexadecimal runs
come near 2."""

OVERHEAD_TOKENS = 1_000
"""What the provider adds to the question by itself: its own instructions about the answer's shape."""

REGION = 1.1
"""What inference that must stay in one region costs more: an organisation may have set it for all its questions."""

CACHE_WRITE = 2.0
"""The dearest price of writing a prompt cache, over that of reading as usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one answer says it used, in tokens."""

    input_tokens: int
    output_tokens: int
    cache_written: int = 0
    cache_read: int = 0
    one_region: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside for one attempt, in USD."""

    id: str
    usd: float


class Meter:
    """Reserves and settles the attempts of one question, and adds up what they came to. For one thread."""

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
        self.input_tokens = 0
        self.output_tokens = 0

    def reserve(self, size: int, *, prompt: str = "") -> Reservation:
        """Set aside the worst that a request of so many bytes can cost. Raises OverBudget before anything is sent.

        `prompt` is the hash of what is asked, for the audit.
        """
        worst = REGION * self._price.usd(size / BYTES_A_TOKEN + OVERHEAD_TOKENS, self._most_output)
        set_aside = self._purse.reserve(self._case, self._purpose, self._model, worst, prompt=prompt)
        return Reservation(id=set_aside, usd=worst)

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        """The attempt was answered: what it really cost takes the place of the reservation."""
        read = usage.input_tokens + usage.cache_read + usage.cache_written
        dearer = (CACHE_WRITE - 1) * usage.cache_written
        factor = REGION if usage.one_region else 1.0
        usd = factor * self._price.usd(read + dearer, usage.output_tokens)
        self._purse.settle(reservation.id, usd, read, usage.output_tokens)
        self.usd += usd
        self.input_tokens += read
        self.output_tokens += usage.output_tokens

    def free(self, reservation: Reservation) -> None:
        """The attempt cost nothing: it never left, or the server refused it."""
        self._purse.settle(reservation.id, 0.0, 0, 0)

    def keep(self, reservation: Reservation) -> None:
        """Nobody can know what the attempt cost: the reservation stands in full."""
        self.usd += reservation.usd
