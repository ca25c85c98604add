"""How it could be done otherwise, to see what that costs: writes without a look, and effects before the commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cases.events import Entry
from cases.leases import Claimed
from cases.ports import Clock, Forge
from cases.steps import Effect, Receipt, SendNotice
from config.settings import Settings
from daemon.build import token_of
from daemon.effects import perform
from daemon.home import Home
from daemon.ledger.case_store import LedgerCases
from daemon.ledger.ledger import Ledger
from remediation.forge.forge import GitForge
from remediation.forge.github import GithubApi
from remediation.forge.repository import ForgeRepository

if TYPE_CHECKING:
    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest as Pull


class BlindApi(GithubApi):
    """It writes comments and pull requests without a look at what is there."""

    def _own_comments(self, pull: "Pull", marker: str) -> "dict[int, IssueComment]":
        del pull, marker
        return {}

    def open_pull_request(
        self, repository: ForgeRepository, branch: str, title: str, body: str, labels: Sequence[str], *, draft: bool
    ) -> Receipt:
        with self._writing(f"opening the pull request of {branch}"):
            pull, adopted = self._create(repository, branch, title, body, draft=draft)
            if pull.state == "open":
                pull.add_to_labels(*labels)
            return Receipt(key=branch, adopted=adopted, facts={"number": str(pull.number), "url": pull.html_url})


class BlindForge(GitForge):
    """The forge as it is configured, with an API that does not look."""

    def __init__(self, settings: Settings, home: Home) -> None:
        known = [
            ForgeRepository(name=each.name, url=each.url, branch=each.branch, full_name=each.full_name)
            for each in settings.repositories
        ]
        forge = settings.forge
        super().__init__(known, forge.api_url, token_of(settings), home.mirrors, forge.write_spacing)
        self._api = BlindApi(forge.api_url, token_of(settings), forge.write_spacing)


class EffectsFirst(LedgerCases):
    """A case store that does what a step wants from the forge before it commits the step."""

    def __init__(self, ledger: Ledger, clock: Clock, forge: Forge) -> None:
        super().__init__(ledger.database, clock)
        self._outbox = ledger.outbox
        self._forge = forge

    def commit(
        self, claimed: Claimed, entries: Sequence[Entry], effects: Sequence[Effect], due: datetime | None
    ) -> Claimed:
        self._outbox.check(claimed)
        receipts = [perform(effect, self._forge) for effect in effects if not isinstance(effect, SendNotice)]
        claimed = super().commit(claimed, entries, effects, due)
        for receipt in receipts:
            self._outbox.receive(receipt, claimed)
        return claimed
