"""SIGHUP: the file is read again by the running daemon, and either all of it is in force or nothing has changed."""

import re
import signal
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from cases.case import Phase
from cases.moments import EPOCH
from config.credentials import secrets_in
from config.load import load
from config.wording import key
from daemon.clock import SystemClock
from daemon.reload import Hangups, hearing_hangups
from tests.parts.daemons import daemon
from tests.parts.place import Place, a_place


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    with a_place(tmp_path) as it:
        yield it


def test_a_file_in_force_a_refused_one_and_the_next(place: Place) -> None:
    place.hub.commit("Open the shop", {"README.md": b"hello\n"})
    with daemon(place.folder) as it:
        url = it.url
        it.polls(2)

        # Refused as a whole, although what it says of the threshold could be used: the old one stays in force.
        place.watch("threshold: 0.1, severity: urgent, sorce: main")
        it.hang_up()
        refused = "reload refused: conf.d/watch.yaml:2: watch[0]."
        assert [line.split(refused)[1] for line in it.says(refused, 2)] == [
            'severity: "urgent" is not page, ticket or note; write severity: page',
            "sorce: is not a known key; did you mean source?",
        ]
        it.hang_up()
        it.says(refused, 4)
        it.polls(3)
        assert it.metric("trackwalker_config_reload_ok") == 0
        (told,) = it.says("trackwalker.yaml was refused; the old settings stay")  # once, though it was read twice
        assert "urgent" in told
        assert place.case() is None

        # What only a restart can change, a secret that is not there, an image that is not there.
        place.watch("threshold: 0.5")
        place.write(store="sqlite:///other.db")
        it.hang_up()
        said = "store: cannot change while the daemon runs: it needs a restart; restart it, or write store:"
        it.says(f'trackwalker.yaml:1: {said} "sqlite:///trackwalker.db"')
        place.write(links={"grafana": "https://grafana.example"}, api={"listen": "127.0.0.1:0", "token": "env:ABSENT"})
        it.hang_up()
        it.says("reload refused: api.token: the environment variable ABSENT is not set")
        repository = {**place.document["repositories"][0], "sandbox": {"image": "no-such-image"}}
        place.write(repositories=[repository])
        it.hang_up()
        it.says("no-such-image")
        it.polls(2)
        assert it.metric("trackwalker_config_reload_ok") == 0

        # Taken: the same process at the same port, which goes on counting.
        counted = it.metric("trackwalker_polls_total")
        place.write()
        place.watch("threshold: 0.1")
        it.hang_up()
        it.says("are in force")
        it.says("shop/errors reads 0.2")
        assert it.metric("trackwalker_config_reload_ok") == 1
        it.polls(1)  # the case is said before its look is counted
        assert it.metric("trackwalker_polls_total") > counted
        assert {line.rsplit(" ", 1)[1] for line in it.says("own health at", 2)} == {url}

        it.hang_up()
        it.says("what is in force already")
        place.write(runtime={"executor": "inline"})
        it.hang_up()
        it.hang_up()
        it.says("are in force", 2)

        place.watch("threshold: 0.16")
        it.hang_up()
        assert it.end() < 5
        assert it.process.returncode == 0
    assert "Traceback" not in "\n".join(it.lines)


@pytest.mark.long
def test_a_trial_in_hand_comes_to_its_end_or_is_taken_up_again(place: Place) -> None:
    now = int((SystemClock().now() - EPOCH) / timedelta(seconds=1))
    place.hub.commit("Open the shop", {"shop.txt": b"good\n"}, at=now - 3000)
    place.hub.commit("Close the shop", {"shop.txt": b"bad\n"}, at=now - 60)
    here = {"test": "true", **place.document["repositories"][0]}
    slow = [{**here, "reproduce": "sleep 100"}]
    brisk = [{**here, "reproduce": "sleep 1; grep -q good shop.txt"}]
    more = {"deploys": [{"merge": {"delay": "1s"}}], "detection": {"step": "1s", "recent": "30s"}}
    place.watch("threshold: 0.1")
    place.write(repositories=slow, **more)
    with daemon(place.folder) as it:
        (drafted,) = it.says("→ drafted")
        case_id = drafted.split("case ")[1][:8]
        place.tries(it)
        place.write(repositories=brisk, **more)
        it.hang_up()
        it.says(f"the present step of {case_id} ends first")
        it.polls(2)  # it goes on watching meanwhile
        assert it.end() < 5
        assert it.process.returncode == 0
    assert place.containers() == set()
    case = place.case()
    assert case is not None
    assert (case.id, case.phase, case.trials) == (case_id, Phase.DRAFTED, ())

    with daemon(place.folder) as it:
        place.tries(it)
        place.watch("threshold: 0.11")
        it.hang_up()
        it.says(f"the present step of {case_id} ends first")
        it.says("are in force")
        it.says(f"case {case_id}: drafted → proved")
        last = place.case()
        assert last is not None
        assert (last.id, len(last.trials)) == (case_id, 1)
        assert it.end() < 5
    assert "Traceback" not in "\n".join(it.lines)


def test_a_hangup_is_answered_once_and_the_old_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with hearing_hangups() as hangups:
        assert hangups.pending() is False
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        assert [hangups.pending(), hangups.pending()] == [True, False]
    assert before is signal.getsignal(signal.SIGHUP)
    assert Hangups().pending() is False


def test_every_secret_of_a_file_is_found() -> None:
    path = Path(__file__).parents[1] / "config" / "full.yaml"
    found = {str(secret) for _, secret in secrets_in(load(path))}
    written = set(re.findall(r"\b(?:env:\w+|file:/[\w/.]+|cmd:\w+)", yaml.dump(yaml.safe_load(path.read_text()))))
    assert written
    assert {secret.split(" ")[0] for secret in found} == written
    assert "forge.token" in {key(loc) for loc, _ in secrets_in(load(path))}
