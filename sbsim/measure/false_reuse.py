"""How much of the reuse in other words was wrong, and how much of it may be.

Owns the near-duplicate hits of the counted requests as clusters, and their summary over replications. It knows the run log and what prompts mean;
nothing of likeness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sbsim.measure.counted import Counted
from sbsim.measure.intervals import ClusterSums, clustered_share_bound

COVERAGE = (0.935, 1.0)
"""Shares of studies in which the 95 % bound held, least and most, measured on six synthetic settings of 600 to 3,000 requests: 500, 200, 100 or 60
contents of Zipf popularity, 1 to 20 % of them lookalikes, 1.3 to 32 % of the reuses wrong. The truth is the share over all histories of a setting.
From contents as units: 97.4 to 100 % in 120 to 1,000 studies of 1 replication, 98.7 to 100 % in 100 to 500 of 2 and 3. From replications: 95 to 97 %
in 100 to 200 studies of 4, 93.5 and 94.2 % in 200 and 120 of 5, 96 and 100 % in 100 and 60 of 10. Clopper and Pearson's over all hits held in 71 to
90 % of those studies (94 to 100 % only where hardly any reuse was wrong)."""


def near_hits(c: Counted) -> ClusterSums | None:
    """The near-duplicate hits of one run as trials and the wrong ones as events, in clusters; None where nobody knows what prompts mean.

    A cluster is what asks for one intent: a lookalike that is taken for another content is so as often as it is asked for, so its hits tell no more
    than one of them.
    """
    if not c.knows_intent:
        return None
    serials = c.log.near_request
    serials = serials[(serials >= c.first) & (serials < c.first + c.n)]
    if not serials.size:
        return ClusterSums(0, 0, 0, 0, 0, 0)
    asked = np.asarray(c.traffic.intent)[c.traffic.content_index[serials]]
    _, cluster, hits = np.unique(asked, return_inverse=True, return_counts=True)
    wrong = np.bincount(cluster, weights=c.is_wrong[serials - c.first], minlength=len(hits)).astype(np.int64)
    return ClusterSums(len(serials), int(wrong.sum()), len(hits), int(hits @ hits), int(hits @ wrong), int(wrong @ wrong))


def false_reuse_document(n_hits: int, runs: Sequence[ClusterSums | None]) -> dict[str, Any] | None:
    """Right and wrong reuses over all replications as plain values, and what the share of wrong ones does not exceed; None without a hit.

    `wrong_share_at_most` is `intervals.clustered_share_bound` with 95 %. It is approximate: see `COVERAGE`.
    """
    if not n_hits:
        return None
    known = [run for run in runs if run is not None]
    if len(known) < len(runs):
        return {"n_hits": n_hits, "n_wrong": None, "wrong_share_at_most": None, "coverage": None}
    n_wrong = sum(run.n_events for run in known)
    return {"n_hits": n_hits, "n_wrong": n_wrong, "wrong_share_at_most": clustered_share_bound(known), "coverage": list(COVERAGE)}
