"""Playbooks from outside: what the pull request of a flag and of a pin holds and says."""

from pathlib import Path
from typing import Any

import pytest

from cases.case import Phase
from cases.trying import Command, CommandReport, TrialOrder
from tests.parts.playhouse import House, house

pytestmark = pytest.mark.long

FLAGS = b"# what is shown\r\nvouchers: off  # not yet\r\nbanner: on\r\n"
PINS = b"httpx==0.28.1 --hash=sha256:aaaa\npydantic==2.14.0 --hash=sha256:cccc\n"
LOCK = b'[[package]]\nname = "httpx"\nversion = "0.28.1"\n'


def suspected(it: House, title: str, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """The last thing that was deployed before the trouble, and what shows it in the sandbox."""
    it.commit(f"Before: {title}", {**before}, 21)
    sha = it.commit(title, {**after}, 20.5)
    bad, usual = next(iter(after.values())), it.trial

    def trial(order: TrialOrder, command: Command) -> CommandReport:
        if command.name != "reproduce":
            return usual(order, command)
        return CommandReport(name="reproduce", exit_code=int(bad in order.tree), ended="exited", output="", seconds=0.1)

    it.trial = trial
    later = it.shas["Reword the checkout"]
    it.deploys[:] = [deploy for deploy in it.deploys if deploy.commit != later]
    it.deploy(sha, 20)


def pulled(it: House) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The one pull request, and what its branch holds of the files it changes."""
    (pull,) = it.pull_requests()
    files = [file["filename"] for file in it.world.ask("GET", f"/pulls/{pull['number']}/files").json()]
    return pull, {path: it.world.hub.show(f"{pull['head']['ref']}:{path}") for path in files}


@pytest.mark.parametrize(
    ("title", "before", "after", "label", "said"),
    [
        (
            "Show vouchers at the checkout",
            {"shop/flags.yaml": FLAGS},
            {"shop/flags.yaml": FLAGS.replace(b"off", b"on")},
            "trackwalker:flag",
            "This is a flag, turned off.",
        ),
        (
            "Raise httpx for the checkout",
            {"requirements.txt": PINS, "uv.lock": LOCK},
            {"requirements.txt": PINS.replace(b"0.28.1", b"0.29.0"), "uv.lock": LOCK.replace(b"0.28.1", b"0.29.0")},
            "trackwalker:pin",
            "This is a dependency, pinned back.",
        ),
    ],
)
def test_the_pull_request_puts_it_back_and_says_its_class(
    tmp_path: Path, title: str, before: dict[str, bytes], after: dict[str, bytes], label: str, said: str
) -> None:
    with house(tmp_path) as it:
        suspected(it, title, before, after)
        with it.alive():
            it.until(Phase.PROPOSED)
            it.passes(1)
            pull, files = pulled(it)
    assert files == before
    assert label in str(pull["labels"])
    assert said in pull["body"]
    assert "**proved**" in pull["body"]
