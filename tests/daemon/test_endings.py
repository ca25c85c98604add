"""The end within seconds, whatever hangs: a real process, a real signal."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
    import sys, threading
    from datetime import timedelta
    from daemon.clock import SystemClock
    from daemon.endings import ending_on_signals

    clock = SystemClock()
    with ending_on_signals(clock, patience_s=0.3) as ending:
        with ending.at_last("one", lambda: print("first told, last done", flush=True)):
            with ending.at_last("two", lambda: threading.Event().wait()), ending.at_last("three", lambda: 1 / 0):
                print("ready", flush=True)
                clock.wait(timedelta(seconds=60))
                print("woken", flush=True)
                if sys.argv[1] == "hangs":
                    threading.Event().wait()
        with ending.at_last("gone", lambda: print("never", flush=True)):
            pass
    print("in order", flush=True)
"""


def ended(how: str, number: signal.Signals) -> tuple[int, list[str], str]:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), how],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        out, errors = process.communicate(timeout=20)
    return process.returncode, out.splitlines(), errors


def test_what_does_not_hang_ends_in_order() -> None:
    assert ended("quick", signal.SIGTERM) == (0, ["woken", "in order"], "")


def test_what_hangs_is_cut_off_after_the_last_acts() -> None:
    """An act that hangs itself, and one that fails, keep no other one from being done."""
    status, lines, errors = ended("hangs", signal.SIGINT)
    assert (status, lines) == (0, ["woken", "first told, last done"])
    assert "cut off" in errors
    assert "three: division by zero" in errors
