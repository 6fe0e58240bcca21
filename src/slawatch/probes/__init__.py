"""Probes ask an endpoint once and answer with an observation. They write nothing."""
