"""One value within a list of settings is a knob like any other: swept, searched, recommended, refused with one message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sbsim.errors import ScenarioError
from sbsim.export import recommend
from sbsim.scenario import Scenario, load
from sbsim.search.axes import axes_of, grid
from sbsim.search.evaluations import Task
from sbsim.search.trial import Trial, baseline_of, parts_of, seeds_of, space_of
from sbsim.simulation import simulate
from tests.shop import shop

PATH = "budget.windows[0].limit"
SETTINGS = {
    "batching": {"max_batch_size": 2, "max_wait": "5s"},
    "rate_limit": {"concurrency": 20, "batch_pacing_interval": 0},
    "budget": {"on_spent": "refuse", "windows": [{"limit": "$1.50", "window": "5min"}]},
}


def budgeted(**changes: object) -> Scenario:
    """The shop within a second budget, so small that much of its traffic is turned away."""
    return shop(config=SETTINGS, **{"objective": {"minimise": "total_cost_usd"}, **changes})


def test_it_is_swept_as_it_is_set() -> None:
    """`--vary` and `--set` mean the same, with or without `config.`, and the value comes back in base units."""
    scenario = budgeted()
    (axis,) = axes_of([f"config.{PATH}=$0.5,5"], scenario)
    assert (axis.path, axis.values) == (PATH, (0.5, 5.0))
    costs = [simulate(scenario.with_values(dict(values)), seed=1).kpis["n_delivered"].mean for values in grid([axis])]
    by_document = scenario.with_values({"name": "shop", PATH: 5})  # another part of the scenario beside it
    assert by_document.config.budget.windows[0].limit == 5
    assert costs[0] < costs[1] == simulate(by_document, seed=1).kpis["n_delivered"].mean


def test_it_is_searched_and_recommended(tmp_path: Path) -> None:
    """Today's value is on its grid, an evaluation runs with it, and what is recommended names it alone and can be loaded again."""
    scenario = budgeted(search={PATH: {"low": 0.1, "high": 5}})
    space = space_of(scenario)
    assert baseline_of(scenario, space) == ((PATH, 1.5),)
    assert 1.5 in space.dimensions[0].grid
    trial = Trial(parts_of(scenario), seeds_of(1), 0.0)
    few, many = (trial(Task(((PATH, limit),), "search", 0)).kpis["n_delivered"] or 0 for limit in (0.1, 5.0))
    assert few < many
    answer = recommend(scenario, out=tmp_path, evaluations=24, replications=5)
    changes = answer.to_plain()["changes"]
    assert list(changes) == [PATH]
    assert changes[PATH]["baseline"] == 1.5 < changes[PATH]["recommended"]
    json.dumps(answer.to_plain())
    again = load(_written(tmp_path / "scenario.json", scenario), configs=[tmp_path / "recommended.yaml"])
    assert again.config.budget.windows[0].limit == changes[PATH]["recommended"]
    assert f"{PATH}: 1.5 -> " in (tmp_path / "recommended.yaml").read_text()


def _written(path: Path, scenario: Scenario) -> Path:
    path.write_text(json.dumps(scenario.document))
    return path


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ({"budget.windows[1].limit": {"low": 1, "high": 2}}, ["search.budget.windows[1].limit", "no entry 1", "allowed: 0 to 0", "try"]),
        ({"budget.windows[0].limi": {"low": 1, "high": 2}}, ["no such setting", "allowed", "try"]),
        ({PATH: {"low": -1, "high": 2}}, ["low", "-1", ">= 0", "try"]),
        ({"budget.windows": {"choices": [[{"limit": 1}]]}}, ["whole list", "allowed", "try budget.windows[0].limit"]),
    ],
)
def test_what_is_not_there_is_refused_at_once(search: dict[str, object], words: list[str]) -> None:
    """An entry or field that does not exist, a value beyond its bounds, and the whole list at once: where, given, allowed, try."""
    with pytest.raises(ScenarioError) as refused:
        budgeted(search=search)
    assert all(word in str(refused.value) for word in words)


def test_promises_are_varied_by_the_name_of_their_priority() -> None:
    """Priorities are kept by number and written by name."""
    scenario = shop()
    assert axes_of(["sla.normal.deadline=1min,2min"], scenario)[0].values == (60.0, 120.0)
    assert scenario.get("sla.normal.penalty") == 0.02
    with pytest.raises(ScenarioError, match=r"sla\.often: there is no often here; allowed: 1, 2, 3; try"):
        scenario.get("sla.often")
