# `make` alone says what there is. Everything is kept below this folder (.venv, .cache), except by `make install`.

PYTHON  ?= python3
PREFIX  ?= /opt/slawatch
DESTDIR ?=
SYSCONFDIR ?= /etc/slawatch
UNITDIR ?= /etc/systemd/system

# The daemon's own Python is the system's where there is one: the unit's user cannot see anybody's home.
SYSTEM_PYTHON ?= $(firstword $(wildcard /usr/bin/python3) $(PYTHON))

BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# uv trusts what the system trusts, as pip does: a firm may have a certificate authority of its own.
export UV_SYSTEM_CERTS := 1
TESTS ?=
# Most of the suite's time is waiting for servers, and every file's tests have servers of their own.
IN_PARALLEL ?= -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test test-deep test-pythons lint tree bench mutants lock download wheel install uninstall \
  clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

demo: .venv/.ok  ## the whole daemon against a small estate of its own, on loopback
	$(BIN)/slawatch demo

# A tree that cannot be had stops nothing here: its tests are then BLOCKED, by name, and as root they fail the run.
test: lint  ## lint, then every test that is not marked deep, real servers included (as root)
	-@$(MAKE) --no-print-directory tree
	$(BIN)/python -m pytest -q -m "not deep" $(IN_PARALLEL) $(TESTS)

test-deep: .venv/.ok  ## every test, with 50,000 examples for each property; hours
	-@$(MAKE) --no-print-directory tree
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -q -m "deep or not deep" $(TESTS)

test-pythons: .venv/.ok  ## the domain and its evaluation on every Python from 3.11 to 3.13 that is installed
	PYTHONPATH=tests $(BIN)/python -m support.pythons

lint: .venv/.ok  ## ruff, mypy --strict and the floors of the architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

tree: .venv/.ok  ## the tests' own Debian tree of real servers (as root; once)
	@if [ "$$(id -u)" = 0 ]; then PYTHONPATH=tests $(BIN)/python -m support.tree; \
	else echo "not root: tests that need the Debian tree of real servers will be BLOCKED"; fi

bench: .venv/.ok  ## the measurements of benchmarks/
	$(BIN)/python -m benchmarks

mutants: .venv/.ok  ## mutation testing of the domain
	$(BIN)/python -m tests.mutants

COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
NARROWED = $(COMPILE) --no-annotate --constraints requirements.lock

lock: .venv/.ok  ## resolve the dependencies of pyproject.toml anew into requirements.lock and its two parts
	$(COMPILE) --upgrade --all-extras pyproject.toml -o requirements.lock
	$(MAKE) --no-print-directory lock-parts

lock-parts: .venv/.ok  # what the daemon needs, and what building its wheel needs: the same versions and hashes
	$(NARROWED) --extra postgres --extra fast pyproject.toml -o requirements-run.lock
	sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(NARROWED) - -o requirements-build.lock

# uv is quick, pip is always there; both check the hashes. The project itself is built by the locked hatchling.
.venv/.ok: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	if $(BIN)/python -m pip install -q uv && \
	   $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock; then \
	  $(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
	  $(BIN)/python -m pip install -q --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .; \
	fi
	touch $@

# The three that carry it elsewhere need a Python with its venv module, and no .venv.
BOX_PYTHON ?=

download:  ## once: fill wheels/ with all that `make install`, pipx and the image need (BOX_PYTHON=3.13 for another Python)
	packaging/carry download $(SYSTEM_PYTHON) $(BOX_PYTHON)

wheel:  ## build dist/slawatch-….whl, for pipx or pip
	packaging/carry wheel $(SYSTEM_PYTHON)

install:  ## into /opt/slawatch, with the systemd unit and an example configuration (PREFIX, DESTDIR …); updates as well
	packaging/carry install $(SYSTEM_PYTHON) $(PREFIX) $(DESTDIR)
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(UNITDIR)/slawatch.service.d $(DESTDIR)$(SYSCONFDIR)
	install -d -m 0700 $(DESTDIR)$(SYSCONFDIR)/credentials
	sed 's|/opt/slawatch/|$(PREFIX)/|; s|/etc/slawatch|$(SYSCONFDIR)|' systemd/slawatch.service \
	  > $(DESTDIR)$(UNITDIR)/slawatch.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/slawatch.service
	test -e $(DESTDIR)$(UNITDIR)/slawatch.service.d/credentials.conf || \
	  sed 's|/etc/slawatch|$(SYSCONFDIR)|' systemd/credentials.conf \
	    > $(DESTDIR)$(UNITDIR)/slawatch.service.d/credentials.conf
	test -e $(DESTDIR)$(SYSCONFDIR)/slawatch.yaml || \
	  { install -D -m 0644 config/slawatch.yaml $(DESTDIR)$(SYSCONFDIR)/slawatch.yaml && \
	    install -D -m 0644 config/clients/acme.yaml $(DESTDIR)$(SYSCONFDIR)/clients/acme.yaml; }
	test -n "$(DESTDIR)" || test ! -d /run/systemd/system || systemctl daemon-reload

# DynamicUser keeps /var/lib/slawatch in /var/lib/private, and leaves a link.
uninstall:  ## take the program and the unit away; PURGE=yes: configuration, credentials and all that was measured as well
	-test -n "$(DESTDIR)" || test ! -d /run/systemd/system || systemctl disable --now slawatch
	test ! -e $(DESTDIR)$(PREFIX)/bin/slawatch || rm -rf $(DESTDIR)$(PREFIX)
	rm -f $(DESTDIR)$(UNITDIR)/slawatch.service
	test "$(PURGE)" != yes || rm -rf $(DESTDIR)$(UNITDIR)/slawatch.service.d $(DESTDIR)$(SYSCONFDIR) \
	  $(DESTDIR)/var/lib/slawatch $(DESTDIR)/var/lib/private/slawatch
	test -n "$(DESTDIR)" || test ! -d /run/systemd/system || systemctl daemon-reload

clean:  ## remove what the targets above made here; the Debian tree as well
	rm -rf --one-file-system .venv .cache wheels/[0-9]* dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
