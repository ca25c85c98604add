"""What an idea turns, as a digest: by it the same idea is known again, whoever had it and however it is told."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import cast

from cases.hypothesis import Hypothesis, Turn, as_json

CODE = "code"
"""The kind of a hypothesis that brings a patch."""
CATALOGUE = "catalogue:"
"""How the origin of a hypothesis begins that was made without a model."""
_CHANGED = re.compile(r"^[+-](?![+-]{2} )(.*)$", re.MULTILINE)


def grounds_of_case(hypothesis: Hypothesis, segment: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What the lesson of its experiment keeps among its grounds: see `remediation.experiments.marks`."""
    origin = hypothesis.origin
    kind = origin.removeprefix(CATALOGUE) if origin.startswith(CATALOGUE) else CODE if hypothesis.turn.patch else ""
    turn = turn_of(hypothesis.prediction.signal, hypothesis.turn)
    kept = (f"goal: {hypothesis.goal}", f"lever: {hypothesis.turn.lever}", f"turn: {turn}")
    return (*kept, *([f"kind: {kind}"] if kind else []), *([f"segment: {told(segment)}"] if segment else []))


def told(segment: Mapping[str, tuple[str, ...]]) -> str:
    """Whom a goal is about in one line, the same for the same users: JSON with everything sorted."""
    return json.dumps({name: sorted(values) for name, values in segment.items()}, sort_keys=True)


def untold(text: str) -> dict[str, tuple[str, ...]]:
    """What `told` was told of; empty, which is everybody, for "" and for what it never told."""
    try:
        kept: object = json.loads(text) if text else {}
    except ValueError:
        return {}
    fields = cast("dict[str, object]", kept) if isinstance(kept, dict) else {}
    return {
        name: tuple(str(value) for value in cast("list[object]", values))
        for name, values in fields.items()
        if isinstance(values, list)
    }


def turn_of(signal: str, turn: Turn) -> str:
    """The digest of what is turned, in the service of the signal: whoever had the idea, and however it is told."""
    # Of a patch only the lines that change count: it is the same one when what is around them has moved.
    changed = [" ".join(line.split()) for line in _CHANGED.findall(turn.patch)]
    told = (signal.partition("/")[0], turn.flag, as_json(json.loads(turn.treated)), changed)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
