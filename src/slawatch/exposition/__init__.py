"""What Prometheus sees: the names of all metrics, and the text of one snapshot."""
