"""`trackwalker lessons [list | search Q | about X | compare | export | import F]`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.commands.options import config_option, group_with, json_option, ledger_of, print_json, print_table

if TYPE_CHECKING:
    from cases.outcome import Lesson, Recalled
    from remediation.compared import Row

ALL = 100_000


@group_with("lessons", "What the outcomes taught. Without a word more: the list.")
@click.command("list")
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """The newest lessons, newest first."""
    from cases.moments import iso

    with ledger_of(config) as ledger:
        lessons = ledger.lessons.newest()
    if as_json:
        print_json([_document(lesson) for lesson in lessons])
    elif lessons:
        print_table("lessons", ("id", "at", "ending", "lesson"), [(x.id, iso(x.at), x.ending, x.text) for x in lessons])
    else:
        click.echo("no lessons yet: one is written when a case has its outcome")


@command.command("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--service", default="", help="Only of this service.")
@click.option("--strategy", default="", help="Only of this strategy, as the list names it.")
@click.option("--ending", default="", help="Only those that ended so, as in worked.")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(min=1, max=100))
@config_option
@json_option
def search(
    words: tuple[str, ...], service: str, strategy: str, ending: str, limit: int, config: Path, *, as_json: bool
) -> None:
    """Lessons that share words with these, the best first."""
    from cases.outcome import Ending, Wanted

    endings = [each.value for each in Ending]
    if ending and ending not in endings:
        raise click.UsageError(f"--ending is one of: {', '.join(endings)}")
    wanted = Wanted(service=service, strategy=strategy, ending=Ending(ending) if ending else None)
    with ledger_of(config) as ledger:
        found = ledger.lessons.search(" ".join(words), wanted, limit)
    if as_json:
        print_json([_recalled(one) for one in found])
    elif found:
        rows = [(one.lesson.id, f"{one.quality.score:.2f}", one.lesson.ending, one.lesson.text) for one in found]
        print_table("lessons", ("id", "quality", "ending", "lesson"), rows)
    else:
        click.echo("no lesson shares a word with that")


@command.command("about")
@click.argument("words", nargs=-1, required=True)
@config_option
@json_option
def about(words: tuple[str, ...], config: Path, *, as_json: bool) -> None:
    """What is known about something, each sentence with the ids of the lessons that it rests on."""
    from daemon.knowledge import known

    with ledger_of(config) as ledger:
        said = known(ledger.lessons, " ".join(words))
    if as_json:
        print_json([{"sentence": one.sentence, "lessons": list(one.lessons)} for one in said])
    elif said:
        for one in said:
            click.echo(str(one))
    else:
        click.echo("nothing is known about that: no lesson shares a word with it")


@command.command("compare")
@config_option
@json_option
def compare(config: Path, *, as_json: bool) -> None:
    """Changes that worked beside those that did not, by strategy, path, detector and segment, and month by month."""
    from remediation.compared import compared, trends

    with ledger_of(config) as ledger:
        lessons = ledger.lessons.newest(ALL)
    tables = {**compared(lessons), **trends(lessons)}
    if as_json:
        print_json({name: [_row(row) for row in rows] for name, rows in tables.items()})
        return
    for name, rows in tables.items():
        columns = (name, "worked, of those judged", "accepted, of those answered", "not told")
        shown = [(row.of, str(row.worked), str(row.accepted), str(row.untold)) for row in rows]
        print_table(f"by {name}", columns, shown)


@command.command("export")
@click.option("--out", type=click.Path(path_type=Path), help="The file to write. Standard output otherwise.")
@config_option
def export(out: Path | None, config: Path) -> None:
    """Every lesson as markdown, which `import` takes back as it was."""
    from daemon.lesson_pages import written

    with ledger_of(config) as ledger:
        page = written(ledger.lessons.newest(ALL))
    if out is None:
        click.echo(page, nl=False)
    else:
        out.write_bytes(page.encode("utf-8", "replace"))
        click.echo(f"wrote {out}")


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option
def import_(file: Path, config: Path) -> None:
    """Take in lessons that another ledger, or a human, wrote as markdown. Those that are here stay as they are."""
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.lesson_pages import parsed

    lessons = parsed(file.read_bytes().decode("utf-8", "replace"), str(file))
    with ledger_of(config) as ledger:
        now, by = SystemClock().now(), human()
        taken = sum(ledger.lessons.take_in(lesson, by, now) for lesson in lessons)
    click.echo(f"took in {taken} of {len(lessons)} lessons; {len(lessons) - taken} were here already")


def _document(lesson: "Lesson") -> dict[str, Any]:
    from dataclasses import asdict

    from cases.moments import iso

    return {**asdict(lesson), "at": iso(lesson.at)}


def _recalled(one: "Recalled") -> dict[str, Any]:
    quality = {"score": one.quality.score, "helped": one.quality.helped, "misled": one.quality.misled}
    return {**_document(one.lesson), "rank": one.rank, "quality": quality}


def _row(row: "Row") -> dict[str, Any]:
    def counted(good: int, n: int, low: float, high: float) -> dict[str, float]:
        return {"good": good, "n": n, "low": low, "high": high}

    worked, accepted = row.worked, row.accepted
    return {
        "of": row.of,
        "worked": counted(worked.good, worked.n, worked.low, worked.high),
        "accepted": counted(accepted.good, accepted.n, accepted.low, accepted.high),
        "untold": row.untold,
        "lessons": list(row.lessons),
    }
