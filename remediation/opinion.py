"""What a language model is asked about a case, and the shape of its answer. What comes back is checked, never believed.

The task is fixed; nothing from outside is in it. See `remediation.consult` for what is made of an answer.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_QUERIES = 3
SHORTEST, LONGEST, USUAL = 5, 360, 60
"""Minutes on either side of the onset that a query may ask for, and how many where it says nothing."""

Words = Annotated[str, Field(max_length=600)]
Name = Annotated[str, Field(max_length=200)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuoteAnswer(_Answer):
    """Words that stand in a fact, or in the diff that belongs to it."""

    id: Annotated[str, Field(max_length=12)]
    text: Annotated[str, Field(min_length=1, max_length=200)]


class HypothesisAnswer(_Answer):
    """One thing that may be wrong: a place in the code, a change among the suspects, or a cause that nobody changed."""

    kind: Literal["code", "change", "operational"] = "code"
    statement: Words
    evidence: Annotated[list[Annotated[str, Field(max_length=12)]], Field(min_length=1, max_length=12)]
    quotes: Annotated[list[QuoteAnswer], Field(max_length=6)] = []
    path: Annotated[str, Field(max_length=400)] = ""
    function: Name = ""
    commit: Annotated[str, Field(max_length=64)] = ""
    cause: Literal["", "traffic surge", "certificate expiry", "DNS failure", "provider outage", "node failure",
                   "bad data", "other"] = ""  # fmt: skip
    confidence: Annotated[float, Field(ge=0, le=1)]


class QueryAnswer(_Answer):
    """One thing to look up: the kind says which of the other fields count."""

    kind: Literal["series", "templates", "diff", "deploys"]
    service: Name = ""
    metric: Name = ""
    commit: Annotated[str, Field(max_length=64)] = ""
    minutes: Annotated[int, Field(ge=SHORTEST, le=LONGEST)] = USUAL


class DiagnosisAnswer(_Answer):
    """What a model makes of the evidence. `missing` says what it would need, or why nothing in the code explains it."""

    verdict: Literal["hypotheses", "none", "operational", "need_more"]
    hypotheses: Annotated[list[HypothesisAnswer], Field(max_length=5)] = []
    queries: Annotated[list[QueryAnswer], Field(max_length=MOST_QUERIES)] = []
    missing: Words = ""


_ASK = """\
Say what may have caused the incident: up to 5 hypotheses that cite the evidence, the likeliest first.
You see facts with ids, diffs of commits that were deployed, and code where a stack trace leads. The kinds:
- "change": a commit among the suspects did it; give its id in `commit`, and say how it would.
- "code": a place in the code is wrong, whatever changed last; give a `path` and `function` that you see.
- "operational": nobody changed it; name it in `cause`.
Cite in `evidence` the ids of the facts that speak for it, and in `quotes` the very words of up to 6 facts or diffs.
What cites or quotes what is not there is dropped. `confidence` is from 0 to 1.
Verdicts: "hypotheses" with at least one; "operational" when such a cause explains it and no change; "none" when nothing
here explains it; "need_more" when the facts do not tell; say in `missing` what you miss.
"""
_QUERIES = """\
With "need_more" you may ask once for up to 3 `queries`: "series" of a service and metric (readings around the onset),
"templates" of a service (its log), "deploys" of a service, "diff" of a commit; `minutes`, 5 to 360: how far around the
onset. Only services and metrics that the material lists are known.
"""
_LAST = """\
You asked for more, and the answers are among the facts now. This is the last question: "need_more" is of no use.
"""


FIRST, LAST = _ASK + _QUERIES, _ASK + _LAST
"""The task of the first question, and of the one that has the answers to what was asked."""
