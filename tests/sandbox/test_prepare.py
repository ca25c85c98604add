"""Images that are prepared: with a network and secrets then, and without either ever after."""

import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import docker
import pytest

from cases.errors import NotPrepared, PermanentError, TemporaryError
from cases.trying import Recipe
from sandbox.docker import DockerSandbox
from sandbox.images import Image, ImageEngine
from sandbox.prepare import KEPT, LABEL, REPOSITORY
from tests.parts.dockerd import base_image, containers
from tests.parts.package_index import PASSWORD, PackageIndex, a_wheel, an_sdist, package_index
from tests.parts.registry import PASSWORD as REGISTRY_PASSWORD
from tests.parts.registry import USER as REGISTRY_USER
from tests.parts.registry import registry
from tests.sandbox.orders import an_order, tree_of

OWNER = f"prepare-{os.getpid()}"
SHOP = f"shop-{os.getpid()}"
TOKEN = "made-up-token-of-a-registry"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    base_image()
    yield
    with ImageEngine() as engine:
        for image in engine.images(f"{LABEL}={SHOP}"):
            engine.remove_image(image)
    assert containers(f"trackwalker.owner={OWNER}") == containers(f"trackwalker.staged={SHOP}") == set()


def a_recipe(setup: str, lock: bytes = b"sums==1.0\n", **more: Any) -> Recipe:  # noqa: ANN401 - fields of a recipe
    return replace(
        Recipe(repository=SHOP, image=base_image(), setup=setup, files=(("requirements.lock", lock),), room_mib=64),
        **more,
    )


def kept() -> list[str]:
    with ImageEngine() as engine:
        return [tag for image in engine.images(f"{LABEL}={SHOP}") for tag in image.tags]


SETUP = (
    'test -n "$TOKEN" && grep -q sums requirements.lock && ls / > seen && id -u >> seen && '
    "! touch /usr/mark 2>/dev/null && grep -q eth0 /proc/net/dev && "
    "mkdir -p bin && printf '#!/bin/sh\\necho sums 1.0\\n' > bin/sums && chmod 700 bin/sums"
)


