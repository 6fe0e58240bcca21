"""The ledger in a database: SQLite beside the daemon, or PostgreSQL."""
