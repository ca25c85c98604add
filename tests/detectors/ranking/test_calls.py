"""Where in the calls the trouble arises."""

from dataclasses import replace

from cases.bundle import Span
from detectors.ranking.calls import calls
from tests.detectors.ranking.incidents import ONSET, ms, spans


def test_errors_arise_in_the_deepest_that_failed() -> None:
    found = calls(spans(failing="cart"), ms(ONSET))
    assert found.operations[0].service == "cart"
    assert found.blame["front"] == found.blame["ads"] == 0
    assert found.roots == {"front"}
    assert found.callees == {"front": {"cart", "ads"}}


def test_delay_arises_where_the_self_time_grew() -> None:
    found = calls(spans(slow="ads", failing=""), ms(ONSET))
    assert found.operations[0].service == "ads"
    assert found.operations[0].slower == 40
    assert found.blame["front"] == 0


def test_a_callee_that_fell_silent_is_blamed_for_its_callers_errors() -> None:
    gone = tuple(s for s in spans(failing="front") if not (s.service == "cart" and s.at >= ms(ONSET)))
    blame = calls(gone, ms(ONSET)).blame
    assert blame["cart"] > 0.9
    assert blame["cart"] > blame["front"]


def test_cycles_orphans_and_spans_that_are_their_own_parent_end() -> None:
    odd = [
        Span(trace="t", id=i, parent=p, service=s, name="n", at=ms(n), duration=1.0, failed=True)
        for n, (i, p, s) in enumerate([("a", "b", "x"), ("b", "a", "y"), ("c", "c", "z"), ("d", "lost", "x")] * 9)
    ]
    found = calls(odd, ms(5))
    assert found.below("x") == {"x", "y"}
    assert all(0 <= value < 1.0 or value == 1.0 for value in found.blame.values())
    assert calls((), ms(5)).blame == {}


def test_a_new_operation_counts_by_its_errors_alone() -> None:
    fresh = tuple(
        replace(s, name="New") for s in spans(slow="ads", failing="") if s.service == "ads" and s.at >= ms(ONSET)
    )
    assert calls(fresh, ms(ONSET)).blame == {"ads": 0.0}
