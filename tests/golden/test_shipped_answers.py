"""Every shipped scenario has its answer on file, and still gives it."""

from __future__ import annotations

from typing import Any

import pytest

from sbsim.scenario import load
from tests.golden.answers import TOO_LONG, checked, names, read, recommended


def test_every_scenario_has_an_answer() -> None:
    """No shipped scenario goes without, and no answer is left of one that is gone."""
    assert sorted(read()) == names()


@pytest.mark.parametrize("name", names())
def test_todays_settings_cost_what_is_on_file(name: str) -> None:
    """The baseline's first half hour, to the last digit but for the processor's own rounding."""
    assert checked(load(name)) == pytest.approx(read()[name]["checked"], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in names() if name not in TOO_LONG])
def test_the_recommendation_is_what_is_on_file(name: str) -> None:
    """Verdict and changed settings as on file, the saving and its half-width too; a scenario that ships has something to say."""
    known: dict[str, Any] = read()[name]["recommended"]
    found = recommended(load(name))
    assert found["verdict"] == known["verdict"] == "deploy"
    assert found["changes"] == pytest.approx(known["changes"])
    assert found["saved_usd"] == pytest.approx(known["saved_usd"], rel=1e-6)
    assert found["saved_usd"][0] > found["saved_usd"][1]
