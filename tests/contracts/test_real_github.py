"""The real GitHub, for whoever has a token: what `check` asks there, and nothing is written.

TRACKWALKER_GITHUB_TOKEN and TRACKWALKER_GITHUB_REPOSITORY (owner/name) say where; TRACKWALKER_GITHUB_API, for GitHub
Enterprise.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cases.marks import CiState
from remediation.forge.forge import GitForge
from remediation.forge.repository import ForgeRepository

TOKEN, NAME = os.environ.get("TRACKWALKER_GITHUB_TOKEN", ""), os.environ.get("TRACKWALKER_GITHUB_REPOSITORY", "")
API = os.environ.get("TRACKWALKER_GITHUB_API", "https://api.github.com")
BRANCH = os.environ.get("TRACKWALKER_GITHUB_BRANCH", "main")

pytestmark = pytest.mark.skipif(not TOKEN, reason="TRACKWALKER_GITHUB_TOKEN is not set")


@pytest.fixture
def forge(tmp_path: Path) -> GitForge:
    assert NAME.count("/") == 1, "set TRACKWALKER_GITHUB_REPOSITORY to owner/name"
    parts = urlsplit(API)
    site = f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"
    known = ForgeRepository(name="it", url=f"{site}/{NAME}.git", branch=BRANCH, full_name=NAME)
    return GitForge([known], API, lambda: TOKEN, tmp_path)


def test_what_is_allowed_is_told_for_each_permission(forge: GitForge) -> None:
    rows = forge.permissions("it")
    forge.close()
    assert {"the token is known", "the repository is visible"} <= {name for name, granted, _ in rows if granted}
    assert all(granted or words for _, granted, words in rows)
    assert TOKEN not in repr(rows)


def test_code_checks_and_rules_are_read(forge: GitForge) -> None:
    head = forge.head("it")
    found = forge.ci("it", head)
    rules = forge.rules("it")
    missing = forge.find_pull_request("it", "trackwalker/no-such-case-1")
    forge.close()
    assert (found.sha, missing) == (head, None)
    assert found.state in set(CiState)
    assert rules
