"""The package as it is built and tested: what CI runs is what the README says, and a missing service is never silently a pass."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from sbsim.scenario import shipped

ROOT = Path(__file__).parents[2]


def test_ci_runs_the_commands_of_the_readme() -> None:
    """Both commands stand in .ci/run as they stand in the README."""
    commands = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[0].splitlines()
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert len(commands) == 2
    for command in commands:
        assert command in script


def test_every_shipped_scenario_is_found_by_the_name_it_gives_itself() -> None:
    """The file's name is the scenario's name, in a checkout and in the wheel, which takes the whole folder."""
    from sbsim.scenario import load

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"scenarios": "sbsim/_scenarios"}
    assert {"quickstart", "image-service", "azure-hour", "image-days"} <= set(shipped())
    assert all(load(name).name == name for name in shipped())


def test_a_required_service_that_is_missing_fails_and_another_skips(require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`require` skips for users and fails where SBSIM_REQUIRE names the service; where the service is, it gives its program."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("SBSIM_REQUIRE", "redis")
    with pytest.raises(pytest.fail.Exception, match="SBSIM_REQUIRE"):
        require("redis")
    monkeypatch.setenv("SBSIM_REQUIRE", "")
    with pytest.raises(pytest.skip.Exception):
        require("redis")
