"""What every test gets: real servers or BLOCKED, and the number of examples that properties are tried with."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest_plugins = [
    "support.blocked",
    "support.servers",
    "support.blackbox",
    "support.mail",
    "support.proxy",
    "support.browser",
    "support.nagios",
]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of collected tests stay to the end. A collector that walks them again and again halts the event loop
    of a test for a fifth of a second and more, and what a probe is told in time then comes too late."""
    gc.collect()
    gc.freeze()


# The same examples each time: a run that passed passes again. New ones are for `make test-deep`.
settings.register_profile(
    "default", max_examples=500, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", settings.get_profile("default"), max_examples=50)
# A change of the code is noticed or not: nobody reads the smallest example.
settings.register_profile("mutants", settings.get_profile("quick"), phases=[Phase.explicit, Phase.generate])
settings.register_profile("deep", settings.get_profile("default"), derandomize=False, max_examples=50_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
