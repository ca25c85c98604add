"""A file is used as a whole, or refused with every mistake at its line and no secret in any of them."""

import json
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from cases.errors import PermanentError
from cases.policy import Authority
from cases.telemetry import Direction, Severity, Signal
from config import later
from config.errors import ConfigError
from config.load import load, load_anew
from config.settings import (
    BuildInfoSettings,
    ConsoleSettings,
    EmailSettings,
    FamilyWatchSettings,
    FileSettings,
    GithubDeploymentsSettings,
    ImportWatchSettings,
    MergeSettings,
    NoticeWebhookSettings,
    PagerDutySettings,
    SlackSettings,
    SlackThreadSettings,
    WatchSettings,
    WebhookSettings,
)

HERE = Path(__file__).parent
BROKEN = sorted((HERE / "broken").glob("*.yaml"))
PLANTED = ("s3cr3t", "ghp_000", "314159265358979323")
"""Credentials that broken files hold where they do not belong."""

LEAST = """\
signals: {prometheus: [{name: main, url: "http://127.0.0.1:9090"}]}
watch: [{name: errors, service: shop, query: up}]
repositories: [{name: web, url: "https://github.com/acme/shop.git", full_name: acme/shop}]
forge: {token: env:GITHUB_TOKEN}
"""


def refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as failure:
        load(path)
    return failure.value


def test_there_are_broken_files() -> None:
    assert len(BROKEN) >= 80


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_says_every_mistake_and_no_other(path: Path) -> None:
    expected = [
        f"{path}:{line.removeprefix('# expect: ')}" for line in path.read_text().splitlines() if "# expect:" in line
    ]
    assert expected
    assert expected == str(refused(path)).splitlines()


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_no_error_repeats_a_secret(path: Path) -> None:
    error = refused(path)
    seen = [str(error), repr(error), *traceback.format_exception(error), *map(repr, error.mistakes)]
    seen += [repr(before) + str(before) for before in (error.__cause__, error.__context__) if before]
    assert not [text for text in seen if any(secret in text for secret in PLANTED)]


def test_secrets_are_planted_in_the_broken_files() -> None:
    texts = [path.read_text() for path in BROKEN]
    assert all(any(secret in text for text in texts) for secret in PLANTED)


def test_the_parts_of_a_mistake_can_be_read_one_by_one() -> None:
    error = refused(HERE / "broken" / "harm_sideways.yaml")
    assert (
        error.line,
        error.key,
        error.problem,
        error.hint,
    ) == (4, "watch[0].harm", '"sideways" is not up or down', "write harm: up")
    assert error.file.endswith("harm_sideways.yaml")
    assert isinstance(error, PermanentError)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "{file}: the file is empty; run `trackwalker init` in an empty folder for one to start from"),
        (b"# nothing\n", "{file}: the file is empty; run `trackwalker init` in an empty folder for one to start from"),
        (b"cycle: 30s\nstore: \xff\xfe\n", "{file}:2: this line is not UTF-8; save the file as UTF-8"),
        (b"a: 1\nb: \x07\n", "{file}:2: there is a control character here; remove it; a file holds plain text"),
        (b"[" * 1000, "{file}: it is nested too deeply to be read; write it flatter"),
        (b"#" * (1024 * 1024 + 1), "{file}: is larger than 1 MiB; name a configuration file"),
    ],
    ids=["empty", "comments only", "not UTF-8", "control character", "deep", "huge"],
)
def test_a_file_that_is_no_document(tmp_path: Path, raw: bytes, expected: str) -> None:
    path = tmp_path / "trackwalker.yaml"
    path.write_bytes(raw)
    assert expected.format(file=path) == str(refused(path))


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    path = tmp_path / "trackwalker.yaml"
    expected = f"{path}: there is no such file; run `trackwalker init` to write one, or name it with --config"
    assert expected == str(refused(path))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert f"name the file in it, as in {tmp_path}/trackwalker.yaml" == refused(tmp_path).hint


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert refused(tmp_path / "file" / "trackwalker.yaml").problem == "cannot be read (Not a directory)"


def with_place(place: str, value: object) -> dict[str, Any]:
    """The least file with a value at a place such as `watch[].slo`, in the first entry of each list."""
    whole: dict[str, Any] = yaml.safe_load(LEAST) | {"deploys": [{}], "services": [{}]}
    node = whole
    *above, last = place.replace("[]", ".0").split(".")
    for step in above:
        node = cast("Any", node)[0] if step == "0" else node.setdefault(step, {})
    node[last] = value
    return whole


@pytest.mark.parametrize("place", later.KEYS)
def test_a_key_of_a_later_version_is_refused_by_name(tmp_path: Path, place: str) -> None:
    path = tmp_path / "trackwalker.yaml"
    path.write_text(json.dumps(with_place(place, {"x": 1})))
    expected = f"{path}:1: {place.replace('[]', '[0]')}: is not in this version; {later.KEYS[place]}"
    assert expected in str(refused(path)).splitlines()


@pytest.mark.parametrize(
    ("place", "value"), [(place, value) for place in later.VALUES for value in later.VALUES[place]]
)
def test_a_value_of_a_later_version_is_refused_by_name(tmp_path: Path, place: str, value: str) -> None:
    path = tmp_path / "trackwalker.yaml"
    path.write_text(json.dumps(with_place(place, value)))
    said = f'"{value}" is not in this version; {later.VALUES[place][value]}'
    assert f"{path}:1: {place.replace('[]', '[0]')}: {said}" in str(refused(path)).splitlines()


