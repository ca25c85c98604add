"""The search for an edit in real containers: real pytest, real sed and grep, and nothing that leaves them."""

import os
from collections.abc import Iterator

import pytest

from cases.change import Patch
from remediation.edit.drafter import edit
from sandbox.docker import DockerSandbox
from tests.parts.dockerd import base_image, containers
from tests.parts.models import Said, TalkingModel
from tests.parts.nouns import SHA
from tests.parts.old_shop import LINE, MENDED, PRICING, SHOWN, TESTS
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.parts.shelf import ShelfForge
from tests.remediation.edit.test_candidates import DONE, FOUND, WRONGS, a_case

OWNER = f"search-{os.getpid()}"
FILES = {
    "shop/pricing.py": PRICING,
    "shop/__init__.py": "",
    "tests/test_pricing.py": TESTS,
    "it's $(id).py": "odd = 1\n",
}


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    assert containers(f"trackwalker.owner={OWNER}") == set()


@pytest.mark.long
def test_two_edits_fail_and_a_model_that_looks_around_finds_one() -> None:
    actions: list[Said] = [
        {"action": "search", "text": "Decimal(float"},
        {"action": "search", "text": "$(id) `id` '\"; id #"},
        {"action": "read", "path": "shop/pricing.py", "first": 4, "last": 6},
        {"action": "read", "path": "it's $(id).py", "first": 1, "last": 9},
        {"action": "run", "command": "test"},
        FOUND,
        {"action": "run", "command": "test"},
        DONE,
    ]
    model = TalkingModel({"reproduce": [SHOWN], "edit": WRONGS, "loop": actions})
    address = {"url": "http://127.0.0.1:9/acme/shop.git", "full_name": "acme/shop"}
    settings = some_settings(
        repositories=[{"name": "shop", **address, "sandbox": {"image": base_image(), "timeout": "1m"}}],
        edits={"loop": {"turns": 9}},
    )
    sandbox = DockerSandbox(owner=OWNER)
    with some_ports(settings=settings, sandbox=sandbox, head=SHA, forge=ShelfForge(FILES), model=model) as ports:
        drafting = edit(a_case(), ports, None)
    sandbox.close()
    assert isinstance(drafting, Patch), drafting
    assert drafting.lead.edits[0].content == PRICING.replace(LINE, f"return {MENDED}").encode()
    assert drafting.lead.paths == ("shop/pricing.py", "tests/test_decimal_comma.py")
    turns = {m.title.split(":")[0]: m.text for m in model.asked[-1].material if m.title.startswith("Turn ")}
    assert turns["Turn 1"] == "./shop/pricing.py:6:    return Decimal(float(text))"
    assert turns["Turn 2"] == "nothing was found"
    assert turns["Turn 3"].splitlines()[-1] == "    return Decimal(float(text))"
    assert turns["Turn 4"] == "odd = 1"
    assert "failed: tests.test_decimal_comma::test_a_comma_is_a_decimal_point" in turns["Turn 5"]
    assert turns["Turn 7"].startswith("exited, exit 0")
