"""The scenario suite, scored: `python -m benchmarks.scenarios --mode playbooks`.

--mode M       one of playbooks, oracle, adversary, flaky, replay, live; may be given again (default: playbooks)
--kind K       only this kind of scenario; may be given again
--seeds A-B    these seeds (default: 0-3); those from 4 on are held out: no rule was written with them in sight
--sandbox S    docker (the real one) or plain (a child process: quicker, for code that the suite generated itself)
--only NAME    only this scenario, as in bug-0; may be given again
--truth DIR    write the truth of each scenario there
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cases.ports import Sandbox
from tests.parts.dockerd import base_image
from tests.parts.hub import TOKEN
from tests.scenarios.bench import plain_bench
from tests.scenarios.catalogue import scenario
from tests.scenarios.modes import MODES, scores, unplayable
from tests.scenarios.scenario import KINDS, SEEDS, Scenario
from tests.scenarios.score import Scored, summed, table
from tests.scenarios.stage import staged


def main() -> None:
    """Play, score, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--seeds", type=seeds, default=SEEDS)
    parser.add_argument("--sandbox", choices=("docker", "plain"), default="docker")
    parser.add_argument("--only", action="append")
    parser.add_argument("--truth", type=Path)
    wanted = parser.parse_args()
    os.environ["TOKEN"] = TOKEN  # what the forge of the scenarios takes
    chosen = [scenario(kind, seed) for kind in wanted.kind or KINDS for seed in wanted.seeds]
    chosen = [one for one in chosen if not wanted.only or one.name in wanted.only]
    for one in chosen if wanted.truth else ():
        one.write_truth(wanted.truth)
    with tempfile.TemporaryDirectory(prefix="scenarios-") as name, judging(wanted.sandbox) as judge:
        run(Path(name), chosen, wanted.mode or ["playbooks"], judge, plain=wanted.sandbox == "plain")


def seeds(text: str) -> Sequence[int]:
    """From a first seed to a last one, or one alone. Raises ValueError."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def run(folder: Path, chosen: Sequence[Scenario], modes: Sequence[str], judge: Sandbox, *, plain: bool) -> None:
    """Stage them once, and play each mode."""
    everything: list[Scored] = []
    with staged(folder, chosen) as stage:
        for mode in modes:
            if why := unplayable(mode):
                print(f"{mode}: {why}")
                continue
            everything += scores(stage, chosen, mode, plain_bench if plain else None, judge, progress)
    print(table(everything))
    for mode in modes:
        mine = [one for one in everything if one.played.mode.startswith(mode)]
        if mine:
            print(f"\n{goals(mode, mine)}\n{failures(mine)}")


@contextmanager
def judging(kind: str) -> Generator[Sandbox]:
    """Where hidden programs are run."""
    if kind == "plain":
        yield plain_bench()
        return
    from sandbox.docker import DockerSandbox

    base_image()
    sandbox = DockerSandbox(owner=f"scenarios-{os.getpid()}")
    try:
        yield sandbox
    finally:
        sandbox.close()


def goals(mode: str, found: Sequence[Scored]) -> str:
    """The figures beside what they are held against."""
    it = summed(found)
    asked = sum(one.played.asked for one in found)
    return "\n".join(
        [
            f"{mode}: {len(found)} scenarios",
            f"  right where a commit is guilty   {it.mended} of {it.mendable} = {it.right:.0%}  (goal 60%)",
            f"  whoever blames the latest deploy {it.naive} of {it.mendable}",
            f"  wrong pull requests              {it.wrong} of {it.pulls} = {it.wrong_share:.0%}  (goal at most 5%)",
            f"  accused where nobody is guilty   {it.accused} of {it.nobody}  (goal 0)",
            f"  culprit in the evidence pack     {it.in_pack} of {it.packs}  (goal all)",
            f"  slowest pull request             {it.slowest:.1f} s  (goal: revert 10 s, edit 60 s)",
            f"  hardest in processor time        {it.hardest:.1f} s",
            f"  questions to a model             {asked}",
            f"  hostile edits that were pushed   {sum(one.hostile for one in found)}",
        ]
    )


def failures(found: Sequence[Scored]) -> str:
    """What is not right, and why."""
    return "\n".join(
        f"  - {one.played.scenario.name} ({one.played.mode}, culprit at place {one.played.place or 'none'}): "
        f"{one.played.decision}: {one.because}"
        for one in found
        if not one.right
    )


def progress(one: Scored) -> None:
    """A line a scenario, while it runs."""
    sys.stderr.write(f"{one.played.scenario.name} {one.played.mode}: {'right' if one.right else one.because[:150]}\n")


if __name__ == "__main__":
    main()
