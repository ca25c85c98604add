"""What `trackwalker check` finds out, on a real Prometheus, a forge over HTTP and a real sandbox."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.errors import OverBudget
from cases.telemetry import Deploy
from cases.trying import CommandReport
from config.settings import Settings
from daemon.clock import SystemClock
from daemon.home import Home
from daemon.ledger.ledger import open_ledger
from daemon.preflight import Finding, model, preflight, worst
from daemon.preflight.sources import retention
from daemon.preflight.trials import judged
from sandbox.base_image import ensure_base_image
from sandbox.images import ImageEngine
from sandbox.prepare import LABEL
from tests.parts.chat_api import chat_api
from tests.parts.dockerd import ensure_dockerd
from tests.parts.hub import TOKEN, UNHURRIED, Entry, World, world
from tests.parts.messages_api import MODEL, messages_api
from tests.parts.misbehaving import misbehaving
from tests.parts.model_server import KEY
from tests.parts.prometheus import RunningPrometheus, exposition, running_prometheus
from tests.parts.settings import some_settings
from tests.parts.web import says

PASSING: dict[str | bytes, bytes | Entry | None] = {
    "shop/__init__.py": b"",
    "shop/cart.py": b"def total(prices):\n    return sum(prices)\n",
    "tests/test_cart.py": b"from shop.cart import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
}
FAILING: dict[str | bytes, bytes | Entry | None] = PASSING | {"shop/cart.py": b"def total(prices):\n    return 0\n"}
NOW = SystemClock().now()


@dataclass
class Ground:
    """A forge with one repository, a Prometheus, and a folder for the daemon's store."""

    there: World
    prometheus: RunningPrometheus
    folder: Path
    head: str

    def settings(self, **more: Any) -> Settings:  # noqa: ANN401 - keys of a configuration
        url = f"{self.there.served.url}/acme/shop.git"
        document: dict[str, Any] = {
            "store": f"sqlite:///{self.folder / 'trackwalker.db'}",
            "signals": {"prometheus": [{"name": "main", "url": self.prometheus.url}]},
            "watch": [{"name": "errors", "service": "shop", "query": "vector(0.01)", "harm": "up"}],
            "repositories": [{"name": "shop", "url": url, "full_name": "acme/shop"}],
            "forge": {"api_url": self.there.served.api_url, "token": "env:TOKEN", **UNHURRIED},
            "deploys": [{"prometheus": "build_info"}],
            **more,
        }
        return some_settings(**document)

    def check(self, *, trial: bool = False, **more: Any) -> list[Finding]:  # noqa: ANN401 - the same
        home = Home(name="test", folder=self.folder)
        return list(preflight(self.settings(**more), SystemClock(), home, trial=trial))

    def found(self, system: str, **more: Any) -> dict[str, tuple[int, str]]:  # noqa: ANN401 - the same
        """What was asked of the systems whose names begin so → (status, what was said)."""
        return {f.asked: (f.status, f.said) for f in self.check(**more) if f.system.startswith(system)}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    (folder / "prometheus").mkdir()
    with world(folder) as there, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN", TOKEN)
        ensure_dockerd()
        ensure_base_image()
        head = there.hub.commit("Open the shop", PASSING, at=int(NOW.timestamp()) - 3600)
        samples = [(NOW.timestamp() + s, 1.0) for s in range(-1200, 600, 15)]
        builds = {
            (("service", "shop"), ("revision", head)): samples,
            (("service", "cart"), ("revision", "f" * 40)): samples,
        }
        argo = {(("service", "shop"), ("sync_status", "Synced")): samples}
        text = f"{exposition('build_info', builds)}\n{exposition('argocd_app_info', argo)}\n# EOF\n"
        with running_prometheus(folder / "prometheus", text) as prometheus:
            yield Ground(there, prometheus, folder, head)


def test_all_is_well_and_nothing_is_written(ground: Ground) -> None:
    before = len(ground.there.answered)
    findings = ground.check()
    assert [f for f in findings if f.status] == []
    said = {(f.system, f.asked): f.said for f in findings}
    assert said["source main", "keeps the history that is learnt from"] == "100y; detection.history is 14d"
    assert said["repository shop", "no rule asks for more"] == "none is set, or none that the token may see"
    assert said["deploys of shop", "a marker resolves to a commit"] == f"{ground.head[:12]} of shop runs"
    assert said["deploys[0] metric build_info, label revision", "names commits"] == "of 1 of 1 services"
    assert said["watch shop/errors", "is judged by"] == (
        "band, constant: 1 series (it never moved: a change of 0.5% counts). "
        "Beside it: the streaming engine, within the service's alert budget"
    )
    assert said["model", "is configured"] == "none: playbooks only"
    assert ground.there.written(before) == []
    assert not (ground.folder / "trackwalker.db").exists()


