"""Every file for Grafana, as it is committed below ``config/grafana`` and as ``slawatch dashboards`` writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from slawatch.exposition.grafana.business import business
from slawatch.exposition.grafana.contract import contract
from slawatch.exposition.grafana.contracts import contracts
from slawatch.exposition.grafana.dashboard import PROMETHEUS, SQLITE, Dashboard
from slawatch.exposition.grafana.endpoints import endpoints
from slawatch.exposition.grafana.history import ON_POSTGRES, ON_SQLITE, history
from slawatch.exposition.grafana.monitor import monitor

DATASOURCES = f"""\
# Where Grafana finds slawatch's figures. Belongs into /etc/grafana/provisioning/datasources/
apiVersion: 1
datasources:
  - name: slawatch
    uid: slawatch-prometheus
    type: {PROMETHEUS}
    access: proxy
    url: http://127.0.0.1:9090
    jsonData:
      timeInterval: 15s          # the scrape_interval of prometheus.yml
"""

POSTGRES_SOURCE = """\
# The ledger on PostgreSQL, for the dashboard "slawatch / History (PostgreSQL)". The role can only read.
# Belongs into /etc/grafana/provisioning/datasources/ if slawatch keeps its ledger there.
apiVersion: 1
datasources:
  - name: slawatch ledger (PostgreSQL)
    uid: slawatch-postgresql
    type: grafana-postgresql-datasource
    access: proxy
    url: db.msp.example:5432
    user: slawatch_reader
    jsonData:
      database: slawatch
      sslmode: require
      postgresVersion: 1500
      timescaledb: false
    secureJsonData:
      password: $SLAWATCH_READER_PASSWORD
"""

SQLITE_SOURCE = f"""\
# The ledger in SQLite, for the dashboard "slawatch / History (SQLite)". Needs the plugin {SQLITE}.
# Belongs into /etc/grafana/provisioning/datasources/ on the machine that slawatch runs on.
apiVersion: 1
datasources:
  - name: slawatch ledger (SQLite)
    uid: slawatch-sqlite
    type: {SQLITE}
    access: proxy
    jsonData:
      path: /var/lib/slawatch/slawatch.db
      pathPrefix: "file:"        # without it the option below is not read
      pathOptions: mode=ro       # checkpoints stay the daemon's
"""

PROVIDER = """\
# Which dashboards Grafana loads by itself. Belongs into /etc/grafana/provisioning/dashboards/
apiVersion: 1
providers:
  - name: slawatch
    folder: slawatch
    folderUid: slawatch
    type: file
    disableDeletion: false
    allowUiUpdates: false
    updateIntervalSeconds: 60
    options:
      path: /var/lib/grafana/dashboards/slawatch
      foldersFromFilesStructure: false
"""


def dashboards() -> tuple[Dashboard, ...]:
    """All of them: those over Prometheus, then those over the ledger's SQL views."""
    return (
        contracts(),
        contract(),
        endpoints(),
        business(),
        monitor(),
        history(ON_POSTGRES),
        history(ON_SQLITE),
    )


def text_of(dashboard: Dashboard) -> str:
    """Its file: JSON with one key a line, so that two versions can be compared."""
    return json.dumps(dashboard.json(), indent=2, ensure_ascii=False) + "\n"


def files() -> Mapping[str, str]:
    """Every file by its path below the folder. SQL sources and dashboards stand apart: not everybody has both."""
    made = {
        "provisioning/datasources/slawatch.yaml": DATASOURCES,
        "provisioning/dashboards/slawatch.yaml": PROVIDER,
        "sql/datasources/slawatch-postgresql.yaml": POSTGRES_SOURCE,
        "sql/datasources/slawatch-sqlite.yaml": SQLITE_SOURCE,
    }
    for dashboard in dashboards():
        folder = "dashboards" if dashboard.source == PROMETHEUS else "sql/dashboards"
        made[f"{folder}/{dashboard.uid}.json"] = text_of(dashboard)
    return made
