"""A workload is the same whatever pieces it is made in, and the cumulative rate is inverted wherever it rises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbsim.seeds import Draws
from sbsim.workload import prepared as room
from sbsim.workload.intensity import CumulativeRate, steady_rate
from sbsim.workload.synthetic import SyntheticTraffic, Wanted

from ..traffic import CATALOGUE, class_, synthetic

BUSY = {"catalogue": {**CATALOGUE, "near_duplicates": 0.3, "lookalikes": 0.3}, "tenants": {"count": 3}}
CLASSES = (
    class_("a", weight=2, no_reuse=0.2, priority={"urgent": 1, "normal": 2}, duration={"law": "lognormal", "mean": 8, "cv": 0.5}),
    class_("b", content_type="image", variants={"law": "empirical", "values": [1, 2, 5]}, style_params={"s": {"x": 1, "y": 2}, "t": 3}),
)
PROCESSES = [
    {"process": "poisson", "rate": 3.0},
    {"process": "gamma", "rate": 3.0, "cv": 3.0},
    {"process": "mmpp", "rates": [1, 20], "dwell": ["10s", "2s"]},
    {"process": "batch", "rate": 3.0, "size": {"law": "exponential", "mean": 4}},
]


def wanted(scenario: Any, pieces: list[int]) -> Wanted:
    traffic = SyntheticTraffic(scenario.workload, Draws(5, 1))
    parts = [traffic.take(n) for n in pieces]
    return Wanted._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


@pytest.mark.parametrize("arrivals", PROCESSES, ids=lambda one: one["process"])
@pytest.mark.parametrize("profile", [None, {0: 0.5, 60: 2.0, 90: 0.0, 100: 1.0}])
@given(pieces=st.lists(st.integers(0, 90), min_size=1, max_size=9))
def test_pieces_do_not_matter(arrivals, profile, pieces):
    """Requests taken in any pieces are, bit for bit, those taken at once."""
    scenario = synthetic(*CLASSES, arrivals=arrivals, **BUSY, **({"profile": profile} if profile else {}))
    for once, parts in zip(wanted(scenario, [sum(pieces)]), wanted(scenario, pieces), strict=True):
        assert np.array_equal(once, parts)


@pytest.mark.parametrize("study", ["steady", "terminating"])
@pytest.mark.parametrize("catalogue", [True, False])
def test_prepared_contents_do_not_depend_on_pieces(monkeypatch, study, catalogue):
    """Serials, keys, groups and facts of contents are the same in pieces of 7 as in pieces of a thousand, beyond the horizon too."""
    more = BUSY if catalogue else {"tenants": {"count": 3}}

    def made() -> Any:
        room._memory.clear()
        prepared = room.prepare(synthetic(*CLASSES, study=study, **more), 3, 2)
        beyond = [(r.serial, r.arrived_at, r.urgency, r.content.serial) for r, _ in zip(prepared.beyond(), range(300), strict=False)]
        n_asked_for = 1 + max([prepared.content_index.max(), *(serial for *_, serial in beyond)])
        contents = [(c.key, c.base, c.facts, c.group, c.shape, c.reusable, prepared.intent[c.serial]) for c in prepared.contents[:n_asked_for]]
        return [column.tolist() for column in prepared._columns], prepared.horizon_at, beyond, contents

    at_once = made()
    monkeypatch.setattr(room, "_FIRST_PIECE", 7)
    monkeypatch.setattr(room, "_LARGEST_PIECE", 13)
    assert made() == at_once


POINTS = st.lists(st.tuples(st.floats(0.1, 50), st.floats(0, 5) | st.just(0.0)), min_size=1, max_size=6)


@given(points=POINTS, rate=st.floats(0.01, 100), shares=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_inverse_of_the_cumulative_rate_is_its_inverse(points, rate, shares):
    """L(inverse(level)) = level wherever the profile rises at all; instants rise with the level."""
    at = np.cumsum([gap for gap, _ in points])
    factors = np.array([factor for _, factor in points])
    end = float(at[-1]) + 10

    def level(t: float) -> float:
        inner = at[(at > 0) & (at < t)]
        grid = np.concatenate(([0.0], inner, [t]))
        density = rate * np.interp(grid, at, factors)
        return float(np.sum((density[1:] + density[:-1]) / 2 * np.diff(grid)))

    levels = np.sort(np.array(shares)) * level(end)
    found = CumulativeRate(steady_rate(rate), tuple(zip(at.tolist(), factors.tolist(), strict=True))).inverse(levels)
    assert np.all(np.diff(found) >= 0)
    for wanted_level, instant in zip(levels, found, strict=True):
        if np.isfinite(instant):
            assert level(float(instant)) == pytest.approx(wanted_level, rel=1e-6, abs=1e-9 * (1 + level(end)))
        else:
            assert factors[-1] == 0.0
            assert wanted_level >= level(end) * (1 - 1e-12)
