"""What the contract of the file has and this version does not: refused by name, with what to do now."""

from collections.abc import Mapping

LEAVE_OUT = "leave it out"

KEYS: Mapping[str, str] = {"runtime.address": LEAVE_OUT}
"""Keys, `[]` for any position, and what to do instead."""

VALUES: Mapping[str, Mapping[str, str]] = {
    "runtime.executor": dict.fromkeys(("processes", "dask"), "write executor: threads"),
    "authority.default": dict.fromkeys(("auto_merge", "auto-merge"), "auto-merge is only ever earned"),
    "repositories[].forge": dict.fromkeys(("gitlab", "gitea", "forgejo", "bitbucket"), "write forge: github"),
    "sandbox.runtime": {
        **dict.fromkeys(("bubblewrap", "podman"), "write runtime: docker"),
        "gvisor": "write runtime: runsc, which is its name in the engine",
    },
}
"""Values of keys that are there, and what to write instead."""


def place(loc: tuple[str | int, ...]) -> str:
    """A place with its positions forgotten, as the tables above have it: `watch[].harm`."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in loc).removeprefix(".")
