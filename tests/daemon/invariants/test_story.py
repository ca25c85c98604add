"""A whole case through the daemon leaves nothing to find; and each invariant, broken by hand, is named."""

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from cases.case import Phase
from cases.leases import Pause
from cases.ports import Forge
from daemon.app import App
from daemon.build import forge_of
from daemon.invariants.ground import Ground
from daemon.invariants.policy import policy_digest
from daemon.invariants.told import told
from daemon.invariants.verify import Verified, verified
from daemon.ledger.anchor import NAME
from daemon.ledger.audit import AuditEntry
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.tables import cases, effects
from tests.parts.hub import TOKEN
from tests.parts.playhouse import House, house

GITHUB_TOKEN = "ghp_" + "a1B2" * 9


@dataclass(frozen=True, kw_only=True)
class Stood:
    """A daemon whose case waits for a human: what a test breaks is a copy of its ledger, never the forge."""

    it: House
    app: App
    case: str

    @contextmanager
    def copied(self, folder: Path) -> Generator[Ledger]:
        with (
            closing(sqlite3.connect(self.it.folder / "ledger.db")) as live,
            closing(sqlite3.connect(folder / "copy.db")) as copy,
        ):
            live.backup(copy)
        with open_ledger(f"sqlite:///{folder}/copy.db", clock=self.it.clock) as ledger:
            yield ledger

    def looked(self, ledger: Ledger) -> Verified:
        return looked(self.it, ledger, self.app.ports.forge)


def looked(it: House, ledger: Ledger, forge: Forge, *, overdue: tuple[str, ...] = ()) -> Verified:
    ground = Ground(
        told=told(ledger.database),
        database=ledger.database,
        settings=it.settings(),
        forge=forge,
        overdue=lambda: overdue,
    )
    return verified(ground, [it.folder / NAME])


def proposed(it: House, app: App) -> str:
    app.ledger.audit.anchor(it.folder / NAME)
    return it.until(Phase.PROPOSED).id


@pytest.fixture(scope="module")
def stood(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stood]:
    with house(tmp_path_factory.mktemp("stood")) as it, it.alive() as app:
        yield Stood(it=it, app=app, case=proposed(it, app))