def test_aliases_that_multiply_cost_nothing(tmp_path: Path) -> None:
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 60)]
    path = tmp_path / "trackwalker.yaml"
    path.write_text("\n".join(["a0: &a0 [x]", *levels]))
    assert len(refused(path).mistakes) == 60 + 4  # each unknown, and four keys are missing


def test_the_least_file_has_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "trackwalker.yaml"
    path.write_text("\ufeff" + LEAST, encoding="utf-8")
    settings = load(path)
    assert settings.store == "sqlite:///trackwalker.db"
    assert timedelta(seconds=30) == settings.cycle
    assert Authority.OBSERVE is settings.authority.granted
    assert ("docker", timedelta(minutes=10), 512, 1, 128) == (
        settings.sandbox.runtime,
        settings.sandbox.timeout,
        settings.sandbox.memory_mib,
        settings.sandbox.cpus,
        settings.sandbox.pids,
    )
    assert (
        settings.scope.allow,
        settings.scope.deny,
        settings.scope.max_files,
        settings.scope.max_lines,
    ) == (("**",), (), 3, 60)
    assert settings.deploys == ()
    assert settings.api.listen == "127.0.0.1:8040"
    assert settings.runtime.executor == "threads"
    assert settings.service("shop").repository == "web"  # the only one
    assert not settings.enriches
    signal = Signal(name="errors", service="shop", source="main", query="up")
    assert (signal,) == settings.watched()


def test_a_file_with_every_key() -> None:
    settings = load(HERE / "full.yaml")
    checkout, sales, on, orders = settings.watched()
    assert (
        checkout.threshold,
        checkout.harm,
        checkout.severity,
        checkout.source,
    ) == (0.05, Direction.UP, Severity.PAGE, "main")
    assert (
        sales.service,
        sales.name,
        sales.threshold,
        sales.harm,
        sales.severity,
    ) == ("shop", "sales", None, Direction.DOWN, Severity.NOTE)
    assert on.name == "on"  # no YAML 1.1 truth values
    assert orders.query == "select time, value from orders where time between :start and :end"  # the source's own
    assert [WatchSettings] * 4 + [FamilyWatchSettings, ImportWatchSettings] == [type(watch) for watch in settings.watch]
    markers = settings.deploys
    kinds = [GithubDeploymentsSettings, WebhookSettings, BuildInfoSettings, BuildInfoSettings, MergeSettings]
    assert kinds == [type(marker) for marker in markers]
    assert isinstance(markers[-1], MergeSettings)
    assert timedelta(seconds=90) == markers[-1].merge.delay
    receivers = settings.alerts.receivers
    slack, others = [SlackThreadSettings, SlackSettings], [PagerDutySettings, NoticeWebhookSettings]
    kept = [FileSettings, ConsoleSettings, EmailSettings]
    assert [*slack, *others, *kept] == [type(receiver) for receiver in receivers]
    assert isinstance(receivers[-1], EmailSettings)
    assert receivers[-1].sender == "bot@example.com"
    assert settings.signals.prometheus[0].url == "http://127.0.0.1:9090/prometheus"
    assert settings.service("payments").repository == "payments"
    assert settings.repository("payments").full_name == "acme/payments"
    assert Authority.PULL_REQUEST is settings.authority.granted
    assert settings.judgement.margin == 0.01


@pytest.mark.parametrize(("alerts", "enriches"), [("{}", True), ("{mode: direct}", False), ("{mode: enrich}", True)])
def test_an_alertmanager_is_there_to_be_enriched(tmp_path: Path, alerts: str, enriches: bool) -> None:  # noqa: FBT001 - pytest's parameter
    path = tmp_path / "trackwalker.yaml"
    path.write_text(LEAST.replace("]}", '], alertmanager: {url: "http://127.0.0.1:9093"}}', 1) + f"alerts: {alerts}\n")
    assert enriches is load(path).enriches


def test_names_that_lead_nowhere_are_a_humans_matter() -> None:
    settings = load(HERE / "full.yaml")
    with pytest.raises(PermanentError, match="no repository is known for the service till"):
        settings.service("till")
    with pytest.raises(PermanentError, match="there is no repository named till"):
        settings.repository("till")
    with pytest.raises(PermanentError, match="several sources"):
        settings.source_of(WatchSettings(name="a", service="shop", query="up"))


def test_loaded_settings_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT", "s3cr3t")
    settings = load(HERE / "full.yaml")
    header = settings.signals.prometheus[0].headers["X-Scope-OrgID"]
    assert header.reveal() == "s3cr3t"
    assert "s3cr3t" not in repr(settings) + str(settings) + settings.model_dump_json() + repr(settings.model_dump())


def test_how_lessons_are_kept_changes_with_a_restart_alone(tmp_path: Path) -> None:
    path = tmp_path / "trackwalker.yaml"
    path.write_text(LEAST)
    present = load(path)
    assert present.lessons.vectors == "off"
    path.write_text(LEAST + "lessons: {vectors: numpy}\n")
    with pytest.raises(ConfigError, match=r"5: lessons\.vectors: cannot change while .* or write vectors: .?off"):
        load_anew(path, present)
