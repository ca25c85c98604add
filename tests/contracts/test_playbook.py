"""The contract of a playbook: our own and one from elsewhere keep the same suite, on real git.

Each is given a ground on which it has a change, and one on which it has none.
"""

import io
import tarfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cases.case import Case
from cases.change import Patch
from cases.diagnosis import Hypothesis, Suspect
from cases.logs import ErrorSeen, Frame, Trace
from remediation.draft import OF_A_SUSPECT, OF_NONE, of_a_suspect, of_none
from remediation.drafting import CannotDraft, Drafter
from remediation.edit.drafter import edit
from remediation.forge.forge import GitForge
from remediation.playbooks import close, flag, guard, image_tag, pin, plugged, restore, revert, revert_in_part, tune
from remediation.playbooks.contract import kept, known_evidence
from remediation.ports import Ports
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import NOW, SHA
from tests.parts.plug_in import PLAYBOOK, installed
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.remediation.playbooks.ground import Ground, a_case, ground
from tests.remediation.playbooks.test_drafters import CONFIG, GITOPS, SHOP, TUNE
from tests.remediation.playbooks.test_pin import UV_LOCK

CART = b"def total(cart):\n    if not cart:\n        return 0\n    return cart.items\n"
LEAKY = b"def load(path):\n    f = open(path)\n    return f.read()\n"
WRITES = frozenset({"push", "open_pull_request", "to_draft", "comment", "store_plot", "tree", "permissions"})
Files = Mapping[str | bytes, Any]


@dataclass(frozen=True, kw_only=True)
class Played:
    """A playbook and a ground: what it is asked about, by which settings, and what the logs hold."""

    drafter: Drafter
    case: Case
    suspect: Suspect | None
    service: Mapping[str, Any]
    seen: tuple[ErrorSeen, ...] = ()


@dataclass(frozen=True)
class SomeLogs:
    """Logs that raised just this."""

    seen: tuple[ErrorSeen, ...]

    def errors(self, *_: object) -> tuple[ErrorSeen, ...]:
        return self.seen

    def blind(self) -> str:
        return ""


def of_commits(there: Ground, drafter: Drafter, before: Files, after: Files, then: Files | None = None) -> Played:
    there.commit("shop", "Begin", before, 600)
    suspect = there.suspect(there.commit("shop", "Change it", after, 10))
    if then:
        there.commit("shop", "Later", then, 5)
    return Played(drafter=drafter, case=a_case(suspect), suspect=suspect, service={})


def of_a_trace(there: Ground, drafter: Drafter, source: bytes, exception: str, message: str) -> Played:
    there.commit("shop", "Begin", {"shop/cart.py": source}, 600)
    function, line = source.decode().split("(")[0].removeprefix("def "), len(source.splitlines())
    frame = Frame(file="/app/shop/cart.py", line=line, function=function)
    trace = Trace(exception=exception, message=message, frames=(frame,), language="python")
    seen = ErrorSeen(service="shop", signature="s", first=NOW, last=NOW, count=9, before=0, sample=message, trace=trace)
    where = Hypothesis(
        statement=f"{exception} is raised in shop/cart.py:{line} {function}()", path="shop/cart.py", line=line,
        function=function, evidence=("E1",), confidence=0.5, origin="stack trace", exception=exception,
    )  # fmt: skip
    case = a_case()
    assert case.diagnosis is not None
    case = replace(case, diagnosis=replace(case.diagnosis, hypotheses=(where,)))
    return Played(drafter=drafter, case=case, suspect=None, service={"reproduce": "./reproduce"}, seen=(seen,))


