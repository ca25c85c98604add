"""Pinning back: the versions and their lock lines exactly as they were, and nothing else."""

import json
import re
from dataclasses import replace

import pytest

from cases.change import ChangeClass, Patch
from config.scope import in_scope
from config.settings import ScopeSettings
from remediation.drafting import CannotDraft, Drafting
from remediation.playbooks import pin
from remediation.playbooks.contract import kept
from remediation.values.refused import NotEditable
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import SHA, a_suspect
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.remediation.playbooks.ground import Ground, Trees, a_case
from tests.remediation.playbooks.test_drafters import ports_of

REQUIREMENTS = """\
# what runs
httpx[http2]==0.28.1 ; python_version >= "3.11" \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
pydantic==2.14.0 --hash=sha256:cccc
-r base.txt
"""
PYPROJECT = """\
[project]
name = "shop"
dependencies = ["httpx>=0.28,<1", "pydantic==2.14.0"]
[project.optional-dependencies]
dev = ["pytest==9.0"]
[tool.shop]
pool = 20
"""
UV_LOCK = """\
version = 1
[[package]]
name = "httpx"
version = "0.28.1"
wheels = [{ url = "https://files.example.com/httpx-0.28.1.whl", hash = "sha256:aaaa" }]
[[package]]
name = "pydantic"
version = "2.14.0"
"""
PACKAGE = json.dumps(
    {"name": "shop", "config": {"port": 80}, "dependencies": {"left-pad": "1.3.0", "ws": "^8.1.0"}}, indent=2
)
NPM_LOCK = json.dumps(
    {
        "lockfileVersion": 3,
        "packages": {"": {"name": "shop"}, "node_modules/left-pad": {"version": "1.3.0", "integrity": "sha512-a"}},
    },
    indent=2,
)
GO_MOD = """\
module example.com/shop

go 1.22

require (
	github.com/a/b v1.2.3
	golang.org/x/net v0.20.0 // indirect
)
"""
GO_SUM = "github.com/a/b v1.2.3 h1:aaaa=\ngithub.com/a/b v1.2.3/go.mod h1:bbbb=\n"
CARGO = (
    '[package]\nname = "shop"\n[dependencies]\nserde = { version = "1.0.200", features = ["derive"] }\ntokio = "1.38"\n'
)
CARGO_LOCK = '[[package]]\nname = "serde"\nversion = "1.0.200"\nchecksum = "aaaa"\n'

BUMPS = {
    "requirements": {"requirements.txt": (REQUIREMENTS, "0.28.1", "0.29.0")},
    "both": {
        "requirements.txt": (REQUIREMENTS.replace("0.28.1", "0.27"), "0.27", "0.29"),
        "constraints-dev.txt": ("a==1\n", "1", "2"),
    },
    "pyproject and lock": {
        "pyproject.toml": (PYPROJECT, "pydantic==2.14.0", "pydantic==2.15.0"),
        "uv.lock": (UV_LOCK, "2.14.0", "2.15.0"),
    },
    "package.json and lock": {
        "package.json": (PACKAGE, "1.3.0", "1.4.0"),
        "package-lock.json": (NPM_LOCK, "1.3.0", "1.4.0"),
    },
    "go": {"go.mod": (GO_MOD, "v1.2.3", "v1.3.0"), "go.sum": (GO_SUM, "v1.2.3", "v1.3.0")},
    "cargo": {"Cargo.toml": (CARGO, "1.0.200", "1.0.201"), "Cargo.lock": (CARGO_LOCK, "1.0.200", "1.0.201")},
    "lock alone": {"web/package-lock.json": (NPM_LOCK, "1.3.0", "1.4.0")},
}


def pinned_back(
    there: Ground,
    before: dict[str, str],
    after: dict[str, str],
    title: str = "Bump it",
    then: dict[str, str] | None = None,
) -> Drafting:
    there.commit("shop", "Begin", {path: text.encode() for path, text in before.items()}, 600)
    suspect = there.suspect(there.commit("shop", title, {path: text.encode() for path, text in after.items()}, 10))
    if then:
        there.commit("shop", "Later", {path: text.encode() for path, text in then.items()}, 5)
    with ports_of(there) as ports:
        return pin.drafter(a_case(suspect), ports, suspect)


def a_reason(drafted: Drafting) -> str:
    assert isinstance(drafted, CannotDraft), drafted
    return drafted.reason


@pytest.mark.parametrize("name", sorted(BUMPS))
def test_versions_are_told_from_all_else(name: str) -> None:
    before = {path: text.encode() for path, (text, _, _) in BUMPS[name].items()}
    after = {path: text.replace(old, new).encode() for path, (text, old, new) in BUMPS[name].items()}
    trees = Trees(before, after)
    bumps = list(pin.bumped(trees, "shop", trees.commit, sorted(before)))
    read = {path for path in before if not path.endswith("go.sum")}
    assert {bump.path for bump in bumps} == read
    for bump in bumps:
        _, old, new = BUMPS[name][bump.path]
        assert bump.before in old or old in bump.before
        assert bump.after in new or new in bump.after