def test_a_setup_has_what_no_trial_has(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = DockerSandbox(owner=OWNER)
    recipe = a_recipe(SETUP, secrets={"TOKEN": lambda: TOKEN})
    with pytest.raises(NotPrepared, match=rf"requirements.lock of {SHOP}"):
        sandbox.prepare(replace(recipe, build=False))
    image = sandbox.prepare(recipe)
    assert image.startswith(f"{REPOSITORY}:")
    monkeypatch.setattr("sandbox.prepare._set_up", None)  # it is there, and nothing is set up again
    assert sandbox.prepare(recipe) == image == sandbox.prepare(replace(recipe, build=False))
    looks = "sums; cat /prepared/seen; ls -l /prepared/bin; env; cat /proc/net/dev; touch /prepared/x"
    (report,) = sandbox.run(an_order(looks, image=image)).commands
    said = report.output
    assert said.startswith("sums 1.0\n")
    assert "\n65534\n" in said
    assert "-rwxr-xr-x 1 root root" in said
    assert TOKEN not in said
    assert "eth0" not in said
    assert said.rstrip().endswith("Read-only file system")


@pytest.mark.long
def test_the_lock_files_decide_and_old_images_go() -> None:
    sandbox = DockerSandbox(owner=OWNER)
    images = [sandbox.prepare(a_recipe("cp requirements.lock had", str(n).encode())) for n in range(KEPT + 1)]
    assert len(set(images)) == KEPT + 1
    assert kept() == images[:0:-1]
    (report,) = sandbox.run(an_order("cat /prepared/had", image=images[2])).commands
    assert report.output == "2"


@pytest.mark.parametrize(
    ("setup", "why"),
    [
        ("echo no such package; exit 3", r"failed \(exit 3\): no such package"),
        ("echo slow; sleep 60", r"did not end within 1 s: slow"),
        *(
            pytest.param(setup, why, marks=pytest.mark.long)
            for setup, why in (
                ("head -c 80000000 /dev/zero > big", r"failed \(exit 1\): .*No space left on device"),
                ("uv sync", r"failed \(exit 127\): .*uv.*not found"),
                ("echo $TOKEN; echo $TOKEN > .netrc", r"wrote the secret TOKEN into './.netrc'"),
            )
        ),
    ],
)
def test_a_setup_that_fails_says_why_and_leaves_nothing(setup: str, why: str) -> None:
    seconds = 1 if "sleep" in setup else 30
    recipe = a_recipe(setup, secrets={"TOKEN": lambda: TOKEN}, timeout=timedelta(seconds=seconds))
    with pytest.raises(PermanentError, match=why) as error:
        DockerSandbox(owner=OWNER).prepare(recipe)
    assert TOKEN not in str(error.value)
    assert kept() == []


def test_an_image_that_nobody_fetches_is_named() -> None:
    with pytest.raises(PermanentError, match="no image 'nobody/has-this:1'"):
        DockerSandbox(owner=OWNER).prepare(a_recipe("true", image="nobody/has-this:1"))


HOOK = """\
print('HOOK ran as', os.getuid())
assert not os.access('/usr', os.W_OK)
try:
    pathlib.Path('/usr/owned').write_text('x')
except OSError as error:
    print('HOOK', error)
"""


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    base_image()
    wheel = a_wheel("sums", "1.0", {"sums.py": "def total(x):\n    return sum(x)\n"})
    with package_index(wheel, an_sdist("hooked", "2.0", HOOK)) as served:
        yield served


@pytest.mark.long
def test_locked_packages_come_from_an_index_with_a_password_that_no_image_holds(index: PackageIndex) -> None:
    sandbox = DockerSandbox(owner=OWNER)
    lock = index.locked("sums-1.0-py3-none-any.whl", "hooked-2.0.tar.gz")
    pip = f"pip install -v --trusted-host {index.host} --require-hashes -r requirements.lock 2>&1"
    recipe = a_recipe(f"{pip} | tee log | tail -5 && grep -q 'HOOK ran as 65534' log", lock)
    image = sandbox.prepare(replace(recipe, secrets={"PIP_INDEX_URL": lambda: index.url}))
    tree = tree_of({"test_sums.py": "import hooked, sums\n\ndef test_total(): assert sums.total([1, 2]) == 3\n"})
    (report,) = sandbox.run(an_order("python -m pytest -q", image=image, tree=tree)).commands
    assert report.tests == (("test_sums::test_total", "passed"),)
    client: Any = docker.from_env()
    saved = b"".join(client.images.get(image).save())
    client.close()
    assert len(saved) > 1_000_000
    assert PASSWORD.encode() not in saved
    with tarfile.open(fileobj=io.BytesIO(saved)) as tar:
        layers = [tar.extractfile(info) for info in tar if info.name.endswith(".tar")]
        assert all(PASSWORD.encode() not in layer.read() for layer in layers if layer is not None)
    tampered = lock.replace(b"sha256:", b"sha256:0", 1)
    with pytest.raises(PermanentError, match="failed"):
        sandbox.prepare(replace(recipe, files=(("requirements.lock", tampered),)))


@pytest.mark.long
def test_an_image_is_fetched_with_a_login_when_it_is_not_there() -> None:
    sandbox = DockerSandbox(owner=OWNER)
    with registry("acme/tests") as image, ImageEngine() as engine:
        recipe = Recipe(repository=SHOP, image=image, login=lambda: (REGISTRY_USER, REGISTRY_PASSWORD))
        with pytest.raises(NotPrepared, match="was not fetched yet"):
            sandbox.prepare(replace(recipe, build=False))
        stranger = replace(recipe, login=lambda: ("ci", "made-up-password"))
        with pytest.raises((PermanentError, TemporaryError)) as refused:
            sandbox.prepare(stranger)
        assert "made-up-password" not in str(refused.value)
        try:
            assert sandbox.prepare(recipe) == image
            assert engine.has_image(image)
            assert sandbox.prepare(stranger) == image  # it is there
        finally:
            engine.remove_image(Image(id="", tags=(image,), created=0, labels={}))
