"""`trackwalker rank --bundle DIR`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.commands.options import json_option, print_json

if TYPE_CHECKING:
    from detectors.ranking.ranking import Ranking
    from remediation.packing import Packed


@click.command("rank")
@click.option("--bundle", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The incident's folder.")
@click.option("--pack", is_flag=True, help="Print the evidence pack that a language model would be shown instead.")
@json_option
def command(bundle: Path, *, pack: bool, as_json: bool) -> None:
    """Rank the suspects of an incident that lies in a folder.

    It holds alert.json, and as far as there are any series.csv, logs.ndjson, spans.ndjson and changes.json. Nobody is
    convicted without a mechanism that series or spans show; then it is a shortlist, or the operational cause.
    """
    from daemon.rank.bundle import read_bundle
    from detectors.ranking.ranking import rank_bundle

    read = read_bundle(bundle)
    ranking = rank_bundle(read)
    if pack:
        from daemon.rank.packed import pack_of

        _show(pack_of(read, ranking), as_json=as_json)
    elif as_json:
        print_json(document(ranking))
    else:
        _say(ranking)


def document(ranking: "Ranking") -> dict[str, Any]:
    """The ranking as the contract has it."""
    from cases.moments import from_milliseconds, iso

    return {
        "suspects": [
            {
                "id": suspect.id,
                "score": suspect.score,
                "evidence": list(suspect.evidence),
                "kind": suspect.kind,
                "service": suspect.service,
            }
            for suspect in ranking.suspects
        ],
        "verdict": str(ranking.verdict),
        "why": ranking.why,
        "onset": iso(from_milliseconds(ranking.onset)),
        "unread_log_entries": ranking.unread,
    }


def _show(pack: "Packed", *, as_json: bool) -> None:
    """The pack, as a model is shown it."""
    if as_json:
        material = [{"title": piece.title, "source": piece.source, "text": piece.text} for piece in pack.material]
        print_json({"tokens": pack.tokens, "material": material, "left_out": list(pack.left_out)})
        return
    for piece in pack.material:
        click.echo(f"--- {piece.title} ({piece.source})\n{piece.text}\n")
    click.echo(f"{pack.tokens} tokens by estimate; {len(pack.left_out)} pieces left out")


def _say(ranking: "Ranking") -> None:
    from daemon.commands.options import print_table
    from remediation.neutral import neutral

    rows = [
        (
            f"{suspect.score:.2f}",
            neutral(suspect.id, 44),
            suspect.kind,
            neutral(suspect.service, 30),
            "\n".join(neutral(fact, 160) for fact in suspect.evidence[:3]),
        )
        for suspect in ranking.suspects[:10]
    ]
    if rows:
        print_table("suspects", ("score", "who", "kind", "service", "evidence"), rows)
    click.echo(f"{ranking.verdict}: {neutral(ranking.why, 400)}")
    if ranking.unread:
        click.echo(f"  {ranking.unread} log entries were left out")
