"""Playbooks from elsewhere: is each of them one, and which are left out."""

from collections.abc import Iterator

from daemon.preflight.finding import Finding, fine, short


def findings() -> Iterator[Finding]:
    """One line for each that is installed; none where only our own are."""
    from remediation.playbooks.plugged import plugged

    for one in plugged():
        if one.playbook is None:
            yield short("playbooks", one.entry, f"left out: {one.broken}")
        else:
            yield fine("playbooks", one.entry, f"{one.playbook.name} may draft a {one.playbook.kind}")
