"""What it costs, against what it would cost without the layer. Whole nano-dollars until the last step.

Owns the dollar KPIs. Knows the counted columns and their attribution; no latency, no mechanism.
"""

from __future__ import annotations

import numpy as np

from sbsim.measure.counted import Counted
from sbsim.measure.kpis.kpi import Kpi, Value, ratio
from sbsim.units import to_usd


def provider_cost_usd(c: Counted) -> float:
    return to_usd(int(c.item_nano[c.is_counted_item].sum()))


def uncounted_cost_usd(c: Counted) -> float:
    return to_usd(int(c.item_nano[~c.is_counted_item].sum()) + c.idle_nano)


def tier_cost_usd(c: Counted) -> float:
    """The memory tier is the batcher's own memory: nobody rents it out."""
    return to_usd(c.tier_nano)


def penalty_cost_usd(c: Counted) -> float:
    return to_usd(int(c.late_nano.sum()) + int(c.lost_nano.sum()))


def false_reuse_cost_usd(c: Counted) -> float:
    return to_usd(int(c.false_reuse_nano.sum()))


def total_cost_usd(c: Counted) -> float:
    return provider_cost_usd(c) + tier_cost_usd(c) + penalty_cost_usd(c) + false_reuse_cost_usd(c)


def individual_cost_usd(c: Counted) -> float:
    return to_usd(int(c.individual_nano.sum()))


def savings_usd(c: Counted) -> float:
    return individual_cost_usd(c) - total_cost_usd(c)


def savings_fraction(c: Counted) -> Value:
    return ratio(savings_usd(c), individual_cost_usd(c))


def output_minutes(c: Counted) -> float:
    return float(c.duration_s[c.is_delivered].sum()) / 60


def n_jobs(c: Counted) -> int:
    return len(np.unique(c.job[c.job >= 0]))


def cost_per_request_usd(c: Counted) -> Value:
    return ratio(total_cost_usd(c), c.n)


def cost_per_output_minute_usd(c: Counted) -> Value:
    return ratio(total_cost_usd(c), output_minutes(c))


def cost_per_job_usd(c: Counted) -> Value:
    return ratio(total_cost_usd(c), n_jobs(c))


MONEY = (
    Kpi("provider_cost_usd", "dollars", "Bills attributed to counted requests: a call's fixed parts equally over its items, item parts to theirs; "
        "a hit and a coalesced request pay nothing, whoever paid and whenever. A plan (fee, and use beyond what it includes) by the shares in the "
        "calls of each period.", provider_cost_usd),
    Kpi("uncounted_cost_usd", "dollars", "The rest of the providers' ledger: what requests outside the counted period pay, and plans "
        "while nothing is sent.", uncounted_cost_usd),
    Kpi("tier_cost_usd", "dollars", "Lower cache tiers: fees of what counted requests asked and stored, rent of the bytes held meanwhile.",
        tier_cost_usd),
    Kpi("penalty_cost_usd", "dollars", "Penalties of late deliveries (`penalty`, and `penalty_per_minute` past the deadline) and `lost` of failed, "
        "refused and unfinished requests (default: 2 x individual cost + penalty).", penalty_cost_usd),
    Kpi("false_reuse_cost_usd", "dollars", "Wrong reuses times their price (default: individual cost + penalty).", false_reuse_cost_usd),
    Kpi("total_cost_usd", "dollars", "provider_cost_usd + tier_cost_usd + penalty_cost_usd + false_reuse_cost_usd.", total_cost_usd),
    Kpi("individual_cost_usd", "dollars", "Price list when it arrives: each counted request alone on its cheapest real-time lane, fee, set-up and "
        "minimum included; no plan, failure, queue, penalty or cache.", individual_cost_usd),
    Kpi("savings_usd", "dollars", "individual_cost_usd - total_cost_usd.", savings_usd),
    Kpi("savings_fraction", "fraction", "savings_usd over individual_cost_usd.", savings_fraction, "ratio", "savings_usd", "individual_cost_usd"),
    Kpi("cost_per_request_usd", "dollars/request", "total_cost_usd over n_requests.", cost_per_request_usd, "ratio", "total_cost_usd", "n_requests"),
    Kpi("output_minutes", "min", "Minutes of content delivered.", output_minutes),
    Kpi("cost_per_output_minute_usd", "dollars/min", "total_cost_usd over output_minutes.", cost_per_output_minute_usd, "ratio",
        "total_cost_usd", "output_minutes"),
    Kpi("n_jobs", "jobs", "Distinct job ids among the counted requests.", n_jobs),
    Kpi("cost_per_job_usd", "dollars/job", "total_cost_usd over n_jobs; null where no request names a job.", cost_per_job_usd, "ratio",
        "total_cost_usd", "n_jobs"),
)  # fmt: skip
