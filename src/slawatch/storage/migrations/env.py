"""Alembic's entry: runs on the connection that ``engine.migrate`` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from slawatch.storage.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
