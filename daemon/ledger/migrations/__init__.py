"""Alembic's scripts. They travel in the wheel, and `daemon.ledger.schema` runs them."""
