"""Attacks from inside the container, on whatever it might break out of or use up."""

import json
import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

import docker
import pytest

from cases.trying import CommandReport
from sandbox.docker import DockerSandbox
from sandbox.limits import seccomp_profile
from sandbox.pool import TAKEN
from tests.parts.dockerd import base_image, containers
from tests.sandbox.attacks import ATTACKS, SYSCALLS
from tests.sandbox.orders import an_order, tree_of
from tests.sandbox.pooled import pooled

OWNER = f"attacks-{os.getpid()}"
SOURCE = Path(__file__).with_name("attacks.py")
NUMBERED = platform.machine() == "x86_64"


def attack(*lines: str, seconds: float = 20, memory_mib: int = 512) -> list[CommandReport]:
    tree = tree_of({"attacks.py": SOURCE.read_bytes()})
    order = an_order(*lines, image=base_image(), tree=tree, seconds=seconds, memory_mib=memory_mib)
    commands = list(DockerSandbox(owner=OWNER).run(order).commands)
    assert containers(f"trackwalker.owner={OWNER}") == set()
    return commands


@cache
def what_got_through() -> dict[str, str | None]:
    """All the attacks that leave the container usable, run in one."""
    (ran,) = attack("python attacks.py")
    assert ran.exit_code == 0, ran.output
    through: dict[str, str | None] = json.loads(ran.output)
    return through


@cache
def what_got_through_a_pooled_container() -> dict[str, str | None]:
    """The same in a container that waited, after a command that left what it could behind for them."""
    before = (
        "(setsid sleep 60 >/dev/null 2>&1 &); cp /bin/sh /tmp/sh; chmod 7777 /tmp/sh attacks.py; ln -s /proc /tmp/p"
    )
    order = an_order(
        before, "python attacks.py", image=base_image(), tree=tree_of({"attacks.py": SOURCE.read_bytes()}), seconds=20
    )
    with pooled(order, owner=OWNER) as (sandbox, told):
        left, ran = sandbox.run(order).commands
    assert (left.exit_code, ran.exit_code, told[0]) == (0, 0, TAKEN), ran.output
    through: dict[str, str | None] = json.loads(ran.output)
    return through


@cache
def what_gets_through_plain_docker() -> dict[str, str | None]:
    """The control: the same attacks where nothing was hardened, so that an attack which never works is found out."""
    client: Any = docker.from_env(timeout=30)
    container = client.containers.run(
        base_image(), ["python", "-c", SOURCE.read_text()], network_mode="none", detach=True
    )
    try:
        container.wait(timeout=30)
        told = container.logs(stderr=False)
    finally:
        container.remove(force=True)
        client.close()
    through: dict[str, str | None] = json.loads(told)
    return through


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_attack(name: str) -> None:
    assert what_got_through()[name] is None


@pytest.mark.skipif(not NUMBERED, reason="the numbers of system calls are those of x86-64")
@pytest.mark.parametrize("name", sorted(SYSCALLS))
def test_system_call(name: str) -> None:
    assert what_got_through()[f"syscall {name}"] is None


def test_none_gets_through_a_pooled_container_that_ran_a_command_before() -> None:
    through = what_got_through_a_pooled_container()
    numbered: list[str] = [f"syscall {name}" for name in SYSCALLS] if NUMBERED else []
    held = [*ATTACKS, *numbered]
    assert {name: through[name] for name in held} == dict.fromkeys(held)


def test_the_attacks_do_get_through_where_nothing_is_hardened() -> None:
    through = {name for name, got in what_gets_through_plain_docker().items() if got is not None}
    assert through >= {
        "a large file",
        "become root",
        "capabilities",
        "fill the temporary folders",
        "host name server",
        "make a device",
        "many files",
        "many files open",
        "new privileges",
        "run a program from tmp",
        "set user id programs",
        "the first process",
        "write outside the working folder",
        "write what the engine mounts",
    }


def test_memory_for_itself_and_for_a_child() -> None:
    bomb = "bytearray(700 << 20)"
    own, child, after = attack(f"exec python -c '{bomb}'", f"python -c '{bomb}' || exit 1", "echo fine")
    assert [(own.ended, own.exit_code), (child.ended, child.exit_code)] == [("out of memory", None)] * 2
    assert (after.exit_code, after.output) == (0, "fine\n")


