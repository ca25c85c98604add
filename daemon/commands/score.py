"""`trackwalker score [--alerts]`."""

import click


@click.command("score")
@click.option("--alerts", is_flag=True, help="Print `score<TAB>0|1`: 1 where an alert is raised.")
def command(*, alerts: bool) -> None:
    """Score readings with the streaming engine, as a filter.

    Reads lines `series<TAB>epoch seconds<TAB>value`, prints one score in [0, 1] a line, in order: 0.5 or more is an
    alert, 0 is nothing new since half a day or so. An empty value or NaN is a missing reading. Nothing is judged before
    fifty readings.
    """
    import sys

    from daemon.filter import run
    from daemon.observe.logs import log_to_stderr
    from detectors.engine.streams import Streams

    log_to_stderr()
    run(sys.stdin.fileno(), sys.stdout.fileno(), Streams(), alerts=alerts)
