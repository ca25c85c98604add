"""Automation that sets an image's tag by itself, and would set it again after it was put back."""

import re
from collections.abc import Sequence

from cases.diagnosis import Commit
from cases.ports import Forge
from remediation.neutral import neutral

_FLUX = re.compile(r"#\s*\{\s*\"\$imagepolicy\"")
_ARGO = "argocd-image-updater.argoproj.io/"
_ARGO_FILE = re.compile(r"(^|/)\.argocd-source-[^/]*\.yaml$")
_HINT = re.compile(r"#\s*renovate:")
_BOTS = (
    (re.compile(r"flux(cd)?-?(bot|image)?", re.IGNORECASE), "Flux", "suspend the image policy"),
    (re.compile(r"argocd-image-updater", re.IGNORECASE), "Argo CD Image Updater", "take its annotations off"),
    (re.compile(r"renovate(-bot|\[bot\])?", re.IGNORECASE), "Renovate", "disable it for this image"),
    (re.compile(r"dependabot(\[bot\])?", re.IGNORECASE), "Dependabot", "ignore this image in its settings"),
)
_RENOVATE = (
    "renovate.json", "renovate.json5", ".github/renovate.json", ".github/renovate.json5", ".gitlab/renovate.json",
    ".renovaterc", ".renovaterc.json",
)  # fmt: skip
_DEPENDABOT = (".github/dependabot.yml", ".github/dependabot.yaml")


def bumped_again(content: bytes, line: int, setters: Sequence[Commit]) -> str:
    """What in the file or its history sets the tag by itself, as a reason to ask a human first; "" for nothing.

    `line` (from 1) has the tag; `setters` are the commits that set it, newest first.
    """
    text = content.decode("utf-8", "replace")
    lines = text.splitlines()
    near = lines[max(0, line - 2) : line]
    if near and _FLUX.search(near[-1]):
        return "Flux would set it again: suspend the image policy first"
    if _ARGO in text or any(_ARGO_FILE.search(path) for commit in setters for path in commit.files):
        return "Argo CD Image Updater would set it again: take its annotations off the application first"
    if any(_HINT.search(comment) for comment in near):
        return "Renovate would set it again: disable it for this image first"
    for commit in setters[:1]:
        for author, name, first in _BOTS:
            if author.fullmatch(commit.author.strip()):
                return f"{name} set it ({commit.short}) and would set it again: {first} first"
    return ""


def configured_updater(forge: Forge, repository: str, head: str, path: str) -> str:
    """Whether Renovate's or Dependabot's own settings in the repository name the file; the reason, or ""."""
    folder = path.rpartition("/")[0]
    for known, settings in (("Renovate", _RENOVATE), ("Dependabot", _DEPENDABOT)):
        for at in settings:
            content = forge.read(repository, head, at)
            text = content.decode("utf-8", "replace") if content else ""
            words = (path, f"/{folder}", folder) if folder else (path,)
            if any(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text) for word in words):
                return f"{known} would propose it again: {at} names {neutral(path, 80)} "
    return ""
