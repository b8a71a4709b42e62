"""What became of a budget: how full its windows were, when they were exhausted, whether they were exceeded, and whom they held up.

Owns the sums over a budget's windows, rolling and calendar, and their summary over replications. It knows the run log and the settings; nothing of
how the budget decides: what is booked here are the bills of the calls that were sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.config import BudgetWindow
from sbsim.measure.counted import Counted
from sbsim.measure.intervals import Estimate, mean_estimate, share_interval
from sbsim.records import URGENT
from sbsim.scenario import Scenario, is_divided
from sbsim.units import NANO, to_nano

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUANTILES = {"first": 0.0, "p10": 0.1, "p50": 0.5, "p90": 0.9}
"""Of the time of exhaustion: in this share of the replications a window was exhausted by then."""


@dataclass(frozen=True, slots=True)
class BudgetRun:
    """One replication's budget.

    Attributes
    ----------
    utilisation : per window, booked over limit of the fullest that overlaps the counted period; None for a limit of 0 nano-dollars.
    overshoot_usd : per window, dollars booked beyond the limit in the fullest window of the whole run, 0 where there are none.
    exhausted_at : per window, the first instant at which it had no room for a call that wanted to go (inf: never), seconds; a call that not even the
    empty window could pay for is such a call.
    n_held, n_turned_away, n_urgent, n_urgent_held, n_urgent_turned_away : counted requests whose call a window ever held, those turned away for good
    (KPIs count the ones already taken on as failed, the others as refused), urgent ones, and those of them that were held or turned away.
    n_never_affordable, n_unbounded : of those turned away, the ones whose call some window could not pay for however empty, and those that a hard
    window cannot take since nothing bounds what they cost; the rest found their window spent (`on_spent: refuse`).
    dearest_usd : list price of the dearest request that was never affordable, dollars; 0.0 without one.
    """

    utilisation: tuple[float | None, ...]
    overshoot_usd: tuple[float, ...]
    exhausted_at: tuple[float, ...]
    n_held: int
    n_turned_away: int
    n_urgent: int
    n_urgent_held: int
    n_urgent_turned_away: int
    n_never_affordable: int = 0
    n_unbounded: int = 0
    dearest_usd: float = 0.0


def budget_run(c: Counted) -> BudgetRun | None:
    """What became of the budget in one run; None without one."""
    windows = c.scenario.config.budget.in_force
    if not windows:
        return None
    by_reason = {reason: _counted(c, serials) for reason, serials in c.log.unaffordable.items()}
    held, turned_away = _counted(c, c.log.held_by_budget), np.concatenate(list(by_reason.values()))
    never = by_reason["never_affordable"]
    most = [_fullest(c, window, -inf, inf) - to_nano(window.limit) for window in windows]
    return BudgetRun(
        utilisations(c, c.start_at, c.end_at),
        tuple(max(over, 0) / NANO for over in most),
        c.log.exhausted_at,
        len(held),
        len(turned_away),
        int(np.count_nonzero(c.urgency == URGENT)),
        int(np.count_nonzero(c.urgency[held] == URGENT)),
        int(np.count_nonzero(c.urgency[turned_away] == URGENT)),
        len(never),
        len(by_reason["no_bound"]),
        float(c.individual_nano[never].max(initial=0)) / NANO,
    )


def utilisations(c: Counted, start_at: float, end_at: float) -> tuple[float | None, ...]:
    """Per window of the budget: booked over limit of the fullest that overlaps [start_at, end_at), seconds; None for a limit of 0 nano-dollars."""
    limits_nano = [(window, to_nano(window.limit)) for window in c.scenario.config.budget.in_force]
    return tuple(_fullest(c, window, start_at, end_at) / limit_nano if limit_nano else None for window, limit_nano in limits_nano)


def budget_document(windows: Sequence[BudgetWindow], runs: Sequence[BudgetRun]) -> dict[str, Any]:
    """The replications' budgets as plain values: per window how full, when exhausted, how often exceeded; and whom it held up."""
    return {
        "windows": [_window_document(k, window, runs) for k, window in enumerate(windows)],
        "exhausted": _exhaustion([min(run.exhausted_at, default=inf) for run in runs]),
        **{
            name: mean_estimate([float(getattr(run, name)) for run in runs]).to_plain()
            for name in ("n_held", "n_turned_away", "n_never_affordable", "n_unbounded", "n_urgent_held", "n_urgent_turned_away")
        },
        "urgent_turned_away_share": _share([run.n_urgent_turned_away for run in runs], [run.n_urgent for run in runs]).to_plain(),
    }


def by_list(scenario: Scenario) -> list[str]:
    """What is to be said of a budget that counts less, or more, than is owed; a sentence at most."""
    names = [spec.name for spec in scenario.providers if any(price.plan is not None for _, price in spec.prices)]
    if not names or not scenario.config.budget.in_force:
        return []
    return [f"budget: it counts bills by the price list; of {', '.join(names)} neither a plan's fee nor what the plan includes is taken off or added"]


