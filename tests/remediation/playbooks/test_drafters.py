"""When each playbook is asked, and when it leaves the case to the next."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cases.change import Patch
from cases.diagnosis import Suspect
from remediation.drafting import CannotDraft
from remediation.playbooks import image_tag, restore, tune
from remediation.ports import Ports
from sandbox.scripted import ScriptedSandbox
from tests.parts.hub import Entry
from tests.parts.nouns import SHA
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.remediation.playbooks.ground import Ground, a_case

GITOPS = {"name": "gitops", "url": "http://127.0.0.1:9/acme/gitops.git", "full_name": "acme/gitops"}
SHOP = {"name": "shop", "url": "http://127.0.0.1:9/acme/shop.git", "full_name": "acme/shop"}
TUNE = {"file": "c.yaml", "path": ".n", "signal": "errors", "bound": 64}
CONFIG = {"repository": "gitops", "file": "v.yaml", "image_tag": ".tag"}


@contextmanager
def ports_of(there: Ground, **service: Any) -> Generator[Ports]:  # noqa: ANN401 - keys of a service
    services = [{"name": "shop", "repository": "shop", **service}]
    settings = some_settings(repositories=[SHOP, GITOPS], services=services)
    with some_ports(settings=settings, sandbox=ScriptedSandbox({}), head=SHA) as ports:
        yield replace(ports, forge=there.forge)


def two_commits(there: Ground, before: dict[str | bytes, bytes], after: dict[str | bytes, bytes]) -> Suspect:
    there.commit("shop", "Begin", {**before}, 600)
    return there.suspect(there.commit("shop", "Change", {**after}, 10))


def test_values_alone_are_restored_rather_than_reverted(there: Ground) -> None:
    suspect = two_commits(there, {"c.yaml": b"n: 20\n"}, {"c.yaml": b"n: 2\n"})
    with ports_of(there) as ports:
        drafted = restore.drafter(a_case(suspect), ports, suspect)
        assert isinstance(drafted, Patch)
        assert (drafted.number, drafted.inverse_of) == (1, suspect.commit.sha)
        assert restore.drafter(a_case(suspect), ports, None) == CannotDraft()


def test_a_commit_of_code_and_values_is_reverted_unless_that_conflicts(there: Ground) -> None:
    before = {"c.yaml": b"n: 20\n", "a.py": b"a = 1\n"}
    suspect = two_commits(there, {**before}, {"c.yaml": b"n: 2\n", "a.py": b"a = 2\n"})
    with ports_of(there) as ports:
        assert restore.drafter(a_case(suspect), ports, suspect) == CannotDraft()
        there.commit("shop", "Build on it", {"a.py": b"a = 3\n"}, 8)
        drafted = restore.drafter(a_case(suspect), ports, suspect)
        assert isinstance(drafted, Patch)
        assert drafted.lead.paths == ("c.yaml",)


def test_values_beside_a_symbolic_link_are_restored(there: Ground) -> None:
    there.commit("shop", "Begin", {"c.yaml": b"n: 20\n"}, 600)
    link = Entry(content=b"c.yaml", mode="120000")
    suspect = there.suspect(there.commit("shop", "Change", {"c.yaml": b"n: 2\n", "link": link}, 10))
    with ports_of(there) as ports:
        drafted = restore.drafter(a_case(suspect), ports, suspect)
        assert isinstance(drafted, Patch)
        assert "stays: link" in drafted.summary


def test_tuning_waits_until_no_linked_change_is_left(there: Ground) -> None:
    suspect = two_commits(there, {"c.yaml": b"n: 20\n"}, {"d.yaml": b"n: 2\n"})
    with ports_of(there, tune=[TUNE]) as ports:
        drafted = tune.drafter(a_case(suspect), ports, None)
        assert drafted == CannotDraft(reason=f"nothing is tuned while {suspect.commit.short} may explain it")
        assert tune.drafter(a_case(), ports, suspect) == CannotDraft()
        unlinked = replace(suspect, mechanism="")
        assert isinstance(tune.drafter(a_case(unlinked), ports, None), Patch)
    with ports_of(there) as ports:
        assert tune.drafter(a_case(), ports, None) == CannotDraft()


def test_the_image_goes_back_unless_automation_would_set_it_again(there: Ground) -> None:
    good = there.commit("shop", "Begin", {"a.py": b"a = 1\n"}, 600)
    there.commit("gitops", "Begin", {"v.yaml": f"tag: {good}\n".encode()}, 590)
    bad = there.commit("shop", "Break it", {"a.py": b"a = 2\n"}, 20)
    suspect = there.suspect(bad)
    with ports_of(there, config=CONFIG) as ports:
        there.commit("gitops", "Bump", {"v.yaml": f"tag: {bad}\n".encode()}, 10)
        drafted = image_tag.drafter(a_case(suspect), ports, suspect)
        assert isinstance(drafted, Patch)
        assert [part.repository for part in drafted.parts] == ["gitops", "shop"]
        flux = f'tag: {bad} # {{"$imagepolicy": "flux-system:shop:tag"}}\n'
        there.commit("gitops", "Mark", {"v.yaml": flux.encode()}, 9)
        left = image_tag.drafter(a_case(suspect), ports, suspect)
        assert isinstance(left, CannotDraft)
        assert left.reason.endswith("Flux would set it again: suspend the image policy first")
        assert image_tag.drafter(a_case(suspect), ports, None) == CannotDraft()
    with ports_of(there) as ports:
        assert image_tag.drafter(a_case(suspect), ports, suspect) == CannotDraft()
