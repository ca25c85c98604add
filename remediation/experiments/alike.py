"""Whether two statements tell the same idea in other words. Pure, and without a model.

The measure is a weighted Jaccard index over word stems, in which words of one meaning count as one. What every
statement of a goal has (its signal, its users, the words of the form) weighs little. What is quoted, numbers,
opposites, and a word that is swapped in one and the same sentence tell ideas apart that share all other words.
Calibrated on made-up pairs: tests/remediation/experiments/test_alike.py holds it to its precision and recall on pairs
that it was not tuned on.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

PARAPHRASE = 0.4
"""From this similarity on two statements tell one idea."""
_FAINT, _HALF = 0.2, 0.5
"""What a word weighs that says nothing of the idea itself, and one that says where it is about."""

_WORD = re.compile(r"[^\W\d_]{2,}")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_QUOTED = re.compile(r"[“\"«„]([^”\"»“]{1,200})[”\"»“]")
_ENDINGS = ("ations", "ation", "ments", "ment", "ings", "ing", "ies", "ed", "es", "er", "ly", "ion", "s", "y")
_SHORTEST_STEM = 3

_NOTHING = frozenset(
    (
        "the", "an", "and", "or", "of", "to", "in", "on", "at", "by", "as", "for", "with", "from", "into",
        "so", "then", "they", "them", "their", "there", "that", "this", "these", "those", "it", "its", "is",
        "are", "be", "been", "will", "would", "can", "when", "who", "which", "our", "we", "us", "you",
        "your", "all", "any", "one", "some", "not", "do", "does", "did", "have", "has", "was", "were", "if",
        "up", "out", "about", "what", "how", "while",
    )
)  # fmt: skip
_FORM = (
    *("build", "make", "show", "display", "present", "add", "introduce", "offer", "provide", "give", "include", "put"),
    *("let", "allow", "use", "move", "moves", "least", "place"),
    *("people", "everybody", "users", "visitors", "customers"),
)  # fmt: skip
"""Words of the form in which ideas are told: what is done to the thing, and for whom, when nothing more is said."""
_SWAPPED = 2
"""Two sentences that are alike word by word but for so many places are two variants, and differ in those."""

_ONE_MEANING = (
    ("show", "display", "present", "reveal", "add", "introduce", "offer", "provide", "give", "include", "put"),
    ("shorten", "shorter", "short", "brief", "trim", "reduce", "fewer", "less", "cut", "lower", "decrease", "smaller"),
    ("lengthen", "longer", "long", "increase", "raise", "more", "higher", "bigger", "larger", "extend"),
    ("remove", "drop", "delete", "hide", "omit", "without", "skip", "eliminate", "leave"),
    ("fast", "faster", "quick", "quicker", "speed", "rapid", "swift"),
    ("form", "mask"),
    ("button", "cta"),
    ("pay", "payment", "paying"),
    ("checkout", "basket", "cart"),
    ("purchase", "buy", "order"),
    ("price", "cost", "fee", "charge"),
    ("shipping", "delivery"),
    ("phone", "mobile", "smartphone"),
    ("picture", "image", "photo"),
    ("page", "screen", "step"),
    ("field", "input", "box"),
    ("text", "wording", "label", "copy", "caption"),
    ("first", "top", "beginning", "start", "early", "earlier", "before", "upfront"),
    ("last", "bottom", "end", "late", "later", "after"),
    ("review", "rating", "testimonial"),
    ("keep", "remember", "store", "save", "cache"),
    ("wait", "timeout", "patience"),
    ("guest", "anonymous"),
    ("account", "registration", "register", "signup", "login"),
    ("finish", "complete"),
    ("abandon", "quit"),
    ("search", "find", "lookup"),
    ("sort", "rank", "arrange", "ordering"),
    ("suggest", "recommend", "propose"),
    ("single", "onepage"),
    ("discount", "rebate", "coupon"),
    ("email", "mail"),
    ("free", "gratis"),
)
_OPPOSITES = (("shorten", "lengthen"), ("show", "remov"), ("first", "last"), ("fast", "slow"))


def similarity(one: str, other: str, common: Iterable[str] = (), about: str = "") -> float:
    """How much two statements tell the same, in [0, 1].

    common  texts whose words tell nothing between the two
    about   what both are about: its words tell half of what others do
    """
    if _apart(one, other):
        return 0.0
    faint = {_stem(word) for text in (*common, *_FORM) for word in _words(text)}
    if _variants(one, other, faint):
        return 0.0
    half = {_stem(word) for word in _words(about)} - faint
    mine, theirs = ({_stem(w): _weight(_stem(w), faint, half) for w in _words(text)} for text in (one, other))
    both = sum(min(mine[stem], theirs[stem]) for stem in mine.keys() & theirs.keys())
    either = sum(mine.values()) + sum(theirs.values()) - both
    told = {stem for stem in mine.keys() & theirs.keys() if mine[stem] > _FAINT}
    return both / either if either and told else 0.0


def same_idea(one: str, other: str, common: Iterable[str] = (), about: str = "") -> bool:
    """Whether one is a paraphrase of the other."""
    return similarity(one, other, common, about) >= PARAPHRASE


def _apart(one: str, other: str) -> bool:
    """Whether what they quote, their numbers or opposite words say that they are two ideas."""
    for form in (_QUOTED, _NUMBER):
        mine, theirs = (frozenset(found.casefold() for found in form.findall(text)) for text in (one, other))
        if mine and theirs and not (mine <= theirs or theirs <= mine):
            return True
    stems = [{_stem(word) for word in _words(text)} for text in (one, other)]
    return any(
        _stem(left) in a and _stem(right) in b and _stem(right) not in a and _stem(left) not in b
        for left, right in _OPPOSITES
        for a, b in (stems, stems[::-1])
    )


def _variants(one: str, other: str, faint: set[str]) -> bool:
    """Whether they are one sentence with a word swapped here or there, by words of another meaning."""
    mine, theirs = ([word.casefold() for word in _WORD.findall(text)] for text in (one, other))
    codes = SequenceMatcher(a=mine, b=theirs, autojunk=False).get_opcodes()
    swaps = [code for code in codes if code[0] != "equal"]
    kept = sum(end - start for tag, start, end, _, _ in codes if tag == "equal")
    if not 0 < len(swaps) <= _SWAPPED or 2 * kept < min(len(mine), len(theirs)):
        return False
    return any(
        tag == "replace" and _told(mine[a:b], faint) and _told(theirs[c:d], faint)
        and _told(mine[a:b], faint).isdisjoint(_told(theirs[c:d], faint))
        for tag, a, b, c, d in swaps
    )  # fmt: skip


def _told(words: list[str], faint: set[str]) -> set[str]:
    return {_stem(word) for word in words if word not in _NOTHING} - faint


def _weight(stem: str, faint: set[str], half: set[str]) -> float:
    return _FAINT if stem in faint else _HALF if stem in half else 1.0


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.casefold()) if word not in _NOTHING]


def _bare(word: str) -> str:
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= _SHORTEST_STEM), "")
    bare = word.removesuffix(ending)
    if len(bare) > _SHORTEST_STEM and bare[-1] == bare[-2]:
        bare = bare[:-1]
    return bare.rstrip("e")


_MEANINGS = {_bare(word): _bare(group[0]) for group in _ONE_MEANING for word in group}


def _stem(word: str) -> str:
    bare = _bare(word)
    return _MEANINGS.get(bare, bare)
