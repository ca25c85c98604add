"""`trackwalker discover`."""

import difflib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.options import config_option, json_option, print_json

if TYPE_CHECKING:
    from config.load import Begun
    from daemon.discover.discovery import Discovery


@click.command("discover")
@config_option
@json_option
@click.option("--diff", "as_diff", is_flag=True, help="Print what would change in the file, as `patch` takes it.")
@click.option("--prometheus", metavar="URL", help="Where there is no file yet: the Prometheus.")
@click.option(
    "--forge-api", metavar="URL", help="Where there is no file yet: the forge's API. GitHub's own if not given."
)
@click.option("--token", metavar="REF", help="Where there is no file yet: the forge's token, as env:NAME or file:PATH.")
def command(
    config: Path, prometheus: str | None, forge_api: str | None, token: str | None, *, as_json: bool, as_diff: bool
) -> None:
    """Look at rules, labels, repositories and owners, and print a config for them. Writes nothing.

    Of the file only signals, forge and catalog must be right. What stayed unmatched is listed; the exit status is 1
    then.
    """
    from daemon.exits import DONE, FOUND

    if as_json and as_diff:
        raise click.UsageError("--json and --diff are two ways of printing: give one of them")
    begun, present = _begun(config, prometheus, forge_api, token)
    found = _discovered(begun)
    refused = _refused(config, found.config)
    if as_json:
        print_json(_document(found, refused))
    elif as_diff:
        old, new = present.splitlines(keepends=True), found.config.splitlines(keepends=True)
        click.echo("".join(difflib.unified_diff(old, new, str(config), str(config))), nl=False)
    else:
        click.echo(found.config, nl=False)
    _tell(found, refused)
    sys.exit(FOUND if found.unmatched or refused else DONE)


def _begun(config: Path, prometheus: str | None, forge_api: str | None, token: str | None) -> "tuple[Begun, str]":
    """The beginning of the file, or of the one that the options make up; and what the file holds now."""
    from config.load import begin
    from daemon.discover.proposal import flow

    given = prometheus is not None or forge_api is not None or token is not None
    if not given:
        begun = begin(config)
        return begun, begun.text
    if config.exists():
        raise click.UsageError(f"{config} is there: --prometheus, --forge-api and --token are for a folder without one")
    if prometheus is None or token is None:
        raise click.UsageError("without a file --prometheus and --token are both needed")
    forge = {**({"api_url": forge_api} if forge_api else {}), "token": token}
    text = (
        "# Trackwalker. Secrets are never written here: env:NAME, file:PATH or cmd:COMMAND says where one is found.\n"
        f"signals: {flow({'prometheus': [{'name': 'main', 'url': prometheus}]})}\n"
        f"forge: {flow(forge)}\n\n"
        "# It begins as an observer. Once you like what it says: propose, then pull_request.\n"
        "authority: {default: observe}\n"
    )
    return begin(config, text), ""


def _discovered(begun: "Begun") -> "Discovery":
    """Ask everything that the beginning names."""
    from daemon.build import sources_of, survey_of
    from daemon.clock import SystemClock
    from daemon.discover.discovery import Discoverer
    from daemon.discover.names import named

    survey = survey_of(begun.settings)
    sources = {name: source for name, source in sources_of(begun.settings).items() if _is_metric(begun, name)}
    try:
        repositories = named(survey.repositories())
        clock = SystemClock()
        return Discoverer(
            begun=begun, sources=sources, repositories=repositories, read=survey.read, now=clock.now()
        ).discover()
    finally:
        survey.close()
        for source in sources.values():
            close: Callable[[], None] | None = getattr(source, "close", None)
            if close is not None:
                close()


def _is_metric(begun: "Begun", name: str) -> bool:
    return any(source.name == name for source in begun.settings.signals.prometheus)


def _refused(config: Path, text: str) -> str:
    """Why the proposed file could not be used as it is, or ""."""
    from config.errors import ConfigError
    from config.load import load

    try:
        load(config, text)
    except ConfigError as error:
        return str(error)
    return ""


def _document(found: "Discovery", refused: str) -> dict[str, object]:
    return {
        "ok": not found.unmatched and not refused,
        "services": [
            {
                "name": place.service,
                "repository": place.repository.full_name,
                "because": place.because,
                "owners": place.owners,
            }
            for place in found.places
        ],
        "unmatched": [{"what": one.what, "because": one.because} for one in found.unmatched],
        "left_out": found.left_out,
        "unused_repositories": found.unused,
        "rules": {"split": found.split, "firing_state": found.firing},
        "refused": refused,
        "config": found.config,
    }


def _tell(found: "Discovery", refused: str) -> None:
    """The sum of it, for people."""
    click.echo(
        f"{found.services} services, {len(found.places)} newly matched to repositories; rules give {found.split} "
        f"watches of a reading and {found.firing} of a firing state; {len(found.unused)} repositories have no service",
        err=True,
    )
    for line in found.left_out:
        click.echo(f"left out: {line}", err=True)
    for one in found.unmatched:
        click.echo(f"unmatched: {one.what}: {one.because}", err=True)
    if refused:
        click.echo(f"the proposed file still needs a hand:\n{refused}", err=True)
