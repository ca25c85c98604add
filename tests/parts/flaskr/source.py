"""Where flaskr comes from: Flask's source distribution, and the packages that it runs on, from the package index."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

FLASK = "3.1.3"
TESTS = 24
"""How many tests flaskr has in this version of Flask; all of them pass."""
PACKAGES = (
    f"flask=={FLASK}",
    "blinker==1.9.0",
    "click==8.5.1",
    "itsdangerous==2.2.0",
    "jinja2==3.1.6",
    "markupsafe==3.0.4",
    "werkzeug==3.1.9",
)
"""What it runs on, all of it, so that each run is the same."""

PATIENCE = 180
"""Seconds that the package index may take; it needs ten."""


def fetch_flaskr(folder: Path) -> Path:
    """Unpack the application, with its tests, below the folder, and return where it is."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-binary", "flask", "--dest", str(folder), f"flask=={FLASK}"]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    (archive,) = folder.glob("flask-*.tar.gz")
    inside = f"flask-{FLASK}/examples/tutorial"
    with tarfile.open(archive) as tar:
        members = [member for member in tar if member.isfile() and member.name.startswith(f"{inside}/")]
        for member in members:
            held = tar.extractfile(member)
            assert held is not None
            place = folder / "flaskr" / Path(member.name).relative_to(inside)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(held.read())
    archive.unlink()
    return folder / "flaskr"


def install_packages(folder: Path) -> Path:
    """Install what flaskr runs on into the folder, with its byte code, which a read-only container could not keep."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv is not None, "the development environment has no uv: run `make setup`"
    command = [uv, "--system-certs", "pip", "install", "--quiet", "--no-deps", "--compile-bytecode"]
    command += ["--python", sys.executable, "--target", str(folder), *PACKAGES]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    return folder
