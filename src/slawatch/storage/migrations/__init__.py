"""Alembic's scripts. They ship with the package and run when the daemon opens an older database."""
