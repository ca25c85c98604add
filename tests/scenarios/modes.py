"""The modes in which a scenario is played: without a model, and with each kind of one."""

import os
from collections.abc import Callable, Iterator, Sequence

import yaml

from cases.ports import Sandbox
from tests.scenarios.models import ATTACKS, Talking, adversary, flaky, oracle
from tests.scenarios.playing import Way, play
from tests.scenarios.scenario import Scenario
from tests.scenarios.score import Scored, scored
from tests.scenarios.stage import Stage

MODES = ("playbooks", "oracle", "adversary", "flaky", "replay", "live")
KEY, MODEL = "ANTHROPIC_API_KEY", "TRACKWALKER_LIVE_MODEL"
Bench = Callable[[], Sandbox] | None


def ways(mode: str, scenario: Scenario, stage: Stage, bench: Bench) -> Iterator[Way]:
    """How a scenario is played in a mode: mostly one way; where edits are asked for, the adversary tries each attack.

    Raises ValueError for a mode that cannot be played here: `live` without a key.
    """
    match mode:
        case "playbooks":
            yield Way(mode=mode, sandbox=bench)
        case "oracle":
            yield Way(mode=mode, model=oracle, sandbox=bench)
        case "flaky":
            yield Way(mode=mode, model=flaky, sandbox=bench)
        case "adversary":
            attacks = range(0, len(ATTACKS), 2) if scenario.truth.mending is not None else range(1)
            for first in attacks:
                yield Way(
                    mode=f"{mode}{first}" if first else mode, model=lambda _, n=first: adversary(n), sandbox=bench
                )
        case "replay":
            yield Way(mode=mode, sandbox=bench, settings={"model": recorded(stage, scenario, bench)})
        case "live":
            if why := unplayable(mode):
                raise ValueError(why)
            model = {"provider": "anthropic", "api_key": f"env:{KEY}", "diagnose": os.environ[MODEL]}
            yield Way(mode=mode, sandbox=bench, settings={"model": model})
        case _:
            raise ValueError(f"there is no mode {mode}; there are: {', '.join(MODES)}")


def unplayable(mode: str) -> str:
    """Why a mode cannot be played here; "" where it can."""
    missing = [name for name in (KEY, MODEL) if not os.environ.get(name)] if mode == "live" else []
    return f"not run: {' and '.join(missing)} not set" if missing else ""


def recorded(stage: Stage, scenario: Scenario, bench: Bench) -> dict[str, str]:
    """Play it with the oracle, write down what it said, and name the file as the product's own scripted model."""
    held: list[Talking] = []

    def listening(one: Scenario) -> Talking:
        held.append(oracle(one))
        return held[-1]

    play(stage, scenario, Way(mode="recording", model=listening, sandbox=bench))
    script = stage.folder / "sessions" / f"{scenario.name}.yaml"
    script.parent.mkdir(exist_ok=True)
    entries = [
        {"purpose": question.purpose, "answer": dict(said), "usd": 0.002, "input_tokens": 1000, "output_tokens": 100}
        for question, said in held[-1].told
    ]
    script.write_text(yaml.safe_dump(entries))
    return {"provider": "scripted", "script": str(script)}


def scores(
    stage: Stage,
    scenarios: Sequence[Scenario],
    mode: str,
    bench: Bench,
    judge: Sandbox,
    say: Callable[[Scored], None] = lambda _: None,
) -> list[Scored]:
    """Play all of them in one mode, and score them."""
    found: list[Scored] = []
    for scenario in scenarios:
        for way in ways(mode, scenario, stage, bench):
            found.append(scored(play(stage, scenario, way), judge))
            say(found[-1])
    return found
