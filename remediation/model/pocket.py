"""PocketPurse: the stand-in for the ledger's purse. It forgets when the process ends: for tests and trials."""

import itertools
import threading
from dataclasses import dataclass

from cases.errors import OverBudget


@dataclass(slots=True, kw_only=True)
class Call:
    """One attempt to ask. `usd` is None until it is settled; it counts as `reserved` until then."""

    case: str
    purpose: str
    model: str
    reserved: float
    usd: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    prompt: str = ""


class PocketPurse:
    """The port `Purse` with one cap over everything. Safe for threads. `calls` are all it was asked for."""

    def __init__(self, usd: float) -> None:
        self.calls: dict[str, Call] = {}
        self._cap = usd
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def spent(self) -> float:
        """What is spent or set aside, in USD."""
        with self._lock:
            return self._spent()

    def reserve(self, case: str, purpose: str, model: str, usd: float, *, prompt: str = "") -> str:
        """Set aside the worst case of one call. Raises OverBudget when the cap would be passed."""
        with self._lock:
            if self._spent() + usd > self._cap:
                raise OverBudget(f"${self._spent():.4f} of ${self._cap:.4f} is spent, and this may cost ${usd:.4f}")
            reservation = str(next(self._numbers))
            self.calls[reservation] = Call(case=case, purpose=purpose, model=model, reserved=usd, prompt=prompt)
            return reservation

    def settle(self, reservation: str, usd: float, input_tokens: int, output_tokens: int) -> None:
        """Put what it really cost in place of the reservation."""
        with self._lock:
            call = self.calls[reservation]
            call.usd, call.input_tokens, call.output_tokens = usd, input_tokens, output_tokens

    def _spent(self) -> float:
        return sum(call.reserved if call.usd is None else call.usd for call in self.calls.values())
