"""The kill switch of an experiment: whether a guardrail is broken now, whatever the case waits for meanwhile."""

from dataclasses import dataclass

from cases.case import Case, Phase
from cases.outcome import Judgement
from cases.steps import Effect
from remediation.back_to_draft import taken_back
from remediation.experiments.look import breached, judged, look
from remediation.experiments.way import kill
from remediation.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """A guardrail that is broken, and what follows at once: the flag's turning off first."""

    because: str
    judgement: Judgement
    effects: tuple[Effect, ...]


def harm(case: Case, ports: Ports) -> Harm | None:
    """Look, and take nothing but harm from it. Raises as `look` does."""
    seen = look(case, ports)
    if not breached(seen):
        return None
    judgement = judged(case, seen, ports.now)
    # A larger share that waits for a merge goes back to a draft: nobody turns it on again unawares.
    open_ones = taken_back(case, judgement.because) if case.phase is Phase.PROPOSED else ()
    return Harm(
        because=f"change {seen.change}: {judgement.because}",
        judgement=judgement,
        effects=(kill(case, ports.settings, judgement.because), *open_ones),
    )