@pytest.mark.parametrize(
    ("limit", "status", "said"),
    [
        (0.5, 0, "0.5"),
        ("vector(2)", 0, "2"),
        ("vector(2) > 3", 1, "1 of 1 series have none"),
        ("sum(", 1, "parse error"),
    ],
)
def test_a_limit_is_there_for_each_series(ground: Ground, limit: float | str, status: int, said: str) -> None:
    watch = [{"name": "errors", "service": "shop", "query": "vector(0.01)", "harm": "up", "limit": limit}]
    found = ground.found("watch shop/errors", watch=watch)
    assert found["each series has a limit"][0] == status
    assert said in found["each series has a limit"][1]
    assert ", saturation at" in found["is judged by"][1]


def test_a_marker_that_names_no_commit_of_the_repository(ground: Ground) -> None:
    watch = [{"name": "errors", "service": "cart", "query": "vector(0.01)", "harm": "up"}]
    status, said = ground.found("deploys of cart", watch=watch)["a marker resolves to a commit"]
    assert (status, said) == (1, f"a marker says {'f' * 12}, no commit on the watched branch of shop")


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ({"prometheus": "build_info", "commit_label": "version"}, "its labels are revision, service"),
        ({"prometheus": "argocd_app_info"}, "Argo CD's own metrics name no revision"),
        ({"prometheus": "no_such_metric"}, 'main has no series no_such_metric{service="shop"}'),
        ({"github_deployments": {}}, "the forge has no deployment to production"),
        ({"prometheus": "kube_pod_container_info", "image_label": "image"}, "has no series"),
    ],
)
def test_each_marker_says_why_it_says_nothing(ground: Ground, marker: dict[str, Any], said: str) -> None:
    findings = ground.check(deploys=[marker, {"merge": {"delay": "2m"}}])
    (own,) = [f for f in findings if f.system.startswith("deploys[0]")]
    assert own.status == 1
    assert said in own.said
    assert worst([f for f in findings if f.system == "deploys of shop"]) == 0  # the other marker knows


