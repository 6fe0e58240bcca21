"""Dashboards for Grafana 10 to 13, as the JSON that it imports; and the files that provision them.

Pure functions over the names in :mod:`slawatch.exposition.metrics`: a metric that is renamed, or a label that it does
not have, fails where the query is written. What comes out is committed below ``config/grafana`` as it is.
"""
