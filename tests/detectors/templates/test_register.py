"""The register: which templates a service's log has, how often, and which are new; written down at any moment."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cases.moments import milliseconds
from cases.telemetry import LogLine, Millis
from detectors.counts import REMEMBERED
from detectors.templates.levels import Level
from detectors.templates.register import MOST_COUNTED, MOST_TEMPLATES, NEW, WARM_UP_LINES, Register

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EVERY = frozenset(Level)
STEP = 60_000


def lines(
    text: str, often: int, *, every: timedelta = SECOND, since: datetime = START, app: str = "shop"
) -> list[LogLine]:
    return [LogLine(at=since + n * every, labels={"app": app}, text=text.replace("{n}", str(n))) for n in range(often)]


def folded(listed: Sequence[LogLine], read_to: datetime | None = None, page: int = 700) -> Register:
    register = Register(milliseconds(START))
    for begin in range(0, len(listed), page):
        register.fold(listed[begin : begin + page], "app")
        register.settle(listed[min(len(listed), begin + page) - 1].at)
    register.settle(read_to or listed[-1].at + SECOND)
    return register


def minutes(first: float, last: float) -> Millis:
    return np.arange(first, last + 1).astype(np.int64) * STEP + milliseconds(START)


def rates(register: Register, times: Millis, service: str = "shop") -> dict[str, list[float]]:
    labels, values = register.rates(service, times, STEP, EVERY)
    return {label["template"].partition(" ")[2]: row for label, row in zip(labels, values.tolist(), strict=True)}


ORDER = "INFO order {n} was taken"
USUAL = lines(ORDER, 2 * WARM_UP_LINES, every=SECOND / 2)
FRESH = lines("ERROR the second basket of order {n} cannot be merged", 20, since=START + 18 * MINUTE)


def test_rates_are_lines_a_second_and_unknown_where_nothing_was_read() -> None:
    found = rates(folded(lines(ORDER, 600), START + 10 * MINUTE), minutes(0, 12))["INFO order <*> was taken"]
    assert np.isnan([found[0], *found[11:]]).all()
    assert found[1:11] == pytest.approx([1.0] * 10, abs=0.02)


def test_silence_is_zero_and_no_gap() -> None:
    register = folded([*lines(ORDER, 60), *lines("INFO again {n}", 1, since=START + 9 * MINUTE)], START + 10 * MINUTE)
    assert rates(register, minutes(1, 10))["INFO order <*> was taken"][3:] == [0.0] * 7


def test_a_stretch_that_was_passed_over_is_unknown() -> None:
    register = folded(lines(ORDER, 60), START + MINUTE)
    register.skipped(START + MINUTE, START + 5 * MINUTE)
    register.fold(lines(ORDER, 300, since=START + 5 * MINUTE), "app")
    register.settle(START + 10 * MINUTE)
    found = rates(register, minutes(1, 10))["INFO order <*> was taken"]
    assert np.isnan(found[1:5]).all()
    assert not np.isnan([found[0], *found[5:]]).any()


def test_an_old_hour_is_remembered_by_five_minutes_and_no_line_is_lost() -> None:
    register = folded(lines(ORDER, 7_200), START + 2 * HOUR)
    found = rates(register, minutes(1, 120))["INFO order <*> was taken"]
    assert sum(found) * 60 == pytest.approx(7_200, abs=2)
    register.settle(START + 26 * HOUR)
    assert np.isnan(rates(register, minutes(1, 30)).get("INFO order <*> was taken", [np.nan])).all()


def test_services_are_told_apart() -> None:
    register = folded([*lines(ORDER, 60), *lines(ORDER, 30, app="cart", since=START + MINUTE)])
    assert register.services() == ("cart", "shop")
    assert sum(rates(register, minutes(1, 1))["INFO order <*> was taken"]) == pytest.approx(1.0, abs=0.02)


def test_a_new_template_is_news_once_with_its_reasons() -> None:
    register = folded([*USUAL, *FRESH], START + 20 * MINUTE)
    (news,) = register.news("shop", START + 15 * MINUTE, START + 20 * MINUTE)
    assert (news.count, news.before, news.level) == (20, 0, Level.ERROR)
    assert news.text == "ERROR the second basket of order <*> cannot be merged"
    assert news.score > 0.3
    assert "its level is error" in news.reasons
    assert register.news("shop", START, START + 10 * MINUTE) == register.news("cart", START, START + HOUR) == ()


def test_the_series_of_what_is_new_moves_at_once() -> None:
    register = folded([*USUAL, *FRESH], START + 20 * MINUTE)
    labels, values = register.rates("shop", minutes(10, 20), STEP, EVERY)
    assert labels[0] == {"template": NEW}
    assert values[0].tolist() == pytest.approx([0.0] * 9 + [20 / 60, 0.0], abs=0.02)
    labels, values = register.rates("shop", minutes(10, 20), STEP, frozenset({Level.DEBUG}))
    assert labels == ({"template": NEW},)
    assert not values.any()


def test_before_the_warm_up_nothing_is_new() -> None:
    assert folded([*USUAL[: WARM_UP_LINES - 1], *FRESH]).news("shop", START, START + HOUR) == ()


def test_the_rest_of_a_trace_is_no_template() -> None:
    trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'x'"
    shipped = [LogLine(at=START, labels={"app": "shop"}, text=part) for part in trace.split("\n")]
    assert len(folded([*shipped, *lines(ORDER, 5)]).templates()) == 2


def test_samples_are_redacted_and_short() -> None:
    register = folded(lines("INFO token=ghp_abcdefghijklmnopqrstuvwxyz0123456789 " + "x" * 5_000, 1))
    (template,) = register.templates()
    assert "ghp_" not in template.sample + template.text
    assert len(template.sample) <= 500


def test_it_goes_on_after_a_restart_with_the_same_ids() -> None:
    listed = [*USUAL, *FRESH, *lines("WARN cart {n} is slow", 50, since=START + 19 * MINUTE)]
    whole = folded(listed, START + 20 * MINUTE)
    for cut in (1, 700, 2_010):
        first = folded(listed[:cut])
        second = Register.of(json.loads(json.dumps(first.document())))
        assert json.dumps(second.document()) == json.dumps(first.document())
        second.fold(listed[cut:], "app")
        second.settle(START + 20 * MINUTE)
        assert {one.text: one.id for one in second.templates()} == {one.text: one.id for one in whole.templates()}
        assert {one.text: one.count for one in second.templates()} == {one.text: one.count for one in whole.templates()}


def test_templates_that_turn_out_to_be_one_are_counted_as_one() -> None:
    """One word in a place may be a word; three are a value."""
    parts = [
        lines(f"INFO user {name} logged in", 10, since=START + n * MINUTE)
        for n, name in enumerate(("ann", "bob", "eve"))
    ]
    register = Register(milliseconds(START))
    for part in parts:
        register.fold(part, "app")
    register.settle(START + 5 * MINUTE)
    (found,) = [row for name, row in rates(register, minutes(1, 5)).items() if name.startswith("INFO user")]
    assert sum(found) * 60 == pytest.approx(30, abs=1)


def test_a_flood_of_kinds_and_services_stays_small() -> None:
    words = ["".join(chr(97 + (n // 26**k) % 26) for k in range(4)) for n in range(3_000)]
    flood = [
        LogLine(at=START + n * SECOND, labels={"app": f"s{n % 500}"}, text=f"INFO {w}ed {w[::-1]}ing the {w[1:]}er")
        for n, w in enumerate(words)
    ]
    register = folded(flood)
    assert len(register.templates()) <= MOST_TEMPLATES + 700
    written = json.dumps(register.document())
    assert len(register.document()["counts"]) <= MOST_COUNTED
    assert len(written) < 2_000_000
    register.settle(START + REMEMBERED + 2 * HOUR)
    assert register.services() == ()


def test_a_register_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="of version 99"):
        Register.of({"version": 99})
