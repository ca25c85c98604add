"""`trackwalker discover` on real parts: what it proposes, what it keeps, what it lists, how it fails."""

import json
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cases.errors import PermanentError, TrackwalkerError
from config.load import load
from daemon.clock import SystemClock
from daemon.commands.discover import command
from daemon.discover.matching import matched, owners
from daemon.discover.proposal import Block, flow, written
from daemon.exits import status_of
from remediation.forge.local.server import serve
from tests.parts.fleet import Series
from tests.parts.hub import Hub
from tests.parts.prometheus import exposition, free_port, running_prometheus

TOKEN = "made-up-token-4711"
RULES = """
groups:
- name: shop
  rules:
  - {alert: High, expr: "error_ratio > 0.05", labels: {severity: page}}
"""
CATALOG = b"""
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: ledger, annotations: {github.com/project-slug: acme/books}}
spec: {owner: team-books}
---
kind: API
metadata: {name: not-a-component}
"""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A Prometheus with rules, one without, and a forge."""

    ruled: str
    bare: str
    forge: str


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Generator[Outside]:
    top = tmp_path_factory.mktemp("discover")
    now = SystemClock().now().timestamp() // 60 * 60 - 60
    times = [now - 60.0 * minute for minute in range(30, -1, -1)]
    ones: Any = [(at, 1.0) for at in times]
    ratio: Series = {(("service", service),): ones for service in ("shop", "mail-api", "tax", "ledger")}
    argo: Series = {(("name", "tax"), ("repo", "https://git.example/acme/gitops.git")): ones}
    build: Series = {(("job", "shop"), ("commit", "abcdef0")): ones, (("job", "prometheus"), ("commit", "123")): ones}
    version: Series = {(("service", "tax"), ("version", "1.2")): ones}
    requests: Series = {(("service", "shop"), ("code", "500")): ones, (("service", "shop"), ("code", "200")): ones}
    first = {"error_ratio": ratio, "argocd_app_info": argo, "shop_build_info": build, "tax_build_info": version}
    second = {"http_requests_total": requests}
    history = ["\n".join(exposition(name, rows) for name, rows in one.items()) + "\n# EOF\n" for one in (first, second)]
    (top / "one").mkdir()
    (top / "two").mkdir()
    (top / "one" / "rules.yml").write_text(RULES)
    for name in ("shop", "mail_api", "tax", "books", "gitops", "unused"):
        files: dict[str | bytes, bytes] = {"README.md": b"hello\n"}
        if name == "tax":
            files["CODEOWNERS"] = b"* @acme/all\n*.md @acme/writers\n*  @acme/tax sre@example.com # both\n"
        if name == "unused":
            files["catalog-info.yaml"] = CATALOG
        Hub(top / "forge", full_name=f"acme/{name}").create().commit("Begin", dict(files))
    with (
        running_prometheus(top / "one", history[0], "global: {}\nrule_files: [rules.yml]\n") as ruled,
        running_prometheus(top / "two", history[1]) as bare,
        serve(top / "forge", "127.0.0.1:0", TOKEN) as forge,
    ):
        yield Outside(ruled=ruled.url, bare=bare.url, forge=forge.api_url)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_TOKEN", TOKEN)


def discover(config: Path, *words: str) -> Result:
    return CliRunner().invoke(command, ["--config", str(config), *words])


def flags(outside: Outside, prometheus: str = "") -> tuple[str, ...]:
    url = prometheus or outside.ruled
    return ("--prometheus", url, "--forge-api", outside.forge, "--token", "env:FORGE_TOKEN")


def begun(outside: Outside, more: str = "") -> str:
    return (
        f"# mine\nsignals: {{prometheus: [{{name: main, url: '{outside.ruled}'}}]}}\n"
        f"forge: {{api_url: '{outside.forge}', token: env:FORGE_TOKEN}}\n{more}"
    )


def test_an_empty_folder_and_three_addresses_give_a_valid_file(tmp_path: Path, outside: Outside) -> None:
    config = tmp_path / "trackwalker.yaml"
    found = discover(config, *flags(outside))
    assert found.exit_code == 1
    assert not config.exists()  # nothing is written
    config.write_text(found.stdout)
    settings = load(config)
    assert {s.name: s.repository for s in settings.services} == {"shop": "shop", "mail-api": "mail_api", "tax": "tax"}
    assert [s.owners for s in settings.services if s.name == "tax"] == [("@acme/tax", "sre@example.com")]
    (marker,) = settings.deploys
    assert marker.model_dump(include={"prometheus", "commit_label", "service_label"}) == {
        "prometheus": "shop_build_info", "commit_label": "commit", "service_label": "job",
    }  # fmt: skip
    assert "- {name: ledger, repository: ?}  # no repository has a like name" in found.stdout
    assert "tax_build_info has only `version`" in found.stdout
    assert "webhook: argocd" in found.stdout
    assert "unmatched: ledger: no repository has a like name" in found.stderr
    assert TOKEN not in found.output


def test_json_says_the_same(tmp_path: Path, outside: Outside) -> None:
    document = json.loads(discover(tmp_path / "none.yaml", "--json", *flags(outside)).stdout)
    assert not document["ok"]
    assert [one["what"] for one in document["unmatched"]] == ["ledger"]
    assert document["unused_repositories"] == ["acme/books", "acme/gitops", "acme/unused"]
    assert document["rules"] == {"split": 4, "firing_state": 0}
    assert {one["name"]: one["because"] for one in document["services"]}["mail-api"].startswith(
        "the same name, written"
    )
    assert document["refused"] == ""


def test_a_prometheus_without_rules_gets_a_query_by_service(tmp_path: Path, outside: Outside) -> None:
    found = discover(tmp_path / "none.yaml", *flags(outside, outside.bare))
    config = tmp_path / "trackwalker.yaml"
    config.write_text(found.stdout)
    (watch,) = load(config).watch
    assert watch.model_dump()["by"] == "service"
    assert 'code=~"5.."' in watch.model_dump()["query"]
    assert "deploys: no metric says which commit runs" in found.stderr  # it is said, and counts as unmatched
    assert found.exit_code == 1


def test_the_catalogs_say_where_services_live(tmp_path: Path, outside: Outside) -> None:
    catalog = (
        "catalog:\n  from:\n"
        "    - {prometheus: argocd_app_info, service: '{name}', config_repository: '{repo}'}\n"
        "    - {files: '**/catalog-info.yaml'}\n"
    )
    config = tmp_path / "trackwalker.yaml"
    config.write_text(begun(outside, catalog))
    found = discover(config)
    assert found.exit_code == 0, found.stderr
    config.write_text(found.stdout)
    settings = load(config)
    assert settings.service("ledger").repository == "books"
    assert settings.service("ledger").owners == ("team-books",)
    assert "gitops" in {repository.name for repository in settings.repositories}
    assert "  # tax: config: {repository: gitops, file: prod/values.yaml}" in found.stdout


def test_what_its_owner_wrote_stays(tmp_path: Path, outside: Outside) -> None:
    url = outside.forge.removesuffix("/api/v3")
    more = (
        "\n# my watches\nwatch:\n  - {name: mine, service: tax, query: 'tax > 0', harm: up}  # dear to me\n"
        "\n# my services\nservices:\n  - {name: ledger, repository: books, owners: ['@me']}\n"
        f"\n# my code\nrepositories:\n  - {{name: books, url: '{url}/acme/books.git', full_name: acme/books}}\n"
        "  - {name: gone, url: 'https://github.com/acme/gone.git', full_name: acme/gone}\n"
        "\ncycle: 45s # slowly\n"
    )
    config = tmp_path / "trackwalker.yaml"
    config.write_text(begun(outside, more))
    diff = discover(config, "--diff")
    assert diff.exit_code == 0, diff.stderr
    subprocess.run(["patch", "-p0", str(config)], input=diff.stdout, text=True, check=True, capture_output=True)
    text, settings = config.read_text(), load(config)
    for comment in ("# mine", "# my watches", "# my services", "# my code", "cycle: 45s # slowly"):
        assert comment in text
    assert [signal.key for signal in settings.watched()] == ["tax/mine"]
    assert len(settings.watch) == 2
    assert settings.service("ledger").owners == ("@me",)
    assert {r.name for r in settings.repositories} == {"books", "shop", "mail_api", "tax"}
    assert "left out: repository acme/gone: the token does not see it" in diff.stderr
    again = discover(config, "--diff")
    assert (again.stdout, again.exit_code) == ("", 0)


def test_what_is_included_is_not_proposed_again(tmp_path: Path, outside: Outside) -> None:
    (tmp_path / "team.yaml").write_text("services:\n- {name: ledger, repository: books}\n")
    config = tmp_path / "trackwalker.yaml"
    config.write_text(begun(outside, "include: team.yaml\n"))
    found = discover(config)
    assert "ledger" not in found.stdout
    assert "repository named books" in found.stderr  # the included file names what nobody lists
    assert found.exit_code == 1


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "there is no such file"),
        (("--prometheus", "http://127.0.0.1:1"), 2, "--prometheus and --token are both needed"),
        (("--prometheus", "nonsense", "--token", "env:FORGE_TOKEN"), 2, "does not begin with http"),
        (("--prometheus", "http://127.0.0.1:1", "--token", "a-literal-token"), 2, "a secret is never written"),
        (("--json", "--diff"), 2, "give one of them"),
    ],
)
def test_bad_use_is_said_clearly(tmp_path: Path, words: tuple[str, ...], status: int, said: str) -> None:
    found = discover(tmp_path / "trackwalker.yaml", *words)
    told = str(found.exception) if isinstance(found.exception, TrackwalkerError) else found.output
    ended = status_of(found.exception) if isinstance(found.exception, TrackwalkerError) else found.exit_code
    assert said in told
    assert ended == status


def test_the_options_are_for_a_folder_without_a_file(tmp_path: Path, outside: Outside) -> None:
    config = tmp_path / "trackwalker.yaml"
    config.write_text(begun(outside))
    found = discover(config, *flags(outside))
    assert (found.exit_code, "is there" in found.output) == (2, True)


def test_what_cannot_be_reached_is_status_three(tmp_path: Path, outside: Outside) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    for words in (
        ("--prometheus", dead, "--forge-api", outside.forge, "--token", "env:FORGE_TOKEN"),
        ("--prometheus", outside.ruled, "--forge-api", f"{dead}/api/v3", "--token", "env:FORGE_TOKEN"),
    ):
        found = discover(tmp_path / "none.yaml", *words)
        assert isinstance(found.exception, TrackwalkerError)
        assert status_of(found.exception) == 3


def test_an_address_that_is_no_api_says_so(tmp_path: Path, outside: Outside) -> None:
    site = outside.forge.removesuffix("/api/v3")
    words = ("--prometheus", outside.ruled, "--forge-api", site, "--token", "env:FORGE_TOKEN")
    assert "is forge.api_url its whole address" in str(discover(tmp_path / "none.yaml", *words).exception)


def test_a_wrong_token_says_so(tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "wrong-token-0815")
    found = discover(tmp_path / "none.yaml", *flags(outside))
    assert isinstance(found.exception, PermanentError)
    assert "the forge does not take the token" in str(found.exception)
    assert "wrong-token-0815" not in str(found.exception)


@pytest.mark.parametrize(
    ("service", "repository"),
    [
        ("shop", "acme/shop"),
        ("Shop", "acme/shop"),
        ("shop-api", "acme/shop_api"),
        ("mail-svc", "acme/mail"),
        ("mail", "acme/mail"),
        ("price", "acme/price-service"),
        ("shop-frontend-v2", None),
        ("twin", None),
        ("é", None),
    ],
)
def test_names_decide_only_where_one_fits(service: str, repository: str | None) -> None:
    known = ["acme/shop", "acme/shop_api", "acme/mail", "acme/price-service", "acme/twin", "beta/twin", "acme/--"]
    assert matched(service, known).repository == repository


def test_two_repositories_of_one_name_are_both_told() -> None:
    assert matched("twin", ["acme/twin", "beta/twin"]).because == "acme/twin and beta/twin have its name"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("* @a @b\n", ("@a", "@b")),
        ("* @a\n* @b # later wins\n", ("@b",)),
        ("*.py @a\n/src/ @b\n", ()),
        ("* @a\n*\n", ()),
        ("", ()),
        ("* not-an-owner a@b.example @org/team\n", ("a@b.example", "@org/team")),
    ],
)
def test_owners_of_everything_are_the_last_that_are_named(text: str, wanted: tuple[str, ...]) -> None:
    assert owners(text) == wanted


@pytest.mark.parametrize(
    "value", ["yes", "on", "1e3", "0x10", "12:30", "- a", "@me", "é", 'a"b', "a: b", "#", "", "~", "null"]
)
def test_what_is_written_is_read_back_as_text(tmp_path: Path, value: str) -> None:
    from config import document

    del tmp_path
    assert document.parse(f"{{a: [{flow(value)}]}}", "").value == {"a": (value,)}


def test_a_block_goes_where_the_old_one_was() -> None:
    text = "a: 1\n# about watch\nwatch:\n  - {x: 1}\n  # note\n\n# about b\nb: [1,\n  2]\nlast: |\n  text\n"
    changed = written(
        text, [Block(key="watch", heading="h", entries=[{"x": 2}]), Block(key="b", heading="h", entries=[])]
    )
    assert changed == "a: 1\n# about watch\nwatch:\n  - {x: 2}\n\n# about b\nb: []\nlast: |\n  text\n"
    assert written("a: 1\n", [Block(key="b", heading="Why", entries=[3], notes=["so"])]) == (
        "a: 1\n\n# Why\nb:\n  - 3\n  # so\n"
    )
