"""Whether losing a request could look cheaper than making it: what the traffic's contents cost against what the SLA says a loss costs.

It knows prepared requests and the SLA; no run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sbsim.records import PRIORITIES, Content
from sbsim.scenario import Sla
from sbsim.units import to_nano, to_usd


def cheap_losses(sla: Mapping[int, Sla], urgency: NDArray[np.int8], content_index: NDArray[np.int64], contents: Sequence[Content]) -> Iterator[str]:
    """A sentence for each priority whose `lost` is below individual cost + penalty of some request: settings that drop it would seem to save.

    Parameters
    ----------
    sla : by urgency. urgency, content_index : (n,) of each request. contents : by serial.
    """
    for name, number in PRIORITIES.items():
        promise = sla[number]
        mine = content_index[urgency == number] if promise.lost is not None else content_index[:0]
        if promise.lost is None or not mine.size:
            continue
        own, of_each = np.unique(mine, return_counts=True)
        worth = np.array([contents[serial].individual_nano for serial in own.tolist()], dtype=np.int64) + to_nano(promise.penalty)
        n_cheap = int(of_each[worth > to_nano(promise.lost)].sum())
        if n_cheap:
            most = f"{to_usd(int(worth.max())):.10g}"
            yield (
                f"sla.{name}.lost: ${promise.lost:.10g} is less than individual cost + penalty (up to ${most}) of {n_cheap:,} of {mine.size:,} "
                f"{name} requests, so dropping them looks cheaper than serving them; try {most} or more, or none: 2 x individual cost + penalty"
            )
