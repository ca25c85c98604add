"""Failover: between steps only, with a breaker for each provider that lets it recover, and a redaction of its own."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from cases.asking import Answer, Question
from cases.errors import NoAnswer, OverBudget, PermanentError, TemporaryError, TrackwalkerError
from config.models import FailoverSettings, ModelSettings, PriceSettings
from daemon.clock import ManualClock
from remediation.model import model_of
from remediation.model.failover import CONVERSATION, FIRST_REST, LONGEST_REST, FailoverModel
from remediation.model.pocket import PocketPurse
from tests.parts.chat_api import LOCAL, chat_api
from tests.parts.messages_api import MODEL, messages_api, refusal
from tests.parts.nouns import NOW
from tests.parts.questions import GOOD, a_question, model_settings

AWAY = TemporaryError("it is away", timedelta(seconds=7))


@dataclass
class Provider:
    """A provider that answers, unless it has errors to raise first."""

    name: str
    errors: list[TrackwalkerError] = field(default_factory=list[TrackwalkerError])
    asked: int = 0

    def describe(self, purpose: str) -> str:
        return f"{self.name} ({purpose})"

    def probe(self) -> str:
        return f"{self.name} is there"

    def ask(self, question: Question) -> Answer:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        del question
        return Answer(content=GOOD, model=self.name, usd=0.01, input_tokens=10, output_tokens=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def pair(clock: ManualClock, *errors: TrackwalkerError) -> tuple[FailoverModel, Provider, Provider]:
    one, two = Provider("one", [*errors]), Provider("two")
    return FailoverModel([one, two], clock), one, two


def who(model: FailoverModel, case: str = "c1", purpose: str = "diagnose") -> str:
    return model.ask(a_question(case=case, purpose=purpose)).model


def test_the_first_is_asked_as_long_as_it_answers(clock: ManualClock) -> None:
    model, _, two = pair(clock)
    assert [who(model, f"c{n}") for n in range(3)] == ["one"] * 3
    assert two.asked == 0
    assert model.describe("edit") == "one (edit)"
    assert model.probe() == "one is there; two is there"


def test_a_step_that_failed_ends_and_the_next_try_asks_the_next_provider(clock: ManualClock) -> None:
    model, one, two = pair(clock, AWAY)
    with pytest.raises(TemporaryError, match=r"it is away\. The next try asks two") as failure:
        who(model)
    assert failure.value.retry_after == timedelta(seconds=1)
    assert two.asked == 0, "not within the step that the first one began"
    assert model.describe("edit") == "two (edit)"
    assert who(model) == "two"
    assert one.asked == 1


def test_the_first_is_tried_again_after_its_rest_and_takes_over(clock: ManualClock) -> None:
    model, one, _ = pair(clock, AWAY)
    with pytest.raises(TemporaryError):
        who(model)
    clock.advance(FIRST_REST - timedelta(seconds=1))
    assert who(model, "c2") == "two"
    clock.advance(timedelta(seconds=1))
    assert who(model, "c3") == "one"
    assert who(model, "c4") == "one"
    assert one.asked == 3


def test_a_conversation_stays_with_whom_it_began_also_when_the_first_is_back(clock: ManualClock) -> None:
    model, _, _ = pair(clock, AWAY)
    with pytest.raises(TemporaryError):
        who(model, "other")
    assert who(model, "c1", "edit") == "two"
    clock.advance(FIRST_REST)
    assert who(model, "c2") == "one"
    assert [who(model, "c1", "edit") for _ in range(2)] == ["two", "two"]
    clock.advance(CONVERSATION + timedelta(seconds=1))
    assert who(model, "c1", "edit") == "one"


def test_a_conversation_whose_provider_goes_away_ends_and_begins_anew(clock: ManualClock) -> None:
    """Half an answer of one and half of another would be nobody's: the step is tried again from its start."""
    model, one, two = pair(clock)
    assert who(model, "c1", "edit") == "one"
    one.errors = [AWAY]
    with pytest.raises(TemporaryError):
        who(model, "c2")
    with pytest.raises(TemporaryError, match="began this step and is away now") as failure:
        who(model, "c1", "edit")
    assert failure.value.retry_after == timedelta(seconds=1)
    assert two.asked == 0
    assert who(model, "c1", "edit") == "two"


def test_while_all_are_away_nobody_is_asked_and_it_says_until_when(clock: ManualClock) -> None:
    model, one, two = pair(clock, AWAY)
    two.errors = [TemporaryError("busy", timedelta(minutes=2))]
    for _ in range(2):
        with pytest.raises(TemporaryError):
            who(model)
    with pytest.raises(TemporaryError, match=r"every provider .* asked again in 30 s") as failure:
        who(model)
    assert failure.value.retry_after == FIRST_REST
    assert (one.asked, two.asked) == (1, 1)


def test_rests_grow_to_ten_minutes_and_an_answer_ends_them(clock: ManualClock) -> None:
    model, one, _ = pair(clock, *[AWAY] * 7)
    rests: list[timedelta] = []
    for number in range(7):
        began = clock.now()
        while True:  # a question every fifteen seconds; the one that tries the first again fails
            try:
                who(model, f"c{number}-{clock.now()}")
            except TemporaryError:
                break
            clock.advance(timedelta(seconds=15))
        rests.append(clock.now() - began)
    assert rests[1:] == [min(LONGEST_REST, FIRST_REST * 2**n) for n in range(6)]
    clock.advance(LONGEST_REST)
    assert who(model) == "one"
    one.errors = [AWAY]
    with pytest.raises(TemporaryError):
        who(model)
    clock.advance(FIRST_REST)
    assert who(model) == "one"


