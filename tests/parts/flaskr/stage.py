"""Flaskr in production, for a story: forge, platform, visitors, Prometheus, logs, and a configuration for all that."""

import json
import secrets
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cases.ports import Clock
from demo.forge_api import ForgeApi
from demo.log_shipper import LogShipper
from demo.loki.standin import LokiStandIn
from demo.repository import ShopRepository
from demo.reviewer import Reviewer
from demo.rules import ERROR_RATIO, REQUESTS, ROUTE_ERROR_RATIO, WINDOW_S
from remediation.forge.local.server import serve
from tests.parts.flaskr.deployment import FlaskrDeployer
from tests.parts.flaskr.image import flaskr_image
from tests.parts.flaskr.load import RATE, STRAY_EVERY, Visitors
from tests.parts.flaskr.repository import create_repository
from tests.parts.flaskr.runner import SERVICE
from tests.parts.flaskr.source import fetch_flaskr, install_packages
from tests.parts.prometheus import RunningPrometheus, exposition, running_prometheus

FULL_NAME = f"acme/{SERVICE}"
PAST = timedelta(minutes=40)
"""How much history there is before the first scrape: a flaskr with a stray failure now and then, every second."""

REPRODUCE = (
    'python -c "import sys; from flaskr import create_app; from flaskr.db import init_db; '
    "app = create_app({'DATABASE': '/tmp/flaskr.sqlite'}); within = app.app_context(); "
    "within.push(); init_db(); within.pop(); "
    "who = dict(username='a', password='b'); client = app.test_client(); "
    "client.post('/auth/register', data=who); client.post('/auth/login', data=who); "
    "client.post('/create', data=dict(title='empty', body='')); sys.exit(client.get('/').status_code != 200)\""
)
"""An empty post, and then the index. Status 1 while it fails."""

