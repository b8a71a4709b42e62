"""How often the upper bound on wrong reuse holds, over whole histories: the study behind `measure.false_reuse.COVERAGE`."""

from __future__ import annotations

import pytest

from sbsim.measure import clustered_share_bound, share_upper_bound
from sbsim.measure.false_reuse import COVERAGE
from sbsim.scenario import Scenario
from sbsim.simulation import replicate

pytestmark = pytest.mark.slow


def reworded(contents: int, lookalikes: float, exponent: float, requests: int) -> Scenario:
    """Pictures from a catalogue in which a third of the requests say it in other words, and some contents look like another."""
    return Scenario.from_mapping(
        {
            "version": 1,
            "name": "reworded",
            "requests": requests,
            "workload": {
                "source": "synthetic",
                "arrivals": {"process": "poisson", "rate": "1/s"},
                "catalogue": {
                    "contents": contents,
                    "popularity": {"law": "zipf", "exponent": exponent},
                    "near_duplicates": 0.3,
                    "lookalikes": lookalikes,
                },
                "classes": [{"name": "a", "content_type": "image", "engine": "e"}],
            },
            "providers": [
                {
                    "name": "p",
                    "serves": {"content_type": "image", "engine": "e"},
                    "price": {"rates": [{"per": "image", "usd": 0.05}]},
                    "latency": {"total": "1s"},
                }
            ],
            "config": {
                "rate_limit": {"max_requests": None, "batch_pacing_interval": 0, "concurrency": None},
                "cache": {"near_duplicates": True, "near_duplicate_threshold": 0.8, "ttl": None},
            },
        }
    )


@pytest.mark.parametrize(
    ("contents", "lookalikes", "exponent", "requests", "n", "n_studies"),
    [(60, 0.1, 0.9, 3000, 1, 120), (100, 0.02, 0.9, 600, 3, 100), (200, 0.05, 1.1, 800, 4, 100)],
)
def test_the_bound_on_wrong_reuse_holds(contents: int, lookalikes: float, exponent: float, requests: int, n: int, n_studies: int) -> None:
    """Of a hundred studies of n replications each the bound lies above the share over all of them as often as is said of it."""
    scenario = reworded(contents, lookalikes, exponent, requests)
    runs = [one.near for one in replicate(scenario, seed=77, replications=n * n_studies)]
    share = sum(run.n_events for run in runs) / sum(run.n for run in runs)
    studies = [runs[k : k + n] for k in range(0, len(runs), n)]
    bounds = [clustered_share_bound(study) for study in studies]
    pooled = [share_upper_bound(sum(run.n_events for run in study), sum(run.n for run in study)) for study in studies]
    covered, by_pooling = (sum(bound >= share for bound in each) / n_studies for each in (bounds, pooled))
    print(f"\n{share:.4f} wrong; covered in {covered:.1%} of {n_studies} studies of {n}, by pooling all hits in {by_pooling:.1%}")
    assert covered >= COVERAGE[0] - 0.015  # of 100 studies one or two may differ by chance
    assert covered > by_pooling
