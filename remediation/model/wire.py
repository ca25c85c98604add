"""Wire: what stands between an adapter and the network. The network itself, a recorder beside it, or a recording."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cases.asking import Question

if TYPE_CHECKING:
    import httpx2


class Tape(Protocol):
    """Takes down each request and what came of it."""

    def answered(self, request: "httpx2.Request", response: "httpx2.Response") -> None:
        """The request was answered, with the response's whole body."""
        ...

    def failed(self, request: "httpx2.Request", error: "httpx2.RequestError") -> None:
        """The request was not answered."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How an adapter's requests travel.

    transport  what carries them in place of the network; None: the network
    tape       who takes them down
    nonce      the word of a question's marks, where it must be the same the next time; None: it is drawn
    """

    transport: "httpx2.BaseTransport | None" = None
    tape: Tape | None = None
    nonce: Callable[[Question], str] | None = None


NETWORK = Wire()
