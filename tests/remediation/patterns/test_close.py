"""Opening by `with`: what uses the resource goes under it, and nothing else changes."""

import pytest

from remediation.patterns.close import closed
from remediation.patterns.mended import Mended
from remediation.playbooks.python_edit import beyond_the_pattern

LOAD = '''\
import json


def load(path):
    """Read it."""
    # open it
    f = open(path, encoding="utf-8")  # once
    text = """
  as it is
"""
    found = json.load(f)

    # what else
    found["text"] = text
    f.close()
    return found


def other():
    return 1
'''
LOADED = '''\
import json


def load(path):
    """Read it."""
    # open it
    with open(path, encoding="utf-8") as f:  # once
        text = """
  as it is
"""
        found = json.load(f)

        # what else
        found["text"] = text
    return found


def other():
    return 1
'''


def test_all_that_uses_it_goes_under_it() -> None:
    mended = closed(LOAD, "load")
    assert isinstance(mended, Mended), mended
    assert mended.source == LOADED
    assert beyond_the_pattern(LOAD, mended.source) == ""
    assert closed(LOAD, "other") == mended  # the file is looked through where the function has none


SESSION = "s = requests.Session()\n    r = s.get(p)\n    return r.json()"
CONNECTION = "c = self.engine.connect()\n    rows = c.execute(q).all()\n    return rows"
INNER = "if p:\n        f = Path(p).open()\n        print(f.read())\n    return 1"


@pytest.mark.parametrize(
    ("body", "becomes"),
    [
        ("f = open(p)\n    return f.read()", "with open(p) as f:\n        return f.read()"),
        (SESSION, "with requests.Session() as s:\n        r = s.get(p)\n    return r.json()"),
        (CONNECTION, "with self.engine.connect() as c:\n        rows = c.execute(q).all()\n    return rows"),
        (INNER, "if p:\n        with Path(p).open() as f:\n            print(f.read())\n    return 1"),
    ],
)
def test_each_kind_of_resource(body: str, becomes: str) -> None:
    mended = closed(f"def load(self, p, q):\n    {body}\n", "load")
    assert isinstance(mended, Mended), mended
    assert mended.source == f"def load(self, p, q):\n    {becomes}\n"


@pytest.mark.parametrize(
    "body",
    [
        "f = open(p)\n    return f",
        "f = open(p)\n    yield f",
        "self.f = f = open(p)\n    f.read()",
        "f = open(p)\n    self.f = f",
        "f = open(p)\n    files.append(f)",
        "f = open(p)\n    xs = [f]",
        "f = open(p)\n    g = lambda: f.read()",
        "f = open(p)\n    try:\n        f.read()\n    finally:\n        f.close()",
        "f = open(p)\n    with f:\n        f.read()",
        "f = open(p)\n    f.close()",
        "with open(p) as f:\n        f.read()",
        "c = sqlite3.connect(p)\n    c.execute('x')",
        "if p:\n        f = open(p)\n    f.read()",
        "f = open(p)",
    ],
)
def test_what_leaves_the_function_or_is_closed_is_left(body: str) -> None:
    assert closed(f"def load(self, p):\n    {body}\n", "load") == "nothing is opened there that stays open"


def test_several_leaks_are_a_humans() -> None:
    source = "def load(p):\n    f = open(p)\n    g = open(p)\n    print(f.read(), g.read())\n"
    assert closed(source, "load") == "2 resources are not closed there"
    assert closed("def load(:\n", "load") == "the file does not parse"
