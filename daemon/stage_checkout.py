"""The stage of an experiment's story: the shop asks a flag, a sidecar keeps its file equal to main's, users come.

Whom the flag shows what is evaluated by OpenFeature in the shop's own process; who saw what, and what they did then, is
written by the shop, and read by Trackwalker with plain queries. Only the users are made up, and what each text does.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cases.errors import PermanentError
from cases.ports import Clock
from config.load import FILE_NAME
from daemon.stage import FULL_NAME, Ground, common_parts, ground, measured, sandbox_of, secret
from demo.crowd import Crowd, Habit
from demo.deployment import Deployer
from demo.experiment import ABANDONMENT, ASK_THE_FLAG, BUCKET_S, CANCELLATIONS, EXPOSURES, FILES, FLAGS, users_who
from demo.faults import HISTORY
from demo.flags import FlagFollower
from demo.pager import Pager
from demo.telemetry import Telemetry

NEEDED = ("duckdb", "openfeature-provider-flagd", "openfeature-sdk")
FLAG, CONTROL = "checkout_button", "Pay"
BETTER, SAME, HASTY = "Place my order", "Continue", "Buy with one tap"
USUAL = Habit(leaves=0.6, cancels=0.03)
HABITS: Mapping[str, Habit] = {
    CONTROL: USUAL,
    BETTER: Habit(leaves=0.3, cancels=0.03),
    SAME: Habit(leaves=0.58, cancels=0.03),
    HASTY: Habit(leaves=0.25, cancels=0.25),
}
"""What each text does to users: the truth that the experiment is to find out. Trackwalker is not told it."""

CONFIG = """\
# The demo's configuration of an experiment: the same keys as anybody's, with waiting times made short.
store: sqlite:///{folder}/trackwalker.db
cycle: 1s
signals:
  prometheus: [{{name: main, url: "{telemetry}"}}]
  sql:
    - {{name: record, url: "sqlite:///{record}", every: {bucket}s, query: "{abandonment}"}}
    - {{name: cancellations, url: "sqlite:///{record}", every: {bucket}s, query: "{cancellations}"}}
watch:
  - {{name: abandonment, service: shop, source: record, kind: ratio, harm: up, severity: note}}
  - {{name: cancelled, service: shop, source: cancellations, kind: ratio, harm: up, severity: note}}
measures:
  - {{signal: shop/abandonment, source: record, kind: share, query: "{left}"}}
  - {{signal: shop/cancelled, source: record, kind: share, query: "{cancelled}"}}
services:
  - name: shop
    repository: shop
    owners: ["@acme/shop"]
    experiments:
      flagd: {{file: {flags}}}
      exposures: {{source: record, query: "{exposures}"}}
      levers:
        - name: button
          kind: copy
          flag: {flag}
          control: "{control}"
          values: [{values}]
          moves: [abandonment]
          because: Who knows what a button does presses it.
          size: 0.2
      share: 0.5
      steps: [1]
      shortest: 21s
      settle: 5s
      look_every: 1s
repositories:
  - name: shop
    url: "{forge}/{full_name}.git"
    full_name: {full_name}
    test: python -m pytest -q
    sandbox: {{timeout: 2m}}
