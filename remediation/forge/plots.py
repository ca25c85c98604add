"""Pictures beside the code: a branch of their own, with no past in common with anything else, one commit a picture."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from cases.errors import TemporaryError
from remediation.forge.mirror import Mirror
from remediation.forge.own_index import own_index
from remediation.forge.repository import PLOTS_BRANCH
from remediation.forge.tree import FILE, check_path, commit_tree

ROUNDS = 2  # one more look when somebody else stored a picture in between


def store(mirror: Mirror, path: str, files: Mapping[str, bytes]) -> bool:
    """Keep files, one of them at `path`, in one commit. False when something was at `path` already: it is found so."""
    for name in files:
        check_path(name)
    tip, refused = None, ""
    for _ in range(ROUNDS):
        mirror.fetch()
        tip = mirror.tip(PLOTS_BRANCH)
        if tip is not None and mirror.git.run("ls-tree", "-z", tip, path).out:
            return False
        refused = mirror.push(_commit(mirror, tip, path, files), PLOTS_BRANCH, expected=tip)
        if not refused:
            return True
    if mirror.remote_tip(PLOTS_BRANCH) != tip:
        raise TemporaryError(f"others keep writing to {PLOTS_BRANCH} of {mirror.repository.name}")
    raise mirror.refusal(PLOTS_BRANCH, refused)


def shown_at(api_url: str, full_name: str, path: str) -> str:
    """Where a browser shows the picture: GitHub's own site, or the site that an API at `…/api/v3` belongs to."""
    parts = urlsplit(api_url)
    host = "github.com" if parts.hostname == "api.github.com" else parts.netloc
    return f"{parts.scheme}://{host}/{full_name}/raw/{PLOTS_BRANCH}/{quote(path)}"


def _commit(mirror: Mirror, tip: str | None, path: str, files: Mapping[str, bytes]) -> str:
    git = mirror.git
    blobs = {
        name: git.line("hash-object", "-w", "-t", "blob", "--no-filters", "--stdin", stdin=content)
        for name, content in files.items()
    }
    with own_index(git) as index:
        git.run("read-tree", *([tip] if tip else ["--empty"]), environment=index)
        lines = "".join(f"{FILE} {blob}\t{name}\0" for name, blob in blobs.items()).encode()
        git.run("update-index", "-z", "--index-info", stdin=lines, environment=index)
        tree = git.line("write-tree", environment=index)
    born = int(git.line("log", "-1", "--format=%ct", tip or mirror.head())) + 1
    return commit_tree(git, tree, (tip,) if tip else (), f"Keep {path}\n", born)
