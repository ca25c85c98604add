"""The stage of a story: a forge, a sample service with its load and its telemetry, and a config that watches it.

All of it is real and local: bare repositories served over HTTP, a service that is deployed from them, customers, and
Prometheus where the machine has one. Only the history before the story is made up, and is said to be.
"""

import secrets
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cases.ports import Clock
from config.load import FILE_NAME
from demo.deployment import NOTHING, Deployer
from demo.faults import HISTORY, Commit
from demo.forge_api import ForgeApi
from demo.history import make_history
from demo.load import Load
from demo.log_shipper import LogShipper
from demo.loki.standin import LokiStandIn
from demo.orders import QUERY as ORDERS_QUERY
from demo.orders import Orders
from demo.pager import Pager
from demo.repository import ShopRepository, create_repository
from demo.reviewer import Reviewer
from demo.telemetry import Telemetry, open_telemetry

OWNER, NAME = "acme", "shop"
FULL_NAME = f"{OWNER}/{NAME}"

# Everything that a story shortens is here; what bears on what it shows is printed (SHORTENED), waiting times are not.
CONFIG = """\
# The demo's configuration: the same keys as anybody's, with waiting times made short.
store: sqlite:///{folder}/trackwalker.db
cycle: 1s
signals:
  prometheus: [{{name: main, url: "{telemetry}"}}]
  loki: [{{name: logs, url: "{logs}", selector: '{{service="shop"}}', service_label: service, settle: 2s}}]
  sql: [{{name: books, url: "{orders}", query: "{orders_query}", every: 2s, max_rows: 50000}}]
watch:
  - name: error-ratio
    service: shop
    query: service:http_error_ratio:rate5s{{service="shop"}}
    harm: up
    severity: page
  - name: route-error-ratio
    service: shop
    query: route:http_error_ratio:rate5s{{service="shop"}}
    harm: up
  - {{name: orders, service: shop, source: books, harm: down}}
services: [{{name: shop, repository: shop, owners: ["@acme/shop"], runbook: "{forge}/{full_name}"}}]
repositories:
  - name: shop
    url: "{forge}/{full_name}.git"
    full_name: {full_name}
    test: python -m pytest -q
    reproduce: python reproduce.py
    sandbox: {{timeout: 2m}}
deploys: [{{prometheus: build_info, commit_label: revision}}]
forge: {{api_url: "{forge}/api/v3", token: "file:{folder}/forge-token", write_spacing: 50ms, draft_until_green: false}}
sandbox: {{runtime: {runtime}}}
scope: {{allow: ["shop/**", "tests/**", "config/**"]}}
authority: {{default: pull_request}}
alerts: {{receivers: [{{name: oncall, slack: "file:{folder}/webhook"}}]}}
links: {{prometheus: "{telemetry}"}}
api: {{listen: "127.0.0.1:0"}}
detection: {{history: 14d, step: 2s, recent: 60s, confirm: 3, stale_after: 20s}}
diagnosis: {{look_back: 30m}}
judgement:
  warm_up: 6s
  window: 2m
  act_within: 2m
  look_every: 2s
  step: 5s
  history: 4m
  min_samples: 4
  holds: 2
  deploy_wait: 1m
"""
SHORTENED = (
    "14 days of history are backfilled from a seed, as are most of the 4 min that the watch compares with",
    "the watch reads every 5 s, skips 6 s after the deploy instead of 20 min, and lasts 2 min at most, not 7 days",
    "it wants 4 readings instead of 12, held for 2 instead of 3: for so short a story, no recommendation",
    "signals are read each second instead of every 30 s, and three points 2 s apart confirm an anomaly",
    "the reviewer is a script that takes 25 s and merges what carries our label",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a story plays on."""

    folder: Path
    config: Path
    forge_url: str
    api: ForgeApi
    shop: ShopRepository
    deployer: Deployer
    load: Load
    telemetry: Telemetry
    reviewer: Reviewer
    pager: Pager
    parts: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every stage stands on: a forge, the shop's people on it, and the shop that runs."""

    folder: Path
    token: str
    forge_url: str
    git_url: str
    api: ForgeApi
    shop: ShopRepository
    deployer: Deployer
    reviewer: Reviewer


def ground(
    stack: ExitStack,
    folder: Path,
    clock: Clock,
    *,
    history: Sequence[Commit] = HISTORY,
    environment: Mapping[str, str] = NOTHING,
) -> Ground:
    """Lay it below `folder`, which must be empty; it ends with the stack. `environment` is what the shop is given."""
    from remediation.forge.local.server import serve

    token = secrets.token_hex(20)
    secret(folder / "forge-token", token)
    until = clock.now() - timedelta(hours=30)
    create_repository(folder / "forge", until=until, owner=OWNER, name=NAME, history=history)
    forge = stack.enter_context(serve(folder / "forge", "127.0.0.1:0", token))
    git_url = f"{forge.url}/{FULL_NAME}.git"
    api = stack.enter_context(ForgeApi(f"{forge.url}/api/v3", repository=FULL_NAME, token=token))
    reviewing = ForgeApi(f"{forge.url}/api/v3", repository=FULL_NAME, token=token, login="shop-reviewer")
    stack.enter_context(reviewing)
    shop = ShopRepository(folder / "developer", url=git_url, api=api, token=token)
    deployer = Deployer(folder / "platform", url=git_url, token=token, environment=environment)
    stack.enter_context(deployer).deploy(shop.head())
    return Ground(
        folder=folder,
        token=token,
        forge_url=forge.url,
        git_url=git_url,
        api=api,
        shop=shop,
        deployer=deployer,
        reviewer=Reviewer(reviewing),
    )


def measured(stack: ExitStack, laid: Ground, clock: Clock, *, prometheus: bool | None) -> Telemetry:
    """The telemetry of the shop, with two weeks of history; it ends with the stack."""
    history = make_history(end=clock.now(), revision=laid.shop.head())
    port = laid.deployer.port
    return stack.enter_context(
        open_telemetry(
            laid.folder / "telemetry", target_port=port, history=history, now=clock.now, prometheus=prometheus
        )
    )


@contextmanager
def staged(
    folder: Path, clock: Clock, *, prometheus: bool | None = None, docker: bool | None = None
) -> Generator[Stage]:
    """Set the stage below `folder`, which must be empty; all of it ends with the block.

    `prometheus` and `docker` None take what the machine has; True or False ask for one or the other.
    """
    with ExitStack() as stack:
        laid = ground(stack, folder, clock)
        load = stack.enter_context(Load(laid.deployer.port))
        telemetry = measured(stack, laid, clock, prometheus=prometheus)
        logs = stack.enter_context(LokiStandIn(now=clock.now))
        stack.enter_context(LogShipper(laid.deployer.log, url=logs.url, labels={"service": "shop"}, now=clock.now))
        orders = stack.enter_context(Orders(folder / "orders.db", placed=lambda: load.orders, now=clock.now))
        pager = stack.enter_context(Pager())
        secret(folder / "webhook", pager.url)
        runtime, sandbox = sandbox_of(docker)
        config = folder / FILE_NAME
        config.write_text(
            CONFIG.format(
                folder=folder,
                telemetry=telemetry.url,
                logs=logs.url,
                orders=orders.url,
                orders_query=ORDERS_QUERY,
                forge=laid.forge_url,
                full_name=FULL_NAME,
                runtime=runtime,
            )
        )
        yield Stage(
            folder=folder,
            config=config,
            forge_url=laid.forge_url,
            api=laid.api,
            shop=laid.shop,
            deployer=laid.deployer,
            load=load,
            telemetry=telemetry,
            reviewer=laid.reviewer,
            pager=pager,
            parts={
                "telemetry": telemetry.describe(),
                "logs": logs.describe(),
                "orders": "the shop's books, a SQLite file",
                **common_parts(sandbox),
            },
        )


def common_parts(sandbox: str) -> dict[str, str]:
    """What every stage has, in words."""
    return {
        "sandbox": sandbox,
        "forge": "local forge (bare repositories, git over HTTP, GitHub-shaped API)",
        "store": "SQLite",
        "model": "none: playbooks only",
    }


def secret(file: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    file.touch(mode=0o600)
    file.write_text(text)


def sandbox_of(docker: bool | None) -> tuple[str, str]:  # noqa: FBT001 - three-valued: yes, no, whatever is there
    """The runtime for the config, and what it is in words. Builds the base image when Docker is used."""
    from sandbox.docker import engine_answers

    if engine_answers() if docker is None else docker:
        from sandbox.base_image import ensure_base_image

        return "docker", f"Docker container from {ensure_base_image()}"
    return (
        "process",
        "a process on this host, because no Docker engine answers: good enough for the demo's own service only",
    )
