"""Whether what a priority is promised can be kept: its deadline against the time that calls take."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from sbsim.overview.lanes import LaneLoad, lane_of
from sbsim.records import PRIORITIES
from sbsim.scenario import Scenario
from sbsim.workload import Prepared

IN_TIME, IN_TIME_AT_ONCE, OFTEN_LATE, LATE, NONE = "in time", "in time if sent at once", "late in more than 1 of 10", "late", "no deadline"


@dataclass(frozen=True)
class Promise:
    """A priority's deadline (seconds; None: none, the mean where requests bring their own) and what stands against it.

    `share` of the requests have the priority. `call_s` is the mean of their calls when full, `slow_call_s` what 90 % of calls take at most, on the
    slowest lane of the priority; `wait_s` is how long settings let a request wait for company. `prospect`: one of the words of this module.
    """

    priority: str
    share: float
    deadline_s: float | None
    penalty_usd: float
    wait_s: float
    call_s: float
    slow_call_s: float
    prospect: str


def promises(prepared: Prepared, scenario: Scenario, lanes: tuple[LaneLoad, ...]) -> tuple[Promise, ...]:
    """Of every priority that the traffic has."""
    lane_by_content = np.array([lane_of(content, scenario.providers) for content in prepared.contents], dtype=np.int64)
    made = []
    for name, number in PRIORITIES.items():
        rows = prepared.urgency == number
        if not rows.any():
            continue
        used = [lanes[k] for k in np.unique(lane_by_content[prepared.content_index[rows]])]
        deadline_s = float(np.mean((prepared.deadline_at - prepared.arrived_at)[rows]))
        wait_s = scenario.config.batching.max_wait if scenario.config.batching.max_batch_size > 1 else 0.0  # also where calls then take one each
        call_s, slow_s = max(lane.call_full_s for lane in used), max(lane.slow_call_s for lane in used)
        made.append(
            Promise(
                priority=name,
                share=float(rows.mean()),
                deadline_s=None if deadline_s == inf else deadline_s,
                penalty_usd=scenario.sla[number].penalty,
                wait_s=wait_s,
                call_s=call_s,
                slow_call_s=slow_s,
                prospect=_prospect(deadline_s, wait_s, call_s, slow_s),
            )
        )
    return tuple(made)


def _prospect(deadline_s: float, wait_s: float, call_s: float, slow_s: float) -> str:
    """Before queues: what waiting for company and the calls' own time leave of the deadline."""
    if deadline_s == inf:
        return NONE
    if wait_s + slow_s <= deadline_s:
        return IN_TIME
    if slow_s <= deadline_s:
        return IN_TIME_AT_ONCE
    return OFTEN_LATE if call_s <= deadline_s else LATE
