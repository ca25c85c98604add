"""What every sandbox promises: a Docker container, and the demo's process."""

import contextlib
import hashlib
import os
import resource
import tempfile
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cases.errors import PermanentError
from cases.ports import Sandbox
from cases.trying import CommandReport, Recipe, SandboxReport
from sandbox.docker import DockerSandbox
from sandbox.output import KEPT_BYTES
from sandbox.process import ProcessSandbox
from tests.parts.dockerd import base_image, containers
from tests.sandbox.orders import an_order, tree_of
from tests.sandbox.pooled import pooled, until

OWNER = f"contract-{os.getpid()}"
SUITE = tree_of(
    {
        "tests/test_price.py": (
            "import socket\n"
            "import pytest\n"
            "def test_adds(): assert 1 + 1 == 2\n"
            "@pytest.mark.parametrize('n', [1, 2])\n"
            "def test_each(n): assert n\n"
            "class TestCart:\n"
            "    def test_total(self): pass\n"
            "@pytest.mark.skip\n"
            "def test_later(): assert 0\n"
            "def test_own_loopback():\n"
            "    with socket.create_server(('127.0.0.1', 0)) as server:\n"
            "        socket.create_connection(server.getsockname()).close()\n"
        ),
        "tests/test_broken.py": (
            "import pytest\n"
            "@pytest.fixture\n"
            "def leaking():\n"
            "    yield\n"
            "    raise OSError('teardown')\n"
            "def test_fails(): assert 1 == 2\n"
            "def test_teardown(leaking): pass\n"
        ),
    }
)


@contextlib.contextmanager
def process_sandbox(monkeypatch: pytest.MonkeyPatch) -> Generator[ProcessSandbox]:
    """One with a temporary folder of its own, open to all: other tests kill and reap in the host's."""
    with tempfile.TemporaryDirectory(prefix="tw-sandboxes-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield ProcessSandbox()
        assert list(Path(folder).iterdir()) == []


@pytest.fixture(params=["docker", pytest.param("pooled", marks=pytest.mark.long), "process"])
def sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Each sandbox, one of them with containers that wait; whatever a test does, nothing may be left of it."""
    base_image()
    match request.param:
        case "process":
            with process_sandbox(monkeypatch) as process:
                yield process
        case "docker":
            yield DockerSandbox(owner=OWNER)
            assert containers(f"trackwalker.owner={OWNER}") == set()
        case _:
            with pooled(an_order("true", image=base_image()), owner=f"{OWNER}-pooled", size=2) as (waiting, _):
                yield waiting
            assert containers(f"trackwalker.owner={OWNER}-pooled") == set()


def run(sandbox: Sandbox, *lines: str, tree: bytes | None = None, seconds: float = 30) -> SandboxReport:
    return sandbox.run(an_order(*lines, image=base_image(), tree=tree, seconds=seconds))


def command_lines() -> Iterator[list[str]]:
    """The words of every process of this host."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            yield path.read_text(errors="replace").split("\0")


def only(report: SandboxReport) -> CommandReport:
    (command,) = report.commands
    return command


def test_a_passing_and_a_failing_suite_give_stable_test_ids(sandbox: Sandbox) -> None:
    pytest_only = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -q"  # this environment's plugins take seconds
    report = run(sandbox, f"{pytest_only} tests/test_price.py", pytest_only, tree=SUITE)
    passing, failing = report.commands
    price = {
        "tests.test_price::test_adds": "passed",
        "tests.test_price::test_each[1]": "passed",
        "tests.test_price::test_each[2]": "passed",
        "tests.test_price.TestCart::test_total": "passed",
        "tests.test_price::test_later": "skipped",
        "tests.test_price::test_own_loopback": "passed",
    }
    assert (0, "exited", price) == (passing.exit_code, passing.ended, dict(passing.tests))
    broken = {"tests.test_broken::test_fails": "failed", "tests.test_broken::test_teardown": "failed"}
    assert (1, "exited", broken | price) == (failing.exit_code, failing.ended, dict(failing.tests))
    assert "1 == 2" in failing.output
    assert 0 < report.own_seconds <= report.seconds


def test_commands_run_in_order_at_the_top_of_one_tree(sandbox: Sandbox) -> None:
    report = run(
        sandbox, "cat README; echo one > note", "cat note; echo two >&2; exit 3", "false", "sh -c 'kill -9 $$'"
    )
    assert [(each.name, each.exit_code, each.ended, each.output) for each in report.commands[:2]] == [
        ("command 1", 0, "exited", "a tree\n"),
        ("command 2", 3, "exited", "one\ntwo\n"),
    ]
    assert [(c.exit_code, c.ended) for c in report.commands[2:]] == [(1, "exited"), (None, "killed: by SIGKILL")]
    assert all(command.tests == () for command in report.commands)


def test_the_time_limit_holds_against_a_command_that_ignores_signals(sandbox: Sandbox) -> None:
    stubborn = "trap '' TERM INT HUP; echo began; while true; do sleep 1; done"
    report = run(sandbox, stubborn, "echo never", seconds=1)
    command = only(report)
    assert (command.ended, command.exit_code, command.output) == ("timed out", None, "began\n")
    assert command.seconds < 3


def test_a_flood_is_bounded_and_its_end_is_kept(sandbox: Sandbox) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    command = only(run(sandbox, "yes 0123456789abcde | head -c 200000000; echo last"))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (command.exit_code, command.ended) == (0, "exited")
    assert command.output.endswith("last\n")
    assert "199934469 bytes before this were left out" in command.output
    assert len(command.output) < KEPT_BYTES + 100
    assert after - before < 32 * 1024  # KiB


def test_a_flood_that_never_ends_is_cut_off(sandbox: Sandbox) -> None:
    command = only(run(sandbox, "yes", seconds=1))
    assert command.ended == "timed out"
    assert command.seconds < 3


def test_the_tree_arrives_byte_for_byte(sandbox: Sandbox) -> None:
    files: dict[str, str | bytes] = {
        "run.sh": "#!/bin/sh\necho started\n",
        "größe/日本語 name.bin": bytes(range(256)) * 300,
        "-rf": "a name that looks like an option\n",
        "two\nlines": "a name with a newline\n",
        "empty": b"",
        "a/" + "deep/" * 40 + "file": "deep\n",
    }
    tree = tree_of(files, {"link": "run.sh"})
    listing = (
        "import hashlib, os\n"
        "for folder, _, names in os.walk('.'):\n"
        "    for name in names:\n"
        "        path = os.path.join(folder, name)\n"
        "        print(ascii(path), hashlib.sha256(open(path, 'rb').read()).hexdigest(), os.access(path, os.X_OK))\n"
    )
    listed, started, linked = run(sandbox, f'python -c "{listing}"', "./run.sh", "readlink link", tree=tree).commands
    content = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    content["link"] = content["run.sh"]
    expected = {
        f"{f'./{name}'!a} {hashlib.sha256(held).hexdigest()} {name in {'run.sh', 'link'}}"
        for name, held in content.items()
    }
    assert expected == set(listed.output.splitlines())
    assert (started.output, linked.output) == ("started\n", "run.sh\n")


def test_no_secret_of_the_daemon_is_in_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "made-up-token-0815")
    command = only(run(sandbox, "env; tr '\\0' '\\n' </proc/1/environ; tr '\\0' '\\n' </proc/$PPID/environ; true"))
    assert "made-up-token-0815" not in command.output
    assert "GITHUB_TOKEN" not in command.output
    assert "LANG=C.UTF-8" in command.output


