"""What is new in the logs."""

from cases.bundle import Entry
from detectors.ranking.sayings import sayings
from tests.detectors.ranking.incidents import ONSET, STACK, entries, ms


def test_a_kind_is_new_once_whatever_numbers_are_in_it() -> None:
    (one,) = sayings(entries("order 17 of 0xdeadbeef failed"), ms(ONSET)).new
    assert (one.count, one.before, one.share, one.bad) == (40, 0, 1.0, True)


def test_what_was_as_frequent_before_is_not_new() -> None:
    usual = entries("request failed", since=0, often=100)
    assert sayings(usual, ms(ONSET)).new == ()
    burst = (*usual, *entries("request failed", often=200))
    (one,) = sayings(burst, ms(ONSET)).new
    assert not one.fresh


def test_the_stack_is_read_from_its_own_field_and_never_from_the_message() -> None:
    (one,) = sayings(entries("boom", stack=STACK, error="AttributeError"), ms(ONSET)).new
    assert one.trace is not None
    assert one.trace.frames[-1].function == "merge_baskets"
    (other,) = sayings(entries(STACK), ms(ONSET)).new
    assert other.trace is None


def test_a_flood_of_kinds_is_bounded_and_counted() -> None:
    words = ["abcdefgh"[n % 8] * (1 + n // 8) for n in range(9_000)]
    flood = [Entry(at=ms(ONSET), service="cart", severity="ERROR", message=word[:230]) for word in words]
    said = sayings(flood, ms(ONSET))
    assert said.unread == 0  # long ones are cut, and so alike
    other = [Entry(at=ms(ONSET), service=f"s{n}", severity="ERROR", message="x") for n in range(9_000)]
    assert sayings(other, ms(ONSET)).unread == 6_000
