"""What alembic runs: the steps, on the connection (and in the transaction) that store/migrate.py hands over."""

from alembic import context

from chainpoints.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
