"""Several files as one: `include: conf.d/*.yaml` joins lists in the order of names; other keys stand in one file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from config import document
from config.document import Document, Loc
from config.errors import ConfigError, Mistake, named, shown

KEY = "include"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One file, and where its part of each list begins in the joined one."""

    file: str
    read: Document
    starts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """All files as one value. `place_of` says in which file and line something stands."""

    value: object
    pieces: tuple[_Piece, ...]

    def place_of(self, loc: Loc) -> tuple[str, int]:
        """The file, "" for the first one, and the line, from 1, of what is at `loc`; of the nearest key above it."""
        first = self.pieces[0]
        if not loc:
            return "", first.read.line_of(loc)
        for piece in reversed(self.pieces):
            start = piece.starts.get(str(loc[0]))
            if start is None:
                continue
            inside = loc
            if len(loc) > 1 and isinstance(loc[1], int):
                if loc[1] < start:
                    continue
                inside = (loc[0], loc[1] - start, *loc[2:])
            return ("" if piece is first else piece.file), piece.read.line_of(inside)
        return "", first.read.line_of(loc)


def compose(path: Path, text: Callable[[Path], str]) -> Composed:
    """Read the file, and the files that it includes; `text` reads one of them.

    Raises ConfigError for what no file may say: an include that is no pattern or matches nothing, a file that includes
    others, a key in two files.
    """
    read = document.parse(text(path), str(path))
    own = _keys(read)
    if own is None:
        return Composed(value=read.value, pieces=(_Piece(file=str(path), read=read, starts={}),))
    patterns, mistakes = _patterns(own.get(KEY, ()), read)
    files: list[Path] = []
    for place, pattern in patterns:
        found = sorted(match for match in path.parent.glob(pattern) if match.is_file() and not match.samefile(path))
        if not found:
            hint = "correct the pattern; it is taken from this file's folder"
            mistakes.append(_mistake(read, place, f"{shown(pattern)} matches no file", hint))
        files += [match for match in found if match not in files]
    if mistakes:
        raise ConfigError(str(path), mistakes)
    whole = own | ({KEY: tuple(pattern for _, pattern in patterns)} if KEY in own else {})
    pieces = [_Piece(file=str(path), read=read, starts=dict.fromkeys(own, 0))]
    for file in sorted(files):
        whole, piece = _joined(whole, file, document.parse(text(file), str(file)), pieces)
        pieces.append(piece)
    return Composed(value=whole, pieces=tuple(pieces))


def _patterns(said: object, read: Document) -> tuple[list[tuple[Loc, str]], list[Mistake]]:
    """The patterns, each with its place, and what is wrong with those that are none."""
    listed: list[tuple[Loc, object]] = [((KEY,), said)]
    if isinstance(said, tuple):
        listed = [((KEY, place), entry) for place, entry in enumerate(cast("tuple[object, ...]", said))]
    patterns: list[tuple[Loc, str]] = []
    mistakes: list[Mistake] = []
    for place, entry in listed:
        if not isinstance(entry, str) or not entry.strip(" ./"):
            mistakes.append(_mistake(read, place, f"{shown(entry)} is no pattern of files", "write conf.d/*.yaml"))
        elif entry.startswith(("/", "~")):
            mistakes.append(_mistake(read, place, "the pattern begins elsewhere", "write it from this file's folder"))
        elif "**" in entry and any("**" in part and part != "**" for part in entry.split("/")):
            mistakes.append(_mistake(read, place, f"{shown(entry)} is no pattern of files", "let ** stand by itself"))
        else:
            patterns.append((place, entry))
    return patterns, mistakes


def _joined(
    whole: dict[str, object], file: Path, read: Document, before: Sequence[_Piece]
) -> tuple[dict[str, object], _Piece]:
    """The whole with one more file. Raises ConfigError, about that file."""
    own = _keys(read)
    if own is None:
        problem, hint = "the file has no keys", "write keys and values, as in the file that includes it"
        raise ConfigError(str(file), [Mistake(line=1, problem=problem, hint=hint)])
    mistakes: list[Mistake] = []
    joined, starts = dict(whole), dict[str, int]()
    for key, value in own.items():
        held = whole.get(key)
        starts[key] = 0
        if key == KEY:
            mistakes.append(_mistake(read, (key,), "an included file may not include", "name the file in the first"))
        elif key not in whole:
            joined[key] = value
        elif isinstance(held, tuple) and isinstance(value, tuple):
            joined[key] = (*cast("tuple[object, ...]", held), *cast("tuple[object, ...]", value))
            starts[key] = len(cast("tuple[object, ...]", held))
        else:
            where = next(piece for piece in before if key in piece.starts)
            problem = f"{named(key)} stands in {where.file}:{where.read.line_of((key,))} already"
            mistakes.append(_mistake(read, (key,), problem, "only lists are joined: keep it in one of the two"))
    if mistakes:
        raise ConfigError(str(file), mistakes)
    return joined, _Piece(file=str(file), read=read, starts=starts)


def _keys(read: Document) -> dict[str, object] | None:
    value: object = read.value
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _mistake(read: Document, loc: Loc, problem: str, hint: str) -> Mistake:
    spelled = "".join(f"[{step}]" if isinstance(step, int) else named(step) for step in loc)
    return Mistake(line=read.line_of(loc), key=spelled, problem=problem, hint=hint)