def unpayable(scenario: Scenario, runs: Sequence[BudgetRun], n_requests: int) -> list[str]:
    """What is to be said of requests that the budget could never have paid for, of `n_requests` in all replications; a sentence each."""
    config = scenario.config
    n_never, n_unbounded = (sum(getattr(run, name) for run in runs) for name in ("n_never_affordable", "n_unbounded"))
    said = []
    if n_never:
        dearest_usd = max(run.dearest_usd for run in runs)
        less_kept = ", or a smaller reserve_urgent" if config.budget.reserve_urgent else ""
        less_divided = ", or a tier that the instances share (cache.redis_url)" if is_divided(config, scenario.instances.n) else ""
        said.append(
            f"budget: even an empty window has no room for the calls of {n_never:,} of {n_requests:,} requests (list price up to "
            f"${dearest_usd:.4g}), so they fail at once; try a higher limit{less_kept}{less_divided}"
        )
    if n_unbounded:
        said.append(
            f"budget: {n_unbounded:,} of {n_requests:,} requests are refused, since nothing bounds what they cost and a hard window reserves the "
            "most; try max_units_out, or budget.kind: soft"
        )
    return said


# -- one window ------------------------------------------------------------------------------------------------------------------
def _fullest(c: Counted, window: BudgetWindow, start_at: float, end_at: float) -> int:
    """Nano-dollars booked in the fullest window that overlaps [start_at, end_at)."""
    calls = c.log.calls
    order = np.argsort(calls["sent_at"], kind="stable")
    sent_at, bill_nano = calls["sent_at"][order], calls["bill_nano"][order]
    offset_s = window.offset_s(c.traffic.epoch_at if window.resets != "rolling" else 0.0)
    if offset_s is None:
        return _fullest_rolling(sent_at, bill_nano, window.window, start_at, end_at)
    return _fullest_calendar(sent_at, bill_nano, window.window, offset_s, start_at, end_at)


def _fullest_rolling(sent_at: Floats, bill_nano: Ints, width_s: float, start_at: float, end_at: float) -> int:
    """Of the windows (t - W, t] with t >= start and t - W < end; their sums can only peak where a call was sent, or at the start."""
    booked = np.concatenate(([0], np.cumsum(bill_nano)))
    ends = np.append(sent_at[(sent_at >= start_at) & (sent_at < end_at + width_s)], start_at)
    # A call leaves the window at sent_at + W: the same sum as the budget itself keeps, so that no rounding moves a call across the edge.
    n_in, n_out = (np.searchsorted(edge, ends, side="right") for edge in (sent_at, sent_at + width_s))
    return int((booked[n_in] - booked[n_out]).max())


def _fullest_calendar(sent_at: Floats, bill_nano: Ints, width_s: float, offset_s: float, start_at: float, end_at: float) -> int:
    """Of the windows [offset + k W, offset + (k + 1) W) that overlap [start, end); k by the same division as the budget's own."""
    index = np.floor((sent_at - offset_s) / width_s)
    first, last = np.floor((start_at - offset_s) / width_s), np.ceil((end_at - offset_s) / width_s)
    mine = (index >= first) & (index < last)
    if not mine.any():
        return 0
    _, of_window = np.unique(index[mine], return_inverse=True)
    sums = np.zeros(int(of_window.max()) + 1, dtype=np.int64)
    np.add.at(sums, of_window, bill_nano[mine])
    return int(sums.max())


def _window_document(k: int, window: BudgetWindow, runs: Sequence[BudgetRun]) -> dict[str, Any]:
    overshoots = [run.overshoot_usd[k] for run in runs]
    n_over = sum(over > 0 for over in overshoots)
    low, high = share_interval(n_over, len(runs))
    is_certain = window.kind == "hard" and not n_over  # by construction, however few the replications
    return {
        "limit_usd": window.limit,
        "window_s": window.window,
        "resets": window.resets,
        "kind": window.kind,
        "utilisation": mean_estimate([run.utilisation[k] for run in runs]).to_plain(),
        "exhausted": _exhaustion([run.exhausted_at[k] for run in runs]),
        "overshoot": {
            "probability": n_over / len(runs),
            "low": low,
            "high": 0.0 if is_certain else high,
            "worst_usd": max(overshoots),
            "mean_usd": sum(overshoots) / len(runs),
        },
    }


def _exhaustion(instants: Sequence[float]) -> dict[str, float | None]:
    """Share of the replications in which it came to that, and by when in which share of all of them (null: not within the run), seconds."""
    ordered = sorted(instants)
    by = {name: ordered[max(ceil(q * len(ordered)), 1) - 1] for name, q in QUANTILES.items()}
    share = sum(at < inf for at in ordered) / len(ordered)
    return {"share": share, **{f"{name}_at_s": at if at < inf else None for name, at in by.items()}}


def _share(parts: Sequence[int], wholes: Sequence[int]) -> Estimate:
    return mean_estimate([part / whole if whole else None for part, whole in zip(parts, wholes, strict=True)])


def _counted(c: Counted, serials: Ints) -> Ints:
    """Positions among the counted requests of those of `serials` that are counted."""
    return serials[(serials >= c.first) & (serials < c.first + c.n)] - c.first
