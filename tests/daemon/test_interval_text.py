"""An experiment's intervals as text."""

from datetime import timedelta

from cases.events import Looked
from daemon.interval_text import WIDTH, interval_text
from tests.parts.nouns import NOW


def looked(low: float | None, lift: float | None, high: float | None, users: int = 100) -> Looked:
    return Looked(change=1, users=(users, users), crossed=0, because="a look", low=low, lift=lift, high=high)


def test_each_interval_stands_beside_the_bar_and_no_gain() -> None:
    looks = [(NOW, looked(None, None, None)), (NOW + timedelta(seconds=3), looked(-0.5, 0.0, 0.5)),
             (NOW + timedelta(seconds=6), looked(0.2, 0.3, 0.4, 800))]  # fmt: skip
    edges, wide, narrow, legend = interval_text(looks, 0.1).splitlines()
    assert edges.split() == ["-0.5", "+0.5"]
    assert wide.startswith("   3 s     200 users├")
    assert wide.split("users")[1].split("  ")[0].count("─") > WIDTH / 2
    assert narrow.startswith("   6 s   1,600 users ")
    bar = wide.index("┃")
    assert narrow[bar] == "┃"
    assert narrow.index("├") > bar > narrow.index("╎")
    assert narrow.endswith("+0.3")
    assert "the bar, 0.1" in legend


def test_looks_that_say_nothing_have_no_picture() -> None:
    assert interval_text([(NOW, looked(None, None, None))], 0.1) == ""
    assert interval_text([], 0.1) == ""
