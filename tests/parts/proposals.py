"""A proposal on a forge, in one call: what the tests of pull requests begin with."""

from datetime import UTC, datetime

from cases.change import FileEdit
from cases.ports import Forge
from tests.parts.hub import FIRST, World

BRANCH = "trackwalker/case1-1"
START = datetime.fromtimestamp(FIRST, tz=UTC)
LABELS = ("trackwalker", "trackwalker:revert")


def edit(content: bytes | None = b"limit = 20\n", path: str = "shop/cart.py") -> FileEdit:
    return FileEdit(path=path, content=content)


def proposed(there: World, forge: Forge, branch: str = BRANCH, *, draft: bool = False) -> int:
    forge.push("shop", branch, there.hub.tip(), [edit()], "Raise the limit\n")
    return int(forge.open_pull_request("shop", branch, "Raise the limit", "Why.", LABELS, draft=draft).facts["number"])


def said(there: World, number: int, body: str, login: str = "reviewer") -> int:
    """A comment by a person; its id."""
    made = there.ask("POST", f"/issues/{number}/comments", login, json={"body": body})
    assert made.status_code == 201
    return int(made.json()["id"])