def test_disk() -> None:
    filled, after = attack("head -c 200000000 /dev/zero > 1; head -c 200000000 /dev/zero > 2", "rm 1 2; echo fine")
    assert (filled.exit_code, "No space left on device" in filled.output) == (1, True)
    assert after.output == "fine\n"


def test_a_fork_bomb() -> None:
    before = len(list(Path("/proc").glob("[0-9]*")))
    (bomb,) = attack("b() { b | b & }; b; sleep 60", seconds=2)
    assert bomb.ended == "timed out"
    assert len(list(Path("/proc").glob("[0-9]*"))) < before + 60


def test_a_fork_bomb_left_behind() -> None:
    greedy = (
        "import os, time\n"
        "while True:\n"
        "    try:\n"
        "        if os.fork() == 0: time.sleep(60)\n"
        "    except OSError: time.sleep(0.01)\n"
    )
    (left,) = attack(f"setsid python -c '{greedy}' >/dev/null 2>&1 & exec sleep 1", "echo never", seconds=10)
    words = "killed: what it left running kept its container from starting another process"
    assert (words, None) == (left.ended, left.exit_code)


def test_killing_everything() -> None:
    killed, after = attack("kill -9 -1; sleep 0.2; echo alone", "echo after")
    assert (killed.exit_code, killed.output.splitlines()[-1], after.output) == (0, "alone", "after\n")


def test_a_file_over_the_limit() -> None:
    (large,) = attack("ulimit -f; exec head -c 300000000 /dev/zero > /work/large", memory_mib=1024)
    assert (large.exit_code, large.ended) == (None, "killed: it wrote a file over the size limit")


FAMILIES = {
    "the kernel's asynchronous door": ("io_uring_setup", "io_uring_enter", "io_uring_register"),
    "keys": ("keyctl", "add_key", "request_key"),
    "programs and probes in the kernel": ("bpf", "perf_event_open", "userfaultfd", "lookup_dcookie", "syslog"),
    "other processes": ("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd"),
    "namespaces": ("unshare", "setns", "clone3"),
    "mounts": ("mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsmount", "fsconfig",
               "mount_setattr"),
    "files past their folder": ("open_by_handle_at", "name_to_handle_at", "fanotify_init"),
    "modules and kernels": ("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"),
    "the machine": ("swapon", "swapoff", "acct", "quotactl", "sethostname", "setdomainname", "iopl", "ioperm"),
    "its clock": ("settimeofday", "clock_settime", "clock_adjtime", "adjtimex"),
    "memory of other nodes and kinds": ("mbind", "move_pages", "migrate_pages", "set_mempolicy", "memfd_secret"),
    "old doors": ("vhangup", "modify_ldt", "vm86", "vm86old", "uselib", "sysfs", "ustat", "nfsservctl", "_sysctl"),
}  # fmt: skip


def test_the_list_of_system_calls_is_complete_and_lets_no_dangerous_family_through() -> None:
    """What is not named is refused, whatever kernels bring; what is named with a condition keeps it."""
    profile = json.loads(seccomp_profile())
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    rules: list[dict[str, Any]] = profile["syscalls"]
    assert {rule["action"] for rule in rules} == {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"}
    assert all(rule["comment"] for rule in rules), "each says what it is for"
    let = [rule for rule in rules if rule["action"] == "SCMP_ACT_ALLOW"]
    allowed = {name for rule in let if not rule.get("args") for name in rule["names"]}
    under_condition = {name for rule in let if rule.get("args") for name in rule["names"]}
    for family, names in FAMILIES.items():
        assert not (set(names) & (allowed | under_condition)), family
    assert (under_condition, under_condition & allowed) == ({"clone", "socket", "personality"}, set())
    (clone,) = [rule for rule in let if rule["names"] == ["clone"]]
    namespaces = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
    assert clone["args"] == [{"index": 0, "value": namespaces, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]
    sockets = [tuple(test["value"] for test in rule["args"]) for rule in let if rule["names"] == ["socket"]]
    assert sorted(sockets) == [(1,), (2,), (10,), (16, 0)], "local, both internets, and routes"
