"""`trackwalker score [--alerts]`."""

import click


@click.command("score")
@click.option("--alerts", is_flag=True, help="Print `score<TAB>0|1`: 1 where an alert is raised.")
def command(*, alerts: bool) -> None:
    """Score readings with the daemon's own detector, as a filter.

    Reads lines `series<TAB>epoch seconds<TAB>value`, prints one score in [0, 1] a line, in order: a half is the edge of
    what is expected. An empty value or NaN is a missing reading. Nothing is judged before two hours of history.
    """
    import sys

    from config.settings import DetectionSettings
    from daemon.filter import run
    from daemon.observe.logs import log_to_stderr
    from detectors.stream import Streams

    log_to_stderr()
    run(sys.stdin.fileno(), sys.stdout.fileno(), Streams(DetectionSettings()), alerts=alerts)
