"""Attacks on the sandbox, run inside it by its own Python; imports nothing of ours.

Each returns None when it was blocked, or says in words what it got through. `python attacks.py` prints them as JSON.
"""

# It runs alone in a container, with plain paths that are the container's own:
# ruff: noqa: PTH102, PTH108, PTH110, PTH112, PTH116, PTH123, PTH208, S108, T201

import contextlib
import ctypes
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

LIBRARY = ctypes.CDLL(None, use_errno=True)
ATTACKS: dict[str, Callable[[], str | None]] = {}
# Numbers of x86-64; from 424 on they are the same on every architecture.
SYSCALLS = {
    "ptrace": (101, (16, -1)),
    "process_vm_readv": (310, (1, 0, 0, 0, 0, 0)),
    "process_vm_writev": (311, (1, 0, 0, 0, 0, 0)),
    "kcmp": (312, (1, 1, 0, 0, 0)),
    "pidfd_getfd": (438, (0, 0, 0)),
    "io_uring_setup": (425, (8, 0)),
    "io_uring_enter": (426, (0, 0, 0, 0, 0)),
    "io_uring_register": (427, (0, 0, 0, 0)),
    "keyctl": (250, (0, -3, 1)),
    "add_key": (248, (b"user", b"name", b"x", 1, -3)),
    "request_key": (249, (b"user", b"name", 0, -3)),
    "bpf": (321, (0, 0, 0)),
    "perf_event_open": (298, (0, 0, -1, -1, 0)),
    "userfaultfd": (323, (1,)),
    "unshare of a user namespace": (272, (0x10000000,)),
    "unshare of mounts": (272, (0x00020000,)),
    "clone3": (435, (0, 0)),
    "setns": (308, (0, 0)),
    "pivot_root": (155, (b".", b".")),
    "chroot": (161, (b"/",)),
    "mount": (165, (b"none", b"/work", b"tmpfs", 0, 0)),
    "umount2": (166, (b"/proc/acpi", 2)),
    "open_tree": (428, (-100, b"/", 1)),
    "move_mount": (429, (-1, b"", -100, b"/work", 4)),
    "fsopen": (430, (b"tmpfs", 0)),
    "mount_setattr": (442, (-100, b"/", 0, 0, 0)),
    "open_by_handle_at": (304, (-100, 0, 0)),
    "name_to_handle_at": (303, (-100, b"/", 0, 0, 0)),
    "init_module": (175, (0, 0, b"")),
    "finit_module": (313, (0, b"", 0)),
    "delete_module": (176, (b"loop", 0)),
    "kexec_load": (246, (0, 0, 0, 0)),
    "kexec_file_load": (320, (0, 0, 0, 0, 0)),
    "reboot": (169, (0xFEE1DEAD, 672274793, 0, 0)),
    "swapon": (167, (b"/work/x", 0)),
    "acct": (163, (0,)),
    "quotactl": (179, (0, 0, 0, 0)),
    "settimeofday": (164, (0, 0)),
    "clock_settime": (227, (0, 0)),
    "adjtimex": (159, (0,)),
    "sethostname": (170, (b"x", 1)),
    "iopl": (172, (3,)),
    "ioperm": (173, (0, 1, 1)),
    "modify_ldt": (154, (0, 0, 0)),
    "fanotify_init": (300, (0, 0)),
    "syslog": (103, (10, 0, 0)),
    "lookup_dcookie": (212, (0, 0, 0)),
    "vhangup": (153, ()),
    "mbind": (237, (0, 0, 0, 0, 0, 0)),
    "move_pages": (279, (0, 0, 0, 0, 0, 0)),
    "memfd_secret": (447, (0,)),
    "personality that makes all memory executable": (135, (0x0400000,)),
}
BLOCKED = {1, 38}  # EPERM, ENOSYS: refused before the arguments were looked at


def attack(function: Callable[[], str | None]) -> Callable[[], str | None]:
    ATTACKS[function.__name__.replace("_", " ")] = function
    return function


