"""Traffic of which no machine would see the end is refused before it is drawn."""

from __future__ import annotations

import pytest

from sbsim.errors import ScenarioError
from sbsim.scenario import load
from sbsim.simulation import run


@pytest.mark.parametrize("change", [{"horizon": 1e13}, {"workload.arrivals.rate": 1e12}, {"horizon": None, "requests": 10**12}])
def test_a_run_that_could_not_end_says_so(change) -> None:
    """The message names the expected number of requests and what to try."""
    with pytest.raises(ScenarioError, match=r"workload.arrivals: some \S+ requests are expected, and a run can hold 3e\+07; try a lower rate"):
        run(load("quickstart").with_values(change))
