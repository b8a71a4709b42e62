"""Claims as values: what is promised, how it is measured, what it may depend on, and what an interval says of it.

Owns the list of claims and the rule of judgement. Knows estimates; no scenario and no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sbsim.measure import Estimate

HOLDS, HOLDS_NOT, UNDECIDED, DEPENDS = "holds", "holds not", "not decided", "depends"

FACTS: Mapping[str, str] = {
    "company": "what a full call saves of the price alone",
    "items_per_call": "requests that one call takes at most",
    "repeats": "share of requests for what was asked for before",
    "similarity_threshold": "batching.similarity_threshold",
}
"""Facts of a workload on which claims may depend: name -> what it is."""


class Claim(NamedTuple):
    """A promise.

    Attributes
    ----------
    name : in JSON and in the files that record outcomes. promise : as it was made.
    low, high : what is promised, as fractions; `high` None where only a least value is.
    measured : what is compared with it. depends_on : names in `FACTS`.
    """

    name: str
    promise: str
    low: float
    high: float | None
    measured: str
    depends_on: tuple[str, ...]


CLAIMS: tuple[Claim, ...] = (
    Claim("batching_saves", "batching saves 20-40 % per request", 0.20, 0.40,
        "total cost without batching (max_batch_size 1, max_wait 0) to that with it, all else as it is", ("company",)),
    Claim("reuse_saves", "reuse saves 30-60 % on repeated content", 0.30, 0.60,
        "total cost without any cache, coalescing and near-duplicates to that with them, over all requests of the workload", ("repeats",)),
    Claim("fewer_calls", "15-30 % fewer calls", 0.15, 0.30, "api_call_reduction", ("items_per_call", "repeats")),
    Claim("throughput", "25-50 % more throughput", 0.25, 0.50,
        "capacity_per_s of saturated lanes with batching to that without; nothing is reused in either, so that it is what the lanes make",
        ("items_per_call",)),
    Claim("saved_in_all", "20-50 % saved in all", 0.20, 0.50, "savings_fraction: against each request alone at list price", ("company", "repeats")),
    Claim("hit_ratio", "cache hit ratio above 0.5", 0.50, None, "cache_hit_ratio", ("repeats",)),
    Claim("batching_efficiency", "batching efficiency above 0.6", 0.60, None, "batching_efficiency", ("items_per_call",)),
    Claim("similarity", "similarity of batches above 0.7", 0.70, None,
        "mean_similarity; no pair below batching.similarity_threshold shares a batch, so from 0.7 on it cannot fail", ("similarity_threshold",)),
)  # fmt: skip
"""The promises of the original design, in their order."""


def judge(claim: Claim, value: Estimate) -> str:
    """What a 95 % interval says: it holds where the interval lies at or above the least that was promised, and holds not where it lies below.

    More than promised is no breach. An interval that holds the least value, or none at all (one replication, no value), decides nothing.
    """
    if value.low is None or value.high is None:
        return UNDECIDED
    return HOLDS if value.low >= claim.low else HOLDS_NOT if value.high < claim.low else UNDECIDED


def exceeds(claim: Claim, value: Estimate) -> bool:
    """Whether the interval lies above all that was promised."""
    return claim.high is not None and value.low is not None and value.low > claim.high


def summed_up(verdicts: Sequence[str]) -> str:
    """What workloads say together: the same, if those that decide it agree; that it depends on something, if they do not."""
    decided = {verdict for verdict in verdicts if verdict != UNDECIDED}
    return DEPENDS if len(decided) > 1 else decided.pop() if decided else UNDECIDED
