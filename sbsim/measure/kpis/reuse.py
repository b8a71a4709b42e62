"""What the layer did: content reused, work shared, requests batched, calls made and spared.

Owns the KPIs of caching, coalescing, batching and calls. Knows the counted columns; neither seconds nor dollars.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sbsim.components.similarity import Similarity
from sbsim.measure.counted import EXACT, Counted
from sbsim.measure.kpis.kpi import Kpi, Value, ratio
from sbsim.records import CDN, JOINED, MEMORY, NEAR, REDIS, SERVED


def share(*how: int) -> Callable[[Counted], Value]:
    """A function of the counted requests: the share of them that ended in one of these ways."""
    return lambda c: ratio(c.n_ended(*how), c.n)


def _calls(c: Counted, mask: NDArray[np.bool_]) -> float:
    """How many of the calls of `mask` belong to counted requests, each in part."""
    return float(c.call_share[mask].sum())


def n_calls(c: Counted) -> float:
    return float(c.call_share.sum())


def n_retries(c: Counted) -> float:
    return _calls(c, ~c.log.calls["is_first"])


def retry_amplification(c: Counted) -> Value:
    return ratio(n_calls(c), _calls(c, c.log.calls["is_first"]))


def n_rate_limited(c: Counted) -> float:
    return _calls(c, c.is_rejected)


def n_polls(c: Counted) -> float:
    return float(c.call_share @ c.log.calls["n_polls"])


def n_in_doubt(c: Counted) -> float:
    return _calls(c, c.log.calls["is_late"])


def n_double_billed(c: Counted) -> float:
    """Attempts are ordered within their item, which its payer names: it may have moved to another lane or into another call meanwhile."""
    calls, item_call, payer = c.log.calls, c.log.item_call, c.log.item_payer
    if not (calls["is_late"] & (calls["bill_nano"] > 0)).any():
        return 0.0
    order = np.lexsort((calls["serial"][item_call], payer))
    item_call, payer = item_call[order], payer[order]
    is_billed = calls["bill_nano"][item_call] > 0
    was_doubtful = (is_billed & calls["is_late"][item_call]).astype(np.int64)
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = payer[1:] != payer[:-1]
    before = np.cumsum(was_doubtful) - was_doubtful  # doubtful and billed so far, this one left out
    before -= np.repeat(before[begins], np.diff(np.append(np.flatnonzero(begins), len(order))))
    is_twice = is_billed & (before > 0) & c.is_counted_item[order]
    return float((1.0 / calls["n_items"][item_call[is_twice]]).sum())


def api_call_reduction(c: Counted) -> Value:
    return 1 - n_calls(c) / c.n if c.n else None


def n_false_reuses(c: Counted) -> Value:
    return int(np.count_nonzero(c.is_wrong)) if c.knows_intent else None


def false_reuse_ratio(c: Counted) -> Value:
    return ratio(np.count_nonzero(c.is_wrong), c.n_ended(NEAR)) if c.knows_intent else None


def batching_efficiency(c: Counted) -> Value:
    delivering = c.call[(c.how == SERVED) & (c.call >= 0)]
    return ratio(np.count_nonzero(c.log.calls["n_items"][delivering] >= 2), c.n_ended(SERVED))


def average_batch_size(c: Counted) -> Value:
    """Each item stands for 1/n of its batch of n, so a batch that carries uncounted items as well is counted in part."""
    return ratio(c.first_sends.n_counted_items, c.first_sends.share.sum())


def average_call_size(c: Counted) -> Value:
    return ratio(c.first_sends.n_counted_items, _calls(c, c.log.calls["is_first"]))


def mean_similarity(c: Counted) -> Value:
    config = c.scenario.config
    similarity = Similarity(c.traffic.shapes, config.similarity, config.batching.similarity_threshold)
    content = c.log.item_content[c.first_rows]
    return c.first_sends.mean_similarity(c.content_shape[content], c.content_duration_s[content], similarity.score)


CALLS = (
    Kpi("n_calls", "calls", "Attempts sent, whatever came of them (429s, errors and retries included); each of a call's n items carries 1/n of it.",
        n_calls),
    Kpi("n_retries", "calls", "Attempts after the first of the same call.", n_retries),
    Kpi("retry_amplification", "calls/call", "Attempts sent for each first attempt: 1 where nothing was sent twice.", retry_amplification, "ratio"),
    Kpi("n_rate_limited", "calls", "Attempts answered 429.", n_rate_limited),
    Kpi("n_polls", "polls", "Questions whether a job is done.", n_polls),
    Kpi("n_in_doubt", "calls", "Attempts that timed out: sent, and no answer said in time whether the provider took them.", n_in_doubt),
    Kpi("n_double_billed", "calls", "Attempts billed although an earlier one for the same items, which timed out, was billed too.",
        n_double_billed),
)  # fmt: skip

REUSE = (
    Kpi("cache_hit_ratio", "fraction", "Exact hits of all tiers over n_requests.", share(*EXACT), "ratio"),
    Kpi("cache_hit_ratio_memory", "fraction", "Hits of the memory tier over n_requests.", share(MEMORY), "ratio"),
    Kpi("cache_hit_ratio_redis", "fraction", "Hits of the redis tier over n_requests.", share(REDIS), "ratio"),
    Kpi("cache_hit_ratio_cdn", "fraction", "Hits of the cdn tier over n_requests.", share(CDN), "ratio"),
    Kpi("near_duplicate_hit_ratio", "fraction", "Near-duplicate hits over n_requests.", share(NEAR), "ratio"),
    Kpi("coalesced_ratio", "fraction", "Requests that joined work under way over n_requests.", share(JOINED), "ratio"),
    Kpi("n_false_reuses", "requests", "Near-duplicate hits that gave content of another intent; null on a trace, where nobody knows.",
        n_false_reuses),
    Kpi("false_reuse_ratio", "fraction", "Wrong over all near-duplicate hits; null on a trace, where nobody knows.", false_reuse_ratio, "ratio"),
)  # fmt: skip

BATCHING = (
    Kpi("batching_efficiency", "fraction", "Share of provider-served requests whose delivering call had two or more items.",
        batching_efficiency, "ratio"),
    Kpi("average_batch_size", "items", "Items over batches, at first sends.", average_batch_size, "ratio"),
    Kpi("average_call_size", "items", "Items over calls, at first sends.", average_call_size, "ratio"),
    Kpi("mean_similarity", "fraction", "Mean pairwise similarity of batches of two or more, at first sends; null when there is none.",
        mean_similarity, "mean"),
    Kpi("api_call_reduction", "fraction", "1 - n_calls / n_requests; below 0 when retries outnumber what was spared.", api_call_reduction, "ratio"),
)  # fmt: skip
