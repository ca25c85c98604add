"""Who speaks at the command line: the login name, for the audit trail."""

import getpass


def human() -> str:
    """`human:<login>`."""
    return f"human:{getpass.getuser()}"
