"""The image's tag goes back in the configuration repository; the code revert follows it."""

from dataclasses import dataclass, replace

import pytest

from cases.change import Patch
from config.settings import DeployedConfigSettings
from remediation.drafting import CannotDraft
from remediation.playbooks.bumping import bumped_again, configured_updater
from remediation.playbooks.image_tag import TagBack, image_tag, tag_at
from remediation.playbooks.versions import target
from remediation.values.place import Place
from remediation.values.refused import NotEditable
from tests.parts.hub import git
from tests.parts.nouns import NOW, SHA, a_commit
from tests.remediation.playbooks.ground import Ground, OneFile, a_case, a_service

VALUES = 'image:\n  repository: acme/shop\n  tag: "{}"  # set by the pipeline\nreplicas: 2\n'
FILE = "prod/shop/values.yaml"


@dataclass
class Releases:
    """Code commits `good` and `bad`, and configuration commits that set what the test writes for them."""

    good: str
    bad: str
    head: str


def release(there: Ground, shape: str = VALUES, form: str = "sha-{}", author: str = "pipeline") -> Releases:
    good = there.commit("shop", "Begin", {"shop/a.py": b"a = 1\n"}, 600)
    there.commit("gitops", "Begin", {FILE: shape.format(form.format(good[:7])).encode()}, 590)
    bad = there.commit("shop", "Break it", {"shop/a.py": b"a = 2\n"}, 20)
    head = there.commit("gitops", "Bump", {FILE: shape.format(form.format(bad[:7])).encode()}, 10, author)
    return Releases(good=good, bad=bad, head=head)


def drafted(there: Ground, sha: str, place: str = ".image.tag") -> TagBack | CannotDraft:
    config = {"repository": "gitops", "file": FILE, "image_tag": place}
    suspect = there.suspect(sha)
    return image_tag(a_case(suspect), 1, suspect, there.forge, a_service(config=config), NOW)


def a_tag_back(back: TagBack | CannotDraft) -> TagBack:
    assert isinstance(back, TagBack), back
    return back


def a_reason(back: TagBack | CannotDraft) -> str:
    assert isinstance(back, CannotDraft), back
    return back.reason


def written(patch: Patch) -> str:
    return (patch.lead.edits[0].content or b"").decode()


def test_the_configuration_goes_first_and_the_code_follows(there: Ground) -> None:
    made = release(there)
    back = a_tag_back(drafted(there, made.bad))
    patch = back.patch
    assert [part.repository for part in patch.parts] == ["gitops", "shop"]
    assert written(patch) == VALUES.format(f"sha-{made.good[:7]}")
    assert (patch.lead.base, patch.lead.runs) == (made.head, made.good[:7])
    assert [edit.content for edit in patch.parts[1].edits] == [b"a = 1\n"]
    assert (patch.blames, patch.inverse_of) == (made.bad, None)
    assert patch.title == f"Put shop back to sha-{made.good[:7]} (sha-{made.bad[:7]} holds {made.bad[:10]})"
    assert (patch.blast_radius.files, patch.blast_radius.lines) == (2, 4)
    assert patch.summary == (f"Sets image.tag in {FILE} of gitops from sha-{made.bad[:7]} back to sha-{made.good[:7]}.")
    assert patch.because.endswith("(E3)")
    assert back.bumped_again == ""


def test_only_the_tag_of_a_whole_reference_changes(there: Ground) -> None:
    shape = (
        "kind: Deployment\nmetadata: {{name: shop}}\nspec:\n  image: reg.example.com:5000/acme/shop:{}\n---\nkind: X\n"
    )
    made = release(there, shape)
    patch = a_tag_back(drafted(there, made.bad, "Deployment//shop:.spec.image")).patch
    assert written(patch) == shape.format(f"sha-{made.good[:7]}")


