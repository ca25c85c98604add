"""What a container may not do. Each line closes a way out, or a way to harm the machine it runs on."""

from collections.abc import Iterable
from importlib import resources
from typing import Any

from cases.errors import PermanentError
from cases.trying import Companion, TrialOrder
from sandbox.shape import Shape

USER = "65534:65534"  # nobody, and nobody's group: whatever runs of the repository
KEEPER = "65533:65533"  # the container's first process: out of reach of all that, for it has another user
WORK = "/work"
TEMPORARY = "/tmp"  # noqa: S108 - inside the container, where it is a tmpfs of its own
TEMPORARY_MIB = 64
WORK_INODES = 262_144  # large repositories have 100,000 files; what they take counts towards the memory
TEMPORARY_INODES = 16_384
FILE_BYTES = 256 * 1024 * 1024
REPORT_BYTES = 8 * 1024 * 1024  # of a report of tests
SHARED_MEMORY = "16m"
OPEN_FILES = 1024
ROOT = frozenset({"", "0", "root", "0:0", "root:root"})  # how an image says that it begins as root
ROOTS_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
COMPANION_WRITABLE = ("/tmp", "/run", "/var/tmp")  # noqa: S108 - inside the container, each a tmpfs of its own
COMPANION_PIDS = 256
COMPANION_SHARED_MEMORY = "64m"  # what databases are made for

ENVIRONMENT = {
    "HOME": TEMPORARY,
    "TMPDIR": TEMPORARY,
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}


def pytest_options(report: str) -> dict[str, str]:
    """The environment that makes a pytest run, wherever in the command it is started, leave a JUnit report."""
    return {"PYTEST_ADDOPTS": f"--junitxml={report} -p no:cacheprovider"}


def work_mib(memory_mib: int) -> int:
    """The room for the tree and what the commands write beside it: half the memory, which it counts towards."""
    return memory_mib // 2


def check(order: TrialOrder) -> None:
    """Raise PermanentError for an order that could only fail."""
    if not order.commands:
        raise PermanentError(f"trial {order.key} has no command to run; configure `test` for the repository")
    room = work_mib(order.memory_mib) * 1024 * 1024
    if len(order.tree) > room:
        raise PermanentError(
            f"the tree of trial {order.key} is {len(order.tree) / 1024 / 1024:.0f} MiB and the sandbox has room for "
            f"{work_mib(order.memory_mib)} MiB; raise sandbox.memory_mib, which is twice that"
        )


def host_limits(shape: Shape, volumes: Iterable[str], runtime: str | None) -> dict[str, Any]:
    """The hardened set, as keyword arguments of the SDK's `create_host_config`.

    `volumes` are the paths that the image declares as volumes: left alone, each would be a writable folder on the
    host's disk without a limit, so a small tmpfs takes its place.
    """
    tmpfs = {path: _tmpfs(TEMPORARY_MIB, TEMPORARY_INODES, "noexec", "1777", USER) for path in (*volumes, TEMPORARY)}
    tmpfs[WORK] = _tmpfs(work_mib(shape.memory_mib), WORK_INODES, "exec", "0700", USER)
    return {
        **_walls(shape.memory_mib, shape.cpus, shape.pids, runtime),
        "network_mode": "none",  # a loopback, and `localhost` in /etc/hosts
        "dns": ["127.0.0.1"],  # the host's resolver would be written into the container otherwise
        "dns_search": ["."],
        "extra_hosts": dict.fromkeys(shape.hosts, "127.0.0.1"),
        "shm_size": SHARED_MEMORY,
        "tmpfs": tmpfs,
        "log_config": {"Type": "none", "Config": {}},
    }


def companion_limits(
    companion: Companion, beside: str, cpus: float, volumes: Iterable[str], user: str
) -> dict[str, Any]:
    """The same for a companion, as far as a server's image allows; it is in the network of the container `beside`.

    Images that begin as root give that up by themselves, and prepare their folders before: that takes five
    capabilities. One that has a user of its own keeps none.
    """
    paths = dict.fromkeys((*volumes, *COMPANION_WRITABLE, *companion.writable))
    return {
        **_walls(companion.memory_mib, cpus, COMPANION_PIDS, None),
        "cap_add": list(ROOTS_CAPABILITIES) if user in ROOT else [],
        "network_mode": f"container:{beside}",
        "shm_size": COMPANION_SHARED_MEMORY,
        "tmpfs": {path: _tmpfs(companion.memory_mib, WORK_INODES, "noexec", "1777", None) for path in paths},
        "log_config": {"Type": "json-file", "Config": {"max-size": "256k", "max-file": "1"}},  # to say why it ended
    }


def _walls(memory_mib: int, cpus: float, pids: int, runtime: str | None) -> dict[str, Any]:
    """What holds for whatever is started."""
    memory = f"{memory_mib}m"
    return {
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true", f"seccomp={seccomp_profile()}"],
        "read_only": True,
        "ipc_mode": "private",
        "cgroupns": "private",
        "pids_limit": pids,
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int(cpus * 1_000_000_000),
        "oom_score_adj": 1000,  # when the host runs short, this goes first
        "ulimits": [
            {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "fsize", "Soft": FILE_BYTES, "Hard": FILE_BYTES},
        ],
        "init": True,
        "runtime": runtime,
    }


def seccomp_profile() -> str:
    """The allow list of system calls, as JSON. What is not on it fails with EPERM (ENOSYS where libc needs that)."""
    return resources.files("sandbox").joinpath("seccomp.json").read_text("utf-8")


def _tmpfs(mib: int, inodes: int, execute: str, mode: str, owner: str | None) -> str:
    owned = "" if owner is None else ",uid={},gid={}".format(*owner.split(":"))
    return f"rw,{execute},nosuid,nodev,size={mib}m,nr_inodes={inodes},mode={mode}{owned}"
