"""How a guilty commit comes to run, and what else goes on around it: riders, decoys in between, one afterwards."""

from dataclasses import dataclass

from tests.scenarios.making import Making


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Minutes from the guilty deploy to the onset, and who is deployed with it, in between, and after the onset."""

    delay: float
    riders: int
    between: int
    after: bool


PLANS = (
    Plan(delay=2, riders=1, between=0, after=True),
    Plan(delay=25, riders=0, between=1, after=True),
    Plan(delay=70, riders=1, between=2, after=False),
    Plan(delay=8, riders=0, between=0, after=True),
)


def guilty(it: Making, title: str, *edits: tuple[str, str, str]) -> int:
    """Commit and deploy what does it, among innocent work; its number."""
    plan = PLANS[it.turn]
    if plan.riders:
        it.decoy(-plan.delay - 45, deployed=None, most=plan.riders)
    culprit = it.commit(title, -plan.delay - 35, *edits)
    it.deploy(-plan.delay)
    afterwards(it)
    return culprit


def afterwards(it: Making) -> None:
    """What is deployed between the guilty deploy and the onset, and after it."""
    plan = PLANS[it.turn]
    for turn in range(plan.between):
        it.decoy(-plan.delay - 25 + 4 * turn, deployed=-plan.delay * (1 - (turn + 1) / (plan.between + 1)))
    if plan.after:
        it.decoy(-plan.delay - 12, deployed=6)


HARMLESS = {
    "checkout": ('raise Refused("an empty cart")', 'raise Refused("the cart is empty")'),
    "search": ("wanted = [word.lower() for word in words]", "wanted = [word.strip().lower() for word in words]"),
    "orders": ("return f\"{order['id']} ", "return f\"{order['id']!s} "),
    "client": ('pause = settings["backoff_ms"] / 1000', 'pause = settings["backoff_ms"] / 1_000'),
    "cache": ("self._held.pop(next(iter(self._held)))", "del self._held[next(iter(self._held))]"),
}
"""What somebody tidied in the very code that a request runs through; it does what it did."""


def lure(it: Making, module: str, minutes: float = 5) -> int:
    """Innocent work on the very module that the symptom seems to be about, deployed just before the onset.

    With an odd turn it also tidies a line that every request runs through.
    """
    number = len(it.commits)
    code = f'\n\ndef thanks_{number}(name):\n    """What is said at the end."""\n    return f"Thank you, {{name}}"\n'
    it.promised.append((module, f"thanks_{number}"))
    edits = [(it.module(module), "", code)]
    if it.turn % 2:
        edits.append((it.module(module), *HARMLESS[module]))
    made = it.commit(f"Say thank you after {module}", -minutes - 20, *edits)
    it.deploy(-minutes)
    it.decoys.append(made)
    return made