def test_a_webhook_is_silent_until_it_is_told_something(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    deploys = [{"webhook": "flux", "secret": "env:KEY"}, {"webhook": "generic"}, {"merge": {"delay": "2m"}}]
    asked = ground.found("deploys[0] webhook flux for production", deploys=deploys)
    assert asked["its sender can be known"][0] == 1
    assert "KEY is not set" in asked["its sender can be known"][1]
    assert asked["was told something"] == (
        0, "nothing received yet, and nothing outside this machine can reach api.listen",
    )  # fmt: skip
    monkeypatch.setenv("KEY", "made-up-key")
    asked = ground.found("deploys[1]", deploys=deploys)
    assert asked["its sender can be known"][1].startswith(
        "only this machine may send, at POST 127.0.0.1:8040/webhooks/"
    )
    with open_ledger(f"sqlite:///{ground.folder / 'trackwalker.db'}") as ledger:
        told = Deploy(service="shop", commit=ground.head, started=NOW, source="Flux (webhook)")
        ledger.deploys.tell(told, NOW.replace(microsecond=0))
    asked = ground.found("deploys[0]", deploys=deploys)
    assert asked["its sender can be known"][1] == (
        "by the marker's own secret, at POST 127.0.0.1:8040/webhooks/deploys/flux"
    )
    assert asked["was told something"] == (0, f"last at {NOW:%Y-%m-%dT%H:%M:%SZ}")
    for file in ground.folder.glob("trackwalker.db*"):
        file.unlink()


def test_deployments_on_the_forge_are_a_marker(ground: Ground) -> None:
    made = ground.there.ask("POST", "/deployments", json={"ref": "main", "environment": "qa"}).json()
    ground.there.ask("POST", f"/deployments/{made['id']}/statuses", json={"state": "success"})
    services = [{"name": name, "repository": "shop"} for name in ("shop", "cart")]
    watch = [{"name": "e", "service": name, "query": "vector(0.01)", "harm": "up"} for name in ("shop", "cart")]
    deploys = [{"github_deployments": {"environment": "qa"}}]
    findings = ground.check(deploys=deploys, services=services, watch=watch)
    assert [f for f in findings if f.status] == []
    said = {f.asked: f.said for f in findings if f.system == "deploys[0] deployments to qa on the forge"}
    assert said == {
        "names commits": "of 2 of 2 services",
        "which service it tells of": "each of shop, cart (in shop): the record names no service",
    }


def test_rules_that_stop_us_are_found(ground: Ground) -> None:
    rules = ground.there.hub.folder / "rules.json"
    signed = {"type": "required_signatures", "ruleset_source": "acme/shop", "ruleset_id": 7}
    rules.write_text(json.dumps({"rules": {"main": [signed]}}))
    status, said = ground.found("repository shop")["main takes unsigned commits"]
    rules.unlink()
    assert status == 1
    assert "let the rule spare pull requests from trackwalker/**" in said


def test_a_prometheus_that_forgets_too_soon(ground: Ground) -> None:
    with misbehaving() as short_of_memory:

        def behave(request: Any) -> None:  # noqa: ANN401 - the server's own
            if "runtimeinfo" in request.path:
                says(200, json.dumps({"status": "success", "data": {"storageRetention": "7d or 10GiB"}}))(request)
            elif "buildinfo" in request.path:
                says(200, json.dumps({"status": "success", "data": {"version": "3.0.0"}}))(request)
            else:
                vector: dict[str, Any] = {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}
                says(200, json.dumps({"status": "success", "data": vector}))(request)

        short_of_memory.behave = behave
        signals = {"prometheus": [{"name": "main", "url": short_of_memory.url}]}
        status, said = ground.found("source main", signals=signals)["keeps the history that is learnt from"]
    assert status == 1
    assert said.startswith("it keeps 7d or 10GiB, and detection.history is 14d")


@pytest.mark.parametrize(
    ("said", "days"),
    [("15d", 15.0), ("1w1d", 8.0), ("2y", 730.0), ("36h", 1.5), ("15d or 10GiB", 15.0), ("10GiB", None), ("", None)],
)
def test_a_retention_is_read(said: str, days: float | None) -> None:
    assert retention(said) == (None if days is None else timedelta(days=days))


def test_a_model_is_asked_who_it_is_and_nothing_is_spent(tmp_path: Path) -> None:
    missing = {"provider": "scripted", "script": str(tmp_path / "none.yaml")}
    (finding,) = model.findings(some_settings(model=missing), SystemClock())
    assert finding.status == 1
    assert "none.yaml" in finding.said
    with pytest.raises(OverBudget, match="a check spends nothing"):
        model.NoMoney().reserve("", "diagnose", "any", 0.01)


def test_every_provider_has_a_row_that_says_what_to_do(tmp_path: Path) -> None:
    """A good key, a bad one, nobody there, a model that is not there, one without a price: each by itself."""
    (tmp_path / "good").write_text(KEY)
    (tmp_path / "bad").write_text("another-key-0123456789")
    good, bad = f"file:{tmp_path / 'good'}", f"file:{tmp_path / 'bad'}"
    own: dict[str, Any] = {"qwen": {"input": 0, "output": 0}}
    with messages_api() as messages, chat_api() as chat:
        openai: dict[str, Any] = {"provider": "openai", "base_url": chat.url, "diagnose": "gpt-5.1"}
        providers = {
            "provider": "anthropic", "base_url": messages.url, "api_key": good, "diagnose": MODEL,
            "record": str(tmp_path / "session"),
            "failover": [
                {**openai, "api_key": bad},
                {**openai, "api_key": good, "draft": "gpt-5.4"},
                {**openai, "api_key": good, "draft": "gpt-unheard-of"},
                {**openai, "api_key": f"file:{tmp_path / 'none'}"},
                {"provider": "ollama", "base_url": "http://127.0.0.1:9/v1", "diagnose": "qwen", "prices": own},
                {"provider": "vllm", "base_url": "http://127.0.0.1:9/v1", "diagnose": "qwen"},
                {**openai, "api_key": good},
            ],
        }  # fmt: skip
        found = list(model.findings(some_settings(model=providers), SystemClock()))
        assert (messages.asked, chat.asked) == ([], [])
    assert [(finding.status, finding.system) for finding in found] == [
        (0, "model"),
        (1, "model.failover[0] (openai)"),
        (1, "model.failover[1] (openai)"),
        (1, "model.failover[2] (openai)"),
        (1, "model.failover[3] (openai)"),
        (3, "model.failover[4] (ollama)"),
        (1, "model.failover[5] (vllm)"),
        (0, "model.failover[6] (openai)"),
        (0, "model.record"),
    ]
    said = [
        f"has {MODEL}",
        "refuses the key (401: Incorrect API key provided); put a valid one where model.api_key says",
        "has no model 'gpt-5.4'; name another in model, or load it there",
        "no price is known for the model 'gpt-unheard-of'",
        "cannot be read",
        "cannot be reached",
        "write its price as model.prices: {qwen: {input: …, output: …}}",
        "has gpt-5.1",
        "will be begun",
    ]
    assert [part in finding.said for part, finding in zip(said, found, strict=True)] == [True] * len(said)
    assert not (tmp_path / "session").exists(), "a check writes nothing"


def test_a_trial_runs_the_base_and_names_what_fails(ground: Ground) -> None:
    ground.there.hub.commit("Break it", FAILING, branch="broken", start=ground.head)
    url, tests = f"{ground.there.served.url}/acme/shop.git", "python -m pytest -q"
    repositories = [
        {"name": "shop", "url": url, "full_name": "acme/shop", "test": tests, "reproduce": "test -e fault"},
        {"name": "broken", "url": url, "full_name": "acme/shop", "test": tests, "branch": "broken"},
    ]
    services = [{"name": "shop", "repository": "shop"}]
    trials = [
        finding
        for finding in ground.check(trial=True, repositories=repositories, services=services)
        if finding.system.startswith("trial of ")
    ]
    reproduced, passed, failed = trials
    assert reproduced.asked == "nothing is reproduced on the base: test -e fault"
    assert reproduced.status == 1
    assert reproduced.said.startswith("exit 1: the fault shows, or it cannot run there: no output; ")
    assert passed.asked == "the base passes its tests: python -m pytest -q"
    assert passed.status == 0
    assert passed.said.startswith("1 passed, 0 failed, 0 skipped, by its report; ")
    assert passed.said.endswith(f" s, at {ground.head[:12]} in trackwalker-base")
    assert (failed.system, failed.status) == ("trial of broken", 1)
    assert failed.said.startswith("0 passed, 1 failed, 0 skipped, by its report: tests.test_cart::test_total; ")


@pytest.mark.long
def test_a_trial_runs_in_the_image_that_its_setup_prepared(ground: Ground) -> None:
    files = PASSING | {"deps.lock": b"sums 1.0\n", "run.sh": b"cat /prepared/had; echo 'ok 1 - adds' > out.tap\n"}
    ground.there.hub.commit("Lock it", files, branch="locked", start=ground.head)
    repository = {
        "name": "locked", "url": f"{ground.there.served.url}/acme/shop.git", "full_name": "acme/shop",
        "branch": "locked", "setup": "grep sums deps.lock > had && ! test -e shop", "locks": ["deps.lock"],
        "test": "sh run.sh && echo 1..1 >> out.tap", "report": "out.tap",
        "lint": "echo shop/cart.py:1: F401 unused; false",
    }  # fmt: skip
    services = [{"name": "shop", "repository": "locked"}]
    try:
        tested, linted = (
            f for f in ground.check(trial=True, repositories=[repository], services=services) if "trial of" in f.system
        )
    finally:
        with ImageEngine() as engine:
            for image in engine.images(f"{LABEL}=locked"):
                engine.remove_image(image)
    assert (tested.status, linted.status) == (0, 0)
    assert tested.said.startswith("1 passed, 0 failed, 0 skipped, by its report; ")
    assert " in trackwalker-prepared:" in tested.said
    assert linted.said.startswith("exit 1, 1 findings; ")


def reported(
    exit_code: int | None, ended: str = "exited", output: str = "", tests: tuple[tuple[str, str], ...] = ()
) -> CommandReport:
    return CommandReport(name="test", exit_code=exit_code, ended=ended, output=output, seconds=1.0, tests=tests)


@pytest.mark.parametrize(
    ("done", "status", "said"),
    [
        (reported(0), 0, "exit 0; no report a test, so only its exit code counts"),
        (reported(1, output="a\nno such \x1b[31mfile\n\n"), 1, "exit 1: no such  [31mfile"),
        (reported(5), 1, "it found no tests"),
        (reported(None, "timed out"), 1, "timed out: no output"),
        (reported(0, tests=(("a", "skipped"),)), 1, "nothing passes, so nothing would be proved"),
        (reported(1, tests=(("a", "passed"),)), 1, "1 passed, 0 failed, 0 skipped, by its report: exit 1"),
        (reported(1, tests=tuple((f"t{n}", "failed") for n in range(7))), 1, ": t0, t1, t2, t3, t4, …"),
    ],
)
def test_what_a_report_comes_to(done: CommandReport, status: int, said: str) -> None:
    found, words = judged(done)
    assert found == status
    assert said in words
