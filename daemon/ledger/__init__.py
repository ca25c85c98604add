"""The ledger: cases with their history, promised effects, audit, lessons, levers and checkpoints, in one database.

Every method of every store is one transaction. `daemon.ledger.ledger.open_ledger` is the way in.
"""
