"""A secret is found where its reference says, and shown nowhere."""

import pickle
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from config.errors import Unusable
from config.secret import Secret

VALUE = "s3cr3t-value"


def by_environment(folder: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> Secret:
    del folder
    monkeypatch.setenv("TRACKWALKER_TEST_SECRET", content)
    return Secret.parse("env:TRACKWALKER_TEST_SECRET")


def by_file(folder: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> Secret:
    del monkeypatch
    (folder / "token").write_text(content)
    return Secret.parse(f"file:{folder / 'token'}")


def by_command(folder: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> Secret:
    by_file(folder, monkeypatch, content)
    return Secret.parse(f"cmd:cat '{folder / 'token'}'")


Way = Callable[[Path, pytest.MonkeyPatch, str], Secret]
WAYS = pytest.mark.parametrize("way", [by_environment, by_file, by_command])


@WAYS
def test_it_is_found_and_its_line_end_dropped(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert way(tmp_path, monkeypatch, f"{VALUE}\n").reveal() == VALUE


@WAYS
def test_a_new_one_is_seen_at_once(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = way(tmp_path, monkeypatch, "old")
    assert secret.reveal() == "old"
    way(tmp_path, monkeypatch, "new")
    assert secret.reveal() == "new"


@WAYS
def test_it_shows_nowhere(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = way(tmp_path, monkeypatch, VALUE)
    assert secret.reveal() == VALUE
    assert VALUE not in repr(secret) + str(secret) + f"{secret!r} {secret}"
    assert VALUE.encode() not in pickle.dumps(secret)


@WAYS
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (" \n", "is empty"),
        (f"{VALUE}\n{VALUE}\n", "holds more than one line"),
        (f"{VALUE}\x1b[0m", "more than one line"),
    ],
    ids=["empty", "two lines", "control characters"],
)
def test_what_cannot_be_a_credential(
    way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, expected: str
) -> None:
    with pytest.raises(PermanentError, match=expected) as failure:
        way(tmp_path, monkeypatch, content).reveal()
    assert VALUE not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("env:TRACKWALKER_NO_SUCH_VARIABLE", "the environment variable TRACKWALKER_NO_SUCH_VARIABLE is not set"),
        ("file:/no/such/file", "file:/no/such/file cannot be read \\(No such file or directory\\)"),
        ("file:/dev/zero", "file:/dev/zero is larger than 64 KiB"),
        (f"cmd:{sys.executable} -c 'import os; os.write(1, bytes([255]))'", "does not hold UTF-8 text"),
        (f"cmd:no-such-program --password {VALUE}", "cmd:no-such-program … could not be started"),
        (f"cmd:sh -c 'echo {VALUE} >&2; echo {VALUE}; exit 3'", "cmd:sh … ended with status 3"),
        (f"cmd:echo 'unclosed {VALUE}", "cmd:echo … could not be started"),
    ],
)
def test_what_is_not_there_is_said_without_the_command(reference: str, expected: str) -> None:
    with pytest.raises(PermanentError, match=expected) as failure:
        Secret.parse(reference).reveal()
    error = failure.value
    seen = f"{error!r} {error.__cause__!r} {error.__context__!r}"
    assert VALUE not in seen


def test_a_command_that_hangs_is_tried_again_later() -> None:
    with pytest.raises(TemporaryError, match=r"cmd:sh … did not answer within 0\.1 s") as failure:
        Secret.parse(f"cmd:sh -c 'exec sleep 5' {VALUE}").reveal(patience=timedelta(milliseconds=100))
    assert VALUE not in f"{failure.value.__cause__!r} {failure.value.__context__!r}"


@pytest.mark.parametrize("literal", [VALUE, "", "env:", "file: ", "ENV:X", "vault:x", "https://x", "env:A\nB", 5, True])
def test_a_literal_is_refused_and_not_repeated(literal: object) -> None:
    with pytest.raises(Unusable, match=r"env:NAME .* file:PATH .* cmd:COMMAND") as failure:
        Secret.parse(literal)
    assert VALUE not in str(failure.value)
