"""A distribution with a playbook in it, as somebody else would write and install one."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from remediation.playbooks.plugged import plugged

PLAYBOOK = '''\
"""Put a greeting back that became empty."""

from dataclasses import dataclass

from cases.change import ChangeClass, FileEdit
from cases.playbook import Asked, NoRemedy, Remedy


@dataclass(frozen=True)
class Greeter:
    name: str = "put-a-greeting-back"
    kind: ChangeClass = ChangeClass.CONFIGURATION

    def remedy(self, asked: Asked) -> Remedy | NoRemedy:
        if asked.suspect is None or "greeting.txt" not in asked.suspect.commit.files:
            return NoRemedy()
        if asked.reads.read(asked.repository, asked.head, "greeting.txt") != b"\\n":
            return NoRemedy(reason="the greeting says something")
        edit = FileEdit(path="greeting.txt", content=b"hello\\n")
        because = f"{asked.suspect.commit.short} took the greeting away"
        ids = asked.suspect.evidence
        return Remedy(edits=[edit], title="Greet again", summary="Says hello.", because=because, evidence=ids)
'''
BROKEN = "raise RuntimeError('half of it is missing')\n"


@contextmanager
def installed(folder: Path, modules: dict[str, str], entries: dict[str, str]) -> Generator[None]:
    """The modules and entry points (name → `module:object`) as a distribution on the path, and gone at the end."""
    folder.mkdir()
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    facts = folder / "greetings-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: greetings\nVersion: 1.0\n")
    listed = "\n".join(f"{name} = {place}" for name, place in entries.items())
    (facts / "entry_points.txt").write_text(f"[trackwalker.playbooks]\n{listed}\n")
    sys.path.insert(0, str(folder))
    plugged.cache_clear()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in modules:
            sys.modules.pop(name, None)
        plugged.cache_clear()
