"""compose.yaml and what it mounts: every file is there, each program accepts its own, and nothing is open to others."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.load import load
from config.settings import Settings
from daemon.observe.metrics import Metrics

TOP = Path(__file__).parents[2]
DEPLOY = TOP / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((TOP / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PINNED = re.compile(r"[a-z0-9./-]+:v?[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+)?")
ENDS_BY_ITSELF = {"base-image"}
BY_ITS_IMAGE = {"trackwalker"}  # whose Dockerfile says how its health is asked for


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load(DEPLOY / "trackwalker" / "trackwalker.yaml")


def test_every_file_that_it_mounts_is_there() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", ())]
    files = [volume for volume in mounted if volume.startswith(".")]
    assert len(files) >= 4
    assert [one for one in files if not (TOP / one.split(":")[0]).exists()] == []
    assert [one for one in files if not one.endswith(":ro")] == []
    named = {volume.split(":")[0] for volume in mounted} - {one.split(":")[0] for one in files}
    assert named == set(COMPOSE["volumes"])


def test_secrets_are_files_that_git_never_sees() -> None:
    assert {secret for service in SERVICES.values() for secret in service.get("secrets", ())} == set(COMPOSE["secrets"])
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./deploy/secrets/{name}"}
    ignored = [line for line in (DEPLOY / "secrets" / ".gitignore").read_text().splitlines() if line[0] != "#"]
    assert ignored == ["*", "!.gitignore"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_part_is_pinned_watched_and_confined(name: str) -> None:
    service = SERVICES[name]
    assert PINNED.fullmatch(service["image"])
    if name not in ENDS_BY_ITSELF | BY_ITS_IMAGE:
        assert service["healthcheck"]["test"][0] == "CMD"
    assert service.get("privileged", False) is (name == "engine")
    if name == "engine":
        assert service["network_mode"] == "none"  # an engine that can be reached by its socket alone
        assert not any("tcp://" in word for word in service["command"])
        return
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_nothing_is_published_but_the_api_on_this_host() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"trackwalker": ["127.0.0.1:8040:8040"]}


def test_the_hosts_own_engine_is_out_of_reach() -> None:
    assert "/var/run/docker.sock" not in (TOP / "compose.yaml").read_text()
    with_engine = {name for name, one in SERVICES.items() if "engine-socket:/run/engine" in one.get("volumes", ())}
    assert with_engine == {"engine", "base-image", "trackwalker"}
    listens = f"--host={SERVICES['trackwalker']['environment']['DOCKER_HOST']}"
    assert listens in SERVICES["engine"]["command"]
    assert "--group=10001" in SERVICES["engine"]["command"]
    assert "USER 10001:10001" in (TOP / "Dockerfile").read_text()


def test_a_new_container_has_the_name_of_its_former_life() -> None:
    # daemon/home.py knows its left-overs by the host's name; an engine would make a new one each time
    assert SERVICES["trackwalker"]["hostname"] == "trackwalker"


def test_its_configuration_reaches_the_parts_by_their_names(settings: Settings) -> None:
    assert settings.signals.alertmanager is not None
    ports = {"prometheus": 9090, "loki": 3100, "alertmanager": 9093}
    urls = [settings.signals.prometheus[0].url, settings.signals.loki[0].url, settings.signals.alertmanager.url]
    assert urls == [f"http://{name}:{port}" for name, port in ports.items()]
    reached = set(SERVICES["trackwalker"]["networks"])
    assert all(reached & set(SERVICES[name]["networks"]) for name in ports)
    assert settings.api.listen == "0.0.0.0:8040"
    secrets = {str(settings.forge.token), str(settings.api.token)}
    assert secrets == {f"file:/run/secrets/{name}" for name in SERVICES["trackwalker"]["secrets"]}


def test_prometheus_accepts_its_files_and_keeps_what_is_learnt_from(settings: Settings) -> None:
    folder = DEPLOY / "prometheus"
    for words in (["config", "--syntax-only", "prometheus.yml"], ["rules", "trackwalker-alerts.yml"]):
        subprocess.run(["promtool", "check", *words], cwd=folder, check=True, capture_output=True)
    (kept,) = (word for word in SERVICES["prometheus"]["command"] if "retention" in word)
    longest = max(settings.detection.history, settings.judgement.history)
    assert int(re.findall(r"=(\d+)d", kept)[0]) >= longest.days


def test_what_prometheus_asks_for_is_there() -> None:
    document = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    managers = document["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert managers == ["alertmanager:9093"]
    (own,) = (job for job in document["scrape_configs"] if job["job_name"] == "trackwalker")
    assert own["static_configs"][0]["targets"] == ["trackwalker:8040"]
    secret = own["authorization"]["credentials_file"].removeprefix("/run/secrets/")
    assert secret in SERVICES["prometheus"]["secrets"]
    named = set(re.findall(r"\btrackwalker_\w+", (DEPLOY / "prometheus" / "trackwalker-alerts.yml").read_text()))
    exposed = set(re.findall(r"\btrackwalker_\w+", Metrics().render().decode()))
    assert named
    assert named <= exposed


def test_alertmanager_accepts_its_file() -> None:
    subprocess.run(["amtool", "check-config", str(DEPLOY / "alertmanager.yml")], check=True, capture_output=True)


def test_loki_keeps_all_on_its_volume() -> None:
    document = yaml.safe_load((DEPLOY / "loki.yaml").read_text())
    mounted = [volume.split(":")[1] for volume in SERVICES["loki"]["volumes"] if not volume.startswith(".")]
    assert [document["common"]["path_prefix"]] == mounted
    assert document["server"]["http_listen_port"] == 3100
    assert document["analytics"] == {"reporting_enabled": False}
