"""`trackwalker run`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, settings_of


@click.command("run")
@config_option
@click.option("--once", is_flag=True, help="End when no step is due now.")
@click.option("--cycles", type=click.IntRange(min=1), default=None, metavar="N", help="End after N polls.")
@click.option("--verbose", is_flag=True, help="Log every step.")
def command(config: Path, cycles: int | None, *, once: bool, verbose: bool) -> None:
    """Run the daemon. SIGTERM or Ctrl-C ends it in order; killed at any moment, it goes on where it was.

    At SIGHUP the configuration is read again; one that cannot be used is refused, and the old one stays in force.
    """
    from daemon.arenas import keep_little
    from daemon.clock import SystemClock
    from daemon.endings import ending_on_signals
    from daemon.observe.logs import log_to_stderr
    from daemon.reload import run

    keep_little()  # before the first thread
    settings = settings_of(config)
    log_to_stderr(verbose=verbose, form=settings.observe.log)
    clock = SystemClock()
    with ending_on_signals(clock) as ending:
        run(settings, config, clock, cycles=cycles, once=once, ending=ending)