def test_a_whole_case_leaves_nothing_to_find(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive() as app:
        case = proposed(it, app)
        forge = app.ports.forge
        assert looked(it, app.ledger, forge).findings == (), "while it waits for a human"
        (pull,) = it.pull_requests()
        it.merge(pull["number"])
        it.until(Phase.CLOSED, every=1)
        it.passes(1)
        done = looked(it, app.ledger, forge)
        assert (done.findings, done.unreached) == ((), ())
        assert done.lines == done.anchored > 30
        told_of = {line.action for line in app.ledger.audit.listed()}
        (stamps,) = {(line.detail["daemon"], line.detail["policy"]) for line in app.ledger.audit.listed()}
        assert stamps == (app.home.name, policy_digest(it.settings()))
        assert {"signal.anomaly", "sandbox.run", "sandbox.ended", "lesson.learnt", "effect.done"} <= told_of
        _walks_up(app.ledger)
        # then each invariant, broken by hand
        expected = {(name, breaks(app.ledger, case)) for name, breaks in BREAKS.items()}
        for branch in (f"trackwalker/{case}-2", f"trackwalker/{case}-3"):
            it.world.hub.commit("by a stranger", {f"{branch[-1]}.py": b"1\n"}, branch=branch, start="main")
            opened = it.world.ask(
                "POST", "/pulls", login="trackwalker", json={"head": branch, "base": "main", "title": "t", "body": "b"}
            )
            assert opened.status_code == 201, opened.text
            expected.add(("I5", f"branch {branch} of shop"))
        expected |= {("I2", f"cases {case}"), ("I6", "container trackwalker-old")}
        found = looked(it, app.ledger, forge, overdue=("trackwalker-old",)).findings
        assert expected - {(finding.invariant, finding.row) for finding in found} == set()
        assert not any(GITHUB_TOKEN in str(finding) or TOKEN in str(finding) for finding in found)


def _walks_up(ledger: Ledger) -> None:
    lines = {line.seq: line for line in ledger.audit.listed()}
    for line in lines.values():
        while line.parent is not None:
            line = lines[line.parent]  # noqa: PLW2901 - the walk
        assert line.action in {"signal.anomaly", "daemon.tells"} or line.actor.startswith("human:"), line


def _another_push(ledger: Ledger, case: str, name: str, change: Callable[[dict[str, Any]], object]) -> str:
    """A second push, made from the one that is there."""
    with ledger.database.writing() as connection:
        query = select(effects).where(effects.c.key == f"{case}-1-branch")
        row = connection.execute(query).mappings().one()
        payload = json.loads(row["payload"])
        change(payload)
        payload["key"] = name
        made = {**row, "key": name, "payload": json.dumps(payload), "receipt": None}
        del made["seq"]
        connection.execute(insert(effects).values(made))
    return f"effects {name}"


def _breaks_i1(ledger: Ledger, case: str) -> str:
    gone = {"phase": "deployed", "due": None, "lease_until": None}
    with ledger.database.writing() as connection:
        connection.execute(update(cases).where(cases.c.id == case).values(gone))
    return f"cases {case}"


def _breaks_i3(ledger: Ledger, case: str) -> str:
    return _another_push(ledger, case, "another-base", lambda payload: payload.update(base="f" * 40))


def _breaks_i4(ledger: Ledger, case: str) -> str:
    workflow = ".github/workflows/ci.yml"
    return _another_push(ledger, case, "out-of-bounds", lambda payload: payload["edits"][0].update(path=workflow))


def _breaks_i5(ledger: Ledger, case: str) -> str:
    del case
    line = AuditEntry(at=ledger.clock.now(), actor="daemon", action="effect.done", detail={"key": "nobody promised"})
    return f"audit {ledger.audit.append(line)}"


def _breaks_i7(ledger: Ledger, case: str) -> str:
    line = AuditEntry(at=ledger.clock.now(), actor="human:sre", action="note", case=case, detail={"said": GITHUB_TOKEN})
    return f"audit {ledger.audit.append(line)}"


def _breaks_i8(ledger: Ledger, case: str) -> str:
    now = ledger.clock.now()
    ledger.levers.pause(Pause(by="human:sre", reason="a release", since=now))
    line = AuditEntry(at=now, actor="daemon", action="sandbox.run", case=case, detail={"key": f"{case}-1-base"})
    ledger.audit.append(line)  # the one in hand
    seq = ledger.audit.append(line)
    ledger.levers.resume("human:sre", now)
    return f"audit {seq}"


BREAKS: dict[str, Callable[[Ledger, str], str]] = {
    "I1": _breaks_i1, "I3": _breaks_i3, "I4": _breaks_i4, "I5": _breaks_i5, "I7": _breaks_i7, "I8": _breaks_i8,
}  # fmt: skip


def test_a_pushed_commit_that_is_not_base_plus_edits_is_named(stood: Stood, tmp_path: Path) -> None:
    key = f"{stood.case}-1-branch"
    held = stood.app.ledger.outbox.receipt(key)
    assert held is not None
    pushed = held.facts["sha"]
    other = stood.it.world.hub.commit("another", {"shop/more.py": b"1\n"}, branch="another", start=pushed)
    with stood.copied(tmp_path) as ledger:
        with ledger.database.writing() as connection:
            text = connection.execute(select(effects.c.receipt).where(effects.c.key == key)).scalar_one()
            receipt = text.replace(pushed, other)
            connection.execute(update(effects).where(effects.c.key == key).values(receipt=receipt))
        found = [finding for finding in stood.looked(ledger).findings if finding.invariant == "I3"]
    assert [(finding.row, "shop/more.py" in finding.what) for finding in found] == [(f"effects {key}", True)]


def test_a_forge_that_is_away_is_said_and_the_rest_is_checked(stood: Stood, tmp_path: Path) -> None:
    settings = stood.it.settings()
    away = settings.model_copy(update={"forge": settings.forge.model_copy(update={"api_url": "http://127.0.0.1:9"})})
    forge = forge_of(away, replace(stood.app.home, folder=tmp_path / "away"))
    with stood.copied(tmp_path) as ledger:
        broken = _breaks_i8(ledger, stood.case)
        done = looked(stood.it, ledger, forge)
    assert [reason[:2] for reason in done.unreached] == ["I2", "I5", "I7"]
    assert [finding.row for finding in done.findings] == [broken]


def test_removed_rows_are_accepted_exactly_as_their_lines_say(stood: Stood, tmp_path: Path) -> None:
    key = f"{stood.case}-1-plot"
    after = stood.it.now + timedelta(seconds=1)
    detail = {"table": "effects", "cases": stood.case, "rows": "1", "before": after.isoformat()}
    purged = AuditEntry(at=after, actor="daemon", action="retention.purged", detail=detail)
    with stood.copied(tmp_path) as ledger:
        with ledger.database.writing() as connection:
            connection.execute(delete(effects).where(effects.c.key == key))
        assert [finding.row for finding in stood.looked(ledger).findings] == [f"effects {key}"]
        ledger.audit.append(replace(purged, detail={**detail, "cases": "another"}))
        assert [finding.row for finding in stood.looked(ledger).findings] == [f"effects {key}"]
        ledger.audit.append(purged)
        assert stood.looked(ledger).findings == ()


def test_the_policys_digest_follows_what_decides(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        before = policy_digest(it.settings())
        assert before == policy_digest(it.settings())
        it.extra["scope"] = {"deny": ["secrets/**"]}
        assert policy_digest(it.settings()) != before
