"""Who said no to a merge that nobody asked for: any word of somebody who may write, on the pull request itself.

Nobody has to know a command for it. What is said is not read: whoever speaks up there wants to be heard first.
"""

from collections.abc import Iterator

from cases.case import Case
from cases.merging import Obstacle
from cases.pull_request import Comment
from remediation.heed import command_of
from remediation.neutral import neutral
from remediation.ports import Ports

APPROVED = "approved"  # a review that says yes
YES = "approve"  # the command that says yes


def noes(case: Case, ports: Ports) -> Iterator[Obstacle]:
    """A sentence for each person; words of the daemon's own, and of those who may not write, are none."""
    repository, branch = case.change.lead.repository, case.change.branch(case.id)
    said: list[Comment] = [one for one in ports.forge.comments(repository, branch) if not _is_yes(one)]
    said += [
        remark.as_comment
        for remark in ports.forge.remarks(repository, branch)
        if remark.state != APPROVED and not _is_yes(remark.as_comment)
    ]
    for who in dict.fromkeys(one.author for one in said if one.may_write):
        yield Obstacle(because=f"{neutral(who, 40)} has something to say about it", no=True)


def _is_yes(comment: Comment) -> bool:
    command = command_of(comment.body)
    return command is not None and command.word == YES
