"""I6 and I7: no container outlives its deadline by a minute; no known secret stands where others read."""

import re
from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Text, cast, select

from cases.redaction import redacted
from daemon.invariants.finding import Finding
from daemon.invariants.ground import Ground
from daemon.ledger.tables import audit, checkpoints, effects, history, lessons, levers

_MARK = re.compile(r"\[redacted: ([^\]]{1,40})\]")
GUESSED = frozenset({"secret", "header", "e-mail", "card", "account", "social security number"})
"""Kinds that are told by the words around them, or by their form alone: code and figures can look like these."""
_FILES = re.compile(r'"content":"[A-Za-z0-9_=+/-]*"')  # a repository's own files and pictures, in base64


def none_overdue(ground: Ground) -> Iterator[Finding]:
    """I6: no container is older than its deadline and a minute."""
    for name in ground.overdue() if ground.overdue else ():
        advice = "restart the daemon, which reaps it, or remove it with `docker rm -f`"
        yield Finding(invariant="I6", row=f"container {name}", what="it is past its deadline", advice=advice)


def no_secrets(ground: Ground) -> Iterator[Finding]:
    """I7: no known form of a secret in the ledger's rows, nor in open pull requests."""
    for where, text in (*_texts(ground), *_pull_requests(ground)):
        for kind in secrets_in(text):
            advice = "renew that secret now; then `trackwalker purge --subject` finds what holds it"
            yield Finding(invariant="I7", row=where, what=f"it holds what looks like a {kind}", advice=advice)


def secrets_in(text: str) -> tuple[str, ...]:
    """The kinds of secret in a text, by the forms that their issuers document."""
    before = Counter(_MARK.findall(text))
    found = Counter(_MARK.findall(redacted(text))) - before
    return tuple(sorted(kind for kind in found if kind not in GUESSED))


def _texts(ground: Ground) -> Iterator[tuple[str, str]]:
    """Every text of the ledger that came from outside or went there, a few rows at a time."""
    sources = (
        ("history", history.c.case_id + "/" + cast(history.c.seq, Text), history.c.payload),
        ("effects", effects.c.key, effects.c.payload),
        ("effects", effects.c.key, effects.c.last_error),
        ("effects", effects.c.key, effects.c.receipt),
        ("lessons", lessons.c.id, lessons.c.payload),
        ("audit", cast(audit.c.seq, Text), audit.c.detail),
        ("levers", cast(levers.c.seq, Text), levers.c.reason),
        ("checkpoints", checkpoints.c.key, checkpoints.c.blob),
    )
    with ground.database.reading() as connection:
        for table, key, column in sources:
            query = select(key, column).where(column.is_not(None))
            for name, held in connection.execution_options(yield_per=50).execute(query):
                text = held.decode("utf-8", "replace") if isinstance(held, bytes) else str(held)
                yield f"{table} {name}", _FILES.sub("", text)


def _pull_requests(ground: Ground) -> Iterator[tuple[str, str]]:
    if ground.forge is None:
        return
    for repository in ground.settings.repositories:
        for pull in ground.forge.open_pull_requests(repository.name):
            yield f"pull request {pull.url}", f"{pull.title}\n{pull.body}"
