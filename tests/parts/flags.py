"""One flag, wherever it lives, and hands on it from outside: for the contract of the Flags port."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases.flagging import Flags
from cases.flags import FlagNow, FlagPlace
from config.experiments import LaunchDarklySettings, UnleashSettings
from daemon.clock import SystemClock
from remediation.experiments import flagd
from remediation.experiments.launchdarkly import LaunchDarklyFlags
from remediation.experiments.scripted import ScriptedFlags
from remediation.experiments.unleash import UnleashFlags
from remediation.forge.flag_file import GitFlags
from tests.parts import launchdarkly, unleash
from tests.parts.hub import Hub, world

KEY, FILE = "checkout-copy", "config/flags.json"
OTHERS = b"""{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "flags": {
    "other": {
      "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"
    }
  }
}
"""


def turned_on(content: bytes, share: float = 0.25) -> bytes:
    return flagd.shown(content, KEY, control=("control", "Buy now"), treated=("short", "Buy"), share=share, segment={})


def seed(hub: Hub) -> str:
    """The flag file on the watched branch, with the flag on."""
    return hub.commit("Try a shorter text", {FILE: turned_on(OTHERS), "README": b"a shop\n"})


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The flag, a place where there is none, and what people do to it elsewhere.

    again   somebody turns it on
    others  all that is there beside the flag
    wrote   how many writes reached the place
    """

    flags: Flags
    place: FlagPlace
    nowhere: FlagPlace
    again: Callable[[], object]
    others: Callable[[], object]
    wrote: Callable[[], int]


@contextmanager
def in_git(folder: Path) -> Generator[Shelf]:
    with world(folder) as made:
        seed(made.hub)

        def others() -> object:
            tree = {path: head for path, head in made.hub.listing("main").items() if path != FILE.encode()}
            document: dict[str, Any] = json.loads(made.hub.show(f"main:{FILE}"))
            return tree, {**document, "flags": {k: v for k, v in document["flags"].items() if k != KEY}}

        yield Shelf(
            flags=GitFlags(made.forge.mirror, SystemClock()),
            place=FlagPlace(service="shop", key=KEY, repository="shop", file=FILE),
            nowhere=FlagPlace(service="shop", key="gone", repository="shop", file=FILE),
            again=lambda: made.hub.commit("On again", {FILE: turned_on(made.hub.show(f"main:{FILE}"))}),
            others=others,
            wrote=lambda: made.faults.count("POST", "git-receive-pack"),
        )


@contextmanager
def at_unleash(folder: Path) -> Generator[Shelf]:
    (folder / "token").write_text(unleash.TOKEN)
    with unleash.an_unleash() as there:
        settings = UnleashSettings.model_validate({"url": there.url, "token": f"file:{folder}/token"})
        yield Shelf(
            flags=UnleashFlags(settings),
            place=FlagPlace(service="shop", key=KEY),
            nowhere=FlagPlace(service="shop", key="gone"),
            again=lambda: there.enabled.update({KEY: True}),
            others=lambda: {key: on for key, on in there.enabled.items() if key != KEY},
            wrote=lambda: sum(asked.startswith("POST") for asked in there.requests),
        )


@contextmanager
def at_launchdarkly(folder: Path) -> Generator[Shelf]:
    (folder / "token").write_text(launchdarkly.TOKEN)
    with launchdarkly.a_launchdarkly() as there:
        settings = LaunchDarklySettings.model_validate({"url": there.url, "token": f"file:{folder}/token"})
        yield Shelf(
            flags=LaunchDarklyFlags(settings),
            place=FlagPlace(service="shop", key=KEY),
            nowhere=FlagPlace(service="shop", key="gone"),
            again=lambda: there.on.update({KEY: True}),
            others=lambda: {key: on for key, on in there.on.items() if key != KEY},
            wrote=lambda: sum(asked.startswith("PATCH") for asked in there.requests),
        )


@contextmanager
def scripted(folder: Path) -> Generator[Shelf]:
    del folder
    here = FlagPlace(service="shop", key=KEY)
    on = FlagNow(on=True, control="control", shares={"short": 0.25, "control": 0.75}, values={"control": "1"})
    flags = ScriptedFlags({here: on, FlagPlace(service="shop", key="other"): on})
    yield Shelf(
        flags=flags,
        place=here,
        nowhere=FlagPlace(service="shop", key="gone"),
        again=lambda: flags.flags.update({here: on}),
        others=lambda: {place: now for place, now in flags.flags.items() if place != here},
        wrote=lambda: len(flags.ended),
    )