def test_a_version_is_a_git_tag_of_the_code(there: Ground) -> None:
    good = there.commit("shop", "Begin", {"shop/a.py": b"a = 1\n"}, 600)
    bad = there.commit("shop", "Break it", {"shop/a.py": b"a = 2\n"}, 20)
    for tag, sha in (("v1.2.3", good), ("v1.2.4", bad)):
        git(there.hubs["shop"].folder, "tag", tag, sha)
    for version, ago in (("1.2.3", 590), ("1.2.4", 10)):
        there.commit("gitops", version, {FILE: VALUES.format(version).encode()}, ago)
    patch = a_tag_back(drafted(there, bad)).patch
    assert written(patch) == VALUES.format("1.2.3")
    assert patch.lead.runs == good


def test_later_versions_with_the_culprit_are_passed_over(there: Ground) -> None:
    made = release(there)
    later = there.commit("shop", "Another", {"shop/b.py": b"b = 1\n"}, 4)
    there.commit("gitops", "Scale", {FILE: VALUES.format(f"sha-{made.bad[:7]}").replace("2\n", "4\n").encode()}, 4)
    there.commit("gitops", "Bump", {FILE: VALUES.format(f"sha-{later[:7]}").replace("2\n", "4\n").encode()}, 3)
    patch = a_tag_back(drafted(there, made.bad)).patch
    assert written(patch) == VALUES.format(f"sha-{made.good[:7]}").replace("2\n", "4\n")


def test_where_the_code_conflicts_the_configuration_goes_alone(there: Ground) -> None:
    made = release(there)
    there.commit("shop", "Build on it", {"shop/a.py": b"a = 3\n"}, 3)
    patch = a_tag_back(drafted(there, made.bad)).patch
    assert [part.repository for part in patch.parts] == ["gitops"]
    assert "conflicts in shop/a.py: a human has to take it out" in patch.summary


def test_what_would_bump_it_again_is_a_reason_to_ask_and_is_said(there: Ground) -> None:
    flux = VALUES.replace("set by the pipeline", '{{"$imagepolicy": "flux-system:shop:tag"}}')
    made = release(there, flux)
    back = a_tag_back(drafted(there, made.bad))
    assert back.bumped_again == "Flux would set it again: suspend the image policy first"
    assert back.patch.summary.endswith(f"But {back.bumped_again}.")


@pytest.mark.parametrize(
    ("comment", "author", "said"),
    [
        ('{"$imagepolicy": "flux-system:shop:tag"}', "pipeline", "Flux would"),
        ("x\nargocd-image-updater.argoproj.io/image-list: acme/shop", "pipeline", "Argo CD Image Updater would"),
        ("renovate: image=acme/shop", "pipeline", "Renovate would"),
        ("x", "fluxcdbot", "Flux set it"),
        ("x", "argocd-image-updater", "Argo CD Image Updater set it"),
        ("x", "renovate[bot]", "Renovate set it"),
        ("x", "dependabot[bot]", "Dependabot set it"),
        ("x", "fluent developer", ""),
    ],
)
def test_the_file_and_its_history_tell_automation(comment: str, author: str, said: str) -> None:
    content = VALUES.format("sha-1a2b3c4").replace("set by the pipeline", comment).encode()
    found = bumped_again(content, 3, [replace(a_commit(), author=author, files=(FILE,))])
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_its_own_file_tells_argo() -> None:
    setter = replace(a_commit(), files=("prod/shop/.argocd-source-shop.yaml",))
    assert bumped_again(b"a: 1\n", 1, [setter]).startswith("Argo CD Image Updater")


