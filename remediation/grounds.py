"""Grounds: what speaks for a change, without figures, so that a no can be held against it later. Pure.

A remembered no falls only to evidence that it did not know: a link of a stronger kind, or another trace or setting.
Other words of the same kind are none, for whoever writes logs chooses words.
"""

import hashlib
import re
from collections.abc import Collection

from cases.case import Case
from cases.change import Change
from cases.diagnosis import Diagnosis, Suspect
from cases.outcome import Lesson

STRENGTH = ("timing", "words", "setting", "trace")
"""The kinds of link, weakest first."""
OWN = frozenset({"setting", "trace", "place"})
"""Kinds of ground of which another one is new evidence by itself."""
_FIGURES = re.compile(r"\b(0x)?[0-9a-f]*\d[0-9a-f]*\b|\d+")
_WORD = re.compile(r"[a-z]{3,}")
_ENDINGS = ("ings", "ing", "ed", "es", "s", "ly", "ion", "er")
ALIKE = 0.6
"""The share of stems in common from which two titles tell the same idea."""


def grounds_of(case: Case, blamed: str) -> tuple[str, ...]:
    """What speaks for a change that answers the commit `blamed`, or none ("")."""
    seen = {f"signal: {a.signal.name} {a.direction}" for a in case.anomalies}
    diagnosis = case.diagnosis
    if diagnosis is not None:
        suspect = next((s for s in diagnosis.suspects if s.commit.sha == blamed), None)
        seen |= {ground_of(suspect)} if suspect is not None else set()
        seen |= places_of(diagnosis)
    return tuple(sorted(seen))


def ground_of(suspect: Suspect) -> str:
    """What links a suspect to the trouble: its kind, and its words without figures."""
    return f"{suspect.linked_by or STRENGTH[0]}: {_plain(suspect.mechanism)}"


def places_of(diagnosis: Diagnosis) -> set[str]:
    """The places in the code that stack traces point at."""
    return {f"place: {h.path} {h.function} {h.exception}" for h in diagnosis.hypotheses if h.exception}


def is_new(grounds: Collection[str], lesson: Lesson) -> bool:
    """Whether these grounds hold evidence that an earlier no did not know. One that kept none knew all."""
    if not lesson.grounds:
        return False
    fresh = {ground for ground in grounds if ground not in lesson.grounds}
    if any(_kind(ground) in OWN for ground in fresh):
        return True
    before = max((_strength(ground) for ground in lesson.grounds), default=0)
    return any(_strength(ground) > before for ground in fresh)


def plan_of(change: Change) -> str:
    """The digest of what a change does to which files, whatever it stands on and whoever drafted it."""
    told = hashlib.sha256()
    for part in change.parts:
        told.update(f"{part.repository}\0".encode())
        for edit in sorted(part.edits, key=lambda edit: edit.path):
            content = b"\0removed" if edit.content is None else edit.content
            told.update(edit.path.encode("utf-8", "replace") + b"\0" + hashlib.sha256(content).digest())
    return told.hexdigest()[:16]


def alike(one: str, other: str) -> float:
    """The share of word stems that two texts have in common, in [0, 1]."""
    mine, theirs = _stems(one), _stems(other)
    return len(mine & theirs) / len(mine | theirs) if mine and theirs else 0.0


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(text.lower())}


def _stem(word: str) -> str:
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= 3), "")  # noqa: PLR2004 - letters
    return word.removesuffix(ending).rstrip("e")


def _plain(text: str) -> str:
    return " ".join(_FIGURES.sub("#", text.lower()).split())[:200]


def _kind(ground: str) -> str:
    return ground.partition(":")[0]


def _strength(ground: str) -> int:
    kind = _kind(ground)
    return STRENGTH.index(kind) if kind in STRENGTH else -1
