"""Progress on standard error: one line on a terminal, a line now and then in a file, nothing where it is quick."""

from datetime import timedelta
from io import StringIO

from daemon.backtest.progress import BETWEEN_S, PATIENCE_S, Progress
from daemon.clock import ManualClock
from tests.detectors.series import START


class Terminal(StringIO):
    """A terminal to write to."""

    def isatty(self) -> bool:
        return True


def told(out: StringIO, every: float, count: int) -> str:
    clock = ManualClock(START)
    progress = Progress(clock, out)
    for place in range(count):
        progress(f"watch {place}\x1b[31m")
        clock.advance(timedelta(seconds=every))
    progress.close()
    return out.getvalue()


def test_a_file_gets_a_line_now_and_then_and_none_where_it_is_quick() -> None:
    assert told(StringIO(), 0.1, int(PATIENCE_S / 0.1)) == ""
    lines = told(StringIO(), 1.0, 30).splitlines()
    assert lines == [f"watch {round(PATIENCE_S + n * BETWEEN_S)}?[31m" for n in range(3)]


def test_a_terminal_has_one_line_that_is_gone_at_the_end() -> None:
    shown = told(Terminal(), 1.0, 3)
    assert shown == "".join(f"\r\x1b[Kwatch {n}?[31m" for n in range(3)) + "\r\x1b[K"
    assert told(Terminal(), 0.01, 5).count("watch") == 1
