"""Trees and orders to try a sandbox with."""

import io
import tarfile
from collections.abc import Mapping
from datetime import timedelta

from cases.trying import Command, TrialOrder


def tree_of(files: Mapping[str, str | bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A tar of these files; a name that ends in `.sh` is executable."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = 0o755 if name.endswith(".sh") else 0o644
            tar.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()


def an_order(
    *lines: str, image: str, tree: bytes | None = None, seconds: float = 30, key: str = "case-1", memory_mib: int = 512
) -> TrialOrder:
    commands = tuple(
        Command(name=f"command {number}", line=line, timeout=timedelta(seconds=seconds))
        for number, line in enumerate(lines, 1)
    )
    return TrialOrder(
        key=key, image=image, tree=tree or tree_of({"README": "a tree\n"}), commands=commands, memory_mib=memory_mib
    )
