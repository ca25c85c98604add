"""Secrets planted wherever the daemon reads, in a whole story: none comes out anywhere.

Looked through: what a model was asked, every row of the ledger and its backup, the daemon's log, its metrics and pages,
pull requests with their commits and comments, and every notice.
"""

import base64
import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cases.asking import Answer, Question
from cases.case import Phase
from cases.telemetry import Deploy, SeriesBlock, Signal
from daemon.keeping.backup import backed_up
from daemon.observe.logs import formatter
from remediation.model.quoting import prompt
from signals.recorded import RecordedLogs
from tests.parts.hub import git
from tests.parts.models import TalkingModel
from tests.parts.old_shop import DIAGNOSIS, EDIT, PRICING, SHOWN, an_error, old_shop
from tests.parts.playhouse import House, Readings


def _some(seed: int, length: int, alphabet: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") -> str:
    """Made up, the same each time, and no word of any scanner of this repository."""
    return "".join(alphabet[(seed * 7919 + n * (n + seed) * 31) % len(alphabet)] for n in range(length))


MIXED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
PART = base64.urlsafe_b64encode(b'{"alg":"HS256","sub":"1"}').decode().strip("=")
CANARIES: Mapping[str, str] = {
    "environment": "ghp_" + _some(1, 36, MIXED),
    "log line": "AKIA" + _some(2, 16),
    "message of the error": "sk-ant-api03-" + _some(3, 60, MIXED),
    "label of the log": "glpat-" + _some(4, 20, MIXED),
    "label of a series": "xoxb-" + _some(5, 12, "0123456789") + "-" + _some(6, 24, MIXED),
    "commit message": "npm_" + _some(7, 36, MIXED),
    "author": "hf_" + _some(8, 34, MIXED),
    "patch": "hvs." + _some(9, 90, MIXED),
    "comment in the code": "AIza" + _some(10, 35, MIXED),
    "another file": "dop_v1_" + _some(11, 64, "0123456789abcdef"),
    "deploy marker": f"{PART}.{PART}.{_some(12, 43, MIXED)}",
    "comment on the pull request": "sk_live_" + _some(13, 24, MIXED),
    "e-mail": "jane.doe@mail.acme.io",
    "card": "4111 1111 1111 1111",
}


@dataclass
class Labelled(Readings):
    """Readings whose series carry one label more."""

    def read(self, signal: Signal, start: object, end: object, step: object) -> SeriesBlock:
        block = super().read(signal, start, end, step)  # type: ignore[arg-type]
        labels = tuple({**one, "session": f"user {CANARIES['label of a series']}"} for one in block.labels)
        return SeriesBlock(
            signal=block.signal, labels=labels, times=block.times, values=block.values, missing=block.missing
        )


class Overheard(TalkingModel):
    """Keeps every question as a real adapter would send it."""

    def ask(self, question: Question) -> Answer:
        shown = prompt(question)
        self.prompts.append(f"{shown.rules}\n{shown.text}")
        return super().ask(question)

    @property
    def prompts(self) -> list[str]:
        return self.__dict__.setdefault("_prompts", [])


@dataclass
class Written:
    """What a story left behind, by where it was found."""

    places: dict[str, str]

    def found(self) -> list[str]:
        """Which canary came out where: its end is enough, for a half is a leak too."""
        return [
            f"{name} in {place}"
            for name, secret in CANARIES.items()
            for place, text in self.places.items()
            if secret in text or secret[-12:] in text
        ]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The daemon's log as it leaves, at its most talkative."""
    path = tmp_path / "daemon.log"
    handler = logging.FileHandler(path)
    handler.setFormatter(formatter("text"))
    own = logging.getLogger("trackwalker")
    level = own.level
    own.addHandler(handler)
    own.setLevel(logging.DEBUG)
    yield path
    own.removeHandler(handler)
    own.setLevel(level)
    handler.close()


def plant(it: House) -> None:
    """Put a canary wherever somebody else can write, on top of the story of an edit."""
    it.readings = Labelled(it.readings.levels)
    assert isinstance(it.logs, RecordedLogs)
    (seen,) = it.logs.recorded
    said = f"could not convert '12,50' with {CANARIES['message of the error']} for {CANARIES['e-mail']}"
    trace = an_error(said)
    labels = {"app": "shop", "session": CANARIES["label of the log"]}
    line = replace(
        seen, signature="log", sample=f"ERROR {CANARIES['log line']} card {CANARIES['card']}", trace=None, labels=labels
    )
    it.logs = RecordedLogs(recorded=[replace(seen, trace=trace, labels=labels), line])
    it.model = Overheard(
        {"diagnose": [DIAGNOSIS], "reproduce": [SHOWN], "edit": [EDIT], "review": [{"verdict": "pass"}]}
    )
    it.world.hub.commit(
        f"Rotate {CANARIES['commit message']}",
        {
            "shop/settings.py": f"KEY = '{CANARIES['another file']}'\n# was {CANARIES['patch']}\n".encode(),
            "shop/pricing.py": PRICING.encode(),
        },
        at=int((it.now - timedelta(minutes=200)).timestamp()),
        author=f"dev {CANARIES['author']}",
    )
    marker = f"build_info of {CANARIES['deploy marker']}"
    it.deploys.append(
        Deploy(service="shop", commit=it.world.hub.tip(), started=it.now - timedelta(minutes=190), source=marker)
    )


def everything(it: House, log: Path, pull: int | None, folder: Path) -> Written:
    """All that left the daemon or was kept by it."""
    assert it.app is not None
    assert isinstance(it.model, Overheard)
    api = it.app.url
    places = {
        "the prompts": "\n".join(it.model.prompts),
        "the ledger": dumped(it.folder / "ledger.db"),
        "the log": log.read_text(),
        "the notices": json.dumps(it.notices(), ensure_ascii=False),
        "the metrics": httpx.get(f"{api}/metrics").text,
        "the health page": httpx.get(f"{api}/readyz").text,
        "the branches of ours": ours(it),
    }
    copy = folder / "copy.db"
    backed_up(it.app.ledger, copy, it.now)
    places["the backup"] = dumped(copy)
    if pull is not None:
        places["the pull request"] = json.dumps(it.pull_requests(), ensure_ascii=False)
        places["the comments"] = "\n".join(c for c in it.comments(pull) if "/trackwalker" not in c[:12])
    return Written(places)


def dumped(path: Path) -> str:
    """Every row of a database, as text, and as it is kept where it is bytes."""
    with sqlite3.connect(path) as connection:
        names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return "\n".join(
            value.decode(errors="replace") if isinstance(value, bytes) else str(value)
            for name in names
            for row in connection.execute(f'select * from "{name}"')  # noqa: S608 - its own tables
            for value in row
        )


def ours(it: House) -> str:
    """The messages of our commits, and what they change."""
    return git(it.world.hub.folder, "log", "-p", "--all", "--not", "main").decode(errors="replace")


def test_no_canary_comes_out(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKWALKER_TEST_SECRET", CANARIES["environment"])
    with old_shop(tmp_path) as it:
        plant(it)
        with it.alive():
            case = it.until(Phase.PROPOSED)
            (pull,) = it.pull_requests()
            said = f"/trackwalker guide the key is {CANARIES['comment on the pull request']}"
            it.world.ask("POST", f"/issues/{pull['number']}/comments", json={"body": said}).raise_for_status()
            it.passes(2)
            written = everything(it, log, pull["number"], tmp_path)
            assert written.found() == []
            assert case.change.number == 1
            for place in ("the prompts", "the ledger", "the log", "the notices", "the pull request", "the backup"):
                assert len(written.places[place]) > 100, place
            assert "[redacted: " in written.places["the prompts"]
            assert "[redacted: " in written.places["the ledger"]


def test_the_search_finds_what_is_there() -> None:
    secret = CANARIES["log line"]
    assert Written({"here": f"x {secret}"}).found() == ["log line in here"]
    assert Written({"here": f"…{secret[-12:]}"}).found() == ["log line in here"]
