"""The miner: what belongs together, on labelled systems and on hostile input, within its bounds."""

import time

import numpy as np
import pytest

from detectors.templates.levels import Level
from detectors.templates.mine import Miner
from tests.detectors.templates.systems import SYSTEMS, System, accuracy, lines_of


def mined(text: str | bytes) -> tuple[list[int], Miner]:
    miner = Miner()
    return miner.feed(text.encode() if isinstance(text, str) else text).tolist(), miner


def texts(miner: Miner) -> list[str]:
    return [one.text for one in sorted(miner.templates(), key=lambda one: one.id)]


@pytest.mark.parametrize("heads", [True, False])
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_the_lines_of_a_template_are_one_group(system: System, heads: bool) -> None:  # noqa: FBT001
    lines = lines_of(system, 600, seed=11, heads=heads)
    ids, _ = mined("\n".join(line for line, _ in lines))
    assert accuracy([template for _, template in lines], ids) >= 0.97


def test_all_systems_in_one_log_stay_apart() -> None:
    lines = [each for system in SYSTEMS for each in lines_of(system, 300, seed=5)]
    ids, _ = mined("\n".join(line for line, _ in lines))
    assert accuracy([template for _, template in lines], ids) >= 0.97


def test_accuracy_counts_whole_groups_only() -> None:
    assert accuracy(["a", "a", "b", "c"], [0, 0, 1, 1]) == 0.5
    assert accuracy(["a", "a", "b"], [0, 1, 2]) == pytest.approx(1 / 3)


def test_names_are_values_and_what_happened_to_them_is_not() -> None:
    names = ("alice", "bob", "carol", "dave")
    ids, miner = mined("\n".join(f"session {did} for user {name}" for name in names for did in ("opened", "closed")))
    assert ids == [0, 1] * 4
    assert texts(miner) == ["session opened for user <*>", "session closed for user <*>"]


def test_a_template_is_shown_as_its_lines_are_spaced() -> None:
    _, miner = mined("GET(/a/b) took 3 ms, id=7; [x1]: done\nGET(/a/c) took 4 ms, id=8; [x2]: done")
    assert texts(miner) == ["GET(<*>) took <*>, id=<*>; [<*>]: done"]


def test_the_same_blocks_give_the_same_ids_and_ids_count_up_from_zero() -> None:
    lines = [line for system in SYSTEMS[:4] for line, _ in lines_of(system, 200)]
    blocks = ["\n".join(lines[place : place + 150]).encode() + b"\n" for place in range(0, len(lines), 150)]
    one, two = Miner(), Miner()
    first = np.concatenate([one.feed(block) for block in blocks])
    assert np.array_equal(first, np.concatenate([two.feed(block) for block in blocks]))
    seen = list(dict.fromkeys(first.tolist()))
    assert seen == sorted(seen)
    assert seen[0] == 0


def test_an_id_of_the_block_before_is_kept() -> None:
    miner = Miner()
    assert miner.feed(b"disk 7 is full\ndisk 8 is empty\n").tolist() == [0, 1]
    assert miner.feed(b"fan 3 stopped\ndisk 9 is empty\ndisk 1 is full").tolist() == [2, 1, 0]
    assert [(one.id, one.count) for one in miner.templates()] == [(0, 2), (1, 2), (2, 1)]


def test_templates_that_turn_out_to_be_one_go_on_under_the_older_id() -> None:
    miner = Miner()
    assert miner.feed(b"job of ivan done\njob of judy done\n").tolist() == [0, 1]
    miner.feed(b"job of niaj done\njob of olivia done\njob of peggy done\njob of rupert done\njob of sybil done\n")
    assert miner.feed(b"job of judy done\n").tolist() == [0]
    assert [(one.text, one.count) for one in miner.templates()] == [("job of <*> done", 8)]


JAVA = """2026-03-01 10:00:00,123 ERROR [main] com.acme.Shop - order 7 failed
java.lang.IllegalStateException: no stock
\tat com.acme.Shop.take(Shop.java:12)
\tat com.acme.Shop.main(Shop.java:3)
Caused by: java.io.IOException: broken pipe
\t... 2 more
2026-03-01 10:00:01,000 INFO [main] com.acme.Shop - closed for today
"""
PYTHON = """ERROR:shop:order 8 failed
Traceback (most recent call last):
  File "/app/shop.py", line 8, in take
    raise KeyError(item)
KeyError: 'cup'
INFO:shop:closed for today
"""


