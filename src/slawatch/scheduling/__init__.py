"""When each endpoint is probed, and whether the prober was fit to judge."""
