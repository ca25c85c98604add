"""What `trackwalker init` writes: the five lines that matter, each with its reason; all else has defaults."""

import os
from pathlib import Path

from config.errors import ConfigError, Mistake
from config.load import FILE_NAME

TEMPLATE = """\
# Trackwalker: what is watched, and where the code lives. `trackwalker check` says whether all of it can be reached.
# Secrets are never written here: env:NAME, file:PATH or cmd:COMMAND says where one is found.

# Where telemetry is read.
signals: {prometheus: [{name: main, url: "http://127.0.0.1:9090"}]}

# What is watched: any query. harm is the side on which users suffer; without a threshold, normal is learnt.
watch:
  - {name: errors, service: shop, harm: up, query: 'sum(rate(http_requests_total{service="shop",status=~"5.."}[1m]))'}

# Where the code lives. A service is built from the repository of its own name, or from the only one.
repositories: [{name: shop, url: "https://github.com/acme/shop.git", full_name: acme/shop}]

# When a commit is live: a metric that carries it as a label (or, said explicitly, {merge: {delay: 2m}}).
deploys: [{prometheus: build_info, commit_label: revision}]

# Who opens pull requests: a token that may write contents and pull requests of these repositories, no more.
forge: {token: env:GITHUB_TOKEN}

# It begins as an observer. Once you like what it says: propose, then pull_request.
authority: {default: observe}
"""


def write(directory: Path) -> Path:
    """Write the template into a folder, made if need be; whole or not at all, and never over a file that is there.

    Returns the file. Raises ConfigError when there is one already, or when it cannot be written.
    """
    target = directory / FILE_NAME
    draft = directory / f".{FILE_NAME}.{os.getpid()}"
    failure = _place(draft, target)
    if failure is not None:
        raise ConfigError(str(target), [failure])
    return target


def _place(draft: Path, target: Path) -> Mistake | None:
    """Write the draft and give it its name, which fails where the name is taken; the draft is gone afterwards."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(TEMPLATE, encoding="utf-8")
            os.link(draft, target)  # unlike a rename it never replaces what is there
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:
        return Mistake(problem="is there already and was left as it is", hint="edit it, or name another folder")
    except OSError as error:
        return Mistake(problem=f"cannot be written ({error.strerror})", hint="name a folder that you may write to")
    return None