deploys: [{{prometheus: build_info, commit_label: revision}}]
forge: {{api_url: "{forge}/api/v3", token: "file:{folder}/forge-token", write_spacing: 50ms, draft_until_green: false}}
sandbox: {{runtime: {runtime}}}
scope: {{allow: ["shop/**", "tests/**", "config/**"]}}
authority: {{default: pull_request}}
budget: {{prs_per_hour: 10}}
alerts: {{receivers: [{{name: oncall, slack: "file:{folder}/webhook"}}]}}
api: {{listen: "127.0.0.1:0"}}
detection: {{history: 14d, step: 5s, stale_after: 30s}}
judgement: {{deploy_wait: 1m}}
"""
GOAL = """\
outcome: checkout-abandonment
why: Six carts in ten are left at the last step.
signal: shop/abandonment
baseline: 0.6
target: 0.35
horizon: {horizon}
constraints: [{{signal: shop/cancelled, at_most: 0.08}}]
scope: {{repository: shop, paths: ["shop/**", "config/**"]}}
budget_usd: 1
duration_days: 28
success_criteria: {{lift: 0.05}}
owner: checkout
backup: sre
"""
SHORTENED = (
    "users are simulated: 40 new ones a second, and what each text of the button does to them is given",
    "an experiment runs 21 s before it may be scaled, not a week, and each share settles for 5 s, not a day",
    "it is looked at each second instead of every 5 min; the intervals hold however often one looks",
    "it goes from half of the users to all of them, without steps between",
    "the yes and no at the gates, and the review of each pull request, come from a script after some seconds",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutStage:
    """What the story plays on. `goal` is the file of the outcome, `record` what the shop writes of its users."""

    ground: Ground
    config: Path
    goal: Path
    record: Path
    telemetry: Telemetry
    crowd: Crowd
    sidecar: FlagFollower
    pager: Pager
    parts: dict[str, str]

    @property
    def folder(self) -> Path:
        """Where everything of it lies."""
        return self.ground.folder

    @property
    def deployer(self) -> Deployer:
        """What runs the shop."""
        return self.ground.deployer


def installed(needed: Sequence[str] = NEEDED) -> dict[str, str]:
    """The versions of what the story needs beside the rest. Raises PermanentError with what to install."""
    found: dict[str, str] = {}
    for name in needed:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if missing := [name for name in needed if name not in found]:
        raise PermanentError(
            f"stories of experiments need {' and '.join(missing)}, which the other stories do not; install "
            "trackwalker[experiments,duckdb]"
        )
    return found


@contextmanager
def checkout_staged(
    folder: Path, clock: Clock, *, prometheus: bool | None = None, docker: bool | None = None
) -> Generator[CheckoutStage]:
    """Set the stage below `folder`, which must be empty; all of it ends with the block. See `daemon.stage.staged`.

    Raises PermanentError, before anything is done, where a package is missing.
    """
    found = installed()
    flags, record = folder / "flags" / "flags.json", folder / "record.db"
    with ExitStack() as stack:
        environment = {"SHOP_FLAGS": str(flags), "SHOP_RECORD": str(record)}
        flags.parent.mkdir()
        flags.write_bytes((FILES / FLAGS).read_bytes())  # as main has it: the sidecar follows once there is a forge
        laid = ground(stack, folder, clock, history=(*HISTORY, ASK_THE_FLAG), environment=environment)
        sidecar = FlagFollower(folder / "sidecar.git", url=laid.git_url, path=FLAGS, target=flags, token=laid.token)
        stack.enter_context(sidecar)
        crowd = stack.enter_context(Crowd(laid.deployer.port, HABITS, USUAL))
        telemetry = measured(stack, laid, clock, prometheus=prometheus)
        pager = stack.enter_context(Pager())
        secret(folder / "webhook", pager.url)
        runtime, sandbox = sandbox_of(docker)
        config = folder / FILE_NAME
        config.write_text(_config(laid, telemetry.url, record, runtime))
        goal = folder / "outcome.yaml"
        goal.write_text(GOAL.format(horizon=(clock.now() + timedelta(days=60)).date().isoformat()))
        yield CheckoutStage(
            ground=laid,
            config=config,
            goal=goal,
            record=record,
            telemetry=telemetry,
            crowd=crowd,
            sidecar=sidecar,
            pager=pager,
            parts={
                "telemetry": telemetry.describe(),
                "users": "simulated, one visit each; what the shop wrote of them is a SQLite file",
                "flags": f"flagd's file in the repository, kept by a sidecar and read by OpenFeature "
                f"{found['openfeature-sdk']} (provider {found['openfeature-provider-flagd']})",
                "measuring": f"DuckDB {found['duckdb']}",
                **common_parts(sandbox),
            },
        )


def _config(laid: Ground, telemetry: str, record: Path, runtime: str) -> str:
    return CONFIG.format(
        folder=laid.folder,
        telemetry=telemetry,
        record=record,
        bucket=BUCKET_S,
        abandonment=ABANDONMENT,
        cancellations=CANCELLATIONS,
        exposures=EXPOSURES,
        left=users_who("left"),
        cancelled=users_who("cancelled"),
        flags=FLAGS,
        flag=FLAG,
        control=CONTROL,
        values=", ".join(f'"{text}"' for text in (BETTER, SAME, HASTY)),
        forge=laid.forge_url,
        full_name=FULL_NAME,
        runtime=runtime,
    )
