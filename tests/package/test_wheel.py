"""What is shipped: the wheel carries all it needs, starts in an empty environment, and owns its names alone."""

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
OURS = {"cases", "inference", "config", "signals", "detectors", "remediation", "sandbox", "daemon", "demo"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(TOP)],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_it_carries_what_it_needs_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == OURS
    for needed in (
        "sandbox/seccomp.json",
        "daemon/ledger/migrations/env.py",
        "demo/shop/config/shop.yaml",
        "demo/shop/reproduce.py",
        "demo/shop/tests/test_pricing.py",
    ):
        assert needed in names


def test_it_starts_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # The dependencies come from the environment that runs the tests; our own packages come from the wheel alone.
    theirs = Path(str(importlib.metadata.distribution("click").locate_file("")))
    (site / "theirs.pth").write_text(f"{theirs}\n")
    (tmp_path / "config").mkdir()  # a working folder with a folder of the same name must not be imported
    (tmp_path / "config" / "__init__.py").write_text("raise SystemExit('the wrong config')\n")
    shown = subprocess.run(
        [tmp_path / "env" / "bin" / "python", "-P", "-c", "from daemon.main import main; main()", "init"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "trackwalker.yaml").exists()


def test_no_dependency_owns_one_of_our_names() -> None:
    taken = {
        name: owners
        for name, owners in importlib.metadata.packages_distributions().items()
        if name in OURS | {"tests"} and set(owners) != {"trackwalker"}
    }
    assert taken == {}