@pytest.mark.parametrize(
    ("path", "settings", "said"),
    [
        ("renovate.json", '{"helm-values": {"fileMatch": ["prod/shop/values.yaml"]}}', "renovate.json names prod/shop"),
        (".github/dependabot.yml", "updates: [{directory: /prod/shop}]", ".github/dependabot.yml names prod/shop"),
        ("renovate.json", '{"helm-values": {"fileMatch": ["test/shop.yaml"]}}', ""),
        (".github/dependabot.yml", "updates: [{directory: /prod/shopping}]", ""),
    ],
)
def test_the_settings_of_updaters_name_the_file(path: str, settings: str, said: str) -> None:
    found = configured_updater(OneFile(path, settings.encode()), "gitops", SHA, FILE)
    assert said in found
    assert bool(found) == bool(said)


DIGESTS = tuple(f"sha256:{figure * 64}" for figure in "12")


def test_a_digest_goes_back_with_its_tag_when_the_history_has_it(there: Ground) -> None:
    shape = "image: acme/shop:{}\n"
    good = there.commit("shop", "Begin", {"shop/a.py": b"a = 1\n"}, 600)
    bad = there.commit("shop", "Break it", {"shop/a.py": b"a = 2\n"}, 20)
    for sha, digest, ago in ((good, DIGESTS[0], 590), (bad, DIGESTS[1], 10)):
        there.commit("gitops", "Bump", {FILE: shape.format(f"{sha[:8]}@{digest}").encode()}, ago)
    patch = a_tag_back(drafted(there, bad, ".image")).patch
    assert written(patch) == shape.format(f"{good[:8]}@{DIGESTS[0]}")
    there.commit("gitops", "Unpin", {FILE: shape.format(good[:8]).encode()}, 9)
    there.commit("gitops", "Pin", {FILE: shape.format(f"{bad[:8]}@{DIGESTS[1]}").encode()}, 8)
    assert "pinned by its digest" in a_reason(drafted(there, bad, ".image"))


def test_a_tag_that_names_no_commit_is_refused(there: Ground) -> None:
    made = release(there, VALUES, "latest-{}")
    assert "nothing says which commit of shop the tag latest-" in a_reason(drafted(there, made.bad))


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (f"image: {{tag: x, digest: {DIGESTS[0]}}}", ".image.tag", "image.digest pins the image"),
        (f"image: acme/shop@{DIGESTS[0]}", ".image", "has a digest and no tag"),
        ("image: acme/shop", ".image", "has no tag of an image"),
        ("image: shop", ".image", "has no tag of an image"),
        ("image: {tag: two words}", ".image.tag", "has no tag of an image"),
        ("image:\n  tag: {{ .tag }}", ".image.tag", "is a template"),
        ("image: {}", ".image.tag", "has no image.tag"),
    ],
)
def test_an_image_that_cannot_be_told_for_certain_is_refused(text: str, place: str, said: str) -> None:
    config = DeployedConfigSettings(repository="gitops", file=FILE, image_tag=place)
    with pytest.raises(NotEditable, match=said):
        target(OneFile(FILE, text.encode()), config, Place.parse(place))


def test_a_tag_without_the_culprit_or_from_after_the_onset_is_left(there: Ground) -> None:
    made = release(there)
    aside = there.commit("shop", "Innocent", {"shop/c.py": b"c = 1\n"}, 3)
    assert f"does not hold {aside[:10]}" in a_reason(drafted(there, aside))
    there.commit("gitops", "Bump", {FILE: VALUES.format(f"sha-{aside[:7]}").encode()}, 1)
    assert "only after the onset" in a_reason(drafted(there, aside))
    there.commit("gitops", "Gone", {FILE: None}, 0.5)
    assert f"gitops has no file {FILE}" in a_reason(drafted(there, made.bad))


def test_the_tag_at_a_place() -> None:
    assert tag_at(b"image: {tag: 1.2}\n", FILE, ".image.tag") == "1.2"
    assert tag_at(b"image: reg:5000/a/b:x@sha256:1\n", FILE, ".image") == "x@sha256:1"
    assert tag_at(b"image: {}\n", FILE, ".image.tag") is None
    assert tag_at(b"image: [\n", FILE, ".image.tag") is None