@pytest.mark.parametrize(("trace", "ids"), [(JAVA, [0, 0, 0, 0, 0, 0, 1]), (PYTHON, [0, 0, 0, 0, 0, 1])])
def test_a_trace_belongs_to_its_message_also_when_blocks_cut_it(trace: str, ids: list[int]) -> None:
    lines = trace.splitlines(keepends=True)
    miner = Miner()
    assert miner.feed(trace.encode()).tolist() == ids
    assert miner.feed(trace.encode()).tolist() == ids
    assert [one.count for one in miner.templates()] == [2, 2]
    for cut in range(3, len(lines) - 1):
        miner = Miner()
        parts = ["".join(lines[:cut]), "".join(lines[cut:])]
        assert [each for part in parts for each in miner.feed(part.encode()).tolist()] == ids, cut


def test_frames_with_nothing_before_them_are_a_template() -> None:
    ids, miner = mined("\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\nhello\n")
    assert ids == [0, 0, 1]
    assert len(miner.templates()) == 2


@pytest.mark.parametrize(
    ("block", "lines"),
    [
        (b"", 0), (b"\n", 1), (b"\n\n\n", 3), (b"a", 1), (b"a\r\nb\r\n", 2), (b"\x00\x00", 1), (b"\xff\xfe\n\x80", 2),
        (b" \t\n", 1), (b"{", 1), (b'{"a":' * 5000 + b"\n", 1), (b"[[[[", 1), (bytes(range(256)) * 40, 41),
        (b"x" * (1 << 20) + b"\n", 1), (b"1 " * (1 << 19), 1), (b"a=" * (1 << 19), 1), (b"/" * (1 << 20), 1),
        (b"a.b@" * (1 << 18), 1), (b"\x1b[31mred\x1b[0m", 1),
    ],
)  # fmt: skip
def test_whatever_comes_each_line_gets_an_id_soon(block: bytes, lines: int) -> None:
    began = time.process_time()
    ids, miner = mined(block)
    assert len(ids) == lines
    assert all(number >= 0 for number in ids)
    assert all("\x00" not in one.text for one in miner.templates())
    assert time.process_time() - began < 2


def test_line_ends_make_no_difference() -> None:
    assert mined(b"disk 1 full\r\ndisk 2 full\ndisk 3 full\r\n")[0] == [0, 0, 0]


def test_beyond_the_most_the_least_recently_seen_go() -> None:
    words = [f"{a}{b}{c}" for a in "ghijk" for b in "lmnop" for c in "qrstu"]
    miner = Miner(most=50)
    miner.feed(b"the disk is full\n")
    for word in words:
        miner.feed(f"{word} {word}ing {word}ed the disk\nthe disk is full\n".encode())
    kept = miner.templates()
    assert len(kept) <= 51
    assert miner.forgotten >= len(words) + 1 - 51
    assert kept[0].text == "the disk is full"
    assert kept[0].id == 0
    assert kept[0].count == len(words) + 1


def test_samples_and_templates_tell_no_secret() -> None:
    _, miner = mined(
        "login of jane@mail.acme.io with password=hunter2!x failed\nAuthorization: Bearer abcdefghijklmnopqrstuv\n"
    )
    told = " ".join(one.sample + one.text for one in miner.templates())
    assert "hunter2" not in told
    assert "jane@" not in told
    assert "abcdefghijkl" not in told


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-03-01 10:00:00 ERROR [main] x failed", Level.ERROR), ("E0301 10:00:00.1 1 a.go:3] x", Level.ERROR),
        ('{"level":"warn","msg":"slow"}', Level.WARNING), ("ts=1 level=fatal msg=x", Level.FATAL),
        ("[Sun Mar 01] [notice] all is well", Level.INFO), ("no errors were found", Level.UNKNOWN),
    ],
)  # fmt: skip
def test_a_template_has_the_level_of_its_first_line(line: str, level: Level) -> None:
    assert mined(line)[1].templates()[0].level is level
