"""How alembic runs the migrations: on the file that `server.storage.database.migrate` names."""

from alembic import context
from sqlalchemy import create_engine, pool

from server.storage.tables import metadata

engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
