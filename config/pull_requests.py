"""Settings of the manners on the forge: how long a pull request waits, how often it is worked over, what is asked."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from config.fields import Duration, lasting
from config.section import Section


class PullRequestsSettings(Section):
    """How the daemon behaves around its own pull requests."""

    unanswered: Annotated[Duration, lasting(timedelta(days=1), timedelta(days=365))] = timedelta(days=14)
    """How long one may go without a word before it is left in peace: a draft again, brought up to date no more. A
    comment of anybody wakes it."""

    rounds: Annotated[int, Field(ge=0, le=10)] = 3
    """How often a change is drafted again because a reviewer asked for it, each time proved anew. Then it is a
    human's. 0: never."""

    repairs: Annotated[int, Field(ge=0, le=3)] = 1
    """How often a model's edit is drafted again because the repository's own checks failed on its pull request, each
    time proved anew. Then it is a human's. 0: never; that they failed is said all the same."""

    related: Annotated[Duration, lasting(timedelta(minutes=1), timedelta(days=7))] = timedelta(hours=1)
    """Changes of one class in one repository that were proposed within so long of each other name each other in their
    texts, as do those of one file whenever they were, with the order in which to merge them. They are never put into
    one pull request: each case has a promise, a proof and an undoing of its own."""

    dashboard: bool = True
    """Whether each repository has one issue that lists what is open, waits or failed, with boxes to tick. It is opened
    when there is something to list, and boxes are taken from whoever may edit it: those who may write there. Nowhere
    while every area of a repository is at observe."""

    ask_why: bool = True
    """Whether it is asked once why a pull request was closed without a word: five labels, and the one that is picked is
    kept with the lesson."""
