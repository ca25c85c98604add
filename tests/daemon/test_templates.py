"""`trackwalker templates` from outside, and the blocks behind it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from daemon.commands.templates import command
from daemon.log_blocks import LONGEST, blocks

LOG = b"job 1 done\njob 2 done\r\nno space left\n\njob 3 done"


def templates(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-P", "-c", "from daemon.main import main; main()", "templates", *words],
        input=given, capture_output=True, check=False, timeout=60,
    )  # fmt: skip


def test_ids_a_line_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "some.log"
    file.write_bytes(LOG)
    ended = templates("-", "--ids", given=LOG)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [b"0", b"0", b"1", b"2", b"0"]
    assert CliRunner().invoke(command, [str(file), "--ids"]).stdout.encode() == ended.stdout


def test_json_and_the_table_begin_with_the_most_frequent(tmp_path: Path) -> None:
    document = json.loads(templates("-", "--json", given=LOG).stdout)
    assert document["lines"] == 5
    assert document["forgotten"] == 0
    assert document["templates"][0] == {
        "id": 0, "template": "job <*> done", "count": 3, "level": "unknown", "sample": "job 1 done",
    }  # fmt: skip
    file = tmp_path / "some.log"
    file.write_bytes(LOG)
    table = CliRunner().invoke(command, [str(file)]).stdout.splitlines()
    assert table[1].split() == ["3", "0", "job", "<*>", "done"]
    assert table[-1] == "5 lines, 3 templates"


def test_bad_use_is_said_in_one_line(tmp_path: Path) -> None:
    for words, said in (((str(tmp_path / "none.log"),), b"No such file"), ((str(tmp_path),), b"Is a directory")):
        ended = templates(*words)
        assert (ended.returncode, ended.stdout) == (2, b"")
        assert b"Traceback" not in ended.stderr
        assert said in ended.stderr
    told = CliRunner().invoke(command, ["-", "--ids", "--json"])
    assert (told.exit_code, told.stdout) == (2, "")


def test_nothing_in_nothing_out() -> None:
    assert json.loads(templates("-", "--json").stdout)["templates"] == []


def test_a_line_is_answered_when_the_pipe_falls_silent() -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-c", "from daemon.main import main; main()", "templates", "-", "--ids"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"job 1 done\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"0\n"
        process.stdin.close()
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("window", [1, 7, 64, 1 << 20])
def test_blocks_are_whole_lines_and_lose_nothing(tmp_path: Path, window: int) -> None:
    file = tmp_path / "some.log"
    file.write_bytes(LOG * 50 + b"\n" + LOG)
    source = os.open(file, os.O_RDONLY)
    found = list(blocks(source, window))
    os.close(source)
    assert b"".join(found) == file.read_bytes()
    assert all(block.endswith(b"\n") for block in found[:-1])


def test_of_an_endless_line_the_beginning_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "some.log"
    file.write_bytes(b"a" * (3 * LONGEST) + b"\nb\n")
    source = os.open(file, os.O_RDONLY)
    found = b"".join(blocks(source, 1 << 19)).split(b"\n")
    os.close(source)
    assert [line[:1] for line in found] == [b"a", b"b", b""]
    assert len(found[0]) < 2 * LONGEST
