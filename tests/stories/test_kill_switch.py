"""The kill switch, from the call to what users see: a real forge, a sidecar, and OpenFeature's own client."""

import threading
import time
from pathlib import Path

from cases.flags import FlagPlace
from daemon.clock import SystemClock
from demo.flags import FlagFollower
from remediation.forge.flag_file import GitFlags
from tests.parts.flags import FILE, KEY, seed, turned_on
from tests.parts.hub import TOKEN, World, world
from tests.parts.openfeature import Reader, reading

GOAL = 5.0
"""Seconds from the decision until nobody is treated any more."""
TRIES = 3
"""One is enough on a machine that does nothing else: a second or less."""
USERS = [f"user-{number}" for number in range(200)]
PLACE = FlagPlace(service="shop", key=KEY, repository="shop", file=FILE)


def treated(reader: Reader) -> set[str]:
    return {user for user in USERS if reader.value(KEY, user) == "Buy"}


def killed(made: World, flags: GitFlags, sidecar: FlagFollower, reader: Reader, number: int) -> float:
    """How many seconds it takes until nobody is treated."""
    pause, before = threading.Event(), treated(reader)
    assert 30 < len(before) < 70
    began = time.monotonic()
    receipt = flags.off(PLACE, f"case-1/kill/{number}", "the guardrail checkout errors was violated")
    while any(reader.value(KEY, user) == "Buy" for user in before):
        pause.wait(0.02)
    took = time.monotonic() - began
    assert {reader.value(KEY, user) for user in USERS} == {"Buy now"}
    assert made.hub.tip() == sidecar.shown == receipt.facts["sha"]
    return took


def test_nobody_is_treated_five_seconds_after_the_kill(tmp_path: Path) -> None:
    target, took = tmp_path / "service" / "flags.json", list[float]()
    with world(tmp_path) as made:
        seed(made.hub)
        flags = GitFlags(made.forge.mirror, SystemClock())
        sidecar = FlagFollower(tmp_path / "sidecar.git", url=made.known.url, path=FILE, target=target, token=TOKEN)
        with sidecar, reading(target) as reader:
            took.append(killed(made, flags, sidecar, reader, 0))
            while min(took) >= GOAL and len(took) < TRIES:
                made.hub.commit("On again", {FILE: turned_on(made.hub.show(f"main:{FILE}"))})
                while not treated(reader):
                    threading.Event().wait(0.1)
                took.append(killed(made, flags, sidecar, reader, len(took)))
            sidecar.check()
        assert target.read_bytes() == made.hub.show(f"main:{FILE}")
    print("from the kill to the last user:", ", ".join(f"{one:.2f} s" for one in took))  # noqa: T201 - shown with -s
    assert min(took) < GOAL
