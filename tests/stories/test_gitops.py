"""What production runs is set in a second repository: the tag goes back first, then the code; hands are respected."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cases.case import Phase
from cases.change import ChangeClass, FileEdit
from cases.outcome import Ending
from tests.parts.playhouse import NORMAL, House, house

VALUES = b"# production\r\nimage:\r\n  repository: registry.example/shop\r\n  tag: %s  # set by hand\r\nreplicas: 3\r\n"
FILE = "prod/shop/values.yaml"


@contextmanager
def two_repositories(folder: Path) -> Generator[House]:
    """The playhouse's shop, whose version is the tag in acme/gitops."""
    with house(folder) as it:
        it.world.another("gitops")
        good, bad = (it.shas[title] for title in ("Open the shop", "Say hello in the README"))
        set_tag(it, good, minutes_ago=2990)
        set_tag(it, bad, minutes_ago=21)
        later = it.shas["Reword the checkout"]
        it.deploys[:] = [deploy for deploy in it.deploys if deploy.commit != later]
        config = {"repository": "gitops", "file": FILE, "image_tag": ".image.tag"}
        it.extra["services"] = [{"name": "shop", "repository": "shop", "config": config}]
        yield it


def set_tag(it: House, sha: str, minutes_ago: float = 0) -> str:
    return it.commit_to("gitops", f"Run {sha[:10]}", {FILE: VALUES % f"sha-{sha[:10]}".encode()}, minutes_ago)


def test_the_tag_goes_back_first_and_the_code_follows(tmp_path: Path) -> None:
    with two_repositories(tmp_path) as it, it.alive():
        case = it.until(Phase.PROPOSED)
        good = it.shas["Open the shop"]
        assert ChangeClass.CONFIGURATION is case.change.kind
        assert [part.repository for part in case.change.parts] == ["gitops", "shop"]
        assert it.pull_requests() == []  # the code waits for its turn
        (pull,) = it.pull_requests(name="gitops")
        files = it.world.ask("GET", f"/pulls/{pull['number']}/files", name="gitops").json()
        assert [(file["filename"], file["additions"], file["deletions"]) for file in files] == [(FILE, 1, 1)]
        pushed = it.world.others["gitops"].show(f"{pull['head']['ref']}:{FILE}")
        assert VALUES % f"sha-{good[:10]}".encode() == pushed  # its line ends and comments are kept
        assert "second pull request" in pull["body"]

        it.merge(pull["number"], name="gitops", deployed=False)
        it.until(Phase.MERGED)
        it.passes(1)
        (code,) = it.pull_requests()
        assert pull["html_url"] in code["body"]
        assert "round(sum(cart))" not in it.world.hub.show(f"{code['head']['ref']}:shop/pricing.py").decode()
        assert any("The next part follows now" in body for body in it.comments(pull["number"], name="gitops"))

        it.deploy(good)  # what the tag names runs again
        it.readings.becomes(NORMAL, it.now)
        it.until(Phase.DEPLOYED)
        case = it.until(Phase.CLOSED, minutes=120, every=2)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.WORKED


def test_a_rollback_by_hand_is_seen_and_the_pull_request_goes_back_to_a_draft(tmp_path: Path) -> None:
    with two_repositories(tmp_path) as it, it.alive():
        it.until(Phase.PROPOSED)
        it.passes(1)
        (pull,) = it.pull_requests(name="gitops")
        assert not pull["draft"]
        by_hand = set_tag(it, it.shas["Open the shop"])
        case = it.until(Phase.MERGED)
        assert case.merge is not None
        assert (by_hand, "platform") == (case.merge.sha, case.merge.by)
        it.passes(1)
        (pull,) = it.pull_requests(name="gitops")
        assert (pull["state"], pull["draft"]) == ("open", True)
        assert any("Back to a draft" in body for body in it.comments(pull["number"], name="gitops"))
        it.deploy(it.shas["Open the shop"])
        it.readings.becomes(NORMAL, it.now)
        case = it.until(Phase.CLOSED, minutes=120, every=2)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.WORKED


def test_a_rollback_by_hand_is_the_commit_that_made_it_not_one_that_touched_the_file_later(tmp_path: Path) -> None:
    with two_repositories(tmp_path) as it, it.alive():
        it.until(Phase.PROPOSED)
        it.passes(1)
        by_hand = set_tag(it, it.shas["Open the shop"])
        scaled = (VALUES % f"sha-{it.shas['Open the shop'][:10]}".encode()).replace(b"replicas: 3", b"replicas: 5")
        later = it.commit_to("gitops", "Scale the shop", {FILE: scaled}, 0)
        case = it.until(Phase.MERGED)
        assert case.merge is not None
        assert by_hand == case.merge.sha != later


def test_open_pull_requests_are_counted_over_all_repositories(tmp_path: Path) -> None:
    with two_repositories(tmp_path) as it:
        it.extra["budget"] = {"prs_open": 1}
        there = it.world.adapter(**it.repository)
        change = [FileEdit(path="shop/other.py", content=b"other = 1\n")]
        there.push("shop", "trackwalker/another-1", it.world.hub.tip(), change, "Another\n")
        there.open_pull_request("shop", "trackwalker/another-1", "Another", "Why.", ["trackwalker"], draft=False)
        with it.alive():
            it.until(Phase.PROVED)
            it.passes(3)
            case = it.case()
            assert case is not None
            assert case.phase is Phase.PROVED
            assert it.pull_requests(name="gitops") == []


def test_a_tag_that_somebody_set_to_something_else_goes_to_a_human(tmp_path: Path) -> None:
    with two_repositories(tmp_path) as it, it.alive():
        it.until(Phase.PROPOSED)
        it.passes(1)
        set_tag(it, it.shas["Reword the checkout"])
        case = it.until(Phase.ESCALATED)
        assert "would undo that" in case.escalation
        it.passes(1)
        (pull,) = it.pull_requests(name="gitops")
        assert (pull["state"], pull["draft"]) == ("open", True)


def test_other_work_in_the_second_repository_disturbs_nothing(tmp_path: Path) -> None:
    with two_repositories(tmp_path) as it, it.alive():
        it.until(Phase.PROPOSED)
        it.passes(1)
        it.commit_to("gitops", "Scale the till", {"prod/till/values.yaml": b"replicas: 2\n"}, 0)
        it.passes(3)
        case = it.case()
        assert case is not None
        assert case.phase is Phase.PROPOSED


def test_a_repository_that_vanishes_between_its_changes_loses_nothing(tmp_path: Path) -> None:
    with two_repositories(tmp_path) as it, it.alive():
        it.until(Phase.PROPOSED)
        it.passes(1)
        (pull,) = it.pull_requests(name="gitops")
        home = it.world.hub.folder
        home.rename(home.with_name("moved.git"))
        it.merge(pull["number"], name="gitops", deployed=False)
        case = it.until(Phase.ESCALATED)
        assert case.merge is not None  # the tag went back, and that is kept
        assert "no such repository" in case.escalation
        it.deploy(it.shas["Open the shop"])
        it.readings.becomes(NORMAL, it.now)
        it.until(Phase.DEPLOYED, minutes=30)
        case = it.until(Phase.CLOSED, minutes=120, every=2)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.WORKED
        it.passes(1)
        assert any("**Worked" in body for body in it.comments(pull["number"], name="gitops"))
