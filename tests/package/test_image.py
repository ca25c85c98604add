"""The image: what its Dockerfile promises, and, in the long run, the image itself at work beside real parts."""

import json
import os
import re
import shutil
import socketserver
import subprocess
import sys
import threading
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from daemon.clock import SystemClock
from remediation.forge.local.server import serve
from sandbox.engine import Engine
from tests.package.slim_image import builder, slim_image
from tests.parts.dockerd import ensure_dockerd
from tests.parts.hub import Hub
from tests.parts.prometheus import free_port, running_prometheus
from tests.parts.settings import a_document

TOP = Path(__file__).parents[2]
DOCKERFILE = (TOP / "Dockerfile").read_text().replace("\\\n", " ")
LAST_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "deploy/measuring.lock", "deploy/build.lock")
TOKEN = "made-up-token-0123456789"
CONFIG = "/etc/trackwalker/trackwalker.yaml"
USER = "10001:10001"


def instructions(word: str, text: str = LAST_STAGE) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(f"{word} ")]


def let_in() -> set[str]:
    """What .dockerignore lets into the build, by the first step of its path."""
    lines = (TOP / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*", "everything is left out but what is named"
    return {line[1:].split("/")[0] for line in lines if line.startswith("!")}


def test_all_that_the_wheel_needs_goes_into_the_build_and_nothing_else() -> None:
    packages = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    files = {"pyproject.toml", "README.md", "LICENSE", "requirements.lock", "deploy", "wheelhouse"}
    assert let_in() == packages | files


def test_it_runs_as_nobody_in_particular_and_ends_in_order() -> None:
    assert instructions("USER") == [USER]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert instructions("VOLUME") == instructions("WORKDIR") == ["/var/lib/trackwalker"]
    (entry,), (words,) = instructions("ENTRYPOINT"), instructions("CMD")
    assert json.loads(entry) == ["trackwalker"]
    assert json.loads(words) == ["run", "--config", CONFIG]


def test_it_is_what_the_project_says_it_is() -> None:
    assert instructions("ARG", DOCKERFILE)[0] == "PYTHON_IMAGE=python:3.12-slim"
    assert f"VERSION={PROJECT['project']['version']}" in instructions("ARG")
    (labels,) = instructions("LABEL")
    assert f'description="{PROJECT["project"]["description"]}"' in labels
    assert f'licenses="{PROJECT["project"]["license"]}"' in labels


def test_every_package_in_it_is_held_by_hash() -> None:
    installs = [words for words in instructions("RUN", DOCKERFILE) if " install " in words and "pip" in words]
    assert len(installs) == 3
    locked = [words for words in installs if "--require-hashes" in words and "--only-binary :all:" in words]
    used = re.findall(r"-r wheelhouse/(\S+)", " ".join(locked))
    assert sorted(used) == sorted(Path(lock).name for lock in LOCKS)
    fetched = " ".join(f"-r {lock}" for lock in LOCKS)
    assert fetched in " ".join(DOCKERFILE.replace("\n#", "").split()), "the Dockerfile says how to come by them all"
    assert fetched in read("docs/install.md")
    assert all("--no-index --no-deps" in words for words in installs if words not in locked)  # the wheel of the tree
    for lock in LOCKS:
        entries = re.split(r"\n(?=[a-z0-9])", (TOP / lock).read_text())
        assert [one for one in entries if "==" in one and "--hash=sha256:" not in one] == []
    assert set(PROJECT["build-system"]["requires"]) <= set(pins("deploy/build.lock"))


def test_it_has_what_measures_experiments_in_the_version_that_is_tested() -> None:
    (asked,) = PROJECT["project"]["optional-dependencies"]["duckdb"]
    (pin,) = pins("deploy/measuring.lock")
    assert pin.partition("==")[0] == re.match(r"[a-z]+", asked)[0]  # type: ignore[index]
    assert pin in pins("requirements-dev.lock")


def pins(lock: str) -> list[str]:
    return re.findall(r"^[a-z]\S+==\S+", read(lock), re.MULTILINE)


def read(path: str) -> str:
    return (TOP / path).read_text()


def test_no_compiler_no_key_and_no_address_is_baked_in() -> None:
    for word in ("gcc", "build-essential", "curl", "trusted-host", "docker.sock"):
        assert word not in DOCKERFILE
    assert set(re.findall(r"https?://[^/\s'\"]+", DOCKERFILE)) == {"http://127.0.0.1:8040"}
    assert not any("PIP_" in line for line in (*instructions("ENV"), *instructions("ARG")))


@pytest.mark.parametrize(("answer", "status"), [(200, 0), (503, 1), (None, 1)])
def test_its_healthcheck_tells_health_whatever_the_proxy(answer: int | None, status: int) -> None:
    (check,) = instructions("HEALTHCHECK")
    command: list[str] = json.loads(check[check.index("[") :])
    assert command[0] == "python"
    with answering(answer) as url:
        environment = {**os.environ, "TRACKWALKER_HEALTHZ": f"{url}/healthz", "http_proxy": "http://127.0.0.1:9"}
        asked = subprocess.run([sys.executable, *command[1:]], env=environment, check=False, capture_output=True)
    assert asked.returncode == status


@contextmanager
def answering(status: int | None) -> Generator[str]:
    """A server that gives every request that status; None: nobody listens."""
    if status is None:
        yield f"http://127.0.0.1:{free_port()}"
        return

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert status is not None
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
            del format, args

    with socketserver.TCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


# ---- the image itself ----


def docker(*words: str, patience: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=patience)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The image, built without a network from a wheelhouse, on a base made of this machine. It is gone afterwards."""
    ensure_dockerd()
    context = tmp_path_factory.mktemp("context")
    for name in (*let_in() - {"wheelhouse"}, "Dockerfile", ".dockerignore"):
        source, copy = TOP / name, context / name
        shutil.copytree(source, copy) if source.is_dir() else shutil.copyfile(source, copy)
    (context / ".env").write_text("GITHUB_TOKEN=made-up\n")
    (context / "daemon" / "trackwalker.db").write_text("a store that lies about\n")
    (context / "deploy" / "secrets" / "github_token").write_text("made-up\n")
    locks = [word for lock in LOCKS for word in ("-r", str(TOP / lock))]
    fetched = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([*fetched, *locks, "-d", str(context / "wheelhouse")], check=True, capture_output=True, timeout=600)
    name = f"trackwalker-test-image:{os.getpid()}"
    base = slim_image()
    arguments = ["--build-arg", f"PYTHON_IMAGE={base}", "--build-arg", "PIP_NO_INDEX=1", "--network", "none"]
    try:
        for target in (["--target", "build", "--tag", f"{name}-build"], ["--tag", name]):
            command = ["docker", "build", "--force-rm", *arguments, *target, str(context)]
            built = subprocess.run(command, capture_output=True, text=True, check=False, env=builder(), timeout=900)
            assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
        yield name
    finally:
        docker("rmi", "--force", name, f"{name}-build", base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the container is run with: beside a Prometheus, a forge and an engine."""

    image: str
    health: str
    options: tuple[str, ...]

    def ran(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command in a container of its own."""
        return docker("run", "--rm", *self.options, self.image, *words)


@pytest.fixture
def around(image: str, tmp_path: Path) -> Generator[Around]:
    clock, port = SystemClock(), free_port()
    hub = Hub(tmp_path / "forge").create()
    hub.commit("Open the shop", {"README.md": b"hello\n"}, at=int(clock.now().timestamp()) - 600)
    for folder in ("prometheus", "etc"):
        (tmp_path / folder).mkdir()
    with Engine() as engine:
        endpoint = Path(engine.address.removeprefix("unix://"))
    with running_prometheus(tmp_path / "prometheus") as prometheus, serve(
        tmp_path / "forge", "127.0.0.1:0", TOKEN, readers=("reader",)
    ) as forge:  # fmt: skip
        document = a_document(
            signals={"prometheus": [{"name": "main", "url": prometheus.url}]},
            watch=[{"name": "errors", "service": "shop", "query": "vector(0.01)", "harm": "up"}],
            repositories=[{"name": "shop", "url": f"{forge.url}/acme/shop.git", "full_name": "acme/shop"}],
            deploys=[{"merge": {"delay": "2m"}}],
            forge={"api_url": forge.api_url, "token": "env:TOKEN"},
            api={"listen": f"127.0.0.1:{port}"},
            cycle="1s",
        )
        (tmp_path / "etc" / "trackwalker.yaml").write_text(json.dumps(document))
        health = f"http://127.0.0.1:{port}/healthz"
        scratch = ("--tmpfs", "/tmp")  # noqa: S108 - the container's own
        confined = ("--read-only", *scratch, "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
        reaching = ("--network", "host", "-v", f"{endpoint}:/var/run/docker.sock")
        group = ("--group-add", str(endpoint.stat().st_gid), "--init")
        told = ("-v", f"{tmp_path / 'etc'}:/etc/trackwalker:ro", "-e", f"TOKEN={TOKEN}")
        watched = ("-e", f"TRACKWALKER_HEALTHZ={health}", "--health-interval", "1s")
        yield Around(image=image, health=health, options=(*confined, *reaching, *group, *told, *watched))


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_it_checks_watches_and_ends_as_on_any_machine(around: Around) -> None:
    checked = around.ran("check", "--config", CONFIG)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    table = " ".join(checked.stdout.split())
    for system in ("source main", "watch shop/errors", "repository shop", "deploys of shop", "sandbox"):
        assert re.search(rf"ok │ {system}", table), table
    assert not re.search(r"│ (no|unreachable) │", table)

    assert around.ran("check", "--config", "/etc/trackwalker/missing.yaml").returncode == 2

    name = f"trackwalker-test-{os.getpid()}"
    started = docker("run", "--detach", "--name", name, *around.options, around.image)
    try:
        assert started.returncode == 0, started.stderr
        assert became_healthy(name), docker("logs", name).stderr
        stopped = docker("stop", "--time", "20", name)
        assert stopped.returncode == 0
        ended = docker("inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", name)
        assert ended.stdout.split() == ["0", "false"]
        logged = docker("logs", name).stderr
        assert "own health at" in logged
        assert "Traceback" not in logged
        assert TOKEN not in logged
    finally:
        docker("rm", "--force", "--volumes", name)


def became_healthy(name: str) -> bool:
    pause = threading.Event()
    for _ in range(300):
        state = docker("inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", name).stdout.split()
        if state == ["running", "healthy"]:
            return True
        if state[:1] != ["running"]:
            return False
        pause.wait(0.2)
    return False


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_it_holds_what_it_needs_and_nothing_that_lay_about(image: str) -> None:
    inside = (
        'id -u; touch /opt/trackwalker/x 2>/dev/null && echo "the program can be written"; touch x && echo kept; '
        "find / -xdev \\( -name .env -o -name trackwalker.db -o -name '*.whl' -o -name wheelhouse \\) 2>/dev/null; "
        "python -c 'import remediation.plot, matplotlib.pyplot, scipy.stats, demo; print(\"imported\")'; "
        'for one in gcc cc; do command -v "$one"; done; git --version'
    )
    told = docker("run", "--rm", "--network", "none", "--tmpfs", "/tmp", "--entrypoint", "sh", image, "-c", inside)  # noqa: S108 - a container's own
    assert told.stderr == ""
    user, *rest = told.stdout.splitlines()
    assert user == "10001"
    assert rest[:2] == ["kept", "imported"]
    assert len(rest) == 3
    lying = "find / -xdev \\( -name .env -o -name trackwalker.db -o -name github_token \\)"
    found = docker("run", "--rm", "--network", "none", "--entrypoint", "sh", f"{image}-build", "-c", lying)
    assert (found.returncode, found.stdout) == (0, "")
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
    assert "PIP_NO_INDEX=1" not in history
    described: dict[str, str] = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", image).stdout)
    assert described["org.opencontainers.image.version"] == PROJECT["project"]["version"]


MEASURING = """
import sqlite3, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from cases.measure import EVERYBODY, Measured
from config.load import load
from daemon.measuring import measures_of

with sqlite3.connect("/tmp/shop.db") as shop:
    shop.execute("create table exposures (unit, variant, time)")
    shop.execute("create table sales (unit, time, value)")
    shop.executemany("insert into exposures values (?, ?, '2026-03-01 10:00:00')", [("a", "off"), ("b", "on")])
    shop.execute("insert into sales values ('b', '2026-03-01 11:00:00', 5)")
measures = measures_of(load(Path("/etc/trackwalker/trackwalker.yaml")), Path.cwd())
print("duckdb" in sys.modules, "sqlalchemy" in sys.modules)
start = datetime(2026, 3, 1, tzinfo=UTC)
asked = Measured(service="shop", flag="button", variants=("off", "on"), signals=("shop/sales",), since=start,
                 until=start + timedelta(days=2))
users = measures.look(asked)
print(dict(users.exposed), users.tallies[EVERYBODY, "shop/sales", "on"].means)
"""


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_it_measures_an_experiment_with_a_root_file_system_that_cannot_be_written(image: str, tmp_path: Path) -> None:
    exposures = "select unit, variant, time from exposures where time >= :start and time < :end"
    source, sales = "db", "select unit, time, value from sales where time >= :start and time < :end"
    document = a_document(
        signals={
            "prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}],
            "sql": [{"name": source, "url": "sqlite:////tmp/shop.db", "query": "select 1 as value"}],
        },
        watch=[{"name": "sales", "service": "shop", "query": "sales", "harm": "down"}],
        measures=[
            {"signal": "shop/sales", "source": source, "kind": "mean", "query": sales},
        ],
        services=[
            {
                "name": "shop",
                "repository": "shop",
                "experiments": {
                    "flagd": {"file": "flags.json"},
                    "exposures": {"source": source, "query": f"{exposures} and :flag = 'button'"},
                },
            }
        ],
    )
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "trackwalker.yaml").write_text(json.dumps(document))
    confined = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none", "-e", f"TOKEN={TOKEN}")  # noqa: S108 - the container's own
    run = ("run", "--rm", *confined, "-v", f"{tmp_path / 'etc'}:/etc/trackwalker:ro", "--entrypoint", "python", image)
    told = docker(*run, "-P", "-c", MEASURING)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines() == ["False False", "{'off': 1, 'on': 1} (5.0,)"]


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_it_makes_the_sandboxs_base_image_of_its_own_files(around: Around) -> None:
    name = f"trackwalker-test-base-{os.getpid()}"
    program = f"from sandbox.base_image import ensure_base_image; print(ensure_base_image(repository={name!r}))"
    made = docker("run", "--rm", *around.options, "--entrypoint", "python", around.image, "-P", "-c", program)
    try:
        assert made.returncode == 0, made.stderr
        said = docker("run", "--rm", "--network", "none", made.stdout.strip(), "python3", "-m", "pytest", "--version")
        assert said.stdout.startswith("pytest ")
    finally:
        docker("rmi", "--force", f"{name}:latest", made.stdout.strip())
