"""The evidence pack: what a language model is shown of a case, in at most so many tokens. Pure, and always the same.

Each piece has forms, from the whole to the shortest. While the pack is too large, pieces take their next shorter form:
kind after kind as `GIVEN_UP` has them, of each kind the worst-placed piece first; when all have taken one step, the
next. A piece whose shortest form is empty is left out then, and its id is named. Never left out are the leading
symptom, the best suspects (a line each), the first operational cause and the first error: a pack without them would
send a reader the wrong way. They have a bound each, so the whole has one, whatever anybody writes into a log.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cases.asking import Material
from cases.diagnosis import Commit, Evidence, EvidenceKind, Suspect
from cases.redaction import redacted
from remediation.diffs import trimmed
from remediation.model.cleaning import visible

LIMIT = 4_000
"""Tokens of a pack."""
BYTES_A_TOKEN = 3
"""What a token is taken for: text and code have 3 to 4 bytes a token, as the money of a question has it worst 2."""
SUSPECTS = 5
"""Suspects whose diffs are shown; so many are never left out."""

_QUOTED = 12  # bytes that quoting adds to a piece of material
_LOOKED_AT = 40  # facts of a kind: those behind them are left out unread
_NAMED = 20  # facts that are left out and named
_FRAME = _QUOTED + 240  # what stands around the facts: the marks, and the names of those that are left out
_WHOLE, _SHORT, _SHORTEST = 700, 260, 130  # bytes of a fact
_CODE = (4_000, 2_000, 800)
_ONE = 1  # so many of a symptom's, a cause's and an error's facts always stay


class Extra(StrEnum):
    """Pieces beside the facts."""

    DIFF = "diff"
    CODE = "code"


GIVEN_UP: tuple[EvidenceKind | Extra, ...] = (
    EvidenceKind.OTHER,
    EvidenceKind.LESSON,
    EvidenceKind.DEPLOY,
    EvidenceKind.REACH,
    EvidenceKind.FLAG,
    EvidenceKind.SPAN,
    EvidenceKind.SUSPECT,  # those behind the best five, then only the length of their lines
    EvidenceKind.ERROR,
    EvidenceKind.SYMPTOM,
    Extra.CODE,
    Extra.DIFF,
    EvidenceKind.CAUSE,
    EvidenceKind.ANSWER,
)
"""The order in which kinds are shortened and left out, the first first."""

_STAY: Mapping[EvidenceKind | Extra, int] = {
    EvidenceKind.SYMPTOM: 2 * _ONE,  # what it reads, and since when
    EvidenceKind.CAUSE: _ONE,
    EvidenceKind.ERROR: _ONE,
    EvidenceKind.SUSPECT: SUSPECTS,
}


@dataclass(slots=True, kw_only=True)
class _Piece:
    """One piece: `forms` are clean, the first the whole; `at` says which of them is shown now."""

    kind: EvidenceKind | Extra
    id: str
    title: str
    source: str
    forms: tuple[str, ...]
    at: int = 0

    @property
    def text(self) -> str:
        return self.forms[min(self.at, len(self.forms) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Code where the trouble may be: `forms` from the whole to the lines that matter most."""

    path: str
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What a commit changes, which belongs to the fact of that id. `most` are the bytes of its forms, longest first."""

    id: str
    commit: Commit
    repository: str
    most: tuple[int, ...] = (2_400, 1_200, 600)


def diffs_of(suspects: Sequence[Suspect]) -> tuple[Diff, ...]:
    """The diffs of the best suspects, each with the last fact that speaks of it."""
    return tuple(
        Diff(id=suspect.evidence[-1], commit=suspect.commit, repository=suspect.repository)
        for suspect in suspects[:SUSPECTS]
        if suspect.evidence and suspect.commit.patch
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A pack.

    shown     id of a fact → all that is shown of it, its suspect's diff too: what a quote is looked up in
    tokens    by the estimate, the marks of quoting included
    left_out  ids of the facts that are not shown, and titles of other pieces
    """

    material: tuple[Material, ...]
    shown: Mapping[str, str]
    tokens: int
    left_out: tuple[str, ...]


def size(text: str) -> int:
    """How many bytes a text has as it is sent: escaped as JSON, in UTF-8."""
    return len(json.dumps(text, ensure_ascii=False).encode(errors="replace")) - 2


