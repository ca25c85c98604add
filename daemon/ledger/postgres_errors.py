"""What PostgreSQL's errors ask for: by SQLSTATE, which does not depend on the server's language.

Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html. libpq gives none when it cannot connect: then the
beginning of what the server said is looked for in its English words.
"""

from dataclasses import dataclass

import psycopg

STANDBY = "25006"
_NOT_SUPPORTED = "0A000"
LONGEST = 300  # characters of what the server said


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether the same may go through later, what to do, and what the server said."""

    later: bool
    advice: str
    said: str


# By code, or by the beginning that codes share; the longest that fits holds.
_LATER = {
    "08": "the server cannot be reached, or the connection was lost",
    "40": "another daemon wrote the same at the same time",
    "53": "the server is out of something",
    "53100": "the server's disk is full; free some space",
    "53200": "the server is out of memory",
    "53300": "the server has no connection left; raise its max_connections, or run fewer daemons",
    "55P03": "another transaction keeps it locked",
    "57014": "a statement took too long, or was cancelled",
    "57P": "the server stops, starts, or cut the connection",
    "58": "the server's disk fails or is full",
    "25P03": "the transaction stood idle too long",
    "25P04": "the transaction took too long",
}
NEVER = {
    "08P01": "connect to the server itself, or through a pooler in session mode",
    STANDBY: "the server is a read-only standby; name the primary, or add ?target_session_attrs=read-write to store",
    "28": "the server refuses this user; see the user in store, store_password, and the server's pg_hba.conf",
    "3D": "there is no such database; create it, as with createdb --encoding UTF8",
    "3F": "there is no schema to keep it in; see the user's search_path",
    "42501": "this user may not; make it the database's owner, or grant it CREATE and USAGE on the schema",
    "42704": "the server does not know a setting or a role that store names",
    "XX": "the database is damaged; restore a backup",
    "libpq": "what stands behind the ? of store cannot be used",
}
_AT_THE_DOOR = {
    "authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "is not permitted to log in": "28000",
    "does not have CONNECT privilege": "42501",
    "permission denied for database": "42501",
    "too many clients": "53300",
    "too many connections": "53300",
    "remaining connection slots": "53300",
    "starting up": "57P03",
    "shutting down": "57P03",
    "in recovery mode": "57P03",
    "unsupported startup parameter": "08P01",
    "unrecognized configuration parameter": "42704",
    "invalid connection option": "libpq",
    "invalid sslmode": "libpq",
    "root certificate file": "libpq",
    "certificate verify failed": "libpq",
    "does not support SSL": "libpq",
    "invalid target_session_attrs": "libpq",
}


def answer(error: psycopg.Error) -> Answer | None:
    """What follows from the error; None for one that means a bug of ours."""
    said = " ".join((error.diag.message_primary or str(error)).split())[:LONGEST]
    code = error.sqlstate or _at_the_door(said)
    if code == _NOT_SUPPORTED and "recovery" in said:
        code = STANDBY  # it says so to a transaction that begins as one that writes
    if not code and not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return None
    for length in (5, 3, 2):
        start = code[:length]
        if start in NEVER:
            return Answer(later=False, advice=NEVER[start], said=said)
        if start in _LATER:
            return Answer(later=True, advice=_LATER[start], said=said)
    return None if code else Answer(later=True, advice=_LATER["08"], said=said)


def _at_the_door(said: str) -> str:
    if "does not exist" in said:
        return "3D000" if 'database "' in said.rpartition("FATAL:")[2] else "28000"
    return next((code for words, code in _AT_THE_DOOR.items() if words in said), "")
