"""I4 and lock files: a pin that was put back may have touched one, and nothing else may."""

from dataclasses import replace

from cases.change import ChangeClass, FileEdit, Patch
from cases.steps import PushBranch
from daemon.invariants.pushes import outside_scope
from remediation.playbooks import pin
from tests.parts.nouns import CULPRIT, SHA, a_change
from tests.parts.settings import some_settings

EDITS = (FileEdit(path="uv.lock", content=b""), FileEdit(path="pyproject.toml", content=b""))


def outside(patch: Patch) -> tuple[str, ...]:
    push = PushBranch(key="k", repository="shop", branch="trackwalker/a-1", base=SHA, edits=EDITS, message="m")
    return outside_scope(push, patch, some_settings(), same=True)


def test_a_pin_may_have_touched_its_lock_file() -> None:
    part = replace(a_change().lead, edits=EDITS)
    patch = replace(a_change(), kind=ChangeClass.PIN, origin=pin.ORIGIN, blames=CULPRIT, parts=(part,))
    assert outside(patch) == ()
    for other in (replace(patch, origin="plug-in:pin"), replace(patch, kind=ChangeClass.EDIT)):
        (reason,) = outside(other)
        assert reason.startswith("uv.lock: always denied")
    code = replace(part, edits=(*EDITS, FileEdit(path="a.py", content=b"")))
    assert outside(replace(patch, parts=(code,))) != ()
