"""A model's opinion of a case: asked once, or twice where it wants to see more, and held to what it was shown.

What it says orders and explains. It makes nobody a suspect, and nobody guilty: a commit that it names must have run
before the onset by the markers, and whether one is convicted is decided without it (`remediation.diagnose`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cases.asking import Answer, Material
from cases.diagnosis import Hypothesis, Link, Suspect
from cases.errors import PermanentError
from cases.ports import LanguageModel
from cases.telemetry import SHORTEST_SHA
from config.scope import hygiene
from remediation.edit import asking
from remediation.edit.code import function_at, shown, text_of
from remediation.edit.places import Place, Read
from remediation.follow_up import ANSWERS, FollowUp
from remediation.neutral import neutral
from remediation.opinion import FIRST, LAST, DiagnosisAnswer, HypothesisAnswer
from remediation.packing import LIMIT, Code, Packed, diffs_of, packed, size, tokens

MOST_CONFIDENT = 0.6  # a model's own figure says little before outcomes have been held against it
FILES_SHOWN = 3
_NEAR, _NEAREST = 20, 6  # lines on either side of a place, where the whole function is too long
_QUOTED = 12  # bytes around a piece of material


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a model is asked about. `follow_up` holds the facts, and adds to them what it is asked."""

    case: str
    suspects: Sequence[Suspect]
    places: Sequence[Place]
    read: Read
    words: Sequence[str]
    follow_up: FollowUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a model said. `because` is for people: why there is none, or what was dropped; "" when all was well.

    hypotheses  places in the code, best first
    links       what it says of suspects and of operational causes, best first
    """

    hypotheses: tuple[Hypothesis, ...] = ()
    links: tuple[Link, ...] = ()
    because: str = ""

    @property
    def usable(self) -> bool:
        """Whether the model thinks that the code is at fault."""
        return bool(self.hypotheses)


def consult(model: LanguageModel, matter: Matter) -> Opinion:
    """Ask. A model that is of no help leaves the case as it is, and says so; TemporaryError goes through."""
    follow_up = matter.follow_up
    try:
        pack, said, answer = _ask(model, matter, FIRST, follow_up.known(), LIMIT)
        if said.verdict == "need_more" and said.queries:
            found = follow_up.answer(said.queries)
            pack, said, answer = _ask(model, matter, LAST, found, LIMIT + ANSWERS)
    except PermanentError as error:
        return Opinion(because=asking.reason(error))
    name = neutral(answer.model, 60)
    if said.verdict not in {"hypotheses", "operational"}:
        missing = f": {neutral(said.missing, 160)}" if said.missing else ""
        word = "that nothing in the code explains it" if said.verdict == "none" else "that it needs more"
        return Opinion(because=f"{name} says {word}{missing}")
    meant = [one for one in said.hypotheses if said.verdict == "hypotheses" or one.kind == "operational"]
    return _held(meant, _Check(pack=pack, matter=matter, model=name))


def _ask(
    model: LanguageModel, matter: Matter, task: str, beside: Material, limit: int
) -> tuple[Packed, DiagnosisAnswer, Answer]:
    """One question: the pack, and one piece beside it, within the limit."""
    room = limit - tokens(_QUOTED + size(beside.title) + size(beside.source) + size(beside.text))
    asked = matter.follow_up
    diffs = (*diffs_of(matter.suspects), *asked.diffs)
    pack = packed(asked.pack.facts, diffs, _code(matter.places, matter.read), matter.words, room)
    said, answer = asking.ask(
        model, DiagnosisAnswer, case=matter.case, purpose="diagnose", task=task, material=(*pack.material, beside)
    )
    return pack, said, answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """What an answer is held to: what was shown, and what there is."""

    pack: Packed
    matter: Matter
    model: str

    def cited(self, said: HypothesisAnswer) -> bool:
        """Whether all the facts that it cites were shown, and its quotes stand in them."""
        shown_facts = self.pack.shown
        if not set(said.evidence) <= set(shown_facts):
            return False
        quoted = [(_plain(quote.text), _plain(shown_facts.get(quote.id, ""))) for quote in said.quotes]
        return all(words and words in text for words, text in quoted)

    def place(self, said: HypothesisAnswer) -> Hypothesis | None:
        """The place in the code, if there is such a one."""
        if hygiene(said.path):
            return None
        content = self.matter.read(said.path)
        function = function_at(said.path, content, 0, said.function) if content is not None else None
        if function is None:
            return None
        return Hypothesis(
            statement=neutral(said.statement, 200),
            path=said.path,
            line=function.line,
            function=function.name,
            evidence=tuple(dict.fromkeys(said.evidence)),
            confidence=_confidence(said),
            origin=f"model:{self.model}",
        )

    def link(self, said: HypothesisAnswer) -> Link | None:
        """The suspect that it names, if that one ran before the onset; or the operational cause."""
        about: str = said.cause
        if said.kind == "change":
            wanted = said.commit.lower()
            able = [each.commit.sha for each in self.matter.suspects if each.deployed and each.before_onset]
            named = [sha for sha in able if len(wanted) >= SHORTEST_SHA and sha.startswith(wanted)]
            about = named[0] if len(named) == 1 else ""
        if not about:
            return None
        return Link(
            about=about,
            statement=neutral(said.statement, 200),
            evidence=tuple(dict.fromkeys(said.evidence)),
            confidence=_confidence(said),
            origin=f"model:{self.model}",
        )


def _held(said: Sequence[HypothesisAnswer], check: _Check) -> Opinion:
    """Keep what cites what was shown, and names what there is."""
    places: list[Hypothesis] = []
    links: list[Link] = []
    dropped = 0
    for one in said:
        place = check.place(one) if one.kind == "code" and check.cited(one) else None
        link = check.link(one) if one.kind != "code" and check.cited(one) else None
        places += [place] if place is not None else []
        links += [link] if link is not None else []
        dropped += place is None and link is None
    places.sort(key=lambda hypothesis: -hypothesis.confidence)
    links.sort(key=lambda link: -link.confidence)
    return Opinion(
        hypotheses=tuple(places),
        links=tuple(links),
        because=f"{dropped} of the model's hypotheses cite evidence or code that does not exist" if dropped else "",
    )


def _confidence(said: HypothesisAnswer) -> float:
    return round(min(MOST_CONFIDENT, said.confidence), 3)


def _plain(text: str) -> str:
    """A text as a quote is looked up in it: without line ends and doubled spaces."""
    return " ".join(text.split())


def _code(places: Sequence[Place], read: Read) -> list[Code]:
    """The code where the traces lead, each file once."""
    found: list[Code] = []
    for path in list(dict.fromkeys(place.path for place in places))[:FILES_SHOWN]:
        place = next(place for place in places if place.path == path)
        content = read(path)
        function = function_at(path, content, place.line, place.function) if content is not None else None
        if content is None or function is None:
            continue
        lines = (text_of(content) or "").split("\n")
        near = ["\n".join(lines[max(0, function.line - 1 - n) : function.line + n]) for n in (_NEAR, _NEAREST)]
        found.append(Code(path=path, forms=(shown(path, content, function), *near)))
    return found
