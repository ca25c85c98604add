"""What may pass from a setup into an image: everything it left was written by untrusted code."""

import base64
import io
import tarfile
from urllib.parse import quote

import pytest

from cases.errors import PermanentError
from sandbox.layer import layer_of

ROOM = 1024 * 1024


def a_tar(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = kind, mode, link
    info.uid = info.gid = 65534
    info.uname = "nobody"
    return info


def passed(carried: io.BytesIO, secrets: dict[str, str] | None = None) -> dict[str, tarfile.TarInfo]:
    layer = io.BytesIO()
    layer_of(carried, layer, secrets or {}, room=ROOM)
    layer.seek(0)
    with tarfile.open(fileobj=layer) as tar:
        return {info.name: info for info in tar}


def test_plain_things_pass_owned_by_root_and_writable_by_nobody_else() -> None:
    found = passed(
        a_tar(
            (member("./", tarfile.DIRTYPE, 0o777), b""),
            (member("./bin/tool", mode=0o4777), b"#!/bin/sh\n"),
            (member("./lib/a.py", mode=0o600), b"x = 1\n"),
            (member("./lib/b.py", tarfile.SYMTYPE, link="/etc/passwd"), b""),
            (member("./lib/c.py", tarfile.LNKTYPE, link="./lib/a.py"), b""),
        )
    )
    assert {name: oct(info.mode) for name, info in found.items()} == {
        "prepared": "0o755", "prepared/bin/tool": "0o755", "prepared/lib/a.py": "0o644", "prepared/lib/b.py": "0o644",
        "prepared/lib/c.py": "0o644",
    }  # fmt: skip
    assert {(info.uid, info.gid, info.uname) for info in found.values()} == {(0, 0, "")}
    assert (found["prepared/lib/b.py"].linkname, found["prepared/lib/c.py"].linkname) == (
        "/etc/passwd", "prepared/lib/a.py",
    )  # fmt: skip


def test_what_is_no_plain_thing_or_lies_elsewhere_does_not() -> None:
    found = passed(
        a_tar(
            (member("./dev", tarfile.CHRTYPE), b""),
            (member("./pipe", tarfile.FIFOTYPE), b""),
            (member("../../etc/passwd"), b"root::0:0"),
            (member("./up", tarfile.LNKTYPE, link="../../etc/shadow"), b""),
            (member("/etc/cron"), b"x"),
        )
    )
    assert set(found) == {"prepared/etc/cron"}


SECRET = "correct-horse/battery+staple"
URL = f"https://ci:{quote(SECRET, safe='')}@packages.example/simple"


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        (SECRET, SECRET),
        (SECRET, quote(SECRET, safe="")),
        (SECRET, base64.b64encode(SECRET.encode()).decode()),
        (URL, URL),
        (URL, f"password = {quote(SECRET, safe='')}"),
    ],
)
def test_a_file_with_a_secret_is_refused(secret: str, written: str) -> None:
    with pytest.raises(
        PermanentError, match=r"wrote the secret INDEX into './pip.conf', so no image was kept"
    ) as error:
        passed(a_tar((member("./pip.conf"), f"[global]\n{written}\n".encode())), {"INDEX": secret})
    assert SECRET not in str(error.value)


def test_a_secret_is_found_across_the_pieces_in_which_a_file_is_read() -> None:
    content = b"x" * (16 * 1024 - 5) + SECRET.encode() + b"y" * 40_000
    with pytest.raises(PermanentError, match="wrote the secret"):
        passed(a_tar((member("./big"), content)), {"TOKEN": SECRET})
    with pytest.raises(PermanentError, match="wrote the secret"):
        passed(a_tar((member(f"./{SECRET}"), b"")), {"TOKEN": SECRET})


def test_what_is_too_much_or_no_tar() -> None:
    with pytest.raises(PermanentError, match="or 1 MiB below /prepared"):
        passed(a_tar((member("./a"), b"x" * ROOM), (member("./b"), b"x")))
    with pytest.raises(PermanentError, match="is no tar"):
        passed(io.BytesIO(b"no tar at all" * 100))
