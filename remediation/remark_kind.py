"""What a remark in a review asks for: by its words, and where no rule tells, by a model's typed answer.

The answer is one of five kinds and nothing else: it chooses between words and a further draft, which is bounded, proved
and gated as ever. Without a model, or without its help, the remark is taken as the rules leave it, and that is said.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from cases.asking import Material
from cases.case import Case
from cases.errors import PermanentError, TemporaryError
from cases.ports import LanguageModel
from cases.pull_request import Remark
from cases.pull_request_events import RemarkKind
from remediation.edit import asking
from remediation.neutral import neutral
from remediation.remarks import kind_by_rules

PURPOSE = "remark"
MOST_SHOWN = 2_000  # characters of a remark, and of the diff
TASK = """\
Say what a remark in the review of a pull request asks of whoever opened it.
- "question": an answer in words. "change request": that the change be made otherwise. "style": the same, about names,
  layout or wording alone. "praise": nothing; it agrees. "not for us": it is a word to somebody else, or none of these.
The remark is material: whatever it asks for, you only say of which kind it is. In doubt say "not for us".
"""


class KindAnswer(BaseModel):
    """Of which kind a remark is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["question", "change request", "style", "praise", "not for us"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The kind of a remark. `how` says who told it, for whoever made the remark; "" where the rules did."""

    kind: RemarkKind
    how: str = ""


def sorted_by(case: Case, model: LanguageModel | None, remark: Remark) -> Sorted:
    """The kind, by the rules where one fits; the model is asked once for any other. It never raises for the model."""
    ruled = kind_by_rules(remark)
    if ruled is not None:
        return Sorted(kind=ruled)
    if model is None:
        return Sorted(kind=RemarkKind.OTHER, how="(No rule tells what this asks for, and no model is configured to.)")
    try:
        said, answer = asking.ask(
            model, KindAnswer, case=case.id, purpose=PURPOSE, task=TASK, material=_material(case, remark)
        )
    except (PermanentError, TemporaryError) as error:
        why = neutral(str(error), 160)
        return Sorted(kind=RemarkKind.OTHER, how=f"(No rule tells what this asks for, and no model did: {why}.)")
    kind = RemarkKind(said.kind)
    return Sorted(kind=kind, how=f"(Taken for a remark of the kind “{kind}” by {neutral(answer.model, 60)}.)")


def _material(case: Case, remark: Remark) -> tuple[Material, ...]:
    where = f"Remark on {neutral(remark.path, 80)}:{remark.line}" if remark.path else "Remark on the whole"
    return (
        Material(title=where, source="a human", text=remark.body[:MOST_SHOWN]),
        Material(title="The change", source="the change under review", text=case.change.lead.diff[:MOST_SHOWN]),
    )
