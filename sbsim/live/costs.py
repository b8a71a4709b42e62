"""What batching would save, reckoned from the price book before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sbsim.pipeline.lane import Lane
from sbsim.records import Item
from sbsim.units import NANO


def analysis(batches: Sequence[list[Item]], lanes: Sequence[Lane], prices: str) -> dict[str, Any]:
    """Costs and benefits of sending these batches in place of every request alone.

    Parameters
    ----------
    batches : items with the requests that wait for them. lanes : of the batcher, by number.
    prices : "list", "estimated" or "unknown": where the dollars come from.

    Returns
    -------
    individual_cost : dollars of every request in a call of its own on its cheapest lane, without any reuse.
    batch_cost : dollars of the calls that the batches make there. direct_savings : the difference.
    benefit_ratio : direct_savings over individual_cost (0 where that is 0).
    throughput_gain : requests served per call, less one: how much more passes a limit on calls or slots.
    resource_gain : share of calls spared.
    n_requests, n_items, n_batches, n_calls : counts. prices : as given.
    recommendation : "batch" where it saves money, or calls at the same price; else "individual". reason : that in words.
    """
    n_requests = sum(len(item.requests) for items in batches for item in items)
    individual_nano, batch_nano, n_calls = 0, 0, 0
    for items in batches:
        lane = lanes[items[0].content.offers[0].lane]
        individual_nano += sum(item.content.individual_nano * len(item.requests) for item in items)
        calls = lane.cut(list(items))
        n_calls += len(calls)
        batch_nano += sum(lane.book.quote(call, _expected_s(lane, call)) for call in calls)
    saved_nano = individual_nano - batch_nano
    is_better = saved_nano > 0 or (saved_nano == 0 and n_calls < n_requests)
    return {
        "n_requests": n_requests,
        "n_items": sum(map(len, batches)),
        "n_batches": len(batches),
        "n_calls": n_calls,
        "individual_cost": individual_nano / NANO,
        "batch_cost": batch_nano / NANO,
        "direct_savings": saved_nano / NANO,
        "benefit_ratio": saved_nano / individual_nano if individual_nano else 0.0,
        "throughput_gain": n_requests / n_calls - 1.0 if n_calls else 0.0,
        "resource_gain": 1.0 - n_calls / n_requests if n_requests else 0.0,
        "prices": prices,
        "recommendation": "batch" if is_better else "individual",
        "reason": _reason(n_requests, n_calls, saved_nano, prices),
    }


def _expected_s(lane: Lane, call: Sequence[Item]) -> float:
    """Seconds that the call is expected to run, by the declared latency of its longest member."""
    return max(lane.book.expected_s(item.content.facts, len(call)) for item in call)


def _reason(n_requests: int, n_calls: int, saved_nano: int, prices: str) -> str:
    if not n_requests:
        return "there is nothing to batch"
    calls = f"{n_calls} calls in place of {n_requests}" if n_calls != 1 else f"1 call in place of {n_requests}"
    if prices == "unknown":
        return f"{calls}; what they cost is unknown: give the provider a price, or the requests an estimated_cost"
    if saved_nano > 0:
        return f"{calls} save ${saved_nano / NANO:.6g}"
    return f"{calls} at the same price" if saved_nano == 0 else f"{calls} cost ${-saved_nano / NANO:.6g} more"
