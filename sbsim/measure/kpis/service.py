"""What users and providers feel: how requests ended, how long they waited, whether promises were kept, how full the lanes were.

Owns the KPIs of outcome, time, errors and capacity. Knows the counted columns; no dollar but the budget's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from sbsim.measure.budget import utilisations
from sbsim.measure.counted import DELIVERED, EXACT, Counted
from sbsim.measure.kpis.kpi import CLASSES, Kpi, Value, mean, order_statistic, ratio
from sbsim.records import CANCELLED, FAILED, JOINED, NEAR, PENDING, REFUSED, SERVED


def ended(*how: int) -> Callable[[Counted], Value]:
    """A function of the counted requests: how many ended in one of these ways."""
    return lambda c: c.n_ended(*how)


def mean_latency_s(c: Counted, urgency: int | None) -> Value:
    return mean(c.latencies(urgency))


def latency_quantile_s(c: Counted, urgency: int | None, percent: int) -> Value:
    return order_statistic(c.latencies(urgency), percent)


def mean_wait_s(c: Counted, urgency: int | None) -> Value:
    return mean(c.waits(urgency))


def wait_quantile_s(c: Counted, urgency: int | None, percent: int) -> Value:
    return order_statistic(c.waits(urgency), percent)


def sla_compliance(c: Counted, urgency: int | None) -> Value:
    if urgency is None:
        return ratio(np.count_nonzero(c.is_kept), c.n)
    mine = c.urgency == urgency
    return ratio(np.count_nonzero(c.is_kept & mine), np.count_nonzero(mine))


def budget_utilisation(c: Counted) -> Value:
    return max((used for used in utilisations(c, c.start_at, c.end_at) if used is not None), default=None)


def error_rate(c: Counted) -> Value:
    return ratio(c.n_ended(FAILED, REFUSED), c.n)


def attempt_error_rate(c: Counted) -> Value:
    return ratio(c.call_share[c.log.calls["error"] > 0].sum(), c.call_share.sum())


def _deliveries(c: Counted, after: float) -> int:
    """Deliveries of the study's requests from `after` to the end of the counted period."""
    done_at, how = c.log.done_at, c.log.how
    return int(np.count_nonzero(np.isin(how, DELIVERED) & (done_at >= after) & (done_at <= c.end_at)))


def throughput_per_s(c: Counted) -> Value:
    return ratio(_deliveries(c, c.start_at), c.period_s)


def capacity_per_s(c: Counted) -> Value:
    if not c.is_saturated:
        return None
    return ratio(_deliveries(c, c.start_at + c.period_s / 2), c.period_s / 2)


def provider_utilisation(c: Counted) -> Value:
    """Slots are held from send to answer; a 429 holds none, and a call without an answer holds its slot to the end of the run."""
    calls, log = c.log.calls, c.log
    slots = np.zeros(len(c.scenario.providers))
    for lane, provider in enumerate(c.scenario.providers):
        declared = [limit.n for limit in provider.limits if limit.unit == "concurrency"]
        slots[lane] = min(declared, default=0.0)
    holds = (slots[calls["lane"]] > 0) & ~c.is_rejected
    sent_at, answered_at = calls["sent_at"][holds], np.nan_to_num(calls["answered_at"][holds], nan=log.ended_at)
    held_s = np.minimum(answered_at, c.end_at) - np.maximum(sent_at, c.start_at)
    return ratio(np.maximum(held_s, 0.0).sum(), slots.sum() * c.period_s)


def _by_class() -> Iterator[Kpi]:
    """Times and promises, for all requests and for each priority."""
    for suffix, urgency in CLASSES.items():
        who = f" of {suffix[1:]} requests" if suffix else ""
        text = f"Mean time from arrival to delivery{who}, over delivered requests."
        yield Kpi(f"mean_latency_s{suffix}", "s", text, partial(mean_latency_s, urgency=urgency), "mean")
        for percent in (50, 95, 99):
            text = (
                f"Time from arrival to delivery{who} that {percent} % of delivered requests do not exceed: the ceil({percent / 100:g} n)-th smallest."
            )
            yield Kpi(f"p{percent}_latency_s{suffix}", "s", text, partial(latency_quantile_s, urgency=urgency, percent=percent), "quantile")
        text = f"Mean time from arrival to first send{who}, over requests that were sent."
        yield Kpi(f"mean_wait_s{suffix}", "s", text, partial(mean_wait_s, urgency=urgency), "mean")
        text = f"Time from arrival to first send{who} that 95 % of the requests that were sent do not exceed: the ceil(0.95 n)-th smallest."
        yield Kpi(f"p95_wait_s{suffix}", "s", text, partial(wait_quantile_s, urgency=urgency, percent=95), "quantile")
        text = f"Requests{who} delivered by their deadline with the right content, over all{who}; failed, refused, cancelled, pending and wrong miss."
        yield Kpi(f"sla_compliance{suffix}", "fraction", text, partial(sla_compliance, urgency=urgency), "ratio")


OUTCOMES = (
    Kpi("n_requests", "requests", "Counted requests: those of the study that arrive in [warm-up, horizon). "
        "n_requests = n_delivered + n_failed + n_refused + n_cancelled + n_pending.", lambda c: c.n),
    Kpi("n_delivered", "requests", "Requests to which content was delivered: exact hits + near-duplicate hits + coalesced + provider-served.",
        ended(*DELIVERED)),
    Kpi("n_exact_hits", "requests", "Requests answered from a cache tier with the very content they asked for.",
        ended(*EXACT)),
    Kpi("n_near_duplicate_hits", "requests", "Requests answered from the cache with content whose wording is nearly theirs.", ended(NEAR)),
    Kpi("n_coalesced", "requests", "Requests that joined work already under way for the same content.", ended(JOINED)),
    Kpi("n_provider_served", "requests", "Requests whose own item a provider's call delivered.", ended(SERVED)),
    Kpi("n_failed", "requests", "Requests taken on and given up.", ended(FAILED)),
    Kpi("n_refused", "requests", "Requests never taken on.", ended(REFUSED)),
    Kpi("n_cancelled", "requests", "Requests taken back by whoever made them.", ended(CANCELLED)),
    Kpi("n_pending", "requests", "Requests unfinished when the run ended.", ended(PENDING)),
)  # fmt: skip

CAPACITY = (
    Kpi("budget_utilisation", "fraction", "Fullest budget window that overlaps the counted period, of all that are set: booked dollars over the "
        "limit; a call is booked in the window in which it is sent. Null without a budget.", budget_utilisation, "extreme"),
    Kpi("error_rate", "fraction", "(Failed + refused) over all requests.", error_rate, "ratio"),
    Kpi("attempt_error_rate", "fraction", "Attempts that ended in an error over all attempts.", attempt_error_rate, "ratio"),
    Kpi("throughput_per_s", "requests/s", "Deliveries in the counted period over its length.", throughput_per_s, "ratio"),
    Kpi("capacity_per_s", "requests/s", "Deliveries per second of the second half of a saturated run; null for any other, which does not show what "
        "the lanes could take.", capacity_per_s, "ratio"),
    Kpi("provider_utilisation", "fraction", "Slot-seconds in use over (declared concurrency x counted period), over the lanes that declare one; null "
        "when none does.", provider_utilisation, "ratio"),
)  # fmt: skip

TIMES = tuple(_by_class())
