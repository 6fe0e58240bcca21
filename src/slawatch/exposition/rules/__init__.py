"""Prometheus's rules: what is recorded, what alerts and how urgently, and the file that Prometheus reads."""