def system_call(name: str) -> str | None:
    number, arguments = SYSCALLS[name]
    ctypes.set_errno(0)
    answer = LIBRARY.syscall(number, *(ctypes.c_void_p(a) if isinstance(a, int) else a for a in arguments))
    code = ctypes.get_errno()
    return None if answer == -1 and code in BLOCKED else f"{name} answered {answer}, errno {code}"


def written(*paths: str) -> str | None:
    """The first of the paths that could be written."""
    for path in paths:
        with contextlib.suppress(OSError):
            with open(path, "ab") as file:
                file.write(b"\n")
            return f"wrote {path}"
    return None


@attack
def interfaces() -> str | None:
    names = [name for _, name in socket.if_nameindex()]
    return None if names == ["lo"] else f"interfaces {names}"


@attack
def connect_out() -> str | None:
    for address in (("1.1.1.1", 53), ("172.17.0.1", 22), ("169.254.169.254", 80)):
        with socket.socket() as stream, contextlib.suppress(OSError):
            stream.settimeout(1)
            stream.connect(address)
            return f"connected to {address}"
    return None


@attack
def resolve_a_name() -> str | None:
    with contextlib.suppress(OSError):
        return f"resolved {socket.gethostbyname('example.com')}"
    return None


@attack
def odd_sockets() -> str | None:
    families = {
        "packet": (17, 3, 0),
        "raw": (2, 3, 1),
        "alg": (38, 5, 0),
        "vsock": (40, 1, 0),
        "netfilter": (16, 3, 12),
    }
    for name, (family, kind, protocol) in families.items():
        with contextlib.suppress(OSError), socket.socket(family, kind, protocol):
            return f"opened a {name} socket"
    return None


