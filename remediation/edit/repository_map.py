"""The map of a repository, for when no stack trace leads into it: which file defines what, the likeliest first.

Files are ranked by the words of the diagnosis, spread along who refers to whose definitions, as a surfer's place is
reckoned among pages that link to each other: what the named code calls counts as well. The map holds heads of
functions, never bodies, and no more characters than its budget.
"""

import io
import math
import re
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from config.scope import in_scope
from config.settings import ScopeSettings
from remediation.edit.code import is_test
from remediation.edit.grammar import Definition, definitions, known

MOST_FILES = 2000  # that are read, the shallowest first: what is vendored lies deep
LARGEST = 200_000  # bytes of one of them
MOST_BYTES = 16_000_000  # of all of them
BUDGET = 6_000  # characters of the map, some 2,000 tokens
MOST_OF_A_FILE = 10  # definitions of one file that are shown, those first that have a word of the diagnosis
MOST_HOMES = 24  # files that define the same name: of more, none is meant
LONGEST_HEAD = 110
FOREIGN = frozenset({"vendor", "node_modules", "third_party", "dist", "build", "site-packages"})
TURNS, DAMPING = 12, 0.2  # most of a place is its own words: what everybody calls is seldom what is broken
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,60}")
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of the tree that a grammar reads."""

    path: str
    lines: Sequence[str]
    definitions: Sequence[Definition]
    words: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryMap:
    """The text of the map, the files that are in it, best first, and how many there are to choose from."""

    text: str
    paths: tuple[str, ...]
    files: int


def repository_map(tree: bytes, words: Sequence[str], scope: ScopeSettings, budget: int = BUDGET) -> RepositoryMap:
    """Draw the map of an uncompressed tar of the repository. `words` are what the diagnosis names."""
    sources = tuple(_sources(tree, scope))
    wanted = _pieces(words)
    places = _ranked(sources, wanted)
    text: list[str] = []
    paths: list[str] = []
    left = budget
    for number in places:
        block = _block(sources[number], wanted)
        if len(block) + 1 > left:
            continue
        text.append(block)
        paths.append(sources[number].path)
        left -= len(block) + 1
    return RepositoryMap(text="\n".join(text), paths=tuple(paths), files=len(sources))


def _sources(tree: bytes, scope: ScopeSettings) -> Iterator[Source]:
    with tarfile.open(fileobj=io.BytesIO(tree), mode="r:") as tar:
        members = [member for member in tar if member.isfile() and _is_code(member, scope)]
        members.sort(key=lambda member: (member.name.count("/"), member.name))
        left = MOST_BYTES
        for member in members[:MOST_FILES]:
            left -= member.size
            file = tar.extractfile(member)
            if left < 0 or file is None:
                return
            content = file.read()
            found = definitions(member.name, content)
            if found:
                text = content.decode(errors="replace")
                words = Counter(_WORD.findall(text))
                yield Source(path=member.name, lines=text.split("\n"), definitions=found, words=words)


def _is_code(member: tarfile.TarInfo, scope: ScopeSettings) -> bool:
    """Whether an edit might be about it: source that is no test, not somebody else's, and in scope."""
    path = member.name
    foreign = not FOREIGN.isdisjoint(path.split("/")[:-1])
    if foreign or not known(path) or member.size > LARGEST or is_test(path):
        return False
    return not in_scope((path,), scope, lines=0)


def _pieces(words: Sequence[str]) -> frozenset[str]:
    """Words as they are compared: `CheckoutError` and `checkout_error` have the same two pieces."""
    return frozenset[str]().union(*(_pieces_of(word) for word in words))


@lru_cache(maxsize=65_536)
def _pieces_of(word: str) -> frozenset[str]:
    pieces = (piece.lower() for piece in _PIECE.findall(word))
    return frozenset(piece for piece in pieces if len(piece) > 2)  # noqa: PLR2004 - `id` and `to` tell nothing


def _ranked(sources: Sequence[Source], wanted: frozenset[str]) -> list[int]:
    """The places of the sources, best first; equals by path, so that the same tree gives the same map."""
    if not sources:
        return []
    told = np.array(_told(sources, wanted))
    start = (told + 1e-3) / (told + 1e-3).sum()
    edges = _references(sources)
    rank = start
    if edges:
        rows, columns, weights = (np.array(column) for column in zip(*edges, strict=True))
        out = np.zeros(len(sources))
        np.add.at(out, rows, weights)
        share = weights / out[rows]
        for _ in range(TURNS):
            spread = np.zeros(len(sources))
            np.add.at(spread, columns, rank[rows] * share)
            lost = rank[out == 0].sum()  # who refers to nobody begins anew
            rank = (1 - DAMPING) * start + DAMPING * (spread + lost * start)
    return sorted(range(len(sources)), key=lambda number: (-round(float(rank[number]), 12), sources[number].path))


def _told(sources: Sequence[Source], wanted: frozenset[str]) -> list[float]:
    """How much each file speaks of what is wanted: its path most, then what it defines, then what it says.

    A word counts by how few files say it.
    """
    said = [Counter[str]() for _ in sources]
    for number, source in enumerate(sources):
        for word, count in source.words.items():
            for piece in wanted & _pieces_of(word):
                said[number][piece] += count
    saying = Counter(piece for one in said for piece in one)
    rare = {piece: math.log((len(sources) + 1) / (saying[piece] + 0.5)) for piece in wanted}
    return [
        sum(
            rare[piece] * (3.0 * (piece in in_path) + 2.0 * (piece in in_names) + math.log1p(counts[piece]))
            for piece in wanted
        )
        for source, counts in zip(sources, said, strict=True)
        for in_path in [_pieces([source.path])]
        for in_names in [_pieces([one.name for one in source.definitions])]
    ]


def _references(sources: Sequence[Source]) -> list[tuple[int, int, float]]:
    """(who refers, to whom, how strongly). A name that many files define or say tells little of which is meant."""
    defining: dict[str, list[int]] = defaultdict(list)
    for number, source in enumerate(sources):
        for name in {one.name.rpartition(".")[2] for one in source.definitions}:
            defining[name].append(number)
    saying = Counter(word for source in sources for word in source.words.keys() & defining.keys())
    edges: list[tuple[int, int, float]] = []
    for number, source in enumerate(sources):
        for word in sorted(source.words.keys() & defining.keys()):
            homes = defining[word]
            weight = math.sqrt(source.words[word]) / (len(homes) * saying[word])
            edges += [(number, home, weight) for home in homes if home != number and len(homes) <= MOST_HOMES]
    return edges


def _block(source: Source, wanted: frozenset[str]) -> str:
    """A file's part of the map: what it defines in order, with the head of what has a word of the diagnosis."""
    best = sorted(source.definitions, key=lambda one: (-len(wanted & _pieces([one.name])), one.first))
    shown = sorted(best[:MOST_OF_A_FILE], key=lambda one: one.first)
    lines = [f"  {one.first} {one.name[:LONGEST_HEAD]}{_head(source, one, wanted)}" for one in shown]
    left = len(source.definitions) - len(shown)
    return "\n".join((source.path, *lines, *([f"  and {left} more"] if left else [])))


def _head(source: Source, one: Definition, wanted: frozenset[str]) -> str:
    if not wanted & _pieces([one.name]):
        return ""
    return f": {source.lines[one.first - 1].strip()[:LONGEST_HEAD]}"
