"""The sandbox: is there an engine, and is each image there."""

from collections.abc import Iterator
from functools import partial

from config.settings import Settings
from daemon.build import sandbox_of
from daemon.home import Home
from daemon.preflight.finding import Finding, asked


def findings(settings: Settings, home: Home) -> Iterator[Finding]:
    """Ask for each image."""
    for image in dict.fromkeys(image for repository in settings.repositories for image in repository.sandbox.present):
        yield asked("sandbox", f"image {image} is there", partial(_image, settings, home, image))


def _image(settings: Settings, home: Home, image: str) -> str:
    sandbox = sandbox_of(settings, home.name, process=False)
    sandbox.ready(image)
    return sandbox.describe()