def test_only_one_question_tries_a_provider_that_rested(clock: ManualClock) -> None:
    model, first, _ = pair(clock, AWAY)
    with pytest.raises(TemporaryError):
        who(model)
    clock.advance(FIRST_REST)
    meanwhile: list[str] = []

    class Slow(Provider):
        def ask(self, question: Question) -> Answer:
            meanwhile.append(who(model, "c9"))
            return super().ask(question)

    model._providers[0].model = Slow("one")  # pyright: ignore[reportPrivateUsage] - the stand-in
    assert who(model, "c2") == "one"
    assert meanwhile == ["two"]
    assert first.asked == 1


def test_a_provider_that_a_human_must_mend_is_left_to_the_others(clock: ManualClock) -> None:
    model, _, _ = pair(clock, PermanentError("it refuses the key"))
    with pytest.raises(TemporaryError, match=r"refuses the key\. The next try asks two"):
        who(model)
    assert who(model) == "two"


@pytest.mark.parametrize("error", [NoAnswer("it refused"), OverBudget("no money")])
def test_what_no_other_provider_would_mend_is_no_reason_to_change(clock: ManualClock, error: PermanentError) -> None:
    model, _, two = pair(clock, error)
    with pytest.raises(type(error)):
        who(model)
    assert who(model) == "one"
    assert two.asked == 0


def test_one_provider_alone_is_left_alone_after_three_failures(clock: ManualClock) -> None:
    one = Provider("one", [AWAY, AWAY, AWAY, AWAY])
    model = FailoverModel([one], clock)
    for _ in range(3):
        with pytest.raises(TemporaryError, match=r"it is away$"):
            who(model)
    with pytest.raises(TemporaryError, match="was away, and is asked again in 30 s"):
        who(model)
    assert one.asked == 3
    clock.advance(FIRST_REST)
    with pytest.raises(TemporaryError, match=r"it is away$"):
        who(model)
    with pytest.raises(TemporaryError, match="asked again in 60 s"):
        who(model)


def test_a_bug_is_no_failure_of_the_provider(clock: ManualClock) -> None:
    class Broken(Provider):
        def ask(self, question: Question) -> Answer:
            del question
            raise LookupError("a bug")

    model = FailoverModel([Broken("one"), Provider("two")], clock)
    for _ in range(5):
        with pytest.raises(LookupError):
            who(model)


SEEN = "connect to 10.1.2.3:5432 on stockroom.prod.internal failed at /srv/shop/pool.py"


def test_each_provider_sees_what_its_own_policy_lets_it_see(clock: ManualClock, tmp_path: Path) -> None:
    """The first is away; what the second is sent has no places in it, because it is told so.

    (The host's name has letters that are no hexadecimal digits: a question also holds marks made at random.)
    """
    with messages_api() as near, chat_api("vllm") as far:
        near.will(refusal(529, "overloaded_error"), near.answers(GOOD))
        far.otherwise = far.answers(GOOD)
        other = FailoverSettings(
            provider="vllm", base_url=far.url, diagnose=LOCAL, redaction="places",
            prices={LOCAL: PriceSettings(input=0, output=0)},
        )  # fmt: skip
        settings = model_settings(near.url, tmp_path, failover=(other,))
        purse = PocketPurse(1)
        model = model_of(settings, purse, clock)
        assert model is not None
        with pytest.raises(TemporaryError, match=f"The next try asks {LOCAL} at 127"):
            model.ask(a_question(SEEN))
        assert SEEN in near.text()
        assert model.ask(a_question(SEEN)).model == LOCAL
        assert not any(place in far.text() for place in ("10.1.2.3", "stockroom", "/srv/shop"))
        assert "pool.py" in far.text()
        assert [call.model for call in purse.calls.values()] == [MODEL, LOCAL]
        clock.advance(CONVERSATION + timedelta(seconds=1))
        assert model.ask(a_question(SEEN)).model == MODEL


@pytest.mark.parametrize(
    ("url", "redaction", "shown"),
    [
        ("http://127.0.0.1:9", None, True),
        ("http://10.0.0.7:9", None, True),
        ("http://models:9", None, True),
        ("http://models.prod.internal:9", None, True),
        ("https://api.openai.com/v1", None, False),
        ("http://8.8.8.8:9", None, False),
        ("https://api.openai.com/v1", "secrets", True),
        ("http://127.0.0.1:9", "places", False),
    ],
)
def test_without_a_word_an_address_of_ones_own_sees_places_and_another_does_not(
    clock: ManualClock, url: str, redaction: str | None, *, shown: bool
) -> None:
    from remediation.model.chat import ChatModel

    settings = ModelSettings.model_validate(
        {"provider": "openai", "base_url": url, "diagnose": "gpt-5", "redaction": redaction}
    )
    model = ChatModel(settings, PocketPurse(1), clock)
    assert model._end._places is shown  # pyright: ignore[reportPrivateUsage] - nothing is sent to those addresses