def test_every_file_is_exactly_as_before(there: Ground) -> None:
    files = {f"{n}/{path}": held for n, name in enumerate(sorted(BUMPS)) for path, held in BUMPS[name].items()}
    files.pop(next(path for path in files if path.endswith("constraints-dev.txt")))
    before = {path: text for path, (text, _, _) in files.items()}
    after = {path: text.replace(old, new) for path, (text, old, new) in files.items()}
    patch = pinned_back(there, before, after)
    assert isinstance(patch, Patch), patch
    assert {edit.path: edit.content for edit in patch.lead.edits} == {p: t.encode() for p, t in before.items()}
    assert (patch.kind, patch.origin, patch.inverse_of) == (ChangeClass.PIN, pin.ORIGIN, patch.blames)
    assert kept(a_case(there.suspect(str(patch.blames))), patch, some_settings()) == patch
    assert pin.is_pin(patch)


def test_what_changed_since_elsewhere_in_the_files_stays(there: Ground) -> None:
    bumped = REQUIREMENTS.replace("0.28.1", "0.29.0")
    later = bumped.replace("-r base.txt", "-r base.txt\nuvicorn==0.54\n")
    patch = pinned_back(
        there, {"requirements.txt": REQUIREMENTS}, {"requirements.txt": bumped}, then={"requirements.txt": later}
    )
    assert isinstance(patch, Patch), patch
    assert [edit.content for edit in patch.lead.edits] == [later.replace("0.29.0", "0.28.1").encode()]


def test_only_this_playbook_may_touch_a_lock_file() -> None:
    assert in_scope(["uv.lock"], ScopeSettings(), lines=2, pins=True) == ()
    assert "lock file" in in_scope(["uv.lock"], ScopeSettings(), lines=2)[0]
    assert "always denied" in in_scope([".github/workflows/ci.yml"], ScopeSettings(), lines=2, pins=True)[0]


BUMPED = REQUIREMENTS.replace("0.28.1", "0.29.0")


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (REQUIREMENTS + "uvicorn==0.54\n", "it adds or removes a dependency"),
        (BUMPED + "uvicorn==0.54\n", "it adds or removes a dependency (uvicorn)"),
        (BUMPED.replace("-r base", "-r other"), "it changes more than versions"),
        (BUMPED.replace("cccc", "dddd"), "beside the version of pydantic"),
    ],
)
def test_what_is_more_than_versions_is_left(after: str, said: str) -> None:
    trees = Trees({"requirements.txt": REQUIREMENTS.encode()}, {"requirements.txt": after.encode()})
    with pytest.raises(NotEditable, match=re.escape(said)):
        list(pin.bumped(trees, "shop", trees.commit, ["requirements.txt"]))


@pytest.mark.parametrize(
    ("more", "title", "said"),
    [
        ({"shop.py": b"a = 2\n"}, "Bump httpx", "changed shop.py beside its pins: they may belong together"),
        ({}, "Bump httpx (CVE-2026-1234)", "speaks of security"),
        ({}, "Mend a vulnerability", "speaks of security"),
    ],
)
def test_code_that_came_with_it_and_security_keep_a_version(more: dict[str, bytes], title: str, said: str) -> None:
    trees = Trees({"requirements.txt": REQUIREMENTS.encode()}, {"requirements.txt": BUMPED.encode(), **more})
    suspect = replace(a_suspect(), commit=replace(trees.commit, title=title))
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head=SHA, forge=trees) as ports:
        assert said in a_reason(pin.drafter(a_case(suspect), ports, suspect))


def test_a_version_that_was_set_again_is_left(there: Ground) -> None:
    bumped, again = (REQUIREMENTS.replace("0.28.1", new) for new in ("0.29.0", "0.30.0"))
    drafted = pinned_back(
        there, {"requirements.txt": REQUIREMENTS}, {"requirements.txt": bumped}, then={"requirements.txt": again}
    )
    assert "was changed in the same place since" in a_reason(drafted)


def test_a_version_goes_back_beside_a_line_that_was_set_since(there: Ground) -> None:
    pins = "attrs==25.3.0\ntinymoney==1.4.2\nurllib3==2.2.3\n"
    bumped = pins.replace("2.2.3", "3.0.0")
    since = bumped.replace("1.4.2", "1.4.3")
    drafted = pinned_back(
        there, {"requirements.txt": pins}, {"requirements.txt": bumped}, then={"requirements.txt": since}
    )
    assert isinstance(drafted, Patch), drafted
    assert drafted.lead.edits[0].content == since.replace("3.0.0", "2.2.3").encode()
    assert (drafted.inverse_of, drafted.blames is not None, pin.is_pin(drafted)) == (None, True, True)
