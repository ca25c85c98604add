"""The first hour: from an empty folder to forty watched services, with a few edited lines."""

import os
import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from cases.case import Phase
from config.load import load
from daemon.clock import SystemClock
from daemon.main import trackwalker
from remediation.forge.local.server import serve
from sandbox.base_image import ensure_base_image
from tests.parts.dockerd import ensure_dockerd
from tests.parts.fleet import HOMELESS, HOUSED, SERVICES, fleet, repositories, rules
from tests.parts.playhouse import QUERY, house

TOKEN = "made-up-token-0123456789"
MOST_EDITED = 15


def run_once(folder: Path) -> subprocess.CompletedProcess[str]:
    """The daemon itself, as a process of its own."""
    command = [sys.executable, "-P", "-c", "from daemon.main import main; main()", "run", "--once"]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "FORGE_TOKEN": TOKEN}, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def said(*words: str) -> Result:
    """What a command prints; in this process, which has everything loaded."""
    return CliRunner(env={"FORGE_TOKEN": TOKEN}).invoke(trackwalker, words)


def edited(before: str, after: str) -> int:
    """How many lines somebody had to write or change by hand."""
    return len([line for line in after.splitlines() if line not in before.splitlines()])


def test_from_an_empty_folder_to_forty_watched_services(tmp_path: Path) -> None:
    ensure_dockerd()
    ensure_base_image()
    folder = tmp_path / "empty"
    folder.mkdir()
    config = folder / "trackwalker.yaml"
    repositories(tmp_path / "forge")
    now = int(SystemClock().now().timestamp()) - 30
    with (
        fleet(tmp_path / "prometheus", now, rules()) as telemetry,
        serve(tmp_path / "forge", "127.0.0.1:0", TOKEN) as forge,
    ):
        # 1. `init` writes a file, whose two addresses are set by hand.
        assert said("init", str(folder)).exit_code == 0
        template = config.read_text()
        begun = template.replace("http://127.0.0.1:9090", telemetry.prometheus.url)
        begun = begun.replace("{token: env:GITHUB_TOKEN}", f"{{api_url: '{forge.api_url}', token: env:FORGE_TOKEN}}")
        config.write_text(begun)
        by_hand = edited(template, begun)
        assert by_hand == 2

        # 2. `discover --diff` is applied as it is.
        found = said("discover", "--config", str(config), "--diff")
        assert found.exit_code == 1, found.output  # some services have no repository of a like name
        subprocess.run(["patch", "-p0", str(config)], input=found.stdout, text=True, check=True, capture_output=True)
        proposed = config.read_text()
        settings = load(config)
        assert len(settings.repositories) == len(HOUSED)
        assert {service.name for service in settings.services} == set(HOUSED)
        assert [deploy.model_dump()["commit_label"] for deploy in settings.deploys] == ["revision"]
        assert {service.name for service in settings.services if service.owners == ("@acme/shop",)} == set(HOUSED[:3])

        # 3. What stayed unmatched is named, with what to write, and a human writes it.
        unmatched = set(re.findall(r"^unmatched: ([^:]+):", found.stderr, re.MULTILINE))
        assert unmatched == {*HOMELESS, "rule Watchdog (group fleet)", "rule NobodyKnows (group fleet)"}
        finished = proposed
        for service in HOMELESS:
            note = re.search(rf"  # - {{name: {service}, repository: \?}}.*", finished)
            assert note is not None
            home = next(r.name for r in settings.repositories if r.name == service.removesuffix("-feed"))
            finished = finished.replace(note[0], f"  - {{name: {service}, repository: {home}}}")
        config.write_text(finished)
        assert by_hand + edited(proposed, finished) <= MOST_EDITED
        again = said("discover", "--config", str(config), "--diff")
        assert again.stdout == ""  # nothing is left to propose
        assert {service.name for service in load(config).services} == set(SERVICES)

        # 4. The daemon watches them, and does nothing else: it is an observer.
        config.write_text(finished + "\napi: {listen: '127.0.0.1:0'}\n")
        watched = run_once(folder)
        assert watched.returncode == 0, watched.stderr
        listed = re.search(r"watching (\d+) signals; (\d+) unmatched", watched.stderr)
        assert listed is not None, watched.stderr
        # ErrorsHigh and Busy for each service, one Slow rule each, ten absences, six firing states
        assert (int(listed[1]), int(listed[2])) == (40 + 40 + 40 + 10 + 6, 2)
        assert "rule NobodyKnows (group fleet)" in watched.stderr
        assert re.findall(r" is (?:blind|missing|stale): ", watched.stderr) == []  # every one of them has readings


def test_a_case_of_a_family_goes_all_the_way(tmp_path: Path) -> None:
    family = {"name": "errors", "by": "service", "query": QUERY, "harm": "up", "severity": "page"}
    with house(tmp_path, watch=[family]) as it, it.alive():
        case = it.until(Phase.PROPOSED)
        assert (case.service, case.anomalies[0].signal.pick) == ("shop", {"service": "shop"})
        (pull,) = it.pull_requests()
        it.merge(pull["number"])
        assert it.until(Phase.DEPLOYED).phase is Phase.DEPLOYED


def test_a_service_that_died_is_missing_and_then_said_to_be_gone(tmp_path: Path) -> None:
    family = {"name": "errors", "by": "service", "query": QUERY, "harm": "up"}
    with house(tmp_path, watch=[family], authority={"default": "observe"}) as it, it.alive() as app:
        it.readings.levels[:] = [it.readings.levels[0]]
        it.passes(2)
        assert app.cycle.poll.blind() == {}
        it.readings.becomes(None, it.now)
        it.passes(30)
        assert list(app.cycle.poll.blind()) == ["shop/errors"]
        it.passes(50)
        assert app.cycle.poll.blind() == {}
        assert it.subjects()[-1] == "shop/errors is not watched any more"


def test_rules_that_cannot_be_listed_are_blind_and_not_healthy(tmp_path: Path) -> None:
    with house(tmp_path, watch=[{"import": "prometheus_rules"}]) as it, it.alive() as app:
        it.passes(2)
        assert list(app.cycle.poll.blind()) == ["watch[0] (imported rules)"]
