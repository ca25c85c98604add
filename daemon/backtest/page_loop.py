"""What the whole loop would have done, as a part of the page: how far each case came, and whom it would have named."""

from html import escape

from daemon.backtest.accused import Share
from daemon.backtest.loop import Loop
from daemon.backtest.loop_report import loop_rows
from daemon.paper import table


def loop_section(told: Loop) -> str:
    """The section, as HTML."""
    said = "".join(f"<li>{escape(words)}</li>" for words in told.words())
    return f"<h2>The whole loop</h2><ul>{said}</ul>{_shares(told)}{_ways(told)}{_reverts(told)}"


def _shares(told: Loop) -> str:
    scored = told.scored
    shares = (
        ("named alone and really reverted", scored.right),
        ("named, shortlists too, and really reverted", scored.right_listed),
        ("reverted and named alone", scored.found),
        ("reverted and named, shortlists too", scored.found_listed),
    )
    return table(
        ("share", "counts", "true share, with 95% confidence"),
        [(name, f"{share.hits} of {share.of}", _range(share)) for name, share in shares],
        "Held against the reverts that really came",
    )


def _range(share: Share) -> str:
    low, high = share.range
    return f"{low:.0%} to {high:.0%}" if share.of else "nothing to tell it by"


def _ways(told: Loop) -> str:
    if not told.walked:
        return ""
    columns = ("case", "service", "how far it came", "whom it names", "what became of that")
    return table(columns, loop_rows(told), "Each case as of its own moment")


def _reverts(told: Loop) -> str:
    if not told.scored.reverts:
        return ""
    rows = [
        (
            revert.undone.commit.short,
            revert.undone.commit.title,
            f"{revert.undone.by.at:%Y-%m-%d %H:%M}",
            "named alone" if revert.alone else "on a shortlist" if revert.listed else "not named",
            "yes" if revert.noticed else "no",
        )
        for revert in told.scored.reverts
    ]
    columns = ("commit", "title", "reverted", "the loop had it", "a case opened before the revert")
    return table(columns, rows, "Real reverts of the stretch")
