"""A distribution with a playbook or a connector in it, as somebody else would write and install one."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cases import playbook
from remediation.playbooks import plugged as playbooks
from signals.analytics import plugged as connectors

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
CONNECTOR = '''\
"""Daily loads, from an API at home."""

import json
from collections.abc import Iterator
from datetime import date
from urllib.request import Request, urlopen

from cases.connector import Asked, Reading


class Loads:
    name = "loads"

    def readings(self, asked: Asked) -> Iterator[Reading]:
        url = f"{asked.settings['url']}/rows?from={asked.start:%Y-%m-%d}&to={asked.end:%Y-%m-%d}"
        request = Request(url, headers={"Authorization": f"Bearer {asked.secrets['token']}"})
        with urlopen(request, timeout=10) as answer:
            for row in json.load(answer)["data"]["items"]:
                value = None if row["number"] is None else float(row["number"])
                yield Reading(time=date.fromisoformat(row["day"]), value=value, labels=row["by"])
'''
BROKEN = "raise RuntimeError('half of it is missing')\n"


@contextmanager
def installed(
    folder: Path, modules: dict[str, str], entries: dict[str, str], group: str = playbook.GROUP
) -> Generator[None]:
    """The modules and entry points (name → `module:object`) as a distribution on the path, and gone at the end."""
    folder.mkdir()
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    facts = folder / "greetings-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: greetings\nVersion: 1.0\n")
    listed = "\n".join(f"{name} = {place}" for name, place in entries.items())
    (facts / "entry_points.txt").write_text(f"[{group}]\n{listed}\n")
    sys.path.insert(0, str(folder))
    _forget()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in modules:
            sys.modules.pop(name, None)
        _forget()


def _forget() -> None:
    """What was installed is looked for once in a process's life."""
    playbooks.plugged.cache_clear()
    connectors.plugged.cache_clear()
