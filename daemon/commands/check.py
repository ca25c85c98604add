"""`trackwalker check`."""

import sys
from pathlib import Path

import click

from daemon.commands.options import config_option, json_option, print_json, print_table, settings_of


@click.command("check")
@config_option
@json_option
@click.option("--trial", is_flag=True, help="Also run each repository's own tests in the sandbox.")
def command(config: Path, *, as_json: bool, trial: bool) -> None:
    """Validate the config, then reach every system it names and prove what will be needed. Writes nothing there."""
    from daemon.clock import SystemClock
    from daemon.exits import DONE, UNREACHABLE
    from daemon.home import at_home, store_folder
    from daemon.preflight import Finding, preflight, worst

    settings = settings_of(config)
    findings: list[Finding] = []
    with at_home(store_folder(settings.store), settings.home) as home:
        for finding in preflight(settings, SystemClock(), home, trial=trial):
            findings.append(finding)
            if not as_json:
                click.echo(
                    f"  {finding.system}: {finding.asked} … {'ok' if finding.status == DONE else 'no'}", err=True
                )
    status = worst(findings)
    if as_json:
        rows = [
            {"system": f.system, "asked": f.asked, "ok": f.status == DONE, "warning": f.warns, "said": f.said}
            for f in findings
        ]
        print_json({"ok": status == DONE, "findings": rows})
    else:
        word = {DONE: "ok", UNREACHABLE: "unreachable"}
        print_table(
            f"{config}",
            ("", "system", "asked", "said"),
            [("warning" if f.warns else word.get(f.status, "no"), f.system, f.asked, f.said) for f in findings],
        )
    sys.exit(status)
