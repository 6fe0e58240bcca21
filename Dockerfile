# The image runs as a user of its own, keeps its database in /var/lib/slawatch and reads /etc/slawatch; all else may be
# read-only. It measures from the host's network, and is reached where the configuration says `listen:`:
#   docker run --read-only --tmpfs /tmp --network host -v slawatch:/var/lib/slawatch -v ./config:/etc/slawatch:ro slawatch
# Ping needs net.ipv4.ping_group_range to hold group 9797 on the host (or --cap-add NET_RAW and a user who may use it).
# BASE is any Debian with Python 3.11 or later and its venv module. Where `make download BOX_PYTHON=…` has filled wheels/
# for that Python, the build needs no network.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
COPY pyproject.toml requirements-run.lock requirements-build.lock README.md LICENSE ./
COPY packaging packaging
COPY wheels wheels
COPY src src
RUN packaging/carry install "$(command -v python3)" /opt/slawatch

FROM ${BASE}
RUN useradd --uid 9797 --home-dir /var/lib/slawatch --no-create-home --shell /usr/sbin/nologin slawatch \
 && install -d -m 0700 -o slawatch -g slawatch /var/lib/slawatch && install -d -m 0755 /etc/slawatch
COPY --from=build /opt/slawatch /opt/slawatch
USER slawatch
WORKDIR /var/lib/slawatch
VOLUME /var/lib/slawatch
EXPOSE 9797
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/opt/slawatch/bin/python", "-c", \
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9797/-/healthy', timeout=4)"]
ENTRYPOINT ["/opt/slawatch/bin/slawatch"]
CMD ["run", "--config", "/etc/slawatch"]
