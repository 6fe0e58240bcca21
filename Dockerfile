# The image runs as a user of its own, keeps its database in /var/lib/slawatch and reads /etc/slawatch; all else may be
# read-only. It measures from the host's network, and is reached where the configuration says `listen:`:
#   docker run --read-only --tmpfs /tmp --network host -v slawatch:/var/lib/slawatch -v ./config:/etc/slawatch:ro slawatch
# Ping needs net.ipv4.ping_group_range to hold group 9797 on the host (or --cap-add NET_RAW and a user who may use it).
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
# A firm's own certificate authority, where the base image has one, holds for uv as well.
ENV UV_SYSTEM_CERTS=1
WORKDIR /source
RUN python3 -m venv /tools && /tools/bin/pip install --quiet uv
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY src src
# The lock gives versions and hashes; only what the daemon needs is taken from it.
RUN /tools/bin/uv venv --quiet --python "$(command -v python3)" /opt/slawatch \
 && /tools/bin/uv pip install --quiet --python /opt/slawatch/bin/python --compile-bytecode \
      --constraints requirements.lock --build-constraints requirements.lock ".[postgres,fast]"

FROM ${BASE}
RUN useradd --uid 9797 --home-dir /var/lib/slawatch --create-home --shell /usr/sbin/nologin slawatch \
 && install -d -m 0755 /etc/slawatch
COPY --from=build /opt/slawatch /opt/slawatch
USER slawatch
WORKDIR /var/lib/slawatch
VOLUME /var/lib/slawatch
EXPOSE 9797
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/opt/slawatch/bin/python", "-c", \
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9797/-/healthy', timeout=4)"]
ENTRYPOINT ["/opt/slawatch/bin/slawatch"]
CMD ["run", "--config", "/etc/slawatch"]
