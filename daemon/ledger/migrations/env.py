"""Where Alembic starts: `daemon.ledger.schema` hands it a connection that is already in its one transaction."""

from alembic import context
from sqlalchemy import Connection

from daemon.ledger.tables import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
