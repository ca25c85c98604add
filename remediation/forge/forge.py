"""GitForge: the Forge port on git and a GitHub-shaped API. What is outside is always looked at before it is written."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cases.change import FileEdit, Part, Reverted
from cases.diagnosis import Commit
from cases.errors import PermanentError
from cases.marks import Ci, ProofReport
from cases.merging import Obstacle
from cases.pull_request import ISSUE, Board, Comment, OpenWork, PullRequest, Remark, ShownChange
from cases.steps import Receipt
from remediation.forge import difference, further, history, plots, rebased, tree
from remediation.forge.comments import CommentRecord
from remediation.forge.conversation import Talk
from remediation.forge.deployments import DeploymentRecord
from remediation.forge.github import GithubApi
from remediation.forge.mirror import Mirror
from remediation.forge.open_work import open_work
from remediation.forge.quota import Quota
from remediation.forge.repository import OWN_BRANCHES, ForgeRepository, check_own_branch
from remediation.forge.revert import reverted
from remediation.forge.reverts import Past, past
from remediation.forge.rules import branch_rules
from remediation.forge.token import TokenRefused, shared

if TYPE_CHECKING:
    from remediation.forge.ci import CiRecord
    from remediation.forge.merging import Merger
    from remediation.forge.shown import ShownChanges

DEFAULT_SPACING = timedelta(seconds=1)  # GitHub's own advice between two writes
PROBE_BRANCH = f"{OWN_BRANCHES}permission-probe"  # only ever named in a dry run


class GitForge:
    """The configured repositories on one forge.

    token          asked at each use, so that a rotated one is seen; it reaches git and the API, nothing else.
                   Once it is refused, all calls raise TokenRefused for a minute, unless there is another
    cache          a folder for the mirrors; made when missing, safe to delete while nothing runs
    write_spacing  the least time between two writes through the API
    quota          what requests and pushes count against; None: only the spacing is kept
    local_files    whether `file://` addresses are allowed
    """

    def __init__(
        self,
        repositories: Sequence[ForgeRepository],
        api_url: str,
        token: Callable[[], str],
        cache: Path,
        write_spacing: timedelta = DEFAULT_SPACING,
        *,
        quota: Quota | None = None,
        local_files: bool = False,
    ) -> None:
        self._api_url = api_url
        once_refused = shared(token)
        self._api = GithubApi(api_url, once_refused, write_spacing, quota=quota)
        self._mirrors = {
            r.name: Mirror(r, once_refused, cache, quota=quota, local_files=local_files) for r in repositories
        }
        self._records: dict[tuple[str, str], DeploymentRecord] = {}
        self._comments = CommentRecord(api=self._api)
        self._talk = Talk(api=self._api, comments=self._comments)
        self._ci: CiRecord | None = None
        self._shown_changes: ShownChanges | None = None

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._api.close()

    def head(self, repository: str) -> str:
        """The sha at the tip of the watched branch now. PermanentError for an empty repository."""
        mirror = self.mirror(repository)
        mirror.fetch()
        return mirror.head()

    def commits(self, repository: str, since: datetime, until: datetime) -> tuple[Commit, ...]:
        """The first-parent commits of the watched branch in the window: see `history.commits`."""
        mirror = self.mirror(repository)
        mirror.fetch()
        return history.commits(mirror.git, mirror.head(), since, until)

    def past(self, repository: str, since: datetime, until: datetime) -> Past:
        """What came to the watched branch in the window, and what of it was taken back: see `reverts.past`."""
        mirror = self.mirror(repository)
        mirror.fetch()
        return past(mirror.git, mirror.head(), since, until)

    def contains(self, repository: str, sha: str, ancestor: str) -> bool:
        """Whether `ancestor` is `sha` or one of its ancestors. Either may be abbreviated; an unknown one is False."""
        return self.mirror(repository).contains(sha, ancestor)

    def tree(self, repository: str, base: str, edits: Sequence[FileEdit]) -> bytes:
        """An uncompressed tar of the tree at `base` with the edits made: byte for byte what a push would hold."""
        mirror = self.mirror(repository)
        commit = mirror.known(base)
        if edits:
            commit = tree.committed(mirror.git, commit, edits, "tried\n")
        return tree.archived(mirror.git, commit)

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        """What the file at `path` holds in the tree of `sha`; None when there is no such regular file."""
        mirror = self.mirror(repository)
        return difference.content(mirror.git, mirror.known(sha), path)

    def part(self, repository: str, base: str, edits: Sequence[FileEdit]) -> Part:
        """The edits on top of `base`, with their diff and its counts. Touches nothing."""
        mirror = self.mirror(repository)
        before = mirror.known(base)
        after = tree.committed(mirror.git, before, edits, "drafted\n")
        added, removed = difference.counts(mirror.git, before, after)
        return Part(
            repository=repository,
            base=before,
            edits=tuple(edits),
            diff=difference.unified(mirror.git, before, after),
            added=added,
            removed=removed,
        )

    def tagged(self, repository: str, tag: str) -> str | None:
        """The commit that the git tag of that name points to, or None."""
        return self.mirror(repository).tagged(tag)

    def revert(self, repository: str, base: str, commit: str, first: str = "") -> Reverted:
        """Undo one commit, or all from `first` to it, on top of `base`: see `revert.reverted`."""
        mirror = self.mirror(repository)
        oldest = mirror.known(first) if first else ""
        return reverted(mirror.git, mirror.known(base), mirror.known(commit), first=oldest)

    def came_with(self, repository: str, sha: str) -> tuple[str, ...]:
        """The commits that one pull request brought with this one, oldest first: see `rebased.together`."""
        mirror = self.mirror(repository)
        commit = mirror.known(sha)
        if rebased.is_merge(mirror.git, commit):
            return (commit,)
        merged = self._api.merged_with(mirror.repository, commit)
        return rebased.together(mirror.git, commit, merged) if merged else (commit,)

    def push(self, repository: str, branch: str, base: str, edits: Sequence[FileEdit], message: str) -> Receipt:
        """Make the branch hold `base` plus the edits as one commit; adopt it if it holds just that already.

        facts: `sha`. PermanentError when there is no permission, or the branch holds somebody else's work.
        """
        check_own_branch(branch)
        mirror = self.mirror(repository)
        commit = tree.committed(mirror.git, mirror.known(base), edits, message)
        tip = mirror.remote_tip(branch)
        adopted = tip is not None
        if tip is None and (refused := mirror.push(commit, branch, expected=None)):
            tip, adopted = mirror.remote_tip(branch), True  # somebody may have been quicker
            if tip is None:
                raise mirror.refusal(branch, refused)
        held = tip or commit
        if held != commit and not self._same_work(mirror, held, commit):
            raise PermanentError(f"{branch} of {repository} holds somebody else's work ({held[:10]}): left alone")
        return Receipt(key=branch, adopted=adopted, facts={"sha": held})

    def find_pull_request(self, repository: str, branch: str) -> PullRequest | None:
        """The newest pull request of that branch, in any state."""
        return self._api.find_pull_request(self.mirror(repository).repository, branch)

    def open_pull_request(
        self, repository: str, branch: str, title: str, body: str, labels: Sequence[str], *, draft: bool
    ) -> Receipt:
        """Open it, or adopt the one that is there. facts: `number`, `url`."""
        check_own_branch(branch)
        known = self.mirror(repository).repository
        return self._api.open_pull_request(known, branch, title, body, labels, draft=draft)

    def to_draft(self, repository: str, branch: str) -> Receipt:
        """Take the open pull request of that branch back to a draft; one that is a draft or not open is left alone."""
        return self._api.to_draft(self.mirror(repository).repository, branch)

    def to_ready(self, repository: str, branch: str) -> Receipt:
        """Show the open pull request of that branch for review; one that is no draft or not open is left alone."""
        return self._api.to_ready(self.mirror(repository).repository, branch)

    def update(
        self, repository: str, branch: str, base: str, edits: Sequence[FileEdit], message: str, onto: str
    ) -> Receipt:
        """Add one commit on top of our own last one there: see `further.added`."""
        check_own_branch(branch)
        return further.added(self.mirror(repository), branch, base, edits, message, onto)

    def conflicts(self, repository: str, sha: str) -> tuple[str, ...]:
        """The files in which `sha` and the tip of the watched branch cannot be merged by git itself."""
        mirror = self.mirror(repository)
        return further.conflicts(mirror.git, mirror.known(sha), mirror.head())

    def comment(self, repository: str, branch: str, key: str, body: str) -> Receipt:
        """Comment on the branch's pull request once, or on the issue that shows the change. facts: `url`."""
        if branch.startswith(ISSUE):
            return self._shown().comment(self.mirror(repository).repository, branch, key, body)
        return self._api.comment(self.mirror(repository).repository, branch, key, body)

    def comments(self, repository: str, branch: str) -> tuple[Comment, ...]:
        """What people said on the branch's pull request, or on the issue that shows the change, oldest first."""
        if branch.startswith(ISSUE):
            return self._shown().comments(self.mirror(repository).repository, branch)
        return self._comments.comments(self.mirror(repository).repository, branch)

    def remarks(self, repository: str, branch: str) -> tuple[Remark, ...]:
        """What people said in reviews of the branch's pull request, oldest first: on lines, and of the whole."""
        return self._talk.remarks(self.mirror(repository).repository, branch)

    def reply(self, repository: str, branch: str, remark: int, key: str, body: str) -> Receipt:
        """Answer a remark in its thread once: an answer with that key is adopted. facts: `url`."""
        return self._talk.reply(self.mirror(repository).repository, branch, remark, key, body)

    def react(self, repository: str, comment: int, word: str) -> Receipt:
        """Put a reaction under a comment. The forge keeps one of a kind of each person."""
        return self._talk.react(self.mirror(repository).repository, comment, word)

    def rewrite(self, repository: str, branch: str, body: str) -> Receipt:
        """Put the sealed text in place of ours in the body: see `Talk.rewrite`."""
        return self._talk.rewrite(self.mirror(repository).repository, branch, body)

    def relabel(self, repository: str, branch: str, add: Collection[str], remove: Collection[str]) -> Receipt:
        """Put labels on the branch's pull request, and take others off."""
        return self._talk.relabel(self.mirror(repository).repository, branch, add, remove)

    def board(self, repository: str) -> Board | None:
        """The open dashboard issue that we opened there, as it reads now."""
        return self._talk.board(self.mirror(repository).repository)

    def write_board(self, repository: str, title: str, body: str, seen: str | None) -> Receipt:
        """Make the dashboard issue say this. facts: `url`."""
        return self._talk.write_board(self.mirror(repository).repository, title, body, seen)

    def show(self, repository: str, branch: str, title: str, body: str) -> Receipt:
        """Show the change of that branch in an issue of its own: see `ShownChanges.show`."""
        return self._shown().show(self.mirror(repository).repository, branch, title, body)

    def shown(self, repository: str) -> tuple[ShownChange, ...]:
        """The changes that open issues of ours show there."""
        return self._shown().shown(self.mirror(repository).repository)

    def hide(self, repository: str, branch: str, key: str, body: str, *, done: bool) -> Receipt:
        """Say why, once, and close the issue that shows the change."""
        return self._shown().hide(self.mirror(repository).repository, branch, key, body, done=done)

    def store_plot(
        self, repository: str, path: str, content: bytes, beside: Mapping[str, str] | None = None
    ) -> Receipt:
        """Keep the picture at `path` of the pictures' branch, or adopt it. facts: `url`, where a browser shows it.

        `beside`: text files that are kept with it, by their names in its folder.
        """
        folder = path.rpartition("/")[0]
        files = {f"{folder}/{name}": text.encode() for name, text in (beside or {}).items()}
        stored = plots.store(self.mirror(repository), path, {path: content, **files})
        return Receipt(key=path, adopted=not stored, facts={"url": self.plot_url(repository, path)})

    def plot_url(self, repository: str, path: str) -> str:
        """Where a stored picture will be shown, known before it is stored."""
        tree.check_path(path)
        return plots.shown_at(self._api_url, self.mirror(repository).repository.full_name, path)

    def open_pull_requests(self, repository: str) -> tuple[PullRequest, ...]:
        """Trackwalker's own open pull requests there."""
        return self._api.open_pull_requests(self.mirror(repository).repository)

    def open_work(self, repository: str, paths: Collection[str]) -> tuple[OpenWork, ...]:
        """What open pull requests of others into the watched branch do to these files: see `open_work.open_work`."""
        return open_work(self._api, self.mirror(repository).repository, paths)

    def ci(self, repository: str, sha: str) -> Ci:
        """What other tools' check runs and statuses say of a commit now, ours left out."""
        if self._ci is None:
            from remediation.forge.ci import CiRecord

            self._ci = CiRecord(api=self._api)
        return self._ci.ci(self.mirror(repository).repository, sha)

    def report_proof(self, repository: str, branch: str, base: str, report: ProofReport) -> Receipt:
        """Show our trial beside the commit that the branch holds on `base`: see `proof_report`."""
        from remediation.forge.proof_report import report_proof

        check_own_branch(branch)
        mirror = self.mirror(repository)
        mirror.fetch()
        sha = tree.our_last(mirror.git, mirror.tip(branch), mirror.known(base))
        return report_proof(self._api, mirror.repository, sha, report)

    def request_reviewers(
        self, repository: str, branch: str, owners: Sequence[str], culprit: tuple[str, ...]
    ) -> Receipt:
        """Ask for reviews: see `reviewers.request`."""
        from remediation.forge import reviewers

        check_own_branch(branch)
        author = (self.mirror(culprit[0]).repository, culprit[1]) if culprit else None
        return reviewers.request(self._api, self.mirror(repository).repository, branch, owners, author)

    def obstacles(self, repository: str, branch: str, sha: str) -> tuple[Obstacle, ...]:
        """What on the forge stands against merging the branch's pull request as just that commit; () for nothing."""
        return self._merger(repository).obstacles(self.mirror(repository).repository, branch, sha)

    def merge(self, repository: str, branch: str, sha: str, message: str) -> Receipt:
        """Merge the branch's pull request as just that commit, or adopt it where it is merged: see `Merger`."""
        return self._merger(repository).merge(self.mirror(repository).repository, branch, sha, message)

    def permissions(self, repository: str) -> tuple[tuple[str, bool, str], ...]:
        """What is needed there, as (permission, granted, what to do when it is not). Writes nothing.

        The first thing that is refused ends the list where nothing behind it can be asked. TemporaryError when the
        forge cannot be reached.
        """
        mirror = self.mirror(repository)
        rows: list[tuple[str, bool, str]] = []
        for permission, ask in (
            ("the token is known", self._api.login),
            ("the repository is visible", lambda: rows.extend(self._api.standing(mirror.repository))),
            ("what is allowed is known", lambda: rows.extend(self._allowed(mirror, rows))),
            ("git can fetch it", mirror.fetch),
            (f"it has the branch {mirror.repository.branch}", mirror.head),
            ("git can push branches", lambda: self._dry_push(mirror)),
        ):
            try:
                ask()
            except (PermanentError, TokenRefused) as error:
                rows.append((permission, False, str(error)))
                break
            rows.append((permission, True, ""))
        return tuple(rows)

    def rules(self, repository: str) -> tuple[tuple[str, bool, str], ...]:
        """What the forge's rules ask of our branches and merges: (rule, whether we can live with it, what it means).

        Writes nothing. TemporaryError when the forge cannot be reached.
        """
        return branch_rules(self._api, self.mirror(repository).repository, PROBE_BRANCH)

    def deployments(self, repository: str, environment: str, since: datetime) -> tuple[tuple[datetime, str], ...]:
        """(when it was first live, sha) of what the forge's record says was deployed since: see `DeploymentRecord`."""
        known, key = self.mirror(repository).repository, (repository, environment)
        record = self._records.setdefault(
            key, DeploymentRecord(api=self._api, repository=known, environment=environment)
        )
        return record.live(since)

    def probe(self) -> str:
        """Whom the forge takes us for. Raises like every call when it cannot be reached or refuses the token."""
        return self._api.login()

    def mirror(self, repository: str) -> Mirror:
        """The copy of a configured repository on this machine. PermanentError for any other."""
        found = self._mirrors.get(repository)
        if found is None:
            raise PermanentError(f"no repository is called {repository!r} in the configuration")
        return found

    def _merger(self, repository: str) -> "Merger":
        from remediation.forge.merging import Merger  # needed where an area stands at auto_merge

        return Merger(
            api=self._api,
            remarks=lambda branch: self.remarks(repository, branch),
            ci=lambda sha: self.ci(repository, sha),
        )

    def _shown(self) -> "ShownChanges":
        """Loaded with the first change that is shown."""
        if self._shown_changes is None:
            from remediation.forge.shown import ShownChanges

            self._shown_changes = ShownChanges(api=self._api, said=self._comments)
        return self._shown_changes

    def _same_work(self, mirror: Mirror, theirs: str, ours: str) -> bool:
        """Whether two commits hold the same tree on the same parents, whatever their messages."""
        mirror.fetch()
        if mirror.resolve(theirs) is None:
            return False  # gone again, or moved on: not what we would have made
        shape = ("log", "-1", "--format=%T %P")
        return mirror.git.line(*shape, theirs) == mirror.git.line(*shape, ours)

    def _allowed(self, mirror: Mirror, known: Sequence[tuple[str, bool, str]]) -> Sequence[tuple[str, bool, str]]:
        """Each permission; none where the repository is not as configured, for then they say nothing."""
        from remediation.forge import permissions

        sound = all(granted for _, granted, _ in known)
        return tuple(permissions.rows(self._api, mirror.repository)) if sound else ()

    def _dry_push(self, mirror: Mirror) -> None:
        refused = mirror.push(mirror.head(), PROBE_BRANCH, expected=None, dry=True)
        if refused:
            raise mirror.refusal(PROBE_BRANCH, refused)
