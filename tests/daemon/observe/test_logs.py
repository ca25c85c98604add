"""The log as it leaves: one line an event, whatever the texts in it try."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime

import pytest

from daemon.observe.logs import LONGEST, about, formatter, log_to_stderr, printable, written_by

HOSTILE = (
    "checkout\x1b[31m failed\r\n2026-01-01T00:00:00Z ERROR   trackwalker: all is well\x00 \u202etxt.exe \u2028x \ud800"
)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """What the process had set up comes back afterwards."""
    root, own = logging.getLogger(), logging.getLogger("trackwalker")
    before = (root.handlers[:], root.level, own.level)
    yield logging.getLogger("trackwalker.worker")
    root.handlers[:], level, own_level = before
    root.setLevel(level)
    own.setLevel(own_level)
    written_by("")


def fails(says: str) -> None:
    raise ValueError(says)


def a_bug(logger: logging.Logger, says: str) -> None:
    try:
        fails(says)
    except ValueError:
        logger.exception("a bug")


def test_text_is_as_it_was_with_what_it_is_about_at_the_end(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log_to_stderr()
    logger.info("case %s: %s → %s", "be7a2407", "open", "diagnosed")
    with about(case="be7a2407", phase="open"), about(change="1", note="two words"):
        logger.warning("slow")
    logger.debug("never shown")
    first, second = capsys.readouterr().err.splitlines()
    moment, rest = first.split(" ", 1)
    assert datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S%z")
    assert rest == "INFO    trackwalker.worker: case be7a2407: open → diagnosed"
    assert second.split(" ", 1)[1] == (
        'WARNING trackwalker.worker: slow case=be7a2407 phase=open change=1 note="two words"'
    )


def test_levels_are_kept_to(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(quiet=True)
    logger.warning("unseen")
    logger.error("seen")
    log_to_stderr(verbose=True)
    logger.debug("every step")
    logging.getLogger("urllib3").info("a library is heard from warnings on")
    assert [line.split(": ", 1)[1] for line in capsys.readouterr().err.splitlines()] == ["seen", "every step"]


def test_json_has_the_same_as_fields(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(form="json")
    written_by("host-1a2b")
    with about(case="be7a2407", phase="open"):
        logger.error("no answer: %s", HOSTILE)
    a_bug(logger, "line one\nline two")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert list(first) == ["ts", "level", "logger", "event", "daemon", "case", "phase"]
    assert first["event"] == f"no answer: {HOSTILE}"
    assert (first["level"], first["logger"], first["daemon"]) == ("error", "trackwalker.worker", "host-1a2b")
    assert datetime.fromisoformat(first["ts"]).utcoffset() is not None
    assert second["exc"].endswith("ValueError: line one\nline two")
    assert "case" not in second


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_text_begins_a_line_or_moves_the_terminal(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    log_to_stderr(form="json" if form == "json" else "text")
    with about(case=HOSTILE):
        logger.warning("it said: %s", HOSTILE)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith("\n")
    assert said[:-1].isprintable()


def test_a_trace_is_indented_so_that_it_forges_no_line(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log_to_stderr()
    a_bug(logger, HOSTILE)
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.endswith("trackwalker.worker: a bug")
    assert len(rest) > 2
    assert all(line.startswith("  ") and line.isprintable() for line in rest)


def test_a_line_has_an_end(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr()
    logger.warning("x" * 1_000_000)
    assert len(capsys.readouterr().err) < LONGEST + 200


def test_plain_text_is_left_alone() -> None:
    assert printable("Größe → 日本 ok") == "Größe → 日本 ok"
    assert printable("a\tb\u200bc") == "a\\tb\\u200bc"


def test_what_it_is_about_stays_with_its_thread_and_block(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log_to_stderr()
    with about(case="one"):
        other = threading.Thread(target=lambda: logger.warning("elsewhere"))
        other.start()
        other.join()
        with about(case="two"):
            logger.warning("inner")
        logger.warning("outer")
    logger.warning("after")
    said = [line.split("worker: ")[1] for line in capsys.readouterr().err.splitlines()]
    assert said == ["elsewhere", "inner case=two", "outer case=one", "after"]


def test_it_loads_nothing_that_draws() -> None:
    # Rich comes with structlog where it is installed: 5 MB that an idle daemon does not have
    program = "import sys; from daemon.observe.logs import formatter; formatter('json'); print('rich' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"
    assert formatter("text") is not formatter("text")
