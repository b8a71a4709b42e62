"""What all tests share: how hard Hypothesis tries, and what a missing service means."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background of a script: what the tests start must hear Ctrl-C all the same
    signal.signal(signal.SIGINT, signal.default_int_handler)

SERVICES = {"redis": lambda: shutil.which("redis-server")}
"""Services that tests may need -> where this machine has them (None: nowhere)."""


@pytest.fixture
def require() -> Callable[[str], str]:
    """`require("redis")` gives the service's program; without it the test is skipped, or fails where SBSIM_REQUIRE names the service (CI does)."""

    def find(service: str) -> str:
        found = SERVICES[service]()
        if found is not None:
            return found
        if service in os.environ.get("SBSIM_REQUIRE", "").split(","):
            pytest.fail(f"{service} is not on this machine, and SBSIM_REQUIRE names it")
        pytest.skip(f"{service} is not on this machine")

    return find


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real traces beside the project; tests that need it are skipped where it is absent."""
    folder = Path(__file__).parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own environment must not change what a test sees."""
    for name in list(os.environ):
        if name.startswith(("SMART_BATCHER_", "RATE_LIMIT_", "CACHE_")):
            monkeypatch.delenv(name)
