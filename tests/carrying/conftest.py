"""What tests of installing share: a checkout with wheels, made once a run."""

from __future__ import annotations

import platform
import sys

import pytest

from carrying.checkout import Checkout

HOST_PYTHON = ".".join(platform.python_version_tuple()[:2])


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with wheels for the Python that runs the tests. Not to be changed."""
    checkout = Checkout(tmp_path_factory.mktemp("carried") / "slawatch")
    checkout.fill(HOST_PYTHON)
    return checkout


@pytest.fixture(scope="session")
def this_python() -> str:
    """Installs with the Python that runs the tests, whatever the system has."""
    return f"SYSTEM_PYTHON={sys.executable}"
