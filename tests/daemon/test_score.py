"""`trackwalker score` from outside, and the streams behind it: in order, and causal."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cases.errors import PermanentError
from cases.telemetry import Floats
from daemon.filter import Reader, Readings, run
from detectors.engine.streams import Streams
from tests.detectors.series import START, noise

FIRST_S = int(START.timestamp())
DAY = 1440


def score(text: str | bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    given = text if isinstance(text, bytes) else text.encode()
    return subprocess.run(command(*words), input=given, capture_output=True, check=False, timeout=60)


def filtered(text: bytes, folder: Path, *, alerts: bool = False) -> str:
    """The same without a process of its own."""
    (folder / "in").write_bytes(text)
    with (folder / "in").open("rb") as source, (folder / "out").open("wb") as sink:
        run(source.fileno(), sink.fileno(), Streams(), alerts=alerts)
    return (folder / "out").read_text()


def command(*words: str) -> list[str]:
    return [sys.executable, "-P", "-c", "from daemon.main import main; main()", "score", *words]


def lines(values: Floats, name: str = "a", step: int = 60) -> list[str]:
    return [f"{name}\t{FIRST_S + step * n}\t{'' if np.isnan(v) else repr(float(v))}\n" for n, v in enumerate(values)]


def some_values(seed: int, minutes: int = DAY) -> Floats:
    """A day's rhythm with noise, and two stretches that are out of it."""
    values = 10 + 3 * np.sin(2 * np.pi * np.arange(minutes) / DAY) + noise(seed, minutes)
    values[minutes // 2 : minutes // 2 + 30] += 60
    values[-40:-30] -= 60
    values[200:220] = np.nan
    return values


def feed(values: Floats, pieces: int = 1) -> tuple[Floats, list[int]]:
    """(scores, the places of alerts) of one series as the command scores it, given in so many pieces."""
    streams = Streams()
    times = np.int64(FIRST_S * 1000) + 60_000 * np.arange(len(values), dtype=np.int64)
    cut = np.linspace(0, len(values), pieces + 1).astype(int)
    parts = [
        streams.feed(["a"] * (last - first), times[first:last], values[first:last]) for first, last in pairwise(cut)
    ]
    alerts = np.concatenate([alerts for _, alerts in parts])
    return np.concatenate([scores for scores, _ in parts]), np.flatnonzero(alerts).tolist()


def test_a_score_a_line_in_order_and_alerts_where_a_trouble_begins(tmp_path: Path) -> None:
    a, b = some_values(1), some_values(2)[:900]
    a_lines, b_lines = lines(a, "a"), lines(b, "b")
    mixed: list[tuple[str, int]] = []
    for place in range(len(a)):
        mixed.append((a_lines[place], 0))
        if place < len(b):
            mixed.append((b_lines[place], 1))
    answered = score("".join(line for line, _ in mixed), "--alerts")
    assert answered.returncode == 0, answered.stderr
    rows = [row.split("\t") for row in answered.stdout.decode().splitlines()]
    assert len(rows) == len(mixed)
    for which, values in ((0, a), (1, b)):
        far, alerts = feed(values)
        mine = [row for row, (_, owner) in zip(rows, mixed, strict=True) if owner == which]
        assert [f"{one:.9g}" for one in far.tolist()] == [row[0] for row in mine]
        assert alerts == [place for place, row in enumerate(mine) if row[1] == "1"]
    assert DAY // 2 in feed(a)[1]  # the first sample of the stretch that is out of all that was
    plain = filtered("".join(a_lines).encode(), tmp_path)
    assert plain.split() == [row[0] for row, (_, owner) in zip(rows, mixed, strict=True) if owner == 0]


@pytest.mark.parametrize("length", [1, 121, 400, DAY // 2 + 2, DAY // 2 + 3, DAY - 37])
def test_a_score_depends_on_the_lines_before_it_only(length: int) -> None:
    values = some_values(3)
    whole, alerts = feed(values)
    prefix, early = feed(values[:length])
    assert np.array_equal(prefix, whole[:length])
    assert early == [place for place in alerts if place < length]


def test_how_the_lines_are_cut_makes_no_difference() -> None:
    values = some_values(4)
    whole = feed(values)
    for pieces in (3, 97, len(values)):
        cut = feed(values, pieces)
        assert np.array_equal(cut[0], whole[0])
        assert cut[1] == whole[1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a 1 2", "is not `series<TAB>epoch seconds<TAB>value`"),
        ("", "is not `series<TAB>epoch seconds<TAB>value`"),
        ("a\t1", "is not `series<TAB>epoch seconds<TAB>value`"),
        ("a\tnoon\t2", "the time 'noon' is not a number of seconds since 1970"),
        ("a\t1772323200000\t2", "are they milliseconds?"),
        ("a\tinf\t2", "is not a number of seconds"),
        ("a\t1772323300\ttwo", "the value 'two' is not a number"),
        ("a\t1772300000\t2", "series 'a' goes back in time"),
    ],
)
def test_a_wrong_line_is_named_with_its_number(line: str, said: str) -> None:
    reader, into = Reader(), Readings()
    with pytest.raises(PermanentError, match=r"standard input, line 3: ") as refused:
        reader.read([f"a\t{FIRST_S}\t1", f"b\t{FIRST_S}\t1", line], into)
    assert said in str(refused.value)
    assert into.judged == [0, 1]


def test_the_lines_before_a_wrong_one_are_answered() -> None:
    ended = score(f"a\t{FIRST_S}\t1\nb\t{FIRST_S}\t1\nnonsense\na\t{FIRST_S + 60}\t1\n")
    assert ended.returncode == 2
    assert b"standard input, line 3: 'nonsense' is not" in ended.stderr
    assert b"Traceback" not in ended.stderr
    assert ended.stdout == b"0\n0\n"


def test_missing_readings_late_readings_and_odd_ends_are_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = f"a\t{FIRST_S}\t\na\t{FIRST_S + 60}\tNaN\r\na\t{FIRST_S}\t5\nä\t{FIRST_S}.5\t1e3\na\t{FIRST_S + 120}\tinf"
    assert filtered(text.encode() + b"\n\xff\xfe\t%d\t1" % FIRST_S, tmp_path) == "0\n" * 6
    assert caplog.text.count("goes back by 60 s") == 1
    assert filtered(b"", tmp_path) == ""


def test_a_line_is_answered_while_the_next_is_still_to_come() -> None:
    with subprocess.Popen(command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(f"a\t{FIRST_S + number}\t1\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() == b"0\n"
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_a_reader_that_goes_away_is_no_trouble(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text("".join(lines(some_values(6))))
    with file.open("rb") as source, subprocess.Popen(command(), stdin=source, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=30) in {0, 1}


def test_nothing_in_is_nothing_out() -> None:
    assert Streams().feed([], np.array([], dtype=np.int64), np.array([]))[0].tolist() == []