def a_tag(there: Ground) -> Played:
    good = there.commit("shop", "Begin", {"a.py": b"a = 1\n"}, 600)
    there.commit("gitops", "Begin", {"v.yaml": f"tag: {good}\n".encode()}, 590)
    suspect = there.suspect(there.commit("shop", "Break it", {"a.py": b"a = 2\n"}, 20))
    there.commit("gitops", "Bump", {"v.yaml": f"tag: {suspect.commit.sha}\n".encode()}, 10)
    played = Played(drafter=image_tag.drafter, case=a_case(suspect), suspect=suspect, service={"config": CONFIG})
    there.forge.head("gitops")
    return played


def a_rule(there: Ground) -> Played:
    there.commit("shop", "Begin", {"c.yaml": b"n: 20\n"}, 600)
    return Played(drafter=tune.drafter, case=a_case(), suspect=None, service={"tune": [TUNE]})


def from_elsewhere(there: Ground) -> Played:
    (drafter,) = plugged.drafters()
    return of_commits(there, drafter, {"greeting.txt": b"hi\n"}, {"greeting.txt": b"\n"})


GROUNDS: Mapping[str, Callable[[Ground], Played]] = {
    "image_tag": a_tag,
    "flag": lambda there: of_commits(there, flag.drafter, {"flags.yaml": b"a: off\n"}, {"flags.yaml": b"a: on\n"}),
    "pin": lambda there: of_commits(
        there, pin.drafter, {"uv.lock": UV_LOCK.encode()}, {"uv.lock": UV_LOCK.replace("2.14", "2.15").encode()}
    ),
    "restore": lambda there: of_commits(there, restore.drafter, {"c.yaml": b"n: 20\n"}, {"c.yaml": b"n: 2\n"}),
    "revert": lambda there: of_commits(there, revert.drafter, {"a.py": b"a = 1\n"}, {"a.py": b"a = 2\n"}),
    "revert_in_part": lambda there: of_commits(
        there,
        revert_in_part.drafter,
        {"a.py": b"alpha = 1\n", "b.py": b"beta = 1\n"},
        {"a.py": b"alpha = 2\n", "b.py": b"beta = 2\n"},
        {"b.py": b"beta = 3\n"},
    ),
    "tune": a_rule,
    "guard": lambda there: of_a_trace(
        there, guard.drafter, CART, "AttributeError", "'NoneType' object has no attribute 'items'"
    ),
    "close": lambda there: of_a_trace(there, close.drafter, LEAKY, "OSError", "[Errno 24] Too many open files"),
    "from elsewhere": from_elsewhere,
}


class Watched:
    """A forge whose every call is noted; what writes is refused."""

    def __init__(self, forge: GitForge) -> None:
        self._forge = forge
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> object:
        if name in WRITES:
            raise AssertionError(f"a playbook called {name}")
        self.called.add(name)
        return getattr(self._forge, name)


@contextmanager
def ports_of(there: Ground, played: Played, **settings: Any) -> Generator[Ports]:  # noqa: ANN401 - keys of settings
    services = [{"name": "shop", "repository": "shop", **played.service}]
    known = some_settings(repositories=[SHOP, GITOPS], services=services, **settings)
    forge: Any = Watched(there.forge)
    with some_ports(settings=known, sandbox=ScriptedSandbox({}), head=SHA, forge=forge) as ports:
        yield replace(ports, logs=SomeLogs(played.seen))


def drafted(there: Ground, played: Played) -> Patch:
    with ports_of(there, played) as ports:
        drafting = played.drafter(played.case, ports, played.suspect)
    assert isinstance(drafting, Patch), drafting
    return drafting


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Ground]:
    made = ground(tmp_path)
    yield made
    made.forge.close()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path) -> Iterator[None]:
    with installed(tmp_path / "site", {"greeter": PLAYBOOK}, {"greeter": "greeter:Greeter"}):
        yield


@pytest.fixture(params=sorted(GROUNDS))
def played(request: pytest.FixtureRequest, there: Ground) -> Played:
    made = GROUNDS[request.param](there)
    there.forge.head("shop")
    return made