def test_what_a_command_leaves_running_does_not_outlive_the_order(sandbox: Sandbox) -> None:
    mark = f"9{os.getpid()}"
    left = f"setsid sleep {mark} </dev/null >/dev/null 2>&1 & sleep 0.2; kill -0 $! && echo left"
    report = run(sandbox, left, "echo next")
    assert [command.output for command in report.commands] == ["left\n", "next\n"]
    until(lambda: not any(mark in words for words in command_lines()), 5)  # a pool removes in the background


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("mkfifo $report", ""),
        ("ln -s /dev/zero $report", ""),
        ("echo '<not xml' > $report", "not XML"),
        ("head -c 9000000 /dev/zero > $report", "larger than 8 MiB"),
        ("echo '<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>' > $report", "declares a document type"),
    ],
)
def test_a_hostile_report_is_not_followed(sandbox: Sandbox, line: str, note: str) -> None:
    find = "report=${PYTEST_ADDOPTS#--junitxml=}; report=${report%% *}; rm -f $report; "
    command = only(run(sandbox, find + line))
    assert (command.exit_code, command.tests) == (0, ())
    assert note in command.output


def test_what_cannot_be_run_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(PermanentError, match="has no command to run"):
        sandbox.run(an_order(image=base_image()))
    with pytest.raises(PermanentError, match="could not be unpacked"):
        sandbox.run(an_order("true", image=base_image(), tree=b"no tar" * 4096))
    with pytest.raises(PermanentError, match=r"room for 4 MiB; raise sandbox\.memory_mib"):
        sandbox.run(an_order("true", image=base_image(), tree=bytes(5 * 1024 * 1024), memory_mib=8))


def test_two_orders_at_once_do_not_see_each_other(sandbox: Sandbox) -> None:
    reports: list[SandboxReport] = []
    look = "echo mine > note; sleep 0.5; ls; ls /tmp; ls $HOME"
    threads = [threading.Thread(target=lambda: reports.append(run(sandbox, look))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 2
    for report in reports:
        assert only(report).output.count("note") == 1
        assert only(report).output.count("junit") == 0


TAP = "1..2\\nok 1 - adds\\nnot ok 2 - rounds\\n"


def test_a_report_of_another_runner_is_read_where_it_is_named(sandbox: Sandbox) -> None:
    stale = tree_of({"out/r.tap": "1..1\nok 1 - committed\n"})
    order = an_order(f"printf '{TAP}' > out/r.tap", "true", f"printf '{TAP}'", image=base_image(), tree=stale)
    named = tuple(replace(command, report="out/r.tap") for command in order.commands[:2])
    left, stale_only, said = sandbox.run(replace(order, commands=(*named, order.commands[2]))).commands
    assert left.tests == said.tests == (("adds", "passed"), ("rounds", "failed"))
    assert stale_only.tests == ()


def test_a_report_behind_a_link_out_of_the_tree_is_not_the_hosts(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "r.tap").write_text("1..1\nok 1 - of the host\n")
    order = an_order(f"ln -s {tmp_path} out", image=base_image())
    (report,) = sandbox.run(replace(order, commands=(replace(order.commands[0], report="out/r.tap"),))).commands
    assert (report.exit_code, report.tests) == (0, ())
    assert (tmp_path / "r.tap").exists()


def test_nothing_is_prepared_without_a_setup(sandbox: Sandbox) -> None:
    assert sandbox.prepare(Recipe(repository="shop", image=base_image())) == base_image()


def test_there_is_nothing_to_reap_after_a_run(sandbox: Sandbox) -> None:
    run(sandbox, "true")
    assert sandbox.reap() == 0
    assert sandbox.describe()
