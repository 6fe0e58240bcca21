"""slawatch: measures what a service level agreement promises."""

from importlib.metadata import version

__version__ = version("slawatch")
