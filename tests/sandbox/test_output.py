"""Bounded output."""

import struct
import sys

import pytest

from sandbox.output import Frames, Tail


@pytest.mark.parametrize("size", [1, 3, 10, 17, 1000])
def test_a_tail_keeps_the_last_bytes_whatever_the_pieces(size: int) -> None:
    stream = bytes(index % 251 for index in range(5000))
    tail = Tail(100)
    for at in range(0, len(stream), size):
        tail.add(stream[at : at + size])
        assert sys.getsizeof(tail.content()) < 200
    assert stream[-100:] == tail.content()
    assert tail.seen == 5000
    assert tail.text().startswith("[4900 bytes before this were left out]\n")


def test_a_short_stream_is_kept_whole_and_readable() -> None:
    tail = Tail(100)
    tail.add(b"a\0b\xff\n")
    assert tail.text() == "a\ufffdb\ufffd\n"


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 64])
def test_frames_may_be_cut_anywhere(size: int) -> None:
    pieces = [(1, b"out "), (2, b"err "), (1, b""), (1, b"x" * 50)]
    stream = b"".join(struct.pack(">BxxxL", number, len(piece)) + piece for number, piece in pieces)
    tail = Tail()
    frames = Frames(tail)
    for at in range(0, len(stream), size):
        frames.feed(stream[at : at + size])
    assert tail.content() == b"out err " + b"x" * 50
