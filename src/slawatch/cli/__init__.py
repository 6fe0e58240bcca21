"""The command line: thin commands over what the floors below offer."""
