"""Failover: several providers as one, each with a breaker. A case changes providers between its steps only.

A provider that fails is left alone for a while, and longer each time; then one question tries it again. A step whose
provider failed ends as it would without failover, to be tried again: the next time it begins anew with the next one
that is well. Within a step the provider that answered its first question answers the others too, or nobody does.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from cases.asking import Answer, Question
from cases.errors import NoAnswer, OverBudget, PermanentError, TemporaryError
from cases.ports import Clock, LanguageModel

log = logging.getLogger("trackwalker.model")

ALONE = 3
"""Failures in a row after which the only provider there is gets left alone; with others beside it one is enough."""
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)
CONVERSATION = timedelta(minutes=15)
"""How long after its last question a step may still go on: later its questions are another conversation."""
AT_ONCE = timedelta(seconds=1)
_MOST_CONVERSATIONS = 1_000


class Breaker:
    """Whether a provider is to be asked now. Not safe for threads: its owner locks."""

    def __init__(self, clock: Clock, failures: int) -> None:
        self._clock = clock
        self._allowed = failures
        self._failures = 0
        self._rests = 0
        self._until = 0.0
        self._trying = False

    @property
    def ready(self) -> bool:
        """Whether a question may be asked. After a rest one may, and the others wait for what comes of it."""
        return self._failures < self._allowed or (not self._trying and self._clock.monotonic() >= self._until)

    @property
    def wait(self) -> timedelta:
        """How long until it may be asked again."""
        return max(AT_ONCE, timedelta(seconds=self._until - self._clock.monotonic()))

    def begin(self) -> None:
        """A question goes there."""
        self._trying = self._failures >= self._allowed

    def undecided(self) -> None:
        """The question never went there."""
        self._trying = False

    def well(self) -> None:
        """It answered."""
        self._failures = self._rests = 0
        self._trying = False

    def failed(self, asked: timedelta) -> bool:
        """It failed, and wants to be left alone so long; whether it is now."""
        self._trying = False
        self._failures += 1
        if self._failures < self._allowed:
            return False
        rest = max(asked, min(LONGEST_REST, FIRST_REST * (1 << min(self._rests, 10))))
        self._rests += 1
        self._until = self._clock.monotonic() + rest.total_seconds()
        return True


@dataclass(slots=True, kw_only=True)
class _Provider:
    model: LanguageModel
    breaker: Breaker


@dataclass(slots=True, kw_only=True)
class _Talk:
    """Which provider a step began with, and until when (monotonic seconds) its conversation may go on."""

    place: int
    until: float


@dataclass
class FailoverModel:
    """The port `LanguageModel` over several others, best first. Safe for threads."""

    models: Sequence[LanguageModel]
    clock: Clock
    _providers: list[_Provider] = field(init=False)
    _talks: dict[tuple[str, str], _Talk] = field(default_factory=dict[tuple[str, str], _Talk], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        allowed = ALONE if len(self.models) == 1 else 1
        self._providers = [_Provider(model=model, breaker=Breaker(self.clock, allowed)) for model in self.models]

    def describe(self, purpose: str) -> str:
        """The model that would be asked now."""
        with self._lock:
            ready = next((one for one in self._providers if one.breaker.ready), self._providers[0])
        return ready.model.describe(purpose)

    def probe(self) -> str:
        """Every one of them."""
        return "; ".join(one.model.probe() for one in self._providers)

    def ask(self, question: Question) -> Answer:
        """Ask the provider of this step. Raises as the port does; TemporaryError too while all are left alone."""
        place = self._chosen(question)
        one = self._providers[place]
        try:
            answer = one.model.ask(question)
        except NoAnswer:
            self._decided(one.breaker.well)
            raise
        except OverBudget:
            self._decided(one.breaker.undecided)
            raise
        except (TemporaryError, PermanentError) as error:
            failure = self._failed(question, place, error)
            if failure is error:
                raise
            raise failure from None
        except BaseException:
            self._decided(one.breaker.undecided)
            raise
        asked = answer.input_tokens or answer.usd  # what comes from memory has neither
        self._decided(one.breaker.well if asked else one.breaker.undecided)
        return answer

    def close(self) -> None:
        """Close those that have anything to close."""
        for one in self._providers:
            close = getattr(one.model, "close", None)
            if close is not None:
                close()

    def _chosen(self, question: Question) -> int:
        key, now = (question.case, question.purpose), self.clock.monotonic()
        with self._lock:
            talk = self._talks.pop(key, None)
            if talk is not None and now <= talk.until:
                one = self._providers[talk.place]
                if not one.breaker.ready:
                    name = one.model.describe(question.purpose)
                    raise TemporaryError(f"{name} began this step and is away now; it begins anew", AT_ONCE)
                place = talk.place
            else:
                place = self._best()
            self._providers[place].breaker.begin()
            self._talks[key] = _Talk(place=place, until=now + CONVERSATION.total_seconds())
            if len(self._talks) > _MOST_CONVERSATIONS:
                self._talks = {k: t for k, t in self._talks.items() if t.until >= now}
            return place

    def _best(self) -> int:
        for place, one in enumerate(self._providers):
            if one.breaker.ready:
                return place
        wait = min(one.breaker.wait for one in self._providers)
        whole = "the language model" if len(self._providers) == 1 else "every provider of a language model"
        raise TemporaryError(f"{whole} was away, and is asked again in {wait.total_seconds():.0f} s", wait)

    def _failed(self, question: Question, place: int, error: TemporaryError | PermanentError) -> Exception:
        """What a failure of that provider means for the step, which ends here in any case."""
        one = self._providers[place]
        with self._lock:
            self._talks.pop((question.case, question.purpose), None)
            if isinstance(error, TemporaryError):
                left_alone = one.breaker.failed(error.retry_after)
            elif len(self._providers) > 1:
                left_alone = one.breaker.failed(LONGEST_REST)  # a human has to mend it; meanwhile the others do
            else:
                one.breaker.undecided()
                return error
            other = next((o for n, o in enumerate(self._providers) if n != place and o.breaker.ready), None)
        if left_alone:
            log.warning("%s is left alone for a while: %s", one.model.describe(question.purpose), error)
        if other is None:
            return error
        return TemporaryError(f"{error}. The next try asks {other.model.describe(question.purpose)}", AT_ONCE)

    def _decided(self, how: Callable[[], None]) -> None:
        with self._lock:
            how()