# The waiting times are those of the demo, which says of them that they are short.
CONFIG = """\
store: sqlite:///{folder}/trackwalker.db
cycle: 1s
signals:
  prometheus: [{{name: main, url: "{prometheus}"}}]
  loki: [{{name: logs, url: "{loki}", selector: '{{service="flaskr"}}', service_label: service, settle: 2s}}]
watch:
  - name: error-ratio
    service: flaskr
    query: service:http_error_ratio:rate5s{{service="flaskr"}}
    threshold: 0.05
    harm: up
    severity: page
  - name: index-error-ratio
    service: flaskr
    query: route:http_error_ratio:rate5s{{service="flaskr",route="blog.index"}}
    threshold: 0.05
    harm: up
services: [{{name: flaskr, repository: flaskr, owners: ["@acme/blog"]}}]
repositories:
  - name: flaskr
    url: "{forge}/{full_name}.git"
    full_name: {full_name}
    test: python -m pytest -q
    reproduce: {reproduce}
    sandbox: {{image: "{image}", timeout: 2m}}
deploys: [{{prometheus: build_info, commit_label: revision}}]
forge: {{api_url: "{forge}/api/v3", token: "file:{folder}/forge-token", write_spacing: 50ms, draft_until_green: false}}
sandbox: {{runtime: docker}}
scope: {{allow: ["flaskr/**", "tests/**"]}}
authority: {{default: pull_request}}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaskrStage:
    """What the story plays on."""

    folder: Path
    config: Path
    image: str
    forge_url: str
    token: str
    api: ForgeApi
    developers: ShopRepository
    reviewer: Reviewer
    deployer: FlaskrDeployer
    visitors: Visitors
    shipper: LogShipper
    prometheus: RunningPrometheus

    def check(self) -> None:
        """Raise what ended a part that the story needs, so that it shows as itself."""
        self.deployer.check()
        self.shipper.check()
        assert self.prometheus.process.poll() is None, "Prometheus has ended"


@contextmanager
def flaskr_stage(folder: Path, clock: Clock) -> Generator[FlaskrStage]:
    """Set the stage below `folder`, which must be empty; all of it ends with the block, the image too."""
    token = secrets.token_hex(20)
    secret = folder / "forge-token"
    secret.touch(mode=0o600)
    secret.write_text(token)
    packages = install_packages(folder / "packages")
    create_repository(folder / "forge", fetch_flaskr(folder / "source"), full_name=FULL_NAME, until=clock.now())
    with ExitStack() as stack:
        image = stack.enter_context(flaskr_image(packages))
        forge = stack.enter_context(serve(folder / "forge", "127.0.0.1:0", token))
        git_url, api_url = f"{forge.url}/{FULL_NAME}.git", f"{forge.url}/api/v3"
        api = stack.enter_context(ForgeApi(api_url, repository=FULL_NAME, token=token, login="flaskr-developer"))
        reviewing = ForgeApi(api_url, repository=FULL_NAME, token=token, login="flaskr-reviewer")
        stack.enter_context(reviewing)
        developers = ShopRepository(folder / "developer", url=git_url, api=api, token=token)
        deployer = FlaskrDeployer(folder / "platform", url=git_url, token=token, packages=packages)
        stack.enter_context(deployer)
        deployer.deploy(developers.head())
        (folder / "prometheus").mkdir()
        past = _past(clock.now(), developers.head())
        scraping = _scraping(folder / "prometheus", deployer.port)
        prometheus = stack.enter_context(running_prometheus(folder / "prometheus", past, scraping))
        loki = stack.enter_context(LokiStandIn(now=clock.now))
        visitors = stack.enter_context(Visitors(deployer.port))
        labels = {"service": SERVICE}
        past_log = _past_log(folder / "past.log", deployer.log, clock.now())
        LogShipper(past_log, url=loki.url, labels=labels, now=clock.now).ship()
        shipper = stack.enter_context(LogShipper(deployer.log, url=loki.url, labels=labels, now=clock.now))
        config = folder / "trackwalker.yaml"
        places = {"folder": folder, "prometheus": prometheus.url, "loki": loki.url, "forge": forge.url, "image": image}
        config.write_text(CONFIG.format(**places, full_name=FULL_NAME, reproduce=json.dumps(REPRODUCE)))
        yield FlaskrStage(
            folder=folder,
            config=config,
            image=image,
            forge_url=forge.url,
            token=token,
            api=api,
            developers=developers,
            reviewer=Reviewer(reviewing),
            deployer=deployer,
            visitors=visitors,
            shipper=shipper,
            prometheus=prometheus,
        )


def _past(end: datetime, revision: str) -> str:
    """OpenMetrics of the minutes before the first scrape: what visitors would have seen, while this revision ran."""
    last = int(end.timestamp())
    times = range(last - int(PAST.total_seconds()), last)
    service = (("service", SERVICE),)
    ratio = exposition(ERROR_RATIO.record, {service: [(float(at), _strays(at) / (RATE * WINDOW_S)) for at in times]})
    index = (*service, ("route", "blog.index"))
    route_ratio = exposition(ROUTE_ERROR_RATIO.record, {index: [(float(at), 0.0) for at in times]})
    ran = exposition("build_info", {(*service, ("revision", revision)): [(float(at), 1.0) for at in times]})
    return f"{ratio}\n{route_ratio}\n{ran}\n# EOF\n"


def _strays(at: int) -> int:
    """How many of the requests of the window that ends there are strays."""
    return int(at * RATE) // STRAY_EVERY - int((at - WINDOW_S) * RATE) // STRAY_EVERY


def _past_log(file: Path, live: Path, end: datetime) -> Path:
    """The same minutes as log lines: the stray of today, at its earlier times."""
    stray = next(line for line in live.read_text().splitlines() if '"severity": "error"' in line)
    every = timedelta(seconds=STRAY_EVERY / RATE)
    times = (end - every * number for number in range(PAST // every, 0, -1))
    lines = (json.dumps(json.loads(stray) | {"timestamp": at.isoformat()}) for at in times)
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def _scraping(folder: Path, port: int) -> str:
    """A configuration of Prometheus: flaskr and the rules, each second."""
    rules = [{"record": rule.record, "expr": rule.promql} for rule in (ERROR_RATIO, ROUTE_ERROR_RATIO, REQUESTS)]
    (folder / "rules.json").write_text(json.dumps({"groups": [{"name": SERVICE, "interval": "1s", "rules": rules}]}))
    every_second = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    target = {"targets": [f"127.0.0.1:{port}"]}
    scrape = {"job_name": SERVICE, "honor_labels": True, "static_configs": [target]}
    return json.dumps({"global": every_second, "rule_files": ["rules.json"], "scrape_configs": [scrape]})
