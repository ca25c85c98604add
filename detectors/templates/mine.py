"""The miner: blocks of log lines in, a template id for each line out; bounded, and the same for the same blocks.

A line whose key was seen before costs a look into a dictionary. The others of a block are looked at together, so that
what differs between them is known before any of them gets its id. Ids count up from 0 in order of appearance; an id
never changes its meaning, but two templates that turn out to be one go on under the older id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cases.redaction import redacted
from cases.telemetry import Mask
from detectors.blocks import goes_on
from detectors.stacks import clean
from detectors.templates.groups import Groups
from detectors.templates.keys import keys_of
from detectors.templates.levels import Level, level_of
from detectors.templates.look import looked
from detectors.templates.tokens import Tokens, gaps_of, text_of, tokens_of
from detectors.templates.wholes import Wholes

Ids = npt.NDArray[np.int64]

MOST_TEMPLATES = 10_000
"""Beyond, those that were not seen for the longest time are dropped; they get a new id when they come again."""

MOST_KEYS = 200_000
"""Kinds of line that are known by heart."""

_MOST_KEY_BYTES = 64 << 20
_PIECE = 1 << 18
_LONGEST_LINE = 1 << 16  # bytes of a line that are looked at
_LONGEST_KEY = 1 << 16  # a line with a longer one is looked at each time
_LONGEST_SAMPLE, _LONGEST_TEXT = 500, 1_000
_KEPT = 0.9  # of the templates, when some are dropped
_GOES_ON = -1


@dataclass(slots=True)
class Template:
    """What some lines have in common.

    text    with `<*>` for each value, redacted
    count   how many entries had it: the further lines of a stack trace are not counted
    sample  the first of them, redacted, on one line, capped
    level   what the first of them was logged at
    """

    id: int
    text: str
    count: int
    sample: str
    level: Level
    tokens: Tokens
    gaps: tuple[bool, ...]
    seen: int
    """The number of the block that it was last seen in."""


class Miner:
    """Keeps templates, `most` of them. Used by one thread at a time."""

    def __init__(self, most: int = MOST_TEMPLATES, most_keys: int = MOST_KEYS) -> None:
        self.forgotten = 0
        """Templates that were dropped to keep within `most`."""
        self.united: list[tuple[int, int]] = []
        """The ids that the last block made one with an older one: (lost, kept)."""
        self._most = most
        self._most_keys = most_keys
        self._groups = Groups()
        self._numbers: dict[bytes, int] = {}  # by key: the line's number in the groups
        self._key_bytes = 0
        self._found: dict[int, Template] = {}  # by the number that its group goes by
        self._ids: Ids = np.zeros(0, dtype=np.int64)  # of each number
        self._next = 0
        self._fed = 0
        self._last = -1  # the id of the line before
        self._wholes = Wholes()

    def feed(self, block: bytes) -> Ids:
        """The template id of each line of a block, in order. A newline ends a line, with or without a `CR` before it.

        The further lines of a stack trace have the id of the line that they belong to.
        """
        if not block:
            return np.zeros(0, dtype=np.int64)
        self._fed += 1
        self.united.clear()
        self._make_room()
        block = block.removesuffix(b"\n")
        keys = _keys(block)
        numbers = list(map(self._numbers.get, keys))
        heads = np.ones(len(numbers), dtype=np.bool_)
        unsure = [place for place, number in enumerate(numbers) if number is None or number < 0]
        if unsure or self._wholes.is_open:
            lines = block.split(b"\n")
            heads[self._within(lines, keys, numbers, unsure)] = False
            self._learn(lines, keys, numbers, unsure)
        else:
            self._wholes.end(_text(block[block.rfind(b"\n") + 1 :]))
        ids = _as_before(self._ids[np.array(numbers, dtype=np.int64)], heads, self._last)
        self._count(ids[heads])
        self._last = int(ids[-1])
        return ids

    def templates(self) -> tuple[Template, ...]:
        """All that are kept, the most frequent first."""
        return tuple(sorted(self._found.values(), key=lambda one: (-one.count, one.id)))

    def document(self) -> dict[str, Any]:
        """What it knows of templates as JSON has it."""
        return {
            "next": self._next,
            "fed": self._fed,
            "forgotten": self.forgotten,
            "templates": [
                [
                    one.id,
                    one.text,
                    one.count,
                    one.sample,
                    one.level,
                    one.tokens,
                    [int(gap) for gap in one.gaps],
                    one.seen,
                ]
                for one in self._found.values()
            ],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any], most: int = MOST_TEMPLATES, most_keys: int = MOST_KEYS) -> "Miner":
        """The miner that was written: its templates keep their ids, and new ones get others than it ever gave."""
        miner = cls(most, most_keys)
        miner._next, miner._fed, miner.forgotten = document["next"], document["fed"], document["forgotten"]
        miner._begin_with(
            [
                Template(
                    id=number,
                    text=text,
                    count=count,
                    sample=sample,
                    level=Level(level),
                    tokens=tuple(tokens),
                    gaps=tuple(bool(gap) for gap in gaps),
                    seen=seen,
                )
                for number, text, count, sample, level, tokens, gaps, seen in document["templates"]
            ]
        )
        return miner

    def _within(
        self, lines: Sequence[bytes], keys: Sequence[bytes], numbers: list[int | None], unsure: Sequence[int]
    ) -> list[int]:
        """The places of lines that go on with the one before; their number, which is not used, becomes 0.

        `unsure` are the places without a number, or where it depends on the line before.
        """
        by_form: dict[bytes, bool] = {}
        may: list[int] = []
        for place in unsure:
            key = keys[place]
            form = True if numbers[place] is not None else by_form.get(key)
            if form is None:
                form = by_form[key] = goes_on(_text(lines[place]))
            if form:
                may.append(place)
        found = self._wholes.parts(lines, may, first=self._last < 0)
        for place in found:
            if by_form.get(keys[place]):
                self._remember(keys[place], _GOES_ON)
            numbers[place] = 0
        return found

    def _learn(
        self, lines: Sequence[bytes], keys: Sequence[bytes], numbers: list[int | None], unsure: Sequence[int]
    ) -> None:
        """Give each line that was not seen before its number, and each new template its id."""
        first: dict[int, str] = {}
        fresh: dict[bytes, int] = {}
        for place in unsure:
            number = numbers[place]
            if number is None or number == _GOES_ON:
                key = keys[place]
                given = fresh.get(key)
                if given is None:
                    text = _text(lines[place])
                    given = fresh[key] = self._groups.add(tokens_of(looked(text)))
                    first.setdefault(given, text)
                    self._remember(key, given)
                numbers[place] = given
        self._groups.settle()
        self._unite()
        find = self._groups.find
        for number in sorted(first):
            root = find(number)
            if root not in self._found:
                self._found[root] = self._template(root, first[number])
        ids = [self._found[find(number)].id for number in range(len(self._ids), self._groups.size)]
        self._ids = np.append(self._ids, np.array(ids, dtype=np.int64))

    def _unite(self) -> None:
        """Let templates whose groups became one be one, under the older id."""
        gone = [number for number in self._found if self._groups.find(number) != number]
        for number in gone:
            lost, kept = self._found.pop(number), self._found.get(self._groups.find(number))
            if kept is None:
                raise RuntimeError("a group's oldest line had no template")
            self.united.append((lost.id, kept.id))
            kept.count += lost.count
            kept.seen = max(kept.seen, lost.seen)
            self._ids[self._ids == lost.id] = kept.id
        for number, template in self._found.items():
            tokens = self._groups.tokens[number]
            if tokens is not None and tokens is not template.tokens:
                template.tokens, template.text = tokens, _shown(tokens, template.gaps)

    def _template(self, root: int, line: str) -> Template:
        tokens, gaps = self._groups.tokens[root] or (), gaps_of(looked(line))
        self._next += 1
        return Template(
            id=self._next - 1,
            text=_shown(tokens, gaps),
            count=0,
            sample=redacted(clean(line, _LONGEST_SAMPLE)),
            level=level_of(line),
            tokens=tokens,
            gaps=gaps,
            seen=self._fed,
        )

    def _count(self, ids: Ids) -> None:
        counts = np.bincount(ids, minlength=self._next)
        for template in self._found.values():
            if counts[template.id]:
                template.count += int(counts[template.id])
                template.seen = self._fed

    def _remember(self, key: bytes, number: int) -> None:
        if len(key) <= _LONGEST_KEY:
            self._numbers[key] = number
            self._key_bytes += len(key)

    def _make_room(self) -> None:
        """Drop templates beyond the most there may be, and forget keys when there are too many. Ids stay."""
        crowded = len(self._found) > self._most
        if not crowded and len(self._numbers) <= self._most_keys and self._key_bytes <= _MOST_KEY_BYTES:
            return
        kept = sorted(self._found.values(), key=lambda one: (-one.seen, -one.count, one.id))
        if crowded:
            kept = kept[: int(self._most * _KEPT)]
            self.forgotten += len(self._found) - len(kept)
        self._begin_with(kept)

    def _begin_with(self, kept: Sequence[Template]) -> None:
        """Know these templates and nothing else."""
        kept = sorted(kept, key=lambda one: one.id)
        self._groups = Groups()
        self._found = {self._groups.add(template.tokens): template for template in kept}
        self._groups.settle()
        self._ids = np.array([template.id for template in kept], dtype=np.int64)
        self._unite()
        self._numbers.clear()
        self._key_bytes = 0


def _keys(block: bytes) -> list[bytes]:
    """The keys of the lines, made in pieces that fit the processor's cache."""
    keys: list[bytes] = []
    place = 0
    while len(block) - place > _PIECE:
        end = block.rfind(b"\n", place, place + _PIECE)
        end = block.find(b"\n", place) if end < 0 else end
        if end < 0:
            break
        keys += keys_of(block[place:end])
        place = end + 1
    keys += keys_of(block[place:])
    return keys


def _text(line: bytes) -> str:
    return line[:_LONGEST_LINE].decode("utf-8", "replace")


def _shown(tokens: Tokens, gaps: Sequence[bool]) -> str:
    return redacted(clean(text_of(tokens, gaps), _LONGEST_TEXT))


def _as_before(ids: Ids, heads: Mask, last: int) -> Ids:
    """Each id, or where a line is no head that of the line before."""
    if heads.all():
        return ids
    place = np.maximum.accumulate(np.where(heads, np.arange(len(ids)), -1))
    return np.where(place < 0, last, ids[place])
