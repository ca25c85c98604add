"""A program of its own: gives up what it can of this machine, then becomes a command. `sandbox.process` starts it.

It is run as a file by a bare interpreter (`python -I -S`), single-threaded, so that it may fork and unshare; it
imports nothing of ours. Its one argument is JSON: see `sandbox.process._Launch`.
"""

import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
from typing import Any

NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000  # mounts, name, IPC, processes, network
USER_NAMESPACE = 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def main() -> None:
    """Isolate, limit, and run the command line; end with its exit code, or 128 and the signal that ended it."""
    asked = json.loads(sys.argv[1])
    if asked["isolated"]:
        _new_namespaces()
        _hide(asked["hidden"], asked["kept"], asked["writable"])
        if inner := os.fork():
            os._exit(_wait(inner))
        _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _call("mount", b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV, None)
        # The first process of a process namespace cannot be killed from within, and all the others end with it.
        if command := os.fork():
            os._exit(_wait(command))
    _become(asked)


def _become(asked: dict[str, Any]) -> None:
    for name, limit in asked["limits"].items():
        kind = getattr(resource, f"RLIMIT_{name}")
        ceiling = resource.getrlimit(kind)[1]
        lowest = limit if ceiling == resource.RLIM_INFINITY else min(limit, ceiling)
        resource.setrlimit(kind, (lowest, lowest))
    if asked["user"] is not None:
        os.setgroups([])
        os.setresgid(asked["user"], asked["user"], asked["user"])
        os.setresuid(asked["user"], asked["user"], asked["user"])
    if sys.platform == "linux":
        _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and a shell would pass that on
        signal.signal(ignored, signal.SIG_DFL)
    os.umask(0o022)
    os.chdir(asked["folder"])
    os.execve("/bin/sh", ["sh", "-c", asked["line"]], asked["environment"])  # noqa: S606 - it is the shell


def _wait(child: int) -> int:
    """The exit code of that child, as a shell would tell it; orphans that end meanwhile are collected too."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _new_namespaces() -> None:
    """Own mounts, processes, network and IPC; for an ordinary user by way of a user namespace that maps only them."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        _call("unshare", NAMESPACES)
    else:
        _call("unshare", NAMESPACES | USER_NAMESPACE)
        for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - no pathlib: the start is what this program costs
                file.write(line)
    _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def _hide(hidden: list[str], kept: list[str], writable: str) -> None:
    """Cover the folders with empty ones, but for what is kept inside them; only `writable` stays as it was."""
    handles = [(path, os.open(path, os.O_PATH | os.O_DIRECTORY)) for path in (*kept, writable)]
    for folder in filter(os.path.isdir, hidden):
        _call("mount", b"tmpfs", folder.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"size=64m,nr_inodes=16k,mode=1777")
    for path, handle in handles:
        os.makedirs(path, 0o755, exist_ok=True)  # noqa: PTH103 - the same
        _call("mount", f"/proc/self/fd/{handle}".encode(), path.encode(), None, MS_BIND | MS_REC, None)
        os.close(handle)
        if path != writable:
            locked = os.statvfs(path).f_flag & (MS_NOSUID | MS_NODEV)
            _call("mount", None, path.encode(), None, MS_BIND | MS_REMOUNT | MS_RDONLY | locked, None)


def _call(name: str, *arguments: object) -> None:
    """Call the C library. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


if __name__ == "__main__":
    main()