def files_of(tar: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as packed:
        return {m.name: (packed.extractfile(m) or io.BytesIO()).read() for m in packed.getmembers() if m.isfile()}


def test_a_playbook_keeps_its_contract(there: Ground, played: Played) -> None:
    patch = drafted(there, played)
    case, forge = played.case, there.forge

    # the tree is the base with the edits, and the diff is theirs
    for part in patch.parts:
        before, after = (files_of(forge.tree(part.repository, part.base, e)) for e in ((), part.edits))
        differing = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        assert differing == set(part.paths)
        assert replace(forge.part(part.repository, part.base, part.edits), runs=part.runs) == part
        assert forge.head(part.repository) == part.base

    # it promises what the case is about
    anomaly = case.anomaly
    assert patch.promise.signal == anomaly.signal.key
    assert patch.promise.direction is anomaly.direction.opposite
    assert (patch.promise.before, patch.promise.after) == (anomaly.value, anomaly.expected)

    # what it cites is there, and what it answers is who was asked about
    assert kept(case, patch, some_settings()) == patch
    assert patch.blames in {None, played.suspect.commit.sha if played.suspect else None}
    assert (patch.number, patch.rolls_back) == (1, None)
    assert patch.title.isprintable()
    assert patch.summary

    # the same question has the same answer
    assert drafted(there, played) == patch

    # out of scope it is refused, with the path and the rule
    path = patch.lead.paths[0]
    refused = kept(case, patch, some_settings(scope={"deny": [path]}))
    assert isinstance(refused, CannotDraft)
    assert f"{path}: denied by scope.deny" in refused.reason

    # what it is not about it leaves to others, and says nothing
    other = there.suspect(there.commit("shop", "Elsewhere", {"docs/x.bin": b"\x00"}, 3))
    with ports_of(there, replace(played, seen=(), service={})) as ports:
        assert played.drafter(a_case(), ports, None if played.suspect else other) == CannotDraft()


@pytest.mark.parametrize(
    ("drafter", "path", "before", "after"),
    [
        (restore.drafter, "c.yaml", b"api_key: abcdefgh1\n", b"api_key: abcdefgh2\n"),
        (revert.drafter, "a.py", b"KEY = 'AKIAABCDEFGHIJKLMNOP'\n", b"KEY = ''\n"),
    ],
)
def test_a_secret_is_put_back_by_nobody(
    there: Ground, drafter: Drafter, path: str, before: bytes, after: bytes
) -> None:
    played = of_commits(there, drafter, {path: before}, {path: after})
    with ports_of(there, played) as ports:
        drafting = kept(played.case, played.drafter(played.case, ports, played.suspect), ports.settings)
    assert isinstance(drafting, CannotDraft)
    assert "secret" in drafting.reason or "AWS key" in drafting.reason
    assert "AKIA" not in drafting.reason
    assert "abcdefgh" not in drafting.reason


def test_what_it_says_without_ground_is_refused(there: Ground) -> None:
    played = GROUNDS["restore"](there)
    there.forge.head("shop")
    patch = drafted(there, played)
    refused = kept(played.case, replace(patch, because="E77 says so"), some_settings())
    assert isinstance(refused, CannotDraft)
    assert "it cites E77, and there is no such evidence" in refused.reason
    assert "E77" not in known_evidence(played.case)
    refused = kept(played.case, replace(patch, promise=replace(patch.promise, signal="x/y")), some_settings())
    assert isinstance(refused, CannotDraft)
    assert "not what the case is about" in refused.reason


def test_every_playbook_of_ours_is_in_the_suite() -> None:
    ours = {drafter for drafter in (*OF_A_SUSPECT, *OF_NONE) if drafter is not edit}
    assert len(ours) == len(GROUNDS) - 1
    names = [getattr(drafter, "__module__", "") for drafter in of_a_suspect()]
    assert names.index("remediation.playbooks.plugged") == names.index("remediation.playbooks.revert") - 1
    assert len(of_none()) == len(OF_NONE) + 1