def tokens(size_in_bytes: int) -> int:
    """The estimate: so many bytes a token, rounded up."""
    return -(-size_in_bytes // BYTES_A_TOKEN)


def clipped(text: str, most: int) -> str:
    """As much of a text as has at most so many bytes as it is sent; an ellipsis says that it goes on."""
    if size(text) <= most:
        return text
    length = bisect_right(range(min(len(text), most)), most - 3, key=lambda end: size(text[:end])) - 1
    return text[: max(0, length)] + "…"


def packed(
    facts: Iterable[Evidence],
    diffs: Sequence[Diff] = (),
    code: Iterable[Code] = (),
    words: Sequence[str] = (),
    limit: int = LIMIT,
) -> Packed:
    """Put a pack together. `words` name the symptom: hunks of a diff that name it too are shown first."""
    pieces = [*_facts(list(facts)), *_diffs(diffs, words), *_code(code)]
    _shorten(pieces, limit)
    return _put_together(pieces)


def _facts(facts: Sequence[Evidence]) -> list[_Piece]:
    count: dict[EvidenceKind, int] = {}
    pieces: list[_Piece] = []
    for fact in facts:
        count[fact.kind] = count.get(fact.kind, 0) + 1
        text = _line(fact.fact) if count[fact.kind] <= _LOOKED_AT else ""
        shorter = [clipped(text, most) for most in (_WHOLE, _SHORT, _SHORTEST)]
        stays = count[fact.kind] <= _STAY.get(fact.kind, 0)
        pieces.append(
            _Piece(
                kind=fact.kind,
                id=fact.id,
                title=fact.id,
                source=fact.source,
                forms=tuple(shorter if stays else [*shorter, ""]),
            )
        )
    return pieces


def _diffs(diffs: Sequence[Diff], words: Sequence[str]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for diff in diffs:
        cut = trimmed(diff.commit.patch, words, diff.most, _block)
        forms = tuple(clipped(text, most) for text, most in zip(cut, diff.most, strict=True))
        title, source = f"{diff.id}: its diff", f"{diff.repository} {diff.commit.short}"
        pieces.append(_Piece(kind=Extra.DIFF, id=diff.id, title=title, source=_line(source), forms=(*forms, "")))
    return pieces


def _code(code: Iterable[Code]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for each in code:
        forms = [clipped(_block(form), most) for form, most in zip(each.forms, _CODE, strict=False)]
        pieces.append(
            _Piece(kind=Extra.CODE, id="", title=_line(each.path), source="the repository", forms=(*forms, ""))
        )
    return pieces


def _shorten(pieces: Sequence[_Piece], limit: int) -> None:
    """Take one step after the other until it fits, or nothing is left to give up."""
    steps = max((len(piece.forms) for piece in pieces), default=0)
    total = _bytes(pieces)
    for at in range(1, steps):
        for kind in GIVEN_UP:
            for piece in reversed([each for each in pieces if each.kind is kind]):
                if tokens(total) <= limit:
                    return
                total -= _cost(piece)
                piece.at = max(piece.at, min(at, len(piece.forms) - 1))
                total += _cost(piece)


def _bytes(pieces: Iterable[_Piece]) -> int:
    return _FRAME + sum(_cost(piece) for piece in pieces)


def _cost(piece: _Piece) -> int:
    """Bytes of a piece: a fact is a line of one material, anything else a material of its own."""
    if not piece.text:
        return 0
    if isinstance(piece.kind, EvidenceKind):
        return size(f"{piece.id}: {piece.text}\n")
    return _QUOTED + size(piece.title) + size(piece.source) + size(piece.text)


def _put_together(pieces: Sequence[_Piece]) -> Packed:
    facts = [piece for piece in pieces if isinstance(piece.kind, EvidenceKind)]
    others = [piece for piece in pieces if not isinstance(piece.kind, EvidenceKind) and piece.text]
    lines = [f"{piece.id}: {piece.text}" for piece in facts if piece.text]
    gone = [piece.id for piece in facts if not piece.text]
    if gone:
        more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
        lines.append(f"[left out for length: {', '.join(gone[:_NAMED])}{more}]")
    shown = {piece.id: piece.text for piece in facts if piece.text}
    for piece in others:
        if piece.id in shown:
            shown[piece.id] = f"{shown[piece.id]}\n{piece.text}"
    return Packed(
        material=(
            Material(title="Facts", source="evidence of the case", text="\n".join(lines)),
            *(Material(title=piece.title, source=piece.source, text=piece.text) for piece in others),
        ),
        shown=shown,
        tokens=tokens(_bytes(pieces)),
        left_out=(*gone, *(p.title for p in pieces if not p.text and not isinstance(p.kind, EvidenceKind))),
    )


def _line(text: str) -> str:
    """One clean line: what is cut off is cut after secrets are out."""
    return " ".join(redacted(visible(text[: 2 * _WHOLE])).split())


def _block(text: str) -> str:
    return redacted(visible(text))