@attack
def host_sockets() -> str | None:
    with contextlib.suppress(OSError):
        listed = Path("/proc/net/unix").read_text().splitlines()[1:]
        named = [line for line in listed if "/" in line or "@" in line]
        if named:
            return f"sees {named[:3]}"
    found = [path for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd") if os.path.exists(path)]
    return f"found {found}" if found else None


@attack
def host_name_server() -> str | None:
    told = Path("/etc/resolv.conf").read_text().split()
    return None if set(told) <= {"nameserver", "127.0.0.1", "search", "."} else f"read {told}"


@attack
def write_outside_the_working_folder() -> str | None:
    return written("/x", "/etc/passwd", "/usr/bin/x", "/root/x", "/var/tmp/x", "/run/x", sys.executable, os.__file__)


@attack
def write_what_the_engine_mounts() -> str | None:
    return written("/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/usr/sbin/docker-init", "/sbin/docker-init")


@attack
def write_the_kernels_files() -> str | None:
    return written(
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/vm/overcommit_memory",
        "/proc/sysrq-trigger",
        "/proc/irq/0/smp_affinity",
        "/sys/kernel/uevent_helper",
        "/sys/power/state",
    )


@attack
def write_the_control_groups() -> str | None:
    places = [str(path) for name in ("release_agent", "memory.limit_in_bytes", "memory.max", "pids.max", "cgroup.procs")
              for path in Path("/sys/fs/cgroup").rglob(name)]  # fmt: skip
    return written(*places)


@attack
def read_the_kernels_memory() -> str | None:
    for path in ("/dev/mem", "/dev/kmem", "/proc/kcore", "/dev/kmsg", "/dev/port", "/proc/keys"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if file.read(16):
                return f"read {path}"
    return None


@attack
def devices() -> str | None:
    usual = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
    odd = [
        path.name
        for path in Path("/dev").iterdir()
        if not (path.is_dir() or path.is_symlink()) and path.name not in usual
    ]
    odd = [name for name in odd if stat.S_IFMT(os.stat(f"/dev/{name}").st_mode) in {stat.S_IFBLK, stat.S_IFCHR}]
    return f"devices {odd}" if odd else None


@attack
def make_a_device() -> str | None:
    for kind, number in ((stat.S_IFBLK, os.makedev(8, 0)), (stat.S_IFCHR, os.makedev(1, 1))):
        with contextlib.suppress(OSError):
            os.mknod("/tmp/device", kind | 0o600, number)
            os.unlink("/tmp/device")
            return "made a device"
    return None


@attack
def become_root() -> str | None:
    if os.geteuid() == 0:
        return "is root"
    for change in (os.setuid, os.setgid, os.seteuid, os.setegid):
        with contextlib.suppress(OSError):
            change(0)
            return f"{change.__name__} to root"
    return None


@attack
def capabilities() -> str | None:
    lines = dict(line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    held = {name: lines[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(lines[name], 16)}
    return f"holds {held}" if held else None


@attack
def new_privileges() -> str | None:
    lines = Path("/proc/self/status").read_text()
    missing = [line for line in ("NoNewPrivs:\t1", "Seccomp:\t2") if line not in lines]
    return f"lacks {missing}" if missing else None


@attack
def set_user_id_programs() -> str | None:
    options = {line.split()[1]: line.split()[3] for line in Path("/proc/mounts").read_text().splitlines()}
    loose = [place for place in ("/work", "/tmp", "/dev/shm") if "nosuid" not in options.get(place, "")]
    found = [str(path) for path in Path("/usr/bin").iterdir() if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)]
    return f"{loose} {found}" if loose or found else None


@attack
def run_a_program_from_tmp() -> str | None:
    script = Path("/tmp/program")
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    with contextlib.suppress(OSError):
        child = os.posix_spawn(str(script), ["program"], {})
        return f"ran it, {os.waitpid(child, 0)[1]}"
    return None


@attack
def the_first_process() -> str | None:
    for path in ("/proc/1/environ", "/proc/1/mem", "/proc/1/root/etc", "/proc/1/cwd"):
        with contextlib.suppress(OSError):
            os.listdir(path) if os.path.isdir(path) else os.close(os.open(path, os.O_RDWR))
            return f"opened {path}"
    with contextlib.suppress(PermissionError):
        os.kill(1, signal.SIGKILL)
        return "may signal it"
    return None


@attack
def other_processes() -> str | None:
    seen = [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
    return f"sees {len(seen)} processes" if len(seen) > 12 else None


@attack
def shared_memory_segments() -> str | None:
    seen = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return f"sees {seen}" if seen else None


@attack
def a_32_bit_system_call() -> str | None:
    """The other door to the same kernel: x32 numbers, which a filter for x86-64 alone must not let through."""
    child = os.fork()
    if child == 0:
        ctypes.set_errno(0)
        answer = LIBRARY.syscall(0x40000000 + 39)
        os._exit(0 if answer == -1 else 7)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "it answered" if code == 7 else None


@attack
def real_time_priority() -> str | None:
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
        return "runs in real time"
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
        return "raised its priority"
    return None


@attack
def many_files_open() -> str | None:
    held: list[int] = []
    with contextlib.suppress(OSError):
        while len(held) < 1100:
            held.append(os.open("/dev/null", os.O_RDONLY))
    for handle in held:
        os.close(handle)
    return f"opened {len(held)}" if len(held) > 1024 else None


@attack
def a_large_file() -> str | None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with contextlib.suppress(OSError), open("/work/large", "wb") as file:
        file.truncate(257 * 1024 * 1024)
        return "made one of 257 MiB"
    return None


@attack
def many_files() -> str | None:
    made = 0
    os.mkdir("/tmp/many")
    with contextlib.suppress(OSError):
        for made in range(17_000):
            os.close(os.open(f"/tmp/many/{made}", os.O_CREAT))
    return f"made {made}" if made > 16_500 else None


@attack
def fill_the_temporary_folders() -> str | None:
    through: list[str] = []
    for path, mib in (("/tmp/fill", 64), ("/dev/shm/fill", 16)):
        try:
            Path(path).write_bytes(bytes((mib + 1) * 1024 * 1024))
            through.append(path)
        except OSError:
            pass
        finally:
            Path(path).unlink(missing_ok=True)
    return f"filled {through}" if through else None


@attack
def a_core_dump() -> str | None:
    child = os.fork()
    if child == 0:
        os.chdir("/tmp")
        os.abort()
    status = os.waitpid(child, 0)[1]
    return "it was written" if os.WCOREDUMP(status) else None


def main() -> None:
    found = {name: run() for name, run in ATTACKS.items()}
    found |= {f"syscall {name}": system_call(name) for name in SYSCALLS}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
