"""Threads that need much memory for a moment do not keep it."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import re, sys, threading
from pathlib import Path
from daemon.arenas import keep_little

def rss():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

thrifty = sys.argv[1] == "thrifty"
assert not thrifty or keep_little()
before, turn, pinned = rss(), threading.Lock(), []
over, all_there = threading.Event(), threading.Barrier(7)

def read():
    with turn:
        held = [b"x" * 60_000 for _ in range(400)]  # 24 MB in pieces that are not mapped by themselves
        pinned.append(b"x" * 60_000)  # and what stays, as some of each answer does
        del held
    all_there.wait()
    over.wait()

threads = [threading.Thread(target=read) for _ in range(6)]
for thread in threads:
    thread.start()
all_there.wait()
print(rss() - before)
over.set()
for thread in threads:
    thread.join()
"""


def kept(how: str) -> float:
    """MB that are left of 24 MB, which each of six threads had for a moment, one after the other."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True, timeout=60)
    return float(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_what_threads_had_for_a_moment_is_given_back() -> None:
    assert kept("thrifty") < kept("as it comes") / 2
