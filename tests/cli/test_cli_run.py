"""What `sbsim run` shows by default, and how it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sbsim.cli.main import sbsim as front
from sbsim.report.tables import CAPACITY
from sbsim.scenario import shipped
from tests.cli.conftest import Command


def test_overload_shows_capacity_alone(inside: Command) -> None:
    """Costs and waiting times of squeezed traffic mean nothing, so neither is shown unless all is asked for; JSON has everything."""
    arguments = ("run", "speech-burst", "--overload", "--set", "horizon=5min", "--set", "replications=2", "--jobs", "1", "-q")
    shown, all_shown, document = inside(*arguments), inside(*arguments, "--all"), inside(*arguments, "--json")
    names = {name for section in CAPACITY.values() for name in section}
    first_words = {line.split()[0] for line in shown.out.splitlines()[3:] if line.strip() and line[0].isalpha()}
    assert "capacity_per_s" in first_words <= names | {"KPI"}
    assert "total_cost_usd" in all_shown.out
    assert {"capacity_per_s", "total_cost_usd"} <= json.loads(document.out)["kpis"].keys()


@pytest.mark.parametrize("name", ["", " "])
def test_no_name_is_no_directory(inside: Command, name: str) -> None:
    """An empty variable in a script: the message says what is missing, and what there is."""
    ended = inside("run", name)
    assert ended.code == 2
    assert f"scenario: {name!r} is no name; allowed: a YAML file" in ended.err
    assert "try quickstart" in ended.err


def test_the_first_help_lists_every_shipped_scenario() -> None:
    """All that stand in the shelf itself; those in a folder are for another command."""
    listed = re.split(r"[^\w/-]+", front.__doc__ or "")
    assert {name for name in shipped() if "/" not in name} <= set(listed)


def test_too_few_evaluations_are_refused_at_the_flag(inside: Command, tmp_path: Path) -> None:
    """The bound of the option is the bound of the search."""
    ended = inside("recommend", "quickstart", "--evaluations", "9", "--out", str(tmp_path / "out"))
    assert ended.code == 2
    assert all(word in ended.err for word in ("--evaluations", "'9'", "from 10", "try 150"))
    assert not (tmp_path / "out").exists()
