"""Today's settings of a draft, its promises and what may vary: chosen so that the baseline is not saturated, by what its lanes are offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from sbsim.documents.commented import Noted
from sbsim.overview import LaneLoad, Overview
from sbsim.units import format_duration

_ROOM = 0.8
"""Share of a limit that the fullest minute of a sane baseline may take."""
_FEWEST_REPEATS = 0.005
_TIMES_S = (1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_ASSUMED = "an assumption"
_COUNTS = (4, 5, 8, 10, 16, 20, 32, 50, 64, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Loads:
    """What a baseline is made of: the lanes of an overview without limits of our own, with how full the fullest minute is."""

    lanes: tuple[LaneLoad, ...]
    peak: float
    repeats: float
    max_items: int
    """Requests that a call can hold on some lane, 1 where none takes several."""

    @classmethod
    def of(cls, view: Overview) -> Loads:
        """By the overview of a scenario whose batches are as large as calls can be."""
        return cls(view.lanes, max(1.0, view.traffic.fullest_minute or 1.0), view.traffic.repeats, max(lane.most_per_call for lane in view.lanes))

    @property
    def slow_call_s(self) -> float:
        """Seconds within which 90 % of calls end on the slowest lane that is used."""
        return max((lane.slow_call_s for lane in self.lanes if lane.share), default=1.0)

    @property
    def individual_usd(self) -> float:
        """Dollars of a request alone, on average."""
        return sum(lane.share * lane.individual_usd for lane in self.lanes)


def assumed_concurrency(lane: LaneLoad, peak: float) -> int:
    """Calls at once that a provider is assumed to take where nobody says: twice what the fullest minute needs with one request a call."""
    needed = 2 * peak * lane.calls_alone_per_s * lane.call_alone_s
    return next((count for count in _COUNTS if count >= needed), ceil(needed))


def batch_size(loads: Loads) -> int:
    """The least power of two whose fullest minute leaves room under every limit of the providers; all that fits a call where none does."""
    size = 1
    while size < loads.max_items and not all(_has_room(lane, size, loads.peak) for lane in loads.lanes):
        size *= 2
    return min(size, loads.max_items)


def _has_room(lane: LaneLoad, size: int, peak: float) -> bool:
    """Whether calls of `size` requests fit the provider's limits in the fullest minute, as far as larger calls would help."""
    n = min(size, lane.most_per_call)
    for limit in lane.limits:
        if limit.whose == "ours" or limit.full >= limit.alone:
            continue
        offered = limit.alone if n == 1 else limit.full * lane.most_per_call / n  # calls of n are no longer than full ones
        if peak * offered > _ROOM * limit.capacity:
            return False
    return True


def config_section(loads: Loads, size: int, concurrency: int) -> dict[str, Any]:
    """Today's settings."""
    if loads.max_items == 1:
        batching = Noted({"max_batch_size": 1, "max_wait": "0s"}, "calls take one request: waiting for company would only cost time")
    elif size == 1:
        batching = Noted({"max_batch_size": 1, "max_wait": "0s"}, f"{_ASSUMED}: every request is sent alone today; the search tries batches")
    else:
        batching = Noted({"max_batch_size": size, "max_wait": _time(loads.slow_call_s / 4)}, f"{_ASSUMED}: smaller calls would saturate the limits")
    cache: Any = {"memory_size": 1000, "ttl": "1h"}
    if loads.repeats <= _FEWEST_REPEATS:
        cache = Noted({"memory_size": 0}, "nothing, or hardly anything, is asked for twice")
    return {
        "batching": batching,
        "rate_limit": Noted({"concurrency": concurrency, "batch_pacing_interval": "0s"}, f"{_ASSUMED}: up to what the providers take"),
        "cache": cache,
    }


def search_section(loads: Loads, concurrency: int, deadline_s: float, *, has_batch_lane: bool) -> dict[str, Any]:
    """Settings that may vary; at least one."""
    knobs: dict[str, Any] = {}
    if has_batch_lane:
        knobs["routing.batch_lane"] = Noted({"choices": ["never", "slack"]}, "whether what can wait for the batch lane takes it")
        knobs["batching.max_batch_size"] = Noted({"choices": [1, 10, 50, 200]}, "requests in a file; the real-time lane takes them as its calls do")
        knobs["batching.max_wait"] = {"choices": ["0s", "30s", "2min", "10min"]}
    elif loads.max_items > 1:
        knobs["batching.max_batch_size"] = {"low": 1, "high": loads.max_items}
        high_s = max(1.0, min(deadline_s / 3, 1800.0))
        knobs["batching.max_wait"] = {"low": format_duration(min(1.0, high_s / 10)), "high": _time(high_s), "log": True}
    if loads.repeats > _FEWEST_REPEATS:
        knobs["cache.ttl"] = {"low": "10min", "high": "24h", "log": True}
        knobs["cache.memory_size"] = {"choices": [100, 1000, 10000]}
    if not knobs:
        needed = max((lane.calls_alone_per_s * lane.call_alone_s for lane in loads.lanes), default=1.0)
        low = min(max(1, ceil(1.2 * needed)), max(1, concurrency - 1))
        knobs["rate_limit.concurrency"] = Noted(
            {"low": low, "high": max(concurrency, low + 1)}, "nothing repeats and calls take one request: little to gain"
        )
    return knobs


def sla_section(loads: Loads, priorities: Mapping[str, float], deadlines: Mapping[str, str]) -> dict[str, Any]:
    """Promises of every priority that occurs."""
    usd = loads.individual_usd
    assumed = {"urgent": (3 * loads.slow_call_s, 2 * usd), "normal": (10 * loads.slow_call_s, usd / 2), "background": (86400.0, 0.0)}
    section = {}
    for name, share in priorities.items():
        if not share and name not in deadlines:
            continue
        seconds, penalty = assumed[name]
        deadline = deadlines.get(name) or _time(seconds)
        given = "deadline as given; the penalty is an assumption" if name in deadlines else _ASSUMED
        section[name] = Noted({"deadline": deadline, "penalty": float(f"{penalty:.1g}")}, f"{given}: dollars for a delivery past its deadline")
    return section


def concurrency_of(limits: Sequence[Mapping[str, Any]], assumed: int) -> int:
    """Calls at once that a provider's limits allow, or else `assumed`."""
    return min([int(limit["concurrency"]) for limit in limits if "concurrency" in limit] or [assumed])


def _time(seconds: float) -> str:
    """A round time, `seconds` or a little more."""
    return format_duration(next((time for time in _TIMES_S if time >= seconds), ceil(seconds / 86400) * 86400))
