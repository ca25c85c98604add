"""Remembered: answers are kept for a day, so that a step which was killed after its answer does not pay for it twice.

A case's answers are one checkpoint, `answers/CASE`: its last few, each under the hash of the whole question, of the
rules around it and of the model that was asked. What failed is not kept. One case is worked on by one daemon at a
time, so nothing is written over.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from cases.asking import Answer, Question
from cases.ports import Clock, LanguageModel
from cases.stores import Checkpoints
from remediation.model.quoting import digest_of_rules

KEEP = timedelta(hours=24)
MOST = 24
"""Answers of one case that are kept: more than one step asks for, but the longest look around."""


class Remembered:
    """Any LanguageModel, with a memory. An answer from it costs nothing and says so."""

    def __init__(self, model: LanguageModel, checkpoints: Checkpoints, clock: Clock, keep: timedelta = KEEP) -> None:
        self._model = model
        self._checkpoints = checkpoints
        self._clock = clock
        self._keep = keep

    def describe(self, purpose: str) -> str:
        """The model behind it."""
        return self._model.describe(purpose)

    def probe(self) -> str:
        """The model behind it."""
        return self._model.probe()

    def ask(self, question: Question) -> Answer:
        """What was answered to just this question before, or what the model answers now."""
        key = f"answers/{question.case}"
        mark = self._mark(question)
        kept = self._kept(key)
        if mark in kept:
            found = kept[mark]["answer"]
            return Answer(content=found["content"], model=found["model"], usd=0.0, input_tokens=0, output_tokens=0)
        answer = self._model.ask(question)
        now = self._clock.now()
        # Read again: the case may have asked something else meanwhile, from another thread.
        entries = {**self._kept(key), mark: {"at": now.isoformat(), "answer": asdict(answer)}}
        newest = dict(list(entries.items())[-MOST:])
        self._checkpoints.put(key, json.dumps(newest).encode(), now)
        return answer

    def _kept(self, key: str) -> dict[str, Mapping[str, Any]]:
        blob = self._checkpoints.get(key)
        if blob is None:
            return {}
        entries: dict[str, Mapping[str, Any]] = json.loads(blob)
        oldest = self._clock.now() - self._keep
        return {mark: entry for mark, entry in entries.items() if datetime.fromisoformat(entry["at"]) > oldest}

    def _mark(self, question: Question) -> str:
        model = self._model.describe(question.purpose)
        whole = {"question": asdict(question), "model": model, "rules": digest_of_rules()}
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
