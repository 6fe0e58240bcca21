"""One module per kind of probe; this folder is the registry (see :mod:`slawatch.probes.registry`)."""
