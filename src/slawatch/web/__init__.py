"""The pages and the HTTP interface: they read the board and never call back into what wrote it."""
